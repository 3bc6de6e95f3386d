# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The search of `stellar_case_info`: its checked options, as arguments for the server and as conditions for its answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from .._argspec import ArgumentSpec, plain_text, sendable_text, whole_number
from .._errors import InputError
from .._resources.options import refuse_nulls
from .._stellar.cases import MAX_PAGE
from .._times.timestamps import search_time
from .reading import CREATED_AT, EARLIEST_MS
from .state import SEVERITIES, STATUSES, checked_case_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .._stellar.cases import StoredCase

MAX_LIMIT = 1_000_000
MODIFIED_AT = "modified_at"
_CONDITIONS = ("status", "severity", "tags", "exclude_tags", "assignee", "tenant_id", "min_score", "filter", "since", "until")
_DIRECTIONS = ("asc", "desc")
_OWN_ARGUMENTS = {"limit": "limit", "skip": "size", "sort": "sort", "order": "sort", "ticket_id": "ticket_id"}


@dataclass(frozen=True)
class CaseSearch:
    """The options of `stellar_case_info`, without those of the connection. Of several values in one option, one must match."""

    id: str | None
    ticket_id: int | None
    any_of: Mapping[str, Sequence[str]]
    """`status`, `severity` and `tags`, as far as they were given."""
    exclude_tags: Sequence[str]
    min_score: float | None
    arguments: Mapping[str, str]
    """Further arguments of the server."""
    time_field: str
    since: int | None
    until: int | None
    sort: tuple[str, str]
    size: int
    limit: int

    @classmethod
    def parsed(cls, params: Mapping[str, Any], nulls: Collection[str]) -> CaseSearch:
        """Checks the options of a task; `nulls` are those that were given as null. Raises InputError."""
        refuse_nulls(("id", "ticket_id", *_CONDITIONS), nulls, "case")
        since, until = (None if params[name] is None else search_time(name, params[name]) for name in ("since", "until"))
        if since is not None and until is not None and since >= until:
            raise InputError("since: this time is not before `until`, so no case can be between them.")
        return cls(
            id=None if params["id"] is None else checked_case_id("id", params["id"]),
            ticket_id=params["ticket_id"],
            any_of={name: _tags(name, params[name]) for name in ("status", "severity", "tags") if params[name] is not None},
            exclude_tags=_tags("exclude_tags", params["exclude_tags"] or ()),
            min_score=_score(params["min_score"]),
            arguments=_arguments(params),
            time_field=params["time_field"],
            since=since,
            until=until,
            sort=_sort(params["sort"]),
            size=whole_number("size", params["size"], 1, MAX_PAGE),
            limit=whole_number("limit", params["limit"], 1, MAX_LIMIT),
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
        wrong += ["until" if self.since is None else "since"] if self.is_in_time(case, tolerance=1) is False else []
        return wrong[0] if wrong else ""

    def is_in_time(self, case: StoredCase, tolerance: int = 0) -> bool | None:
        """True if the time of a case is from `since` to before `until`, give or take `tolerance` (ms); None if it has no such time."""
        moment = case.source.get(self.time_field)
        if not isinstance(moment, (int, float)) or isinstance(moment, bool):
            return None
        is_early = self.since is not None and moment < self.since - tolerance
        is_late = self.until is not None and moment >= self.until + tolerance
        return not is_early and not is_late

    def _time_arguments(self) -> dict[str, str]:
        """Returns the time limits.

        It is not documented whether they are inclusive, so they are a millisecond wider, and cases outside are left out.
        """
        bounds = {f"FROM~{self.time_field}": str(EARLIEST_MS if self.since is None else self.since - 1)}
        if self.until is not None:
            bounds[f"TO~{self.time_field}"] = str(self.until)
        return bounds


def search_options() -> ArgumentSpec:
    """The options of `stellar_case_info`, without those of the connection."""
    return ArgumentSpec(
        {
            "id": {"type": "str"},
            "ticket_id": {"type": "int"},
            "status": {"type": "list", "elements": "str", "choices": list(STATUSES)},
            "severity": {"type": "list", "elements": "str", "choices": list(SEVERITIES)},
            "tags": {"type": "list", "elements": "str"},
            "exclude_tags": {"type": "list", "elements": "str"},
            "assignee": {"type": "str"},
            "tenant_id": {"type": "str"},
            "min_score": {"type": "float"},
            "filter": {"type": "dict"},
            "since": {"type": "str"},
            "until": {"type": "str"},
            "time_field": {"type": "str", "choices": [CREATED_AT, MODIFIED_AT], "default": CREATED_AT},
            "sort": {"type": "str", "default": f"{CREATED_AT}:desc"},
            "size": {"type": "int", "default": 100},
            "limit": {"type": "int", "default": 1000},
            "with_comments": {"type": "bool", "default": False},
            "with_alerts": {"type": "bool", "default": False},
        },
        mutually_exclusive=[("id", "ticket_id"), *((one, name) for one in ("id", "ticket_id") for name in _CONDITIONS)],
    )


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


def _sort(text: str) -> tuple[str, str]:
    name, _colon, direction = text.partition(":")
    if not name or not name.isascii() or not name.replace("_", "").replace(".", "").isalnum() or (direction or "asc") not in _DIRECTIONS:
        raise InputError(f"sort: {text!r} is not a field, or field:asc, or field:desc.")
    return name, direction or "asc"
