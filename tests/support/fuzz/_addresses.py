# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses: every accepted text is an address of one device in canonical form, and every such address is accepted."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from ansible_collections.secops.xdr.plugins.module_utils._addresses import packed_column, parse_address, parse_endpoint

from support.fuzz._draw import Draw

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.secops.xdr.plugins.module_utils._addresses import Address

_ENDPOINTS = ("10.8.0.2", "udp4:203.0.113.7:1194", "[2001:db8::7]:1194", "2001:db8::7", "::ffff:192.0.2.1", "(null)", "tcp6-server:[::1]:1")


def addresses(data: bytes) -> None:
    """One column of texts, read one by one and at once."""
    draw = Draw(data)
    texts = [_text(draw) for _row in range(1 + draw.number(4))]
    for text, packed in zip(texts, packed_column(texts), strict=True):
        alone = _checked(parse_address, text)
        assert packed is None or (alone is not None and (alone.text, alone.packed) == (text, packed))
        _checked(parse_endpoint, text)


def check_address(address: Address) -> None:
    """Fails where this is not one device's address in canonical form."""
    known = ipaddress.ip_address(address.text)
    assert str(known) == address.text
    assert not known.is_multicast
    assert int(known)
    assert address.packed == (known.packed if known.version == 4 else b"\0" + known.packed)
    assert known.version == 6 or (known.packed[0] and address.text != "255.255.255.255")


def _text(draw: Draw) -> str:
    kind = draw.number(3)
    if kind == 0:
        return draw.mutated(draw.pick(_ENDPOINTS))
    if kind == 1:
        return str(ipaddress.IPv4Address(draw.number(2**32 - 1)))
    if kind == 2:
        return draw.pick((str, lambda one: one.exploded))(ipaddress.IPv6Address(draw.number(2**128 - 1)))
    return draw.text(40)


def _checked(parse: Callable[[str], Address | None], text: str) -> Address | None:
    reason = ""
    try:
        address = parse(text)
    except ValueError as error:
        address, reason = None, str(error)
    assert reason.isprintable()
    if address:
        check_address(address)
    elif parse is parse_address:
        assert not _is_of_one_device(text)
    return address


def _is_of_one_device(text: str) -> bool:
    try:
        known = ipaddress.ip_address(text.strip())
    except ValueError:
        return False
    if isinstance(known, ipaddress.IPv6Address):
        if known.scope_id:
            return False
        known = known.ipv4_mapped or known
    return not known.is_multicast and known.packed[0] + known.version != 4 and int(known) not in (0, 2**32 - 1)
