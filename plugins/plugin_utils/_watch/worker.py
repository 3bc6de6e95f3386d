# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Work that would block the event loop, in a thread that nobody has to wait for at the end."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_ResultT = TypeVar("_ResultT")


class Worker:
    """One thread, one piece of work at a time, always the same thread: connections stay open.

    Threads of the loop's own pool are waited for when a program ends, and a request may take its whole timeout.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    async def run(self, work: Callable[[], _ResultT]) -> _ResultT:
        """The result of the work, or the exception that it ended with. A caller that is cancelled does not wait for it."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_called(work), self._loop))

    def stop(self) -> None:
        """Ends the thread once it is idle."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _serve(self) -> None:
        self._loop.run_forever()
        self._loop.run_until_complete(_cancelled(asyncio.all_tasks(self._loop)))
        self._loop.close()


async def _called(work: Callable[[], _ResultT]) -> _ResultT:
    return work()


async def _cancelled(ordered: set[asyncio.Task[Any]]) -> None:
    """Work that was ordered and not begun, by callers that are gone."""
    for task in ordered:
        task.cancel()
    await asyncio.gather(*ordered, return_exceptions=True)
