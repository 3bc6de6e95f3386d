# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost of a session history: keeping a million sessions, and answering one question and thousands, in time and memory.

Run it with `.venv/bin/python benchmarks/history.py` after `make venv`; `--sessions 50000` is a short run, `--postgresql` measures a
database too. It prints Markdown, and its exit status says whether the bounds are held. The history is measured alone: reading a log is not
part of it. Each measurement is made in a process of its own, and the best is taken; bounds are for the time of the processor, which others
on the machine disturb less. With PostgreSQL, the server's time comes on top.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _paths import BENCHMARKS, ROOT

from support.postgresql import RunningPostgresql, find_programs

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE_SECONDS = 0.05
THOUSANDS_SECONDS = 2.0
MANY = 5_000
HIGHEST_MIB = 100


def measured(task: str, *arguments: Any) -> dict[str, Any]:
    """Runs one task in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "build" / "dev")}
    command = [sys.executable, str(BENCHMARKS / "_history_task.py"), task, *map(str, arguments)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def locations(folder: str, with_postgresql: bool, opened: ExitStack) -> Iterator[tuple[str, str]]:
    """The kinds of history and where they are."""
    yield "SQLite", str(Path(folder, "sessions.sqlite3"))
    if with_postgresql:
        server = opened.enter_context(RunningPostgresql(find_programs(), is_durable=True))
        yield "PostgreSQL", server.create_database("history")


def table(sessions: int, repeats: int, with_postgresql: bool) -> bool:
    """Prints a row for each kind of history; returns whether the bounds are held."""
    print(f"{sessions:,} sessions on 4,000 addresses of 3 gateways; times of this process, and in brackets by the clock\n")
    print("| history | keeping | one question | 5,000 questions | named | peak memory |\n|---|---|---|---|---|---|")
    held = True
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        for kind, location in locations(folder, with_postgresql, opened):
            kept = measured("keep", location, sessions)
            one = [measured("ask", location, sessions, 1) for _time in range(repeats)]
            many = [measured("ask", location, sessions, MANY) for _time in range(repeats)]
            one_best, many_best = (min(runs, key=lambda run: run["processor"]) for runs in (one, many))
            mib = max(run["mib"] for run in (kept, *one, *many))
            held = held and one_best["processor"] <= ONE_SECONDS and many_best["processor"] <= THOUSANDS_SECONDS and mib <= HIGHEST_MIB
            print(
                f"| {kind} | {_shown(kept)} | {_shown(one_best)} | {_shown(many_best)} | {many_best['named']:,} | {mib:.0f} MiB |",
                flush=True,
            )
    bounds = f"one question {ONE_SECONDS * 1000:.0f} ms, 5,000 questions {THOUSANDS_SECONDS:.0f} s, {HIGHEST_MIB} MiB"
    print(f"\nBounds ({bounds}): {'held' if held else 'NOT held'}")
    return held


def _shown(run: dict[str, Any]) -> str:
    return f"{run['processor']:.3f} s ({run['seconds']:.3f} s)"


def main() -> int:
    """Prints a table; the exit status says whether the bounds are held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    return 0 if table(options.sessions, options.repeats, options.postgresql) else 1


if __name__ == "__main__":
    sys.exit(main())
