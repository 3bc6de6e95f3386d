# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Checks IP addresses and brings them into one canonical form."""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple, cast

from ._texts import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

_NONE = frozenset(
    ("", "0.0.0.0", "::", "(null)", "(none)", "null", "none", "nil", "n/a", "na", "-", "--", "unknown", "undef", "undefined", "af_unspec")
)
_NONE_PREFIX = "invalid-addr-"
_IPV6_MARK = b"\0"
_BROADCAST = b"\xff\xff\xff\xff"
_FIRST_BYTES = bytes(range(1, 224))
"""First bytes of IPv4 addresses of single devices."""
PAIR_BYTES = 8
"""The size of two packed IPv4 addresses."""
_ONLY_INSIDE = b"\x0a\x7f"
"""All IPv4 addresses with these first bytes are only used inside networks."""
_INSIDE_IPV6 = (IPv6Network("fc00::/7"), IPv6Network("fe80::/10"), IPv6Network("::1/128"))
_PROTOCOL = re.compile(r"(?:udp|tcp)[46]?(?:-server|-client)?:", re.IGNORECASE)
_SCOPE = re.compile(r"%[^%\]/]+\Z")
"""The gateway's interface for a link-local address; it is not part of the address."""
_LONG_PORT = re.compile(r":\d{5}\Z", re.ASCII)
_PORT = re.compile(r":\d{1,5}\Z", re.ASCII)


class Address(NamedTuple):
    """A checked address: its canonical text, its bytes for the ledger, and whether it is only used inside networks.

    Two concatenated byte strings can be separated again: IPv6 ones begin with a zero byte, IPv4 ones never do.
    """

    text: str
    packed: bytes
    is_inside: bool


def is_no_address(text: str) -> bool:
    """True if the text means "no address" in the logs of gateways; the same texts count in every format."""
    word = text.strip().lower()
    return word in _NONE or word.startswith(_NONE_PREFIX)


def parse_address(text: str) -> Address | None:
    """Returns the address; None if the text means that there is none. Raises ValueError with a reason for anything else."""
    stripped = text.strip()
    try:
        # The common case. The module ipaddress handles all others, but takes ten times as long.
        packed = socket.inet_pton(socket.AF_INET, stripped)
    except (OSError, ValueError):
        if is_no_address(text):
            return None
        address = _parsed_slowly(text, stripped)
        if isinstance(address, IPv6Address):
            return Address(str(address), _IPV6_MARK + address.packed, _is_inside_ipv6(address)) if int(address) else None
        stripped, packed = str(address), address.packed
    first = packed[0]
    if first == 0 or 224 <= first < 240 or packed == _BROADCAST:
        if not any(packed):
            return None
        raise ValueError(f"{quoted(text)} is an address of a network, a multicast group or everybody, not of a single device")
    return Address(stripped, packed, _is_inside_ipv4(first, packed[1]))


def parse_endpoint(text: str) -> Address | None:
    """Returns the address in `udp4:203.0.113.7:1194`, `[2001:db8::7]:1194` or a plain address; None if the text means that there is none.

    Raises ValueError with a reason. IPv6 without brackets is taken for an address without a port, unless its last part has five digits.
    """
    host = text.strip()
    if is_no_address(host):
        return None
    host = _PROTOCOL.sub("", host, count=1) if _PROTOCOL.match(host) else host
    if host.startswith("["):
        inner, bracket, port = host[1:].partition("]")
        if not bracket or (port and not _PORT.match(port)):
            raise ValueError(f"{quoted(text)} is not an address in brackets, with or without a port after them")
        return parse_address(_SCOPE.sub("", inner))
    if host.count(":") == 1 and _PORT.search(host):
        host = host.partition(":")[0]
    elif host.count(":") > 1:
        host = _LONG_PORT.sub("", _SCOPE.sub("", host))
    return parse_address(host)


def address_columns(texts: Sequence[str]) -> tuple[list[str], list[bytes | None]]:
    """The addresses of a column in canonical form and packed, as in `Address`. None, with the text as it is, for each that needs
    parse_address().
    """
    packed = packed_column(texts)
    if None not in packed:
        return list(texts), packed
    canonical = list(texts)
    for place, known in enumerate(packed):
        if known is None:
            canonical[place], packed[place] = _canonical(texts[place])
    return canonical, packed


