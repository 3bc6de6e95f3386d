# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Devices: their tags, their membership in the watchlist, and the run of `extrahop_device`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._argspec import ArgumentSpec, plain_text, whole_number
from .._errors import InputError, NotFoundError, RequestError
from .._extrahop.client import ExtraHopClient
from .._extrahop.device_search import (
    checked_address,
    checked_rule,
    devices_by_rule,
    devices_with_address,
    devices_with_name,
    shown,
)
from .._extrahop.devices import LARGEST_ID, DeviceCalls
from .._resources.comparing import near_miss_warnings
from .._resources.resource import Needed, Seen, Wanted, Wording
from .._resources.updating import TAGS, Entry, Kind, UpdateTask, outcomes_of, reported
from .._times.timestamps import search_time
from .tags import TagBook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._module import Run
    from .._resources.resource import Outcome, Written

_ALL = "all"
_NAMED = 10
_CHOICES = ("id", "ipaddr", "name", "filter")

DEVICES = ArgumentSpec(
    {
        "id": {"type": "int"},
        "ipaddr": {"type": "str"},
        "name": {"type": "str"},
        "filter": {"type": "dict"},
        "match": {"type": "str", "choices": ["one", _ALL], "default": "one"},
        "since": {"type": "str"},
        **TAGS,
        "watchlist": {"type": "bool"},
    },
    required_one_of=[_CHOICES],
    mutually_exclusive=[_CHOICES],
)
"""The options of `extrahop_device`, without those of the connection."""


@dataclass(frozen=True)
class DeviceRef:
    """A device, by its ID. `where` is the option that chose it, for messages."""

    where: str
    id: int

    @property
    def name(self) -> str:
        """The device in messages."""
        return self.where or f"device {self.id}"

    @property
    def key(self) -> str:
        """The ID as a text."""
        return str(self.id)

    @property
    def title(self) -> str:
        """The device in a diff."""
        return f"device {self.id}"

    def identity(self) -> dict[str, Any]:
        """The result key by which users recognise the device."""
        return {"id": self.id}


@dataclass(frozen=True)
class Change:
    """A requested change to one device. Fields that are None or empty leave the device alone."""

    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    watchlist: bool | None = None

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to do."""
        return self.watchlist is None and not self.has_tags

    @property
    def has_tags(self) -> bool:
        """True if the change concerns tags."""
        return bool(self.add_tags or self.remove_tags)

    def __str__(self) -> str:
        """The change in messages."""
        parts = [f"tag {tag} added" for tag in self.add_tags] + [f"tag {tag} removed" for tag in self.remove_tags]
        parts += [] if self.watchlist is None else ["on the watchlist" if self.watchlist else "not on the watchlist"]
        return ", ".join(parts)


@dataclass(frozen=True)
class DeviceState:
    """The sorted names of a device's tags, and whether it is on the watchlist; each is None if it was not requested."""

    tags: tuple[str, ...] | None
    watchlist: bool | None

    def as_result(self) -> dict[str, Any]:
        """The state as users see it."""
        return {"tags": None if self.tags is None else list(self.tags), "watchlist": self.watchlist}

    def lacks(self, change: Change) -> Change:
        """Returns the part of a change that this state does not show. Names of tags are compared exactly."""
        tags = self.tags or ()
        return Change(
            tuple(tag for tag in change.add_tags if tag not in tags),
            tuple(tag for tag in change.remove_tags if tag in tags),
            None if change.watchlist == self.watchlist else change.watchlist,
        )


