# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work of the vendor's example script, rewritten: the whole log into memory, and one request.

Reads `LOG SOURCE`, with host, key and certificate authority from the variables that the modules read.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time

import requests


def epoch_seconds(text: str) -> int:
    """A time of the log, in the zone of this host."""
    return int(time.mktime(time.strptime(text, "%m/%d/%y %H:%M:%S")))


def read_log(path: str) -> list[dict[str, str | int]]:
    """Every row as an observation."""
    with open(path, encoding="ascii") as file:
        rows = csv.reader(file)
        header = next(rows)
        return [
            {
                "associated_ipaddr": row[header.index("Real IP")],
                "ipaddr": row[header.index("VPN IP")],
                "timestamp": epoch_seconds(row[header.index("Start Time")]),
            }
            for row in rows
        ]


def upload(observations: list[dict[str, str | int]], source: str) -> int:
    """Sends everything at once and returns the status of the answer."""
    answer = requests.post(
        f"https://{os.environ['EXTRAHOP_HOST']}/api/v1/observations/associatedipaddrs",
        headers={
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Authorization": f"ExtraHop apikey={os.environ['EXTRAHOP_API_KEY']}",
        },
        data=json.dumps({"observations": observations, "source": source}),
        verify=os.environ["EXTRAHOP_CA_PATH"],
    )
    print(answer.status_code, answer.text)
    return answer.status_code


if __name__ == "__main__":
    sys.exit(upload(read_log(sys.argv[1]), sys.argv[2]) != 202)
