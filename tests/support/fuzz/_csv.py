# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSV: reading by blocks and columns gives the same result as a simple loop over Python's csv module."""

from __future__ import annotations

import csv
import io
import ipaddress
from datetime import datetime
from typing import Any, NamedTuple
from unittest import mock

from ansible_collections.secops.xdr.plugins.module_utils._vpn_log import source as _source

from support.fuzz._draw import Draw
from support.fuzz._logs import LONG_AGO, scratch_file
from support.fuzz._times import UTC
from support.log_reading import began, read_log

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_ADDRESS = ("", "0.0.0.0", "::", "(null)")
_COLUMNS = ("ipaddr", "associated_ipaddr", "day", "time", "user", "remark")
_ADDRESSES = ("10.8.0.2", "10.8.0.3", "2001:db8::2", "203.0.113.5", "", "0.0.0.0", "::", "10.8.0", "999.1.1.1", "10.8.0.4 ", "name")
_DAYS = ("01/05/24", "12/31/23", "02/29/24", "02/30/24", "", "1/5/24", "01-05-24")
_TIMES = ("10:00:00", "23:59:59", "00:00:00", "24:00:00", "9:00:00", "10:00", "")
_FREE = ("", "alice", "b, c", "two\nlines", 'a "quoted" word', "\n\n", ";", "é", '"')


class _Expected(NamedTuple):
    sessions: list[tuple[int, str, str, int, str]]
    skipped: list[int]
    rejected: list[int]


def csv_rows(data: bytes) -> None:
    """A CSV file that a writer wrote in one of the ways that writers have, with some rows too short and some too long."""
    draw = Draw(data)
    delimiter = draw.pick((",", ";", "\t", "|"))
    order = list(_COLUMNS)
    for _time in range(draw.number(6)):
        order.append(order.pop(draw.number(len(order) - 1)))
    text = _written(draw, delimiter, order)
    columns = {
        "ipaddr": "ipaddr",
        "associated_ipaddr": "associated_ipaddr",
        "timestamp": draw.pick(("{day} {time}", ["day", "time"])),
        "username": "user",
    }
    path = scratch_file()
    path.write_bytes(text.encode())
    expected = _naive(text, delimiter)
    for block_bytes in (_source.BLOCK_BYTES, 16 + draw.number(400)):
        with mock.patch.multiple(_source, BLOCK_BYTES=block_bytes, FINISHED_AFTER_SECONDS=LONG_AGO):
            options: dict[str, Any] = {"delimiter": delimiter, "columns": columns, "on_invalid": "skip"}
            if not any(expected):
                continue
            read = read_log(path, "csv", **options)
        found = [(row.line, row.ipaddr, row.associated_ipaddr, began(row), row.username) for row in read.observations]
        assert sorted(found) == expected.sessions
        assert sorted(read.skipped) == expected.skipped
        assert sorted(row.line for row in read.rejected) == expected.rejected


def _written(draw: Draw, delimiter: str, order: list[str]) -> str:
    choices = {"ipaddr": _ADDRESSES, "associated_ipaddr": _ADDRESSES, "day": _DAYS, "time": _TIMES, "user": _FREE, "remark": _FREE}
    target = io.StringIO()
    quoting = draw.pick((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    writer = csv.writer(target, delimiter=delimiter, quoting=quoting, lineterminator=draw.pick(("\n", "\r\n")))
    writer.writerow(order)
    for _row in range(draw.number(9)):
        row = [draw.pick(choices[name]) if draw.flag() else choices[name][0] for name in order]
        if draw.flag(8):
            row = row[: draw.number(len(row))] or [""]
        elif draw.flag(8):
            row.append("more")
        writer.writerow(row)
    return target.getvalue() if draw.flag() else target.getvalue().rstrip("\r\n")


def _naive(text: str, delimiter: str) -> _Expected:
    """Row by row, with what the standard library has foreverything."""
    lines = iter(text.split("\n"))
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
    names = next(reader)
    needed = {name: names.index(name) for name in _COLUMNS[:5]}
    expected = _Expected([], [], [])
    begins = reader.line_num + 1
    for row in reader:
        line, begins = begins, reader.line_num + 1
        if not row:
            continue
        if len(row) != len(names):
            expected.rejected.append(line)
            continue
        values = {name: row[place] for name, place in needed.items()}
        try:
            inside, outside = (_address(values[name]) for name in _COLUMNS[:2])
            moment = datetime.strptime(f"{values['day']} {values['time']}".strip(), "%m/%d/%y %H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            outcome = expected.skipped if _is_without_address(values) else expected.rejected
            outcome.append(line)
            continue
        if inside is None or outside is None:
            expected.skipped.append(line)
        else:
            milliseconds = int((moment - _EPOCH).total_seconds()) * 1000
            expected.sessions.append((line, inside, outside, milliseconds, values["user"]))
    expected.sessions.sort()
    return expected


def _is_without_address(values: dict[str, str]) -> bool:
    """A row without an address needs no time; but a bad address comes first."""
    try:
        return None in [_address(values[name]) for name in _COLUMNS[:2]]
    except ValueError:
        return False


def _address(text: str) -> str | None:
    return None if text.strip() in _NO_ADDRESS else str(ipaddress.ip_address(text.strip()))
