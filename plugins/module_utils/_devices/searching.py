# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Finds devices by address, name, tag or rule. The server searches active devices only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._addresses import parse_address
from .._errors import AnswerError, InputError
from .._extrahop.calls import MAX_PAGE
from .._extrahop.devices import SEARCH_PATH, addresses_of
from .._texts import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._extrahop.devices import DeviceCalls

LARGEST_ID = 2**63 - 1
MOST_DEVICES = 100_000
_NAMES = (
    "display_name",
    "custom_name",
    "default_name",
    "dns_name",
    "dhcp_name",
    "netbios_name",
    "cdp_name",
    "cloud_instance_name",
)
"""The fields of a device that contain its names."""
_NOBODYS_ADDRESS = "240.0.0.1"
"""A reserved address. A server that finds a device with it ignores the condition."""


def rule(field: str, operand: str) -> dict[str, Any]:
    """Returns a search rule: the field has this value."""
    return {"field": field, "operator": "=", "operand": operand}


def any_of(field: str, operands: Iterable[str]) -> dict[str, Any]:
    """Returns a search rule: the field has one of these values."""
    rules = [rule(field, operand) for operand in operands]
    return rules[0] if len(rules) == 1 else {"operator": "or", "rules": rules}


def checked_address(option: str, text: str) -> str:
    """Returns an address in canonical form; raises InputError."""
    try:
        address = parse_address(text)
    except ValueError as error:
        raise InputError(f"{option}: {error}") from error
    if address is None:
        raise InputError(f"{option}: {text!r} is not the address of a device.")
    return address.text


def checked_rule(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns a rule from the options; raises InputError if it has no operator."""
    if not isinstance(value.get("operator"), str):
        raise InputError(
            "filter: a rule such as {field: vendor, operator: '=', operand: Cisco} is expected, or {operator: and, rules: [...]}. "
            "This one has no operator."
        )
    return value


def devices_with_address(calls: DeviceCalls, address: str, since: int | None) -> list[dict[str, Any]]:
    """Returns the devices with an address. A device can have more addresses than it shows."""
    found = _found(calls, rule("ipaddr", address), since)
    if any(address not in addresses_of(one) for one in found):
        _check_search(calls, rule("ipaddr", _NOBODYS_ADDRESS), since)
    return found


def devices_with_name(calls: DeviceCalls, name: str, since: int | None) -> list[dict[str, Any]]:
    """Returns the devices with this name, ignoring case. It is not documented whether the server also finds parts of names."""
    return [one for one in _found(calls, rule("name", name), since) if has_name(one, name)]


def devices_by_rule(calls: DeviceCalls, search_rule: Mapping[str, Any], since: int | None) -> list[dict[str, Any]]:
    """Returns the devices that a rule finds."""
    found = _found(calls, search_rule, since)
    if found:
        _check_search(calls, {"operator": "and", "rules": [search_rule, rule("ipaddr", _NOBODYS_ADDRESS)]}, since)
    return found


def _check_search(calls: DeviceCalls, search_rule: Mapping[str, Any], since: int | None) -> None:
    """Raises AnswerError if a rule that no device can match finds a device: this server could return the wrong device."""
    if _found(calls, search_rule, since):
        raise AnswerError(
            f"POST {SEARCH_PATH} gave devices for an address that no device can have, so the server does not restrict the search. "
            "Choose the device by `id`, and check the version of ExtraHop."
        )


def has_name(device: Mapping[str, Any], name: str) -> bool:
    """True if a device shows this name, ignoring case."""
    return name.casefold() in {str(device[field]).casefold() for field in _NAMES if device.get(field)}


def shown(device: Mapping[str, Any]) -> str:
    """Returns a device for messages: ID, name and addresses."""
    name = device.get("display_name") or device.get("default_name") or "no name"
    return shorten(f"{device['id']} ({', '.join([str(name), *addresses_of(device)])})", 80)


def _found(calls: DeviceCalls, search_rule: Mapping[str, Any], since: int | None) -> list[dict[str, Any]]:
    search: dict[str, Any] = {"filter": search_rule}
    if since is not None:
        search["active_from"] = since
    return all_found(calls, search, MAX_PAGE)


def all_found(calls: DeviceCalls, search: Mapping[str, Any], size: int) -> list[dict[str, Any]]:
    """Returns all devices that a search finds; raises InputError for more than MOST_DEVICES."""
    found = with_ids(calls.search(search, size=size, most=MOST_DEVICES + 1))
    if len(found) > MOST_DEVICES:
        raise InputError(f"filter: more than {MOST_DEVICES} devices match. Narrow the search.")
    return found


def with_ids(devices: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The devices as a list; raises AnswerError if one has no ID that is a number."""
    found = list(devices)
    if not all(isinstance(one.get("id"), int) for one in found):
        message = f"POST {SEARCH_PATH} gave a device whose ID is not a number. Check that `host` names the product itself."
        raise AnswerError(message)
    return found
