# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Finds out whether events that are to be inserted are on the server already: many at once, by what makes them unique."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from .._errors import PermissionDeniedError, RequestError, XdrError
from .._stellar.search import EventSearch
from .query import any_of, in_parts, is_same, same_event, stored_value
from .waiting import Patience

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._stellar.answers import StoredEvent
    from .._stellar.client import StellarClient
    from .new import NewEvent
    from .runs import Workers

_PAGE_SIZE = 500
_IDS_A_SEARCH = 50


@dataclass
class Looked:
    """What looking for events gave: their documents, and those that are not there. The search for some may have failed."""

    found: dict[NewEvent, StoredEvent] = field(default_factory=dict)
    missing: list[NewEvent] = field(default_factory=list)
    failed: dict[NewEvent, XdrError] = field(default_factory=dict)


class EventFinder:
    """Searches one index pattern. C(refusal) is set once the server said that this account may not read."""

    def __init__(self, client: StellarClient, pattern: str, workers: Workers) -> None:
        self.pattern = pattern
        self.refusal: PermissionDeniedError | None = None
        self._client = client
        self._workers = workers
        self._has_seen_events = False

    def look(self, events: Sequence[NewEvent]) -> Looked:
        """Looks for the events once. Without the right to read, all of them are missing."""
        looked = Looked()
        if not self.refusal:
            for part, result in self._search_for(events):
                if isinstance(result, PermissionDeniedError):
                    self.refusal = result
                elif isinstance(result, XdrError):
                    looked.failed.update(dict.fromkeys(part, result))
                else:
                    looked.found.update(result)
        if self.refusal:
            return Looked(missing=list(events))
        looked.missing = [event for event in events if event not in looked.found and event not in looked.failed]
        return looked

    def look_patiently(self, events: Sequence[NewEvent]) -> Looked:
        """Looks again and again, until all are found or the search must have caught up with every write."""
        looked = self.look(events)
        patience = Patience()
        while (looked.missing or looked.failed) and not (self.refusal or self._workers.stopped_by) and patience.lasts():
            again = self.look([*looked.missing, *looked.failed])
            looked = Looked({**looked.found, **again.found}, again.missing, again.failed)
        return looked

    def documents(self, identifiers: Sequence[str]) -> dict[str, StoredEvent]:
        """The documents of ids that were just given, by id, as far as the search shows them in time."""
        found: dict[str, StoredEvent] = {}
        patience = Patience()
        while True:
            missing = [identifier for identifier in identifiers if identifier not in found]
            parts = [missing[start : start + _IDS_A_SEARCH] for start in range(0, len(missing), _IDS_A_SEARCH)]
            for result in self._workers.map(self._documents_of, parts):
                if not isinstance(result, XdrError):
                    found.update(result)
            if len(found) == len(identifiers) or self._workers.stopped_by or not patience.lasts():
                return found

    def covers_events(self) -> bool:
        """Whether the pattern holds events at all. If not, finding nothing says nothing: the pattern may be another server's."""
        if not self._has_seen_events:
            try:
                self._has_seen_events = self._client.search(self.pattern, "*", size=1).total > 0
            except RequestError:
                return False
        return self._has_seen_events

    def covers_index(self, index: str) -> bool:
        """Whether the pattern holds this index."""
        return any(fnmatchcase(index, pattern) for pattern in self.pattern.split(","))

    def _search_for(self, events: Sequence[NewEvent]) -> list[tuple[list[NewEvent], dict[NewEvent, StoredEvent] | XdrError]]:
        clauses = [same_event(event.unique) for event in events]
        parts = [[events[position] for position in part] for part in in_parts(clauses)]
        return list(zip(parts, self._workers.map(self._find, parts)))

    def _find(self, events: Sequence[NewEvent]) -> dict[NewEvent, StoredEvent]:
        query = " OR ".join(same_event(event.unique) for event in events)
        missing = list(events)
        found: dict[NewEvent, StoredEvent] = {}
        for document in EventSearch(self._client, self.pattern, query, size=_PAGE_SIZE).events():
            self._has_seen_events = True
            for event in missing:
                if all(is_same(value, stored_value(document.source, name)) for name, value in event.unique.items()):
                    found[event] = document
                    missing.remove(event)
                    break
            if not missing:
                break
        return found

    def _documents_of(self, identifiers: Sequence[str]) -> dict[str, StoredEvent]:
        page = self._client.search(self.pattern, any_of("_id", identifiers), size=len(identifiers) * 2)
        return {document.id: document for document in page.events}
