# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost of `match` of vpn_session_info compared with the reading of an upload, in time and memory, for each log format.

Run it with `.venv/bin/python benchmarks/sessions.py` after `make venv`; `--rows 50000` is a short run. It prints Markdown.
Each measurement is made in a separate process, reading and matching in turn, and the best of each counts. Times are processor times, which
depend less on other programs; nothing here waits for anything but the file.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST = 1_700_000_000
ADDRESSES = 20_000
USERS = 5_000
SECONDS_BETWEEN = 7
HIGHEST_RATIO = 2.0
HIGHEST_RATIO_OF_CSV = 6.0
"""An upload reads CSV by column; sessions are told apart row by row."""
HIGHEST_MIB = 100
GLOBALPROTECT = (
    "1,{clock:%Y/%m/%d %H:%M:%S},0131,GLOBALPROTECT,0,2305,{clock:%Y/%m/%d %H:%M:%S},vsys1,gateway-connected,tunnel,,IPSec,{user},DE,PC,"
    '{outside},0.0.0.0,{inside},0.0.0.0,id,SER,5.2.4,Windows,"Windows 10 Pro , 64-bit",1,,,"",success,,0,user-logon,0,GW1,1,0x0'
)
ASA = (
    "{clock:%b %d %Y %H:%M:%S} fw : %ASA-4-722051: Group <staff> User <{user}> IP <{outside}> IPv4 Address <{inside}> "
    "IPv6 address <::> assigned to session"
)
FORTIGATE = (
    'date={clock:%Y-%m-%d} time={clock:%H:%M:%S} devname="FGT" devid="FG200F" eventtime={at}000000000 tz="+0000" logid="0101039947" '
    'type="event" subtype="vpn" level="information" vd="root" action="tunnel-up" tunneltype="ssl-tunnel" tunnelid=1 remip={outside} '
    'tunnelip={inside} user="{user}" group="staff" msg="SSL tunnel established"'
)
STATUS = "CLIENT_LIST,{user},{outside}:1194,{inside},1,2,{clock:%Y-%m-%d %H:%M:%S},{at}"
KEY = "A" * 43 + "="
LINES: dict[str, tuple[str, str]] = {
    "csv": ("User,Real IP,VPN IP,Start Time\n", "{user},{outside},{inside},{clock:%m/%d/%y %H:%M:%S}"),
    "openvpn_as": (
        "Node,Username,Start Time,Duration,Service,Active,Auth,Real Ip,Vpn Ip,Proto,Port,Bytes Total,Error\n",
        "vpn1,{user},{clock:%Y.%m.%d %H:%M:%S} UTC,3600,VPN,0,1,{outside},{inside},UDP,1194,99,",
    ),
    "globalprotect": ("", GLOBALPROTECT),
    "cisco_asa": ("", ASA),
    "fortigate": ("", FORTIGATE),
    "wireguard": ("", f"wg0\t{KEY}\t{KEY}\t{{outside}}:51820\t{{inside}}/32\t{{at}}\t1\t2\toff"),
    "openvpn_status": (
        "HEADER,CLIENT_LIST,Common Name,Real Address,Virtual Address,Bytes Received,Bytes Sent,Connected Since,Connected Since (time_t)\n",
        STATUS,
    ),
}
"""The head and the line of each format."""


def write_log(path: Path, log_format: str, rows: int) -> None:
    """Write a log in which addresses repeat."""
    head, line = LINES[log_format]
    dice = random.Random(7)
    with path.open("w", encoding="utf-8") as log:
        log.write(head)
        for row in range(rows):
            user, inside, at = dice.randrange(USERS), dice.randrange(ADDRESSES), FIRST + row * SECONDS_BETWEEN
            log.write(
                line.format(
                    user=f"user{user}",
                    outside=f"203.0.{user % 250}.{user % 240 + 1}",
                    inside=f"10.8.{inside // 250}.{inside % 250 + 1}",
                    clock=datetime.fromtimestamp(at, UTC),
                    at=at,
                )
            )
            log.write("\n")


def questions(number: int, rows: int) -> list[dict[str, Any]]:
    """Addresses of the log at any time that it covers."""
    dice = random.Random(8)
    insides = [dice.randrange(ADDRESSES) for _question in range(number)]
    return [
        {"ipaddr": f"10.8.{inside // 250}.{inside % 250 + 1}", "timestamp": FIRST + dice.randrange(rows * SECONDS_BETWEEN)}
        for inside in insides
    ]


def measured(task: dict[str, Any]) -> dict[str, Any]:
    """Runs one task in a separate process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "build" / "dev")}
    command = [sys.executable, str(ROOT / "benchmarks" / "_session_task.py")]
    done = subprocess.run(command, input=json.dumps(task), env=environment, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def rows_of_table(formats: list[str], rows: int, number: int, repeats: int) -> Iterator[dict[str, Any]]:
    """The figures of each format."""
    asked = questions(number, rows)
    with tempfile.TemporaryDirectory() as folder:
        for log_format in formats:
            path = Path(folder, log_format)
            write_log(path, log_format, rows)
            task = {"path": str(path), "format": log_format}
            runs = [(measured({**task, "what": "read"}), measured({**task, "what": "match", "match": asked})) for _time in range(repeats)]
            path.unlink()
            yield {
                "format": log_format,
                "read": min(read["seconds"] for read, _match in runs),
                "match": min(match["seconds"] for _read, match in runs),
                "found": runs[0][1]["found"],
                "mib": max(match["mib"] for _read, match in runs),
            }


def main() -> int:
    """Prints a table; the exit status says whether the bounds are held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--formats", nargs="*", default=list(LINES))
    options = parser.parse_args()
    print(f"{options.rows:,} rows, {options.questions:,} questions\n")
    print("| format | reading (upload) | match | ratio | answered | peak memory |\n|---|---|---|---|---|---|")
    held = True
    for row in rows_of_table(options.formats, options.rows, options.questions, options.repeats):
        ratio = row["match"] / row["read"]
        highest = HIGHEST_RATIO_OF_CSV if row["format"] == "csv" else HIGHEST_RATIO
        held = held and ratio <= highest and row["mib"] <= HIGHEST_MIB
        print(
            f"| {row['format']} | {row['read']:.2f} s | {row['match']:.2f} s | {ratio:.2f} | {row['found']:,} | {row['mib']:.0f} MiB |",
            flush=True,
        )
    print(f"\nBounds (ratio {HIGHEST_RATIO}, for csv {HIGHEST_RATIO_OF_CSV}; {HIGHEST_MIB} MiB): {'held' if held else 'NOT held'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
