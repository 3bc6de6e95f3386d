# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ExtraHop's detections: reading, searching, updating, and their notes (contract: extrahop-detections)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ._exchange import READ, WRITE, Call, RefusedError, Reply, Route, invalid, json_object, json_reply, problem
from ._rewriting import rewritten
from ._values import is_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ._exchange import Handler
    from ._settings import Settings

    Guard = Callable[[Handler, str], Handler]

STATUSES = ("new", "acknowledged", "in_progress", "closed")
RESOLUTIONS = ("action_taken", "no_action_taken")
_CHANGEABLE = ("status", "resolution", "assignee", "ticket_id")
_SEARCH_KEYS = ("filter", "from", "until", "mod_time", "update_time", "create_time", "sort", "limit", "offset")
_TEXT_FILTERS = ("status", "resolution", "assignee", "ticket_id", "categories", "types")
_MOST = 20_000
_DEFAULT_LIMIT = 1000
_TRACKING = "Detections are not tracked from an external ticketing system"
EMPTY: Mapping[str, Any] = {
    "title": "Data Exfiltration",
    "description": "",
    "categories": ["sec", "sec.attack"],
    "type": "data_exfiltration",
    "risk_score": 60,
    "properties": {},
    "participants": [],
    "ticket_id": None,
    "assignee": None,
    "status": None,
    "resolution": None,
    "mitre_tactics": [],
    "mitre_techniques": [],
    "appliance_id": 0,
    "is_user_created": False,
}


class Detections:
    """The detections of an appliance, with their calls. `me` is the user whom the credentials belong to."""

    me = "api"

    def __init__(self, settings: Settings, guard: Guard) -> None:
        self._settings = settings
        self._held: dict[int, dict[str, Any]] = {}
        self._notes: dict[int, dict[str, Any]] = {}
        path = "/api/v1/detections"
        self.routes = (
            Route(f"{path}/search", READ, {"POST": guard(self._search, READ)}),
            Route(f"{path}/{{id}}", WRITE, {"GET": guard(self._read, READ), "PATCH": guard(self._update, WRITE)}),
            Route(
                f"{path}/{{id}}/notes",
                WRITE,
                {"GET": guard(self._note, READ), "PUT": guard(self._put_note, WRITE), "DELETE": guard(self._delete_note, WRITE)},
            ),
        )

    def clear(self) -> None:
        """Forget all detections."""
        self._held.clear()
        self._notes.clear()

    def add(self, documents: Iterable[Mapping[str, Any]]) -> list[int]:
        """Add detections; missing fields are filled in, and `note` is the note. Returns the IDs."""
        added = []
        for document in documents:
            fields = dict(document)
            now = _now()
            identifier = int(fields.pop("id", max(self._held, default=0) + 1))
            note = fields.pop("note", None)
            times = dict.fromkeys(("start_time", "end_time", "update_time", "create_time", "mod_time"), now)
            self._held[identifier] = {"id": identifier, **times, **EMPTY, **fields}
            self._notes.pop(identifier, None)
            if note is not None:
                self.write_note(identifier, note, "another")
            added.append(identifier)
        return added

    def all(self) -> list[dict[str, Any]]:
        """The detections by ID, each with its `note` (null: none)."""
        return [{**one, "note": self._notes.get(identifier, {}).get("note")} for identifier, one in sorted(self._held.items())]

    def write_note(self, identifier: int, text: str, author: str) -> None:
        """Set the note of a detection."""
        self._notes[identifier] = {"author": author, "note": text, "update_time": _now()}

    # -- the calls ----------------------------------------------------------------------------------------------------

    def _detection(self, call: Call) -> dict[str, Any]:
        text = call.parameters["id"]
        if not text.isdecimal() or int(text) not in self._held:
            raise RefusedError(problem(404, "not_found", f"The requested resource {call.path} was not found"))
        return self._held[int(text)]

    def _read(self, call: Call) -> Reply:
        return json_reply(200, self._shown(self._detection(call)))

    def _shown(self, detection: dict[str, Any]) -> dict[str, Any]:
        hidden = () if self._settings.create_time_shown else ("create_time",)
        return {name: value for name, value in detection.items() if name not in hidden}

    def _update(self, call: Call) -> Reply:
        detection = self._detection(call)
        fields = json_object(call)
        unknown = sorted(set(fields) - {*_CHANGEABLE, "participants"})
        if unknown or not fields:
            raise RefusedError(invalid(f"unknown keys: {', '.join(unknown)}" if unknown else "the body has no field"))
        for name, choices in (("status", STATUSES), ("resolution", RESOLUTIONS)):
            if fields.get(name) not in (None, *choices):
                raise RefusedError(invalid(f"{name}: expected one of {', '.join(choices)} or null, got {fields[name]!r}"))
        for name in ("assignee", "ticket_id"):
            if fields.get(name) is not None and (not isinstance(fields[name], str) or not fields[name]):
                raise RefusedError(invalid(f"{name}: expected a text or null, got {fields[name]!r}"))
        settings = self._settings
        if settings.ticket_required and "ticket_id" not in fields:
            raise RefusedError(invalid("ticket_id: this field is required", 422))
        if settings.null_ticket == "refuse" and "ticket_id" in fields and fields["ticket_id"] is None:
            raise RefusedError(invalid("ticket_id: null is not allowed", 422))
        if settings.detection_tracking == "internal" and fields.get("ticket_id"):
            raise RefusedError(invalid(_TRACKING, 422))
        if not settings.extrahop_ignore_writes:
            detection.update({name: fields[name] for name in _CHANGEABLE if name in fields}, mod_time=_now())
        return Reply(settings.write_status)

    def _external(self) -> None:
        if self._settings.detection_tracking == "internal":
            raise RefusedError(invalid(_TRACKING, 422))

    def _note(self, call: Call) -> Reply:
        identifier = self._detection(call)["id"]
        self._external()
        note = self._notes.get(identifier)
        if note is None and self._settings.no_note == "404":
            return problem(404, "not_found", "There is no note")
        if note is None and self._settings.no_note == "object":
            note = {"author": None, "note": None, "update_time": 0}
        return json_reply(200, note)

    def _put_note(self, call: Call) -> Reply:
        identifier = self._detection(call)["id"]
        self._external()
        fields = json_object(call)
        if not set(fields) <= {"note", "author", "update_time"} or not isinstance(fields.get("note"), str):
            raise RefusedError(invalid("note: expected an object with a text"))
        if not self._settings.extrahop_ignore_writes:
            self.write_note(identifier, rewritten(fields["note"], self._settings.note_rewriting), self.me)
        return Reply(self._settings.write_status)

    def _delete_note(self, call: Call) -> Reply:
        identifier = self._detection(call)["id"]
        self._external()
        if not self._settings.extrahop_ignore_writes:
            self._notes.pop(identifier, None)
        return Reply(self._settings.write_status)

    def _search(self, call: Call) -> Reply:
        asked = json_object(call)
        unknown = sorted(set(asked) - set(_SEARCH_KEYS))
        if unknown:
            raise RefusedError(invalid(f"unknown keys: {', '.join(unknown)}"))
        for name in _SEARCH_KEYS:
            if name not in ("filter", "sort") and name in asked and not is_whole(asked[name]):
                raise RefusedError(invalid(f"{name}: expected an integer, got {asked[name]!r}"))
        limit, offset = asked.get("limit", _DEFAULT_LIMIT), asked.get("offset", 0)
        if not 0 <= limit <= _MOST or offset < 0:
            raise RefusedError(invalid(f"limit: expected 0 to {_MOST}, offset not negative; got {limit} and {offset}"))
        test = _filter(asked.get("filter", {}), self.me)
        found = [one for one in self._held.values() if _in_time(one, asked) and test(one)]
        found.sort(key=lambda one: (-one["update_time"], one["id"]))
        for field, is_descending in reversed(_order(asked.get("sort", []))):
            found.sort(key=_by(field), reverse=is_descending)
        if self._settings.detection_page_cap:
            limit = min(limit, self._settings.detection_page_cap)
        return json_reply(200, [self._shown(one) for one in self.page(found, offset, limit)])

    def page(self, found: list[dict[str, Any]], offset: int, limit: int) -> list[dict[str, Any]]:
        """Return one page of the results of a search."""
        return found[offset : offset + limit]


