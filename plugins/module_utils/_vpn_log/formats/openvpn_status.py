# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Status files of OpenVPN, versions 1 to 3: snapshots of the connected clients, one or several in a file.

Versions 2 (commas) and 3 (tabs) name the columns of each kind of line in a HEADER line and have the VPN address with the client.
Version 1 has it only in the routing table, which is joined by name and real address. Values are never quoted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ..._addresses import parse_endpoint
from ..._errors import InputError
from ..._texts import quoted
from ..._times.parsing import TimestampParser
from ..._times.timestamps import epoch_to_milliseconds
from ..reading import LineReader
from ..records import ALIVE, NO_ADDRESS, OTHER_MESSAGE, REJECTED, SKIPPED, SNAPSHOT, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..reading import Reading

MAX_CLIENTS = 100_000
"""Maximum number of clients in a snapshot of version 1, which are kept until the routing table has been read."""
_MAX_CHARACTERS = 100_000_000
"""Maximum number of characters of its clients and routes."""
_NAME, _REAL, _USER = "Common Name", "Real Address", "Username"
_INSIDE = ("Virtual Address", "Virtual IPv6 Address")
_SINCE, _SINCE_EPOCH = "Connected Since", "Connected Since (time_t)"
_NO_USER = ("", "UNDEF")
_FIRST_HEAD = "OpenVPN CLIENT LIST"
_HEADS = (_FIRST_HEAD, "GLOBAL STATS", "END")
"""Lines that end a table of version 1. If the next snapshot follows directly, the rest is missing."""
_CLIENT = "CLIENT_LIST"
_OTHER_KINDS = ("TITLE", "HEADER", "ROUTING_TABLE", "GLOBAL_STATS", "END")
_START, _CLIENTS, _ROUTES, _REST, _NAMED = "start", "clients", "routes", "rest", "named"
_NOT_AS_HEADER = "the line has {} columns and its header {}: it is cut off, or a name in it contains a separator"
_TWIN_WITHOUT_TIME = "one of several clients of this name and address has no readable time"
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\Z|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\Z", re.ASCII)
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?:@\d+)?\Z", re.ASCII | re.IGNORECASE)


class _Client(NamedTuple):
    """A client of version 1, whose VPN address comes in a later line."""

    line: int
    text: str
    columns: Mapping[str, str]


