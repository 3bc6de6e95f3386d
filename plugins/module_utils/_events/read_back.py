# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads new events back: that they are there, and in which index they really are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import NotChangedError, XdrError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._ledger.contract import EventLedger
    from .._stellar.answers import StoredEvent
    from .._stellar.client import StellarClient
    from .finder import EventFinder
    from .outcomes import InsertOutcome
    from .runs import Workers

_READ_ONE_BY_ONE = 8
"""Up to so many events are read by id, which shows them at once; more are searched for together, a little later."""


def read_back(client: StellarClient, ledger: EventLedger, finder: EventFinder, workers: Workers, outcomes: Sequence[InsertOutcome]) -> None:
    """Completes the outcomes of new events. Who cannot be read stays as it was answered; who is surely not there has failed."""
    new = [outcome for outcome in outcomes if outcome.changed and not outcome.error and not outcome.document_index]
    nameless = [outcome for outcome in new if outcome.id is None]
    named = [outcome for outcome in new if outcome.id is not None]
    if nameless and not workers.stopped_by:
        looked = finder.look_patiently([outcome.event for outcome in nameless])
        for outcome in nameless:
            _complete(outcome, looked.found.get(outcome.event), ledger)
    if len(named) > _READ_ONE_BY_ONE and not workers.stopped_by:
        documents = finder.documents([outcome.id for outcome in named if outcome.id])
        for outcome in named:
            _complete(outcome, documents.get(outcome.id or ""), ledger)
    left = [outcome for outcome in named if not outcome.document_index]
    for outcome, result in zip(left, workers.map(lambda outcome: client.read_event(outcome.index or "", outcome.id or ""), left)):
        if result is None:
            _not_there(outcome, ledger)
        elif not isinstance(result, XdrError):
            _complete(outcome, result, ledger)


def _complete(outcome: InsertOutcome, document: StoredEvent | None, ledger: EventLedger) -> None:
    if document:
        outcome.document_index = document.index
        outcome.index = outcome.index or document.index
        outcome.id = document.id
        ledger.record(outcome.event.key, outcome.record())


def _not_there(outcome: InsertOutcome, ledger: EventLedger) -> None:
    # Back to an intent: the next run looks for the event before it sends it.
    ledger.intend([outcome.event.key], 0.0)
    outcome.changed = False
    outcome.error = NotChangedError(
        f"{outcome.event.where or 'The event'}: the server answered the insert with the id {outcome.id}, but has no event of this id. "
        "Check in Stellar Cyber whether its data processor is well, and run again: the event is looked for before it is sent."
    )
