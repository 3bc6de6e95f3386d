# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The export of OpenVPN Access Server: CSV with a header, one row a session or failed login, of every service of the server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..._errors import InputError
from ..._texts import quoted
from ..._times.parsing import TimestampParser
from ..._times.timestamps import ISO8601
from ..columns import CsvHeader
from ..endpoints import endpoint_book
from ..options import LogColumns
from ..rows import FAILED_LOGIN, OTHER_SERVICE, Skipped
from ..several_times import SeveralTimes
from ..table_reader import TableReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..address_book import AddressBook
    from ..reading import Reading
    from ..rows import Rejected
    from ..table_reader import Times

_COLUMNS = LogColumns("Vpn Ip", "Real Ip", "Start Time", "Username")
_FORMATS = ("%Y.%m.%d %H:%M:%S %Z", "%Y.%m.%d %H:%M:%S", ISO8601)
_VPN = "VPN"
_DURATION = re.compile(r"(\d{1,9})(?:\.\d*)?\Z", re.ASCII)


class OpenvpnAsTable:
    """What the columns of an export mean. Those that other versions do not have are done without."""

    def __init__(self, reading: Reading) -> None:
        self.timestamps: Times = SeveralTimes([TimestampParser(timestamp_format, reading.zone) for timestamp_format in _FORMATS])
        self.addresses: AddressBook = endpoint_book()
        self._path = reading.source.path
        self._places: dict[str, int] = {}

    def header(self, first_row: list[str]) -> tuple[CsvHeader, bool]:
        """The first row is the header."""
        names = [name.strip().replace("_", " ") for name in first_row]
        self._places = {name.casefold(): place for place, name in enumerate(names)}
        for name in ("Vpn Ip", "Real Ip", "Start Time", "Username"):
            if name.casefold() not in self._places:
                listed = ", ".join(quoted(own) for own in first_row[:20])
                raise InputError(
                    f"path: {self._path} is no export of OpenVPN Access Server: its first line has no column {name!r}, only {listed}. "
                    "Check `path` and `format`; such an export begins with Node,Username,Start Time."
                )
        return CsvHeader(names, self._path, _COLUMNS), True

    def session_rows(
        self, numbers: Sequence[int], rows: list[list[str]], others: list[Skipped | Rejected]
    ) -> tuple[Sequence[int], list[list[str]]]:
        """Rows of the service VPN that are no failed logins: C(Auth) is 0 for those, and C(Error) says why."""
        kept_numbers: list[int] = []
        kept_rows: list[list[str]] = []
        service, auth, error = self._columns(rows, "service", "auth", "error")
        for place, row in enumerate(rows):
            if service[place].strip().upper() not in (_VPN, ""):
                others.append(Skipped(numbers[place], OTHER_SERVICE))
            elif auth[place] == "0" or error[place].strip():
                others.append(Skipped(numbers[place], FAILED_LOGIN))
            else:
                kept_numbers.append(numbers[place])
                kept_rows.append(row)
        return kept_numbers, kept_rows

    def ends(self, rows: list[list[str]], starts: Sequence[int | None]) -> list[int | None]:
        """Start and duration in seconds; sessions that were on at the time of the export have no end yet."""
        durations, active = self._columns(rows, "duration", "active")
        return [
            None if start is None or not match or is_active == "1" else start + int(match[1]) * 1000
            for start, match, is_active in zip(starts, map(_DURATION.match, durations), active)
        ]

    def _columns(self, rows: list[list[str]], *names: str) -> list[list[str]]:
        """Columns by name, with empty texts where a row is too short or the log has no such column."""
        columns = []
        for name in names:
            place = self._places.get(name)
            columns.append([""] * len(rows) if place is None else [row[place] if place < len(row) else "" for row in rows])
        return columns


class OpenvpnAsReader(TableReader):
    """Reads what the page Log Reports exports."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, OpenvpnAsTable(reading))
