# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Updates events: checks the options of `stellar_ser_update`, and converges each event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._argspec import ArgumentSpec, plain_text, whole_number
from .._errors import InputError
from .._resources.converge import Convergence
from .._resources.many import Workers, converge_all, reported
from .._resources.memory import REMEMBERED, keys_of, memory_of
from .._resources.options import COMMENT_ALWAYS, MAX_CONCURRENCY, comment_mode, ledger, read_access, tags_to_change
from .._resources.resource import Wanted
from .._stellar.client import StellarClient
from .._stellar.paths import checked_id, checked_index
from .endpoints import AUTO, SECURITY_EVENTS, UPDATE_SER, Target, UpdateEndpoint
from .event import EventResource
from .state import STATUSES, Change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._module import Run

_CHANGES = ("status", "comment", "add_tags", "remove_tags")


@dataclass(frozen=True)
class UpdateOptions:
    """The options of `stellar_ser_update`, without those of the connection."""

    changes: Sequence[Wanted[Target, Change]]
    is_single: bool
    repeats_comment: bool
    endpoint: str
    read_access: str
    tag_field: str | None
    concurrency: int
    ledger: str | None

    @classmethod
    def parsed(cls, params: Mapping[str, Any]) -> UpdateOptions:
        """Checks the options of a task; raises InputError."""
        return cls(
            changes=wanted_changes(params),
            is_single=params["events"] is None,
            repeats_comment=params["comment_mode"] == COMMENT_ALWAYS,
            endpoint=params["endpoint"],
            read_access=params["read_access"],
            tag_field=params["tag_field"],
            concurrency=whole_number("concurrency", params["concurrency"], 1, MAX_CONCURRENCY),
            ledger=params["ledger"],
        )


def update_options() -> ArgumentSpec:
    """The options of `stellar_ser_update`, without those of the connection."""
    event = {"index": {"type": "str", "required": True}, "id": {"type": "str", "required": True}, "source": {"type": "dict"}}
    return ArgumentSpec(
        {
            "index": {"type": "str"},
            "id": {"type": "str"},
            **_change_options(),
            "events": {"type": "list", "elements": "dict", "options": {**event, **_change_options()}},
            "comment_mode": comment_mode(),
            "endpoint": {"type": "str", "choices": [AUTO, UPDATE_SER, SECURITY_EVENTS], "default": AUTO},
            "read_access": read_access(),
            "tag_field": {"type": "str"},
            "concurrency": {"type": "int", "default": 4},
            "ledger": ledger(),
        },
        required_one_of=[("events", "id")],
        required_together=[("index", "id")],
        mutually_exclusive=[("events", "index"), ("events", "id")],
    )


def _change_options() -> dict[str, dict[str, Any]]:
    """The options that say what to change, the same for one event and for each of many."""
    return {
        "status": {"type": "str", "choices": list(STATUSES)},
        "comment": {"type": "str"},
        "add_tags": {"type": "list", "elements": "str"},
        "remove_tags": {"type": "list", "elements": "str"},
    }


def update_events(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `stellar_ser_update` with its options and returns its result; raises XdrError."""
    options = UpdateOptions.parsed(params)
    client = StellarClient.from_params(params, run.secrets)
    endpoint = UpdateEndpoint(client, options.endpoint)
    keys = keys_of(options.changes)
    with Workers(options.concurrency) as workers, memory_of(options.ledger, client.endpoint, keys, run) as memory:
        events = EventResource(client, endpoint, memory, tag_field=options.tag_field, repeats_comment=options.repeats_comment)
        outcomes = converge_all(Convergence(options.read_access, is_dry=run.check_mode), events, options.changes, workers)
    return reported(outcomes, {"endpoint": endpoint.name}, "events", run, REMEMBERED, is_single=options.is_single)


def wanted_changes(params: Mapping[str, Any]) -> list[Wanted[Target, Change]]:
    """The updates of a task, all of them checked; raises InputError."""
    if params["events"] is None:
        return [_wanted(params, params, "")]
    return [_wanted(entry, params, f"events[{position}].") for position, entry in enumerate(params["events"])]


def _wanted(entry: Mapping[str, Any], params: Mapping[str, Any], where: str) -> Wanted[Target, Change]:
    values = {name: params[name] if entry[name] is None else entry[name] for name in _CHANGES}
    comment: str | None = values["comment"]
    if comment is not None:
        comment = plain_text(f"{where}comment", comment)
    change = Change(values["status"], comment, *tags_to_change(where, values["add_tags"], values["remove_tags"]))
    if change.is_empty:
        raise InputError(f"{where.rstrip('.') or 'status'}: there is nothing to change; set status, comment, add_tags or remove_tags.")
    target = Target(where.rstrip("."), checked_index(f"{where}index", entry["index"]), checked_id(f"{where}id", entry["id"]))
    return Wanted(target, change)
