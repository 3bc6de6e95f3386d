# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's clock, which tests can set forward, and work that is scheduled for later."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """Monotonic seconds. `settle` does scheduled work when its time has come."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._later: list[tuple[float, Callable[[], object]]] = []

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic() + self._ahead

    def advance(self, seconds: float) -> None:
        """Set the clock forward."""
        self._ahead += seconds
        self.settle()

    def later(self, seconds: float, work: Callable[[], object]) -> None:
        """Schedule work for later."""
        self._later.append((self.now() + seconds, work))

    def settle(self) -> None:
        """Do the work whose time has come."""
        now = self.now()
        due = [work for moment, work in self._later if moment <= now]
        self._later = [one for one in self._later if one[0] > now]
        for work in due:
            work()

    def clear(self) -> None:
        """Forget scheduled work. The clock is not set back."""
        self._later.clear()
