# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Cases: reading, comparing and writing their fields, tags and comments, and the run of `stellar_case`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._errors import InputError, NotFoundError, PermissionDeniedError, StatusError
from .._resources.comparing import (
    SeenTexts,
    added,
    has_comment,
    near_miss_warnings,
    near_misses,
    seen_comment,
    seen_tags,
    surplus_warnings,
    tags_to_add,
    tags_to_remove,
)
from .._resources.converge import READ_NONE
from .._resources.memory import keys_of
from .._resources.resource import Needed, Seen, Wanted, Wording
from .._resources.texts import comment_key, digest, normal, resembles
from .._resources.updating import COMMENT_ALWAYS, Kind, outcomes_of, reported
from .._stellar.case_server import POST, CaseEndpoint, CaseReader, Users
from .._stellar.cases import CASES_PATH, CaseCalls
from .._stellar.client import StellarClient
from .state import CASES, RESOLVED, CaseChange, CaseRef, CaseState, wanted_case

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Executor

    from .._errors import RequestError
    from .._module import Run
    from .._resources.memory import Memory
    from .._resources.resource import Outcome, Written

_WORDING = Wording(
    noun="case",
    look="Look at the case in Stellar Cyber before you run this again: a comment would be written a second time.",
    again="Run the same task again; with `comment_mode: always`, look at the case before.",
    strange="It has a new comment that may be this one, rewritten, or somebody else's.",
)
_TENANT = "tenant"
_DESCRIPTION = "description"
_HIDDEN = (
    "This server does not show the description of cases, so it is assumed, and not known, that it was written. It is not written again "
    "while the ledger has it as the last one."
)


@dataclass(frozen=True)
class CaseServer:
    """The server, as the cases of one task use it."""

    calls: CaseCalls
    reader: CaseReader
    endpoint: CaseEndpoint
    users: Users


