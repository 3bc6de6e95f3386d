# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Waiting for a server to show what it was told."""

from __future__ import annotations

import time

LOOK_SECONDS = 10.0
"""How long to look for a write: searches lag behind by the refresh of the index, about a second, and a slow server may be at it yet."""
STEP_SECONDS = 0.5


class Patience:
    """The time that is left for looking."""

    def __init__(self) -> None:
        self._ends_at = time.monotonic() + LOOK_SECONDS

    def lasts(self) -> bool:
        """Waits a little; false, and at once, where the time is up."""
        if time.monotonic() + STEP_SECONDS > self._ends_at:
            return False
        time.sleep(STEP_SECONDS)
        return True
