# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Brings one event to the state that is wanted: reads it, sends what is missing, and reads it again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .._errors import (
    AnswerError,
    NotChangedError,
    NotFoundError,
    PermissionDeniedError,
    RequestError,
    UnknownOutcomeError,
    XdrError,
)
from .changes import READ_AUTO, READ_NONE, UpdateOptions, WantedChange
from .comparing import Comparison, Written, compared, near_misses, needed
from .endpoints import Target, UpdateEndpoint
from .state import Change, EventState
from .texts import comment_key, digest
from .waiting import LOOK_SECONDS, Patience, now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._stellar.client import StellarClient
    from .texts import Spelling

LATE_SECONDS = 60.0
"""The time to look for a comment without a clear answer before it is sent again: a server can finish a write after a proxy gave up."""
_ATTEMPTS = 2
_AGAIN = "Run the same task again; with `comment_mode: always`, look at the event before."
_LOOK = "Look at the event in Stellar Cyber before you run this again: a comment would be written a second time."


@dataclass(frozen=True)
class UpdateOutcome:
    """The result for one event. `before` and `after` are None if the account may not read."""

    wanted: WantedChange
    changed: bool = False
    before: EventState | None = None
    after: EventState | None = None
    error: XdrError | None = None
    is_assumed: bool = False
    """True if `changed` is assumed because the account may not read."""
    rewritten: Mapping[str, str] = field(default_factory=dict)
    learned: Mapping[bytes, bytes] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def as_result(self) -> dict[str, Any]:
        """The result for users."""
        return {
            **self.identity(),
            "before": self.before.as_result() if self.before else None,
            "after": self.after.as_result() if self.after else None,
        }

    def identity(self) -> dict[str, Any]:
        """The event."""
        return {"index": self.wanted.target.index, "id": self.wanted.target.id}


