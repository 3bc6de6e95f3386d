# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses are addresses, and which of them the appliance has observed."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_ADDRESS = 0
NOT_OBSERVED = 1
OBSERVED = 2

_REMEMBERED = 1_000_000


class AddressBook:
    """Looks an address up, quickly the second time: uploads name the same addresses again and again."""

    def __init__(self, observed: Iterable[str], unobserved: Iterable[str], *, ipv6: bool = True) -> None:
        self._known: dict[str, int] = {}
        self._inside = _ranges(observed)
        self._outside = _ranges(unobserved)
        self._ipv6 = ipv6

    def look(self, text: str) -> int:
        """NO_ADDRESS, NOT_OBSERVED or OBSERVED. Unspecified addresses (`0.0.0.0`, `::`) are no address."""
        kind = self._known.get(text)
        if kind is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            kind = self._known[text] = self._judge(text)
        return kind

    def _judge(self, text: str) -> int:
        # inet_pton is several times faster than the ipaddress module, and as strict.
        version = 6 if ":" in text else 4
        if version == 6 and not self._ipv6:
            return NO_ADDRESS
        try:
            packed = socket.inet_pton(socket.AF_INET6 if version == 6 else socket.AF_INET, text)
        except (OSError, ValueError):
            return NO_ADDRESS
        number = int.from_bytes(packed, "big")
        if number == 0:
            return NO_ADDRESS
        seen = _within(self._inside, version, number) and not _within(self._outside, version, number)
        return OBSERVED if seen else NOT_OBSERVED


_Range = tuple[int, int, int]


def _ranges(networks: Iterable[str]) -> list[_Range]:
    parsed = [ipaddress.ip_network(network) for network in networks]
    return [(one.version, int(one.network_address), int(one.broadcast_address)) for one in parsed]


def _within(ranges: list[_Range], version: int, number: int) -> bool:
    return any(kind == version and first <= number <= last for kind, first, last in ranges)
