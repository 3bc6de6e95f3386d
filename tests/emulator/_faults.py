# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: the requests that they affect, how often, and what goes wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from ._echoes import ECHO_FORMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._exchange import Call

# Whether the work is done where the fault does not say: what breaks the answer comes after the work.
WORKS: Mapping[str, bool] = {
    "status": False,
    "delay": True,
    "reset_before": False,
    "reset_after": True,
    "close_before": False,
    "close_after": True,
    "html": False,
    "redirect": False,
    "expired_token": False,
    "empty": True,
    "truncate": True,
    "oversize": True,
    "drip": True,
    "garbage": True,
    "informational": True,
    "late": False,
    "echo_authorization": False,
}
_FIXED_WORK = ("delay", "late", "reset_before", "reset_after", "close_before", "close_after")
_MATCH_KEYS = ("method", "path", "path_regex", "body_contains", "kind", "product")


class FaultError(ValueError):
    """A fault that cannot be played."""


@dataclass
class Fault:
    """One fault. The README explains each field."""

    action: str
    match: dict[str, str] = field(default_factory=dict)
    after: int = 0
    times: int | None = 1
    work: bool | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 0.0
    when: str = "before"
    location: str = ""
    size: int = 64 * 1024 * 1024
    missing: int = 64
    chunk: int = 1
    raw: bool = True
    form: str = "plain"
    number: int = 0
    seen: int = 0
    played: int = 0

    @classmethod
    def parse(cls, value: object) -> Fault:
        """A fault from JSON. Raises FaultError."""
        if not isinstance(value, dict):
            raise FaultError("a fault is an object with an action")
        known = {one.name for one in fields(cls)} - {"number", "seen", "played"}
        unknown = sorted(set(value) - known)
        if unknown:
            raise FaultError(f"unknown keys {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        if value.get("action") not in WORKS:
            raise FaultError(f"action: expected one of {', '.join(WORKS)}, got {value.get('action')!r}")
        _check(value)
        return cls(**value)

    @property
    def works(self) -> bool:
        """True if the request still changes the state."""
        return WORKS[self.action] if self.work is None else self.work

    def meets(self, call: Call, kind: str, product: str) -> bool:
        """True if this fault applies to the request."""
        match = self.match
        return (
            match.get("method", call.method).upper() == call.method
            and match.get("kind", kind) == kind
            and match.get("product", product) == product
            and call.path.startswith(match.get("path", ""))
            and ("path_regex" not in match or re.search(match["path_regex"], call.path) is not None)
            and ("body_contains" not in match or match["body_contains"].encode() in call.body)
        )

    def as_dict(self) -> dict[str, Any]:
        """The fault as JSON, with how often it was seen and played."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def _check(value: dict[str, Any]) -> None:
    """Raise FaultError for a field that cannot be played."""
    match = value.get("match", {})
    if not isinstance(match, dict) or not all(isinstance(one, str) for one in match.values()):
        raise FaultError("match: expected an object of strings")
    unknown = sorted(set(match) - set(_MATCH_KEYS))
    if unknown:
        raise FaultError(f"match: unknown keys {', '.join(unknown)}; known: {', '.join(_MATCH_KEYS)}")
    try:
        re.compile(match.get("path_regex", ""))
    except re.error as error:
        raise FaultError(f"match.path_regex: {error}") from None
    for name in ("after", "size", "missing", "chunk", "times"):
        if not _is_count(value.get(name, 1)) and not (name == "times" and value[name] is None):
            raise FaultError(f"{name}: expected an integer that is not negative, got {value[name]!r}")
    if value.get("form", "plain") not in ECHO_FORMS:
        raise FaultError(f"form: expected one of {', '.join(ECHO_FORMS)}")
    if value.get("when", "before") not in ("before", "after"):
        raise FaultError("when: expected before or after")
    work = value.get("work")
    if work is not None and (not isinstance(work, bool) or value["action"] in _FIXED_WORK):
        raise FaultError(f"work: expected true or false, and not with {', '.join(_FIXED_WORK)}")
    _check_answer(value)


def _check_answer(value: dict[str, Any]) -> None:
    status, seconds, headers = value.get("status"), value.get("seconds", 0), value.get("headers", {})
    if (status is None and value["action"] == "status") or (status is not None and not _is_count(status)):
        raise FaultError(f"status: expected an HTTP status, got {status!r}")
    if value["action"] == "redirect" and not value.get("location"):
        raise FaultError("location: this action needs one")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
        raise FaultError(f"seconds: expected a number that is not negative, got {seconds!r}")
    if not isinstance(headers, dict) or not all(isinstance(one, str) for one in headers.values()):
        raise FaultError("headers: expected an object of strings")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


class Faults:
    """The faults to be played, in the order in which they were added."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._last = 0

    def add(self, fault: Fault) -> int:
        """Add a fault and return its number."""
        self._last += 1
        fault.number = self._last
        self._faults.append(fault)
        return self._last

    def remove(self, number: int | None = None) -> int:
        """Forget one fault, or all, and return their number."""
        before = len(self._faults)
        self._faults = [] if number is None else [one for one in self._faults if one.number != number]
        return before - len(self._faults)

    def pick(self, call: Call, kind: str, product: str) -> Fault | None:
        """The fault to play on this request, counted; None for most."""
        for fault in self._faults:
            if fault.times is not None and fault.played >= fault.times:
                continue
            if not fault.meets(call, kind, product):
                continue
            fault.seen += 1
            if fault.seen > fault.after:
                fault.played += 1
                return fault
        return None

    def as_list(self) -> list[dict[str, Any]]:
        """All faults as JSON, including those that are used up."""
        return [fault.as_dict() for fault in self._faults]
