# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ExtraHop's device search over the addresses that the appliance has observed."""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._addresses import NO_ADDRESS, OBSERVED, AddressBook
from ._values import is_whole

if TYPE_CHECKING:
    from ._settings import Settings

_KEYS = ("filter", "limit", "offset", "active_from", "active_until", "result_fields")
_DEFAULT_LIMIT = 100
_Test = Callable[[str], bool]


class InvalidSearchError(ValueError):
    """A search that is refused."""


def search_devices(value: object, settings: Settings, book: AddressBook) -> list[dict[str, Any]]:
    """One page of the devices that a search body asks for, in a stable order. Raises InvalidSearchError.

    The appliance observed whole networks, so the devices are those observed addresses that the filter names,
    and the shared ones. An address in `shared_addresses` belongs to two devices. A device in `second_addresses` has an address that it
    does not show. Devices that were active `device_idle_days` ago are found only by a search that goes back so far.
    """
    if not isinstance(value, dict):
        raise InvalidSearchError("the body must be an object")
    unknown = sorted(set(value) - set(_KEYS))
    if unknown:
        raise InvalidSearchError(f"unknown keys: {', '.join(unknown)}")
    limit, offset = _integer(value, "limit", _DEFAULT_LIMIT), _integer(value, "offset", 0)
    named: dict[str, None] = {}
    test = _compile(value["filter"], "filter", book, named) if "filter" in value else _everything
    shared = {str(ipaddress.ip_address(address)): None for address in settings.shared_addresses}
    named.update(shared)
    if not _reaches(value.get("active_from"), settings.device_idle_days):
        return []
    owners = {second: first for first, _equals, second in (pair.partition("=") for pair in settings.second_addresses)}
    found: list[dict[str, Any]] = []
    for address in named:
        owner = owners.get(address, address)
        if book.look(owner) == OBSERVED and test(address):
            found += [_device(owner, copy, exploded=settings.exploded_ipv6) for copy in range(2 if address in shared else 1)]
    found = list({one["id"]: one for one in found}.values())
    if settings.device_page_cap:
        limit = min(limit, settings.device_page_cap)
    return found[offset : offset + limit]


def _reaches(active_from: object, days: float) -> bool:
    """True if a search from then on finds devices that were active so many days ago. Negative numbers count from now on backwards."""
    if not days:
        return True
    if not isinstance(active_from, int) or active_from == 0:
        return False
    now = time.time() * 1000
    return (active_from if active_from > 0 else now + active_from) <= now - days * 86_400_000


def _everything(_address: str) -> bool:
    return True


def _integer(value: dict[str, Any], name: str, default: int) -> int:
    number = value.get(name, default)
    if not is_whole(number) or number < 0:
        raise InvalidSearchError(f"{name}: expected an integer that is not negative, got {number!r}")
    return number


def _compile(rule: object, where: str, book: AddressBook, named: dict[str, None]) -> _Test:
    if not isinstance(rule, dict):
        raise InvalidSearchError(f"{where}: expected an object")
    operator = rule.get("operator")
    if operator in ("and", "or", "not"):
        return _compile_group(rule, where, book, named)
    if set(rule) != {"field", "operator", "operand"}:
        raise InvalidSearchError(f"{where}: expected the keys field, operator and operand")
    if rule["field"] != "ipaddr":
        raise InvalidSearchError(f"{where}.field: the emulator searches by ipaddr only, got {rule['field']!r}")
    if operator not in ("=", "!="):
        raise InvalidSearchError(f"{where}.operator: expected =, !=, and, or, not; got {operator!r}")
    operand = rule["operand"]
    if not isinstance(operand, str) or book.look(operand) == NO_ADDRESS:
        raise InvalidSearchError(f"{where}.operand: expected an IP address, got {operand!r}")
    wanted = str(ipaddress.ip_address(operand))
    named.setdefault(wanted)
    return (lambda address: address == wanted) if operator == "=" else (lambda address: address != wanted)


def _compile_group(rule: dict[str, Any], where: str, book: AddressBook, named: dict[str, None]) -> _Test:
    if set(rule) != {"operator", "rules"} or not isinstance(rule["rules"], list) or not rule["rules"]:
        raise InvalidSearchError(f"{where}: expected the keys operator and rules, a list that is not empty")
    tests = [_compile(one, f"{where}.rules[{number}]", book, named) for number, one in enumerate(rule["rules"])]
    if rule["operator"] == "and":
        return lambda address: all(test(address) for test in tests)
    if rule["operator"] == "or":
        return lambda address: any(test(address) for test in tests)
    return lambda address: not any(test(address) for test in tests)


def _device(address: str, copy: int, *, exploded: bool) -> dict[str, Any]:
    digest = hashlib.sha256(f"{address}/{copy}".encode()).hexdigest()
    parsed = ipaddress.ip_address(address)
    return {
        "id": int(digest[:10], 16),
        "extrahop_id": digest[:16],
        "discovery_id": digest[16:32],
        "display_name": f"vpn-client-{address}" + (f" ({copy + 1})" if copy else ""),
        "default_name": f"Device {address}",
        "ipaddr4": address if parsed.version == 4 else None,
        "ipaddr6": None if parsed.version == 4 else (parsed.exploded.upper() if exploded else address),
        "macaddr": None,
        "device_class": "remote",
        "is_l3": True,
        "analysis": "standard",
        "role": "vpn_client",
    }
