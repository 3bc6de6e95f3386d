# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces ansible-rulebook: loads the event source in the same way, gives it a queue, and takes events out of it."""

from __future__ import annotations

import asyncio
import contextlib
import runpy
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulator import RunningEmulator

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "build/dev/ansible_collections/secops/xdr/extensions/eda/plugins/event_source"
PATIENCE = 900.0
NOW = int(time.time() * 1000)


class Filters:
    """The queue as ansible-rulebook hands it to a source: with the filters of the rulebook before it."""

    def __init__(self, queue: asyncio.Queue[Any], change: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> None:
        self.queue = queue
        self._change = change

    async def put(self, event: dict[str, Any]) -> None:
        for one in self._change(event):
            await self.queue.put(one)


class RuleEngine:
    """One run of the source. What the engine took is in `taken`, in order."""

    def __init__(self, args: dict[str, Any], *, feedback: bool = False, source: str = "stellar_ser_event") -> None:
        self.args = dict(args)
        self._source = SOURCES / f"{source}.py"
        self.taken: list[dict[str, Any]] = []
        self.keeps: Callable[[dict[str, Any]], bool] = lambda event: True
        self.answers: Callable[[dict[str, Any]], bool] = lambda event: True
        self._feedback: asyncio.Queue[Any] | None = None
        if feedback:
            self.args["feedback"] = True

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """The source runs and the engine takes events; at the end, the source is cancelled as ansible-rulebook does it."""
        queue: asyncio.Queue[Any] = asyncio.Queue(1)
        if self.args.get("feedback"):
            self._feedback = self.args["eda_feedback_queue"] = asyncio.Queue(1)
        source = self.start(Filters(queue, lambda event: [event] if self.keeps(event) else []))
        engine = asyncio.create_task(self._take(queue))
        try:
            yield source
        finally:
            engine.cancel()
            source.cancel()
            await asyncio.gather(source, engine, return_exceptions=True)

    def start(self, queue: Any) -> asyncio.Task[None]:
        """The source as a task, with this queue."""
        return asyncio.create_task(runpy.run_path(str(self._source))["main"](queue, self.args))

    async def until(self, count: int, source: asyncio.Task[None]) -> list[str]:
        """The ids of what was taken, once there are so many; fails where the source ends before."""
        await wait_for(lambda: len(self.taken) >= count or source.done())
        if source.done():
            source.result()
        return self.ids

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.taken]

    async def _take(self, queue: asyncio.Queue[Any]) -> None:
        while True:
            event = await queue.get()
            if self.answers(event):
                self.taken.append(event)
                if self._feedback is not None:
                    await self._feedback.put(event)


async def wait_for(condition: Callable[[], bool]) -> None:
    """Until it is true; fails where that takes too long."""
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends, "it did not come to that"
        await asyncio.sleep(0.01)


def document(number: int, written: int | None = None, **fields: Any) -> dict[str, Any]:
    """An event for the emulator; without a time of its own, written a second after the one before."""
    when = NOW - 3_600_000 + number * 1000 if written is None else written
    source = {"event_name": f"event {number}", "event_status": "New", "timestamp": when, "write_time": when, "tenantid": "", **fields}
    return {"_index": "aella-ser-1-", "_id": f"id{number:05}", "_source": source}


def documents(numbers: range, **fields: Any) -> list[dict[str, Any]]:
    return [document(number, **fields) for number in numbers]


def ids(numbers: range) -> list[str]:
    return [f"id{number:05}" for number in numbers]


def arguments(emulator: RunningEmulator, cursor: Path) -> dict[str, Any]:
    """The options that reach the emulator as Stellar Cyber."""
    settings = emulator.emulator.settings
    return {
        "host": emulator.host,
        "ca_path": emulator.ca_path,
        "username": settings.username,
        "api_key": settings.stellar_api_key,
        "interval": 0.1,
        "cursor": str(cursor),
        "start": NOW - 7_200_000,
    }
