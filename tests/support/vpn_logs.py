# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs to upload, and the observations that the vendor's script would have sent for them."""

from __future__ import annotations

import csv
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HEADER = "Real IP,VPN IP,Start Time"
Observation = tuple[str, str, int]


def write_log(path: Path, *lines: str, header: str = HEADER, encoding: str = "utf-8") -> str:
    """A log with this header and these lines."""
    path.write_bytes("".join(f"{line}\n" for line in (header, *lines)).encode(encoding))
    return str(path)


def plain_rows(count: int, start: int = 0) -> list[str]:
    """Rows as the vendor's script expects them, all different, a minute apart."""
    return [plain_row(number) for number in range(start, start + count)]


def plain_row(number: int) -> str:
    """One of the rows; not around a clock change, whatever the zone."""
    hours, minutes = divmod(number, 60)
    day, hour = divmod(hours, 24)
    assert day < 20
    vpn = f"10.8.{number // 250 % 200}.{number % 250 + 1}"
    return f"203.0.113.{number % 250 + 1},{vpn},01/{day + 5:02}/24 {hour:02}:{minutes:02}:07"


def sent_by_vendor_script(path: str) -> set[Observation]:
    """The vendor's time for its CSV: `int(time.mktime(time.strptime(text, '%m/%d/%y %H:%M:%S')))` in the host's zone."""
    with open(path, encoding="ascii", newline="") as file:
        rows = list(csv.reader(file))
    header = rows[0]
    return {
        (
            row[header.index("VPN IP")],
            row[header.index("Real IP")],
            int(time.mktime(time.strptime(row[header.index("Start Time")], "%m/%d/%y %H:%M:%S"))),
        )
        for row in rows[1:]
    }


def received(observations: Iterable[dict[str, Any]]) -> set[Observation]:
    """The observations of an emulator, in the same form."""
    return {(one["ipaddr"], one["associated_ipaddr"], one["timestamp"]) for one in observations}
