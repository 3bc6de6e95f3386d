# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Updates events: reads, writes what differs, and reads again, so that what is reported is what happened."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from .._errors import LedgerError
from .._ledger.opening import open_ledger
from .._resources.converge import Convergence
from .._resources.many import Workers, converge_all, diffs, module_result, outcome_warnings
from .._stellar.client import StellarClient
from .changes import UpdateOptions
from .endpoints import UpdateEndpoint
from .event import EventResource, NoRewrites, Spellings
from .state import Change

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .._ledger.contract import RewriteLedger
    from .._module import Run

_REMEMBERED = "The ledger remembers the server's form, so that no run writes them again."


def update_events(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `stellar_ser_update` with its options and returns its result; raises XdrError."""
    options = UpdateOptions.parsed(params)
    client = StellarClient.from_params(params, run.secrets)
    endpoint = UpdateEndpoint(client, options.endpoint)
    with Workers(options.concurrency) as workers, _rewrites(options, client.endpoint, run) as rewrites:
        events = EventResource(client, options, endpoint, Spellings(rewrites, options.changes))
        outcomes = converge_all(Convergence(options.read_access, is_dry=run.check_mode), events, options.changes, workers)
    for text in outcome_warnings(outcomes, "events", run.secrets.shown, _REMEMBERED):
        run.warn(text)
    extra: dict[str, Any] = {"endpoint": endpoint.name}
    if run.shows_diff:
        extra["diff"] = diffs(outcomes)
    return module_result(outcomes, extra, "events", is_single=options.is_single)


@contextmanager
def _rewrites(options: UpdateOptions, endpoint: str, run: Run) -> Iterator[RewriteLedger]:
    """The known rewriting of this server. If `ledger` is not set and the default ledger cannot be used, the task continues without it."""
    if all(wanted.change == Change(status=wanted.change.status) for wanted in options.changes):
        yield NoRewrites()
        return
    try:
        ledger = open_ledger(options.ledger, read_only=run.check_mode)
    except LedgerError as error:
        if options.ledger is not None:
            raise
        run.warn(
            f"How this server rewrites comments and tags is not remembered, because the default ledger cannot be used. {error.message}"
        )
        yield NoRewrites()
        return
    with closing(ledger):
        yield ledger.rewrites(endpoint)
