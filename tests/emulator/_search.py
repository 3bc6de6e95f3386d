# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elasticsearch's `_search`: queries, sorting, pages within the result window, and scrolling past it."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._exchange import Call, RefusedError, Reply, json_reply, parse_json
from ._lucene import compile_query
from ._matching import Matcher, QueryError, Test, all_of, everything, values
from ._query_body import compile_body
from ._stellar_validation import FIELDS
from ._values import is_whole

if TYPE_CHECKING:
    from ._clock import Clock
    from ._settings import Settings
    from ._stellar_store import Candidate, EventStore

_PARAMETERS = {
    "q", "size", "from", "sort", "scroll", "default_operator", "track_total_hits", "_source",
    "ignore_unavailable", "allow_no_indices", "expand_wildcards", "analyze_wildcard", "lenient", "pretty",
}  # fmt: skip
_BODY_KEYS = {"query", "search_after", "size", "from", "sort", "track_total_hits", "_source"}
_SCROLL_KEYS = {"scroll", "scroll_id"}
_KEEP_ALIVE = re.compile(r"(\d+)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_COUNTED = 10_000
_Hit = dict[str, Any]


@dataclass
class _Scroll:
    hits: list[_Hit]
    size: int
    position: int
    ends: float


class Search:
    """Searches over one store."""

    def __init__(self, settings: Settings, store: EventStore, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._searches = 0
        self._scrolls: dict[str, _Scroll] = {}

    def clear(self) -> None:
        """Forget open scrolls."""
        self._scrolls.clear()

    def search(self, call: Call, pattern: str) -> Reply:
        """Answer one search. Raises RefusedError in Elasticsearch's words."""
        query, body = dict(call.query), _body(call, _BODY_KEYS)
        unknown = sorted(set(query) - _PARAMETERS)
        if unknown:
            raise _refusal("illegal_argument_exception", f"unrecognized parameter: [{unknown[0]}]")
        size, start = _number(query, body, "size", 10), _number(query, body, "from", 0)
        scroll = query.get("scroll")
        self._check_window(size, start, scroll)
        try:
            found = self._find(pattern, self._compile(query, body))
        except QueryError as error:
            raise _refusal(error.kind, str(error)) from None
        self._searches += 1
        order = query.get("sort") or body.get("sort")
        if not self._settings.id_sort and any(name == "_id" for name, *_rest in _sort_keys(order)):
            raise _refusal("illegal_argument_exception", "Fielddata access on the _id field is disallowed")
        if self._settings.unstable_ties and self._searches % 2:
            found.reverse()
        hits = _sorted_hits(found, order)
        if str(query.get("_source", body.get("_source", True))).lower() == "false":
            for hit in hits:
                del hit["_source"]
        if scroll is not None:
            return self._open(hits, size, scroll)
        exact = str(query.get("track_total_hits", body.get("track_total_hits", False))).lower() == "true"
        page = self._after(hits, body, order) if "search_after" in body else hits[start:]
        return json_reply(200, self._as_it_fails(_answer(hits, page[:size], exact=exact)))

    def _after(self, hits: list[_Hit], body: dict[str, Any], order: Any) -> list[_Hit]:
        """The hits after the sort values of a client."""
        wanted, behaviour = body["search_after"], self._settings.search_after
        if behaviour == "ignored":
            return hits
        keys = _sort_keys(order)
        if behaviour == "refused" or not isinstance(wanted, list) or len(wanted) != len(keys):
            raise _refusal("parsing_exception", "Unknown key for a value in [search_after].")
        return [hit for hit in hits if _is_after(hit["sort"], wanted, keys)]

    def _as_it_fails(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer of a search that only a part of the index answers; the hits are in the other part."""
        kind = self._settings.partial_searches
        if kind:
            none: dict[str, Any] = {"total": {"value": 0, "relation": "eq"}, "max_score": None, "hits": []}
            answer = {**answer, "hits": none, **_PARTIAL[kind]}
        if self._settings.null_hits and not answer["hits"]["hits"]:
            return {**answer, "hits": None}
        return answer

    def continue_scroll(self, call: Call) -> Reply:
        """The next page of a scroll; its identifier in the body or the query."""
        asked = {**dict(call.query), **_body(call, _SCROLL_KEYS)}
        identifier = asked.get("scroll_id")
        scroll = self._scrolls.get(identifier) if isinstance(identifier, str) else None
        if scroll is None or scroll.ends < self._clock.now():
            raise _refusal("search_context_missing_exception", f"No search context found for id [{identifier}]", 404)
        if "scroll" in asked:
            scroll.ends = self._clock.now() + _keep_alive(asked["scroll"])
        return self._page(str(identifier), scroll)

    def end_scroll(self, call: Call) -> Reply:
        """Forget a scroll."""
        identifier = _body(call, _SCROLL_KEYS).get("scroll_id")
        freed = self._scrolls.pop(identifier, None) if isinstance(identifier, str) else None
        return json_reply(200 if freed else 404, {"succeeded": freed is not None, "num_freed": int(freed is not None)})

    def _compile(self, query: dict[str, str], body: dict[str, Any]) -> Test:
        matcher = Matcher(analyzed=self._settings.analyzed_strings)
        tests: list[Test] = []
        clauses = max(len(re.findall(r"\sOR\s", query.get("q", str(body.get("query", ""))))) + 1, 1)
        if clauses > self._settings.max_clauses:
            raise _refusal("too_many_clauses", f"maxClauseCount is set to {self._settings.max_clauses}")
        if "q" in query:
            default_and = query.get("default_operator", "OR").upper() == "AND"
            tests.append(compile_query(query["q"], matcher, default_and=default_and))
        elif "query" in body:
            tests.append(compile_body(body["query"], matcher))
        return all_of(tests) if tests else everything

    def _find(self, pattern: str, test: Test) -> list[Candidate]:
        if "*" not in pattern and not all(self._store.knows_index(name) for name in pattern.split(",")):
            raise _refusal("index_not_found_exception", f"no such index [{pattern}]", 404)
        return [candidate for candidate in self._store.search(pattern) if test(candidate)]

    def _check_window(self, size: int, start: int, scroll: str | None) -> None:
        window = self._settings.max_result_window
        if scroll is not None and start:
            raise _refusal("action_request_validation_exception", "using [from] is not allowed in a scroll context")
        if scroll is not None and size == 0:
            raise _refusal("action_request_validation_exception", "[size] cannot be [0] in a scroll context")
        if start + size > window:
            raise _refusal(
                "illegal_argument_exception",
                f"Result window is too large, from + size must be less than or equal to: [{window}] but was [{start + size}]",
            )

    def _open(self, hits: list[_Hit], size: int, keep_alive: str) -> Reply:
        if not self._settings.scroll_available:
            raise _refusal("illegal_argument_exception", "scroll is not available")
        now = self._clock.now()
        self._scrolls = {name: one for name, one in self._scrolls.items() if one.ends >= now}
        if len(self._scrolls) >= self._settings.scroll_contexts:
            reason = "Trying to create too many scroll contexts. Must be less than or equal to: [500]."
            raise _refusal("rejected_execution_exception", reason, self._settings.scroll_refusal)
        identifier = secrets.token_urlsafe(60) + "=="
        self._scrolls[identifier] = _Scroll(hits, size, 0, now + _keep_alive(keep_alive))
        return self._page(identifier, self._scrolls[identifier])

    def _page(self, identifier: str, scroll: _Scroll) -> Reply:
        page = scroll.hits[scroll.position : scroll.position + scroll.size]
        scroll.position += len(page)
        return json_reply(200, {"_scroll_id": identifier, **_answer(scroll.hits, page, exact=True)})


_PARTIAL: dict[str, dict[str, Any]] = {
    "missing_shard": {"_shards": {"total": 5, "successful": 4, "skipped": 0, "failed": 0}},
    "failed_shard": {"_shards": {"total": 5, "successful": 4, "skipped": 0, "failed": 1, "failures": [{"shard": 3}]}},
    "timed_out": {"timed_out": True},
    "terminated_early": {"terminated_early": True},
    "skipped_cluster": {"_clusters": {"total": 2, "successful": 1, "skipped": 1}},
}


def _is_after(values_of_hit: list[Any], wanted: list[Any], keys: list[tuple[str, bool, bool]]) -> bool:
    for held, limit, (_name, descending, _lenient) in zip(values_of_hit, wanted, keys, strict=True):
        if held == limit:
            continue
        if held is None or limit is None:
            return held is None
        return bool(held < limit) if descending else bool(held > limit)
    return False


def _answer(hits: list[_Hit], page: list[_Hit], *, exact: bool) -> dict[str, Any]:
    total = {"value": len(hits), "relation": "eq"}
    if len(hits) > _COUNTED and not exact:
        total = {"value": _COUNTED, "relation": "gte"}
    return {
        "took": 1,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {"total": total, "max_score": None, "hits": page},
    }


def _sorted_hits(found: list[Candidate], order: Any) -> list[_Hit]:
    keys = _sort_keys(order)
    ranked = [(candidate, [_sort_value(candidate, name) for name, *_order in keys]) for candidate in found]
    for place in reversed(range(len(keys))):
        name, descending, lenient = keys[place]
        held = [one for one in ranked if one[1][place] is not None]
        if ranked and not held and not lenient and name not in FIELDS:
            raise _refusal("query_shard_exception", f"No mapping found for [{name}] in order to sort on")
        held.sort(key=_Rank(place), reverse=descending)
        ranked = [*held, *(one for one in ranked if one[1][place] is None)]
    return [_hit(candidate, sort if keys else None) for candidate, sort in ranked]


def _hit(candidate: Candidate, sort: list[Any] | None) -> _Hit:
    hit: _Hit = {
        "_index": candidate.real_index,
        "_type": "amsg",
        "_id": candidate.id,
        "_score": None if sort is not None else 1.0,
        "_source": candidate.source,
    }
    if sort is not None:
        hit["sort"] = sort
    return hit


class _Rank:
    """The sort key of one place: numbers before strings."""

    def __init__(self, place: int) -> None:
        self._place = place

    def __call__(self, ranked: tuple[Candidate, list[Any]]) -> tuple[bool, Any]:
        value = ranked[1][self._place]
        return isinstance(value, str), value


def _sort_value(candidate: Candidate, name: str) -> Any:
    if name in ("_doc", "_score"):
        return 0
    found = values(candidate, name)
    return candidate.real_index if name == "_index" else (found[0] if found else None)


def _sort_keys(order: Any) -> list[tuple[str, bool, bool]]:
    """Field, whether descending, and whether the field may be missing everywhere."""
    if order is None:
        return []
    if isinstance(order, str):
        order = order.split(",")
    keys: list[tuple[str, bool, bool]] = []
    for one in order if isinstance(order, list) else [order]:
        if isinstance(one, str):
            name, _colon, direction = one.partition(":")
            keys.append((name, _descending(direction or "asc"), False))
        elif isinstance(one, dict) and len(one) == 1:
            name, options = next(iter(one.items()))
            details = options if isinstance(options, dict) else {"order": options}
            keys.append((name, _descending(details.get("order", "asc")), "unmapped_type" in details))
        else:
            raise _refusal("parsing_exception", "malformed sort format")
    return keys


def _descending(direction: Any) -> bool:
    if direction not in ("asc", "desc"):
        raise _refusal("illegal_argument_exception", f"Unknown SortOrder [{direction}]")
    return bool(direction == "desc")


def _number(query: dict[str, str], body: dict[str, Any], name: str, default: int) -> int:
    value: Any = query.get(name, body.get(name, default))
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if not is_whole(value) or value < 0:
        raise _refusal("illegal_argument_exception", f"[{name}] must be a number that is not negative, got [{value}]")
    return value


def _keep_alive(text: Any) -> float:
    found = _KEEP_ALIVE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise _refusal("illegal_argument_exception", f"failed to parse setting [scroll] with value [{text}] as a time")
    return int(found[1]) * _SECONDS[found[2]]


def _body(call: Call, keys: set[str]) -> dict[str, Any]:
    if not call.body:
        return {}
    if call.media_type != "application/json":
        text = call.headers.get("Content-Type", "")
        raise RefusedError(json_reply(406, {"error": f"Content-Type header [{text}] is not supported", "status": 406}))
    try:
        value = parse_json(call.body)
    except ValueError as error:
        raise _refusal("parsing_exception", f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise _refusal("parsing_exception", "the body must be an object")
    unknown = sorted(set(value) - keys)
    if unknown:
        raise _refusal("parsing_exception", f"Unknown key for a value in [{unknown[0]}].")
    return value


def _refusal(kind: str, reason: str, status: int = 400) -> RefusedError:
    """An error in Elasticsearch's shape."""
    cause = {"type": kind, "reason": reason}
    error: dict[str, Any] = {"root_cause": [cause], **cause}
    if kind in ("query_shard_exception", "illegal_argument_exception"):
        error = {
            "root_cause": [cause],
            "type": "search_phase_execution_exception",
            "reason": "all shards failed",
            "phase": "query",
            "grouped": True,
            "failed_shards": [{"shard": 0, "reason": cause}],
        }
    return RefusedError(json_reply(status, {"error": error, "status": status}))
