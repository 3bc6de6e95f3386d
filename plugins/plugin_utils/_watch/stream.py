# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Streams of watched items, which continue from a position; and streams of security events of Stellar Cyber."""

from __future__ import annotations

import heapq
import re
import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ...module_utils._errors import AnswerError, InputError
from ...module_utils._events.query import stored_value
from ...module_utils._stellar.search import EventSearch
from ...module_utils._times.timestamps import iso8601_to_milliseconds
from ...module_utils._times.zones import Zone

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from ...module_utils._stellar.answers import StoredEvent
    from ...module_utils._stellar.client import StellarClient
    from .options import WatchOptions

READ_AT_ONCE = 500
"""Number of events to read before they are passed on: the actions that they trigger take time, and a scroll would expire meanwhile."""
_PAGE = 500
_NUMBER = re.compile(r"\d{1,15}(\.\d*)?\Z", re.ASCII)
_LATEST = 10**15
_NAMES = uuid.UUID("5b0dbb0e-54c1-5f2a-9a5c-0f3a3a1f4d61")
MOST_REMEMBERED = 50_000
"""Maximum number of remembered events of one kind. If the overlap contains more, it becomes shorter."""


@dataclass(frozen=True)
class Kind:
    """A kind of events: its name in the cursor, the value of `change`, and the field with the time."""

    name: str
    change: str
    field: str
    condition: str = ""
    is_in_every_index: bool = True
    """True if a server can always sort by the field. Servers may refuse if no event has it."""


WRITTEN = Kind("new", "new", "write_time")
UNDATED = Kind("undated", "new", "timestamp", condition=" AND NOT _exists_:write_time")
"""Events without a time of writing, which is not always added.

They have a separate position: `timestamp` is the time of the incident, which can be long before the event was written.
"""
CHANGED = Kind("changed", "changed", "user_action.last_modified", is_in_every_index=False)


@dataclass(frozen=True)
class Found:
    """An event, or a change of one, for the rule engine. `key` never changes; `time` is in milliseconds."""

    key: str
    time: int
    event: Mapping[str, Any]
    former_key: str = ""
    """Its key in cursors of version 1.0, if needed."""


class Position:
    """The position of one kind of events. All times are epoch milliseconds.

    It is `overlap` behind the latest event that was passed on, so that events which become visible late are found. An event that was ahead
    of the clock when the last search began does not count for this: events that become visible after a search can be older than the start
    of that search, by at most the overlap. The position never moves past an event that is still on its way to the rule engine, and never
    backwards.
    """

    def __init__(self, overlap: int, since: int = 0, sent: Mapping[str, int] | None = None, searched: int | None = None) -> None:
        self.since = since
        self._overlap = overlap
        self._searched = since if searched is None else searched
        self._sent: dict[str, int] = dict(sent or {})
        self._under_way: dict[str, int] = {}

    def __len__(self) -> int:
        """The number of remembered events."""
        return len(self._sent)

    def knows(self, found: Found) -> bool:
        """True if this was passed on already. Other threads may call only this method."""
        return found.key in self._sent or found.key in self._under_way or found.former_key in self._sent

    def hand_over(self, found: Found) -> None:
        """Notes that this is passed to the rule engine, which may or may not take it."""
        self._under_way[found.key] = found.time

    def take(self, key: str) -> int:
        """Notes that the rule engine took it, and returns its time."""
        moment = self._under_way.pop(key)
        self._sent[key] = moment
        return moment

    def searched(self, until: int) -> None:
        """Notes that all events with times until then were found that were visible then."""
        self._searched = max(self._searched, until)

    def advance(self) -> int | None:
        """Moves to the start of the next search, and forgets events that it can no longer find.

        If the overlap contains more events than can be remembered, returns the milliseconds that remain of it. Raises InputError if
        so many are ahead of the clock that it must be wrong.
        """
        newest = max((moment for moment in self._sent.values() if moment <= self._searched), default=self.since)
        bound = newest - self._overlap
        left = None
        if len(self._sent) > MOST_REMEMBERED:
            # Events of one time are remembered or forgotten together: a search finds them together.
            oldest = sorted(self._sent.values())[-MOST_REMEMBERED]
            if oldest > self._searched:
                raise InputError(
                    f"More than {MOST_REMEMBERED} events claim to be from the future. Check the clock of this host and those of the "
                    "server and its sources; events with a wrong time can be left out with `query`."
                )
            if oldest > bound:
                bound, left = oldest, newest - oldest
        self.since = max(self.since, min([bound, *self._under_way.values()]))
        self._sent = {key: moment for key, moment in self._sent.items() if moment >= self.since}
        return left

    def snapshot(self) -> dict[str, Any]:
        """Returns the state that a later run needs to continue. It does not contain events under way, which are found again."""
        return {"since": self.since, "searched": self._searched, "sent": dict(self._sent)}


