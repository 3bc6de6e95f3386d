# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Updates devices: checks the options of `extrahop_device`, finds the devices, and converges each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._argspec import ArgumentSpec, plain_text, whole_number
from .._errors import InputError, NotFoundError
from .._extrahop.client import ExtraHopClient
from .._extrahop.devices import DeviceCalls
from .._resources.converge import Convergence
from .._resources.many import Workers, converge_all, reported
from .._resources.options import READ_REQUIRED, tags_to_change
from .._resources.resource import Wanted
from .._times.timestamps import search_time
from .device import Change, DeviceRef, DeviceResource, TagBook
from .searching import LARGEST_ID, checked_address, checked_rule, devices_by_rule, devices_with_address, devices_with_name, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._module import Run
    from .._resources.resource import Outcome
    from .device import DeviceState

_ITEMS = "devices"
_ONE = "one"
_ALL = "all"
_CONCURRENCY = 4
_NAMED = 10
_CHOICES = ("id", "ipaddr", "name", "filter")


@dataclass(frozen=True)
class UpdateOptions:
    """The options of `extrahop_device`, without those of the connection."""

    id: int | None
    ipaddr: str | None
    name: str | None
    rule: Mapping[str, Any] | None
    takes_all: bool
    since: int | None
    change: Change

    @classmethod
    def parsed(cls, params: Mapping[str, Any]) -> UpdateOptions:
        """Checks the options of a task; raises InputError."""
        change = Change(*tags_to_change("", params["add_tags"], params["remove_tags"]), params["watchlist"])
        if change.is_empty:
            raise InputError("add_tags: there is nothing to change; set add_tags, remove_tags or watchlist.")
        return cls(
            id=None if params["id"] is None else whole_number("id", params["id"], 0, LARGEST_ID),
            ipaddr=None if params["ipaddr"] is None else checked_address("ipaddr", params["ipaddr"]),
            name=None if params["name"] is None else plain_text("name", params["name"]).strip(),
            rule=None if params["filter"] is None else checked_rule(params["filter"]),
            takes_all=params["match"] == _ALL,
            since=None if params["since"] is None else search_time("since", params["since"]),
            change=change,
        )


def update_options() -> ArgumentSpec:
    """The options of `extrahop_device`, without those of the connection."""
    return ArgumentSpec(
        {
            "id": {"type": "int"},
            "ipaddr": {"type": "str"},
            "name": {"type": "str"},
            "filter": {"type": "dict"},
            "match": {"type": "str", "choices": [_ONE, _ALL], "default": _ONE},
            "since": {"type": "str"},
            "add_tags": {"type": "list", "elements": "str"},
            "remove_tags": {"type": "list", "elements": "str"},
            "watchlist": {"type": "bool"},
        },
        required_one_of=[_CHOICES],
        mutually_exclusive=[_CHOICES],
    )


def update_devices(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `extrahop_device` with its options and returns its result; raises XdrError."""
    options = UpdateOptions.parsed(params)
    calls = DeviceCalls(ExtraHopClient.from_params(params, run.secrets).http())
    changes = [Wanted(ref, options.change) for ref in _chosen(calls, options)]
    tags = TagBook(calls)
    with Workers(_CONCURRENCY, _ITEMS) as workers:
        outcomes = converge_all(Convergence(READ_REQUIRED, is_dry=run.check_mode), DeviceResource(calls, tags), changes, workers)
    created = tags.missing(_planned_tags(outcomes)) if run.check_mode else sorted(tags.created)
    return reported(outcomes, {"created_tags": created}, _ITEMS, run, is_single=len(outcomes) == 1)


def _planned_tags(outcomes: Sequence[Outcome[DeviceRef, DeviceState]]) -> list[str]:
    """Returns the tags that a run in check mode would assign."""
    states = [(one.before, one.after) for one in outcomes if one.changed and one.before and one.after]
    return sorted({tag for before, after in states for tag in after.tags or () if tag not in (before.tags or ())})


def _chosen(calls: DeviceCalls, options: UpdateOptions) -> list[DeviceRef]:
    """Returns the devices that the options choose; raises NotFoundError for none, and InputError for several if one is expected."""
    if options.id is not None:
        return [DeviceRef("id", options.id)]
    if options.ipaddr is not None:
        option, said, found = "ipaddr", f"the address {options.ipaddr}", devices_with_address(calls, options.ipaddr, options.since)
    elif options.name is not None:
        option, said, found = "name", f"the name {options.name}", devices_with_name(calls, options.name, options.since)
    else:
        option, said, found = "filter", "what `filter` asks for", devices_by_rule(calls, options.rule or {}, options.since)
    if not found:
        message = (
            f"{option}: there is no active device with {said}. The search finds active devices only; set `since` to a time when the device "
            "was active, or choose it by `id`."
        )
        raise NotFoundError(message, 404, "")
    if len(found) > 1 and not options.takes_all:
        names = "; ".join(shown(one) for one in found[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        message = f"{option}: {len(found)} devices have {said}: {names}{more}. Choose one by `id`, or change all of them with `match: all`."
        raise InputError(message)
    return [DeviceRef("" if len(found) > 1 else option, int(one["id"])) for one in found]
