# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Sends new events, each of them once.

A write without a clear answer is looked for before it is repeated. Where that cannot be done, or leads nowhere, the outcome stays
unknown: the intent is kept in the ledger, so that no later run sends the event blindly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import NotTriedError, RequestError
from .._ledger.contract import EventRecord
from .._stellar.answers import InsertedEvent
from .outcomes import InsertOutcome, unknown_outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._ledger.contract import EventLedger
    from .._stellar.client import StellarClient
    from .finder import EventFinder
    from .new import NewEvent
    from .runs import Workers


class EventSender:
    """Inserts events that are surely missing, and notes in C(outcomes) what became of them."""

    def __init__(
        self,
        client: StellarClient,
        ledger: EventLedger,
        finder: EventFinder,
        workers: Workers,
        outcomes: dict[NewEvent, InsertOutcome],
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._finder = finder
        self._workers = workers
        self._outcomes = outcomes

    def send(self, events: Sequence[NewEvent]) -> None:
        """Sends the events. Those without a clear answer are looked for, and what is surely missing then is sent once more."""
        unclear = self._sent(events, forgets=True)
        missing = self._not_arrived(unclear)
        if missing:
            # Even if this is refused: an intent that was once unclear makes the next run look patiently.
            again = self._sent(missing, forgets=False)
            self._not_arrived(again)
            unclear = {**unclear, **again}
        for event, error in unclear.items():
            if event not in self._outcomes:
                what = f"whether this event was inserted is unknown. {error.message.rstrip('.')}"
                self._outcomes[event] = InsertOutcome(event, error=unknown_outcome(event, what, self._finder, error))

    def _sent(self, events: Sequence[NewEvent], *, forgets: bool) -> dict[NewEvent, RequestError]:
        """Sends the events once; returns those without a clear answer, whose intents stay in the ledger.

        C(forgets) takes back the intents of those that were surely not inserted.
        """
        self._ledger.intend([event.key for event in events], 0.0)
        unclear: dict[NewEvent, RequestError] = {}
        not_done = []
        for event, result in zip(events, self._workers.map(self._insert, events)):
            if isinstance(result, InsertedEvent):
                self._outcomes[event] = InsertOutcome(event, True, result.index, result.id)
            elif isinstance(result, RequestError) and result.outcome_unknown:
                unclear[event] = result
            else:
                refused = isinstance(result, (RequestError, NotTriedError))
                if refused:
                    not_done.append(event.key)
                # What is left is a failing ledger: the server has the event, and its intent keeps the next run from sending it again.
                self._outcomes[event] = InsertOutcome(event, changed=not refused, error=result)
        if not_done and forgets:
            self._ledger.forget(not_done)
        return unclear

    def _not_arrived(self, unclear: dict[NewEvent, RequestError]) -> list[NewEvent]:
        """Looks for events without a clear answer; notes those that arrived and returns those that surely did not."""
        if not unclear or self._finder.refusal:
            return []
        looked = self._finder.look_patiently(list(unclear))
        for event, document in looked.found.items():
            outcome = self._outcomes[event] = InsertOutcome(event, True, document.index, document.id, document.index)
            self._ledger.record(event.key, outcome.record())
        if self._finder.refusal or self._workers.stopped_by or not self._finder.covers_events():
            return []
        return looked.missing

    def _insert(self, event: NewEvent) -> InsertedEvent:
        inserted = self._client.insert_event(event.encoded())
        self._ledger.record(event.key, EventRecord(answered=True, index=inserted.index, id=inserted.id))
        return inserted
