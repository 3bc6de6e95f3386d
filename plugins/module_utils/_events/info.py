# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads events: one by its id, or all that match a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._argspec import ArgumentSpec, sendable_text, whole_number
from .._errors import InputError
from .._stellar.client import MAX_RESULT_WINDOW, StellarClient
from .._stellar.paths import DEFAULT_PATTERN, checked_id, checked_pattern
from .._stellar.search import EventSearch
from .query import any_of, exact, is_field_name
from .times import event_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .._run import Run
    from .._stellar.answers import StoredEvent

MAX_LIMIT = 1_000_000
_DIRECTIONS = ("asc", "desc")


def info_options() -> ArgumentSpec:
    """The options of C(stellar_ser_event_info) beside its connection."""
    conditions = ("query", "filter", "since", "until")
    return ArgumentSpec(
        {
            "index": {"type": "str", "default": DEFAULT_PATTERN},
            "id": {"type": "str"},
            "query": {"type": "str"},
            "filter": {"type": "dict"},
            "since": {"type": "str"},
            "until": {"type": "str"},
            "sort": {"type": "list", "elements": "str", "default": ["timestamp:desc"]},
            "size": {"type": "int", "default": 500},
            "limit": {"type": "int", "default": 1000},
        },
        mutually_exclusive=[("id", condition) for condition in conditions],
    )


def read_events(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs C(stellar_ser_event_info) with its options and returns its result; raises XdrError."""
    pattern = checked_pattern("index", params["index"])
    if params["id"] is not None:
        identifier = checked_id("id", params["id"])
        return _result(_event_by_id(StellarClient.from_params(params, run.secrets), pattern, identifier))
    limit = whole_number("limit", params["limit"], 1, MAX_LIMIT)
    size = whole_number("size", params["size"], 1, MAX_RESULT_WINDOW)
    query, sort = _query(params), _sort(params["sort"])
    client = StellarClient.from_params(params, run.secrets)
    if query is None:
        return _result([])
    search = EventSearch(client, pattern, query, size=size, sort=sort)
    events = list(search.events(limit))
    return {**_result(events), "total": search.total, "total_is_exact": search.total_is_exact}


def _event_by_id(client: StellarClient, pattern: str, identifier: str) -> list[StoredEvent]:
    if "*" not in pattern and "," not in pattern:
        event = client.read_event(pattern, identifier)
        return [event] if event else []
    page = client.search(pattern, exact("_id", identifier), size=10)
    return [event for event in page.events if event.id == identifier]


def _result(events: Iterable[StoredEvent]) -> dict[str, Any]:
    shown = [{"index": event.index, "id": event.id, "source": dict(event.source)} for event in events]
    return {"changed": False, "events": shown, "total": len(shown), "total_is_exact": True}


def _query(params: Mapping[str, Any]) -> str | None:
    """The Lucene query for all conditions together; nothing where no event can meet them."""
    query: str | None = params["query"]
    if query is not None and not query.strip():
        raise InputError("query: the text is empty; leave the option out to find all events.")
    clauses = [] if query is None else [f"({sendable_text('query', query)})"]
    for name, value in (params["filter"] or {}).items():
        clause = _condition(name, value)
        if clause is None:
            return None
        clauses.append(clause)
    since, until = (None if params[name] is None else event_time(name, params[name]) for name in ("since", "until"))
    if since is not None and until is not None and since >= until:
        raise InputError("since: this time is not before `until`, so no event can lie between them.")
    if since is not None or until is not None:
        clauses.append(f"timestamp:[{_bound(since)} TO {_bound(until)}{']' if until is None else '}'}")
    # A condition that only excludes needs something to exclude from.
    return " AND ".join(clauses) if any(not clause.startswith("NOT ") for clause in clauses) else " AND ".join(["*", *clauses])


def _bound(milliseconds: int | None) -> str:
    return "*" if milliseconds is None else str(milliseconds)


def _condition(name: str, value: Any) -> str | None:
    """A clause for one entry of the filter; nothing for a list without values, which no event matches."""
    if not is_field_name(name):
        raise InputError(f"filter: {name!r} is not the name of a field that a filter can have; use `query` for other conditions.")
    if value is None:
        return f"NOT _exists_:{name}"
    values = value if isinstance(value, list) else [value]
    if any(item is None or isinstance(item, (dict, list)) for item in values):
        raise InputError(f"filter.{name}: give a text, number or boolean, a list of them, or nothing (null) for events without this field.")
    for item in values:
        sendable_text(f"filter.{name}", str(item))
    if not values:
        return None
    return exact(name, values[0]) if len(values) == 1 else any_of(name, values)


def _sort(entries: Sequence[str]) -> list[str]:
    for position, entry in enumerate(entries):
        name, _colon, direction = entry.partition(":")
        if not is_field_name(name) or (direction or "asc") not in _DIRECTIONS:
            raise InputError(f"sort[{position}]: {entry!r} is not a field, or field:asc, or field:desc.")
    return list(entries)
