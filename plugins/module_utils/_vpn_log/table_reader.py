# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads formats that are CSV with rules of their own: each is a table for the same reader."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from .._errors import EmptyLogError, InputError
from .columns import check_delimiter, width_reason
from .csv_records import CsvRecords, is_more_than_a_line
from .rows import NO_ADDRESS, Rejected, Session, SessionBlock, Skipped, as_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .address_book import AddressBook
    from .columns import CsvHeader
    from .reading import Reading
    from .records import RecordBlock
    from .rows import Row

_ItemT = TypeVar("_ItemT")


class Times(Protocol):
    """Reads the times of a log; TimestampParser says how."""

    def column(self, texts: list[str]) -> list[int | None]:
        """A whole column at once, with None for every text that needs a look of its own."""

    def milliseconds(self, text: str) -> int:
        """The time in epoch milliseconds; raises ValueError."""


class Table(Protocol):
    """What one kind of CSV log has of its own."""

    timestamps: Times
    addresses: AddressBook

    def header(self, first_row: list[str]) -> tuple[CsvHeader, bool]:
        """The columns, and whether the first row of the log is the header or a row already. Raises InputError."""

    def session_rows(
        self, numbers: Sequence[int], rows: list[list[str]], others: list[Skipped | Rejected]
    ) -> tuple[Sequence[int], list[list[str]]]:
        """The rows that may be sessions, with their numbers; the rest goes to C(others). Rows may be too short still."""

    def ends(self, rows: list[list[str]], starts: Sequence[int | None]) -> list[int | None]:
        """When the sessions ended, in epoch milliseconds, as far as their rows tell."""


class TableReader:
    """Reads a CSV log by the rules of its format."""

    def __init__(self, reading: Reading, table: Table) -> None:
        check_delimiter(reading.delimiter)
        self._reading = reading
        self._table = table
        first_line = reading.source.first_line()
        self.repeated_lines: int | None = None if first_line is None or is_more_than_a_line(first_line) else 1
        """The header, where it is the first line."""
        self.dates_are_settled = True

    def records(self) -> Iterator[RecordBlock]:
        """The same rows as records."""
        return map(as_records, self.blocks())

    def blocks(self) -> Iterator[SessionBlock]:
        """Every row below the header; raises InputError where the header is not as the options say, EmptyLogError without rows."""
        source = self._reading.source
        header: CsvHeader | None = None
        is_empty = True
        for numbers, rows in CsvRecords(source, self._reading.delimiter).rows():
            if header is None:
                header_at = next((place for place, row in enumerate(rows) if row), None)
                if header_at is None:
                    continue
                header, is_no_row = self._header(numbers[header_at], rows[header_at])
                numbers, rows = numbers[header_at + is_no_row :], rows[header_at + is_no_row :]
            block = self._block(header, numbers, rows)
            is_empty = is_empty and not block.rows_read
            yield block
        rejected = source.take_rejected()
        if header is None and not (rejected and source.is_entered):
            raise _without_header(source.path, rejected)
        skipped = source.take_skipped()
        if rejected or skipped:
            yield SessionBlock(others=[*rejected, *skipped])
        elif is_empty:
            raise EmptyLogError(
                f"path: {source.path} holds a header and no rows. If the log was just rotated, run again when it has some; "
                "with `on_invalid: skip` such a file is no error."
            )

    def _header(self, number: int, first_row: list[str]) -> tuple[CsvHeader, bool]:
        try:
            return self._table.header(first_row)
        except InputError as error:
            rejected = self._reading.source.take_rejected()
            if rejected and rejected[0].line < number:
                # What should be the header is no text, so the next row was taken for it.
                raise _without_header(self._reading.source.path, rejected) from error
            raise

    def _block(self, header: CsvHeader, numbers: Sequence[int], rows: list[list[str]]) -> SessionBlock:
        """A block of rows by column. What is known already is looked up for all rows at once, the rest row by row."""
        others: list[Skipped | Rejected] = list(self._reading.source.take_rejected())
        numbers, rows = self._table.session_rows(numbers, rows, others)
        if rows and set(map(len, rows)) != {header.width}:
            numbers, rows = self._whole(header, numbers, rows, others)
        addresses = self._table.addresses
        ipaddrs = addresses.column(list(map(header.ipaddr, rows)))
        associated_ipaddrs = addresses.column(list(map(header.associated_ipaddr, rows)))
        starts = self._table.timestamps.column(list(map(header.timestamp, rows)))
        usernames = [header.username(row) for row in rows] if self._reading.wants_usernames else [""] * len(rows)
        dropped: set[int] = set()
        for place in _unknown(ipaddrs, associated_ipaddrs, starts):
            row = self._row(header, numbers[place], rows[place])
            if isinstance(row, Session):
                ipaddrs[place], associated_ipaddrs[place], starts[place] = row.ipaddr, row.associated_ipaddr, row.start
            else:
                dropped.add(place)
                others.append(row)
        ends = self._table.ends(rows, starts)
        others.sort(key=attrgetter("line"))
        return SessionBlock(
            _kept(numbers, dropped),
            _kept(usernames, dropped),
            _kept(ipaddrs, dropped),
            _kept(associated_ipaddrs, dropped),
            _kept(starts, dropped),
            [end for place, end in enumerate(ends) if place not in dropped] if dropped else ends,
            others,
        )

    def _row(self, header: CsvHeader, number: int, values: list[str]) -> Row:
        try:
            ipaddr = self._table.addresses.lookup(header.ipaddr(values))
            associated_ipaddr = self._table.addresses.lookup(header.associated_ipaddr(values))
            if ipaddr is None or associated_ipaddr is None:
                return Skipped(number, NO_ADDRESS)
            start = self._table.timestamps.milliseconds(header.timestamp(values))
        except ValueError as error:
            return Rejected(number, str(error), self._reading.delimiter.join(values))
        return Session(number, header.username(values), ipaddr, associated_ipaddr, start, None)

    def _whole(
        self, header: CsvHeader, numbers: Sequence[int], rows: list[list[str]], others: list[Skipped | Rejected]
    ) -> tuple[list[int], list[list[str]]]:
        """The rows with as many columns as the header; the others are rejected, and blank lines are no rows."""
        good_numbers: list[int] = []
        good_rows: list[list[str]] = []
        for number, row in zip(numbers, rows):
            if len(row) == header.width or (header.is_open_ended and len(row) > header.width):
                good_numbers.append(number)
                good_rows.append(row)
            elif row:
                others.append(Rejected(number, width_reason(len(row), header.width), self._reading.delimiter.join(row)))
        return good_numbers, good_rows


def _unknown(*columns: Sequence[object]) -> list[int]:
    """The places where any column has nothing yet."""
    if not any(None in column for column in columns):
        return []
    return [place for place, values in enumerate(zip(*columns)) if None in values]


def _kept(column: Sequence[_ItemT | None], dropped: set[int]) -> list[_ItemT]:
    """A column that has all its values by now, without the dropped places."""
    kept = [value for place, value in enumerate(column) if place not in dropped] if dropped else list(column)
    return cast("list[_ItemT]", kept)


def _without_header(path: str, rejected: list[Rejected]) -> InputError:
    if rejected:
        return InputError(f"path: {path}, line {rejected[0].line}: {rejected[0].reason}.")
    return EmptyLogError(f"path: {path} is empty; a CSV log begins with a line that names its columns.")
