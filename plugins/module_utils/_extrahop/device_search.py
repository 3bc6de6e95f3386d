# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Finds devices by address, name or rule, and checks that the server restricts its search: otherwise it returns the wrong device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._addresses import parse_address
from .._errors import AnswerError, InputError
from .._texts import shorten
from .calls import MAX_PAGE
from .devices import SEARCH_PATH, SINCE_EVER, addresses_of, having_any_of, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .devices import DeviceCalls

MOST_DEVICES = 100_000
"""Maximum number of devices that a search may find; otherwise a faulty server could return new ones forever."""
_ADDRESSES_A_SEARCH = 100
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


class DeviceSearch:
    """Finds the addresses that belong to devices which an appliance has observed. Addresses are in canonical form."""

    def __init__(self, calls: DeviceCalls) -> None:
        self._calls = calls

    def observed(self, addresses: Sequence[str]) -> set[str]:
        """Returns the addresses that belong to devices which the appliance has observed."""
        found: set[str] = set()
        for start in range(0, len(addresses), _ADDRESSES_A_SEARCH):
            found |= self._observed_of(addresses[start : start + _ADDRESSES_A_SEARCH])
        return found

    def _observed_of(self, addresses: Sequence[str]) -> set[str]:
        shown, has_devices = self._shown_by_devices(addresses)
        missing = [address for address in addresses if address not in shown]
        # A device can have more addresses than it shows.
        if missing and has_devices and not self._shown_by_devices([_NOBODYS_ADDRESS])[1]:
            shown |= self._belonging_to_any(missing)
        return shown

    def _belonging_to_any(self, addresses: Sequence[str]) -> set[str]:
        """Returns the addresses for which a search finds any device: the list is halved until each half has devices or has none."""
        shown, has_devices = self._shown_by_devices(addresses)
        missing = [address for address in addresses if address not in shown]
        if not has_devices or not missing:
            return shown
        if len(addresses) == 1:
            return set(addresses)
        middle = (len(missing) + 1) // 2
        return shown | self._belonging_to_any(missing[:middle]) | self._belonging_to_any(missing[middle:])

    def _shown_by_devices(self, addresses: Sequence[str]) -> tuple[set[str], bool]:
        """Returns the addresses that devices show as their own, and whether there are any devices."""
        wanted, seen, offset = set(addresses), set[str](), 0
        shown: set[str] = set()
        # It is not documented whether pages have the requested size, so only a page without a new device is the last one.
        while shown != wanted:
            devices = self._page(addresses, offset)
            for device in devices:
                # One address can belong to several devices, and one device can have both kinds of address.
                shown |= wanted.intersection(addresses_of(device))
            ids = {str(device.get("id")) for device in devices}
            if ids <= seen:
                break
            seen |= ids
            offset += len(devices)
        return shown, bool(seen)

    def _page(self, addresses: Sequence[str], offset: int) -> list[dict[str, Any]]:
        search = {"active_from": SINCE_EVER, "filter": having_any_of(addresses), "limit": MAX_PAGE, "offset": offset}
        if offset > MOST_DEVICES:
            raise AnswerError(
                f"POST {SEARCH_PATH}: no more than {MOST_DEVICES} devices with {len(addresses)} addresses were expected. "
                "Check that `host` names the product itself."
            )
        return self._calls.search_page(search)
