# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The search of `stellar_case_info`: its table of options, the conditions for the server's answers, and what it finds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from .._argspec import plain_text, sendable_text
from .._errors import InputError
from .._resources.searching import TEXTS, SearchTable, order_of, results_of
from .._stellar.case_server import CREATED_AT, EARLIEST_MS, CaseAlerts, CaseList, CaseReader
from .._stellar.cases import MAX_PAGE, CaseCalls
from .._stellar.client import StellarClient
from .state import SEVERITIES, STATUSES, checked_case_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .._module import Run
    from .._resources.searching import Search
    from .._stellar.cases import StoredCase

_OWN_ARGUMENTS = {"limit": "limit", "skip": "size", "sort": "sort", "order": "sort", "ticket_id": "ticket_id"}

CASE_SEARCH = SearchTable(
    "case",
    identity={"id": {"type": "str"}, "ticket_id": {"type": "int"}},
    conditions={
        "status": {**TEXTS, "choices": list(STATUSES)},
        "severity": {**TEXTS, "choices": list(SEVERITIES)},
        "tags": TEXTS,
        "exclude_tags": TEXTS,
        "assignee": {"type": "str"},
        "tenant_id": {"type": "str"},
        "min_score": {"type": "float"},
        "filter": {"type": "dict"},
    },
    others={
        "time_field": {"type": "str", "choices": [CREATED_AT, "modified_at"], "default": CREATED_AT},
        "sort": {"type": "str", "default": f"{CREATED_AT}:desc"},
        "with_comments": {"type": "bool", "default": False},
        "with_alerts": {"type": "bool", "default": False},
    },
    largest_page=MAX_PAGE,
    largest_limit=1_000_000,
    size=100,
)
"""The options of `stellar_case_info`."""


def read_cases(params: Mapping[str, Any], run: Run, nulls: Collection[str] = ()) -> dict[str, Any]:
    """Runs `stellar_case_info` with its options and returns its result; raises XdrError. `nulls` are the options given as null."""
    search = CaseSearch.parsed(params, CASE_SEARCH.search(params, nulls))
    identifier = None if params["id"] is None else checked_case_id("id", params["id"])
    calls = CaseCalls(StellarClient.from_params(params, run.secrets))
    if identifier is None and params["ticket_id"] is None:
        found = _Found(calls, search)
        cases, total, is_exact = found.cases, found.total, found.is_exact
        for text in found.warnings:
            run.warn(text)
    else:
        reader = CaseReader(calls)
        case = reader.by_ticket(params["ticket_id"]) if identifier is None else reader.by_id(identifier)
        cases = [case] if case else []
        total, is_exact = len(cases), True
    shown: list[dict[str, Any]] = [{"id": one.id, "ticket_id": one.ticket_id, "source": dict(one.source)} for one in cases]
    if params["with_comments"]:
        comments = results_of("cases", lambda one: calls.comments(one.id), cases)
        shown = [{**one, "comments": texts} for one, texts in zip(shown, comments)]
    if params["with_alerts"]:
        read = results_of("cases", lambda one: CaseAlerts.read(calls, one), cases)
        shown = [{**one, "alerts": alerts.as_result()} for one, alerts in zip(shown, read)]
        for text in _alert_warnings(read):
            run.warn(text)
    return {"changed": False, "cases": shown, "total": total, "total_is_exact": is_exact}


