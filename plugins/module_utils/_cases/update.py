# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Updates cases: reads, writes what differs, and reads again, so that what is reported is what happened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._errors import PermissionDeniedError, XdrError
from .._resources.converge import Convergence
from .._resources.many import Workers, beside, converge_all, reported
from .._resources.memory import REMEMBERED, keys_of, memory_of
from .._resources.resource import Outcome, Wanted
from .._stellar.cases import CASES_PATH, CaseCalls
from .._stellar.client import StellarClient
from .case import CaseResource, CaseServer, no_such_case
from .endpoint import CaseEndpoint
from .options import CaseOptions
from .reading import CaseReader
from .state import CaseChange, CaseRef, CaseState
from .users import Users

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._module import Run

_CASES = "cases"


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
        with memory_of(options.ledger, f"{client.endpoint}{CASES_PATH}", keys_of(known), run) as memory:
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
