# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for other threads and processes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SECONDS = 900.0
"""Only something that hangs takes so long, also on a busy machine."""


def wait_until(condition: Callable[[], object], what: str = "it did not happen") -> None:
    """Return once the condition holds; fail if it does not within PATIENCE_SECONDS."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < ends, what
        time.sleep(0.01)