class CaseResource:
    """The cases of one task."""

    wording = _WORDING

    def __init__(self, server: CaseServer, memory: Memory, beside: Executor | None, *, repeats_comment: bool) -> None:
        """`beside` are threads that read comments while cases are read."""
        self._server = server
        self._beside = beside
        self._memory = memory
        self._spelling = memory.spelling
        self._repeats_comment = repeats_comment

    def knowing(self, learned: Mapping[bytes, bytes]) -> CaseResource:
        """The same with what was learned about the server's spelling, which the ledger remembers from now on."""
        return CaseResource(self._server, self._memory.knowing(learned), self._beside, repeats_comment=self._repeats_comment)

    def read(self, wanted: Wanted[CaseRef, CaseChange]) -> CaseState:
        """Reads the current state of a case; its comments only if needed. Raises NotFoundError if there is no such case."""
        ref = wanted.ref
        identifier = ref.id or ""
        server = self._server
        beside = None
        try:
            if wanted.change.comment is not None and self._beside:
                beside = self._beside.submit(server.calls.comments, identifier)
            case = server.reader.by_id(identifier, ref.ticket_id)
            if case is None:
                raise no_such_case(ref)
            if None not in (ref.ticket_id, case.ticket_id) and ref.ticket_id != case.ticket_id:
                raise InputError(f"{ref.name}: the case {ref.id} has the number {case.ticket_id}, and not the `ticket_id` {ref.ticket_id}.")
            if wanted.change.comment is None:
                return CaseState.of(case, None)
            return CaseState.of(case, beside.result() if beside else server.calls.comments(identifier))
        except PermissionDeniedError as error:
            if _TENANT not in error.reason.casefold():
                raise
            # This concerns a single case, and is no evidence about the right to read.
            raise StatusError(error.message, error.status, error.reason, **error.details) from error

    def needed(self, wanted: Wanted[CaseRef, CaseChange], state: CaseState) -> Needed[CaseChange]:
        """The part of a change that the case does not show."""
        change = wanted.change
        resolves = change.status == RESOLVED != state.status
        is_other_resolution = state.resolution not in (None, change.resolution)
        is_assigned = change.assignee is None or self._server.users.is_assigned(change.assignee, state.shown_assignees)
        left = CaseChange(
            None if change.status == state.status else change.status,
            None if change.severity == state.severity else change.severity,
            change.resolution if resolves or is_other_resolution else None,
            change.update_alerts if resolves else None,
            None if is_assigned else change.assignee,
            None if self._has_description(wanted.ref, change, state) else change.description,
            tags_to_add(change.add_tags, state.tags, self._spelling),
            tags_to_remove(change.remove_tags, state.tags, self._spelling),
            change.comment if self._needs_comment(wanted, state) else None,
        )
        misses = near_misses(change.remove_tags, state.tags, self._spelling)
        return Needed(left, near_miss_warnings(wanted.ref.name, "case", misses))

    def _has_description(self, ref: CaseRef, change: CaseChange, state: CaseState) -> bool:
        """True if the case has the wanted description; if the case does not show it, if it was the last that was written."""
        if change.description is None:
            return True
        if state.description is None:
            return self._spelling.was_last(description_key(ref.key), change.description)
        return self._spelling.same(comment_key(f"{ref.key} {_DESCRIPTION}", change.description), change.description, state.description)

    def _needs_comment(self, wanted: Wanted[CaseRef, CaseChange], state: CaseState) -> bool:
        comment = wanted.change.comment
        if comment is None or self._repeats_comment:
            return comment is not None
        return not has_comment(comment, wanted.ref.key, state.comments or (), self._spelling)

    def planned(self, state: CaseState, change: CaseChange) -> CaseState:
        """Returns the state after a change."""
        return state.after(change)

    def remember(self, written: Written[CaseChange], ref: CaseRef, before: CaseState) -> None:
        """Notes a comment that must not be written again."""
        comment = written.change.comment
        if comment is not None and not self._repeats_comment:
            self._memory.note_sent(ref.key, comment, len(before.comments or ()), accepted=written.accepted)

    def write(self, ref: CaseRef, change: CaseChange) -> None:
        """Sends a change with the call that this server has, then the comment."""
        self._server.endpoint.send(ref.id or "", change.body() if change.has_fields else {}, change.comment)

    def seen(self, written: Written[CaseChange], ref: CaseRef, before: CaseState, after: CaseState) -> Seen[CaseChange]:
        """Compares the case after a change with the change."""
        change, accepted = written.change, written.accepted
        tags = seen_tags(change.add_tags, after.tags, added(before.tags, after.tags), self._spelling, accepted=accepted)
        comment = SeenTexts()
        if change.comment is not None:
            new = added(before.comments or (), after.comments or ())
            comment = seen_comment(change.comment, ref.key, new, self._spelling, accepted=accepted)
        is_resolved = change.status != RESOLVED or after.status == RESOLVED
        description = self._seen_description(written, ref, before, after)
        left = CaseChange(
            None if change.status == after.status else change.status,
            None if change.severity == after.severity else change.severity,
            None if is_resolved and after.resolution in (None, change.resolution) else change.resolution,
            None if is_resolved else change.update_alerts,
            None if self._has_assignee(change, after, accepted=accepted) else change.assignee,
            change.description if description.missing else None,
            tags.missing,
            tuple(tag for tag in change.remove_tags if tag in after.tags),
            change.comment if comment.missing else None,
        )
        return Seen(
            left,
            (*surplus_warnings(ref.name, comment.surplus), *([_HIDDEN] if description.is_hidden else [])),
            {**tags.rewritten, **comment.rewritten, **description.rewritten},
            {**tags.learned, **comment.learned, **description.learned},
            comment.is_strange,
            description.is_hidden,
        )

    def _seen_description(self, written: Written[CaseChange], ref: CaseRef, before: CaseState, after: CaseState) -> SeenTexts:
        """Returns the description, if it is missing. It counts as rewritten if the case shows another one since then that resembles it."""
        text = written.change.description
        if text is None:
            return SeenTexts()
        last = {description_key(ref.key): digest(normal(text))}
        if after.description is None:
            return SeenTexts(learned=last, is_hidden=True) if written.accepted else SeenTexts((text,))
        if self._has_description(ref, written.change, after):
            return SeenTexts(learned=last)
        if after.description == before.description or not resembles(text, after.description):
            return SeenTexts((text,))
        key = comment_key(f"{ref.key} {_DESCRIPTION}", text)
        return SeenTexts(rewritten={text: after.description}, learned={**last, key: digest(after.description)})

    def _has_assignee(self, change: CaseChange, after: CaseState, *, accepted: bool) -> bool:
        """True if the case has the wanted assignee, or if the server reported so and nothing contradicts it."""
        if change.assignee is None:
            return True
        is_assigned = self._server.users.is_assigned(change.assignee, after.shown_assignees)
        return accepted if is_assigned is None else is_assigned

    def comes_late(self, change: CaseChange, unclear: RequestError | None) -> bool:
        """True for a comment that was sent and got no clear answer."""
        return unclear is not None and change.comment is not None and (unclear.partly_done or not change.has_fields)

    def hint(self, left: CaseChange) -> str:
        """Returns advice if fields are missing."""
        if self._server.endpoint.name == POST and left.has_fields:
            return " Servers newer than 4.3 create a new case for this call: look for one, and set `endpoint` to `put`."
        if left.assignee:
            return " Give an email address or user name that this server knows."
        return ""


