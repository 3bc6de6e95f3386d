# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed at any moment, with `kill -9`, the next run completes the upload: nothing is lost, and possible duplicates are reported."""

from __future__ import annotations

import re
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest
import requests

from support.module_process import PATIENCE_SECONDS, ModuleProcess
from support.vpn_logs import plain_rows, received, write_log

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 4
BATCHES = 6
UPLOAD = {"path": "/api/v1/observations/associatedipaddrs"}
UNDER_WAY = re.compile(r"up to (\d+) observations were on their way")
# Long enough for any kill to come first; a killed client ends the wait.
HELD = 30.0


@pytest.fixture
def path(tmp_path):
    return write_log(tmp_path / "log.csv", *plain_rows(BATCH * BATCHES))


@pytest.fixture
def options(extrahop, path, tmp_path):
    return {**extrahop, "path": path, "timezone": "local", "batch_size": BATCH, "ledger": str(tmp_path / "ledger.db")}


@pytest.fixture
def expected(upload, emulator, options):
    """The observations that an undisturbed run sends."""
    upload(**{**options, "ledger": options["ledger"] + ".undisturbed"})
    held = received(emulator.observations())
    assert len(held) == BATCH * BATCHES
    emulator.reset()
    return held


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.002)


def open_requests(emulator) -> int:
    return sum(one["status"] is None and one["seconds"] is None for one in emulator.writes())


def kill(process: ModuleProcess, emulator) -> None:
    """Kills it, and waits until the emulator has read what was still on its way: a request that comes later is read later."""
    process.kill()
    assert requests.get(f"{emulator.url}/_emulator/state", verify=emulator.ca_path, timeout=PATIENCE_SECONDS).ok


def check_completed(upload, emulator, options, expected, requests: int = 1) -> None:
    """The next run ends the upload. At most what was in so many requests came twice, and that is reported.

    The reported number is an upper bound: it counts what was prepared for the next request, and for the one after it, as well.
    """
    emulator.clear_faults()
    emulator.configure(latency=0.0)
    run = upload(**options)
    assert not run.failed
    assert received(emulator.observations()) == expected, "something was lost"
    duplicates = emulator.state["extrahop"]["observations"]["duplicates"]
    assert duplicates <= requests * BATCH
    told = [int(found.group(1)) for found in map(UNDER_WAY.search, run.warnings) if found]
    assert sum(told) >= duplicates, "rows came twice and nobody said so"
    assert sum(told) <= (requests + 2) * BATCH
    assert run["counts"]["uploaded"] + run["counts"]["already_uploaded"] == len(expected)
    again = upload(**options)
    assert not again.changed
    assert again.warnings == []


@pytest.mark.parametrize("when", ["before", "after"], ids=["before the work is done", "after the work is done"])
@pytest.mark.parametrize("nth", [0, 2, BATCHES - 1], ids=["first request", "third request", "last request"])
def test_during_a_request(upload, emulator, options, expected, when, nth):
    emulator.add_fault("delay", UPLOAD, after=nth, seconds=HELD if when == "after" else 0.5, when=when, times=None)
    process = ModuleProcess("extrahop_observation", options)
    wait_until(lambda: len(emulator.writes()) == nth + 1)
    kill(process, emulator)
    if when == "before":
        # The emulator does the work although the client is gone, as a server may.
        wait_until(lambda: open_requests(emulator) == 0)
    check_completed(upload, emulator, options, expected)


def test_between_requests(upload, emulator, options, expected):
    """Right after each answer, wherever the process is then: reading, recording, or sending the next."""
    emulator.configure(latency=0.003)
    for answered in range(1, BATCHES):
        emulator.reset(keep_settings=True)
        ledger = f"{options['ledger']}.{answered}"
        process = ModuleProcess("extrahop_observation", {**options, "ledger": ledger})
        wait_until(lambda answered=answered: sum(one["status"] == 202 for one in emulator.writes()) >= answered)
        kill(process, emulator)
        wait_until(lambda: open_requests(emulator) == 0)
        check_completed(upload, emulator, {**options, "ledger": ledger}, expected)
        emulator.configure(latency=0.003)


def test_before_the_first_request(upload, emulator, options, expected, tmp_path):
    process = ModuleProcess("extrahop_observation", options)
    wait_until((tmp_path / "ledger.db").exists)
    kill(process, emulator)
    check_completed(upload, emulator, options, expected)


def test_with_several_requests_at_once(upload, emulator, options, expected):
    emulator.add_fault("delay", UPLOAD, after=1, seconds=HELD, when="after", times=None)
    process = ModuleProcess("extrahop_observation", {**options, "concurrency": 3})
    wait_until(lambda: len(emulator.writes()) == 4)
    kill(process, emulator)
    check_completed(upload, emulator, options, expected, requests=3)


def test_while_another_run_waits(upload, emulator, options, expected):
    """The one that waits takes over as soon as the other one is dead."""
    emulator.add_fault("delay", UPLOAD, after=1, seconds=HELD, when="after", times=1)
    first = ModuleProcess("extrahop_observation", options)
    wait_until(lambda: len(emulator.writes()) == 2)
    second = ModuleProcess("extrahop_observation", options)
    kill(first, emulator)
    run = second.result()
    assert not run.failed
    assert received(emulator.observations()) == expected
    assert emulator.state["extrahop"]["observations"]["duplicates"] == BATCH
    assert len(run.warnings) == 1
    assert UNDER_WAY.search(run.warnings[0])
    assert not upload(**options).changed


def test_twice_in_a_row(upload, emulator, options, expected):
    for nth in (1, 3):
        emulator.clear_faults()
        emulator.clear_requests()
        emulator.add_fault("delay", UPLOAD, after=nth, seconds=HELD, when="after", times=None)
        process = ModuleProcess("extrahop_observation", options)
        wait_until(lambda nth=nth: len(emulator.writes()) == nth + 1)
        kill(process, emulator)
    check_completed(upload, emulator, options, expected, requests=2)


def test_the_ledger_is_whole_afterwards(emulator, options, upload):
    emulator.add_fault("delay", UPLOAD, after=2, seconds=HELD, when="after", times=None)
    process = ModuleProcess("extrahop_observation", options)
    wait_until(lambda: len(emulator.writes()) == 3)
    kill(process, emulator)
    with sqlite3.connect(options["ledger"]) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    emulator.clear_faults()
    assert not upload(**options).failed
