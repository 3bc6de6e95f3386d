# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Updates events: reads, writes what differs, and reads again, so that what is reported is what happened."""

from __future__ import annotations

from dataclasses import dataclass
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
from .._stellar.client import StellarClient
from .changes import (
    COMMENT_ALWAYS,
    READ_AUTO,
    READ_NONE,
    WantedChange,
    wanted_changes,
)
from .endpoints import UpdateEndpoint
from .runs import Workers, module_result
from .state import Change, EventState
from .waiting import Patience

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._run import Run

_ATTEMPTS = 2
_AGAIN = "Run the same task again; with `comment_mode: always`, look at the event before."
_LOOK = "Look at the event in Stellar Cyber before you run this again: a comment would be written a second time."


@dataclass
class UpdateOutcome:
    """What became of one event. Without the right to read, its states are unknown."""

    wanted: WantedChange
    changed: bool = False
    before: EventState | None = None
    after: EventState | None = None
    error: XdrError | None = None

    def as_result(self) -> dict[str, Any]:
        """What a user is shown."""
        return {
            **self.identity(),
            "before": self.before.as_result() if self.before else None,
            "after": self.after.as_result() if self.after else None,
        }

    def identity(self) -> dict[str, Any]:
        """The event."""
        return {"index": self.wanted.index, "id": self.wanted.id}