def packed_column(texts: Sequence[str]) -> list[bytes | None]:
    """The packed addresses of a column, in the form of `Address.packed`; None for each text that is not an IPv4 address of a single device
    in canonical form.
    """
    try:
        packed: list[bytes | None] = list(map(socket.inet_pton, repeat(socket.AF_INET), texts))
    except (OSError, ValueError):
        return list(map(_packed_or_none, texts))
    first_bytes = b"".join(cast("list[bytes]", packed))[::4]
    if first_bytes.translate(None, _FIRST_BYTES):
        return list(map(_packed_or_none, texts))
    return packed


def packed_pairs(firsts: Sequence[bytes | None], seconds: Sequence[bytes | None]) -> bytes:
    """Both columns of packed addresses in one: the first and the second of each row, row after row. Empty if not all are IPv4."""
    if None in firsts or None in seconds:
        return b""
    pairs = bytearray(PAIR_BYTES * len(firsts))
    columns = [b"".join(cast("Sequence[bytes]", column)) for column in (firsts, seconds)]
    if {len(column) * 2 for column in columns} != {len(pairs)}:
        return b""
    halves = memoryview(pairs).cast("I")
    halves[::2], halves[1::2] = (memoryview(column).cast("I") for column in columns)
    return bytes(pairs)


def separate_pairs(pairs: bytes) -> list[bytes]:
    """The rows that packed_pairs() has joined."""
    return [pairs[start : start + PAIR_BYTES] for start in range(0, len(pairs), PAIR_BYTES)]


def pack(text: str) -> bytes:
    """The packed form of an address in canonical form."""
    return _IPV6_MARK + socket.inet_pton(socket.AF_INET6, text) if ":" in text else socket.inet_pton(socket.AF_INET, text)


def is_inside(packed: bytes) -> bool:
    """True if a packed address is only used inside networks."""
    if len(packed) == 4:
        return _is_inside_ipv4(packed[0], packed[1])
    return _is_inside_ipv6(IPv6Address(packed[1:]))


def are_surely_inside(pairs: bytes) -> bool:
    """True if the first address of every packed pair is certainly only used inside networks; False means that each must be checked."""
    return not pairs[::PAIR_BYTES].translate(None, _ONLY_INSIDE)


def _canonical(text: str) -> tuple[str, bytes | None]:
    """One address in canonical form and packed; the text and None if it needs parse_address()."""
    stripped = text.strip()
    if ":" not in stripped:
        packed = _packed_or_none(stripped)
        return (text if packed is None else stripped), packed
    try:
        packed = socket.inet_pton(socket.AF_INET6, stripped)
    except (OSError, ValueError):
        return text, None
    # Addresses that begin with zeros (unspecified, IPv4-mapped) and multicast have rules of their own.
    if packed[0] in (0, 0xFF):
        return text, None
    return socket.inet_ntop(socket.AF_INET6, packed), _IPV6_MARK + packed


def _packed_or_none(text: str) -> bytes | None:
    try:
        packed = socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        return None
    return packed if 0 < packed[0] < 224 else None


def _parsed_slowly(text: str, stripped: str) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(stripped)
    except ValueError:
        raise ValueError(f"{quoted(text)} is not an IP address{_hint(stripped)}") from None
    if isinstance(address, IPv4Address):
        return address
    if address.scope_id:
        raise ValueError(f"{quoted(text)} contains an interface name after %, which has no meaning on another machine")
    if address.is_multicast:
        raise ValueError(f"{quoted(text)} is a multicast address, not of a single device")
    # A gateway that listens on both families writes IPv4 peers like this; the appliance sees the IPv4 address.
    return address.ipv4_mapped or address


def _is_inside_ipv4(first: int, second: int) -> bool:
    """Decides by the first two bytes.

    `is_private` of ipaddress includes the documentation networks, which are used like public addresses.
    """
    if first in (10, 127):
        return True
    return (
        (first == 192 and second == 168)
        or (first == 172 and 16 <= second < 32)
        or (first == 100 and 64 <= second < 128)
        or (first == 169 and second == 254)
    )


def _is_inside_ipv6(address: IPv6Address) -> bool:
    return any(address in network for network in _INSIDE_IPV6)


def _hint(text: str) -> str:
    """A hint why a text is not an address; empty if there is none."""
    host, colon, port = text.rpartition(":")
    # Without the name of an interface, which may be any text.
    host = host.strip("[]").partition("%")[0]
    if colon and port.isascii() and port.isdigit() and _parses(host):
        return f"; it seems to have a port: only {host} belongs here"
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
