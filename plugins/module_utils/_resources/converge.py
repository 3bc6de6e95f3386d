# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Brings an item (an event, a case, a detection) to the wanted state: reads it, writes what differs, and reads it again.

Check mode, `changed`, rights to read, waiting for a write to be seen and unclear outcomes are decided here, once for all kinds of items.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic

from .._errors import AnswerError, NotChangedError, PermissionDeniedError, RequestError, UnknownOutcomeError, XdrError
from .resource import ChangeT, Outcome, RefT, Seen, StateT, Written
from .waiting import looks

if TYPE_CHECKING:
    from .resource import Resource, Wanted, Wording

READ_AUTO = "auto"
READ_REQUIRED = "required"
READ_NONE = "none"
_ATTEMPTS = 2


class Convergence:
    """Converges the items of one task. For any thread."""

    def __init__(self, read_access: str, *, is_dry: bool) -> None:
        """With `is_dry`, nothing is sent; the outcomes are those of a real run."""
        self._read_access = read_access
        self._is_dry = is_dry
        self._may_not_read = False
        self._has_read = False

    def converge(self, resource: Resource[RefT, StateT, ChangeT], wanted: Wanted[RefT, ChangeT]) -> Outcome[RefT, StateT]:
        """The outcome of one change; an error is part of it."""
        outcome: Outcome[RefT, StateT] = Outcome(wanted.ref)
        task = _Task(resource, wanted)
        try:
            before = self._readable_state(task)
            if before is None:
                return self._written_unseen(task)
            needed = resource.needed(wanted, before)
            outcome = replace(outcome, before=before, after=before, warnings=needed.warnings)
            if needed.change.is_empty:
                return outcome
            if self._is_dry:
                return replace(outcome, changed=True, after=resource.planned(before, needed.change))
            return task.carried_out(outcome, before, needed.change)
        except XdrError as error:
            # The error comes from reading, so nothing was sent.
            return replace(outcome, error=error.with_known_outcome() if isinstance(error, RequestError) else error)

    def _readable_state(self, task: _Task[RefT, StateT, ChangeT]) -> StateT | None:
        """The state of the item; None if this run must not read, or may not."""
        if self._read_access == READ_NONE or self._may_not_read:
            return None
        try:
            state = task.state()
        except PermissionDeniedError:
            if self._read_access != READ_AUTO:
                raise
            # If other items can be read, the refusal is about this item only, and the next one is tried.
            self._may_not_read = not self._has_read
            return None
        self._has_read = True
        return state

    def _written_unseen(self, task: _Task[RefT, StateT, ChangeT]) -> Outcome[RefT, StateT]:
        outcome: Outcome[RefT, StateT] = Outcome(task.wanted.ref, changed=True, is_assumed=self._read_access != READ_NONE)
        if self._is_dry:
            return outcome
        error = task.write_unseen()
        return replace(outcome, changed=False, error=error) if error else outcome


@dataclass(frozen=True)
class _Task(Generic[RefT, StateT, ChangeT]):
    """One change of one item."""

    resource: Resource[RefT, StateT, ChangeT]
    wanted: Wanted[RefT, ChangeT]

    def state(self) -> StateT:
        """The present state of the item."""
        return self.resource.read(self.wanted)

    def write_unseen(self) -> XdrError | None:
        """Writes everything without reading; returns the error, if any."""
        try:
            unclear = self._unclear_write(self.wanted.change)
        except RequestError as error:
            return self._partly_done(error) if error.partly_done else error
        if unclear is None:
            return None
        return self._unknown(f"whether the {self._noun} was updated is unknown, and it cannot be read.", unclear, self._wording.look)

    def carried_out(self, outcome: Outcome[RefT, StateT], before: StateT, change: ChangeT) -> Outcome[RefT, StateT]:
        """Writes and reads again. Writes once more if the first outcome was unclear and nothing was done."""
        seen = Seen(change)
        unclear: RequestError | None = None
        self.resource.remember(Written(change, accepted=False), self.wanted.ref, before)
        for _attempt in range(_ATTEMPTS):
            try:
                unclear = self._unclear_write(seen.left)
            except RequestError as error:
                return self._refused(outcome, error)
            try:
                after, seen = self._looked(before, change, unclear)
            except RequestError as error:
                if unclear is None:
                    self.resource.remember(Written(seen.left, accepted=True), self.wanted.ref, before)
                return replace(outcome, after=None, changed=unclear is None, error=self._unseen(unclear, error))
            outcome = replace(
                outcome,
                after=after,
                changed=after != before or seen.is_hidden,
                warnings=outcome.warnings + seen.warnings,
                rewritten=seen.rewritten,
                learned=seen.learned,
            )
            if seen.left.is_empty:
                return outcome
            if unclear is None or isinstance(unclear, AnswerError) or seen.is_strange:
                break
        return replace(outcome, error=self._not_done(seen, unclear))

    def _unclear_write(self, change: ChangeT) -> RequestError | None:
        """Writes a change; returns the error if it is unclear whether it was carried out."""
        try:
            self.resource.write(self.wanted.ref, change)
        except RequestError as error:
            if not error.outcome_unknown:
                raise
            return error
        return None

    def _looked(self, before: StateT, change: ChangeT, unclear: RequestError | None) -> tuple[StateT, Seen[ChangeT]]:
        """Returns the state after a change, and the part of the change that does not show even after a while."""
        written = Written(change, accepted=unclear is None)
        after, seen = before, Seen(change)
        for _look in looks(late=self.resource.comes_late(change, unclear)):
            after = self.state()
            seen = self.resource.seen(written, self.wanted.ref, before, after)
            if seen.left.is_empty:
                break
        return after, seen

    def _refused(self, outcome: Outcome[RefT, StateT], error: RequestError) -> Outcome[RefT, StateT]:
        """Returns the outcome after a refusal: an earlier request of the same change may have been carried out."""
        try:
            after = self.state()
        except RequestError:
            return replace(outcome, after=None, error=self._partly_done(error) if error.partly_done else error)
        return replace(outcome, after=after, changed=after != outcome.before, error=error)

    @property
    def _wording(self) -> Wording:
        return self.resource.wording

    @property
    def _noun(self) -> str:
        return self._wording.noun

    def _not_done(self, seen: Seen[ChangeT], unclear: RequestError | None) -> XdrError:
        ref = self.wanted.ref
        if unclear:
            message = f"{ref.name}: {unclear.message} The {self._noun} was read since and does not show: {seen.left}."
            strange = f" {self._wording.strange}" if seen.is_strange else ""
            return UnknownOutcomeError(f"{message}{strange}", **unclear.details)
        hint = self.resource.hint(seen.left)
        return NotChangedError(f"{ref.name}: the server accepted the update of {ref.key} and did not carry out: {seen.left}.{hint}")

    def _partly_done(self, error: RequestError) -> UnknownOutcomeError:
        """Returns the error if one of several requests failed and the effect of the others cannot be read."""
        return self._unknown(f"a part of the update was carried out, and the {self._noun} cannot be read.", error, self._wording.look)

    def _unseen(self, unclear: RequestError | None, error: RequestError) -> UnknownOutcomeError:
        """Returns the error if an update was sent and the item could not be read again."""
        sent = f"whether the {self._noun} was updated is unknown. {unclear.message}" if unclear else "the server accepted the update."
        return self._unknown(f"{sent} The {self._noun} could not be read since:", error, self._wording.again)

    def _unknown(self, what: str, error: RequestError, advice: str) -> UnknownOutcomeError:
        return UnknownOutcomeError(f"{self.wanted.ref.name}: {what} {error.message} {advice}", **error.details)
