# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Appends the name of each task and how long it took to the file that BENCHMARK_TASK_TIMES names, as lines of JSON."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: task_times
type: notification
short_description: Notes how long each task took
description:
  - For the benchmarks of this collection.
"""


class CallbackModule(CallbackBase):
    """From the start of a task until its result is back."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._begun = 0.0

    def v2_playbook_on_task_start(self, _task: Any, **_options: Any) -> None:
        """Called for one task at a time: there is one host."""
        self._begun = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        """A failed task ends the run, and the benchmark with it."""
        seconds = time.monotonic() - self._begun
        with open(os.environ["BENCHMARK_TASK_TIMES"], "a", encoding="utf-8") as file:
            file.write(json.dumps({"name": result.task.get_name(), "seconds": seconds}) + "\n")
