# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The results of inserts, one for each event, with their messages, and reading the events back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._errors import NotChangedError, UnknownOutcomeError, XdrError
from .._ledger.contract import EventRecord
from .._resources.waiting import now
from .._stellar.client import Reading
from .._texts import counted
from .looking import is_event, rewritten_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .._ledger.contract import EventLedger
    from .._resources.many import Workers
    from .._resources.waiting import Patience
    from .._stellar.answers import StoredEvent
    from .._stellar.client import StellarClient
    from .looking import EventFinder
    from .new import NewEvent

FORMER_UNKNOWN = (
    "The ledger has events from version 1.0 of this collection, and this host cannot look them up: in FIPS mode, it does not have the "
    "digest of that version (BLAKE2). So only the server was searched for events that were inserted then. If some of these were deleted "
    "there since, this run inserts them again."
)
_READ_ONE_BY_ONE = 8
"""Up to this number, events are read by id, which shows them immediately; more are searched for together, a little later."""
_SEARCH_SECONDS = 2.0


@dataclass(frozen=True)
class InsertOutcome:
    """The result for one event. `index` is the alias in the server's answer, `document_index` the real index of the event."""

    event: NewEvent
    changed: bool = False
    index: str | None = None
    id: str | None = None
    document_index: str | None = None
    error: XdrError | None = None
    duplicates: tuple[str, ...] = ()
    """Ids of additional copies of the event on the server."""
    sent_twice: bool = False
    rewritten: tuple[str, ...] = ()
    """The fields of `unique_by` that the server stores in another form."""

    def as_result(self) -> dict[str, Any]:
        """The result for users."""
        ids = {"index": self.index, "id": self.id, "document_index": self.document_index}
        return {**ids, "duplicates": list(self.duplicates)} if self.duplicates else ids

    def identity(self) -> dict[str, Any]:
        """The key that makes the event unique."""
        return {"unique": dict(self.event.unique)}

    def record(self) -> EventRecord:
        """The record for the ledger. An event that was sent twice counts as open until a search has shown how many copies exist."""
        return EventRecord(answered=not self.sent_twice, index=self.index, id=self.id, document_index=self.document_index)


@dataclass(frozen=True)
class Unclear:
    """An insert without a clear answer, whose request ended at `over_at` (this host's monotonic clock) at the latest."""

    event: NewEvent
    over_at: float
    what: str
    error: XdrError | None = None
    record: EventRecord | None = None
    """The record of the ledger, if an earlier run sent the event."""


def unknown_error(attempt: Unclear, finder: EventFinder, search_delay: float) -> UnknownOutcomeError:
    """Returns the error for an event whose outcome is unknown; it says how to find out."""
    wait = attempt.over_at + search_delay - now()
    if finder.refusal:
        why = "This account may not read events, so it cannot be looked for from here"
        advice = "Look for it in Stellar Cyber, then run again with `unknown_outcome: inserted` or `unknown_outcome: missing`."
    elif not finder.covers_events():
        why = f"There is not a single event under {finder.pattern} (`search_index`), so this search proves nothing"
        advice = (
            "Set `search_index` to where this server keeps events, such as stellar-index-v1-ser-*, and run again; "
            "if it has no event yet, with `unknown_outcome: missing`."
        )
    else:
        why = "It was looked for and not found (yet)"
        advice = "Run again: the event is looked for before it is sent."
        if wait > 0:
            advice = f"The search may show it in up to {int(wait) + 1} s (`search_delay`). Run again then: it is looked for first."
    details = attempt.error.details if attempt.error else {}
    return UnknownOutcomeError(f"{attempt.event.name}: {attempt.what}. {why}. {advice}", **details)


def failed_outcomes(events: Iterable[NewEvent], error: XdrError) -> Mapping[NewEvent, InsertOutcome]:
    """Returns the same error for each of the events."""
    return {event: InsertOutcome(event, error=error) for event in events}


def found_outcome(event: NewEvent, documents: Sequence[StoredEvent], *, changed: bool) -> InsertOutcome:
    """Returns the outcome of an event that the server has, once or several times."""
    first, *others = documents
    ids = tuple(document.id for document in others)
    return InsertOutcome(event, changed, first.index, first.id, first.index, duplicates=ids)


def insert_warnings(
    events: Sequence[NewEvent],
    first: Mapping[bytes, NewEvent],
    outcomes: Mapping[NewEvent, InsertOutcome],
    finder: EventFinder,
    shown: Callable[[str], str],
) -> list[str]:
    """Returns the warnings. `first` has the first event of each key, `shown` makes server text fit for messages."""
    warnings = []
    others = [event.where for event in events if event.body != first[event.key].body]
    if others:
        warnings.append(
            f"{counted(len(others), 'event has', 'events have')} the same `unique_by` values as an earlier one in the list and other "
            f"values beside them, and is left out (first: {others[0]}). Name more fields in `unique_by` if they are different events."
        )
    if finder.refusal:
        warnings.append(
            "This account may not read events, so only the ledger knows what was inserted before, and nothing is known of what "
            "others or another host inserted."
        )
    strange = next((outcome.index for outcome in outcomes.values() if outcome.index and not finder.covers_index(outcome.index)), None)
    if strange:
        warnings.append(
            f"This server keeps events in {shown(strange)}, which `search_index` ({finder.pattern}) does not cover, so events that "
            "others or another host inserted are not found. Set `search_index` to a pattern that covers it."
        )
    rewritten = [outcome for outcome in outcomes.values() if outcome.rewritten]
    if rewritten:
        warnings.append(
            f"This server rewrites what makes events unique: {len(rewritten)} came back with other values "
            f"({', '.join(rewritten[0].rewritten)} of {rewritten[0].event.name}). The ledger knows them; a run with another ledger "
            "does not find them, and would insert them again. Name fields in `unique_by` that the server leaves alone."
        )
    return [*warnings, *_duplicate_warnings(outcomes.values(), shown)]


