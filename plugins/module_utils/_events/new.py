# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Events that are to be inserted, as the options of C(stellar_ser_event) give them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._argspec import ArgumentSpec, from_environment
from .._errors import InputError
from .._stellar.paths import DEFAULT_PATTERN
from .fields import REQUIRED, event_body, event_options, wire_name
from .query import is_searchable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNKNOWN_FAILS = "fail"
UNKNOWN_IS_INSERTED = "inserted"
UNKNOWN_IS_MISSING = "missing"
_KEY_BYTES = 16


@dataclass(frozen=True, eq=False)
class NewEvent:
    """One event of the input: where it stands there, what is sent, what makes it the same as another, and its key in the ledger."""

    where: str
    body: Mapping[str, Any]
    unique: Mapping[str, Any]
    key: bytes

    def encoded(self) -> bytes:
        """The body of its request."""
        return json.dumps(self.body, allow_nan=False).encode()


def insert_options() -> ArgumentSpec:
    """The options of C(stellar_ser_event) beside its connection."""
    event = event_options()
    required = {name: {**spec, "required": True} if name in REQUIRED else spec for name, spec in event.items()}
    return ArgumentSpec(
        {
            **event,
            "events": {"type": "list", "elements": "dict", "options": required},
            "unique_by": {"type": "list", "elements": "str", "default": ["event_name", "event_source", "timestamp"]},
            "search_index": {"type": "str", "default": DEFAULT_PATTERN},
            "unknown_outcome": {
                "type": "str",
                "choices": [UNKNOWN_FAILS, UNKNOWN_IS_INSERTED, UNKNOWN_IS_MISSING],
                "default": UNKNOWN_FAILS,
            },
            "concurrency": {"type": "int", "default": 4},
            "ledger": from_environment("SECOPS_XDR_LEDGER", type="str", no_log=False),
        },
        required_one_of=[("events", name) for name in REQUIRED],
        mutually_exclusive=[("events", name) for name in event],
    )


def new_events(params: Mapping[str, Any]) -> list[NewEvent]:
    """The events of a task, all of them checked; raises InputError."""
    unique_by = _unique_by(params["unique_by"])
    if params["events"] is None:
        return [_new_event({option: params[option] for option in event_options()}, "", unique_by)]
    return [_new_event(values, f"events[{position}].", unique_by) for position, values in enumerate(params["events"])]


def _unique_by(names: Sequence[str]) -> list[str]:
    if not names:
        raise InputError("unique_by: the list is empty; name the fields that make two events the same.")
    return list(dict.fromkeys(wire_name(name.strip()) for name in names))


def _new_event(values: Mapping[str, Any], where: str, unique_by: Sequence[str]) -> NewEvent:
    missing = [option for option in REQUIRED if values[option] is None]
    if missing:
        raise InputError(f"{where}{missing[0]}: this option is required and was not given; every event needs {', '.join(REQUIRED)}.")
    body = event_body(values, where)
    unique = {name: _unique_value(where, name, body) for name in unique_by}
    if not any(is_searchable(name, value) for name, value in unique.items()):
        raise InputError(
            f"{where}: none of {', '.join(unique_by)} (unique_by) can be searched for; name a field with a short text or a number."
        )
    return NewEvent(where.rstrip("."), body, unique, _key(unique))


def _key(unique: Mapping[str, Any]) -> bytes:
    """A digest of what makes an event unique, which tells nothing of its text."""
    return hashlib.blake2b(json.dumps(sorted(unique.items())).encode(), digest_size=_KEY_BYTES).digest()


def _unique_value(where: str, name: str, body: Mapping[str, Any]) -> Any:
    value = body.get(name)
    if value is None:
        raise InputError(f"{where}{name}: unique_by names this field, but the event does not have it.")
    if isinstance(value, (dict, list)):
        raise InputError(
            f"{where}{name}: unique_by names this field, but it holds a list or dictionary; only single values can be searched."
        )
    return value