def _in_time(one: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """From: occurred after, ongoing ones too. Until: ended before. The other times: after."""
    return (
        ("from" not in asked or one["end_time"] > asked["from"])
        and ("until" not in asked or one["end_time"] < asked["until"])
        and all(one[name] > asked[name] for name in ("mod_time", "update_time", "create_time") if name in asked)
    )


def _filter(asked: object, me: str) -> Callable[[Mapping[str, Any]], bool]:
    if not isinstance(asked, dict):
        raise RefusedError(invalid("filter: expected an object"))
    _check_filter(asked)
    special: dict[str, str | None] = {".none": None, ".me": me}

    def test(one: Mapping[str, Any]) -> bool:
        return (
            all(one[name] in [special.get(item, item) for item in asked[name]] for name in _CHANGEABLE if name in asked)
            and ("types" not in asked or one["type"] in asked["types"])
            and ("categories" not in asked or bool(set(asked["categories"]) & set(one["categories"])))
            and one["risk_score"] >= asked.get("risk_score_min", 0)
        )

    return test


def _check_filter(asked: Mapping[str, Any]) -> None:
    unknown = sorted(set(asked) - {*_TEXT_FILTERS, "risk_score_min", "recommended"})
    if unknown:
        raise RefusedError(invalid(f"filter: unknown keys: {', '.join(unknown)}"))
    for name in _TEXT_FILTERS:
        value = asked.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise RefusedError(invalid(f"filter.{name}: expected a list of texts, got {value!r}"))
        choices = {"status": STATUSES, "resolution": RESOLUTIONS}.get(name)
        if choices and not set(value) <= {".none", *choices}:
            raise RefusedError(invalid(f"filter.{name}: expected some of .none, {', '.join(choices)}, got {value!r}"))
    if not is_whole(asked.get("risk_score_min", 0)) or not isinstance(asked.get("recommended", True), bool):
        raise RefusedError(invalid("filter.risk_score_min: expected an integer; filter.recommended: a boolean"))


def _order(asked: object) -> list[tuple[str, bool]]:
    if not isinstance(asked, list):
        raise RefusedError(invalid("sort: expected a list"))
    for entry in asked:
        if not isinstance(entry, dict) or set(entry) != {"field", "direction"} or entry["direction"] not in ("asc", "desc"):
            raise RefusedError(invalid(f"sort: expected objects with field and direction (asc, desc), got {entry!r}"))
    return [(entry["field"], entry["direction"] == "desc") for entry in asked]


def _by(field: str) -> Callable[[Mapping[str, Any]], tuple[bool, Any]]:
    return lambda one: (one.get(field) is not None, one.get(field) or 0)


def _now() -> int:
    return int(time.time() * 1000)
