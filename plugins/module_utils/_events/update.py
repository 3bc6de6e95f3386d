# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Updates events: reads, writes what differs, and reads again, so that what is reported is what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._resources.converge import Convergence
from .._resources.many import Workers, converge_all, reported
from .._resources.memory import REMEMBERED, keys_of, memory_of
from .._stellar.client import StellarClient
from .changes import UpdateOptions
from .endpoints import UpdateEndpoint
from .event import EventResource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._module import Run


def update_events(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `stellar_ser_update` with its options and returns its result; raises XdrError."""
    options = UpdateOptions.parsed(params)
    client = StellarClient.from_params(params, run.secrets)
    endpoint = UpdateEndpoint(client, options.endpoint)
    keys = keys_of(options.changes)
    with Workers(options.concurrency) as workers, memory_of(options.ledger, client.endpoint, keys, run) as memory:
        events = EventResource(client, options, endpoint, memory)
        outcomes = converge_all(Convergence(options.read_access, is_dry=run.check_mode), events, options.changes, workers)
    return reported(outcomes, {"endpoint": endpoint.name}, "events", run, REMEMBERED, is_single=options.is_single)
