# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The input that Stellar Cyber accepts: the fields of the index, and the bodies of inserts and updates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._values import is_whole

if TYPE_CHECKING:
    from ._settings import Settings

STATUSES = ("New", "In Progress", "Ignored", "Closed")
CATEGORIES = ("killchain", "network", "uba")
REQUIRED = ("event_name", "timestamp", "event_status", "event_source")
MISSING_FIELDS = "Missing fields to be updated for the event"
# Years 1973 to 2100 in milliseconds: what lies outside is seconds, or nonsense.
_FIRST, _LAST = 100_000_000_000, 4_102_444_800_000

_Check = Callable[[Any], bool]


class InvalidEventError(ValueError):
    """A body that is refused; the text is the server's answer."""


@dataclass(frozen=True)
class TagChange:
    """One tag to add or to delete."""

    add: bool
    tag: str


@dataclass(frozen=True)
class Change:
    """The changes that an update requests."""

    status: str | None
    comment: str | None
    tags: tuple[TagChange, ...]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_score(value: Any) -> bool:
    return is_whole(value) and 0 <= value <= 100


def _is_date(value: Any) -> bool:
    return _is_number(value) and _FIRST <= value <= _LAST


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


# The table of the index: what each field holds. write_time is there too, and the server's own in every document.
FIELDS: Mapping[str, _Check] = {
    "tenantid": _is_text,
    "actual": _is_number,
    "typical": _is_number,
    "stellar.alert_time": _is_date,
    "timestamp": _is_date,
    "write_time": _is_date,
    "event_category": lambda value: value in CATEGORIES,
    "event_name": _is_text,
    "event_score": _is_score,
    "event_source": _is_text,
    "event_status": _is_text,
    "event_type": _is_text,
    "severity": _is_score,
    "fidelity": lambda value: _is_number(value) and 0 <= value <= 100,
    "threat_score": _is_score,
    "lateral": lambda value: isinstance(value, bool),
    "orig_id": _is_text,
    "orig_index": _is_text,
    "detected_field": _is_text,
    "detected_fields": _are_texts,
    "detected_value": _is_text,
    "detected_values": _are_texts,
    "detector_index": is_whole,
    "start_bucket_time": is_whole,
    "end_bucket_time": is_whole,
    "custom_ser_field": lambda value: isinstance(value, dict),
}
_DATES = ("stellar.alert_time", "timestamp", "write_time")


def split_insert(value: object, settings: Settings) -> dict[str, Any]:
    """The document that an insert makes, custom keys moved aside, without what the server adds.

    Raises InvalidEventError.
    """
    if not isinstance(value, dict):
        raise InvalidEventError("The body must be an object")
    if any(value.get(name) in (None, "") for name in REQUIRED):
        raise InvalidEventError(MISSING_FIELDS)
    _check_status(value["event_status"])
    document: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    for name, one in value.items():
        if name not in FIELDS:
            custom[name] = one
            continue
        if name in _DATES and settings.integer_timestamps and not is_whole(one):
            raise InvalidEventError(f"Invalid {name} value: {one!r}, an integer is expected")
        if settings.strict_fields and not FIELDS[name](one):
            raise InvalidEventError(f"Invalid {name} value: {one!r}")
        document[name] = one
    if custom:
        given = document.get("custom_ser_field")
        document["custom_ser_field"] = {**(given if isinstance(given, dict) else {}), **custom}
    return document


def check_update(value: object, settings: Settings) -> tuple[str, str, Change]:
    """Index, id and change of an `update_ser` body. Raises InvalidEventError."""
    keys = {"index", "_id", "status", "comments", "event_tag"}
    if settings.update_ser_multi_tags:
        keys.add("event_tags")
    body = _known(value, keys, settings)
    index, identifier = body.get("index"), body.get("_id")
    if not isinstance(index, str) or not isinstance(identifier, str) or not index or not identifier:
        raise InvalidEventError(MISSING_FIELDS)
    tags = [_tag_change(body["event_tag"])] if "event_tag" in body else []
    if "event_tags" in body:
        tags.extend(_tag_changes(body["event_tags"]))
    return index, identifier, _change(body, tags)


def check_security_event(value: object, settings: Settings) -> Change:
    """The change of a `security_events` body: status and comments, or tags. Raises InvalidEventError."""
    body = _known(value, {"status", "comments", "event_tags"}, settings)
    tags = _tag_changes(body["event_tags"]) if "event_tags" in body else []
    if tags and len(body) > 1 and not settings.security_events_combined:
        raise InvalidEventError("event_tags cannot be updated together with status or comments")
    return _change(body, tags)


def _known(value: object, keys: set[str], settings: Settings) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidEventError("The body must be an object")
    unknown = sorted(set(value) - keys)
    if unknown and settings.unknown_keys == "refuse":
        raise InvalidEventError(f"Unknown fields: {', '.join(unknown)}")
    return {name: one for name, one in value.items() if name in keys}


def _change(body: dict[str, Any], tags: list[TagChange]) -> Change:
    status, comment = body.get("status"), body.get("comments")
    if status is not None:
        _check_status(status)
    if comment is not None and not isinstance(comment, str):
        raise InvalidEventError(f"Invalid comments value: {comment!r}")
    if status is None and not comment and not tags:
        raise InvalidEventError(MISSING_FIELDS)
    return Change(status, comment or None, tuple(tags))


def _check_status(status: object) -> None:
    if status not in STATUSES:
        raise InvalidEventError(f"Invalid event status value: {status}")


def _tag_changes(value: object) -> list[TagChange]:
    if not isinstance(value, list):
        raise InvalidEventError("Invalid event_tags value: a list is expected")
    return [_tag_change(one) for one in value]


def _tag_change(value: object) -> TagChange:
    if not isinstance(value, dict) or set(value) != {"op", "tag"}:
        raise InvalidEventError("Invalid event tag: op and tag are expected")
    operation, tag = value["op"], value["tag"]
    if operation not in ("add", "delete"):
        raise InvalidEventError(f"Invalid event tag op: {operation}")
    if not isinstance(tag, str) or not tag:
        raise InvalidEventError(f"Invalid event tag: {tag!r}")
    return TagChange(operation == "add", tag)
