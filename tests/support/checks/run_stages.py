# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run targets of the Makefile in lanes side by side, the targets of a lane one after the other: `run_stages.py "lint unit" "integration"`.

What a target prints is shown as one piece when it ends. All are run, whatever became of the others. Closes with a table and one line of
counts. Ends with status 1 where one failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

LOGS = Path(__file__).resolve().parents[3] / "build" / "stages"


@dataclass(frozen=True)
class Outcome:
    """How a stage ended."""

    stage: str
    status: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.stage:12} {'FAILED' if self.status else 'passed'} {self.seconds:5.0f} s"


class Console:
    """Prints whole pieces, from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def show(self, text: str) -> None:
        """Print a piece of text."""
        with self._lock:
            print(text.rstrip("\n"), flush=True)


def run_stage(stage: str, console: Console) -> Outcome:
    """Run one target, and show what it printed."""
    console.show(f"=== {stage}: started ===")
    log = LOGS / f"{stage}.log"
    started = time.monotonic()
    with log.open("wb") as output:
        command = [os.environ.get("MAKE", "make"), "--no-print-directory", stage]
        status = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT).returncode
    outcome = Outcome(stage, status, time.monotonic() - started)
    console.show(f"\n=== {outcome} ===\n{log.read_text(encoding='utf-8', errors='replace')}")
    return outcome


def run_lane(stages: list[str], console: Console) -> list[Outcome]:
    """Run targets one after the other."""
    return [run_stage(stage, console) for stage in stages]


def main() -> int:
    lanes = [argument.split() for argument in sys.argv[1:]]
    LOGS.mkdir(parents=True, exist_ok=True)
    console = Console()
    with ThreadPoolExecutor(max_workers=len(lanes)) as pool:
        outcomes = [outcome for lane in pool.map(lambda stages: run_lane(stages, console), lanes) for outcome in lane]
    failed = sum(bool(outcome.status) for outcome in outcomes)
    table = "\n".join(str(outcome) for outcome in outcomes)
    console.show(f"\n=== result ===\n{table}\n\n{len(outcomes) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
