# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Reads devices: one by its ID, those on the watchlist, or all that match a search, with their tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._argspec import ArgumentSpec, plain_text, whole_number
from .._errors import InputError, NotFoundError
from .._extrahop.calls import MAX_PAGE
from .._extrahop.client import ExtraHopClient
from .._extrahop.devices import DeviceCalls
from .._resources.many import Workers, all_results
from .._resources.options import refuse_nulls
from .._times.timestamps import search_time
from .searching import LARGEST_ID, MOST_DEVICES, all_found, any_of, checked_address, checked_rule, with_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from .._module import Run

MAX_LIMIT = MOST_DEVICES
_CONCURRENCY = 4
_LISTS = {"ipaddr": "ipaddr", "name": "name", "tags": "tag"}
"""The options that are lists, and their fields in the search."""
_TIMES = {"since": "active_from", "until": "active_until"}
_CONDITIONS = (*_LISTS, "filter", *_TIMES)


@dataclass(frozen=True)
class InfoOptions:
    """The options of `extrahop_device_info`, without those of the connection."""

    id: int | None
    search: Mapping[str, Any]
    is_empty: bool
    """True if a condition is an empty list, which matches nothing."""
    watchlist: bool
    size: int
    limit: int
    with_tags: bool

    @classmethod
    def parsed(cls, params: Mapping[str, Any], nulls: Collection[str]) -> InfoOptions:
        """Checks the options of a task; `nulls` are those that were given as null. Raises InputError."""
        refuse_nulls(("id", *_CONDITIONS), nulls, "device")
        if params["id"] is not None and params["watchlist"]:
            raise InputError("watchlist: it goes with a search, not with `id`; the device itself says if it is on the watchlist.")
        return cls(
            id=None if params["id"] is None else whole_number("id", params["id"], 0, LARGEST_ID),
            search=_search(params),
            is_empty=any(params[name] == [] for name in _LISTS),
            watchlist=params["watchlist"],
            size=whole_number("size", params["size"], 1, MAX_PAGE),
            limit=whole_number("limit", params["limit"], 1, MAX_LIMIT),
            with_tags=params["with_tags"],
        )


def info_options() -> ArgumentSpec:
    """The options of `extrahop_device_info`, without those of the connection."""
    return ArgumentSpec(
        {
            "id": {"type": "int"},
            **{name: {"type": "list", "elements": "str"} for name in _LISTS},
            "filter": {"type": "dict"},
            **{name: {"type": "str"} for name in _TIMES},
            "watchlist": {"type": "bool", "default": False},
            "size": {"type": "int", "default": MAX_PAGE},
            "limit": {"type": "int", "default": 1000},
            "with_tags": {"type": "bool", "default": False},
        },
        mutually_exclusive=[("id", condition) for condition in _CONDITIONS],
    )


def read_devices(params: Mapping[str, Any], run: Run, nulls: Collection[str] = ()) -> dict[str, Any]:
    """Runs `extrahop_device_info` with its options and returns its result; raises XdrError."""
    options = InfoOptions.parsed(params, nulls)
    calls = DeviceCalls(ExtraHopClient.from_params(params, run.secrets).http())
    found = _found(calls, options)
    shown = found[: options.limit]
    tags: list[list[str] | None] = [None] * len(shown)
    if options.with_tags:
        with Workers(_CONCURRENCY, "devices") as workers:
            tags = all_results(workers.map(lambda one: sorted(tag.name for tag in calls.tags_of(one["id"])), shown))
    return {
        "changed": False,
        "devices": [{"id": one["id"], "source": one, "tags": names} for one, names in zip(shown, tags)],
        "total": None if len(found) > options.limit else len(found),
    }


def _found(calls: DeviceCalls, options: InfoOptions) -> list[dict[str, Any]]:
    """Yields the devices that match, and one more than `limit` if there are more."""
    most = options.limit + 1
    if options.id is not None:
        try:
            return [calls.read(options.id)]
        except NotFoundError:
            return []
    if options.is_empty:
        return []
    if not options.watchlist:
        return with_ids(calls.search(options.search, size=options.size, most=most))
    watched = with_ids(calls.watchlist())
    if not options.search or not watched:
        return watched[:most]
    ids = {one["id"] for one in watched}
    return [one for one in all_found(calls, options.search, options.size) if one["id"] in ids][:most]


def _search(params: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the body of the search, without the page."""
    rules = [any_of(field, _values(option, params[option])) for option, field in _LISTS.items() if params[option]]
    if params["filter"] is not None:
        rules.append(dict(checked_rule(params["filter"])))
    times = {name: search_time(option, params[option]) for option, name in _TIMES.items() if params[option] is not None}
    if len(times) == len(_TIMES) and times["active_from"] >= times["active_until"]:
        raise InputError("since: this time is not before `until`, so no device can have been active between them.")
    if not rules:
        return times
    return {"filter": rules[0] if len(rules) == 1 else {"operator": "and", "rules": rules}, **times}


def _values(option: str, values: list[str]) -> list[str]:
    check = checked_address if option == "ipaddr" else plain_text
    return list(dict.fromkeys(check(f"{option}[{place}]", value) for place, value in enumerate(values)))
