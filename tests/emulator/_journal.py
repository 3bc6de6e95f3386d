# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of every request: counters for all of them, the details of the latest."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._exchange import Call, parse_json

if TYPE_CHECKING:
    from ._settings import Settings


@dataclass
class Entry:
    """One request and its result. `status` stays None if no answer was given."""

    number: int
    arrived: float
    call: Call
    product: str
    route: str
    kind: str
    body: bytes | None
    size: int
    status: int | None = None
    fault: str | None = None
    worked: bool = False
    seconds: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The entry as JSON; the body parsed where it is JSON."""
        return {
            "number": self.number,
            "time": self.arrived,
            "seconds": self.seconds,
            "connection": self.call.connection,
            "product": self.product,
            "kind": self.kind,
            "method": self.call.method,
            "path": self.call.path,
            "route": self.route,
            "query": dict(self.call.query),
            "headers": dict(self.call.headers.items()),
            "body": _shown(self.body),
            "body_size": self.size,
            "status": self.status,
            "fault": self.fault,
            "worked": self.worked,
        }


class Journal:
    """Counters over all requests, and the latest requests in order of arrival."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.total = 0
        self.by_route: Counter[str] = Counter()
        self.by_kind: Counter[str] = Counter()
        self.by_product: Counter[str] = Counter()
        self.by_status: Counter[str] = Counter()
        self._entries: deque[Entry] = deque()
        self._with_body: deque[Entry] = deque()
        self._held = 0

    def open(self, call: Call, product: str, route: str, kind: str) -> Entry:
        """Record a request on its arrival."""
        self.total += 1
        self.by_route[f"{call.method} {route}"] += 1
        self.by_kind[kind] += 1
        self.by_product[product] += 1
        body = call.body if len(call.body) <= self._settings.journal_body else None
        entry = Entry(self.total, time.time(), call, product, route, kind, body, len(call.body))
        self._entries.append(entry)
        while len(self._entries) > self._settings.journal_size:
            self._entries.popleft()
        return entry

    def close(self, entry: Entry, status: int | None) -> None:
        """Record the answer: a status, or None if the connection was broken."""
        entry.status = status
        entry.seconds = round(time.time() - entry.arrived, 6)
        self.by_status[str(status) if status is not None else "none"] += 1
        entry.call.body = b""
        if entry.body:
            self._held += len(entry.body)
            self._with_body.append(entry)
        while self._held > self._settings.journal_bodies:
            oldest = self._with_body.popleft()
            self._held -= len(oldest.body or b"")
            oldest.body = None

    def entries(self, offset: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """The latest requests as JSON, oldest first."""
        chosen = list(self._entries)[offset:]
        return [entry.as_dict() for entry in (chosen if limit is None else chosen[:limit])]

    def latest(self, count: int) -> list[Entry]:
        """The last requests, newest first."""
        return list(self._entries)[: -count - 1 : -1]

    def counters(self) -> dict[str, Any]:
        """All counters as JSON."""
        return {
            "total": self.total,
            "kept": len(self._entries),
            "by_kind": {kind: self.by_kind[kind] for kind in ("read", "write", "token")},
            "by_product": dict(self.by_product),
            "by_path": dict(self.by_route),
            "by_status": dict(self.by_status),
        }


def _shown(body: bytes | None) -> Any:
    if not body:
        return None
    try:
        return parse_json(body)
    except ValueError:
        return body.decode("utf-8", "backslashreplace")
