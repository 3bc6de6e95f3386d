# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Passes events to the rule engine, and finds out which of them it took."""

from __future__ import annotations

import asyncio
import copy
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .stream import Found

    TakenCallback = Callable[[str], None]

MOST_TRIES = 3
MOST_UNANSWERED = 100
_LOGGER = logging.getLogger("secops.xdr.event_source")


class Handover:
    """For a rule engine without feedback: an event counts as taken when it has left the queue.

    ansible-rulebook's loop passes it on to the rules in the same step in which it takes it out.
    """

    def __init__(self, queue: Any, taken: TakenCallback) -> None:
        self._queue = queue
        self._taken = taken
        self._waiting: list[str] = []

    async def put(self, found: Found) -> None:
        """Returns when the queue has the event."""
        self._waiting.append(found.key)
        await self._queue.put(dict(found.event))
        # A queue with a single place had to be empty before this event.
        if getattr(self._inner, "maxsize", 0) == 1:
            self._settle(self._waiting[:-1])
        self.look()

    async def settle(self) -> None:
        """Does the remaining work for earlier events."""
        self.look()

    def look(self) -> None:
        """Finds out which events were taken since the last call."""
        if self._inner.empty():
            self._settle(self._waiting[:])

    async def listen(self) -> None:
        """Waits forever for feedback."""
        await asyncio.get_running_loop().create_future()

    @property
    def _inner(self) -> Any:
        """Returns the queue itself: ansible-rulebook puts its filters in front of it."""
        return getattr(self._queue, "queue", self._queue)

    def _settle(self, keys: list[str]) -> None:
        for key in keys:
            self._waiting.remove(key)
            self._taken(key)


class ConfirmedHandover(Handover):
    """For a rule engine that returns each event after it took it, in the same order.

    An event that does not come back while a later one does was dropped by a filter of the rulebook, or the engine failed with it. It is
    passed on again, and given up after several attempts.
    """

    def __init__(self, queue: Any, taken: TakenCallback, feedback: asyncio.Queue[Any], show: Callable[[str], str]) -> None:
        """`show` prepares texts of the server for a warning."""
        super().__init__(queue, taken)
        self._feedback = feedback
        self._show = show
        self._unanswered: dict[str, tuple[Found, int]] = {}
        self._again: dict[str, tuple[Found, int]] = {}

    async def put(self, found: Found) -> None:
        """Returns when the queue has the event, and those that must be passed on again."""
        await self.settle()
        await self._put(found, 1)

    async def settle(self) -> None:
        """Passes on events again that were lost on the way."""
        while self._again:
            key = next(iter(self._again))
            await self._put(*self._again.pop(key))

    def look(self) -> None:
        """Reads the available feedback."""
        while not self._feedback.empty():
            self._answered(_key_of(self._feedback.get_nowait()))

    async def listen(self) -> None:
        """Reads feedback forever."""
        while True:
            self._answered(_key_of(await self._feedback.get()))

    async def _put(self, found: Found, tries: int) -> None:
        if len(self._unanswered) >= MOST_UNANSWERED:
            # The engine's own queues are far shorter.
            self._give_up(next(iter(self._unanswered)))
        self._unanswered[found.key] = (found, tries)
        # Filters may change an event, and it may have to be passed on again unchanged.
        await self._queue.put(copy.deepcopy(dict(found.event)))

    def _answered(self, key: str) -> None:
        if key not in self._unanswered:
            return
        for earlier in list(self._unanswered):
            found, tries = self._unanswered[earlier]
            if earlier == key:
                del self._unanswered[earlier]
                self._taken(earlier)
                return
            if tries >= MOST_TRIES:
                self._give_up(earlier)
            else:
                del self._unanswered[earlier]
                self._again[earlier] = (found, tries + 1)

    def _give_up(self, key: str) -> None:
        found, tries = self._unanswered.pop(key)
        _LOGGER.warning(
            "Event %s%s was passed to the rule engine %d times and got no feedback: a filter of this source drops it "
            "or removes meta.uuid, or the rule engine cannot read it. It is not passed on again.",
            self._show(str(found.event["id"])),
            f" of {self._show(found.event['index'])}" if "index" in found.event else "",
            tries,
        )
        self._taken(key)


def _key_of(data: Any) -> str:
    meta = data.get("meta") if isinstance(data, dict) else None
    key = meta.get("uuid") if isinstance(meta, dict) else None
    return key if isinstance(key, str) else ""