def update_events(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs C(stellar_ser_update) with its options and returns its result; raises XdrError."""
    changes = wanted_changes(params)
    client = StellarClient.from_params(params, run.secrets)
    with Workers(params["concurrency"]) as workers:
        updater = EventUpdater(client, params, run, workers)
        outcomes = updater.update_all(changes)
    extra: dict[str, Any] = {"endpoint": updater.endpoint.name}
    if run.shows_diff:
        extra["diff"] = _diff(outcomes)
    return module_result(outcomes, extra, is_single=params["events"] is None)


class EventUpdater:
    """One run of C(stellar_ser_update)."""

    def __init__(self, client: StellarClient, params: Mapping[str, Any], run: Run, workers: Workers) -> None:
        self.endpoint = UpdateEndpoint(client, params["endpoint"])
        self._client = client
        self._read_access: str = params["read_access"]
        self._tag_field: str | None = params["tag_field"]
        self._repeats_comment: bool = params["comment_mode"] == COMMENT_ALWAYS
        self._run = run
        self._workers = workers
        self._refusal: PermissionDeniedError | None = None

    def update_all(self, changes: Sequence[WantedChange]) -> list[UpdateOutcome]:
        """The outcome of each change, in order. Changes of the same event are made one after the other."""
        by_event: dict[str, list[UpdateOutcome]] = {}
        outcomes = [UpdateOutcome(wanted) for wanted in changes]
        for outcome in outcomes:
            by_event.setdefault(outcome.wanted.id, []).append(outcome)
        self._workers.map(self._update_one_by_one, list(by_event.values()))
        for outcome in outcomes:
            if outcome.before is None and not outcome.changed and not outcome.error:
                outcome.error = self._workers.not_tried()
        if self._refusal:
            self._run.warn(
                "This account may not read events, so it is assumed, and not known, that the updates changed something; "
                "each run writes again. Use an account with the right to read, or set `read_access: none` to hide this warning."
            )
        return outcomes

    def _update_one_by_one(self, outcomes: Sequence[UpdateOutcome]) -> None:
        for outcome in outcomes:
            try:
                self._update(outcome)
            except XdrError as error:
                outcome.error = error
            if outcome.error:
                self._workers.note(outcome.error)

    def _update(self, outcome: UpdateOutcome) -> None:
        wanted = outcome.wanted
        before = outcome.before = outcome.after = self._readable_state(wanted)
        if before is None:
            if not self._run.check_mode:
                self._write_unseen(wanted)
            outcome.changed = True
            return
        change = before.needed(wanted.change, repeats_comment=self._repeats_comment)
        if change.is_empty:
            return
        if self._run.check_mode:
            outcome.changed, outcome.after = True, before.after(change)
            return
        try:
            self._carry_out(outcome, change, before)
        except RequestError as error:
            if not self._shows_what_is_done(outcome) and error.partly_done:
                raise _partly_done(wanted, error) from error
            raise

    def _carry_out(self, outcome: UpdateOutcome, change: Change, before: EventState) -> None:
        """Writes and reads again; once more where it was unclear what became of the first write, and it turns out that nothing did."""
        left = change
        for _attempt in range(_ATTEMPTS):
            unclear = self._unclear_send(outcome.wanted, left)
            try:
                outcome.after, left = self._look(outcome.wanted, change, before)
            except RequestError as error:
                outcome.after, outcome.changed = None, unclear is None
                raise _unseen(outcome.wanted, unclear, error) from error
            outcome.changed = left != change
            self._warn_of_others(outcome.wanted, outcome.after.comments_too_many(change, before))
            if left.is_empty:
                return
            if unclear is None or isinstance(unclear, AnswerError):
                break
        raise self._not_done(outcome.wanted, left, unclear)

    def _warn_of_others(self, wanted: WantedChange, comments: int) -> None:
        if comments:
            self._run.warn(
                f"{wanted.where or wanted.id}: the comment was written {comments + 1} times since this run looked: by another run at the "
                "same time, or because the server was slow to carry out what it had not answered."
            )

    def _unclear_send(self, wanted: WantedChange, change: Change) -> RequestError | None:
        """Sends a change; returns the error where it is unclear whether it was carried out."""
        try:
            self.endpoint.send(wanted, change)
        except RequestError as error:
            if not error.outcome_unknown:
                raise
            return error
        return None

    def _look(self, wanted: WantedChange, change: Change, before: EventState) -> tuple[EventState, Change]:
        """The state after a change, and what of it does not show, even after a while."""
        patience = Patience()
        while True:
            after = self._state(wanted)
            left = after.left_of(change, before)
            if left.is_empty or not patience.lasts():
                return after, left

    def _not_done(self, wanted: WantedChange, left: Change, unclear: RequestError | None) -> XdrError:
        name = wanted.where or wanted.id
        if unclear:
            message = f"{name}: {unclear.message} The event was read since and does not show: {left}."
            return UnknownOutcomeError(message, **unclear.details)
        field = f"the field {self._tag_field} (tag_field)" if self._tag_field else "event_tags, event_tag or tags"
        hint = f" Tags were looked for in {field}; if this server keeps them elsewhere, set `tag_field`." if left.add_tags else ""
        return NotChangedError(f"{name}: the server accepted the update of {wanted.id} and did not carry out: {left}.{hint}")

    def _shows_what_is_done(self, outcome: UpdateOutcome) -> bool:
        """After a refusal, an earlier request of the same change may have done its part."""
        try:
            outcome.after = self._state(outcome.wanted)
        except RequestError:
            outcome.after = None
            return False
        outcome.changed = outcome.after != outcome.before
        return True

    def _write_unseen(self, wanted: WantedChange) -> None:
        try:
            unclear = self._unclear_send(wanted, wanted.change)
        except RequestError as error:
            if error.partly_done:
                raise _partly_done(wanted, error) from error
            raise
        if unclear:
            message = (
                f"{wanted.where or wanted.id}: whether the event was updated is unknown, and it cannot be read. {unclear.message} {_LOOK}"
            )
            raise UnknownOutcomeError(message, **unclear.details)

    def _readable_state(self, wanted: WantedChange) -> EventState | None:
        """The state of the event; nothing where this run is not to read, or may not."""
        if self._read_access == READ_NONE or self._refusal:
            return None
        try:
            return self._state(wanted)
        except PermissionDeniedError as error:
            if self._read_access != READ_AUTO:
                raise
            self._refusal = error
            return None

    def _state(self, wanted: WantedChange) -> EventState:
        event = self._client.read_event(wanted.index, wanted.id)
        if event is None:
            message = (
                f"{wanted.where or 'id'}: there is no event {wanted.id} in the index {wanted.index}. Take both from the end of the event's "
                "details (`_id` and `_index`), from the result of the insert, or from stellar_ser_event_info."
            )
            raise NotFoundError(message, 404, "")
        return EventState.of(event.source, self._tag_field)


def _partly_done(wanted: WantedChange, error: RequestError) -> UnknownOutcomeError:
    """The error where one of several requests failed, and what the others did cannot be read."""
    message = f"{wanted.where or wanted.id}: a part of the update was carried out, and the event cannot be read. {error.message} {_LOOK}"
    return UnknownOutcomeError(message, **error.details)


def _unseen(wanted: WantedChange, unclear: RequestError | None, error: RequestError) -> UnknownOutcomeError:
    """The error where an update was sent, and the event could not be read again."""
    sent = f"whether the event was updated is unknown. {unclear.message}" if unclear else "the server accepted the update."
    message = f"{wanted.where or wanted.id}: {sent} The event could not be read since: {error.message} {_AGAIN}"
    return UnknownOutcomeError(message, **error.details)


def _diff(outcomes: Sequence[UpdateOutcome]) -> list[dict[str, Any]]:
    """Ansible's diff for each event that changed and whose states are known."""
    return [
        {
            "before_header": f"{outcome.wanted.index}/{outcome.wanted.id}",
            "before": outcome.before.as_result(),
            "after_header": f"{outcome.wanted.index}/{outcome.wanted.id}",
            "after": outcome.after.as_result(),
        }
        for outcome in outcomes
        if outcome.changed and outcome.before and outcome.after
    ]
