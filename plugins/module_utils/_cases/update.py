# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Updates cases: checks the options of `stellar_case`, and converges each case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._argspec import ArgumentSpec, plain_text, sendable_text, whole_characters, whole_number
from .._errors import InputError, PermissionDeniedError, XdrError
from .._resources.converge import Convergence
from .._resources.many import Workers, beside, converge_all, reported
from .._resources.memory import REMEMBERED, keys_of, memory_of
from .._resources.options import COMMENT_ALWAYS, MAX_CONCURRENCY, READ_NONE, comment_mode, ledger, read_access, tags_to_change
from .._resources.resource import Outcome, Wanted
from .._stellar.cases import CASES_PATH, CaseCalls
from .._stellar.client import StellarClient
from .case import CaseResource, CaseServer, description_keys, no_such_case
from .endpoint import AUTO, POST, PUT, CaseEndpoint
from .reading import CaseReader
from .state import RESOLUTIONS, RESOLVED, SEVERITIES, STATUSES, CaseChange, CaseRef, CaseState, checked_case_id
from .users import Users

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._module import Run

_CASES = "cases"
_CHANGES = ("status", "severity", "resolution", "update_alerts", "assignee", "description", "add_tags", "remove_tags", "comment")


@dataclass(frozen=True)
class CaseOptions:
    """The options of `stellar_case`, without those of the connection."""

    changes: Sequence[Wanted[CaseRef, CaseChange]]
    is_single: bool
    repeats_comment: bool
    endpoint: str
    read_access: str
    concurrency: int
    ledger: str | None

    @classmethod
    def parsed(cls, params: Mapping[str, Any]) -> CaseOptions:
        """Checks the options of a task; raises InputError."""
        entries = params["cases"]
        is_single = entries is None
        changes = [_wanted(params, params, "")] if is_single else [_wanted(one, params, f"cases[{at}].") for at, one in enumerate(entries)]
        options = cls(
            changes=changes,
            is_single=is_single,
            repeats_comment=params["comment_mode"] == COMMENT_ALWAYS,
            endpoint=params["endpoint"],
            read_access=params["read_access"],
            concurrency=whole_number("concurrency", params["concurrency"], 1, MAX_CONCURRENCY),
            ledger=params["ledger"],
        )
        if options.read_access == READ_NONE and any(wanted.ref.id is None for wanted in changes):
            raise InputError("read_access: with `none`, nothing is read, so a case cannot be found by its `ticket_id`. Give its `id`.")
        return options


def case_options() -> ArgumentSpec:
    """The options of `stellar_case`, without those of the connection."""
    entry = {
        **_item_options(),
        "source": {"type": "dict"},
        "comments": {"type": "list", "elements": "raw"},
        "alerts": {"type": "list", "elements": "dict"},
    }
    return ArgumentSpec(
        {
            **_item_options(),
            "cases": {"type": "list", "elements": "dict", "options": entry},
            "comment_mode": comment_mode(),
            "endpoint": {"type": "str", "choices": [AUTO, PUT, POST], "default": AUTO},
            "read_access": read_access(),
            "concurrency": {"type": "int", "default": 4},
            "ledger": ledger(),
        },
        required_one_of=[("cases", "id", "ticket_id")],
        mutually_exclusive=[("cases", "id", "ticket_id")],
    )


def _item_options() -> dict[str, dict[str, Any]]:
    """The options for one case, and for each of many."""
    return {
        "id": {"type": "str"},
        "ticket_id": {"type": "int"},
        "status": {"type": "str", "choices": list(STATUSES)},
        "severity": {"type": "str", "choices": list(SEVERITIES)},
        "resolution": {"type": "str", "choices": list(RESOLUTIONS)},
        "update_alerts": {"type": "bool"},
        "assignee": {"type": "str"},
        "description": {"type": "str"},
        "add_tags": {"type": "list", "elements": "str"},
        "remove_tags": {"type": "list", "elements": "str"},
        "comment": {"type": "str"},
    }


def update_cases(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `stellar_case` with its options and returns its result; raises XdrError."""
    options = CaseOptions.parsed(params)
    client = StellarClient.from_params(params, run.secrets)
    calls = CaseCalls(client)
    reader, users = CaseReader(calls), Users(calls)
    endpoint = CaseEndpoint(calls, reader, options.endpoint)
    commented = [wanted for wanted in options.changes if wanted.change.comment is not None]
    with Workers(options.concurrency, _CASES) as workers, beside(len(commented), options.concurrency) as threads:
        found = workers.map(lambda wanted: _with_id(wanted, reader), options.changes)
        known = [one for one in found if not isinstance(one, XdrError)]
        with memory_of(options.ledger, f"{client.endpoint}{CASES_PATH}", keys_of(known) | description_keys(known), run) as memory:
            server = CaseServer(calls, reader, endpoint, users, threads)
            cases = CaseResource(server, memory, repeats_comment=options.repeats_comment)
            done = iter(converge_all(Convergence(options.read_access, is_dry=run.check_mode), cases, known, workers))
    outcomes = [
        Outcome[CaseRef, CaseState](wanted.ref, error=one) if isinstance(one, XdrError) else _with_number(next(done))
        for wanted, one in zip(options.changes, found)
    ]
    for text in users.warnings(run.secrets.shown):
        run.warn(text)
    return reported(outcomes, {"endpoint": endpoint.name}, _CASES, run, REMEMBERED, is_single=options.is_single)


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


def _wanted(entry: Mapping[str, Any], params: Mapping[str, Any], where: str) -> Wanted[CaseRef, CaseChange]:
    values = {name: params[name] if entry[name] is None else entry[name] for name in _CHANGES}
    place = where.rstrip(".")
    add_tags, remove_tags = tags_to_change(where, values["add_tags"], values["remove_tags"])
    change = CaseChange(
        status=values["status"],
        severity=values["severity"],
        resolution=values["resolution"],
        update_alerts=values["update_alerts"],
        assignee=_assignee(f"{where}assignee", values["assignee"]),
        description=None if values["description"] is None else whole_characters(values["description"]),
        add_tags=add_tags,
        remove_tags=remove_tags,
        comment=None if values["comment"] is None else plain_text(f"{where}comment", values["comment"]),
    )
    for name in ("resolution", "update_alerts"):
        if values[name] and change.status != RESOLVED:
            status = change.status or "not set"
            raise InputError(f"{where}{name}: this is possible only together with `status: {RESOLVED}`; the status here is {status}.")
    if change.is_empty:
        options = ", ".join(name for name in _CHANGES if name not in ("resolution", "update_alerts"))
        raise InputError(f"{place or 'status'}: there is nothing to change; set one of {options}.")
    return Wanted(_ref(entry, where), change)


def _assignee(option: str, value: str | None) -> str | None:
    """Returns the user; an empty text removes the assignee."""
    if value and not value.strip():
        raise InputError(f"{option}: the text is blank. Give a user, or an empty text to remove the assignee.")
    return None if value is None else sendable_text(option, value.strip())


def _ref(entry: Mapping[str, Any], where: str) -> CaseRef:
    identifier, ticket = entry["id"], entry["ticket_id"]
    place = where.rstrip(".")
    if identifier is None and ticket is None:
        raise InputError(f"{place}: give the `id` or the `ticket_id` of the case.")
    if ticket is not None and ticket < 0:
        raise InputError(f"{where}ticket_id: {ticket} is not the number of a case.")
    # What stellar_case_info returns has both; the ID says more.
    return CaseRef(place, None if identifier is None else checked_case_id(f"{where}id", identifier), ticket)
