# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Inserts events once each, whatever happens: look in the ledger, then on the server, note the intent, write, note the answer."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from .._errors import LedgerError, XdrError
from .._ledger.opening import open_ledger
from .._stellar.client import StellarClient
from .._stellar.paths import checked_pattern
from .finder import EventFinder
from .new import (
    UNKNOWN_IS_INSERTED,
    UNKNOWN_IS_MISSING,
    NewEvent,
    new_events,
)
from .outcomes import InsertOutcome, insert_diff, unknown_outcome
from .read_back import read_back
from .runs import Workers, module_result
from .sender import EventSender

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._ledger.contract import EventLedger
    from .._run import Run
    from .finder import Looked

_EVENTS_AT_ONCE = 200
"""Events that are looked up together, and for which other runs on this host wait together."""


def insert_events(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs C(stellar_ser_event) with its options and returns its result; raises XdrError."""
    events = new_events(params)
    pattern = checked_pattern("search_index", params["search_index"])
    client = StellarClient.from_params(params, run.secrets)
    with Workers(params["concurrency"]) as workers, closing(open_ledger(params["ledger"], read_only=run.check_mode)) as ledger:
        finder = EventFinder(client, pattern, workers)
        insertion = EventInsertion(client, ledger.events(client.endpoint), finder, workers, run, params["unknown_outcome"])
        outcomes = insertion.insert(events)
    extra = {"diff": insert_diff(outcomes)} if run.shows_diff else {}
    return module_result(outcomes, extra, is_single=params["events"] is None)


class EventInsertion:
    """One run of C(stellar_ser_event)."""

    def __init__(
        self, client: StellarClient, ledger: EventLedger, finder: EventFinder, workers: Workers, run: Run, unknown_outcome: str
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._finder = finder
        self._workers = workers
        self._run = run
        self._unknown_outcome = unknown_outcome
        self._outcomes: dict[NewEvent, InsertOutcome] = {}
        self._sender = EventSender(client, ledger, finder, workers, self._outcomes)

    def insert(self, events: Sequence[NewEvent]) -> list[InsertOutcome]:
        """The outcome of each event, in order. What stands twice in the list is inserted once."""
        first = {event.key: event for event in reversed(events)}
        distinct = [event for event in events if first[event.key] is event]
        for start in range(0, len(distinct), _EVENTS_AT_ONCE):
            part = distinct[start : start + _EVENTS_AT_ONCE]
            if self._workers.stopped_by:
                self._fail(part, self._workers.not_tried())
            else:
                self._insert_part(part)
        if not (self._finder.refusal or self._run.check_mode or self._workers.stopped_by):
            read_back(self._client, self._ledger, self._finder, self._workers, list(self._outcomes.values()))
        self._warn([(event, first[event.key]) for event in events])
        return [self._outcome_of(event, first[event.key]) for event in events]

    def _insert_part(self, events: Sequence[NewEvent]) -> None:
        try:
            with self._ledger.alone_with([event.key for event in events]):
                self._insert_missing(events)
        except LedgerError as error:
            # Nothing may be sent that cannot be noted.
            self._workers.stopped_by = error
            self._fail([event for event in events if event not in self._outcomes], error)

    def _insert_missing(self, events: Sequence[NewEvent]) -> None:
        known = self._ledger.look_up([event.key for event in events])
        pending: list[NewEvent] = []
        fresh: list[NewEvent] = []
        for event in events:
            record = known.get(event.key)
            if record and record.answered:
                self._outcomes[event] = InsertOutcome(event, False, record.index, record.id, record.document_index)
            else:
                (pending if record else fresh).append(event)
        missing = self._noted(self._finder.look(fresh)) if fresh else []
        if pending:
            missing += self._decided(self._noted(self._finder.look_patiently(pending)))
        if self._run.check_mode:
            self._outcomes.update({event: InsertOutcome(event, changed=True) for event in missing})
        elif missing:
            self._sender.send(missing)

    def _noted(self, looked: Looked) -> list[NewEvent]:
        """Keeps what was found, for this run and in the ledger, and returns what is missing."""
        for event, document in looked.found.items():
            outcome = self._outcomes[event] = InsertOutcome(event, False, document.index, document.id, document.index)
            self._record(outcome)
        for event, error in looked.failed.items():
            self._fail([event], error)
        return looked.missing

    def _decided(self, pending: Sequence[NewEvent]) -> list[NewEvent]:
        """Those of the events to send whose earlier insert got no answer, and that were not found since."""
        is_proven = not self._finder.refusal and self._finder.covers_events()
        if is_proven or self._unknown_outcome == UNKNOWN_IS_MISSING:
            return list(pending)
        for event in pending:
            outcome = self._outcomes[event] = InsertOutcome(event)
            if self._unknown_outcome == UNKNOWN_IS_INSERTED:
                self._record(outcome)
            else:
                outcome.error = unknown_outcome(event, "an earlier insert of this event was never answered", self._finder)
        return []

    def _fail(self, events: Sequence[NewEvent], error: XdrError) -> None:
        self._outcomes.update({event: InsertOutcome(event, error=error) for event in events})

    def _record(self, outcome: InsertOutcome) -> None:
        if not self._run.check_mode:
            self._ledger.record(outcome.event.key, outcome.record())

    def _outcome_of(self, event: NewEvent, first: NewEvent) -> InsertOutcome:
        outcome = self._outcomes[first]
        if event is first:
            return outcome
        return InsertOutcome(event, False, outcome.index, outcome.id, outcome.document_index, outcome.error)

    def _warn(self, events: Sequence[tuple[NewEvent, NewEvent]]) -> None:
        others = [event.where for event, first in events if event.body != first.body]
        if others:
            self._run.warn(
                f"{len(others)} events have the same `unique_by` values as an earlier one in the list and other values beside them; "
                f"they were not inserted (first: {others[0]}). Name more fields in `unique_by` if they are different events."
            )
        if self._finder.refusal:
            self._run.warn(
                "This account may not read events, so only the ledger tells what was inserted before, and nothing what others or another "
                "host inserted."
            )
        strange = next((one.index for one in self._outcomes.values() if one.index and not self._finder.covers_index(one.index)), None)
        if strange:
            self._run.warn(
                f"This server keeps events in {strange}, which `search_index` ({self._finder.pattern}) does not cover, so events that "
                "others or another host inserted are not found. Set `search_index` to a pattern that covers it."
            )