def description_keys(changes: Sequence[Wanted[CaseRef, CaseChange]]) -> set[bytes]:
    """Returns the keys of what a ledger may know of the descriptions in these changes."""
    texts = [(wanted.ref.key, wanted.change.description) for wanted in changes if wanted.change.description is not None]
    return {key for case, text in texts for key in (description_key(case), comment_key(f"{case} {_DESCRIPTION}", text))}


def description_key(case: str) -> bytes:
    """Returns the key of the last description that was written to a case."""
    return digest(_DESCRIPTION, case)


def no_such_case(ref: CaseRef) -> NotFoundError:
    """Returns the error if there is no such case."""
    if ref.id is None:
        what = f"there is no case with the number {ref.ticket_id} that this account may see"
    else:
        what = f"there is no case {ref.id} that this account may see (the number that the UI shows is not the ID, but the `ticket_id`)"
    return NotFoundError(f"{ref.name}: no such case: {what}. Find it with stellar_case_info.", 404, "")


def update_cases(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `stellar_case` with its options and returns its result; raises XdrError."""
    task = CASES.task(params, wanted_case)
    if task.read_access == READ_NONE and any(wanted.ref.id is None for wanted in task.changes):
        raise InputError("read_access: with `none`, nothing is read, so a case cannot be found by its `ticket_id`. Give its `id`.")
    client = StellarClient.from_params(params, run.secrets)
    calls = CaseCalls(client)
    reader = CaseReader(calls)
    server = CaseServer(calls, reader, CaseEndpoint(calls, reader, params["endpoint"]), Users(calls))
    repeats = params["comment_mode"] == COMMENT_ALWAYS
    kind = Kind(
        lambda memory, threads: CaseResource(server, memory, threads, repeats_comment=repeats),
        f"{client.endpoint}{CASES_PATH}",
        lambda changes: keys_of(changes) | description_keys(changes),
        lambda wanted: _with_id(wanted, reader),
    )
    outcomes = [_with_number(one) for one in outcomes_of(task, kind, run)]
    for text in server.users.warnings(run.secrets.shown):
        run.warn(text)
    return reported(task, outcomes, run, {"endpoint": server.endpoint.name})


def _with_id(wanted: Wanted[CaseRef, CaseChange], reader: CaseReader) -> Wanted[CaseRef, CaseChange]:
    """Returns the change with the ID of its case; raises NotFoundError if there is no case with this number."""
    ref = wanted.ref
    if ref.id is not None:
        return wanted
    try:
        case = reader.by_ticket(ref.ticket_id or 0)
    except PermissionDeniedError as error:
        raise error.with_message(f"{ref.name}: {error.message} Without the right to read, give the `id` of the case.") from error
    if case is None:
        raise no_such_case(ref)
    return Wanted(replace(ref, id=case.id), wanted.change)


def _with_number(outcome: Outcome[CaseRef, CaseState]) -> Outcome[CaseRef, CaseState]:
    """Returns the outcome with the number of the case, if it was read."""
    state = outcome.before or outcome.after
    return replace(outcome, ref=replace(outcome.ref, ticket_id=state.ticket_id)) if state else outcome