class OpenvpnStatusParser:
    """Lines of one file. Clients of version 1 are returned when their snapshot has ended."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self.unknown_messages: dict[str, int] = {}
        self.other_programs: dict[str, int] = {}
        self._times = [TimestampParser(form, reading.zone) for form in ("%Y-%m-%d %H:%M:%S", "%a %b %d %H:%M:%S %Y")]
        self._columns: list[str] = []
        self._section = _START
        self._taken_at: int | None = None
        self._waiting: list[_Client] = []
        self._routes: dict[tuple[str, str], list[str]] = {}
        self._characters = 0

    def records(self, number: int, line: str) -> Iterator[Record]:
        """Returns the records of a line: of a client, or of the time of the snapshot. Headers, routes and totals are other messages."""
        separator = "\t" if "\t" in line else ","
        kind, *values = line.split(separator)
        if self._waiting and line in _HEADS:
            yield from self._snapshot(is_whole=self._section == _ROUTES and line != _FIRST_HEAD)
        if kind in ("TIME", "Updated") and self._section not in (_CLIENTS, _ROUTES):
            yield self._time_of_snapshot(number, line, values)
        elif kind == _CLIENT:
            yield from self._named_client(number, line, values)
        elif self._is_heading(line, kind, values):
            yield Record(number, SKIPPED, OTHER_MESSAGE)
        elif self._section == _CLIENTS:
            yield from self._waiting_client(number, line)
        elif self._section == _ROUTES:
            yield self._route(number, line)
        elif self._section == _NAMED or re.match(rf"{_CLIENT}\s", line):
            self.has_recognised = True
            yield Record(number, REJECTED, "not a line of a status file: cut off, or its tabs have become spaces", text=line)
        else:
            yield Record(number, SKIPPED, OTHER_MESSAGE)

    def rest(self) -> Iterator[Record]:
        """Returns the clients of a snapshot that is cut off."""
        yield from self._snapshot(is_whole=False)
        self._section = _START

    def _is_heading(self, line: str, kind: str, values: list[str]) -> bool:
        """True if the line is not a row of a table; remembers which table begins."""
        if kind == "HEADER" and values[:1] == [_CLIENT]:
            self._columns, self._section, self.has_recognised = values[1:], _NAMED, True
        elif line.startswith(f"{_NAME},{_REAL},"):
            self._columns, self._section, self.has_recognised = line.split(","), _CLIENTS, True
        elif line.startswith(f"Virtual Address,{_NAME},{_REAL},"):
            self._section = _ROUTES
        elif line == _FIRST_HEAD:
            self._section, self._taken_at = _START, None
        elif line in _HEADS:
            self._section = _REST if self._section != _NAMED else _NAMED
        else:
            return kind in _OTHER_KINDS or line == "ROUTING TABLE"
        return True

    def _time_of_snapshot(self, number: int, line: str, values: list[str]) -> Record:
        try:
            epoch = values[1] if len(values) > 1 else ""
            self._taken_at = epoch_to_milliseconds(epoch) if epoch else self._time(values[0] if values else "")
        except ValueError as error:
            self._taken_at = None
            return Record(number, REJECTED, str(error), text=line)
        return Record(number, SNAPSHOT, OTHER_MESSAGE, time=self._taken_at)

    def _named_client(self, number: int, line: str, values: list[str]) -> Iterator[Record]:
        self.has_recognised = True
        if not self._columns:
            yield Record(number, REJECTED, "there is no HEADER line for CLIENT_LIST before it", text=line)
            return
        if len(values) != len(self._columns):
            yield Record(number, REJECTED, _NOT_AS_HEADER.format(len(values), len(self._columns)), text=line)
            return
        client = _Client(number, line, dict(zip(self._columns, values)))
        user = client.columns.get(_USER, "")
        if self._columns[-1] == _USER and client.columns.get(_NAME, "") != user and client.columns.get(_NAME, "").startswith(user):
            yield Record(number, REJECTED, "the line may be cut off in the name of the user", text=line)
            return
        yield from self._alive(client, [client.columns.get(name, "") for name in _INSIDE])

    def _waiting_client(self, number: int, line: str) -> Iterator[Record]:
        """Reads a client of version 1; its name comes first and may contain commas."""
        surplus = line.count(",") - len(self._columns) + 1
        if surplus < 0:
            yield Record(number, REJECTED, _NOT_AS_HEADER.format(line.count(",") + 1, len(self._columns)), text=line)
            return
        self._hold(number, line, clients=1)
        parts = line.split(",")
        values = [",".join(parts[: surplus + 1]), *parts[surplus + 1 :]]
        self._waiting.append(_Client(number, line, dict(zip(self._columns, values))))

    def _hold(self, number: int, line: str, *, clients: int = 0) -> None:
        """Counts the clients that are kept until the snapshot ends; raises InputError if there are too many."""
        self._characters += len(line)
        if len(self._waiting) + clients > MAX_CLIENTS or self._characters > _MAX_CHARACTERS:
            raise InputError(
                f"path: line {number}: more than {MAX_CLIENTS} clients or {_MAX_CHARACTERS} characters in one snapshot; "
                "this is not a status file of OpenVPN."
            )

    def _route(self, number: int, line: str) -> Record:
        """Reads the address of a client; ignores networks and devices behind it (a mask, or C for cached) and TAP MAC addresses."""
        inside, _comma, rest = line.partition(",")
        name_and_real, _comma, last_used = rest.rpartition(",")
        name, comma, real = name_and_real.rpartition(",")
        if not comma or not _TIME.match(last_used):
            return Record(number, REJECTED, "the route is cut off or has another form", text=line)
        if self._waiting and inside and not inside.endswith("C") and "/" not in inside and not _MAC.match(inside):
            self._hold(number, line)
            self._routes.setdefault((name, real), []).append(inside)
        return Record(number, SKIPPED, OTHER_MESSAGE)

    def _snapshot(self, *, is_whole: bool) -> Iterator[Record]:
        clients: dict[tuple[str, str], list[_Client]] = {}
        for client in self._waiting:
            clients.setdefault((client.columns[_NAME], client.columns[_REAL]), []).append(client)
        records: list[Record] = []
        for key, same in clients.items():
            inside = self._routes.get(key, [])
            if len(same) > 1:
                records.extend(self._twins(same, inside))
            elif inside or (is_whole and "," not in key[0]):
                records.extend(self._alive(same[0], inside))
            else:
                records.append(Record(same[0].line, REJECTED, _without_route(is_whole=is_whole), text=same[0].text))
        yield from sorted(records, key=lambda record: record.line)
        self._waiting, self._routes, self._characters = [], {}, 0

    def _twins(self, same: list[_Client], inside: list[str]) -> Iterator[Record]:
        """Handles clients with one name and one address, whose VPN addresses cannot be told apart. All count from the latest start."""
        try:
            latest = max(same, key=lambda client: self._since(client.columns))
        except ValueError:
            for client in same:
                yield Record(client.line, REJECTED, _TWIN_WITHOUT_TIME, text=client.text)
            return
        for place, client in enumerate(same):
            mine = inside[place:] if client is same[-1] else inside[place : place + 1]
            yield from self._alive(client._replace(columns=latest.columns), mine)

    def _alive(self, client: _Client, inside: Sequence[str]) -> Iterator[Record]:
        columns = client.columns
        name = next((columns[column] for column in (_USER, _NAME) if columns.get(column, "") not in _NO_USER), "")
        try:
            ipaddrs = [address.text for address in map(parse_endpoint, _without_macs(inside)) if address]
            if not ipaddrs:
                yield Record(client.line, SKIPPED, NO_ADDRESS)
                return
            start = self._since(columns)
        except ValueError as error:
            yield Record(client.line, REJECTED, str(error), name, time=self._taken_at, text=client.text)
            return
        outside, reason = None, None
        try:
            address = parse_endpoint(columns.get(_REAL, ""))
            outside, reason = (address.text, None) if address else (None, NO_ADDRESS)
        except ValueError as error:
            reason = str(error)
        time = start if self._taken_at is None else self._taken_at
        text = client.text if reason else ""
        for ipaddr in dict.fromkeys(ipaddrs):
            yield Record(client.line, ALIVE, reason, name, ipaddr, outside, time, start, text=text)

    def _since(self, columns: Mapping[str, str]) -> int:
        epoch = columns.get(_SINCE_EPOCH, "")
        return epoch_to_milliseconds(epoch) if epoch else self._time(columns.get(_SINCE, ""))

    def _time(self, text: str) -> int:
        if not _TIME.match(text):
            raise ValueError(f"time {quoted(text)} is cut off or has another form")
        return self._times[0 if text[0].isdigit() else 1].milliseconds(text)


class OpenvpnStatusReader(LineReader):
    """Reads status files of an OpenVPN server."""

    may_have_no_sessions = True

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, OpenvpnStatusParser, "of the client list in a status file of an OpenVPN server")
        # Later lines complete clients of version 1, and earlier lines define the meaning of later ones.
        self.repeated_lines = None


def _without_macs(addresses: Sequence[str]) -> list[str]:
    """Returns the addresses without MAC addresses of TAP clients, which have no VPN address."""
    return [address for address in addresses if not _MAC.match(address.strip())]


def _without_route(*, is_whole: bool) -> str:
    if is_whole:
        return "the client is not in the routing table, and its name contains a comma"
    return (
        "the routing table, which has the VPN addresses, is missing or not finished; "
        "status-version 2 in the configuration of the server writes them beside the clients"
    )
