# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The fields of the index of security events: one table, from which options and checks come.

Source: the vendor's page "Using the API to Insert a Security Event Document", "Fields in aella-ser Index".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._argspec import plain_text, whole_characters
from .._errors import InputError
from .._times.timestamps import event_time
from .state import STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CATEGORIES = ("killchain", "network", "uba")
CUSTOM_OBJECT = "custom_ser_field"
_LARGEST_LONG = 2**63 - 1

Check = Callable[[str, Any], Any]
"""Takes the name of an option and its value; returns what is sent, or raises InputError."""


@dataclass(frozen=True)
class EventField:
    """One field of the index: its name, its option, and its type and range."""

    name: str
    option_type: str
    check: Check
    elements: str | None = None
    choices: tuple[str, ...] = ()
    required: bool = False

    @property
    def option(self) -> str:
        """The name of its option, without dots."""
        return self.name.replace(".", "_")

    def spec(self) -> dict[str, Any]:
        """The argument spec of its option."""
        spec: dict[str, Any] = {"type": self.option_type}
        if self.elements:
            spec["elements"] = self.elements
        if self.choices:
            spec["choices"] = list(self.choices)
        return spec


def _as_it_is(_option: str, value: Any) -> Any:
    return value


def _text(option: str, value: str) -> str:
    return plain_text(option, value)


def _any_text(_option: str, value: str) -> str:
    return whole_characters(value)


def _texts(_option: str, values: Sequence[str]) -> list[str]:
    return [whole_characters(value) for value in values]


def _score(option: str, value: float) -> float:
    number = _finite(option, value)
    if not 0 <= number <= 100:
        raise InputError(f"{option}: {value} is out of range; give a number from 0 to 100.")
    return number


def _finite(option: str, value: float) -> float:
    if not math.isfinite(value):
        raise InputError(f"{option}: {value} is not a number that can be sent.")
    return value


def _long(option: str, value: int) -> int:
    if abs(value) > _LARGEST_LONG:
        raise InputError(f"{option}: {value} is out of range; the index keeps 64 bits.")
    return value


def _json(option: str, value: Any) -> Any:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{option}: the value cannot be sent as JSON ({error}).") from error
    return value


FIELDS: tuple[EventField, ...] = (
    EventField("event_name", "str", _text, required=True),
    EventField("event_source", "str", _text, required=True),
    EventField("event_status", "str", _as_it_is, choices=STATUSES, required=True),
    EventField("timestamp", "str", event_time, required=True),
    EventField("actual", "float", _finite),
    EventField("typical", "float", _finite),
    EventField("stellar.alert_time", "str", event_time),
    EventField("write_time", "str", event_time),
    EventField("event_category", "str", _as_it_is, choices=CATEGORIES),
    EventField("event_score", "int", _score),
    EventField("event_type", "str", _any_text),
    EventField("severity", "int", _score),
    EventField("fidelity", "float", _score),
    EventField("threat_score", "int", _score),
    EventField("lateral", "bool", _as_it_is),
    EventField("orig_id", "str", _any_text),
    EventField("orig_index", "str", _any_text),
    EventField("detected_field", "str", _any_text),
    EventField("detected_fields", "list", _texts, elements="str"),
    EventField("detected_value", "str", _any_text),
    EventField("detected_values", "list", _texts, elements="str"),
    EventField("detector_index", "int", _long),
    EventField("tenantid", "str", _any_text),
    EventField("start_bucket_time", "int", _long),
    EventField("end_bucket_time", "int", _long),
    EventField(CUSTOM_OBJECT, "dict", _json),
)
NAMES = frozenset(field.name for field in FIELDS)
REQUIRED = tuple(field.option for field in FIELDS if field.required)
_WIRE_NAMES = {field.option: field.name for field in FIELDS}


def event_options() -> dict[str, dict[str, Any]]:
    """Returns the options of one event, none of them required."""
    return {**{field.option: field.spec() for field in FIELDS}, "custom_fields": {"type": "dict"}}


def wire_name(name: str) -> str:
    """Returns the name in the index for the name of an option or of a custom field."""
    return _WIRE_NAMES.get(name, name)


def event_body(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Returns the fields to send for one event; `where` is the prefix of its options in messages. Raises InputError."""
    body: dict[str, Any] = {}
    for field in FIELDS:
        value = values[field.option]
        if value is not None:
            body[field.name] = field.check(f"{where}{field.option}", value)
    for name, value in (values["custom_fields"] or {}).items():
        _check_custom_name(f"{where}custom_fields", name)
        body[name] = _json(f"{where}custom_fields.{name}", value)
    return body


def _check_custom_name(option: str, name: Any) -> None:
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"{option}: {name!r} is not the name of a field; names are texts.")
    if name in NAMES:
        raise InputError(f"{option}: {name} is a field of the index; give it by the option {name.replace('.', '_')}.")
