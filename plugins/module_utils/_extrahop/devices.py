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
LARGEST_ID = 2**63 - 1
SINCE_EVER = 1
"""A value for `active_from`, in epoch milliseconds. Without it, the search finds devices that are active now; 0 also means now."""


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
        return self.search({"active_from": SINCE_EVER, "filter": having_any_of(addresses)}, size=MAX_PAGE, most=most)

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


def rule(field: str, operand: str) -> dict[str, Any]:
    """Returns a search rule: the field has this value."""
    return {"field": field, "operator": "=", "operand": operand}


def having_any_of(addresses: Sequence[str]) -> dict[str, Any]:
    """The condition that a device has one of these addresses, in the form of the vendor's examples."""
    return {"operator": "or", "rules": [rule("ipaddr", address) for address in addresses]}


def any_of(field: str, operands: Sequence[str]) -> dict[str, Any]:
    """Returns a search rule: the field has one of these values."""
    rules = [rule(field, operand) for operand in operands]
    return rules[0] if len(rules) == 1 else {"operator": "or", "rules": rules}


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
