# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The results of inserts, one for each event, and what is said about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._errors import UnknownOutcomeError, XdrError
from .._ledger.contract import EventRecord
from .._resources.waiting import now
from .._texts import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .._stellar.answers import StoredEvent
    from .looking import EventFinder
    from .new import NewEvent

FORMER_UNKNOWN = (
    "The ledger has events from version 1.0 of this collection, and this host cannot look them up: in FIPS mode, it does not have the "
    "digest of that version (BLAKE2). So only the server was searched for events that were inserted then. If some of these were deleted "
    "there since, this run inserts them again."
)


@dataclass(frozen=True)
class InsertOutcome:
    """The result for one event. `index` is the alias that the server answered with, `document_index` where the event really is."""

    event: NewEvent
    changed: bool = False
    index: str | None = None
    id: str | None = None
    document_index: str | None = None
    error: XdrError | None = None
    duplicates: tuple[str, ...] = ()
    """Ids of further copies of the event on the server."""
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
        """The record for the ledger. An event that was sent twice counts as open until a search has shown how often it is there."""
        return EventRecord(answered=not self.sent_twice, index=self.index, id=self.id, document_index=self.document_index)


@dataclass(frozen=True)
class Unclear:
    """An insert without a clear answer, whose request was over at `over_at` (this host's monotonic clock) at the latest."""

    event: NewEvent
    over_at: float
    what: str
    error: XdrError | None = None
    record: EventRecord | None = None
    """The record of the ledger, if an earlier run sent the event."""


def unknown_error(one: Unclear, finder: EventFinder, search_delay: float) -> UnknownOutcomeError:
    """The error for an event whose outcome is unknown; says how to find out."""
    wait = one.over_at + search_delay - now()
    if finder.refusal:
        why = "This account may not read events, so it cannot be looked for from here"
        advice = "Look for it in Stellar Cyber, then run again with `unknown_outcome: inserted` or `unknown_outcome: missing`."
    elif not finder.covers_events():
        why = f"There is not a single event under {finder.pattern} (`search_index`), so looking there proves nothing"
        advice = (
            "Set `search_index` to where this server keeps events, such as stellar-index-v1-ser-*, and run again; "
            "if it has no event yet, with `unknown_outcome: missing`."
        )
    else:
        why = "It was looked for and is not there (yet)"
        advice = "Run again: the event is looked for before it is sent."
        if wait > 0:
            advice = f"The search may show it in up to {int(wait) + 1} s (`search_delay`). Run again then: it is looked for first."
    details = one.error.details if one.error else {}
    return UnknownOutcomeError(f"{one.event.name}: {one.what}. {why}. {advice}", **details)


def failed_outcomes(events: Iterable[NewEvent], error: XdrError) -> Mapping[NewEvent, InsertOutcome]:
    """The same error for each of the events."""
    return {event: InsertOutcome(event, error=error) for event in events}


def found_outcome(event: NewEvent, documents: Sequence[StoredEvent], *, changed: bool) -> InsertOutcome:
    """The outcome of an event that the server has, once or more often."""
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
    """The warnings beside the results. `first` has the first event of each key, `shown` makes server text fit for messages."""
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
    strange = next((one.index for one in outcomes.values() if one.index and not finder.covers_index(one.index)), None)
    if strange:
        warnings.append(
            f"This server keeps events in {shown(strange)}, which `search_index` ({finder.pattern}) does not cover, so events that "
            "others or another host inserted are not found. Set `search_index` to a pattern that covers it."
        )
    rewritten = [one for one in outcomes.values() if one.rewritten]
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
        "host inserted the event at the same time. Close what is too many in Stellar Cyber; nothing is inserted again."
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
