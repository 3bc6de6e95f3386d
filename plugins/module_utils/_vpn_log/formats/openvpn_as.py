# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The export of OpenVPN Access Server: CSV with a header and one row for each session or failed login, of every service of the server."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

from ..._addresses import parse_endpoint
from ..._errors import EmptyLogError, InputError
from ..._texts import quoted
from ..._times.parsing import TimestampParser
from ..._times.timestamps import ISO8601, duration_to_milliseconds
from ..columns import check_delimiter, is_above_header, stated_delimiter, width_reason
from ..csv_records import CsvRecords, cells, line_of
from ..reading import LineReader
from ..records import ALIVE, FAILED_LOGIN, NO_ADDRESS, OTHER_SERVICE, REJECTED, SAME_SESSION, SKIPPED, START, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..reading import Reading
    from ..records import RecordBlock

_FORMATS = ("%Y.%m.%d %H:%M:%S %Z", "%Y.%m.%d %H:%M:%S", ISO8601)
_NUMBERED_ZONE = re.compile(r"(\d{4})\.(\d\d)\.(\d\d) (\d\d:\d\d:\d\d) ?([+-]\d\d(?::?\d\d)?)\Z", re.ASCII)
_NEEDED = ("vpn ip", "real ip", "start time", "username")
_VPN = "VPN"


class OpenvpnAsParser:
    """Rows of one export. Columns that this version does not have count as empty."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self.unknown_messages: dict[str, int] = {}
        self.other_programs: dict[str, int] = {}
        self._path = reading.source.path
        self._delimiter = delimiter_of(reading)
        self._times = [TimestampParser(timestamp_format, reading.zone) for timestamp_format in _FORMATS]
        self._columns: list[str] = []

    def records(self, number: int, line: str) -> Iterator[Record]:
        """Returns the records of a row; none for the header and the lines before it."""
        if not self._columns and is_above_header(line):
            return
        try:
            values = cells(line, self._delimiter)
        except ValueError as error:
            if not self._columns:
                raise InputError(f"path: {self._path}, line {number}: {error}.") from error
            yield Record(number, REJECTED, str(error), text=line)
            return
        if not self._columns:
            self._columns = self._header(values)
        elif len(values) != len(self._columns):
            yield Record(number, REJECTED, width_reason(len(values), len(self._columns)), text=line)
        elif [_plain(value) for value in values] != self._columns:
            row = dict(zip(self._columns, values))
            device = row.get("node", "").strip().casefold()
            yield from (record._replace(device=device) for record in self._row(number, row, line))

    def rest(self) -> Sequence[Record]:
        """Returns nothing: each line is complete."""
        return []

    def _header(self, values: list[str]) -> list[str]:
        """Returns the columns; raises InputError if this is not the header of an export."""
        names = [_plain(value) for value in values]
        for name in _NEEDED:
            if names.count(name) != 1:
                listed = ", ".join(quoted(value) for value in values[:20])
                raise InputError(
                    f"path: {self._path} is not an export of OpenVPN Access Server: its first line has no column {name.title()!r}, only "
                    f"{listed}. Check `path` and `format` (and `delimiter`); such an export begins with Node,Username,Start Time."
                )
        self.has_recognised = True
        return names

    def _row(self, number: int, row: Mapping[str, str], line: str) -> Iterator[Record]:
        is_other = row.get("service", "").strip().upper() not in (_VPN, "")
        is_refused = row.get("auth", "").strip() == "0" or bool(row.get("error", "").strip())
        reason = OTHER_SERVICE if is_other else FAILED_LOGIN if is_refused else None
        ipaddr = None
        try:
            ipaddr = _address(row["vpn ip"])
            if ipaddr is None:
                yield Record(number, SKIPPED, reason or NO_ADDRESS)
                return
            time = self._time(row["start time"])
        except ValueError as error:
            time_or_none = self._time_or_none(row["start time"])
            yield Record(number, REJECTED, str(error), row["username"], ipaddr, time=time_or_none, text=line)
            return
        outside = None
        try:
            outside = _address(row["real ip"])
            reason = reason or (None if outside else NO_ADDRESS)
        except ValueError as error:
            reason = reason or str(error)
        is_on = row.get("active", "").strip() == "1"
        duration = duration_to_milliseconds(row.get("duration", ""))
        end = None if is_on or duration is None else time + duration
        shown = line if reason else ""
        yield Record(number, START, reason, row["username"], ipaddr, outside, time, end=end, text=shown)
        if is_on and not is_other and not is_refused:
            # The session was still connected when the export was written.
            yield Record(number, ALIVE, SAME_SESSION, row["username"], ipaddr, outside)

    def _time(self, text: str) -> int:
        numbered = _NUMBERED_ZONE.match(text.strip())
        if numbered:
            # Many zones have no abbreviation; Python uses their offset as the name.
            return self._times[-1].milliseconds("{}-{}-{} {}{}".format(*numbered.groups()))
        for parser in self._times[:-1]:
            try:
                return parser.milliseconds(text)
            except ValueError as error:
                if "match timestamp_format" not in str(error):
                    raise
        return self._times[-1].milliseconds(text)

    def _time_or_none(self, text: str) -> int | None:
        try:
            return self._time(text)
        except ValueError:
            return None


class OpenvpnAsReader(LineReader):
    """Reads exports of the page Log Reports."""

    may_have_no_sessions = True

    def __init__(self, reading: Reading) -> None:
        check_delimiter(reading.delimiter)
        super().__init__(reading, OpenvpnAsParser, "the header of an export of OpenVPN Access Server")
        above = takewhile(is_above_header, filter(str.strip, reading.source.head_lines()))
        self.repeated_lines = 1 + sum(1 for _line in above)

    def lines(self) -> Iterator[tuple[Sequence[int], list[str]]]:
        """Yields rows with the numbers of their first lines: a quoted value may contain line breaks."""
        delimiter = delimiter_of(self.reading)
        for numbers, lines, rows in CsvRecords(self.reading.source, delimiter).blocks():
            yield numbers, lines if lines is not None else [line_of(row, delimiter) for row in rows]

    def records(self) -> Iterator[RecordBlock]:
        """Yields every row; raises EmptyLogError if there is only a header."""
        has_rows = False
        for block in super().records():
            has_rows = has_rows or not block.is_empty
            yield block
        if not has_rows and not self.reading.source.is_entered:
            raise EmptyLogError(
                f"path: {self.reading.source.path} has a header and no rows. If the log was just rotated, run again when it has some; "
                "with `on_invalid: skip`, such a file is not an error."
            )


def delimiter_of(reading: Reading) -> str:
    """Returns the separator in a line such as `sep=;`, otherwise that of the option."""
    return stated_delimiter(reading.source.head_lines()) or reading.delimiter


def _plain(name: str) -> str:
    return name.strip(" \ufeff").replace("_", " ").casefold()


def _address(text: str) -> str | None:
    address = parse_endpoint(text)
    return address.text if address else None
