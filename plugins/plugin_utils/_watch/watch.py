# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Watches a product for events and passes each to a rule engine, in order, across restarts."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ...module_utils._errors import (
    AuthenticationError,
    PermissionDeniedError,
    RequestError,
    StatusError,
)
from ...module_utils._secrets import SecretKeeper
from ...module_utils._stellar.client import StellarClient
from .cursor import CursorFile, Taken
from .handover import ConfirmedHandover, Handover
from .options import WatchOptions
from .stream import CHANGED, MOST_REMEMBERED, READ_AT_ONCE, UNDATED, WRITTEN, EventStream, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    MakeHandover = Callable[[Callable[[str], None]], Handover]


class Schedule(Protocol):
    """The options that say when to search. `interval` is in seconds, `overlap` in milliseconds."""

    @property
    def interval(self) -> float:
        """The pause between two searches."""

    @property
    def overlap(self) -> int:
        """The time by which a search goes back before the latest event."""


LONGEST_BACKOFF_SECONDS = 300.0
MOST_REFUSALS = 5
"""Maximum number of consecutive refusals of credentials or rights that worked before.

Servers that are being restarted refuse valid credentials.
"""
MOST_UNSAVED = 2
"""Maximum number of events that the engine took and the cursor does not have yet.

Together with those in the engine's queues, fewer than five events are repeated after a kill, which an engine with persistence recognises by
default.
"""
_SETTLING_SECONDS = 0.05
_BUSY = (408, 425, 429)
_RANDOM = random.SystemRandom()
_ResultT = TypeVar("_ResultT")


async def watch_events(queue: Any, arguments: Mapping[str, Any], feedback: asyncio.Queue[Any] | None) -> None:
    """Runs the event source until it is cancelled; raises XdrError if it cannot continue."""
    secrets = SecretKeeper()
    options = WatchOptions.from_arguments(arguments, secrets)
    client = StellarClient.from_params(options.connection, secrets)

    await EventWatch(options, client, handover_to(queue, feedback, secrets)).run()


def handover_to(queue: Any, feedback: asyncio.Queue[Any] | None, secrets: SecretKeeper) -> MakeHandover:
    """Returns the handover to the rule engine behind this queue."""

    def handover(taken: Callable[[str], None]) -> Handover:
        return Handover(queue, taken) if feedback is None else ConfirmedHandover(queue, taken, feedback, secrets.shown)

    return handover


def _now() -> int:
    return int(time.time() * 1000)


