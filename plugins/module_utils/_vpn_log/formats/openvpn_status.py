# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Status files of OpenVPN, versions 1 to 3: snapshots of who is connected, once or again and again in one file.

Versions 2 (commas) and 3 (tabs) name the columns of each kind of line in a HEADER line, and the VPN address stands with the client.
In version 1 it stands only in the routing table below, and is joined by name and real address. No version quotes anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._errors import InputError
from ..._times.parsing import TimestampParser
from ..._times.timestamps import epoch_to_milliseconds
from ..endpoints import endpoint_book
from ..line_reader import LineReader
from ..records import REJECTED, SKIPPED, START, Record
from ..rows import NO_ADDRESS, OTHER_MESSAGE
from ..several_times import SeveralTimes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..reading import Reading

MAX_CLIENTS = 100_000
"""Of one snapshot of version 1, which are held until the routing table has been read."""
_MAX_CHARACTERS = 100_000_000
"""Of its clients and routes together."""
_NAME = "Common Name"
_REAL = "Real Address"
_INSIDE = ("Virtual Address", "Virtual IPv6 Address")
_SINCE = "Connected Since"
_SINCE_EPOCH = "Connected Since (time_t)"
_USERNAMES = ("Username", _NAME)
_NO_USER = ("", "UNDEF")
_FIRST_HEAD = "OpenVPN CLIENT LIST"
_HEADS = (_FIRST_HEAD, "GLOBAL STATS", "END")
"""Where a table of version 1 ends. Of a snapshot that is followed by the next one at once, the rest is missing."""
_CLIENTS = "clients"
_ROUTES = "routes"
_NOT_AS_HEADER = "the line has {} columns and its header {}: it is cut off, or a name in it holds a separator"


