# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads events: one by its id, or all that match a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from .._argspec import ArgumentSpec, plain_text, sendable_text, whole_number
from .._errors import InputError, RequestTooLongError
from .._stellar.answers import require_whole
from .._stellar.client import MAX_RESULT_WINDOW, StellarClient
from .._stellar.paths import (
    DEFAULT_PATTERN,
    LONGEST_LINE,
    checked_id,
    checked_pattern,
    search_path,
)
from .._stellar.search import EventSearch
from .._times.timestamps import search_time
from .query import any_of, exact, in_parts, is_field_name, may_match, stored_value
from .state import STATUSES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from .._module import Run
    from .._stellar.answers import StoredEvent

MAX_LIMIT = 1_000_000
_DIRECTIONS = ("asc", "desc")
_CONDITIONS = ("query", "filter", "absent", "since", "until")
_STATUS_FIELD = "event_status"


@dataclass(frozen=True)
class InfoOptions:
    """The options of `stellar_ser_event_info`, without those of the connection."""

    index: str
    id: str | None
    conditions: Sequence[str]
    """Clauses that must all be met."""
    values: Mapping[str, Sequence[Any]]
    """The filter: fields, and values of which one must match."""
    absent: Sequence[str]
    sort: Sequence[str]
    size: int
    limit: int

    @classmethod
    def parsed(cls, params: Mapping[str, Any], nulls: Collection[str]) -> InfoOptions:
        """Checks the options of a task; `nulls` are those that were given as null. Raises InputError."""
        for name in ("id", *_CONDITIONS):
            if name in nulls:
                advice = " To find events without a field, use `absent: [field]`." if name == "filter" else ""
                raise InputError(f"{name}: null was given, which would match every event. Leave the option out, or give a value.{advice}")
        absent = [_field("absent", name) for name in params["absent"] or ()]
        return cls(
            index=checked_pattern("index", params["index"]),
            id=None if params["id"] is None else checked_id("id", params["id"]),
            conditions=_conditions(params),
            values={_field("filter", name): _values(name, value) for name, value in (params["filter"] or {}).items()},
            absent=absent,
            sort=_sort(params["sort"]),
            size=whole_number("size", params["size"], 1, MAX_RESULT_WINDOW),
            limit=whole_number("limit", params["limit"], 1, MAX_LIMIT),
        )

    def queries(self) -> list[str]:
        """Returns Lucene queries that together find the events; none if no event can match. Long lists of values are split."""
        if any(not values for values in self.values.values()):
            return []
        clauses = [*self.conditions, *(f"NOT _exists_:{name}" for name in self.absent)]
        long = max(self.values, key=lambda name: len(self.values[name]), default="")
        clauses += [_one_of(name, values) for name, values in self.values.items() if name != long]
        if not long:
            return [_joined(clauses)]
        values = self.values[long]
        taken = len(search_path(self.index)) + len(quote_plus(" AND ".join([*clauses, long])))
        parts = in_parts([_one_of(long, [value]).partition(":")[2] for value in values], min(taken, LONGEST_LINE // 2))
        return [_joined([*clauses, _one_of(long, [values[place] for place in part])]) for part in parts]


def info_options() -> ArgumentSpec:
    """The options of `stellar_ser_event_info`, without those of the connection."""
    return ArgumentSpec(
        {
            "index": {"type": "str", "default": DEFAULT_PATTERN},
            "id": {"type": "str"},
            "query": {"type": "str"},
            "filter": {"type": "dict"},
            "absent": {"type": "list", "elements": "str"},
            "since": {"type": "str"},
            "until": {"type": "str"},
            "sort": {"type": "list", "elements": "str", "default": ["timestamp:desc"]},
            "size": {"type": "int", "default": 500},
            "limit": {"type": "int", "default": 1000},
        },
        mutually_exclusive=[("id", condition) for condition in _CONDITIONS],
    )


def read_events(params: Mapping[str, Any], run: Run, nulls: Collection[str] = ()) -> dict[str, Any]:
    """Runs `stellar_ser_event_info` with its options and returns its result; raises XdrError. `nulls` are the options given as null."""
    options = InfoOptions.parsed(params, nulls)
    client = StellarClient.from_params(params, run.secrets)
    if options.id is not None:
        return _result(_event_by_id(client, options.index, options.id))
    queries = options.queries()
    searches = [_search(client, options, query) for query in queries]
    found = _merged([found for _search_done, found in searches], options)
    done = [search for search, _found in searches]
    if any(not _fits(event, options) for event in found):
        client.check_conditions(options.index)
    total = sum(search.total for search in done) - (sum(len(events) for _search_done, events in searches) - len(_distinct(searches)))
    for text in _warnings(client, options, done, found):
        run.warn(text)
    is_exact = all(search.total_is_exact for search in done)
    return {**_result(found), "total": max(total, len(found)), "total_is_exact": is_exact}


def _search(client: StellarClient, options: InfoOptions, query: str) -> tuple[EventSearch, list[StoredEvent]]:
    search = EventSearch(client, options.index, query, size=options.size, sort=options.sort, takes_parts=True)
    try:
        return search, list(search.events(options.limit))
    except RequestTooLongError as error:
        message = f"{error.message} Most of it is in `filter` and `query`: give fewer or shorter values there."
        raise error.with_message(message) from error


def _fits(event: StoredEvent, options: InfoOptions) -> bool:
    """True if an event may match the filter. If it does not seem to, the caller checks whether the server applies conditions at all."""
    return all(
        name.startswith("_") or any(may_match(value, stored_value(event.source, name)) for value in values)
        for name, values in options.values.items()
    )


def _distinct(searches: Sequence[tuple[EventSearch, Sequence[StoredEvent]]]) -> set[tuple[str, str]]:
    return {(event.index, event.id) for _search_done, events in searches for event in events}


def _merged(parts: Sequence[Sequence[StoredEvent]], options: InfoOptions) -> list[StoredEvent]:
    """Returns the events of several searches, each once, in the order of the server's sort values."""
    if len(parts) == 1:
        return list(parts[0])
    events = {(event.index, event.id): event for part in parts for event in part}
    merged = list(events.values())
    for place in reversed(range(len(options.sort))):
        is_descending = options.sort[place].endswith(":desc")
        merged.sort(key=lambda event: _rank(event.sort[place : place + 1], is_descending), reverse=is_descending)
    return merged[: options.limit]


def _rank(values: Sequence[Any], is_descending: bool) -> tuple[bool, bool, Any]:
    """Returns a sort key: numbers before texts, and events without a value last in both directions."""
    value = values[0] if values else None
    if value is None:
        return not is_descending, False, 0
    is_text = isinstance(value, str)
    return is_descending, is_text, value if is_text or isinstance(value, (int, float)) else str(value)


def _event_by_id(client: StellarClient, pattern: str, identifier: str) -> list[StoredEvent]:
    if "*" not in pattern and "," not in pattern:
        event = client.read_event(pattern, identifier)
        return [event] if event else []
    page = client.search(pattern, exact("_id", identifier), size="10")
    found = [event for event in page.events if event.id == identifier]
    if not found:
        require_whole(page)
    return found


def _result(events: Iterable[StoredEvent]) -> dict[str, Any]:
    shown = [{"index": event.index, "id": event.id, "source": dict(event.source)} for event in events]
    return {"changed": False, "events": shown, "total": len(shown), "total_is_exact": True}


# -- warnings ---------------------------------------------------------------------------------------------------------------


def _warnings(client: StellarClient, options: InfoOptions, done: Sequence[EventSearch], found: Sequence[StoredEvent]) -> list[str]:
    """Returns the warnings. Possible misspellings are checked only if nothing was found."""
    warnings = [_unknown_status(value) for value in options.values.get(_STATUS_FIELD, ()) if value not in STATUSES]
    gap = next((search.gap for search in done if search.gap), "")
    if gap:
        warnings.append(
            f"The search was not answered by the whole index: {gap}. Events may be missing from the result. Check the health of the "
            "server's data nodes (or of the clusters that it searches), and run again."
        )
    if any(search.is_short for search in done):
        warnings.append(
            "The server counted more events than it returned. Events may have left the result while it was read, or come from copies of "
            "the "
            "index that differ. Run again, or narrow the search."
        )
    if not found and not gap and done:
        warnings += _misspelt(client, options)
    return warnings


def _unknown_status(value: Any) -> str:
    known = ", ".join(STATUSES)
    return f"filter.{_STATUS_FIELD}: {str(value)!r} is not a status that Stellar Cyber documents ({known}). Case matters."


def _misspelt(client: StellarClient, options: InfoOptions) -> list[str]:
    """Returns warnings about fields that no event has, or an index pattern without events, if nothing was found."""
    everything = client.search(options.index, "*", size="1")
    if everything.gap:
        return []
    if not everything.total:
        where = f"index: there is not a single event under {options.index}, so the search found nothing. Check the pattern; "
        return [f"{where}on SaaS, events are kept in stellar-index-v1-ser-ORG-*."]
    names = dict.fromkeys((*options.values, *options.absent))
    unknown = [name for name in names if not client.search(options.index, f"_exists_:{name}", size="1").total]
    return [f"filter: no event under {options.index} has the field {name}. Check its spelling." for name in unknown]


# -- conditions -------------------------------------------------------------------------------------------------------------


def _conditions(params: Mapping[str, Any]) -> list[str]:
    query: str | None = params["query"]
    if query is not None and not query.strip():
        raise InputError("query: the text is empty; leave the option out to find all events.")
    clauses = [] if query is None else [f"({sendable_text('query', query)})"]
    since, until = (None if params[name] is None else search_time(name, params[name]) for name in ("since", "until"))
    if since is not None and until is not None and since >= until:
        raise InputError("since: this time is not before `until`, so no event can be between them.")
    if since is not None or until is not None:
        clauses.append(f"timestamp:[{_bound(since)} TO {_bound(until)}{']' if until is None else '}'}")
    return clauses


def _bound(milliseconds: int | None) -> str:
    return "*" if milliseconds is None else str(milliseconds)


def _joined(clauses: Sequence[str]) -> str:
    # A query that only excludes events needs a base set.
    return " AND ".join(clauses) if any(not clause.startswith("NOT ") for clause in clauses) else " AND ".join(["*", *clauses])


def _one_of(name: str, values: Sequence[Any]) -> str:
    return exact(name, values[0]) if len(values) == 1 else any_of(name, values)


def _field(option: str, name: Any) -> str:
    if not isinstance(name, str) or not is_field_name(name):
        raise InputError(f"{option}: {name!r} is not the name of a field; use `query` for other conditions.")
    return name


def _values(name: str, value: Any) -> list[Any]:
    """Returns the values of one entry of the filter, of which one must match; raises InputError for an invalid value."""
    values = value if isinstance(value, list) else [value]
    if any(item is None for item in values):
        raise InputError(
            f"filter.{name}: null was given, which would not restrict the search. Give a value, or find events without this field by "
            f"`absent: [{name}]`."
        )
    if any(isinstance(item, (dict, list)) for item in values):
        raise InputError(f"filter.{name}: give a text, number or boolean, or a list of them.")
    for item in values:
        plain_text(f"filter.{name}", str(item))
        sendable_text(f"filter.{name}", str(item))
    return values


def _sort(entries: Sequence[str]) -> list[str]:
    for position, entry in enumerate(entries):
        name, _colon, direction = entry.partition(":")
        if not is_field_name(name) or (direction or "asc") not in _DIRECTIONS:
            raise InputError(f"sort[{position}]: {entry!r} is not a field, or field:asc, or field:desc.")
    return list(entries)
