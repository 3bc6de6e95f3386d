# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module of an upload under a profiler, and prints a table: `_profiled.py LOG SOURCE`."""

from __future__ import annotations

import contextlib
import cProfile
import io
import pstats
import sys
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.testing import patch_module_args
from ansible_collections.secops.xdr.plugins.modules.extrahop_observation import main

_SHOWN = 20


def profiled(log: str, source: str) -> tuple[dict[Any, Any], float]:
    """The statistics of the reading thread, and the processor time of the other threads."""
    profiler = cProfile.Profile(time.thread_time)
    before = time.process_time() - time.thread_time()
    with patch_module_args({"source": source, "path": log}), contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        profiler.runcall(main)
    others = time.process_time() - time.thread_time() - before
    return pstats.Stats(profiler).stats, others


def table(stats: dict[Any, Any], others: float) -> str:
    """The functions with the most processor time of their own."""
    total = sum(own for _calls, _all, own, _below, _callers in stats.values()) + others
    rows = [(own, calls, function) for function, (_primitive, calls, own, _below, _callers) in stats.items()]
    rows.sort(reverse=True)
    lines = ["| function | calls | CPU seconds of its own | share |", "|---|---|---|---|"]
    lines.append(f"| the threads that send: TLS, `requests`, recording what was accepted | | {others:.2f} | {others / total:.0%} |")
    lines += [f"| {_name(*function)} | {calls:,} | {own:.2f} | {own / total:.0%} |" for own, calls, function in rows[:_SHOWN]]
    rest = sum(own for own, _calls, _function in rows[_SHOWN:])
    return "\n".join([*lines, f"| all others | | {rest:.2f} | {rest / total:.0%} |"])


def _name(path: str, _line: int, function: str) -> str:
    if path == "~":
        return f"`{function.strip('<>')}`"
    return f"`{Path(path).parent.name}/{Path(path).name}: {function}`"


if __name__ == "__main__":
    print(table(*profiled(sys.argv[1], sys.argv[2])))
