# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Finds out which addresses belong to devices that an appliance has observed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .._addresses import parse_address
from .._http.client import Operation, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._http.client import HttpClient

DEVICE_SEARCH_PATH = "/api/v1/devices/search"
_ADDRESSES_A_SEARCH = 100
_DEVICES_A_PAGE = 1000
_MOST_DEVICES = 100_000
"""With the addresses of one search; a server that always has one more would never be done."""
_SINCE_EVER = 1
"""For `active_from`, in epoch milliseconds. Without it, the search finds devices that are active now; 0 means now as well."""
_NOBODYS_ADDRESS = "240.0.0.1"
"""A reserved address. A server that finds a device with it pays no heed to what it is asked."""


class DeviceSearch:
    """Asks one appliance. The addresses are in canonical form."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def observed(self, addresses: Sequence[str]) -> set[str]:
        """Those of the addresses that belong to devices which the appliance has observed."""
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
        """Those for which a search finds a device at all: the addresses are halved until each half has devices or has none."""
        shown, has_devices = self._shown_by_devices(addresses)
        missing = [address for address in addresses if address not in shown]
        if not has_devices or not missing:
            return shown
        if len(addresses) == 1:
            return set(addresses)
        middle = (len(missing) + 1) // 2
        return shown | self._belonging_to_any(missing[:middle]) | self._belonging_to_any(missing[middle:])

    def _shown_by_devices(self, addresses: Sequence[str]) -> tuple[set[str], bool]:
        """Those of the addresses that devices show as theirs, and whether there are devices at all."""
        wanted, seen, offset = set(addresses), set[str](), 0
        shown: set[str] = set()
        # Nobody documents whether the appliance gives as many devices as it is asked for: the last page is the one without a new one.
        while shown != wanted:
            devices = self._page(addresses, offset)
            for device in devices:
                # One address can belong to several devices, and one device can have both kinds of address.
                shown |= {_canonical(device.get(name)) for name in ("ipaddr4", "ipaddr6")} & wanted
            ids = {str(device.get("id")) for device in devices}
            if ids <= seen:
                break
            seen |= ids
            offset += len(devices)
        return shown, bool(seen)

    def _page(self, addresses: Sequence[str], offset: int) -> list[dict[str, Any]]:
        rules = [{"field": "ipaddr", "operator": "=", "operand": address} for address in addresses]
        search = {
            "active_from": _SINCE_EVER,
            "filter": {"operator": "or", "rules": rules},
            "limit": _DEVICES_A_PAGE,
            "offset": offset,
        }
        answer = self._http.request(Request(Operation.READ, "POST", DEVICE_SEARCH_PATH, json.dumps(search).encode()), expect=(200,))
        if offset > _MOST_DEVICES:
            raise answer.unexpected(f"no more than {_MOST_DEVICES} devices with {len(addresses)} addresses were expected")
        devices = answer.json()
        if not isinstance(devices, list) or not all(isinstance(device, dict) for device in devices):
            raise answer.unexpected("a list of devices was expected")
        return devices


def _canonical(value: Any) -> str:
    """An address as uploads have it; servers write IPv6 in several notations. Empty if it is none."""
    if not isinstance(value, str):
        return ""
    try:
        address = parse_address(value)
    except ValueError:
        return ""
    return address.text if address else ""
