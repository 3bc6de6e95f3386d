# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What C(wg show all dump) prints, once or again and again into one file.

A dump holds private and preshared keys. They are read past here and go no further: not into a session, a reason, a list of rejects
or a message. So nothing that is shown quotes a line, and a peer has no name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..._times.timestamps import epoch_to_milliseconds
from ..endpoints import endpoint_book
from ..line_reader import LineReader
from ..records import ALIVE, REJECTED, SKIPPED, Record
from ..rows import NEVER_CONNECTED, NO_ADDRESS, OTHER_MESSAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..._addresses import Address
    from ..reading import Reading

_PEER_FIELDS = 8
_INTERFACE_FIELDS = 4
"""Without the name of the interface, which C(all) puts before them."""
_WITHHELD = "(not shown: a dump holds keys)"
_KEY = re.compile(r"(?:[A-Za-z0-9+/]{43}=|\([a-z]+\))\Z", re.ASCII)
_WHOLE_NUMBER = re.compile(r"\d{1,20}\Z", re.ASCII)
_SINGLE_ADDRESS = ("/32", "/128")


class WireguardParser:
    """Lines of one dump, or of several."""

    def __init__(self, _reading: Reading) -> None:
        self.has_recognised = False
        self.unknown_messages: dict[str, int] = {}
        self._addresses = endpoint_book()

    def records(self, number: int, line: str) -> Sequence[Record]:
        """One row; more for a peer with several addresses."""
        fields = line.rstrip("\r").split("\t")
        if len(fields) in (_PEER_FIELDS + 1, _INTERFACE_FIELDS + 1):
            del fields[0]
        if len(fields) not in (_PEER_FIELDS, _INTERFACE_FIELDS) or not (_KEY.match(fields[0]) and _KEY.match(fields[1])):
            return [Record(number, REJECTED, "not a line of `wg show all dump`, or cut off", text=_WITHHELD)]
        self.has_recognised = True
        if len(fields) == _INTERFACE_FIELDS:
            return [Record(number, SKIPPED, OTHER_MESSAGE)]
        try:
            return self._sessions(number, *fields[2:5])
        except ValueError:
            # Its text would quote what stands there, and in a line that is not as it should be that can be a key.
            return [Record(number, REJECTED, "endpoint, allowed addresses or latest handshake are not what they should be", text=_WITHHELD)]

    def rest(self) -> Sequence[Record]:
        """Each line stands for itself."""
        return []

    def _sessions(self, number: int, endpoint: str, allowed: str, handshake: str) -> Sequence[Record]:
        if not _WHOLE_NUMBER.match(handshake):
            raise ValueError("no time")
        if int(handshake) == 0:
            return [Record(number, SKIPPED, NEVER_CONNECTED)]
        associated_ipaddr = self._addresses.lookup(endpoint)
        ipaddrs = self._single_addresses(allowed)
        if associated_ipaddr is None or not ipaddrs:
            return [Record(number, SKIPPED, NO_ADDRESS)]
        start = epoch_to_milliseconds(handshake)
        return [Record(number, ALIVE, None, "", ipaddr.text, associated_ipaddr.text, start) for ipaddr in ipaddrs]

    def _single_addresses(self, allowed: str) -> list[Address]:
        """Those that are of the peer alone; whole networks behind it are not."""
        ipaddrs = []
        for network in allowed.split(","):
            host, slash, bits = network.partition("/")
            if slash and not _WHOLE_NUMBER.match(bits):
                raise ValueError("no network")
            ipaddr = self._addresses.lookup(host) if network.endswith(_SINGLE_ADDRESS) or not slash else None
            if ipaddr:
                ipaddrs.append(ipaddr)
        return ipaddrs


class WireguardReader(LineReader):
    """Reads dumps of the tool C(wg)."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, WireguardParser, "a line of `wg show all dump`")

    def shown(self, record: Record) -> Record:
        """A line that is no text is not shown either."""
        return record._replace(text=_WITHHELD)