@dataclass(frozen=True)
class CaseSearch:
    """The conditions for cases, and their order. Of several values of one condition, one must match."""

    any_of: Mapping[str, Sequence[str]]
    """`status`, `severity` and `tags`, as far as they were given."""
    exclude_tags: Sequence[str]
    min_score: float | None
    arguments: Mapping[str, str]
    """Further arguments of the server."""
    time_field: str
    sort: tuple[str, str]
    common: Search

    @classmethod
    def parsed(cls, params: Mapping[str, Any], common: Search) -> CaseSearch:
        """Checks the options of a task; raises InputError."""
        return cls(
            any_of={name: _tags(name, params[name]) for name in ("status", "severity", "tags") if params[name] is not None},
            exclude_tags=_tags("exclude_tags", params["exclude_tags"] or ()),
            min_score=_score(params["min_score"]),
            arguments=_arguments(params),
            time_field=params["time_field"],
            sort=order_of("sort", params["sort"]),
            common=common,
        )

    def queries(self) -> Iterator[dict[str, str]]:
        """Returns arguments for lists that together contain the wanted cases, one for each combination of values. Several values at once
        are documented only for tags [D] and status [U], and it is not known whether a case must have one or all of the tags.
        """
        common = {**self.arguments, **self._time_arguments(), "sort": self.sort[0], "order": self.sort[1]}
        if self.exclude_tags:
            common["NOT~tags"] = ",".join(self.exclude_tags)
        if self.min_score is not None:
            common["min_score"] = f"{self.min_score:.15g}"
        for values in product(*self.any_of.values()):
            yield {**common, **dict(zip(self.any_of, values))}

    def fits(self, case: StoredCase) -> str:
        """Returns an empty text if the case matches, otherwise the option that it does not match."""
        source = case.source
        tags = source.get("tags")
        held = {
            "status": [source.get("status")],
            "severity": [source.get("severity") or source.get("priority")],
            "tags": tags if isinstance(tags, list) else [],
        }
        wrong = [name for name, values in self.any_of.items() if not _names(values) & _names(held[name])]
        wrong += ["exclude_tags"] if any(tag in held["tags"] for tag in self.exclude_tags) else []
        score = source.get("score", source.get("incident_score"))
        is_low = self.min_score is not None and isinstance(score, (int, float)) and score < self.min_score
        wrong += ["min_score"] if is_low else []
        wrong += ["since" if "since" in self.common.times else "until"] if self.is_in_time(case, tolerance=1) is False else []
        return wrong[0] if wrong else ""

    def is_in_time(self, case: StoredCase, tolerance: int = 0) -> bool | None:
        """True if the time of a case is from `since` to before `until`, give or take `tolerance` (ms); None if it has no such time."""
        moment = case.source.get(self.time_field)
        if not isinstance(moment, (int, float)) or isinstance(moment, bool):
            return None
        since, until = self.common.times.get("since"), self.common.times.get("until")
        is_early = since is not None and moment < since - tolerance
        is_late = until is not None and moment >= until + tolerance
        return not is_early and not is_late

    def _time_arguments(self) -> dict[str, str]:
        """Returns the time limits.

        It is not documented whether they are inclusive, so they are a millisecond wider, and cases outside are left out.
        """
        times = self.common.times
        until = {f"TO~{self.time_field}": str(times["until"])} if "until" in times else {}
        return {f"FROM~{self.time_field}": str(times.get("since", EARLIEST_MS + 1) - 1), **until}


class _Found:
    """The cases that a search finds, in order, each once, at most `limit` of them."""

    def __init__(self, calls: CaseCalls, search: CaseSearch) -> None:
        self._search = search
        self._ignored: dict[str, int] = {}
        self._at_bounds = 0
        self._lists = [CaseList(calls, query, min(search.common.size, search.common.limit)) for query in search.queries()]
        parts = [list(islice(self._fitting(one), search.common.limit)) for one in self._lists]
        merged = _merged(parts, search)
        self._is_cut = any(len(part) >= search.common.limit for part in parts)
        self.cases = merged[: search.common.limit]
        self.total, self.is_exact = self._counted(parts, merged)

    def _fitting(self, one: CaseList) -> Iterator[StoredCase]:
        for case in one.cases():
            option = self._search.fits(case)
            if option:
                self._ignored[option] = self._ignored.get(option, 0) + 1
            elif self._search.is_in_time(case) is False:
                self._at_bounds += 1
            else:
                yield case

    def _counted(self, parts: Sequence[Sequence[StoredCase]], merged: Sequence[StoredCase]) -> tuple[int, bool]:
        """Returns the number of matching cases, and whether it is exact."""
        if not self._is_cut:
            return len(merged), not self._ignored and not self._has_moved
        totals = [one.total for one in self._lists]
        known = [total for total in totals if total is not None]
        repeated = sum(len(part) for part in parts) - len(merged)
        total = max(sum(known) - repeated - self._at_bounds, len(merged))
        has_one_tag = len(self._search.any_of.get("tags", ())) < 2
        return total, len(known) == len(totals) and has_one_tag and not self._ignored and not self._has_moved

    @property
    def _has_moved(self) -> bool:
        return any(one.has_moved for one in self._lists)

    @property
    def warnings(self) -> list[str]:
        """The warnings beside the result."""
        warnings = [
            f"{option}: the server ignored this condition; {count} cases that do not meet it were left out."
            for option, count in self._ignored.items()
        ]
        if self._has_moved:
            warnings.append("The number of matching cases changed while they were read, so cases may be missing. Run again to be sure.")
        return warnings


