# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Finds events on the server, many at once, by the fields that make them unique."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from .._errors import (
    PermissionDeniedError,
    RequestError,
    RequestTooLongError,
    XdrError,
)
from .._stellar.paths import search_path
from .._stellar.search import EventSearch
from .query import any_of, in_parts, is_rewritten, is_same, near_event, same_event, stored_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._resources.many import Workers
    from .._stellar.answers import StoredEvent
    from .._stellar.client import StellarClient
    from .new import NewEvent

_PAGE_SIZE = 500
_IDS_A_SEARCH = 50
_SORT = ("timestamp:asc",)


@dataclass(frozen=True)
class Looked:
    """The result of a search for events: the documents of each (all copies), events that are certainly not visible, and failed searches."""

    found: Mapping[NewEvent, Sequence[StoredEvent]] = field(default_factory=dict)
    missing: Sequence[NewEvent] = ()
    failed: Mapping[NewEvent, XdrError] = field(default_factory=dict)


class EventFinder:
    """Searches one index pattern. `refusal` is set after the server said that this account may not read."""

    def __init__(self, client: StellarClient, pattern: str, workers: Workers, events: Sequence[NewEvent]) -> None:
        """`events` are all events of this run."""
        self.pattern = pattern
        self.refusal: PermissionDeniedError | None = None
        self._client = client
        self._workers = workers
        self._all = events
        self._has_seen_events = False

    def look(self, events: Sequence[NewEvent], *, were_sent: bool = False) -> Looked:
        """Looks for the events once. If the account may not read, reports all of them as missing. An event counts as missing only if the
        whole index answered. An event that was sent is also found if the server rewrote its texts.
        """
        found: dict[NewEvent, Sequence[StoredEvent]] = {}
        failed: dict[NewEvent, XdrError] = {}
        if not self.refusal:
            for part, result in self._search_for(events, were_sent):
                if isinstance(result, PermissionDeniedError):
                    self.refusal = result
                elif isinstance(result, XdrError):
                    failed.update(dict.fromkeys(part, result))
                else:
                    found.update(result)
        if self.refusal:
            return Looked(missing=list(events))
        return Looked(found, [event for event in events if event not in found and event not in failed], failed)

    def documents(self, identifiers: Sequence[str]) -> dict[str, StoredEvent]:
        """Returns the documents of new ids, by id, as far as the search shows them."""
        parts = [identifiers[start : start + _IDS_A_SEARCH] for start in range(0, len(identifiers), _IDS_A_SEARCH)]
        found: dict[str, StoredEvent] = {}
        for result in self._workers.map(self._documents_of, parts):
            if not isinstance(result, XdrError):
                found.update(result)
        return found

    def covers_events(self) -> bool:
        """True if there are any events under the pattern. Otherwise an empty result proves nothing: the pattern may be wrong."""
        if not self._has_seen_events:
            try:
                self._has_seen_events = self._client.search(self.pattern, "*", size="1").total > 0
            except RequestError:
                return False
        return self._has_seen_events

    def covers_index(self, index: str) -> bool:
        """True if the pattern includes this index."""
        return any(fnmatchcase(index, pattern) for pattern in self.pattern.split(","))

    def _search_for(
        self, events: Sequence[NewEvent], were_sent: bool
    ) -> list[tuple[list[NewEvent], Mapping[NewEvent, Sequence[StoredEvent]] | XdrError]]:
        clause = near_event if were_sent else same_event
        clauses = [clause(event.unique) for event in events]
        parts = [[events[position] for position in part] for part in in_parts(clauses, len(search_path(self.pattern)))]
        return list(zip(parts, self._workers.map(lambda part: self._find(part, were_sent), parts)))

    def _find(self, events: Sequence[NewEvent], were_sent: bool) -> Mapping[NewEvent, Sequence[StoredEvent]]:
        found: dict[NewEvent, list[StoredEvent]] = {}
        search = self._search(events, were_sent, takes_parts=True)
        try:
            for document in search.events():
                self._has_seen_events = True
                for event in self._those_like(document, events, were_sent):
                    found.setdefault(event, []).append(document)
        except RequestTooLongError:
            if len(events) < 2:
                raise
            middle = len(events) // 2
            return {**self._find(events[:middle], were_sent), **self._find(events[middle:], were_sent)}
        if search.gap and len(found) < len(events):
            # The found events exist. Nothing is known about the others, so the search is repeated in a way that raises the error.
            left = [event for event in events if event not in found]
            for document in self._search(left, were_sent, takes_parts=False).events():
                for event in self._those_like(document, left, were_sent):
                    found.setdefault(event, []).append(document)
        return found

    def _search(self, events: Sequence[NewEvent], were_sent: bool, *, takes_parts: bool) -> EventSearch:
        clause = near_event if were_sent else same_event
        query = " OR ".join(dict.fromkeys(clause(event.unique) for event in events))
        return EventSearch(self._client, self.pattern, query, size=_PAGE_SIZE, sort=_SORT, takes_parts=takes_parts)

    def _those_like(self, document: StoredEvent, events: Sequence[NewEvent], were_sent: bool) -> Sequence[NewEvent]:
        """Returns the events that match a document: exactly, or rewritten if none of this run matches exactly."""
        same = [event for event in events if is_event(document, event)]
        if same or not were_sent or any(is_event(document, event) for event in self._all):
            return same
        return [event for event in events if rewritten_fields(document, event) is not None]

    def _documents_of(self, identifiers: Sequence[str]) -> dict[str, StoredEvent]:
        page = self._client.search(self.pattern, any_of("_id", identifiers), size=str(len(identifiers) * 2))
        return {document.id: document for document in page.events if document.id in identifiers}


def is_event(document: StoredEvent, event: NewEvent) -> bool:
    """True if a document is this event."""
    return all(is_same(value, stored_value(document.source, name)) for name, value in event.unique.items())


def rewritten_fields(document: StoredEvent, event: NewEvent) -> list[str] | None:
    """Returns the fields of an event that a server rewrote in a document; None if the document is another event."""
    fields = []
    for name, value in event.unique.items():
        held = stored_value(document.source, name)
        if not is_same(value, held):
            if not is_rewritten(value, held):
                return None
            fields.append(name)
    return fields
