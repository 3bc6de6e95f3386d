# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Reads detections: one by its ID, or all that match a search, with their notes and the addresses of their participants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._argspec import ArgumentSpec, sendable_text, whole_number
from .._errors import AnswerError, InputError, NotFoundError
from .._extrahop.calls import MAX_PAGE
from .._extrahop.client import ExtraHopClient
from .._extrahop.detections import SEARCH_PATH, DetectionCalls
from .._extrahop.devices import DeviceCalls, addresses_of
from .._resources.many import Workers, all_results
from .._resources.options import refuse_nulls
from .._times.timestamps import search_time
from .detection import NULL_WORDS, RESOLUTIONS, STATUSES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from .._module import Run

MAX_LIMIT = 1_000_000
_CONCURRENCY = 4
_SPECIAL: Mapping[str, Mapping[str, str]] = {
    "status": {"open": ".none"},
    "resolution": {"none": ".none"},
    "assignee": {"none": ".none", "me": ".me"},
    "ticket_id": {"none": ".none"},
}
"""Values of options that stand for a special value of a filter."""
_LISTS = ("status", "resolution", "assignee", "ticket_id", "types", "categories")
_TIMES = {"since": "from", "until": "until", "modified_since": "mod_time"}
"""The options for times, and their names in the search."""
_CONDITIONS = (*_LISTS, "risk_score_min", "filter", *_TIMES)
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_HIGHEST_SCORE = 100


@dataclass(frozen=True)
class InfoOptions:
    """The options of `extrahop_detection_info`, without those of the connection."""

    id: int | None
    search: Mapping[str, Any]
    is_empty: bool
    """True if a condition is an empty list, which matches nothing."""
    size: int
    limit: int
    with_notes: bool
    with_participants: bool

    @classmethod
    def parsed(cls, params: Mapping[str, Any], nulls: Collection[str]) -> InfoOptions:
        """Checks the options of a task; `nulls` are those that were given as null. Raises InputError."""
        refuse_nulls(("id", *_CONDITIONS), nulls, "detection")
        return cls(
            id=params["id"],
            search=_search(params),
            is_empty=any(params[name] == [] for name in _LISTS),
            size=whole_number("size", params["size"], 1, MAX_PAGE),
            limit=whole_number("limit", params["limit"], 1, MAX_LIMIT),
            with_notes=params["with_notes"],
            with_participants=params["with_participants"],
        )


def info_options() -> ArgumentSpec:
    """The options of `extrahop_detection_info`, without those of the connection."""
    texts = {"type": "list", "elements": "str"}
    return ArgumentSpec(
        {
            "id": {"type": "int"},
            **dict.fromkeys(_LISTS, texts),
            "status": {**texts, "choices": list(STATUSES)},
            "resolution": {**texts, "choices": list(RESOLUTIONS)},
            "risk_score_min": {"type": "int"},
            "filter": {"type": "dict"},
            **{name: {"type": "str"} for name in _TIMES},
            "sort": {"type": "list", "elements": "str"},
            "size": {"type": "int", "default": MAX_PAGE},
            "limit": {"type": "int", "default": 1000},
            "with_notes": {"type": "bool", "default": False},
            "with_participants": {"type": "bool", "default": False},
        },
        mutually_exclusive=[("id", condition) for condition in _CONDITIONS],
    )


def read_detections(params: Mapping[str, Any], run: Run, nulls: Collection[str] = ()) -> dict[str, Any]:
    """Runs `extrahop_detection_info` with its options and returns its result; raises XdrError."""
    options = InfoOptions.parsed(params, nulls)
    http = ExtraHopClient.from_params(params, run.secrets).http()
    calls = DetectionCalls(http)
    found = _found(calls, options)
    shown = found[: options.limit]
    with Workers(_CONCURRENCY, "detections") as workers:
        notes = all_results(workers.map(lambda one: calls.note(one["id"]), shown)) if options.with_notes else [None] * len(shown)
        people = _participants(DeviceCalls(http), shown, workers) if options.with_participants else [None] * len(shown)
    return {
        "changed": False,
        "detections": [
            {"id": one["id"], "source": one, "notes": note, **({} if who is None else {"participants": who})}
            for one, note, who in zip(shown, notes, people)
        ],
        "total": None if len(found) > options.limit else len(found),
    }


