# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What became of events that were to be inserted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._errors import UnknownOutcomeError, XdrError
from .._ledger.contract import EventRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .finder import EventFinder
    from .new import NewEvent


@dataclass
class InsertOutcome:
    """What became of one event. C(index) is the alias that the server answered with, C(document_index) where the event really is."""

    event: NewEvent
    changed: bool = False
    index: str | None = None
    id: str | None = None
    document_index: str | None = None
    error: XdrError | None = None

    def as_result(self) -> dict[str, Any]:
        """What a user is shown."""
        return {"index": self.index, "id": self.id, "document_index": self.document_index}

    def identity(self) -> dict[str, Any]:
        """What makes the event unique."""
        return {"unique": dict(self.event.unique)}

    def record(self) -> EventRecord:
        """What the ledger keeps."""
        return EventRecord(answered=True, index=self.index, id=self.id, document_index=self.document_index)


def unknown_outcome(event: NewEvent, what: str, finder: EventFinder, error: XdrError | None = None) -> UnknownOutcomeError:
    """The error for an event of which nobody can tell whether the server has it; says how to find out."""
    if finder.refusal:
        why = "This account may not read events, so it cannot be looked for from here"
        advice = "Look for it in Stellar Cyber, then run again with `unknown_outcome: inserted` or `unknown_outcome: missing`."
    elif not finder.covers_events():
        why = f"There is not a single event under {finder.pattern} (`search_index`), so looking there proves nothing"
        advice = (
            "Set `search_index` to where this server keeps events, such as stellar-index-v1-ser-*, and run again; "
            "if it holds no event at all yet, with `unknown_outcome: missing`."
        )
    else:
        why = "It was looked for and is not there (yet)"
        advice = "Run again: the event is looked for before it is sent."
    message = f"{event.where or 'The event'}: {what}. {why}. {advice}"
    return UnknownOutcomeError(message, **(error.details if error else {}))


def insert_diff(outcomes: Sequence[InsertOutcome]) -> list[dict[str, Any]]:
    """Ansible's diff: nothing before, the new events after."""
    return [
        {"before_header": "absent", "before": "", "after_header": outcome.id or "new event", "after": dict(outcome.event.body)}
        for outcome in outcomes
        if outcome.changed
    ]
