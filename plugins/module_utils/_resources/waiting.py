# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Waiting for a server to show what was written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TASK_SECONDS = 120.0
"""The longest time that one task waits, for all its events together."""
LOOK_SECONDS = 10.0
"""The time to look for something that the server reported as done, or that may be sent twice without harm."""
LATE_SECONDS = 60.0
"""The time to look for something without a clear answer before it is sent again: a server can finish a write after a proxy gave up."""
FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0
_PAUSE_FACTOR = 1.5


def now() -> float:
    """This host's monotonic clock, in seconds."""
    return time.monotonic()


class Patience:
    """The time that one task may spend waiting, all waits together. For one thread."""

    def __init__(self) -> None:
        self._left = TASK_SECONDS

    @property
    def ends_at(self) -> float:
        """The time until which this task could wait, if it began now."""
        return now() + self._left

    def looks(self, until: float) -> Iterator[None]:
        """Yields at each time to look: immediately, then after growing pauses, and finally at `until` or when the task's time is up."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            yield
            left = min(until - now(), self._left)
            if left <= 0:
                return
            nap = min(pause, left)
            time.sleep(nap)
            self._left -= nap
            pause = min(pause * _PAUSE_FACTOR, _LONGEST_PAUSE_SECONDS)


def looks(*, late: bool = False) -> Iterator[None]:
    """Yields at each time to look for one write, like `Patience.looks`; with `late`, for writes that may become visible late."""
    return Patience().looks(now() + (LATE_SECONDS if late else LOOK_SECONDS))
