# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which texts are addresses, and which addresses the appliance has observed."""

from __future__ import annotations

import ipaddress
import socket
from itertools import repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NO_ADDRESS = 0
NOT_OBSERVED = 1
OBSERVED = 2

_IPV4_BYTES = 4
_UNSPECIFIED = bytes(_IPV4_BYTES)


class AddressBook:
    """Decides whether texts are addresses, and whether these were observed."""

    def __init__(self, observed: Iterable[str], unobserved: Iterable[str], *, ipv6: bool = True) -> None:
        self._inside = _ranges(observed)
        self._outside = _ranges(unobserved)
        self._ipv6 = ipv6

    def look(self, text: str) -> int:
        """NO_ADDRESS, NOT_OBSERVED or OBSERVED. Unspecified addresses (`0.0.0.0`, `::`) are no address."""
        family = socket.AF_INET6 if ":" in text else socket.AF_INET
        if family == socket.AF_INET6 and not self._ipv6:
            return NO_ADDRESS
        try:
            # inet_pton is several times faster than the ipaddress module and equally strict.
            return self._kind(socket.inet_pton(family, text))
        except (OSError, ValueError):
            return NO_ADDRESS

    def kinds(self, texts: Sequence[str]) -> list[int]:
        """Return the result of `look` for many addresses, quickly if all of them are IPv4."""
        try:
            packed = list(map(socket.inet_pton, repeat(socket.AF_INET), texts))
        except (OSError, ValueError):
            return list(map(self.look, texts))
        if _UNSPECIFIED in packed:
            return list(map(self._kind, packed))
        seen, hidden = _in_any(self._inside, packed), _in_any(self._outside, packed)
        return [OBSERVED if inside and not outside else NOT_OBSERVED for inside, outside in zip(seen, hidden, strict=True)]

    def _kind(self, packed: bytes) -> int:
        if not any(packed):
            return NO_ADDRESS
        return OBSERVED if _within(self._inside, packed) and not _within(self._outside, packed) else NOT_OBSERVED


_Range = tuple[bytes, bytes]


def _ranges(networks: Iterable[str]) -> list[_Range]:
    parsed = [ipaddress.ip_network(network) for network in networks]
    return [(one.network_address.packed, one.broadcast_address.packed) for one in parsed]


def _in_any(ranges: list[_Range], packed: list[bytes]) -> list[bool]:
    """True for each IPv4 address that is in one of the ranges."""
    found = [False] * len(packed)
    for first, last in ranges:
        if len(first) == _IPV4_BYTES:
            found = [known or first <= address <= last for known, address in zip(found, packed, strict=True)]
    return found


def _within(ranges: list[_Range], packed: bytes) -> bool:
    return any(len(first) == len(packed) and first <= packed <= last for first, last in ranges)
