# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Runs the module of the same name, and shows the progress of a long upload every ten seconds.

The lines go to standard error, because a program may read standard output. The module writes its progress to a file of the user who runs
ansible-playbook. So there is no progress for remote hosts, nor with `become` to a user other than root, who could not open that file.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ansible import constants
from ansible.plugins.action import ActionBase

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS_BETWEEN = 10.0
_VARIABLE = "XDR_UPLOAD_PROGRESS"


class ActionModule(ActionBase):
    """The action plugin of extrahop_observation."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of the module."""
        super().run(tmp, task_vars)
        if self._task.async_val or self._task.no_log or not self._shares_files():
            return self._module_result(task_vars)
        host = str((task_vars or {}).get("inventory_hostname", ""))
        with _progress_file() as path, self._shown_progress(host, path):
            self._task.environment = [*(self._task.environment or []), {_VARIABLE: path}]
            return self._module_result(task_vars)

    def _shares_files(self) -> bool:
        """True if the module can write to a file of this process: on the same host, as the same user or as root."""
        context = self._play_context
        return self._connection.transport == "local" and (not context.become or context.become_user in (None, "root"))

    def _module_result(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(task_vars=task_vars, wrap_async=bool(self._task.async_val))
        return result

    @contextmanager
    def _shown_progress(self, host: str, path: str) -> Iterator[None]:
        """Shows the progress that the module writes to the file until the block ends."""
        is_over = threading.Event()

        def show() -> None:
            rate = Rate()
            while not is_over.wait(_SECONDS_BETWEEN):
                with suppress(OSError, ValueError):
                    with open(path, encoding="ascii") as file:
                        line = rate.line(json.load(file), time.monotonic())
                    self._display.display(f"{host}: {line}", stderr=True)

        thread = threading.Thread(target=show, daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()


class Rate:
    """Formats progress as a line, with the speed since the last line."""

    def __init__(self) -> None:
        self._before: dict[str, Any] = {}
        self._at = time.monotonic()

    def line(self, progress: dict[str, Any], now: float) -> str:
        """Returns a line such as `uploading, 1 200 000 rows, 41 % of the log, 85 000 rows a second, about 20 seconds left`."""
        before = self._before if self._before.get("phase") == progress["phase"] else {"rows": 0, "done": 0}
        seconds = max(now - self._at, 0.001)
        rate = max(progress["rows"] - before["rows"], 0) / seconds
        parts = [progress["phase"], _rows(progress["rows"])]
        if progress["total"]:
            parts.append(f"{progress['done'] * 100 // progress['total']} % of the log")
        parts.append(f"{_rows(round(rate))} a second")
        if progress["total"]:
            left = (progress["total"] - progress["done"]) * seconds / max(progress["done"] - before["done"], 1)
            parts.append(f"about {_duration(left)} left")
        self._before, self._at = progress, now
        return ", ".join(parts)


@contextmanager
def _progress_file() -> Iterator[str]:
    descriptor, path = tempfile.mkstemp(dir=constants.DEFAULT_LOCAL_TMP)
    os.close(descriptor)
    try:
        yield path
    finally:
        with suppress(OSError):
            os.unlink(path)


def _rows(number: int) -> str:
    return f"{number:,}".replace(",", " ") + (" row" if number == 1 else " rows")


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 120:
        return f"{whole} second" if whole == 1 else f"{whole} seconds"
    return f"{whole // 60} minutes"
