# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ExtraHop's devices: added ones, and one for each observed address in a search; with search, tags and watchlist."""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ._addresses import NO_ADDRESS, OBSERVED, AddressBook
from ._exchange import READ, WRITE, Call, RefusedError, Reply, Route, invalid, json_object, json_reply, problem
from ._values import is_whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._exchange import Handler
    from ._settings import Settings

    Guard = Callable[[Handler, str], Handler]

_KEYS = ("filter", "limit", "offset", "active_from", "active_until", "result_fields")
_DEFAULT_LIMIT = 100
_ASKED = "_address"
"""The address for which a device was made, in the devices of a search. No answer has it."""
_WINDOW_MS = 30 * 60_000
_NAMES = ("display_name", "custom_name", "default_name", "dns_name", "dhcp_name", "netbios_name", "cdp_name")
Device = dict[str, Any]
_Test = Callable[[Device], bool]


class Devices:
    """The devices of an appliance, with their calls. An address in `shared_addresses` belongs to two devices. A device in
    `second_addresses` has an address that it does not show. Devices that were last active `device_idle_days` ago, or at their
    `last_seen_time`, are only found by a search that goes back that far."""

    def __init__(self, settings: Settings, guard: Guard) -> None:
        self._settings = settings
        self._given: dict[int, Device] = {}
        self._made: dict[int, Device] = {}
        self.tags: dict[int, dict[str, Any]] = {}
        self.assigned: dict[int, set[int]] = {}
        """The IDs of the tags by the ID of the device."""
        self.watched: set[int] = set()
        self.searches = 0
        self.routes = (
            Route("/api/v1/devices/search", READ, {"POST": guard(self._search, READ)}),
            Route("/api/v1/devices/{id}", WRITE, {"GET": guard(self._read, READ)}),
            Route("/api/v1/devices/{id}/tags", WRITE, {"GET": guard(self._tags_of, READ), "POST": guard(self._assign_tags, WRITE)}),
            Route("/api/v1/tags", WRITE, {"GET": guard(self._tags, READ), "POST": guard(self._create_tag, WRITE)}),
            Route("/api/v1/watchlist/devices", READ, {"GET": guard(self._watchlist, READ)}),
            Route("/api/v1/watchlist/device/{id}", WRITE, {"POST": guard(self._watch, WRITE), "DELETE": guard(self._watch, WRITE)}),
        )
        self.settings_changed()

    def settings_changed(self) -> None:
        """Read settings again that are kept in another form."""
        one = self._settings
        self.book = AddressBook(one.observed, one.unobserved, ipv6=one.accept_ipv6)

    def clear(self) -> None:
        """Forget everything."""
        for held in (self._given, self._made, self.tags, self.assigned, self.watched):
            held.clear()
        self.searches = 0

    def add(self, documents: Iterable[Mapping[str, Any]]) -> list[int]:
        """Add devices; `tags` are the names of their tags, `on_watchlist` puts them on the watchlist. Returns the IDs."""
        added = []
        for document in documents:
            fields = dict(document)
            identifier = int(fields.get("id", max(self._given, default=0) + 1))
            for name in fields.pop("tags", ()):
                self.assigned.setdefault(identifier, set()).add(self.tag(name))
            if fields.pop("on_watchlist", False):
                self.watched.add(identifier)
            address = fields.get("ipaddr4") or fields.get("ipaddr6") or f"192.0.2.{identifier % 250 + 1}"
            self._given[identifier] = {**_device(address, 0, exploded=False), "last_seen_time": None, **fields, "id": identifier}
            added.append(identifier)
        return added

    def tag(self, name: str) -> int:
        """Return the ID of a tag, which is created if it does not exist."""
        for identifier, tag in self.tags.items():
            if tag["name"] == name:
                return identifier
        identifier = max(self.tags, default=0) + 1
        self.tags[identifier] = {"id": identifier, "name": name, "mod_time": int(time.time() * 1000)}
        return identifier

    def all(self) -> list[Device]:
        """The devices that were given or changed, by ID, each with the names of its `tags` and `on_watchlist`."""
        used = {identifier: one for identifier, one in self._made.items() if self.assigned.get(identifier) or identifier in self.watched}
        held = {**used, **self._given}
        return [
            {**one, "tags": sorted(self._names_of(identifier)), "on_watchlist": identifier in self.watched}
            for identifier, one in sorted(held.items())
        ]

    def _names_of(self, identifier: int) -> set[str]:
        return {self.tags[tag]["name"] for tag in self.assigned.get(identifier, ())}

    # -- the calls ----------------------------------------------------------------------------------------------------

    def _identifier(self, call: Call) -> int:
        text = call.parameters["id"]
        if not text.isdecimal() or int(text) not in {**self._made, **self._given}:
            raise RefusedError(problem(404, "not_found", f"The requested resource {call.path} was not found"))
        return int(text)

    def _shown(self, device: Device) -> Device:
        shown = {name: value for name, value in device.items() if not name.startswith("_")}
        return {**shown, "on_watchlist": device["id"] in self.watched} if self._settings.on_watchlist_shown else shown

    def device(self, call: Call) -> Device:
        """The device that a call names; raises RefusedError."""
        return {**self._made, **self._given}[self._identifier(call)]

    def _read(self, call: Call) -> Reply:
        return json_reply(200, self._shown(self.device(call)))

    def _tags(self, _call: Call) -> Reply:
        return json_reply(200, self.tag_list())

    def tag_list(self) -> list[dict[str, Any]]:
        """All tags."""
        return list(self.tags.values())

    def _tags_of(self, call: Call) -> Reply:
        return json_reply(200, [self.tags[tag] for tag in sorted(self.assigned.get(self._identifier(call), ()))])

    def _create_tag(self, call: Call) -> Reply:
        fields = json_object(call)
        name = fields.get("name")
        if set(fields) != {"name"} or not isinstance(name, str) or not name.strip():
            raise RefusedError(invalid("name: expected an object with a text"))
        key: Callable[[str], str] = str.casefold if self._settings.tag_names == "any_case" else str
        if any(key(tag["name"]) == key(name) for tag in self.tags.values()):
            raise RefusedError(invalid(f"A tag with the name {name} exists", 422))
        return Reply(201, headers=(("Location", f"/api/v1/tags/{self.tag(name)}"),))

    def _assign_tags(self, call: Call) -> Reply:
        identifier = self._identifier(call)
        lists = json_object(call)
        if not lists or not set(lists) <= {"assign", "unassign"}:
            raise RefusedError(invalid("expected the keys assign and unassign"))
        for name, tags in lists.items():
            if not isinstance(tags, list) or not all(is_whole(tag) for tag in tags):
                raise RefusedError(invalid(f"{name}: expected a list of integers"))
        assign, unassign = lists.get("assign", []), lists.get("unassign", [])
        settings = self._settings
        if settings.assignments == "part":
            assign, unassign = assign[1:], unassign[1:]
        is_whole_answer = settings.assignments == "all" and set(assign) <= set(self.tags)
        if not settings.extrahop_ignore_writes:
            held = self.assigned.setdefault(identifier, set())
            held |= set(assign) & set(self.tags)
            held -= set(unassign)
        return Reply(settings.write_status if is_whole_answer else 207)

    def _watchlist(self, _call: Call) -> Reply:
        return json_reply(200, [self._shown(one) for one in {**self._made, **self._given}.values() if one["id"] in self.watched])

    def _watch(self, call: Call) -> Reply:
        identifier = self._identifier(call)
        if not self._settings.extrahop_ignore_writes:
            (self.watched.add if call.method == "POST" else self.watched.discard)(identifier)
        return Reply(self._settings.watchlist_status)

    def _search(self, call: Call) -> Reply:
        self.searches += 1
        asked = json_object(call)
        unknown = sorted(set(asked) - set(_KEYS))
        if unknown:
            raise RefusedError(invalid(f"unknown keys: {', '.join(unknown)}"))
        limit, offset = _whole(asked, "limit", _DEFAULT_LIMIT), _whole(asked, "offset", 0)
        named: dict[str, None] = {}
        test = self._rule(asked["filter"], "filter", named) if "filter" in asked else _everything
        found = [one for one in self._candidates(named) if self._is_active(one, asked) and test(one)]
        found = [self._shown(one) for one in {one["id"]: one for one in found}.values()]
        if self._settings.device_page_cap:
            limit = min(limit, self._settings.device_page_cap)
        wanted = asked.get("result_fields")
        page = found[offset : offset + limit]
        shown = [{name: one[name] for name in one if name != _ASKED and (not wanted or name in ("id", *wanted))} for one in page]
        return json_reply(200, shown)

    def _candidates(self, named: Mapping[str, None]) -> Iterable[Device]:
        """The devices that a search could find, in a stable order: those made for the addresses that it names, and those given."""
        shared = {str(ipaddress.ip_address(address)): None for address in self._settings.shared_addresses}
        owners = {second: first for first, _equals, second in (pair.partition("=") for pair in self._settings.second_addresses)}
        given = {address for one in self._given.values() for address in (one["ipaddr4"], one["ipaddr6"])}
        for address in {**named, **shared}:
            owner = owners.get(address, address)
            if self.book.look(owner) != OBSERVED or owner in given:
                continue
            for copy in range(2 if address in shared else 1):
                made = {**_device(owner, copy, exploded=self._settings.exploded_ipv6), "last_seen_time": None}
                self._made[made["id"]] = made
                yield {**made, _ASKED: address}
        yield from sorted(self._given.values(), key=lambda one: one["id"])

    def _is_active(self, device: Device, asked: Mapping[str, Any]) -> bool:
        """True if a search finds the device; negative times count from now on backwards, and 0 is now."""
        now = time.time() * 1000
        seen = device["last_seen_time"] or (now - self._settings.device_idle_days * 86_400_000)
        since, until = asked.get("active_from", -_WINDOW_MS), asked.get("active_until", 0)
        if not is_whole(since) or not is_whole(until):
            raise RefusedError(invalid("active_from, active_until: expected integers"))
        return bool(seen >= (since if since > 0 else now + (since or -_WINDOW_MS)) and (until <= 0 or seen <= until))

    # -- the rules of a search ----------------------------------------------------------------------------------------

    def _rule(self, rule: object, where: str, named: dict[str, None]) -> _Test:
        if not isinstance(rule, dict):
            raise RefusedError(invalid(f"{where}: expected an object"))
        operator = rule.get("operator")
        if operator in ("and", "or", "not"):
            return self._group(rule, where, named)
        wanted_keys = {"field", "operator"} if operator == "exists" else {"field", "operator", "operand"}
        if set(rule) != wanted_keys:
            raise RefusedError(invalid(f"{where}: expected the keys {', '.join(sorted(wanted_keys))}"))
        field, operand = rule["field"], rule.get("operand")
        if operator not in ("=", "!=", "~", "!~", "exists"):
            raise RefusedError(invalid(f"{where}.operator: expected =, !=, ~, !~, exists, and, or, not; got {operator!r}"))
        if field == "ipaddr":
            operand = self._address(operand, operator, where, named)
        elif field not in ("name", "tag", "role", "vendor", "macaddr", "device_class"):
            raise RefusedError(invalid(f"{where}.field: the emulator does not search by {field!r}"))
        elif operator != "exists" and not isinstance(operand, str):
            raise RefusedError(invalid(f"{where}.operand: expected a text, got {operand!r}"))
        return _compared(operator, str(operand), lambda one: self._values_of(one, field))

    def _address(self, operand: object, operator: object, where: str, named: dict[str, None]) -> str:
        if operator not in ("=", "!=") or not isinstance(operand, str) or self.book.look(operand) == NO_ADDRESS:
            raise RefusedError(invalid(f"{where}.operand: expected = or != and an IP address, got {operator!r} {operand!r}"))
        wanted = str(ipaddress.ip_address(operand))
        named.setdefault(wanted)
        return wanted

    def _values_of(self, device: Device, field: str) -> list[str]:
        if field == "name":
            return [device[name] for name in _NAMES if device.get(name)]
        if field == "tag":
            return sorted(self._names_of(device["id"]))
        if field == "ipaddr":
            if _ASKED in device:
                return [device[_ASKED]]
            return [str(ipaddress.ip_address(device[name])) for name in ("ipaddr4", "ipaddr6") if device.get(name)]
        return [device[field]] if device.get(field) else []

    def _group(self, rule: Device, where: str, named: dict[str, None]) -> _Test:
        if set(rule) != {"operator", "rules"} or not isinstance(rule["rules"], list) or not rule["rules"]:
            raise RefusedError(invalid(f"{where}: expected the keys operator and rules, a list that is not empty"))
        tests = [self._rule(one, f"{where}.rules[{number}]", named) for number, one in enumerate(rule["rules"])]
        if rule["operator"] == "and":
            return lambda device: all(test(device) for test in tests)
        if rule["operator"] == "or":
            return lambda device: any(test(device) for test in tests)
        return lambda device: not any(test(device) for test in tests)


def _compared(operator: str, operand: str, values: Callable[[Device], list[str]]) -> _Test:
    if operator == "exists":
        return lambda device: bool(values(device))
    if operator in ("=", "!="):
        return lambda device: (operand.lower() in [value.lower() for value in values(device)]) == (operator == "=")
    return lambda device: any(operand.lower() in value.lower() for value in values(device)) == (operator == "~")


def _everything(_device: Device) -> bool:
    return True


def _whole(value: Mapping[str, Any], name: str, default: int) -> int:
    number = value.get(name, default)
    if not is_whole(number) or number < 0:
        raise RefusedError(invalid(f"{name}: expected an integer that is not negative, got {number!r}"))
    return number


def _device(address: str, copy: int, *, exploded: bool) -> Device:
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
