# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""GlobalProtect logs of PAN-OS: CSV in the vendor's order of fields, from syslog or, with a header, exported from the web interface.

A session shows in several events, and every one that has both addresses tells truthfully who had the address then.
"""

from __future__ import annotations

import re
from operator import attrgetter
from typing import TYPE_CHECKING

from ..._errors import EmptyLogError, InputError
from ..._times.parsing import TimestampParser
from ..._times.timestamps import ISO8601
from ..columns import CsvHeader
from ..endpoints import endpoint_book
from ..formats import globalprotect_fields as fields
from ..options import LogColumns
from ..rows import (
    OTHER_MESSAGE,
    SESSION_END,
    Rejected,
    Skipped,
)
from ..session_ends import SessionEnd, with_ends
from ..several_times import SeveralTimes
from ..table_reader import TableReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..address_book import AddressBook
    from ..reading import Reading
    from ..rows import SessionBlock
    from ..session_ends import LoggedRow
    from ..table_reader import Times

_FORMATS = ("%Y/%m/%d %H:%M:%S", ISO8601)
_SECONDS = re.compile(r"[1-9]\d{0,8}\Z", re.ASCII)


class GlobalProtectTable:
    """Events as rows. Ends of sessions are set aside for C(take_ends) where they are wanted."""

    def __init__(self, reading: Reading) -> None:
        self.timestamps: Times = SeveralTimes([TimestampParser(timestamp_format, reading.zone) for timestamp_format in _FORMATS])
        self.addresses: AddressBook = endpoint_book()
        self.has_recognised = False
        self._reading = reading
        self._order = fields.FieldOrder(None, reading.source.path)
        self._ends: list[SessionEnd] = []

    def header(self, first_row: list[str]) -> tuple[CsvHeader, bool]:
        """The columns in the vendor's order, into which C(session_rows) brings every row."""
        has_names = fields.is_header(first_row)
        self.has_recognised = has_names
        path = self._reading.source.path
        self._order = fields.FieldOrder(first_row if has_names else None, path)
        # Named by their places, because the vendor's order has one name twice.
        columns = LogColumns(*map(str, (fields.PRIVATE, fields.PUBLIC, fields.TIME, fields.USER)))
        header = CsvHeader([str(place) for place in range(fields.WIDTH)], path, columns)
        header.is_open_ended = True
        return header, has_names

    def session_rows(
        self, numbers: Sequence[int], rows: list[list[str]], others: list[Skipped | Rejected]
    ) -> tuple[Sequence[int], list[list[str]]]:
        """Events in which somebody has an address; twice, where that is an IPv4 and an IPv6 address."""
        kept_numbers: list[int] = []
        kept_rows: list[list[str]] = []
        for number, original in zip(numbers, rows):
            row = self._order.ordered(original)
            if row is None:
                if original:
                    others.append(Skipped(number, OTHER_MESSAGE))
                continue
            self.has_recognised = True
            is_whole = len(row) >= fields.WIDTH
            reason = fields.reason_against(row) if is_whole else ""
            if reason == SESSION_END and self._reading.wants_usernames:
                self._set_aside(number, row, others)
            elif reason:
                others.append(Skipped(number, reason))
            else:
                versions = fields.with_each_address(row) if is_whole else [row]
                kept_rows.extend(versions)
                kept_numbers.extend([number] * len(versions))
        return kept_numbers, kept_rows

    def ends(self, rows: list[list[str]], _starts: Sequence[int | None]) -> list[int | None]:
        """They stand in events of their own."""
        return [None] * len(rows)

    def take_ends(self) -> list[SessionEnd]:
        """The ends of sessions since the last call."""
        taken, self._ends = self._ends, []
        return taken

    def _set_aside(self, number: int, row: list[str], others: list[Skipped | Rejected]) -> None:
        try:
            ipaddr = self.addresses.lookup(row[fields.PRIVATE]) or self.addresses.lookup(row[fields.PRIVATE6])
            associated_ipaddr = self.addresses.lookup(fields.outside(row))
            end = self.timestamps.milliseconds(row[fields.TIME])
        except ValueError as error:
            others.append(Rejected(number, str(error), self._reading.delimiter.join(row)))
            return
        length = int(row[fields.DURATION]) * 1000 if _SECONDS.match(row[fields.DURATION]) else None
        self._ends.append(SessionEnd(number, row[fields.USER], ipaddr, associated_ipaddr, end, length))


class GlobalProtectReader(TableReader):
    """Reads syslog lines, with or without their head, and exports."""

    def __init__(self, reading: Reading) -> None:
        self._own_table = GlobalProtectTable(reading)
        super().__init__(reading, self._own_table)
        if self.repeated_lines:
            first_line = reading.source.first_line() or ""
            self.repeated_lines = int(fields.is_header([name.strip('"\r') for name in first_line.split(reading.delimiter)]))

    def blocks(self) -> Iterator[SessionBlock]:
        """Every row; raises InputError where none is a GlobalProtect event, EmptyLogError where there is none."""
        return with_ends(self._blocks_of_rows(), of_events=True) if self._reading.wants_usernames else self._checked_blocks()

    def _blocks_of_rows(self) -> Iterator[list[LoggedRow]]:
        for block in self._checked_blocks():
            rows: list[LoggedRow] = list(block.sessions())
            ends = self._own_table.take_ends()
            if ends:
                rows.extend(ends)
                rows.sort(key=attrgetter("line"))
            rows.extend(block.others)
            yield rows

    def _checked_blocks(self) -> Iterator[SessionBlock]:
        try:
            yield from super().blocks()
        except EmptyLogError as error:
            if self._own_table.has_recognised:
                raise
            raise EmptyLogError(f"path: {self._reading.source.path} is empty.") from error
        # Where reading goes on in the middle of a log, its format has been seen before.
        if not self._reading.source.is_entered and not self._own_table.has_recognised:
            raise InputError(
                f"path: no line of {self._reading.source.path} is a GlobalProtect event of PAN-OS (a CSV row of the type GLOBALPROTECT). "
                "Check `path` and `format`."
            )