class DeviceResource:
    """The devices of one appliance."""

    wording = Wording(
        noun="device",
        look="Look at the device in ExtraHop before you run this again.",
        again="Run the same task again: it reads the device and writes what is missing.",
    )

    def __init__(self, calls: DeviceCalls, tags: TagBook) -> None:
        self._calls = calls
        self._tags = tags
        self._parts: set[int] = set()

    def read(self, wanted: Wanted[DeviceRef, Change]) -> DeviceState:
        """Reads the state of a device, as far as the change concerns it; raises NotFoundError."""
        ref, change = wanted.ref, wanted.change
        try:
            tags = self._calls.tags_of(ref.id) if change.has_tags else None
            watchlist = None if change.watchlist is None else self._is_watched(ref.id)
        except NotFoundError as error:
            raise error.with_message(f"{ref.name}: there is no device {ref.id}. {error.message}") from error
        if tags is None:
            return DeviceState(None, watchlist)
        self._tags.note(tags)
        return DeviceState(tuple(sorted(tag.name for tag in tags)), watchlist)

    def _is_watched(self, identifier: int) -> bool:
        watched = self._calls.read(identifier).get("on_watchlist")
        # The field is only known from clients of others.
        return watched if isinstance(watched, bool) else any(one.get("id") == identifier for one in self._calls.watchlist())

    def needed(self, wanted: Wanted[DeviceRef, Change], state: DeviceState) -> Needed[Change]:
        """The part of a change that the device does not show."""
        held = state.tags or ()
        misses = [(tag, one) for tag in wanted.change.remove_tags if tag not in held for one in held if one.casefold() == tag.casefold()]
        return Needed(state.lacks(wanted.change), near_miss_warnings(wanted.ref.title, "device", misses))

    def planned(self, state: DeviceState, change: Change) -> DeviceState:
        """Returns the state after a change."""
        tags = None if state.tags is None else tuple(sorted({*state.tags, *change.add_tags} - set(change.remove_tags)))
        return replace(state, tags=tags, watchlist=state.watchlist if change.watchlist is None else change.watchlist)

    def remember(self, written: Written[Change], ref: DeviceRef, before: DeviceState) -> None:
        """Does nothing: tags are known by their IDs."""

    def write(self, ref: DeviceRef, change: Change) -> None:
        """Sends all tags in one request, and the watchlist in another. Creates missing tags first."""
        if change.has_tags:
            assign, unassign = self._tags.ids_of(change.add_tags), self._tags.ids_of(change.remove_tags)
            if not self._calls.assign_tags(ref.id, assign, unassign):
                self._parts.add(ref.id)
        if change.watchlist is None:
            return
        try:
            self._calls.watch(ref.id, is_watched=change.watchlist)
        except RequestError as error:
            raise (error.as_part() if change.has_tags else error) from error

    def seen(self, written: Written[Change], _ref: DeviceRef, _before: DeviceState, after: DeviceState) -> Seen[Change]:
        """The part of a change that the device does not show after it was sent."""
        return Seen(after.lacks(written.change))

    def comes_late(self, _change: Change, _unclear: RequestError | None) -> bool:
        """Returns False: repeating these requests too early does no harm."""
        return False

    def hint(self, left: Change) -> str:
        """Advice if tags are missing."""
        part = left.has_tags and self._parts
        return " It answered with status 207, which means that only a part was done. Run the same task again." if part else ""

    def knowing(self, _learned: Mapping[bytes, bytes]) -> DeviceResource:
        """Returns the same resource: nothing is learned from writes."""
        return self


def update_devices(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `extrahop_device` with its options and returns its result; raises XdrError."""
    change = Change(*Entry("", params).tags(), params["watchlist"])
    if change.is_empty:
        raise Entry("", params).nothing_to_change("add_tags", "remove_tags", "watchlist")
    choice = _choice(params)
    calls = DeviceCalls(ExtraHopClient.from_params(params, run.secrets).http())
    refs = choice.refs(calls)
    task = UpdateTask("devices", [Wanted(ref, change) for ref in refs], is_single=len(refs) == 1)
    tags = TagBook(calls)
    outcomes = outcomes_of(task, Kind(lambda _memory, _threads: DeviceResource(calls, tags)), run)
    created = tags.missing(_planned_tags(outcomes)) if run.check_mode else sorted(tags.created)
    return reported(task, outcomes, run, {"created_tags": created})


def _planned_tags(outcomes: Sequence[Outcome[DeviceRef, DeviceState]]) -> list[str]:
    """Returns the tags that a run in check mode would assign."""
    states = [(one.before, one.after) for one in outcomes if one.changed and one.before and one.after]
    return sorted({tag for before, after in states for tag in after.tags or () if tag not in (before.tags or ())})


@dataclass(frozen=True)
class _Choice:
    """The option that chooses the devices, and its checked value."""

    option: str
    value: Any
    since: int | None
    takes_all: bool

    def refs(self, calls: DeviceCalls) -> list[DeviceRef]:
        """Returns the devices; raises NotFoundError for none, and InputError for several if one is expected."""
        if self.option == "id":
            return [DeviceRef("id", self.value)]
        if self.option == "ipaddr":
            said, found = f"the address {self.value}", devices_with_address(calls, self.value, self.since)
        elif self.option == "name":
            said, found = f"the name {self.value}", devices_with_name(calls, self.value, self.since)
        else:
            said, found = "what `filter` asks for", devices_by_rule(calls, self.value, self.since)
        if not found:
            message = (
                f"{self.option}: there is no active device with {said}. The search finds active devices only; set `since` to a time when "
                "the device was active, or choose it by `id`."
            )
            raise NotFoundError(message, 404, "")
        if len(found) > 1 and not self.takes_all:
            names = "; ".join(shown(one) for one in found[:_NAMED])
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            advice = "Choose one by `id`, or change all of them with `match: all`."
            raise InputError(f"{self.option}: {len(found)} devices have {said}: {names}{more}. {advice}")
        return [DeviceRef("" if len(found) > 1 else self.option, int(one["id"])) for one in found]


def _choice(params: Mapping[str, Any]) -> _Choice:
    """Returns the device that the options name, checked; raises InputError."""
    option = next(name for name in _CHOICES if params[name] is not None)
    value = params[option]
    if option == "id":
        value = whole_number("id", value, 0, LARGEST_ID)
    elif option == "ipaddr":
        value = checked_address("ipaddr", value)
    else:
        value = checked_rule(value) if option == "filter" else plain_text("name", value).strip()
    since = None if params["since"] is None else search_time("since", params["since"])
    return _Choice(option, value, since, params["match"] == _ALL)
