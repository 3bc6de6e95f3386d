# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger on a slow disk: a COMMIT that takes as long as the test wants, and another run that needs the same rows meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._database import sqlite as _sqlite
from ansible_collections.secops.xdr.plugins.module_utils._database import sqlite_file
from ansible_collections.secops.xdr.plugins.module_utils._errors import LedgerError
from ansible_collections.secops.xdr.plugins.module_utils._ledger.contract import ClaimedBatch, ObservationLedger, ObservationScope
from ansible_collections.secops.xdr.plugins.module_utils._ledger.opening import open_ledger

SCOPE = ObservationScope("https://appliance.example.com", "OpenVPN", "seconds")
KEYS = [(1_700_000_000 + number, bytes([10, 8, 0, number, 203, 0, 113, number])) for number in range(1, 6)]
PATIENCE = 900.0


class SlowDisk:
    """The writes of one thread stop in their COMMIT, or in the write of a single statement, until they are released."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.stops_at = ""
        self.is_writing = threading.Event()
        self.may_end = threading.Event()
        self.other_waits = threading.Event()

    def stop(self, thread: threading.Thread, statement: str) -> None:
        """From now on, this statement of this thread takes as long as the disk."""
        self.thread, self.stops_at = thread, statement

    def passes(self, statement: str) -> None:
        """Called with every statement, before it is run."""
        if threading.current_thread() is self.thread and statement.startswith(self.stops_at):
            self.is_writing.set()
            assert self.may_end.wait(PATIENCE)
        elif self.is_writing.is_set() and statement.startswith("BEGIN IMMEDIATE"):
            self.other_waits.set()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    """The disk below all ledgers of a test."""
    slow = SlowDisk()

    class Connection(sqlite3.Connection):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            slow.passes(statement)
            return super().execute(statement, *values)

    connect = sqlite3.connect
    monkeypatch.setattr(_sqlite.sqlite3, "connect", lambda *given, **named: connect(*given, factory=Connection, **named))
    yield slow
    slow.may_end.set()


@contextmanager
def opened(path: Path) -> Iterator[ObservationLedger]:
    ledger = open_ledger(str(path), read_only=False)
    try:
        with ledger.observations(SCOPE, force=False) as observations:
            yield observations
    finally:
        ledger.close()


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[tuple[ObservationLedger, ObservationLedger]]:
    """Two runs on one new ledger."""
    with opened(tmp_path / "ledger.sqlite3") as one, opened(tmp_path / "ledger.sqlite3") as other:
        yield one, other


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as threads:
        yield threads


def claimed_slowly(disk: SlowDisk, pool: ThreadPoolExecutor, run: ObservationLedger) -> Future[ClaimedBatch]:
    """A claim that is in its COMMIT."""

    def claim() -> ClaimedBatch:
        disk.stop(threading.current_thread(), "COMMIT")
        return run.claim(KEYS)

    claim_under_way = pool.submit(claim)
    assert disk.is_writing.wait(PATIENCE)
    return claim_under_way


def test_nothing_may_be_sent_before_the_claim_is_on_the_disk_and_another_run_waits(disk, pool, runs):
    one, other = runs
    claim = claimed_slowly(disk, pool, one)
    others = pool.submit(other.claim, KEYS)
    assert disk.other_waits.wait(PATIENCE)
    assert not claim.done()
    assert not others.done()
    disk.may_end.set()
    batch = claim.result(PATIENCE)
    assert list(batch.fresh) == [0, 1, 2, 3, 4]
    one.accept(batch)
    assert (list(others.result(PATIENCE).fresh), others.result().already_uploaded) == ([], 5)


def test_what_was_accepted_is_not_sent_by_another_run_while_that_is_being_written(disk, pool, runs):
    one, other = runs
    batch = one.claim(KEYS)

    def accept() -> None:
        disk.stop(threading.current_thread(), "UPDATE batch SET state")
        one.accept(batch)

    accepting = pool.submit(accept)
    assert disk.is_writing.wait(PATIENCE)
    others = pool.submit(other.claim, KEYS)
    assert disk.other_waits.wait(PATIENCE)
    assert not others.done()
    disk.may_end.set()
    accepting.result(PATIENCE)
    assert (list(others.result(PATIENCE).fresh), others.result().already_uploaded) == ([], 5)


def test_a_disk_that_is_too_slow_for_another_run_is_named_and_harms_neither(disk, pool, tmp_path, monkeypatch):
    path = tmp_path / "ledger.sqlite3"
    with opened(path) as one:
        monkeypatch.setattr(sqlite_file, "_BUSY_SECONDS", 0.0)
        with opened(path) as other:
            claim = claimed_slowly(disk, pool, one)
            with pytest.raises(LedgerError, match=r"ledger\.sqlite3 has been locked by another program .* run again"):
                other.claim(KEYS)
            disk.may_end.set()
            batch = claim.result(PATIENCE)
            one.accept(batch)
            assert (list(other.claim(KEYS).fresh), other.claim(KEYS).already_uploaded) == ([], 5)
