# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The reader of CSV: columns by the names in the header, times from one or several of them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from ansible_collections.secops.xdr.plugins.module_utils._errors import EmptyLogError, InputError
from ansible_collections.secops.xdr.plugins.module_utils._texts import quoted
from ansible_collections.secops.xdr.plugins.module_utils._timestamps import TimestampParser
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._columns import Header
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._records import CsvRecords
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._rows import NO_ADDRESS, Rejected, Session, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._reading import Reading
    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._rows import Row


class CsvReader:
    """Reads a CSV log with a header line."""

    def __init__(self, reading: Reading) -> None:
        if len(reading.delimiter) != 1 or reading.delimiter in '"\r\n':
            raise InputError(
                f"delimiter: {quoted(reading.delimiter)} cannot part columns; give one character, such as ',' or ';' or a tab."
            )
        self._reading = reading
        self._milliseconds = TimestampParser(reading.timestamp_format, reading.zone).milliseconds

    def rows(self) -> Iterator[Row]:
        """Every row after the header; raises InputError where header or rows are missing."""
        records = CsvRecords(self._reading.source, self._reading.delimiter)
        parsed = csv.reader(records, delimiter=self._reading.delimiter)
        header = self._header(parsed)
        make_row = self._row_maker(header, records)
        rejected = self._reading.source.rejected
        is_empty = True
        for values in _past_errors(parsed, records, rejected):
            if rejected:
                is_empty = False
                yield from _taken(rejected)
            if values:
                is_empty = False
                yield make_row(values)
        if rejected:
            yield from _taken(rejected)
        elif is_empty:
            raise EmptyLogError(
                f"path: {self._reading.source.path} holds a header and no rows. If the log was just rotated, run again when it has some; "
                "with `on_invalid: skip` such a file is no error."
            )

    def _header(self, parsed: Iterator[list[str]]) -> Header:
        path = self._reading.source.path
        try:
            for names in parsed:
                if names:
                    return Header(names, path)
        except csv.Error as error:
            raise InputError(f"path: {path} does not begin with a CSV header: {error}.") from error
        if self._reading.source.rejected:
            first = self._reading.source.rejected[0]
            raise InputError(f"path: {path}, line {first.line}: {first.reason}.")
        raise EmptyLogError(f"path: {path} is empty; a CSV log begins with a line that names its columns.")

    def _row_maker(self, header: Header, records: CsvRecords) -> Callable[[list[str]], Row]:
        lookup, milliseconds, columns = self._reading.addresses.lookup, self._milliseconds, self._reading.columns
        inside = header.index("ipaddr", columns["ipaddr"])
        outside = header.index("associated_ipaddr", columns["associated_ipaddr"])
        start_of = header.text_of("timestamp", columns["timestamp"])
        username_of = header.username_of(columns.get("username"))
        delimiter, width = self._reading.delimiter, header.width

        def make_row(values: list[str]) -> Row:
            try:
                ipaddr = lookup(values[inside])
                associated_ipaddr = lookup(values[outside])
                if ipaddr is None or associated_ipaddr is None:
                    return Skipped(records.line, NO_ADDRESS)
                return Session(records.line, username_of(values), ipaddr, associated_ipaddr, milliseconds(start_of(values)), None)
            except IndexError:
                return Rejected(records.line, f"short row: {len(values)} of {width} columns", delimiter.join(values))
            except ValueError as error:
                return Rejected(records.line, str(error), delimiter.join(values))

        return make_row


def _past_errors(parsed: Iterator[list[str]], records: CsvRecords, rejected: list[Rejected]) -> Iterator[list[str]]:
    """What the CSV parser makes of the records; one that it refuses is rejected, and it goes on with the next."""
    while True:
        try:
            yield from parsed
            return
        except csv.Error as error:
            rejected.append(Rejected(records.line, f"not CSV: {error}", ""))


def _taken(rejected: list[Rejected]) -> list[Rejected]:
    taken = rejected[:]
    rejected.clear()
    return taken
