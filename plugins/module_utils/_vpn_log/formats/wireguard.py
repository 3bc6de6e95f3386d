# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The output of `wg show all dump`, once or repeatedly in one file.

A dump contains private and preshared keys. They never leave this file: they appear in no session, reason, list of rejects or message. So
lines are never quoted. A dump contains no users; the option `peers` assigns keys to users.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..._addresses import parse_endpoint
from ..._errors import InputError
from ..._texts import system_name
from ..._times.timestamps import epoch_to_milliseconds
from ..reading import LineReader
from ..records import ALIVE, NEVER_CONNECTED, NO_ADDRESS, OTHER_MESSAGE, REJECTED, SKIPPED, SNAPSHOT, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..reading import Reading

_KEY = r"(?:[A-Za-z0-9+/]{1,64}={0,2}|\([a-z]+\))"
_PEER = re.compile(
    rf"(?:(?P<interface>[^\t]{{1,64}})\t)?(?P<key>{_KEY})\t{_KEY}\t(?!(?:\d{{1,5}}|off)\t)(?P<endpoint>[^\t]+)"
    r"\t(?P<allowed>\(none\)|[^\t/]+/[^\t]+)\t(?P<handshake>\d{1,20})"
    r"\t\d{1,20}\t\d{1,20}\t(?:off|\d{1,5})(?:\t(?:on|off|\d{1,10}))*\Z",
    re.ASCII,
)
_INTERFACE = re.compile(
    rf"(?:(?P<interface>[^\t]{{1,64}})\t)?{_KEY}\t{_KEY}\t(?:\d{{1,5}}|off)(?:\t[^\t]*)*\t(?:off|0x[0-9a-f]+|\d+)\Z", re.ASCII
)
_ALLOWED = re.compile(r"\(none\)\Z|[0-9A-Fa-f.:]+/\d{1,3}(?:,[0-9A-Fa-f.:]+/\d{1,3})*\Z", re.ASCII)
_WITHHELD = "(not shown: a dump contains keys)"
_DAMAGED = "endpoint, allowed addresses or latest handshake are invalid"
_SINGLE_ADDRESS = ("/32", "/128")
_MAX_PEERS_BYTES = 16 * 1024 * 1024


class WireguardParser:
    """Lines of one dump, or of several."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self.unknown_messages: dict[str, int] = {}
        self.other_programs: dict[str, int] = {}
        self._users = users_by_key(reading.options.peers)
        self._interfaces: set[str] = set()

    def records(self, number: int, line: str) -> Sequence[Record]:
        """Returns the records of a line: several for a peer with several addresses."""
        line = line.rstrip("\r")
        peer = _PEER.match(line)
        if peer is None:
            interface = _INTERFACE.match(line)
            if interface is None:
                return [Record(number, REJECTED, "not a line of `wg show all dump`, or cut off", text=_WITHHELD)]
            self.has_recognised = True
            return [self._interface(number, interface["interface"] or "")]
        self.has_recognised = True
        try:
            return self._peer(number, peer)
        except ValueError:
            # The text of the error would quote the line, and a damaged line can have a key at any position.
            return [Record(number, REJECTED, _DAMAGED, text=_WITHHELD)]

    def rest(self) -> Sequence[Record]:
        """Returns nothing: each line is complete."""
        return []

    def _interface(self, number: int, name: str) -> Record:
        """A dump begins with the first interface, or with an interface that occurred before."""
        if self._interfaces and name not in self._interfaces:
            self._interfaces.add(name)
            return Record(number, SKIPPED, OTHER_MESSAGE)
        self._interfaces = {name}
        return Record(number, SNAPSHOT, OTHER_MESSAGE)

    def _peer(self, number: int, peer: re.Match[str]) -> Sequence[Record]:
        if not _ALLOWED.match(peer["allowed"]):
            raise ValueError(_DAMAGED)
        if int(peer["handshake"]) == 0:
            return [Record(number, SKIPPED, NEVER_CONNECTED)]
        time = epoch_to_milliseconds(peer["handshake"])
        ipaddrs = _single_addresses(peer["allowed"])
        if not ipaddrs:
            return [Record(number, SKIPPED, NO_ADDRESS)]
        outside, reason = None, None
        try:
            address = parse_endpoint(peer["endpoint"])
            outside, reason = (address.text, None) if address else (None, NO_ADDRESS)
        except ValueError:
            reason = _DAMAGED
        text = _WITHHELD if reason == _DAMAGED else ""
        user = self._users.get(peer["key"], "")
        return [Record(number, ALIVE, reason, user, ipaddr, outside, time, text=text) for ipaddr in ipaddrs]


class WireguardReader(LineReader):
    """Reads dumps of the tool `wg`."""

    may_have_no_sessions = True

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, WireguardParser, "a line of `wg show all dump`")

    def shown(self, record: Record) -> Record:
        """Returns a placeholder: a line that cannot be decoded is not shown either."""
        return record._replace(text=_WITHHELD)


def users_by_key(peers: Any) -> Mapping[str, str]:
    """Returns the users by public key, from the option `peers`: a mapping, or a file with one. Raises InputError."""
    if peers is None:
        return {}
    if isinstance(peers, Mapping):
        return {str(key).strip(): str(user).strip() for key, user in peers.items()}
    if not isinstance(peers, str) or not peers.strip():
        raise InputError("peers: give a mapping of public keys to users, or the name of a file with one.")
    if peers.lstrip().startswith("{"):
        return _users_in(peers, "its text")
    try:
        with open(system_name(peers), "rb") as file:
            content = file.read(_MAX_PEERS_BYTES)
        return _users_in(content.decode("utf-8-sig"), peers)
    except OSError as error:
        raise InputError(f"peers: {peers} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"peers: {peers} is not UTF-8.") from error


def _users_in(text: str, where: str) -> Mapping[str, str]:
    """Reads a JSON object, or lines with a key and a user, separated by white space; `#` begins a comment."""
    if text.lstrip().startswith("{"):
        try:
            parsed = json.loads(text)
        except ValueError as error:
            raise InputError(f"peers: {where} begins like JSON but is not valid JSON: {error}.") from error
        return {str(key).strip(): str(user).strip() for key, user in parsed.items()}
    users = {}
    for number, line in enumerate(text.splitlines(), start=1):
        key, _space, user = line.strip().partition(" ") if "\t" not in line else line.strip().partition("\t")
        if not key or key.startswith("#"):
            continue
        if not re.fullmatch(_KEY + ":?", key) or not user.strip():
            raise InputError(f"peers: {where}, line {number}: give a public key and a user, separated by a space.")
        users[key.rstrip(":").strip('"')] = user.strip().strip("\"'")
    return users


def _single_addresses(allowed: str) -> list[str]:
    """Returns the addresses of the peer itself, without networks behind it."""
    ipaddrs = []
    for network in allowed.split(","):
        address = parse_endpoint(network.partition("/")[0]) if network.endswith(_SINGLE_ADDRESS) else None
        if address:
            ipaddrs.append(address.text)
    return list(dict.fromkeys(ipaddrs))
