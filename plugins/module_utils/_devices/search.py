# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The search of `extrahop_device_info`: its table of options, and the tags of what it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._argspec import plain_text, whole_number
from .._errors import InputError
from .._extrahop.calls import MAX_PAGE
from .._extrahop.client import ExtraHopClient
from .._extrahop.device_search import MOST_DEVICES, all_found, checked_address, checked_rule, with_ids
from .._extrahop.devices import LARGEST_ID, DeviceCalls, any_of
from .._resources.searching import TEXTS, SearchTable, read_one, results_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from .._module import Run
    from .._resources.searching import Search

_LISTS = {"ipaddr": "ipaddr", "name": "name", "tags": "tag"}
"""The options that are lists, and their fields in the search."""
_TIMES = {"since": "active_from", "until": "active_until"}

DEVICE_SEARCH = SearchTable(
    "device",
    identity={"id": {"type": "int"}},
    conditions={**dict.fromkeys(_LISTS, TEXTS), "filter": {"type": "dict"}},
    others={"watchlist": {"type": "bool", "default": False}, "with_tags": {"type": "bool", "default": False}},
    largest_page=MAX_PAGE,
    largest_limit=MOST_DEVICES,
    size=MAX_PAGE,
)
"""The options of `extrahop_device_info`."""


def read_devices(params: Mapping[str, Any], run: Run, nulls: Collection[str] = ()) -> dict[str, Any]:
    """Runs `extrahop_device_info` with its options and returns its result; raises XdrError."""
    search = DEVICE_SEARCH.search(params, nulls)
    identifier = params["id"]
    if identifier is not None and params["watchlist"]:
        raise InputError("watchlist: it goes with a search, not with `id`; the device itself says if it is on the watchlist.")
    body = _body(params, search)
    if identifier is not None:
        whole_number("id", identifier, 0, LARGEST_ID)
    calls = DeviceCalls(ExtraHopClient.from_params(params, run.secrets).http())
    found, total = search.first(
        read_one(calls.read, identifier) if identifier is not None else _found(calls, search, body, is_watched=params["watchlist"])
    )
    tags: Sequence[list[str] | None] = [None] * len(found)
    if params["with_tags"]:
        tags = results_of("devices", lambda one: sorted(tag.name for tag in calls.tags_of(one["id"])), found)
    return {
        "changed": False,
        "devices": [{"id": one["id"], "source": one, "tags": names} for one, names in zip(found, tags)],
        "total": total,
    }


def _found(calls: DeviceCalls, search: Search, body: Mapping[str, Any], *, is_watched: bool) -> list[dict[str, Any]]:
    """Returns the devices that match, and one more than `limit` if there are more."""
    if search.is_empty:
        return []
    if not is_watched:
        return with_ids(calls.search(body, size=search.size, most=search.limit + 1))
    watched = with_ids(calls.watchlist())
    if not body or not watched:
        return watched
    ids = {one["id"] for one in watched}
    return [one for one in all_found(calls, body, search.size) if one["id"] in ids]


def _body(params: Mapping[str, Any], search: Search) -> dict[str, Any]:
    """Returns the body of the search, without the page; raises InputError."""
    rules = [any_of(field, _values(option, params[option])) for option, field in _LISTS.items() if params[option]]
    if params["filter"] is not None:
        rules.append(dict(checked_rule(params["filter"])))
    times = {_TIMES[option]: time for option, time in search.times.items()}
    if not rules:
        return dict(times)
    return {"filter": rules[0] if len(rules) == 1 else {"operator": "and", "rules": rules}, **times}


def _values(option: str, values: list[str]) -> list[str]:
    check = checked_address if option == "ipaddr" else plain_text
    return list(dict.fromkeys(check(f"{option}[{place}]", value) for place, value in enumerate(values)))