class OpenvpnStatusParser:
    """Lines of one file. What the last snapshot of version 1 still waits for comes out of C(rest)."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self.unknown_messages: dict[str, int] = {}
        self._addresses = endpoint_book()
        formats = ("%Y-%m-%d %H:%M:%S", "%a %b %d %H:%M:%S %Y")
        self._times = SeveralTimes([TimestampParser(timestamp_format, reading.zone) for timestamp_format in formats])
        self._columns: list[str] = []
        self._section = ""
        self._waiting: list[tuple[int, str, dict[str, str]]] = []
        self._routes: dict[tuple[str, str], list[str]] = {}
        self._characters = 0

    def records(self, number: int, line: str) -> Iterator[Record]:
        """The row of a client; for version 1, when its snapshot has ended. Headings, routes and totals are other messages."""
        line = line.rstrip("\r")
        separator = "\t" if "\t" in line else ","
        kind, *values = line.split(separator)
        if self._waiting and line in _HEADS:
            yield from self._snapshot(is_whole=self._section == _ROUTES and line != _FIRST_HEAD)
        if kind == "CLIENT_LIST":
            yield from self._listed_client(number, line, values)
        elif self._is_heading(line, kind, values):
            yield Record(number, SKIPPED, OTHER_MESSAGE)
        elif self._section == _CLIENTS:
            yield from self._waiting_client(number, line)
        else:
            if self._section == _ROUTES:
                self._note_route(number, line)
            yield Record(number, SKIPPED, OTHER_MESSAGE)

    def rest(self) -> Iterator[Record]:
        """Clients of a snapshot that is cut off."""
        yield from self._snapshot(is_whole=False)
        self._section = ""

    def _is_heading(self, line: str, kind: str, values: list[str]) -> bool:
        """Whether the line is no row of a table; notes which table begins."""
        if kind == "HEADER":
            if values[:1] == ["CLIENT_LIST"]:
                self._columns, self._section = values[1:], ""
                self.has_recognised = True
        elif line.startswith(f"{_NAME},{_REAL},"):
            self._columns, self._section, self.has_recognised = line.split(","), _CLIENTS, True
        elif line.startswith(f"Virtual Address,{_NAME},{_REAL},"):
            self._section = _ROUTES
        elif line in _HEADS:
            self._section = ""
        else:
            return line == "ROUTING TABLE"
        return True

    def _listed_client(self, number: int, line: str, values: list[str]) -> Iterator[Record]:
        self.has_recognised = True
        if not self._columns:
            yield Record(number, REJECTED, "there is no HEADER line for CLIENT_LIST before it", text=line)
        elif len(values) != len(self._columns):
            yield Record(number, REJECTED, _NOT_AS_HEADER.format(len(values), len(self._columns)), text=line)
        else:
            client = dict(zip(self._columns, values))
            yield from self._sessions(number, line, client, [client.get(name, "") for name in _INSIDE])

    def _waiting_client(self, number: int, line: str) -> Iterator[Record]:
        """A client of version 1; its name comes first and may hold commas."""
        surplus = line.count(",") - len(self._columns) + 1
        if surplus < 0:
            yield Record(number, REJECTED, _NOT_AS_HEADER.format(line.count(",") + 1, len(self._columns)), text=line)
            return
        self._hold(number, line, clients=1)
        parts = line.split(",")
        values = [",".join(parts[: surplus + 1]), *parts[surplus + 1 :]]
        self._waiting.append((number, line, dict(zip(self._columns, values))))

    def _hold(self, number: int, line: str, *, clients: int = 0) -> None:
        """Counts what has to be kept until the snapshot has ended; raises InputError where that is more than there can be."""
        self._characters += len(line)
        if len(self._waiting) + clients > MAX_CLIENTS or self._characters > _MAX_CHARACTERS:
            raise InputError(
                f"path: line {number}: more than {MAX_CLIENTS} clients or {_MAX_CHARACTERS} characters in one snapshot; "
                "this is no status file of OpenVPN."
            )

    def _note_route(self, number: int, line: str) -> None:
        """The address of a client, but not of a network or device behind it (a mask, or C for cached)."""
        inside, _comma, rest = line.partition(",")
        name_and_real = rest.rpartition(",")[0]
        name, _comma, real = name_and_real.rpartition(",")
        if self._waiting and inside and not inside.endswith("C") and "/" not in inside and "@" not in inside:
            self._hold(number, line)
            self._routes.setdefault((name, real), []).append(inside)

    def _snapshot(self, *, is_whole: bool) -> Iterator[Record]:
        for number, line, client in self._waiting:
            inside = self._routes.get((client[_NAME], client[_REAL]), [])
            if inside or is_whole:
                yield from self._sessions(number, line, client, inside)
            else:
                yield Record(number, REJECTED, "the file ends before its routing table, which has the VPN addresses, does", text=line)
        self._waiting = []
        self._routes = {}
        self._characters = 0

    def _sessions(self, number: int, line: str, client: Mapping[str, str], inside: Sequence[str]) -> Iterator[Record]:
        try:
            associated_ipaddr = self._addresses.lookup(client.get(_REAL, ""))
            ipaddrs = [ipaddr for ipaddr in map(self._addresses.lookup, inside) if ipaddr]
            if associated_ipaddr is None or not ipaddrs:
                yield Record(number, SKIPPED, NO_ADDRESS)
                return
            start = self._since(client)
        except ValueError as error:
            yield Record(number, REJECTED, str(error), text=line)
            return
        username = next((client[name] for name in _USERNAMES if client.get(name, "") not in _NO_USER), "")
        for ipaddr in dict.fromkeys(ipaddrs):
            yield Record(number, START, None, username, ipaddr.text, associated_ipaddr.text, start)

    def _since(self, client: Mapping[str, str]) -> int:
        epoch = client.get(_SINCE_EPOCH, "")
        return epoch_to_milliseconds(epoch) if epoch else self._times.milliseconds(client.get(_SINCE, ""))


class OpenvpnStatusReader(LineReader):
    """Reads status files of an OpenVPN server."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, OpenvpnStatusParser, "of the client list in a status file of an OpenVPN server")
        # A client of version 1 is told by a later line, and what later lines mean is told by earlier ones.
        self.repeated_lines = None
