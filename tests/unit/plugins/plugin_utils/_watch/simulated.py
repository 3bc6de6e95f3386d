# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Stellar Cyber whose searches lag behind, on a simulated clock: hours pass in seconds."""

from __future__ import annotations

import asyncio
import re
import selectors
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.secops.xdr.plugins.module_utils._stellar.answers import StoredEvent

START = 1_790_000_000_000
_TIMES = re.compile(r"(write_time|timestamp):\[(\d+) TO \*\]")


@dataclass(frozen=True, order=True)
class Written:
    """An event: when a search sees it first, the time it says it was written at, and its number. Milliseconds."""

    visible: int
    time: int
    number: int
    is_dated: bool = field(default=True, compare=False)

    @property
    def id(self) -> str:
        return f"id{self.number:05}"

    def stored(self) -> StoredEvent:
        source: dict[str, Any] = {"event_name": self.id, "timestamp": self.time}
        return StoredEvent("aella-ser-1-", self.id, {**source, "write_time": self.time} if self.is_dated else source)


class LaggingServer:
    """Answers the searches of the source with the events that are visible at that time, sorted by their own times.

    How results are paged is for other tests: this replaces `EventSearch`.
    """

    endpoint = "https://stellar.example.com"

    def __init__(self, events: list[Written], now: Callable[[], int]) -> None:
        self.now = now
        self._hidden = sorted(events, reverse=True)
        self._seen: dict[str, list[tuple[int, str, Written]]] = {"write_time": [], "timestamp": []}

    def search(self, _index: str, query: str, **_more: Any) -> LaggingServer._Results:
        """As `EventSearch` is called with this as client."""
        while self._hidden and self._hidden[-1].visible <= self.now():
            one = self._hidden.pop()
            insort(self._seen["write_time" if one.is_dated else "timestamp"], (one.time, one.id, one))
        found = _TIMES.search(query)
        assert found is not None, query
        assert ("NOT _exists_:write_time" in query) == (found[1] == "timestamp"), "only events without a time of writing go by another"
        events = self._seen[found[1]]
        return self._Results(events[bisect_left(events, (int(found[2]), "")) :])

    class _Results:
        def __init__(self, found: list[tuple[int, str, Written]]) -> None:
            self._found = found

        def events(self, limit: int | None = None) -> Iterator[StoredEvent]:
            return (one.stored() for _time, _id, one in self._found[:limit])


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next thing that is to be done."""

    def __init__(self) -> None:
        super().__init__(_Skipping(self))
        self.skipped = 0.0

    def time(self) -> float:
        return self.skipped

    def milliseconds(self) -> int:
        return START + int(self.skipped * 1000)


class _Skipping(selectors.DefaultSelector):
    def __init__(self, loop: SimulatedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout:
            self._loop.skipped += timeout
        return super().select(0 if timeout is not None else 0.01)


class Immediate:
    """Stands for a worker: does its work at once, in the thread that calls it."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def run(self, work: Callable[[], Any]) -> Any:
        await asyncio.sleep(0)
        return work()

    def stop(self) -> None:
        """There is no thread."""
