# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Devices for `converge`: their tags, and their membership in the watchlist."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._errors import AnswerError, NotFoundError, RequestError, StatusError
from .._resources.comparing import near_miss_warnings
from .._resources.resource import Needed, Seen, Wording
from .._resources.waiting import looks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from .._extrahop.devices import DeviceCalls, Tag
    from .._resources.resource import Wanted, Written

_TAKEN = 422
"""The status for a tag whose name is taken."""


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


class TagBook:
    """The tags of an appliance by name; creates missing ones. Safe to use from several threads."""

    def __init__(self, calls: DeviceCalls) -> None:
        self._calls = calls
        self._ids: dict[str, int] = {}
        self._is_read = False
        self._using = threading.Lock()
        self.created: list[str] = []

    def note(self, tags: Iterable[Tag]) -> None:
        """Remembers tags from an answer."""
        self._ids.update({tag.name: tag.id for tag in tags})

    def missing(self, names: Collection[str]) -> list[str]:
        """Returns the names without a tag."""
        with self._using:
            return [name for name in names if not self._has(name)]

    def ids_of(self, names: Iterable[str]) -> list[int]:
        """Returns the IDs of the tags with these names; creates missing tags."""
        with self._using:
            return [self._ids[name] if self._has(name) else self._made(name) for name in names]

    def _has(self, name: str) -> bool:
        if name not in self._ids and not self._is_read:
            self._read()
        return name in self._ids

    def _read(self) -> None:
        self.note(self._calls.tags())
        self._is_read = True

    def _made(self, name: str) -> int:
        """Creates a tag, and looks for it after an unclear answer; raises RequestError if it does not exist."""
        try:
            self._calls.create_tag(name)
        except RequestError as error:
            if isinstance(error, StatusError) and error.status == _TAKEN:
                return self._taken(name, error)
            if not error.outcome_unknown or not self._appears(name):
                raise
        if name not in self._ids:
            self._read()
        if name not in self._ids:
            message = f"add_tags: ExtraHop accepted the new tag {name!r}, but does not list it. Look at its tags, and run again."
            raise AnswerError(message)
        self.created.append(name)
        return self._ids[name]

    def _appears(self, name: str) -> bool:
        try:
            for _look in looks():
                self._read()
                if name in self._ids:
                    return True
        except RequestError:
            # For the user, it matters that the tag may have been created.
            return False
        return False

    def _taken(self, name: str, error: StatusError) -> int:
        """Returns the ID of a tag that somebody else created meanwhile; raises the error if no tag has exactly this name."""
        self._read()
        if name in self._ids:
            return self._ids[name]
        similar = next((held for held in self._ids if held.casefold() == name.casefold()), None)
        if similar is None:
            raise error
        message = f"add_tags: ExtraHop has the tag {similar!r} and takes no second one that differs in case only; use this spelling."
        raise error.with_message(f"{message} {error.message}") from error


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
