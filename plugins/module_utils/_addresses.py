# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Checked IP addresses, in one form, whatever a log writes.

Logs repeat a few addresses over and over, so each is checked once and remembered.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

from ansible_collections.secops.xdr.plugins.module_utils._texts import quoted

_REMEMBERED = 100_000
_NONE = frozenset({"", "0.0.0.0", "::", "(null)"})
# Not ipaddress's is_private: it counts the documentation networks, which stand for public addresses.
_INSIDE = tuple(
    ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"),
        *("fc00::/7", "fe80::/10", "::1/128"),
    )
)


class Address(NamedTuple):
    """A checked address: as text in its canonical form, as bytes for the ledger, and whether it is used inside networks only."""

    text: str
    packed: bytes
    is_inside: bool


class AddressBook:
    """Checks addresses, each once."""

    def __init__(self) -> None:
        self._known: dict[str, Address | None] = {}

    def lookup(self, text: str) -> Address | None:
        """The address; None where the text says that there is none. Raises ValueError with a reason for anything else."""
        try:
            return self._known[text]
        except KeyError:
            pass
        address = parse_address(text)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[text] = address
        return address


def parse_address(text: str) -> Address | None:
    """One address without a book; see AddressBook.lookup."""
    stripped = text.strip()
    if stripped in _NONE:
        return None
    try:
        address = ip_address(stripped)
    except ValueError:
        raise ValueError(f"{quoted(text)} is not an IP address{_hint(stripped)}") from None
    if isinstance(address, IPv6Address):
        if address.scope_id:
            raise ValueError(f"{quoted(text)} holds the name of an interface after %, which has no meaning on another machine")
        # A gateway that listens on both families writes IPv4 peers like this; the appliance sees the IPv4 address.
        address = address.ipv4_mapped or address
    if address.is_unspecified:
        return None
    if address.is_multicast or address == IPv4Address("255.255.255.255"):
        raise ValueError(f"{quoted(text)} is a multicast or broadcast address, which no single device has")
    return Address(str(address), address.packed, _is_inside(address))


def _is_inside(address: IPv4Address | IPv6Address) -> bool:
    return any(address.version == network.version and address in network for network in _INSIDE)


def _hint(text: str) -> str:
    """Why an address may have failed, where that can be told."""
    host, colon, port = text.rpartition(":")
    if colon and port.isascii() and port.isdigit() and _parses(host.strip("[]")):
        return f"; it seems to have a port: only {host.strip('[]')} belongs here"
    if text.startswith("[") and text.endswith("]") and _parses(text[1:-1]):
        return "; leave out the brackets"
    if "/" in text and _parses(text.partition("/")[0]):
        return "; it seems to be a network, an address is needed"
    return ""


def _parses(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
