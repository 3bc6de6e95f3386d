# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The search of `extrahop_detection_info`: its table of options, and the notes and participants of what it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._argspec import sendable_text, whole_number
from .._errors import AnswerError, InputError
from .._extrahop.calls import MAX_PAGE
from .._extrahop.client import ExtraHopClient
from .._extrahop.detections import SEARCH_PATH, DetectionCalls
from .._extrahop.devices import DeviceCalls, addresses_of
from .._resources.searching import TEXTS, SearchTable, order_of, read_one, results_of
from .detection import NULL_WORDS, RESOLUTIONS, STATUSES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .._module import Run
    from .._resources.searching import Search

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
_HIGHEST_SCORE = 100

DETECTION_SEARCH = SearchTable(
    "detection",
    identity={"id": {"type": "int"}},
    conditions={
        **dict.fromkeys(_LISTS, TEXTS),
        "status": {**TEXTS, "choices": list(STATUSES)},
        "resolution": {**TEXTS, "choices": list(RESOLUTIONS)},
        "risk_score_min": {"type": "int"},
        "filter": {"type": "dict"},
    },
    others={
        "sort": TEXTS,
        "with_notes": {"type": "bool", "default": False},
        "with_participants": {"type": "bool", "default": False},
    },
    largest_page=MAX_PAGE,
    largest_limit=1_000_000,
    size=MAX_PAGE,
    times=tuple(_TIMES),
)
"""The options of `extrahop_detection_info`."""


def read_detections(params: Mapping[str, Any], run: Run, nulls: Collection[str] = ()) -> dict[str, Any]:
    """Runs `extrahop_detection_info` with its options and returns its result; raises XdrError."""
    search = DETECTION_SEARCH.search(params, nulls)
    body = _body(params, search)
    http = ExtraHopClient.from_params(params, run.secrets).http()
    calls = DetectionCalls(http)
    found, total = search.first(read_one(calls.read, params["id"]) if params["id"] is not None else _found(calls, search, body))
    shown: list[dict[str, Any]] = [{"id": one["id"], "source": one, "notes": None} for one in found]
    if params["with_notes"]:
        notes = results_of("detections", lambda one: calls.note(one["id"]), found)
        shown = [{**one, "notes": note} for one, note in zip(shown, notes)]
    if params["with_participants"]:
        shown = [{**one, "participants": who} for one, who in zip(shown, _participants(DeviceCalls(http), found))]
    return {"changed": False, "detections": shown, "total": total}


def _found(calls: DetectionCalls, search: Search, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the detections that match, and one more than `limit` if there are more."""
    if search.is_empty:
        return
    for one in calls.search(body, size=search.size, most=search.limit + 1):
        _check(one, body.get("filter", {}))
        yield one


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


def _participants(devices: DeviceCalls, found: Sequence[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
    """Returns the participants of each detection with their addresses. Each device is read once."""
    ids = list(dict.fromkeys(one["object_id"] for source in found for one in _listed(source) if _is_device(one)))

    def addresses(identifier: int) -> list[str]:
        return [address for device in read_one(devices.read, identifier) for address in addresses_of(device)]

    by_device = dict(zip(ids, results_of("detections", addresses, ids)))
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


def _body(params: Mapping[str, Any], search: Search) -> dict[str, Any]:
    """Returns the body of the search, without the page; raises InputError."""
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
    orders = [order_of(f"sort[{place}]", entry) for place, entry in enumerate(params["sort"] or ())]
    return {
        **({"filter": conditions} if conditions else {}),
        **({"sort": [{"field": name, "direction": direction} for name, direction in orders]} if orders else {}),
        **{_TIMES[option]: time for option, time in search.times.items()},
    }


def _value(name: str, place: int, value: str) -> str:
    special = _SPECIAL.get(name, {})
    if not value.strip():
        advice = "; use `none` for detections without one" if "none" in special else ""
        raise InputError(f"{name}[{place}]: the text is empty{advice}.")
    return special.get(value) or sendable_text(f"{name}[{place}]", value)
