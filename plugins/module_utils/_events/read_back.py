# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads events back that were inserted: where they really are, and whether they are what was sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .._errors import NotChangedError, UnknownOutcomeError, XdrError
from .._resources.waiting import now
from .._stellar.client import Reading
from .looking import is_event, rewritten_fields
from .outcomes import InsertOutcome, found_outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._ledger.contract import EventLedger
    from .._resources.many import Workers
    from .._resources.waiting import Patience
    from .._stellar.answers import StoredEvent
    from .._stellar.client import StellarClient
    from .looking import EventFinder
    from .new import NewEvent

_READ_ONE_BY_ONE = 8
"""Up to so many events are read by id, which shows them at once; more are searched for together, a little later."""
_SEARCH_SECONDS = 2.0


class ReadBack:
    """Completes the outcomes of new events. Those that cannot be read stay as they were answered."""

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
        """The outcomes with the documents' own indices; an event that is certainly not there has failed."""
        unread = [outcome for outcome in new if not outcome.document_index]
        documents = self._searched([outcome.id for outcome in unread if outcome.id]) if len(unread) > _READ_ONE_BY_ONE else {}
        results = self._workers.map(lambda one: self._reading(one, documents), unread)
        completed = {outcome.event: self._completed(outcome, result, new) for outcome, result in zip(unread, results)}
        sent_twice = [completed.get(outcome.event, outcome) for outcome in new if outcome.sent_twice]
        return {**completed, **self._counted_again([outcome for outcome in sent_twice if not outcome.error])}

    def _searched(self, identifiers: Sequence[str]) -> Mapping[str, StoredEvent]:
        documents: dict[str, StoredEvent] = {}
        for _look in self._patience.looks(now() + _SEARCH_SECONDS):
            documents.update(self._finder.documents([one for one in identifiers if one not in documents]))
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
            # The server gave an id, which proves the insert; a search that does not show it yet proves nothing.
            return outcome
        document = reading.event
        rewritten = rewritten_fields(document, outcome.event) if document else None
        if document and rewritten and any(is_event(document, other.event) for other in new):
            # The answer belongs to another request of this run.
            rewritten = None
        if document and rewritten is not None:
            index = outcome.index or document.index
            return self._recorded(replace(outcome, index=index, document_index=document.index, rewritten=tuple(rewritten)))
        # Back to an intent: the next run looks for the event before it sends it.
        self._ledger.intend([outcome.event.key], 0)
        return self._of_another(outcome) if reading.event else replace(outcome, changed=False, error=_not_there(outcome))

    def _of_another(self, outcome: InsertOutcome) -> InsertOutcome:
        """The outcome of an event whose answer had the id of another one: the event is looked for."""
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
        """Looks once for further copies of events that were sent twice: the first write may have been finished late."""
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
