# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""The calls for devices, their tags and the watchlist.

Sources of the facts: the vendor's reference for agents (ExtraHop/agent-skills, `extrahop-rest-api/references/devices.md`), and the vendor's
scripts `tag_device` and `extract_device_list` (ExtraHop/code-examples). Facts that these do not contain were seen in clients of others: the
rules of a search and `on_watchlist` (the integration of Cortex XSOAR), the 422 for a tag whose name is taken (the connector of Splunk
SOAR).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._addresses import parse_address
from .._errors import AnswerError
from .._http.client import Operation, Request
from .calls import MAX_PAGE, ApiCalls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SEARCH_PATH = "/api/v1/devices/search"
TAGS_PATH = "/api/v1/tags"
_ADDRESSES_A_SEARCH = 100
_MOST_DEVICES = 100_000
"""Maximum number of devices for the addresses of one search; otherwise a faulty server could return new ones forever."""
_SINCE_EVER = 1
"""A value for `active_from`, in epoch milliseconds. Without it, the search finds devices that are active now; 0 also means now."""
_NOBODYS_ADDRESS = "240.0.0.1"
"""A reserved address. A server that finds a device with it ignores the conditions."""


@dataclass(frozen=True)
class Tag:
    """A tag of the appliance. Devices are assigned to it by its ID."""

    id: int
    name: str


class DeviceCalls(ApiCalls):
    """The calls for devices of one appliance. Times are epoch milliseconds."""

    def read(self, identifier: int) -> dict[str, Any]:
        """GET /devices/{id}: one device, active or not; raises NotFoundError."""
        return self._read_object(f"/api/v1/devices/{identifier}", identifier)

    def search(self, search: Mapping[str, Any], *, size: int, most: int) -> Iterator[dict[str, Any]]:
        """POST /devices/search: the active devices that match, each once. The answer is a list without a total."""
        return self._found(SEARCH_PATH, search, size=size, most=most)

    def search_page(self, search: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One page of such a search."""
        return self._page(SEARCH_PATH, search)

    def with_addresses(self, addresses: Sequence[str], *, most: int) -> Iterator[dict[str, Any]]:
        """The devices, active or not, that have one of these addresses."""
        return self.search({"active_from": _SINCE_EVER, "filter": address_rule(addresses)}, size=MAX_PAGE, most=most)

    def associated_addresses(self, identifier: int, since_ms: int, until_ms: int) -> set[str] | None:
        """GET /devices/{id}/ipaddrs: the associated addresses of a device in a time range, in canonical form.

        The vendor documents a list of objects without their fields. A client generated from an earlier API has one object, with a list
        `associated_ipaddrs` of texts. None if the answer has no such list. Raises AnswerError for an answer of another kind.
        """
        params = {"from": str(since_ms), "until": str(until_ms)}
        answer = self._http.request(Request(Operation.READ, "GET", f"/api/v1/devices/{identifier}/ipaddrs", params=params), expect=(200,))
        value = answer.json()
        entries = value if isinstance(value, list) else [value]
        if not all(isinstance(entry, dict) for entry in entries):
            raise answer.unexpected("an object or a list of objects was expected")
        lists = [entry["associated_ipaddrs"] for entry in entries if isinstance(entry.get("associated_ipaddrs"), list)]
        return None if entries and not lists else {canonical_address(address) for addresses in lists for address in addresses}

    def tags(self) -> list[Tag]:
        """GET /tags: all tags of the appliance."""
        return _tags(self._read_list(TAGS_PATH), TAGS_PATH)

    def tags_of(self, identifier: int) -> list[Tag]:
        """GET /devices/{id}/tags: the tags of a device."""
        path = _tags_path(identifier)
        return _tags(self._read_list(path), path)

    def create_tag(self, name: str) -> None:
        """POST /tags: creates a tag. A name that exists is refused with 422. After an unclear answer, the tags must be read first."""
        self._write("POST", TAGS_PATH, {"name": name}, operation=Operation.ONCE)

    def assign_tags(self, identifier: int, assign: Sequence[int], unassign: Sequence[int]) -> bool:
        """POST /devices/{id}/tags with the IDs of tags; returns False for a 207, which means that only a part was done. Safe to repeat."""
        lists = {"assign": list(assign), "unassign": list(unassign)}
        body = {name: tags for name, tags in lists.items() if tags}
        return self._write("POST", _tags_path(identifier), body).status != 207

    def watchlist(self) -> list[dict[str, Any]]:
        """GET /watchlist/devices: the devices on the watchlist."""
        return self._read_list("/api/v1/watchlist/devices")

    def watch(self, identifier: int, *, is_watched: bool) -> None:
        """POST or DELETE /watchlist/device/{id}. The answer is not documented, so any 2xx counts. Safe to repeat."""
        self._write("POST" if is_watched else "DELETE", f"/api/v1/watchlist/device/{identifier}")


def _tags_path(identifier: int) -> str:
    return f"/api/v1/devices/{identifier}/tags"


def _tags(items: Sequence[Mapping[str, Any]], path: str) -> list[Tag]:
    tags = [Tag(item["id"], item["name"]) for item in items if isinstance(item.get("id"), int) and isinstance(item.get("name"), str)]
    if len(tags) < len(items):
        raise AnswerError(f"GET {path} gave a tag without a name or an ID that is a number. Check that `host` names the product itself.")
    return tags


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
        search = {"active_from": _SINCE_EVER, "filter": address_rule(addresses), "limit": MAX_PAGE, "offset": offset}
        if offset > _MOST_DEVICES:
            raise AnswerError(
                f"POST {SEARCH_PATH}: no more than {_MOST_DEVICES} devices with {len(addresses)} addresses were expected. "
                "Check that `host` names the product itself."
            )
        return self._calls.search_page(search)


def address_rule(addresses: Sequence[str]) -> dict[str, Any]:
    """The rule of a device search for the devices with one of these addresses."""
    return {"operator": "or", "rules": [{"field": "ipaddr", "operator": "=", "operand": address} for address in addresses]}


def addresses_of(device: Mapping[str, Any]) -> list[str]:
    """The addresses that a device shows, in canonical form."""
    shown = (canonical_address(device.get(name)) for name in ("ipaddr4", "ipaddr6"))
    return [address for address in shown if address]


def canonical_address(value: Any) -> str:
    """Returns an address in the form of uploads; servers write IPv6 in several notations. Empty if it is not an address."""
    if not isinstance(value, str):
        return ""
    try:
        address = parse_address(value)
    except ValueError:
        return ""
    return address.text if address else ""