class EventWriter:
    """Updates the events of one task. For any thread."""

    def __init__(self, client: StellarClient, options: UpdateOptions, *, is_dry: bool) -> None:
        """With `is_dry`, nothing is sent, and outcomes are those of a real run."""
        self.endpoint = UpdateEndpoint(client, options.endpoint)
        self._client = client
        self._options = options
        self._is_dry = is_dry
        self._may_not_read = False

    def update(self, wanted: WantedChange, spelling: Spelling) -> UpdateOutcome:
        """The outcome of one change; an error is part of it."""
        outcome = UpdateOutcome(wanted)
        try:
            before = self._readable_state(wanted.target)
            if before is None:
                return self._written_unseen(wanted)
            outcome = replace(outcome, before=before, after=before)
            return self._updated(outcome, before, spelling)
        except XdrError as error:
            return replace(outcome, error=error)

    def _updated(self, outcome: UpdateOutcome, before: EventState, spelling: Spelling) -> UpdateOutcome:
        wanted = outcome.wanted
        change = needed(before, wanted.change, wanted.target.id, spelling)
        if wanted.change.comment is not None and (self._options.repeats_comment or self._was_written(wanted, change, spelling)):
            change = replace(change, comment=wanted.change.comment if self._options.repeats_comment else None)
        outcome = replace(outcome, warnings=_near_miss_warnings(wanted.target, before, wanted.change, spelling))
        if change.is_empty:
            return outcome
        if self._is_dry:
            return replace(outcome, changed=True, after=before.after(change))
        return self._carried_out(outcome, change, before, spelling)

    def _was_written(self, wanted: WantedChange, change: Change, spelling: Spelling) -> bool:
        """True if the ledger knows this comment of a server whose reads lag behind writes, and which therefore may not show it yet."""
        comment = change.comment
        return comment is not None and self._client.reads_by_search and spelling.knows(comment_key(wanted.target.id, comment))

    def _carried_out(self, outcome: UpdateOutcome, change: Change, before: EventState, spelling: Spelling) -> UpdateOutcome:
        """Writes and reads again; once more if the outcome of the first write was unclear and it turns out that nothing was done."""
        target, left = outcome.wanted.target, change
        seen = Comparison(change)
        unclear: RequestError | None = None
        for _attempt in range(_ATTEMPTS):
            try:
                unclear = self._unclear_send(target, left)
            except RequestError as error:
                return self._refused(outcome, error, seen)
            written = Written(change, target.id, spelling, accepted=unclear is None)
            try:
                after, seen = self._looked(target, before, written)
            except RequestError as error:
                return replace(outcome, after=None, changed=unclear is None, error=_unseen(target, unclear, error))
            left = seen.left
            outcome = replace(
                outcome,
                after=after,
                changed=after != before,
                rewritten=seen.rewritten,
                learned={**seen.learned, **self._lagging(outcome.wanted, left)},
                warnings=outcome.warnings + _surplus_warnings(target, seen.surplus),
            )
            if left.is_empty:
                return outcome
            if unclear is None or isinstance(unclear, AnswerError) or seen.strange_comment:
                break
        return replace(outcome, error=self._not_done(target, seen, unclear))

    def _lagging(self, wanted: WantedChange, left: Change) -> Mapping[bytes, bytes]:
        """The written comment for the ledger, on a server whose reads lag behind writes."""
        comment = wanted.change.comment
        if comment is None or left.comment is not None or not self._client.reads_by_search:
            return {}
        return {comment_key(wanted.target.id, comment): digest(comment)}

    def _unclear_send(self, target: Target, change: Change) -> RequestError | None:
        """Sends a change; returns the error if it is unclear whether it was carried out."""
        try:
            self.endpoint.send(target, change)
        except RequestError as error:
            if not error.outcome_unknown:
                raise
            return error
        return None

    def _looked(self, target: Target, before: EventState, written: Written) -> tuple[EventState, Comparison]:
        """The state after a change, and what of the change does not show, even after a while."""
        may_come_late = (written.change.comment is not None and not written.accepted) or self._client.reads_by_search
        after, seen = before, Comparison(written.change)
        for _look in Patience().looks(now() + (LATE_SECONDS if may_come_late else LOOK_SECONDS)):
            after = self._state(target)
            seen = compared(after, before, written)
            if seen.left.is_empty:
                break
        return after, seen

    def _not_done(self, target: Target, seen: Comparison, unclear: RequestError | None) -> XdrError:
        left = seen.left
        if unclear:
            strange = " It has a new comment that may be this one, rewritten, or somebody else's." if seen.strange_comment else ""
            message = f"{target.name}: {unclear.message} The event was read since and does not show: {left}.{strange}"
            return UnknownOutcomeError(message, **unclear.details)
        tag_field = self._options.tag_field
        place = f"the field {tag_field} (tag_field)" if tag_field else "event_tags, event_tag or tags"
        hint = f" Tags were looked for in {place}; if this server keeps them elsewhere, set `tag_field`." if left.add_tags else ""
        return NotChangedError(f"{target.name}: the server accepted the update of {target.id} and did not carry out: {left}.{hint}")

    def _refused(self, outcome: UpdateOutcome, error: RequestError, seen: Comparison) -> UpdateOutcome:
        """The outcome after a refusal: an earlier request of the same change may have done its part."""
        target = outcome.wanted.target
        try:
            after = self._state(target)
        except RequestError:
            return replace(outcome, after=None, error=_partly_done(target, error) if error.partly_done else error)
        return replace(outcome, after=after, changed=after != outcome.before, rewritten=seen.rewritten, error=error)

    def _written_unseen(self, wanted: WantedChange) -> UpdateOutcome:
        outcome = UpdateOutcome(wanted, changed=True, is_assumed=self._options.read_access != READ_NONE)
        if self._is_dry:
            return outcome
        target = wanted.target
        try:
            unclear = self._unclear_send(target, wanted.change)
        except RequestError as error:
            return replace(outcome, changed=False, error=_partly_done(target, error) if error.partly_done else error)
        if unclear:
            message = f"{target.name}: whether the event was updated is unknown, and it cannot be read. {unclear.message} {_LOOK}"
            return replace(outcome, changed=False, error=UnknownOutcomeError(message, **unclear.details))
        return outcome

    def _readable_state(self, target: Target) -> EventState | None:
        """The state of the event; None if this run must not read, or may not."""
        if self._options.read_access == READ_NONE or self._may_not_read:
            return None
        try:
            return self._state(target)
        except PermissionDeniedError:
            if self._options.read_access != READ_AUTO:
                raise
            self._may_not_read = True
            return None

    def _state(self, target: Target) -> EventState:
        reading = self._client.look_up(target.index, target.id)
        if reading.event is None and not reading.is_current:
            # It may just have been inserted: a search does not show it at once.
            for _look in Patience().looks(now() + LATE_SECONDS):
                reading = self._client.look_up(target.index, target.id)
                if reading.event or reading.is_current:
                    break
        if reading.event is None:
            message = (
                f"{target.where or 'id'}: there is no event {target.id} in the index {target.index}. Take both from the end of the event's "
                "details (`_id` and `_index`), from the result of the insert, or from stellar_ser_event_info."
            )
            raise NotFoundError(message, 404, "")
        return EventState.of(reading.event.source, self._options.tag_field)


def _near_miss_warnings(target: Target, before: EventState, wanted: Change, spelling: Spelling) -> tuple[str, ...]:
    return tuple(
        f"{target.name}: the event does not have the tag {tag!r}, but {held!r}. Only exactly the same tag is removed; "
        "name it in `remove_tags` as the server spells it."
        for tag, held in near_misses(before, wanted, spelling)
    )


def _surplus_warnings(target: Target, surplus: int) -> tuple[str, ...]:
    warning = (
        f"{target.name}: the comment was written {surplus + 1} times since this run looked: by another run at the same time, or because "
        "the server was slow to carry out what it had not answered."
    )
    return (warning,) if surplus else ()


def _partly_done(target: Target, error: RequestError) -> UnknownOutcomeError:
    """The error if one of several requests failed, and what the others did cannot be read."""
    message = f"{target.name}: a part of the update was carried out, and the event cannot be read. {error.message} {_LOOK}"
    return UnknownOutcomeError(message, **error.details)


def _unseen(target: Target, unclear: RequestError | None, error: RequestError) -> UnknownOutcomeError:
    """The error if an update was sent, and the event could not be read again."""
    sent = f"whether the event was updated is unknown. {unclear.message}" if unclear else "the server accepted the update."
    message = f"{target.name}: {sent} The event could not be read since: {error.message} {_AGAIN}"
    return UnknownOutcomeError(message, **error.details)
