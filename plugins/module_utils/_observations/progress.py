# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Tells the action plugin, which shows it in the terminal, how far a long upload is.

The plugin creates a file and names it in an environment variable. It can only read it if the module runs on the same host.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress

VARIABLE = "XDR_UPLOAD_PROGRESS"
CHECKING = "checking"
UPLOADING = "uploading"
_SECONDS_BETWEEN = 1.0


class Progress:
    """Writes how far the upload is, at most once a second."""

    def __init__(self) -> None:
        self._path = os.environ.get(VARIABLE, "")
        self._next_at = 0.0

    def report(self, phase: str, rows: int, done: int, total: int) -> None:
        """`done` of `total` are of whatever unit; a total of 0 is unknown."""
        if not self._path or time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + _SECONDS_BETWEEN
        with suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_TRUNC)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(json.dumps({"phase": phase, "rows": rows, "done": done, "total": total}))