class Stream(ABC):
    """The events of one kind. Reads in the thread that calls it. `start` is None for the latest; times are in milliseconds."""

    def __init__(self, kind: Kind, start: int | None, overlap: int) -> None:
        self.kind = kind
        self.position = Position(overlap)
        self._start = start
        self._overlap = overlap
        self._has_former_keys = False

    def begin(self, started: int, now: Callable[[], int]) -> None:
        """Begins without a cursor, at `start` or when the source started.

        In the second case, events that are already ahead of the clock are left out.
        """
        if self._start is not None:
            self.position = Position(self._overlap, self._start)
            return
        there = list(self._search(started))
        # Events written since then are no longer ahead of the clock.
        clock = now()
        self.position = Position(self._overlap, started, {found.key: found.time for found in there if found.time > clock}, started)

    def resume(self, known: Mapping[str, Any]) -> bool:
        """Continues from a cursor; returns False if the cursor has nothing about this kind. A cursor of version 1.0 has other keys."""
        kept = known.get(self.kind.name)
        if kept is None:
            return False
        self._has_former_keys = "searched" not in kept
        self.position = Position(self._overlap, kept["since"], kept["sent"], kept.get("searched"))
        return True

    def read(self, others: Collection[Position]) -> list[Found]:
        """Returns the next events that no stream has passed on, in order of time and id.

        There are no more when it returns fewer than READ_AT_ONCE.
        """
        positions = (self.position, *others)
        fresh = (found for found in self._search(self.position.since) if not any(position.knows(found) for position in positions))
        if self.kind.is_in_every_index:
            return sorted(islice(fresh, READ_AT_ONCE), key=_order)
        return heapq.nsmallest(READ_AT_ONCE, fresh, key=_order)

    @abstractmethod
    def _search(self, since: int) -> Iterator[Found]:
        """Yields all events of this kind from this time on; raises AnswerError for any other event."""


class EventStream(Stream):
    """The security events of one kind."""

    def __init__(self, kind: Kind, client: StellarClient, options: WatchOptions) -> None:
        super().__init__(kind, options.start, options.overlap)
        self._client = client
        self._options = options

    def resume(self, known: Mapping[str, Any]) -> bool:
        """Continues from a cursor. A cursor of version 1.0 has nothing about undated events, but knows which others were passed on."""
        if self.kind is UNDATED and UNDATED.name not in known and WRITTEN.name in known:
            known = {UNDATED.name: {"since": known[WRITTEN.name]["since"], "sent": {}}}
        return super().resume(known)

    def _search(self, since: int) -> Iterator[Found]:
        query = self._options.search(f"{self.kind.field}:[{since} TO *]{self.kind.condition}")
        # Not sorted by _id as well: servers load that field into memory for it, or refuse. A scroll returns each event once in any order.
        sort = [f"{self.kind.field}:asc"] if self.kind.is_in_every_index else []
        for event in EventSearch(self._client, self._options.index, query, size=_PAGE, sort=sort).events():
            if self._is_of_tenant(event) and not self._is_of_another_kind(event):
                yield self._found(event, since)

    def _is_of_tenant(self, event: StoredEvent) -> bool:
        """True if the event belongs to the tenant: an index that analyses texts also finds tenants with more words."""
        return not self._options.tenants or event.source.get("tenantid") in self._options.tenants

    def _is_of_another_kind(self, event: StoredEvent) -> bool:
        return self.kind is UNDATED and stored_value(event.source, WRITTEN.field) is not None

    def _found(self, event: StoredEvent, since: int) -> Found:
        value = stored_value(event.source, self.kind.field)
        moment = None if value is None else _milliseconds(value, since)
        if moment is None or moment < since:
            raise AnswerError(
                f"The search for events with {self.kind.field} from {since} on returned others, so its conditions did not reach the "
                "server. Check that no proxy changes requests. No event was passed on."
            )
        # The same in every run, so that a rule engine with a memory recognises it.
        name = (self._options.endpoint, event.index, event.id, self.kind.change)
        former = key_of(*name, str(value)) if self.kind is CHANGED or self._has_former_keys else ""
        key = former if self.kind is CHANGED else key_of(*name)
        body = {"index": event.index, "id": event.id, "change": self.kind.change, "source": event.source, "meta": {"uuid": key}}
        return Found(key, moment, body, former)


def key_of(*parts: str) -> str:
    """Returns a key that is the same in every run."""
    return str(uuid.uuid5(_NAMES, "\n".join(parts)))


def _order(found: Found) -> tuple[int, str]:
    return found.time, str(found.event["id"])


def _milliseconds(value: Any, otherwise: int) -> int:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LATEST:
        return int(value)
    if isinstance(value, str):
        if _NUMBER.match(value):
            return int(float(value))
        try:
            return iso8601_to_milliseconds(value, Zone.named("UTC"))
        except ValueError:
            return otherwise
    return otherwise
