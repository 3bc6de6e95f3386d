# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Addresses as gateways write them: with a protocol before, a port behind, IPv6 in brackets, and many words for none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .._addresses import is_no_address, parse_address
from .._texts import quoted

if TYPE_CHECKING:
    from .._addresses import Address

_PROTOCOL = re.compile(r"(?:udp|tcp)[46]?(?:-server|-client)?:", re.IGNORECASE)
_SCOPE = re.compile(r"%[^%\]/]+\Z")
"""The interface of the gateway on which a link-local address was seen; it is no part of the address."""
_LONG_PORT = re.compile(r":\d{5}\Z", re.ASCII)
_PORT = re.compile(r":\d{1,5}\Z", re.ASCII)


def parse_endpoint(text: str) -> Address | None:
    """The address of `udp4:203.0.113.7:1194`, `[2001:db8::7]:1194` or a plain address; None where the text says that there is none.

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
