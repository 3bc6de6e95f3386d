# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Watches Stellar Cyber for events and hands each to a rule engine, in order, across restarts."""

from __future__ import annotations

import asyncio
import logging
import random
from functools import partial
from typing import TYPE_CHECKING, Any

from ...module_utils._errors import (
    AuthenticationError,
    PermissionDeniedError,
    RequestError,
    StatusError,
)
from ...module_utils._secrets import SecretKeeper
from ...module_utils._stellar.client import StellarClient
from .cursor import CursorFile
from .handover import ConfirmedHandover, Handover
from .options import WatchOptions
from .stream import READ_AT_ONCE, WRITE_TIME, Stream
from .worker import Worker

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

LONGEST_BACKOFF_SECONDS = 300.0
MOST_UNSAVED = 2
"""Events that the engine took and the cursor does not say yet. With those in the engine's queues, a kill makes for fewer than the five
that an engine with persistence knows again by default."""
_SETTLING_SECONDS = 0.05
_BUSY = (408, 425, 429)
_CHANGE_TIME = "user_action.last_modified"
_LOGGER = logging.getLogger("secops.xdr.stellar_ser_event")
_RANDOM = random.SystemRandom()


async def watch_events(queue: Any, arguments: Mapping[str, Any], feedback: asyncio.Queue[Any] | None) -> None:
    """Runs the event source until it is cancelled; raises XdrError where it cannot go on."""
    secrets = SecretKeeper()
    options = WatchOptions.from_arguments(arguments, secrets)
    client = StellarClient.from_params(options.connection, secrets)
    await _EventWatch(queue, options, client, feedback).run()


class _EventWatch:
    def __init__(self, queue: Any, options: WatchOptions, client: StellarClient, feedback: asyncio.Queue[Any] | None) -> None:
        self._options = options
        self._streams = [Stream("new", WRITE_TIME, client, options)]
        if options.changes:
            self._streams.append(Stream("changed", _CHANGE_TIME, client, options))
        self._without_cursor: list[Stream] = []
        self._handover = Handover(queue, self._taken) if feedback is None else ConfirmedHandover(queue, self._taken, feedback)
        self._owners: dict[str, Stream] = {}
        self._cursor = CursorFile(options.cursor, {"server": options.endpoint, "index": options.index})
        self._network, self._files = Worker("stellar_ser_event network"), Worker("stellar_ser_event files")
        self._changes = self._saved = 0
        self._has_changed, self._has_room = asyncio.Event(), asyncio.Event()
        self._has_room.set()
        self._has_worked = False

    async def run(self) -> None:
        """Until it is cancelled, or cannot go on."""
        try:
            known = await self._files.run(self._cursor.open)
            for stream in self._streams:
                if stream.kind in known:
                    stream.resume(known[stream.kind]["since"], known[stream.kind]["sent"])
                else:
                    self._without_cursor.append(stream)
            await _first_of(self._watch(), self._keep_cursor(), self._handover.listen())
        finally:
            try:
                self._handover.look()
                # Not left to the thread, which may be busy: a loop that ends does not wait.
                if self._changes > self._saved:
                    self._cursor.write(self._changes, self._snapshot())
            finally:
                self._cursor.close()
                self._network.stop()
                self._files.stop()

    async def _watch(self) -> None:
        failures = 0
        while True:
            try:
                while self._without_cursor:
                    await self._network.run(self._without_cursor[0].begin)
                    self._without_cursor.pop(0)
                    self._note_change()
                for stream in self._streams:
                    await self._read_all(stream)
                failures = 0
                pause = self._options.interval
            except RequestError as error:
                if self._is_final(error):
                    raise
                failures += 1
                pause = self._backoff(failures)
                _LOGGER.warning("%s Asking again in %.0f seconds.", error.message, pause)
            await self._pause(pause)

    async def _read_all(self, stream: Stream) -> None:
        while True:
            stream.position.advance()
            events = await self._network.run(stream.read)
            self._has_worked = True
            for found in events:
                await self._has_room.wait()
                stream.position.hand_over(found)
                self._owners[found.key] = stream
                await self._handover.put(found)
            if len(events) < READ_AT_ONCE:
                return

    async def _pause(self, seconds: float) -> None:
        settling = min(_SETTLING_SECONDS, seconds)
        await asyncio.sleep(settling)
        await self._handover.settle()
        await asyncio.sleep(seconds - settling)
        await self._handover.settle()

    def _taken(self, key: str) -> None:
        self._owners.pop(key).position.take(key)
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
            number = self._changes
            await self._files.run(partial(self._cursor.write, number, self._snapshot()))
            self._saved = number
            if self._changes - self._saved < MOST_UNSAVED:
                self._has_room.set()

    def _snapshot(self) -> dict[str, Any]:
        return {stream.kind: stream.position.snapshot() for stream in self._streams if stream not in self._without_cursor}

    def _is_final(self, error: RequestError) -> bool:
        """Whether asking again cannot help: credentials and rights, and before anything worked, whatever else the server refuses."""
        if isinstance(error, (AuthenticationError, PermissionDeniedError)):
            return True
        return isinstance(error, StatusError) and 400 <= error.status < 500 and error.status not in _BUSY and not self._has_worked

    def _backoff(self, failures: int) -> float:
        longest = min(LONGEST_BACKOFF_SECONDS, max(1.0, self._options.interval) * 2.0 ** min(failures, 16))
        return _RANDOM.uniform(longest / 2, longest)


async def _first_of(*work: Coroutine[Any, Any, None]) -> None:
    """Runs all of them until the first one ends or fails, and ends the others."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        done, _others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
