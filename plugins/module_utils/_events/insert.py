# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Inserts events, each once.

The steps: look in the ledger, search the server, send the missing events, and read them back. Each step takes events and returns new
outcomes.

After a write without a clear answer, the event is looked for until the search must show it (`search_delay`) before it is sent again. If
that is not possible, the outcome stays unknown: the ledger keeps the intent, and no later run sends the event without looking for it.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._errors import (
    LedgerError,
    NotTriedError,
    RequestError,
    XdrError,
)
from .._ledger.opening import open_ledger
from .._resources.many import Workers, module_result
from .._resources.waiting import LOOK_SECONDS, Patience, now
from .._stellar.client import StellarClient
from .looking import EventFinder, Looked
from .new import UNKNOWN_IS_INSERTED, UNKNOWN_IS_MISSING, InsertOptions, NewEvent
from .outcomes import (
    FORMER_UNKNOWN,
    InsertOutcome,
    ReadBack,
    Unclear,
    failed_outcomes,
    found_outcome,
    insert_diff,
    insert_warnings,
    unknown_error,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._ledger.contract import EventLedger
    from .._module import Run
    from .._stellar.answers import StoredEvent

    Outcomes = Mapping[NewEvent, "InsertOutcome"]

_EVENTS_AT_ONCE = 200
"""Events that are looked up together, and for which other runs on this host wait together."""
_INTENT_SECONDS = 5.0
"""After this time, the intent of a waiting event is recorded again, because its time must be that of the request."""


def insert_events(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `stellar_ser_event` with its options and returns its result; raises XdrError."""
    options = InsertOptions.parsed(params)
    client = StellarClient.from_params(params, run.secrets)
    with Workers(options.concurrency) as workers, closing(open_ledger(options.ledger, read_only=run.check_mode)) as ledger:
        flow = InsertFlow(client, ledger.events(client.endpoint), workers, options, run)
        outcomes = flow.insert(options.events)
    extra = {"diff": insert_diff(outcomes)} if run.shows_diff else {}
    return module_result(outcomes, extra, "events", is_single=options.is_single)


class InsertFlow:
    """One run of `stellar_ser_event`."""

    def __init__(self, client: StellarClient, ledger: EventLedger, workers: Workers, options: InsertOptions, run: Run) -> None:
        self._client = client
        self._ledger = ledger
        self._workers = workers
        self._options = options
        self._run = run
        self._finder = EventFinder(client, options.search_index, workers, options.events)
        self._patience = Patience()

    def insert(self, events: Sequence[NewEvent]) -> list[InsertOutcome]:
        """The outcome of each event, in order. An event that is in the list twice is inserted once."""
        first = {event.key: event for event in reversed(events)}
        distinct = [event for event in events if first[event.key] is event]
        outcomes: Outcomes = {}
        for start in range(0, len(distinct), _EVENTS_AT_ONCE):
            outcomes = {**outcomes, **self._part(distinct[start : start + _EVENTS_AT_ONCE])}
        if not (self._finder.refusal or self._run.check_mode or self._workers.stopped_by):
            new = [outcome for outcome in outcomes.values() if outcome.changed and not outcome.error]
            outcomes = {**outcomes, **self._read_back(new)}
        if any(outcome.changed and not outcome.event.old_key for outcome in outcomes.values()) and self._ledger.has_former():
            self._run.warn(FORMER_UNKNOWN)
        for text in insert_warnings(events, first, outcomes, self._finder, self._run.secrets.shown):
            self._run.warn(text)
        return [
            outcomes[first[event.key]] if first[event.key] is event else replace(outcomes[first[event.key]], event=event, changed=False)
            for event in events
        ]

    def _part(self, events: Sequence[NewEvent]) -> Outcomes:
        if self._workers.stopped_by:
            return failed_outcomes(events, self._workers.not_tried())
        outcomes: Outcomes = {}
        try:
            with self._ledger.alone_with([event.key for event in events]):
                outcomes, pending, fresh = self._known(events)
                found, missing = self._looked(fresh)
                outcomes = {**outcomes, **found}
                decided, again = self._decided(pending)
                outcomes = {**outcomes, **decided}
                missing = [*missing, *again]
                if self._run.check_mode:
                    return {**outcomes, **{event: InsertOutcome(event, changed=True) for event in missing}}
                return {**outcomes, **self._sent(missing)}
        except LedgerError as error:
            # Nothing may be sent that cannot be recorded.
            self._workers.note(error)
            return {**failed_outcomes([event for event in events if event not in outcomes], error), **outcomes}

    # -- earlier runs ---------------------------------------------------------------------------------------------------

    def _known(self, events: Sequence[NewEvent]) -> tuple[Outcomes, list[Unclear], list[NewEvent]]:
        """Sorts the events by what the ledger has: done, never answered, or unknown."""
        records = self._ledger.look_up([key for event in events for key in event.keys])
        done: dict[NewEvent, InsertOutcome] = {}
        pending: list[Unclear] = []
        fresh: list[NewEvent] = []
        for event in events:
            record = next((records[key] for key in event.keys if key in records), None)
            if record is None:
                fresh.append(event)
            elif record.answered:
                done[event] = InsertOutcome(event, False, record.index, record.id, record.document_index)
            else:
                # The ledger's clock may be wrong or belong to another host, so the wait is limited to that for a request that begins now.
                over_for = max(record.over_for or 0.0, -float(self._options.timeout))
                pending.append(Unclear(event, now() - over_for, "an earlier insert of this event was never answered", record=record))
        return done, pending, fresh

    def _looked(self, events: Sequence[NewEvent]) -> tuple[Outcomes, list[NewEvent]]:
        """Searches for events that the ledger does not know; failed or partial searches are repeated for a while."""
        looked = Looked(failed=dict.fromkeys(events, XdrError("")))
        found: dict[NewEvent, Sequence[StoredEvent]] = {}
        missing: list[NewEvent] = []
        if events:
            for _look in self._patience.looks(now() + LOOK_SECONDS):
                looked = self._finder.look(list(looked.failed))
                found, missing = {**found, **looked.found}, [*missing, *looked.missing]
                if not any(error.may_pass for error in looked.failed.values()) or self._workers.stopped_by:
                    break
        errors = {event: error.with_message(f"{event.name}: nothing was sent. {error.message}") for event, error in looked.failed.items()}
        return {
            **self._recorded(found, changed=False),
            **{event: InsertOutcome(event, error=error) for event, error in errors.items()},
        }, missing

    def _decided(self, pending: Sequence[Unclear]) -> tuple[Outcomes, list[NewEvent]]:
        """Finds out about events whose earlier insert got no answer; also returns those that must be sent."""
        if self._options.unknown_outcome == UNKNOWN_IS_MISSING:
            found, left = self._searched(pending, changed=False, waits=False)
            return found, [attempt.event for attempt in left]
        found, left = self._searched(pending, changed=False)
        outcomes = dict(found)
        missing: list[NewEvent] = []
        for attempt in left:
            if attempt.record and attempt.record.id and self._options.unknown_outcome != UNKNOWN_IS_INSERTED:
                outcomes[attempt.event] = InsertOutcome(
                    attempt.event, False, attempt.record.index, attempt.record.id, attempt.record.document_index
                )
            elif self._options.unknown_outcome == UNKNOWN_IS_INSERTED:
                outcomes[attempt.event] = InsertOutcome(attempt.event)
                self._record(outcomes[attempt.event])
            elif self._is_proven_missing(attempt):
                missing.append(attempt.event)
            else:
                outcomes[attempt.event] = InsertOutcome(
                    attempt.event, error=unknown_error(attempt, self._finder, self._options.search_delay)
                )
        return outcomes, missing

    # -- sending --------------------------------------------------------------------------------------------------------

    def _sent(self, events: Sequence[NewEvent]) -> Outcomes:
        """Sends events. Events without a clear answer are looked for, and sent once more if they are certainly missing."""
        if not events:
            return {}
        done, unclear = self._send(events, is_again=False)
        found, left = self._searched(unclear, changed=True)
        outcomes = {**done, **found}
        missing = [attempt.event for attempt in left if self._is_proven_missing(attempt)]
        if missing:
            # Even if this is refused: after an unclear attempt, the intent makes the next run look for the event.
            done, unclear = self._send(missing, is_again=True)
            found, again = self._searched(unclear, changed=True)
            outcomes = {**outcomes, **done, **found}
            left = [*(attempt for attempt in left if attempt.event not in outcomes and attempt.event not in missing), *again]
        return {
            **outcomes,
            **{
                attempt.event: InsertOutcome(attempt.event, error=unknown_error(attempt, self._finder, self._options.search_delay))
                for attempt in left
            },
        }

    def _send(self, events: Sequence[NewEvent], *, is_again: bool) -> tuple[Outcomes, list[Unclear]]:
        """Sends events once; returns outcomes, and those without a clear answer, whose intents stay in the ledger."""
        self._ledger.intend([event.key for event in events], self._options.timeout)
        noted_at = now()

        def insert(event: NewEvent) -> InsertOutcome | Unclear:
            if now() - noted_at > _INTENT_SECONDS:
                self._ledger.intend([event.key], self._options.timeout)
            try:
                inserted = self._client.insert_event(event.encoded())
            except RequestError as error:
                if not error.outcome_unknown:
                    raise
                self._ledger.intend([event.key], 0)
                return Unclear(event, now(), f"whether this event was inserted is unknown. {error.message.rstrip('.')}", error)
            outcome = InsertOutcome(event, True, inserted.index, inserted.id, sent_twice=is_again)
            self._record(outcome)
            return outcome

        outcomes: dict[NewEvent, InsertOutcome] = {}
        unclear: list[Unclear] = []
        not_done: list[NewEvent] = []
        for event, result in zip(events, self._workers.map(insert, events)):
            if isinstance(result, Unclear):
                unclear.append(result)
            elif isinstance(result, InsertOutcome):
                outcomes[event] = result
            else:
                refused = isinstance(result, (RequestError, NotTriedError))
                # Only a failure of the ledger is left: the server has the event, and its intent prevents the next run from sending it
                # again.
                outcomes[event] = InsertOutcome(event, changed=not refused, error=result)
                not_done += [event] if refused else []
        if not_done and not is_again:
            self._ledger.forget([event.key for event in not_done])
        return outcomes, unclear

    def _searched(self, unclear: Sequence[Unclear], *, changed: bool, waits: bool = True) -> tuple[Outcomes, list[Unclear]]:
        """Looks for events until each is found or its write must have become visible; returns the found and the missing events.

        There is no useless wait: if the time of the task is too short for an event, it is looked for once.
        """
        found: dict[NewEvent, Sequence[StoredEvent]] = {}
        left = list(unclear)
        until = max(
            [attempt.over_at + self._options.search_delay for attempt in left if self._is_in_time(attempt) and waits], default=now()
        )
        if left and not self._finder.refusal:
            for _look in self._patience.looks(until):
                looked = self._finder.look([attempt.event for attempt in left], were_sent=True)
                found = {**found, **looked.found}
                left = [attempt for attempt in left if attempt.event not in found]
                # After a failed search, the time of an event is not up: it was not looked for.
                left = (
                    [replace(attempt, over_at=now()) if attempt.event in looked.failed else attempt for attempt in left]
                    if now() >= until
                    else left
                )
                if not left or self._finder.refusal or self._workers.stopped_by:
                    break
        return self._recorded(found, changed=changed), left

    def _is_in_time(self, attempt: Unclear) -> bool:
        """True if this task may wait until the search must show the event."""
        return attempt.over_at + self._options.search_delay <= self._patience.ends_at

    def _is_proven_missing(self, attempt: Unclear) -> bool:
        """True if an event that was not found is certainly missing: its write must be visible by now, in an index that is searched."""
        is_late = now() >= attempt.over_at + self._options.search_delay
        return is_late and not self._finder.refusal and not self._workers.stopped_by and self._finder.covers_events()

    def _read_back(self, new: Sequence[InsertOutcome]) -> Outcomes:
        reading = ReadBack(self._client, self._ledger, self._finder, self._workers, self._patience, self._options.search_delay)
        return reading.read(new)

    # -- recording ------------------------------------------------------------------------------------------------------

    def _recorded(self, found: Mapping[NewEvent, Sequence[StoredEvent]], *, changed: bool) -> Outcomes:
        """Records events that the server has in the ledger, and returns their outcomes."""
        outcomes = {event: found_outcome(event, documents, changed=changed) for event, documents in found.items()}
        for outcome in outcomes.values():
            self._record(outcome)
        return outcomes

    def _record(self, outcome: InsertOutcome) -> None:
        if not self._run.check_mode:
            self._ledger.record(outcome.event.key, outcome.record())
