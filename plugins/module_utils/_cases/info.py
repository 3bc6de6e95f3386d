# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads cases: one, or all that match a search, with comments and alerts if wanted."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from .._errors import AnswerError
from .._resources.many import Workers, all_results
from .._stellar.cases import ALERT_PAGE, CaseCalls
from .._stellar.client import StellarClient
from .reading import CaseList, CaseReader
from .search import CaseSearch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .._module import Run
    from .._stellar.answers import StoredEvent
    from .._stellar.cases import StoredCase

_CONCURRENCY = 4


def read_cases(params: Mapping[str, Any], run: Run, nulls: Collection[str] = ()) -> dict[str, Any]:
    """Runs `stellar_case_info` with its options and returns its result; raises XdrError. `nulls` are the options given as null."""
    search = CaseSearch.parsed(params, nulls)
    calls = CaseCalls(StellarClient.from_params(params, run.secrets))
    if search.id is None and search.ticket_id is None:
        found = _Found(calls, search)
        cases, total, is_exact = found.cases, found.total, found.is_exact
        for text in found.warnings:
            run.warn(text)
    else:
        reader = CaseReader(calls)
        case = reader.by_ticket(search.ticket_id) if search.ticket_id is not None else reader.by_id(search.id or "")
        cases = [case] if case else []
        total, is_exact = len(cases), True
    with Workers(_CONCURRENCY, "cases") as workers:
        shown = all_results(workers.map(lambda one: _shown(one, calls, params), cases))
    return {"changed": False, "cases": shown, "total": total, "total_is_exact": is_exact}


class _Found:
    """The cases that a search finds, in order, each once, at most `limit` of them."""

    def __init__(self, calls: CaseCalls, search: CaseSearch) -> None:
        self._search = search
        self._ignored: dict[str, int] = {}
        self._at_bounds = 0
        self._lists = [CaseList(calls, query, min(search.size, search.limit)) for query in search.queries()]
        parts = [list(islice(self._fitting(one), search.limit)) for one in self._lists]
        merged = _merged(parts, search)
        self._is_cut = any(len(part) >= search.limit for part in parts)
        self.cases = merged[: search.limit]
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


def _shown(case: StoredCase, calls: CaseCalls, params: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the case in the form of results."""
    shown: dict[str, Any] = {"id": case.id, "ticket_id": case.ticket_id, "source": dict(case.source)}
    if params["with_comments"]:
        shown["comments"] = calls.comments(case.id)
    if params["with_alerts"]:
        shown["alerts"] = [{"index": one.index, "id": one.id, "source": dict(one.source)} for one in _alerts(case, calls)]
    return shown


def _alerts(case: StoredCase, calls: CaseCalls) -> list[StoredEvent]:
    """Returns all alerts of a case, each once; raises AnswerError if the server does not page."""
    alerts: dict[tuple[str, str], StoredEvent] = {}
    skip = 0
    while True:
        page = calls.alerts(case.id, skip)
        before = len(alerts)
        alerts.update({(one.index, one.id): one for one in page})
        skip += len(page)
        if not page:
            return list(alerts.values())
        if len(alerts) == before:
            if len(page) < ALERT_PAGE:
                return list(alerts.values())
            raise AnswerError(
                f"The alerts of the case {case.id}: the server gave the same {before} alerts again for the next page, so it does not page "
                "by `skip`, and further alerts may be missing."
            )