class Watch:
    """Reads the streams in turn, forever, and keeps the cursor. `now` returns epoch milliseconds."""

    name = ""
    """The name of the event source, in the log and for its threads."""

    def __init__(
        self,
        options: Schedule,
        streams: Sequence[Stream],
        cursor: CursorFile,
        handover: MakeHandover,
        now: Callable[[], int] = _now,
    ) -> None:
        self._options = options
        self._handover = handover(self._taken)
        self._now = now
        self._started = now()
        self._streams = streams
        self._without_cursor: list[Stream] = []
        self._owners: dict[str, Stream] = {}
        self._cursor = cursor
        self._network, self._files = Worker(f"{self.name} network"), Worker(f"{self.name} files")
        self._logger = logging.getLogger(f"secops.xdr.{self.name}")
        self._unsaved: list[Taken] = []
        self._changes = self._saved = 0
        self._has_changed, self._has_room = asyncio.Event(), asyncio.Event()
        self._has_room.set()
        self._has_worked = False
        self._refusals = 0
        self._has_shortened = False

    async def run(self) -> None:
        """Runs until it is cancelled, or cannot continue."""
        try:
            known = await self._files.run(self._cursor.open)
            self._without_cursor += [stream for stream in self._streams if not stream.resume(known)]
            await _first_of(self._watch(), self._keep_cursor(), self._handover.listen())
        finally:
            self._network.stop()
            self._files.stop()
            self._handover.look()
            # Not done in the thread, which may be busy: a loop that ends does not wait.
            self._cursor.close(self._snapshot() if self._changes else {})

    async def _watch(self) -> None:
        failures = 0
        while True:
            try:
                while self._without_cursor:
                    await self._network.run(partial(self._without_cursor[0].begin, self._started, self._now))
                    self._without_cursor.pop(0)
                    self._note_change()
                for stream in self._streams:
                    await self._read_all(stream)
                failures = self._refusals = 0
                pause = self._options.interval
            except RequestError as error:
                if self._is_final(error):
                    raise
                failures += 1
                pause = self._backoff(failures)
                self._logger.warning("%s Asking again in %.0f seconds.", error.message, pause)
            await self._pause(pause)

    async def _read_all(self, stream: Stream) -> None:
        others = [other.position for other in self._streams if other is not stream]
        while True:
            self._warn_if_shortened(stream.position.advance())
            began = self._now()
            events = await self._network.run(partial(stream.read, others))
            self._has_worked = True
            for found in events:
                await self._has_room.wait()
                stream.position.hand_over(found)
                self._owners[found.key] = stream
                await self._handover.put(found)
            is_last = len(events) < READ_AT_ONCE
            stream.position.searched(began if is_last else min(began, events[-1].time))
            if is_last:
                return

    def _warn_if_shortened(self, left: int | None) -> None:
        if left is not None and not self._has_shortened:
            self._has_shortened = True
            self._logger.warning(
                "overlap: more than %d events fall into %d seconds, which is as many as are remembered. Events that become visible more "
                "than %d seconds late are missed. Lower `overlap`, or narrow `query`.",
                MOST_REMEMBERED,
                self._options.overlap // 1000,
                left // 1000,
            )

    async def _pause(self, seconds: float) -> None:
        settling = min(_SETTLING_SECONDS, seconds)
        await asyncio.sleep(settling)
        await self._handover.settle()
        await asyncio.sleep(seconds - settling)
        await self._handover.settle()

    def _taken(self, key: str) -> None:
        stream = self._owners.pop(key)
        self._unsaved.append(Taken(stream.kind.name, key, stream.position.take(key)))
        self._note_change()

    def _note_change(self) -> None:
        self._changes += 1
        self._has_changed.set()
        if self._changes - self._saved >= MOST_UNSAVED:
            self._has_room.clear()

    async def _keep_cursor(self) -> None:
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            number, taken, self._unsaved = self._changes, self._unsaved, []
            streams = self._snapshot() if self._cursor.is_due(len(taken)) else None
            await self._files.run(partial(self._cursor.write, number, taken, streams))
            self._saved = number
            if self._changes - self._saved < MOST_UNSAVED:
                self._has_room.set()

    def _snapshot(self) -> dict[str, Any]:
        return {stream.kind.name: stream.position.snapshot() for stream in self._streams if stream not in self._without_cursor}

    def _is_final(self, error: RequestError) -> bool:
        """True if another attempt cannot help: refusals before the first success, and repeated refusals of credentials or rights."""
        if isinstance(error, (AuthenticationError, PermissionDeniedError)):
            self._refusals += 1
            return not self._has_worked or self._refusals >= MOST_REFUSALS
        self._refusals = 0
        return isinstance(error, StatusError) and 400 <= error.status < 500 and error.status not in _BUSY and not self._has_worked

    def _backoff(self, failures: int) -> float:
        longest = min(LONGEST_BACKOFF_SECONDS, max(1.0, self._options.interval) * 2.0 ** min(failures, 16))
        return _RANDOM.uniform(longest / 2, longest)


class EventWatch(Watch):
    """Watches Stellar Cyber for security events."""

    name = "stellar_ser_event"

    def __init__(self, options: WatchOptions, client: StellarClient, handover: MakeHandover, now: Callable[[], int] = _now) -> None:
        kinds = (WRITTEN, UNDATED, CHANGED) if options.changes else (WRITTEN, UNDATED)
        cursor = CursorFile(options.cursor, {"server": options.endpoint, "index": options.index})
        super().__init__(options, [EventStream(kind, client, options) for kind in kinds], cursor, handover, now)


async def _first_of(*work: Coroutine[Any, Any, None]) -> None:
    """Runs all of them until the first one ends or fails, then stops the others."""
    tasks = [asyncio.ensure_future(part) for part in work]
    try:
        done, _others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Worker:
    """Runs one piece of work at a time, always in the same thread, so that connections stay open.

    Threads of the loop's own pool are waited for when a program ends, and a request may take its whole timeout.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    async def run(self, work: Callable[[], _ResultT]) -> _ResultT:
        """Returns the result of the work, or raises its exception. A caller that is cancelled does not wait for it."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_called(work), self._loop))

    def stop(self) -> None:
        """Stops the thread when it is idle."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _serve(self) -> None:
        self._loop.run_forever()
        self._loop.run_until_complete(_cancelled(asyncio.all_tasks(self._loop)))
        self._loop.close()


async def _called(work: Callable[[], _ResultT]) -> _ResultT:
    return work()


async def _cancelled(ordered: set[asyncio.Task[Any]]) -> None:
    """Cancels work that was not started, of callers that are gone."""
    for task in ordered:
        task.cancel()
    await asyncio.gather(*ordered, return_exceptions=True)