def _merged(parts: Sequence[Sequence[StoredCase]], search: CaseSearch) -> list[StoredCase]:
    """Returns the cases of several lists in the order of `sort`, each once."""
    if len(parts) == 1:
        return list(parts[0])
    field, direction = search.sort
    cases = list({case.id: case for part in parts for case in part}.values())
    with_value = [case for case in cases if case.source.get(field) is not None]
    without = [case for case in cases if case.source.get(field) is None]
    return sorted(with_value, key=lambda case: _rank(case.source[field]), reverse=direction == "desc") + without


def _rank(value: Any) -> tuple[bool, Any]:
    """Returns a sort key: numbers before texts."""
    is_number = isinstance(value, (int, float))
    return not is_number, value if is_number else str(value)


def _alert_warnings(read: Sequence[CaseAlerts]) -> list[str]:
    """Returns the warnings about alerts that may be missing; each kind once."""
    short = [one for one in read if one.is_short]
    unpaged = [one for one in read if one.may_be_short]
    warnings = []
    if short:
        one = short[0]
        warnings.append(
            f"alerts: {len(short)} cases have more alerts than the server gave. The first is {one.case.id}: its `size` is {one.size}, and "
            f"{len(one.alerts)} came. Look at them in Stellar Cyber."
        )
    if unpaged:
        one = unpaged[0]
        warnings.append(
            f"alerts: for {len(unpaged)} cases, the server gave the same alerts again as the next page, so it does not page by `skip`, and "
            f"further alerts may be missing. The first is {one.case.id}, with {len(one.alerts)} alerts: compare with Stellar Cyber."
        )
    return warnings


def _names(values: Sequence[Any]) -> set[str]:
    """Returns values to compare. It is not documented whether servers distinguish their case."""
    return {value.casefold() for value in values if isinstance(value, str)}


def _arguments(params: Mapping[str, Any]) -> dict[str, str]:
    """Returns the assignee, the tenant, and further arguments unchanged."""
    arguments = {}
    for option, name in (("assignee", "assignee"), ("tenant_id", "tenantid")):
        if params[option] is not None:
            arguments[name] = sendable_text(option, plain_text(option, params[option]))
    for name, value in (params["filter"] or {}).items():
        own = _OWN_ARGUMENTS.get(name) or (name if name in params and params[name] is not None else None)
        if own or name in arguments or name in (f"FROM~{params['time_field']}", f"TO~{params['time_field']}"):
            raise InputError(f"filter.{name}: this module sets this argument itself; use its option {own or 'since, until'}.")
        arguments[sendable_text("filter", name)] = ",".join(_texts(f"filter.{name}", value))
    return arguments


def _texts(option: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values or any(one is None or isinstance(one, (dict, list)) for one in values):
        raise InputError(f"{option}: give a text, number or boolean, or a list of them.")
    texts = [str(one).lower() if isinstance(one, bool) else str(one) for one in values]
    return [sendable_text(option, plain_text(option, text)) for text in texts]


def _tags(option: str, values: Sequence[str]) -> list[str]:
    """Returns values that the server accepts separated by commas, each once."""
    for position, value in enumerate(values):
        plain_text(f"{option}[{position}]", value)
        if "," in value:
            raise InputError(f"{option}[{position}]: {value!r} contains a comma, which separates values for the server.")
    return [sendable_text(option, value) for value in dict.fromkeys(values)]


def _score(value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise InputError(f"min_score: {value} is not a score; give a number from 0 on.")
    return value
