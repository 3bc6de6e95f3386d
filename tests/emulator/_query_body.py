# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of Elasticsearch's JSON queries that clients of the search need."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ._lucene import compile_query
from ._matching import Bound, Matcher, QueryError, Test, all_of, any_of, everything, none_of, nothing

_BOUNDS = {"gt": (False, False), "gte": (False, True), "lt": (True, False), "lte": (True, True)}


def compile_body(query: object, matcher: Matcher) -> Test:
    """Compile a JSON query to a test. Raises QueryError."""
    if not isinstance(query, dict) or len(query) != 1:
        raise QueryError("a query is an object with one key")
    kind, value = next(iter(query.items()))
    build = _KINDS.get(kind)
    if build is None:
        raise QueryError(f"unknown query [{kind}]")
    if not isinstance(value, dict):
        raise QueryError(f"[{kind}] query malformed, an object is expected")
    return build(value, matcher)


def _match_all(value: dict[str, Any], matcher: Matcher) -> Test:
    return everything


def _match_none(value: dict[str, Any], matcher: Matcher) -> Test:
    return nothing


def _query_string(value: dict[str, Any], matcher: Matcher) -> Test:
    _known("query_string", value, {"query", "default_operator", "analyze_wildcard", "lenient"})
    query = value.get("query")
    if not isinstance(query, str):
        raise QueryError("[query_string] must be provided with a [query]")
    default_and = str(value.get("default_operator", "OR")).upper() == "AND"
    return compile_query(query, matcher, default_and=default_and)


def _term(value: dict[str, Any], matcher: Matcher) -> Test:
    name, wanted = _one_field("term", value, "value")
    return matcher.equal(name, wanted)


def _terms(value: dict[str, Any], matcher: Matcher) -> Test:
    name, wanted = _one_field("terms", value, "")
    if not isinstance(wanted, list):
        raise QueryError("[terms] query requires a list of values")
    return any_of([matcher.equal(name, one) for one in wanted]) if wanted else nothing


def _match(value: dict[str, Any], matcher: Matcher) -> Test:
    name, wanted = _one_field("match", value, "query")
    return matcher.words(name, wanted) if isinstance(wanted, str) else matcher.equal(name, wanted)


def _match_phrase(value: dict[str, Any], matcher: Matcher) -> Test:
    name, wanted = _one_field("match_phrase", value, "query")
    return matcher.equal(name, wanted)


def _wildcard(value: dict[str, Any], matcher: Matcher) -> Test:
    name, wanted = _one_field("wildcard", value, "value")
    pattern = re.escape(str(wanted)).replace(r"\*", ".*").replace(r"\?", ".")
    return matcher.like(name, re.compile(pattern, re.DOTALL))


def _prefix(value: dict[str, Any], matcher: Matcher) -> Test:
    name, wanted = _one_field("prefix", value, "value")
    return matcher.like(name, re.compile(re.escape(str(wanted)) + ".*", re.DOTALL))


def _range(value: dict[str, Any], matcher: Matcher) -> Test:
    name, limits = _one_field("range", value, "")
    if not isinstance(limits, dict):
        raise QueryError("[range] query malformed, no start object after field name")
    _known("range", limits, {*_BOUNDS, "format", "time_zone", "boost"})
    bounds = [Bound(limits[key], *_BOUNDS[key]) for key in _BOUNDS if limits.get(key) is not None]
    return matcher.between(name, bounds) if bounds else matcher.exists(name)


def _exists(value: dict[str, Any], matcher: Matcher) -> Test:
    _known("exists", value, {"field"})
    if not isinstance(value.get("field"), str):
        raise QueryError("[exists] must be provided with a [field]")
    return matcher.exists(value["field"])


def _ids(value: dict[str, Any], matcher: Matcher) -> Test:
    _known("ids", value, {"values"})
    wanted = value.get("values")
    if not isinstance(wanted, list):
        raise QueryError("[ids] requires values")
    held = {str(one) for one in wanted}
    return lambda candidate: candidate.id in held


def _bool(value: dict[str, Any], matcher: Matcher) -> Test:
    _known("bool", value, {"must", "filter", "should", "must_not", "minimum_should_match"})

    def clauses(name: str) -> list[Test]:
        given = value.get(name, [])
        return [compile_body(one, matcher) for one in (given if isinstance(given, list) else [given])]

    must, should, must_not = [*clauses("must"), *clauses("filter")], clauses("should"), clauses("must_not")
    least = value.get("minimum_should_match", 0 if must else 1)
    if not isinstance(least, int):
        raise QueryError("[bool] the emulator takes a number as minimum_should_match")
    parts = [*must]
    if should and least:
        parts.append(lambda candidate: sum(test(candidate) for test in should) >= least)
    if must_not:
        parts.append(none_of(must_not))
    return all_of(parts) if parts else everything


def _one_field(kind: str, value: dict[str, Any], inner: str) -> tuple[str, Any]:
    """The only field of a query, and its value, which may be inside an object."""
    named = {name: one for name, one in value.items() if name != "boost"}
    if len(named) != 1:
        raise QueryError(f"[{kind}] query doesn't support multiple fields")
    name, wanted = next(iter(named.items()))
    if inner and isinstance(wanted, dict):
        if inner not in wanted:
            raise QueryError(f"[{kind}] query malformed, [{inner}] is missing")
        wanted = wanted[inner]
    return name, wanted


def _known(kind: str, value: dict[str, Any], keys: set[str]) -> None:
    unknown = sorted(set(value) - keys)
    if unknown:
        raise QueryError(f"[{kind}] query does not support [{unknown[0]}]")


_KINDS: Mapping[str, Callable[[dict[str, Any], Matcher], Test]] = {
    "match_all": _match_all,
    "match_none": _match_none,
    "query_string": _query_string,
    "term": _term,
    "terms": _terms,
    "match": _match,
    "match_phrase": _match_phrase,
    "wildcard": _wildcard,
    "prefix": _prefix,
    "range": _range,
    "exists": _exists,
    "ids": _ids,
    "bool": _bool,
}
