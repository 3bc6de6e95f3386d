# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ledgers in separate processes, which act at the same moment, can be killed, and run out of disk.

Run as a program, it takes one command a line, as JSON, and answers each with one line.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from ansible_collections.secops.xdr.plugins.module_utils._errors import LedgerError
from ansible_collections.secops.xdr.plugins.module_utils._ledger.contract import ObservationScope
from ansible_collections.secops.xdr.plugins.module_utils._ledger.opening import open_ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

SCOPE = ObservationScope("https://extrahop.example.com", "OpenVPN", "seconds")


def key(number: int) -> tuple[int, bytes]:
    """The key of a row."""
    return number, b"row" * 50


class LedgerProcess:
    """One process. `start` and `result` apart let several of them work at once."""

    def __init__(self, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **environment},
        )

    def start(self, command: str, *arguments: Any) -> None:
        """Begins a method of `_Worker`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([command, *arguments]).encode() + b"\n")
        self._process.stdin.flush()

    def result(self) -> Any:
        """The result of the method, or the message of its LedgerError."""
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def run(self, command: str, *arguments: Any) -> Any:
        """Begins a method and waits for its result."""
        self.start(command, *arguments)
        return self.result()

    def kill(self) -> None:
        """As `kill -9` does."""
        self._process.kill()
        self._process.communicate(timeout=900)


@contextlib.contextmanager
def ledger_processes(count: int) -> Any:
    """Processes that have imported everything."""
    processes = [LedgerProcess() for _number in range(count)]
    try:
        for process in processes:
            process.run("ready")
        yield processes
    finally:
        for process in processes:
            process.kill()


def create_together(processes: Sequence[LedgerProcess], location: str) -> None:
    """All of them create one ledger at the same moment and send the same rows and one of their own: each row is sent once."""
    for number, process in enumerate(processes):
        process.start("upload", location, [*range(100, 110), number])
    results = [process.result() for process in processes]
    assert all(isinstance(result, list) for result in results), results
    assert sorted(row for result in results for row in result) == [*range(len(processes)), *range(100, 110)]


class _Worker:
    """The commands for a process."""

    def __init__(self) -> None:
        self._open = ExitStack()

    def ready(self) -> bool:
        return True

    def upload(self, location: str, numbers: Sequence[int], read_only: bool = False) -> list[int]:
        """One run; returns the rows that it sent."""
        ledger = open_ledger(location, read_only=read_only)
        with closing(ledger), ledger.observations(SCOPE, force=False) as observations:
            claim = observations.claim([key(number) for number in numbers])
            observations.accept(claim)
            return [timestamp for timestamp, _addresses in claim.fresh_keys]

    def claim(self, location: str, accepted: Sequence[int], claimed: Sequence[int]) -> bool:
        """A run that continues: it has accepted some rows, and others are under way."""
        ledger = self._open.enter_context(closing(open_ledger(location, read_only=False)))
        observations = self._open.enter_context(ledger.observations(SCOPE, force=False))
        observations.accept(observations.claim([key(number) for number in accepted]))
        observations.claim([key(number) for number in claimed])
        return True

    def fill(self, location: str, most_bytes: int, batch: int) -> list[Any]:
        """A run until no file can grow any more: batches that were accepted, batches that were claimed, and what ended it."""
        accepted = claimed = 0
        ledger = open_ledger(location, read_only=False)
        with closing(ledger), ledger.observations(SCOPE, force=False) as observations:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
            try:
                while True:
                    claim = observations.claim([key(claimed * batch + place) for place in range(batch)])
                    claimed += 1
                    observations.accept(claim)
                    accepted += 1
            except LedgerError as error:
                return [accepted, claimed, error.message]


def _main() -> None:
    worker = _Worker()
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        try:
            result = getattr(worker, command)(*arguments)
        except LedgerError as error:
            result = error.message
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    _main()
