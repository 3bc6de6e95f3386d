# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs processes and measures their time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Usage:
    """The time that a process and its children took, in seconds. `peak` is that of the largest recorded process below it, in MiB.

    `tasks` are the seconds of its tasks, if they were timed.
    """

    wall: float
    cpu: float
    peak: float = 0.0
    server_cpu: float = 0.0
    tasks: tuple[tuple[str, float], ...] = ()


@dataclass
class Process:
    """A process under way."""

    popen: subprocess.Popen[bytes]
    output: Path
    record: Path
    begun: float

    @property
    def module_pids(self) -> list[int]:
        """The modules that this process has started so far."""
        return [int(entry["pid"]) for entry in _entries(self.record) if "pid" in entry]

    def wait(self) -> tuple[int, Usage]:
        """Exit status and usage; waits for the end."""
        _pid, status, usage = os.wait4(self.popen.pid, 0)
        wall = time.monotonic() - self.begun
        self.popen.returncode = os.waitstatus_to_exitcode(status)
        modules = [entry for entry in _entries(self.record) if "peak" in entry]
        return self.popen.returncode, Usage(
            wall,
            usage.ru_utime + usage.ru_stime,
            max((entry["peak"] for entry in modules), default=0.0),
        )


def start(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Process:
    """Starts a process whose output goes to a file in the folder."""
    own = Path(tempfile.mkdtemp(dir=folder))
    output, record = own / "output.txt", own / "record.jsonl"
    with output.open("wb") as file:
        begun = time.monotonic()
        popen = subprocess.Popen(
            command,
            env={**environment, "BENCHMARK_RECORD": str(record)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    return Process(popen, output, record, begun)


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Usage:
    """Runs a process to its end; if it fails, ends the benchmark with its output."""
    process = start(command, environment, folder)
    status, usage = process.wait()
    if status:
        output = process.output.read_text(encoding="utf-8", errors="replace")
        raise SystemExit(f"{' '.join(command)} failed with status {status}:\n{output[:4000]}\n…\n{output[-4000:]}")
    return usage


def cpu_seconds(pid: int) -> float:
    """The time that a running process took so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _entries(record: Path) -> list[dict[str, float]]:
    if not record.exists():
        return []
    return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
