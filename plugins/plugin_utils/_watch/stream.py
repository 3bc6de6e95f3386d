# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What is asked of the server: events by the time of their writing, or by the time of the latest change that somebody made."""

from __future__ import annotations

import heapq
import re
import time
import uuid
from itertools import islice
from typing import TYPE_CHECKING, Any

from ...module_utils._events.query import stored_value
from ...module_utils._stellar.search import EventSearch
from ...module_utils._times.timestamps import iso8601_to_milliseconds
from ...module_utils._times.zones import Zone
from .position import FURTHEST_AHEAD, Found, Position

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...module_utils._stellar.answers import StoredEvent
    from ...module_utils._stellar.client import StellarClient
    from .options import WatchOptions

WRITE_TIME = "write_time"
READ_AT_ONCE = 500
"""Events that are read before they are handed over: whatever they start takes its time, and a scroll would end by then."""
_PAGE = 500
_NUMBER = re.compile(r"\d{1,15}(\.\d*)?\Z", re.ASCII)
_NAMES = uuid.UUID("5b0dbb0e-54c1-5f2a-9a5c-0f3a3a1f4d61")


class Stream:
    """One kind of events: C(new) or C(changed). Reads in the thread that calls it."""

    def __init__(self, kind: str, field: str, client: StellarClient, options: WatchOptions) -> None:
        self.kind = kind
        self.position = Position(options.overlap)
        self._field = field
        self._client = client
        self._options = options

    def begin(self) -> None:
        """Where there is no cursor yet: at the time that is asked for, or behind the latest event."""
        start = self._options.start
        self.position = self._behind_latest() if start is None else Position(self._options.overlap, start)

    def resume(self, since: int, sent: Mapping[str, int]) -> None:
        """Where a cursor says."""
        self.position = Position(self._options.overlap, since, sent)

    def read(self) -> list[Found]:
        """The next events that were not handed over yet, in order of time and id; fewer than C(READ_AT_ONCE) when there are no more."""
        position = self.position
        fresh = (found for found in self._search(position.since) if position.is_new(found.key))
        if self._is_sorted:
            return sorted(islice(fresh, READ_AT_ONCE), key=_order)
        return heapq.nsmallest(READ_AT_ONCE, fresh, key=_order)

    @property
    def _is_sorted(self) -> bool:
        """Every event has a time of writing; an index where nobody changed any event may not know that field and refuse to sort by it."""
        return self._field == WRITE_TIME

    def _search(self, since: int) -> Iterator[Found]:
        query = self._options.search(f"{self._field}:[{since} TO *]")
        # Not by _id as well: servers keep that field in memory for it, or refuse. A scroll shows each event once in any order.
        sort = [f"{self._field}:asc"] if self._is_sorted else []
        for event in EventSearch(self._client, self._options.index, query, size=_PAGE, sort=sort).events():
            if self._is_of_tenant(event):
                yield self._found(event, since)

    def _behind_latest(self) -> Position:
        """What is there now counts as sent; what was written before and shows up later does not."""
        now = int(time.time() * 1000)
        query = self._options.search(f"{self._field}:[* TO {now + FURTHEST_AHEAD}]")
        latest = now - FURTHEST_AHEAD
        if self._is_sorted:
            newest = EventSearch(self._client, self._options.index, query, size=1, sort=[f"{self._field}:desc"]).events(1)
            latest = max((self._found(event, 0).time for event in newest), default=0)
        since = max(0, latest - self._options.overlap)
        return Position(self._options.overlap, since, {found.key: found.time for found in self._search(since)})

    def _is_of_tenant(self, event: StoredEvent) -> bool:
        """An index that analyses texts also finds those that hold more words than the tenant that was asked for."""
        return not self._options.tenants or event.source.get("tenantid") in self._options.tenants

    def _found(self, event: StoredEvent, otherwise: int) -> Found:
        value = stored_value(event.source, self._field)
        # The same in every run, so that a rule engine that remembers what it took knows it again.
        key = str(uuid.uuid5(_NAMES, "\n".join((self._options.endpoint, event.index, event.id, self.kind, str(value)))))
        body = {"index": event.index, "id": event.id, "change": self.kind, "source": event.source, "meta": {"uuid": key}}
        return Found(key, _milliseconds(value, otherwise), body)


def _order(found: Found) -> tuple[int, str]:
    return found.time, found.event["id"]


def _milliseconds(value: Any, otherwise: int) -> int:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        if _NUMBER.match(value):
            return int(float(value))
        try:
            return iso8601_to_milliseconds(value, Zone.named("UTC"))
        except ValueError:
            return otherwise
    return otherwise
