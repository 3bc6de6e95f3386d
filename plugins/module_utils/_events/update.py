# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Updates events: checks the options of `stellar_ser_update`, and converges each event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._resources.memory import keys_of
from .._resources.resource import Wanted
from .._resources.updating import COMMENT_ALWAYS, COMMENT_MODE, TAGS, Entry, Kind, UpdateTable, outcomes_of, reported
from .._stellar.client import StellarClient
from .._stellar.paths import checked_id, checked_index
from .endpoints import AUTO, SECURITY_EVENTS, UPDATE_SER, Target, UpdateEndpoint
from .event import EventResource
from .state import STATUSES, Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._module import Run

EVENTS = UpdateTable(
    "events",
    identity={"index": {"type": "str"}, "id": {"type": "str"}},
    changes={"status": {"type": "str", "choices": list(STATUSES)}, "comment": {"type": "str"}, **TAGS},
    unused={"source": {"type": "dict"}},
    others={
        **COMMENT_MODE,
        "endpoint": {"type": "str", "choices": [AUTO, UPDATE_SER, SECURITY_EVENTS], "default": AUTO},
        "tag_field": {"type": "str"},
    },
)
"""The options of `stellar_ser_update`."""


def update_events(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `stellar_ser_update` with its options and returns its result; raises XdrError."""
    task = EVENTS.task(params, wanted_event)
    client = StellarClient.from_params(params, run.secrets)
    endpoint = UpdateEndpoint(client, params["endpoint"])
    tag_field, repeats = params["tag_field"], params["comment_mode"] == COMMENT_ALWAYS
    kind = Kind(
        lambda memory, _threads: EventResource(client, endpoint, memory, tag_field=tag_field, repeats_comment=repeats),
        client.endpoint,
        keys_of,
    )
    outcomes = outcomes_of(task, kind, run)
    return reported(task, outcomes, run, {"endpoint": endpoint.name})


def wanted_event(entry: Entry) -> Wanted[Target, Change]:
    """Checks the options for one event; raises InputError."""
    change = Change(entry.values["status"], entry.text("comment"), *entry.tags())
    if change.is_empty:
        raise entry.nothing_to_change(*EVENTS.changes)
    index, identifier = entry.values["index"], entry.values["id"]
    target = Target(entry.place, checked_index(f"{entry.where}index", index), checked_id(f"{entry.where}id", identifier))
    return Wanted(target, change)
