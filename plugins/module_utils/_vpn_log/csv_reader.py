# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The reader of CSV logs: columns by the names in the header, times from one or several of them.

Whole columns are checked and converted at once. Only rows for which this fails are processed one by one.
"""

from __future__ import annotations

from itertools import compress
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, cast

from .._addresses import address_columns, packed_pairs, parse_address
from .._errors import EmptyLogError, InputError
from .._times.day_month import DayMonthCheck
from .._times.parsing import TimestampParser
from .._times.timestamps import durations_to_milliseconds
from .columns import CsvHeader, check_delimiter, header_in, stated_delimiter, width_reason
from .csv_records import CsvRecords
from .records import NO_ADDRESS, REJECTED, SKIPPED, START, Record, RecordBlock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .._addresses import Address
    from .reading import Reading


class Rows(NamedTuple):
    """Rows as wide as the header, by column, with their lines; and the rows that are not."""

    lines: Sequence[int]
    columns: Sequence[Sequence[str]]
    others: list[Record]

    def values(self, place: int) -> list[str]:
        """One row."""
        return [column[place] for column in self.columns]


class CsvReader:
    """Reads a log of comma-separated values with a header."""

    def __init__(self, reading: Reading) -> None:
        """Raises InputError."""
        check_delimiter(reading.delimiter)
        self._reading = reading
        self._source = reading.source
        self._delimiter = stated_delimiter(reading.source.head_lines()) or reading.delimiter
        self._times = TimestampParser(reading.timestamp_format, reading.zone)
        self._dates = DayMonthCheck(self._times)
        self.unknown_messages: Mapping[str, int] = {}
        self.other_programs: Mapping[str, int] = {}
        self.dates_are_settled = self._dates.is_settled
        """True if day and month are certain in all rows so far, whatever follows."""
        self.repeated_lines: int | None = 1
        """The number of filled lines up to the header, after it was read. None if the header has several lines."""

    def records(self) -> Iterator[RecordBlock]:
        """Every row below the header; raises InputError if the header does not fit the options, EmptyLogError without rows."""
        header: CsvHeader | None = None
        is_empty = True
        self._dates = DayMonthCheck(self._times)
        for numbers, lines, rows in CsvRecords(self._source, self._delimiter).blocks():
            if header is None:
                found = header_in(numbers, lines, rows, self._delimiter, self._header)
                if found is None:
                    continue
                header, filled_lines, below = found
                self.repeated_lines = filled_lines if filled_lines and self._source.has_head(filled_lines, numbers[below - 1]) else None
                numbers = numbers[below:]
                lines, rows = (None, rows[below:]) if lines is None else (lines[below:], [])
            block = self._block(header, self._rows(header, numbers, lines, rows))
            is_empty = is_empty and block.is_empty
            yield block
        rest = self._source.take_records()
        if header is None and not (rest and self._source.is_entered):
            raise _without_header(self._source.path, rest)
        if rest:
            yield RecordBlock(others=rest)
        elif is_empty:
            raise EmptyLogError(
                f"path: {self._source.path} has a header and no rows. If the log was just rotated, run again when it has some; "
                "with `on_invalid: skip`, such a file is not an error."
            )
        self._dates.check(self._source.path)
        self.dates_are_settled = True

    def _header(self, number: int, names: list[str]) -> CsvHeader:
        try:
            return CsvHeader(names, self._source.path, self._reading.columns)
        except InputError as error:
            rejected = [record for record in self._source.take_records() if record.kind == REJECTED]
            if rejected and rejected[0].line < number:
                # The line of the header is not valid text, so the next row was taken for the header.
                raise _without_header(self._source.path, rejected) from error
            raise

    def _rows(self, header: CsvHeader, numbers: Sequence[int], lines: list[str] | None, rows: list[list[str]]) -> Rows:
        """The rows by column. Rows with another number of columns than the header are rejected; blank lines are not rows."""
        others = self._source.take_records()
        width = header.width
        columns = self._columns(lines or [], width)
        if columns is not None:
            return Rows(numbers, columns, others)
        if lines is not None:
            rows = [line.split(self._delimiter) if line else [] for line in lines]
        whole = [len(row) == width and (width > 1 or bool(row[0])) for row in rows]
        others.extend(self._of_another_width(header, numbers, lines, rows, whole))
        rows = list(compress(rows, whole))
        return Rows(list(compress(numbers, whole)), list(zip(*rows)) if rows else [()] * width, others)

    def _columns(self, lines: list[str], width: int) -> list[list[str]] | None:
        """The columns of lines without quotes; None if there are none, or if one is not as wide as the header."""
        if width == 1 or not lines:
            return None
        # No line contains a line feed, so one that is a value of its own after each line shows where lines end.
        values = f"{self._delimiter}\n{self._delimiter}".join(lines).split(self._delimiter)
        if len(values) != len(lines) * (width + 1) - 1 or values[width :: width + 1].count("\n") != len(lines) - 1:
            return None
        return [values[place :: width + 1] for place in range(width)]

    def _of_another_width(
        self, header: CsvHeader, numbers: Sequence[int], lines: list[str] | None, rows: list[list[str]], whole: list[bool]
    ) -> Iterator[Record]:
        for place, is_whole in enumerate(whole):
            if is_whole:
                continue
            values = rows[place] if lines is None else lines[place].split(self._delimiter)
            text = self._delimiter.join(values)
            is_blank = not text.strip() and len(values) <= 1 and not (lines is None and values == [""])
            if not is_blank:
                yield Record(numbers[place], REJECTED, width_reason(len(values), header.width), text=text)

    def _block(self, header: CsvHeader, rows: Rows) -> RecordBlock:
        """The records of a block of rows."""
        count = len(rows.lines)
        ipaddrs, inside = address_columns(header.ipaddr.column(rows.columns, count))
        associated_ipaddrs, outside = address_columns(header.associated_ipaddr.column(rows.columns, count))
        times = header.timestamp.column(rows.columns, count)
        starts = self._times.column(list(times))
        self._dates.look_at(times, starts)
        self.dates_are_settled = self._dates.is_settled
        usernames = header.username.column(rows.columns, count)
        packed = packed_pairs(inside, outside)
        if packed and None not in starts:
            ends = self._ends(header, rows, starts)
            return RecordBlock(
                rows.lines, usernames, ipaddrs, associated_ipaddrs, cast("list[int]", starts), ends, packed, _in_order(rows.others)
            )
        others = rows.others
        kept = [True] * count
        for place in [place for place, known in enumerate(zip(inside, outside, starts)) if None in known]:
            if header.is_repeated_in(rows.values(place)):
                kept[place] = False
                continue
            record, addresses = self._record(header, rows, place, starts[place])
            if addresses is None:
                kept[place] = False
                others.append(record)
            else:
                (ipaddrs[place], inside[place], _rest), (associated_ipaddrs[place], outside[place], _rest) = addresses
                starts[place] = record.time
        ends = list(compress(self._ends(header, rows, starts), kept))
        packed = packed_pairs(list(compress(inside, kept)), list(compress(outside, kept)))
        return RecordBlock(
            list(compress(rows.lines, kept)),
            list(compress(usernames, kept)),
            list(compress(ipaddrs, kept)),
            list(compress(associated_ipaddrs, kept)),
            list(compress(cast("list[int]", starts), kept)),
            ends,
            packed,
            _in_order(others),
        )

    def _record(self, header: CsvHeader, rows: Rows, place: int, time: int | None) -> tuple[Record, tuple[Address, Address] | None]:
        """One row, and its addresses if it has both and a time. The time may be known already."""
        values = rows.values(place)
        number, username, text = rows.lines[place], header.username(values), self._delimiter.join(values)
        ipaddr, reason = _address(header.ipaddr(values))
        associated_ipaddr, other_reason = _address(header.associated_ipaddr(values))
        time, time_reason = self._time(header.timestamp(values)) if time is None else (time, "")
        inside = ipaddr.text if ipaddr else None
        if reason or other_reason:
            kind = START if inside and time is not None else REJECTED
            return Record(number, kind, reason or other_reason, username, inside, None, time, text=text), None
        if ipaddr is None or associated_ipaddr is None:
            kind = START if inside and time is not None else SKIPPED
            return Record(number, kind, NO_ADDRESS, username, inside, None, time), None
        if time is None:
            return Record(number, REJECTED, time_reason, username, inside, associated_ipaddr.text, text=text), None
        return Record(number, START, None, username, inside, associated_ipaddr.text, time), (ipaddr, associated_ipaddr)

    def _time(self, text: str) -> tuple[int | None, str]:
        try:
            return self._times.milliseconds(text), ""
        except ValueError as error:
            return None, str(error)

    def _ends(self, header: CsvHeader, rows: Rows, starts: Sequence[int | None]) -> Sequence[int | None]:
        """Returns the ends of the sessions, if columns contain them; an end that cannot be read counts as missing."""
        count = len(rows.lines)
        if header.end is not None:
            return self._times.column(list(header.end.column(rows.columns, count)))
        if header.duration is None:
            return [None] * count
        durations = durations_to_milliseconds(header.duration.column(rows.columns, count))
        return [None if start is None or length is None else start + length for start, length in zip(starts, durations)]


def _address(text: str) -> tuple[Address | None, str]:
    try:
        return parse_address(text), ""
    except ValueError as error:
        return None, str(error)


def _in_order(others: list[Record]) -> list[Record]:
    return sorted(others, key=attrgetter("line")) if len(others) > 1 else others


def _without_header(path: str, rest: Sequence[Record]) -> InputError:
    rejected = [record for record in rest if record.kind == REJECTED]
    if rejected:
        return InputError(f"path: {path}, line {rejected[0].line}: {rejected[0].reason}.")
    return EmptyLogError(f"path: {path} is empty; a CSV log begins with a line that names its columns.")