def _duplicate_warnings(outcomes: Iterable[InsertOutcome], shown: Callable[[str], str]) -> list[str]:
    return [
        f"{outcome.event.name}: the server has this event {len(outcome.duplicates) + 1} times, with the ids "
        f"{shown(', '.join((outcome.id or '', *outcome.duplicates)))}. A write may have been finished long after it was given up, or "
        "another "
        "host inserted the event at the same time. Close the extra copies in Stellar Cyber; nothing is inserted again."
        for outcome in outcomes
        if outcome.duplicates
    ]


def insert_diff(outcomes: Sequence[InsertOutcome]) -> list[dict[str, Any]]:
    """Ansible's diff: nothing before, the new events after."""
    return [
        {"before_header": "absent", "before": "", "after_header": outcome.id or "new event", "after": dict(outcome.event.body)}
        for outcome in outcomes
        if outcome.changed
    ]


class ReadBack:
    """Completes the outcomes of new events. Outcomes of events that cannot be read are not changed."""

    def __init__(
        self, client: StellarClient, ledger: EventLedger, finder: EventFinder, workers: Workers, patience: Patience, search_delay: float
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._finder = finder
        self._workers = workers
        self._patience = patience
        self._search_delay = search_delay

    def read(self, new: Sequence[InsertOutcome]) -> Mapping[NewEvent, InsertOutcome]:
        """Returns the outcomes with the real indices of the documents; an event that is certainly missing has failed."""
        unread = [outcome for outcome in new if not outcome.document_index]
        documents = self._searched([outcome.id for outcome in unread if outcome.id]) if len(unread) > _READ_ONE_BY_ONE else {}
        results = self._workers.map(lambda outcome: self._reading(outcome, documents), unread)
        completed = {outcome.event: self._completed(outcome, result, new) for outcome, result in zip(unread, results)}
        sent_twice = [completed.get(outcome.event, outcome) for outcome in new if outcome.sent_twice]
        return {**completed, **self._counted_again([outcome for outcome in sent_twice if not outcome.error])}

    def _searched(self, identifiers: Sequence[str]) -> Mapping[str, StoredEvent]:
        documents: dict[str, StoredEvent] = {}
        for _look in self._patience.looks(now() + _SEARCH_SECONDS):
            documents.update(self._finder.documents([identifier for identifier in identifiers if identifier not in documents]))
            if len(documents) == len(identifiers) or self._workers.stopped_by:
                break
        return documents

    def _reading(self, outcome: InsertOutcome, documents: Mapping[str, StoredEvent]) -> Reading:
        document = documents.get(outcome.id or "")
        if document:
            return Reading(document, is_current=True)
        return self._client.look_up(outcome.index or self._finder.pattern, outcome.id or "")

    def _completed(self, outcome: InsertOutcome, reading: Reading | XdrError, new: Sequence[InsertOutcome]) -> InsertOutcome:
        if isinstance(reading, XdrError) or (reading.event is None and not reading.is_current):
            # The server returned an id, which proves the insert; a search that does not show it yet proves nothing.
            return outcome
        document = reading.event
        rewritten = rewritten_fields(document, outcome.event) if document else None
        if document and rewritten and any(is_event(document, other.event) for other in new):
            # The answer belongs to another request of this run.
            rewritten = None
        if document and rewritten is not None:
            index = outcome.index or document.index
            return self._recorded(replace(outcome, index=index, document_index=document.index, rewritten=tuple(rewritten)))
        # Recorded as an intent again: the next run looks for the event before it sends it.
        self._ledger.intend([outcome.event.key], 0)
        return self._of_another(outcome) if reading.event else replace(outcome, changed=False, error=_not_there(outcome))

    def _of_another(self, outcome: InsertOutcome) -> InsertOutcome:
        """Returns the outcome of an event whose answer had the id of another event: the event is looked for."""
        event = outcome.event
        for _look in self._patience.looks(now() + self._search_delay):
            found = self._finder.look([event]).found.get(event)
            if found:
                return self._recorded(found_outcome(event, found, changed=True))
        message = (
            f"{event.name}: the server answered the insert with the id {outcome.id}, which is the id of another event, so the answer "
            "belongs to another request. The event itself was not found. Check the proxies before the server, and run again: the event "
            "is looked for before it is sent."
        )
        return replace(outcome, changed=False, error=UnknownOutcomeError(message))

    def _counted_again(self, sent_twice: Sequence[InsertOutcome]) -> Mapping[NewEvent, InsertOutcome]:
        """Looks once for more copies of events that were sent twice: the first write may have finished late."""
        found = self._finder.look([outcome.event for outcome in sent_twice]).found if sent_twice else {}
        counted = {}
        for outcome in sent_twice:
            others = tuple(document.id for document in found.get(outcome.event, ()) if document.id != outcome.id)
            if others:
                counted[outcome.event] = self._recorded(replace(outcome, duplicates=others, sent_twice=False))
        return counted

    def _recorded(self, outcome: InsertOutcome) -> InsertOutcome:
        self._ledger.record(outcome.event.key, outcome.record())
        return outcome


def _not_there(outcome: InsertOutcome) -> NotChangedError:
    return NotChangedError(
        f"{outcome.event.name}: the server answered the insert with the id {outcome.id}, but has no event of this id. "
        "Check the server's data processor in Stellar Cyber, and run again: the event is looked for before it is sent."
    )
