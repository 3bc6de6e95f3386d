# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Searches for events by the time at which they were written, or by the time of the latest change that somebody made."""

from __future__ import annotations

import heapq
import re
import uuid
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ...module_utils._errors import AnswerError
from ...module_utils._events.query import stored_value
from ...module_utils._stellar.search import EventSearch
from ...module_utils._times.timestamps import iso8601_to_milliseconds
from ...module_utils._times.zones import Zone
from .position import Found, Position

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from ...module_utils._stellar.answers import StoredEvent
    from ...module_utils._stellar.client import StellarClient
    from .options import WatchOptions

READ_AT_ONCE = 500
"""Events that are read before they are passed on: the actions that they start take time, and a scroll would end meanwhile."""
_PAGE = 500
_NUMBER = re.compile(r"\d{1,15}(\.\d*)?\Z", re.ASCII)
_LATEST = 10**15
_NAMES = uuid.UUID("5b0dbb0e-54c1-5f2a-9a5c-0f3a3a1f4d61")


@dataclass(frozen=True)
class Kind:
    """A kind of events: its name in the cursor, what its events say as `change`, and the field that holds their time."""

    name: str
    change: str
    field: str
    condition: str = ""
    is_in_every_index: bool = True
    """True if a server can always sort by the field. It may refuse to where no event has it."""


WRITTEN = Kind("new", "new", "write_time")
UNDATED = Kind("undated", "new", "timestamp", condition=" AND NOT _exists_:write_time")
"""Events without a time of writing, which not every way into the index adds. They have a position of their own: `timestamp` says when
something happened, which can be long before it was written."""
CHANGED = Kind("changed", "changed", "user_action.last_modified", is_in_every_index=False)


class Stream:
    """The events of one kind. Reads in the thread that calls it."""

    def __init__(self, kind: Kind, client: StellarClient, options: WatchOptions) -> None:
        self.kind = kind
        self.position = Position(options.overlap)
        self._client = client
        self._options = options
        self._has_former_keys = False

    def begin(self, started: int, now: Callable[[], int]) -> None:
        """Without a cursor: begins at `start`, or when the source started. Then events that are ahead of the clock already are left out."""
        if self._options.start is not None:
            self.position = Position(self._options.overlap, self._options.start)
            return
        there = list(self._search(started))
        # What was written since then has its time behind the clock by now.
        clock = now()
        self.position = Position(self._options.overlap, started, {found.key: found.time for found in there if found.time > clock}, started)

    def resume(self, kept: Mapping[str, Any]) -> None:
        """Goes on where a cursor says. One of version 1.0 says less, and knows events by other keys."""
        self._has_former_keys = "searched" not in kept
        self.position = Position(self._options.overlap, kept["since"], kept["sent"], kept.get("searched"))

    def read(self, others: Collection[Position]) -> list[Found]:
        """The next events that neither this stream nor others passed on, in order of time and id.

        There are no more when it returns fewer than READ_AT_ONCE.
        """
        positions = (self.position, *others)
        fresh = (found for found in self._search(self.position.since) if not any(position.knows(found) for position in positions))
        if self.kind.is_in_every_index:
            return sorted(islice(fresh, READ_AT_ONCE), key=_order)
        return heapq.nsmallest(READ_AT_ONCE, fresh, key=_order)

    def _search(self, since: int) -> Iterator[Found]:
        query = self._options.search(f"{self.kind.field}:[{since} TO *]{self.kind.condition}")
        # Not by _id as well: servers keep that field in memory for it, or refuse. A scroll shows each event once in any order.
        sort = [f"{self.kind.field}:asc"] if self.kind.is_in_every_index else []
        for event in EventSearch(self._client, self._options.index, query, size=_PAGE, sort=sort).events():
            if self._is_of_tenant(event) and not self._is_of_another_kind(event):
                yield self._found(event, since)

    def _is_of_tenant(self, event: StoredEvent) -> bool:
        """An index that analyses texts also finds those that hold more words than the tenant that was asked for."""
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
        # The same in every run, so that a rule engine that remembers what it took knows it again.
        name = (self._options.endpoint, event.index, event.id, self.kind.change)
        former = _key(*name, str(value)) if self.kind is CHANGED or self._has_former_keys else ""
        key = former if self.kind is CHANGED else _key(*name)
        body = {"index": event.index, "id": event.id, "change": self.kind.change, "source": event.source, "meta": {"uuid": key}}
        return Found(key, moment, body, former)


def _key(*parts: str) -> str:
    return str(uuid.uuid5(_NAMES, "\n".join(parts)))


def _order(found: Found) -> tuple[int, str]:
    return found.time, found.event["id"]


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
