# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Runs the module of the same name part by part, and tells between the parts how far a long upload is.

An upload that is done within the first part prints nothing, and results are those of one run.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase

PART_SECONDS = 10.0
"""Each part costs the start of the module once more, so it should last much longer than that."""


class ActionModule(ActionBase):
    """The action plugin of extrahop_observation."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of the module, however many parts it took."""
        super().run(tmp, task_vars)
        arguments = {name: value for name, value in self._task.args.items() if name != "slice"}
        if self._task.async_val or self._task.check_mode:
            return self._run_module(arguments, task_vars, in_background=bool(self._task.async_val))
        state: dict[str, Any] | None = None
        warnings: list[Any] = []
        clock = _Clock()
        while True:
            part = {"seconds": PART_SECONDS} if state is None else {"seconds": PART_SECONDS, "state": state}
            result = self._run_module({**arguments, "slice": part}, task_vars, in_background=False)
            result.get("invocation", {}).get("module_args", {}).pop("slice", None)
            handed_on = result.pop("slice", None)
            warnings += result.get("warnings", ())
            if not handed_on:
                return {**result, "warnings": warnings} if warnings else result
            state = handed_on["state"]
            host = (task_vars or {}).get("inventory_hostname", "")
            self._display.display(f"{host}: {clock.line(handed_on['progress'])}")

    def _run_module(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None, in_background: bool) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars, wrap_async=in_background)
        return result


class _Clock:
    """Knows how fast the last part went."""

    def __init__(self) -> None:
        self._phase = ""
        self._at = time.monotonic()
        self._rows = 0
        self._offset = 0

    def line(self, progress: dict[str, Any]) -> str:
        """Such as C(uploading, 1 200 000 rows, 41 % of the log, 85 000 rows a second, about 20 seconds left)."""
        if progress["phase"] != self._phase:
            self._phase, self._rows, self._offset = progress["phase"], 0, progress["began"]
        now = time.monotonic()
        seconds = max(now - self._at, 0.001)
        rows, offset, size = progress["rows"], progress["offset"], progress["size"]
        rate = max(rows - self._rows, 0) / seconds
        left = (size - offset) * seconds / max(offset - self._offset, 1)
        self._at, self._rows, self._offset = now, rows, offset
        return (
            f"{self._phase}, {_grouped(rows)} rows, {offset * 100 // max(size, 1)} % of the log, "
            f"{_grouped(round(rate))} rows a second, about {_duration(left)} left"
        )


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} seconds" if whole < 120 else f"{whole // 60} minutes"