def _found(calls: DetectionCalls, options: InfoOptions) -> list[dict[str, Any]]:
    """Yields the detections that match, and one more than `limit` if there are more."""
    if options.id is not None:
        try:
            return [calls.read(options.id)]
        except NotFoundError:
            return []
    if options.is_empty:
        return []
    found = []
    for one in calls.search(options.search, size=options.size, most=options.limit + 1):
        _check(one, options.search.get("filter", {}))
        found.append(one)
    return found


def _check(one: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raises AnswerError for a detection that does not match the search: a playbook that closes the results would close the wrong one."""
    if not isinstance(one.get("id"), int):
        message = f"POST {SEARCH_PATH} gave a detection whose ID is not a number. Check that `host` names the product itself."
        raise AnswerError(message)
    for name, field in (*((name, name) for name in NULL_WORDS), ("types", "type")):
        wanted = asked.get(name)
        if wanted is None or ".me" in wanted or field not in one:
            continue
        value = ".none" if one[field] is None else str(one[field])
        if value.casefold() not in [item.casefold() for item in wanted]:
            raise AnswerError(
                f"POST {SEARCH_PATH} gave the detection {one['id']} although its {field} is not what `{name}` asks for. This version of "
                "ExtraHop seems to ignore that condition: leave it out, and choose among the results."
            )


# -- participants -----------------------------------------------------------------------------------------------------------


def _participants(devices: DeviceCalls, found: Sequence[Mapping[str, Any]], workers: Workers) -> list[list[dict[str, Any]]]:
    """Returns the participants of each detection with their addresses. Each device is read once."""
    ids = list(dict.fromkeys(one["object_id"] for source in found for one in _listed(source) if _is_device(one)))

    def addresses(identifier: int) -> list[str]:
        try:
            return addresses_of(devices.read(identifier))
        except NotFoundError:
            return []

    by_device = dict(zip(ids, all_results(workers.map(addresses, ids))))
    return [[_participant(one, by_device) for one in _listed(source)] for source in found]


def _participant(one: Mapping[str, Any], by_device: Mapping[int, list[str]]) -> dict[str, Any]:
    value = one.get("object_value")
    is_device = _is_device(one)
    return {
        "role": one.get("role"),
        "external": one.get("external"),
        "device_id": one["object_id"] if is_device else None,
        "ipaddrs": by_device[one["object_id"]] if is_device else addresses_of({"ipaddr4": value}),
        "hostname": one.get("hostname"),
        "username": one.get("username"),
    }


def _listed(source: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    participants = source.get("participants")
    return [one for one in participants if isinstance(one, dict)] if isinstance(participants, list) else []


def _is_device(one: Mapping[str, Any]) -> bool:
    return one.get("object_type") == "device" and isinstance(one.get("object_id"), int)


# -- conditions -------------------------------------------------------------------------------------------------------------


def _search(params: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the body of the search, without the page."""
    conditions: dict[str, Any] = {}
    for name in _LISTS:
        if params[name] is not None:
            conditions[name] = [_value(name, place, value) for place, value in enumerate(params[name])]
    if params["risk_score_min"] is not None:
        conditions["risk_score_min"] = whole_number("risk_score_min", params["risk_score_min"], 0, _HIGHEST_SCORE)
    for name, value in (params["filter"] or {}).items():
        if name in (*_LISTS, "risk_score_min"):
            raise InputError(f"filter.{name}: use the option `{name}`.")
        if value is None:
            raise InputError(f"filter.{name}: null was given, which would not restrict the search. Leave the key out, or give a value.")
        conditions[name] = value
    times = {name: search_time(option, params[option]) for option, name in _TIMES.items() if params[option] is not None}
    if "from" in times and "until" in times and times["from"] >= times["until"]:
        raise InputError("since: this time is not before `until`, so no detection can be between them.")
    search: dict[str, Any] = {"filter": conditions} if conditions else {}
    if params["sort"]:
        search["sort"] = [_order(f"sort[{place}]", entry) for place, entry in enumerate(params["sort"])]
    return {**search, **times}


def _value(name: str, place: int, value: str) -> str:
    special = _SPECIAL.get(name, {})
    if not value.strip():
        advice = "; use `none` for detections without one" if "none" in special else ""
        raise InputError(f"{name}[{place}]: the text is empty{advice}.")
    return special.get(value) or sendable_text(f"{name}[{place}]", value)


def _order(option: str, entry: str) -> dict[str, str]:
    name, _colon, direction = entry.partition(":")
    if not _FIELD.match(name) or direction not in ("", "asc", "desc"):
        raise InputError(f"{option}: {entry!r} is not a field, or field:asc, or field:desc.")
    return {"field": name, "direction": direction or "asc"}
