# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The options of `stellar_ser_event`, checked: the events to insert."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._argspec import ArgumentSpec, from_environment, whole_number
from .._errors import InputError
from .._resources.updating import MAX_CONCURRENCY
from .._stellar.paths import DEFAULT_PATTERN, checked_pattern
from .fields import REQUIRED, event_body, event_options, wire_name
from .query import is_searchable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNKNOWN_FAILS = "fail"
UNKNOWN_IS_INSERTED = "inserted"
UNKNOWN_IS_MISSING = "missing"
DEFAULT_SEARCH_DELAY = 60
MAX_SEARCH_DELAY = 86_400
_KEY_BYTES = 16


@dataclass(frozen=True, eq=False)
class NewEvent:
    """One event of the input: its position, its fields, the values that make it unique, and its key in the ledger."""

    where: str
    body: Mapping[str, Any]
    unique: Mapping[str, Any]
    key: bytes
    old_key: bytes | None = None
    """Its key in ledgers of version 1.0; None on hosts whose Python has no BLAKE2 (FIPS mode)."""

    @property
    def name(self) -> str:
        """The name of the event in messages."""
        return self.where or "The event"

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys under which a ledger may have the event."""
        return (self.key,) if self.old_key is None else (self.key, self.old_key)

    def encoded(self) -> bytes:
        """The body of the request."""
        return json.dumps(self.body, allow_nan=False).encode()


@dataclass(frozen=True)
class InsertOptions:
    """The options of `stellar_ser_event`, without those of the connection; times in seconds."""

    events: Sequence[NewEvent]
    is_single: bool
    search_index: str
    search_delay: int
    unknown_outcome: str
    concurrency: int
    ledger: str | None
    timeout: int

    @classmethod
    def parsed(cls, params: Mapping[str, Any]) -> InsertOptions:
        """Checks the options of a task; raises InputError."""
        return cls(
            events=new_events(params),
            is_single=params["events"] is None,
            search_index=checked_pattern("search_index", params["search_index"]),
            search_delay=whole_number("search_delay", params["search_delay"], 0, MAX_SEARCH_DELAY),
            unknown_outcome=params["unknown_outcome"],
            concurrency=whole_number("concurrency", params["concurrency"], 1, MAX_CONCURRENCY),
            ledger=params["ledger"],
            timeout=params["timeout"],
        )


def insert_options() -> ArgumentSpec:
    """The options of `stellar_ser_event`, without those of the connection."""
    event = event_options()
    return ArgumentSpec(
        {
            **event,
            "events": {"type": "list", "elements": "dict", "options": event},
            "unique_by": {"type": "list", "elements": "str", "default": ["event_name", "event_source", "timestamp"]},
            "search_index": {"type": "str", "default": DEFAULT_PATTERN},
            "search_delay": {"type": "int", "default": DEFAULT_SEARCH_DELAY},
            "unknown_outcome": {
                "type": "str",
                "choices": [UNKNOWN_FAILS, UNKNOWN_IS_INSERTED, UNKNOWN_IS_MISSING],
                "default": UNKNOWN_FAILS,
            },
            "concurrency": {"type": "int", "default": 4},
            "ledger": from_environment("SECOPS_XDR_LEDGER", type="str", no_log=False),
        },
        required_one_of=[("events", name) for name in REQUIRED],
    )


def new_events(params: Mapping[str, Any]) -> list[NewEvent]:
    """Returns the events of a task, checked; raises InputError. Entries of `events` take missing values from the task."""
    unique_by = _unique_by(params["unique_by"])
    shared = {option: params[option] for option in event_options()}
    if params["events"] is None:
        return [_new_event(shared, "", unique_by)]
    entries = ({**shared, **{name: value for name, value in entry.items() if value is not None}} for entry in params["events"])
    return [_new_event(values, f"events[{position}].", unique_by) for position, values in enumerate(entries)]


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
    said = json.dumps(sorted(unique.items())).encode()
    return NewEvent(where.rstrip("."), body, unique, hashlib.sha256(said).digest()[:_KEY_BYTES], _old_key(said))


def _old_key(said: bytes) -> bytes | None:
    try:
        return hashlib.blake2b(said, digest_size=_KEY_BYTES).digest()
    except (AttributeError, TypeError, ValueError):
        # A host in FIPS mode has no BLAKE2.
        return None


def _unique_value(where: str, name: str, body: Mapping[str, Any]) -> Any:
    value = body.get(name)
    if value is None:
        raise InputError(f"{where}{name}: unique_by names this field, but the event does not have it.")
    if isinstance(value, (dict, list)):
        raise InputError(
            f"{where}{name}: unique_by names this field, but its value is a list or dictionary; only single values can be searched."
        )
    return value
