# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts that insert the same events at once with one ledger, as real processes: each event once, also if one of them is killed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from emulator import RunningEmulator, Settings
from support.module_process import ModuleProcess
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

pytest_plugins = ["support.postgresql.fixtures"]

INSERT = {"path": "/connect/api/v1/insert_ser"}
LONG_SECONDS = 3.0
"""The server's time for a write: long enough for another host to start meanwhile. Whether it does is checked."""


@pytest.fixture(scope="module")
def running_emulator() -> Iterator[RunningEmulator]:
    """Stellar Cyber, whose search sees a write a second later."""
    with RunningEmulator(Settings(play="stellar", refresh_delay=1.0)) as running:
        yield running


@dataclass
class Hosts:
    """Execution nodes that share a ledger."""

    emulator: RunningEmulator
    ledger: str
    processes: list[ModuleProcess] = field(default_factory=list)

    def start(self, numbers: Iterable[int], **options: Any) -> ModuleProcess:
        """Starts the task on one of them; it inserts events with these numbers."""
        settings = self.emulator.emulator.settings
        shared = {"event_source": "scanner", "event_status": "New", "timestamp": 1_717_143_300_000}
        params = {
            "host": self.emulator.host,
            "ca_path": self.emulator.ca_path,
            "username": settings.username,
            "api_key": settings.stellar_api_key,
            "events": [{**shared, "event_name": f"finding {number}"} for number in numbers],
            "search_delay": 5,
            "ledger": self.ledger,
            **options,
        }
        self.processes.append(ModuleProcess("stellar_ser_event", params))
        return self.processes[-1]

    def is_writing(self) -> bool:
        """True once a write has reached the server."""
        return bool(self.emulator.state["requests"]["by_kind"]["write"])

    def copies(self) -> list[int]:
        """The number of copies of each event on the server."""
        names = [event["_source"]["event_name"] for event in self.emulator.events()]
        return [names.count(f"finding {number}") for number in range(len(set(names) - {"another"}))]


@pytest.fixture(params=["file", "database"])
def hosts(running_emulator: RunningEmulator, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hosts]:
    """With a ledger of either kind."""
    running_emulator.reset()
    # So that not finding an event proves that it is missing.
    running_emulator.add_events({"event_name": "another", "event_source": "x", "event_status": "New", "timestamp": 1})
    made = Hosts(running_emulator, str(tmp_path / "ledger.sqlite3") if request.param == "file" else request.getfixturevalue("database_url"))
    yield made
    for process in made.processes:
        if not process.has_ended:
            process.kill()


def test_one_starts_while_the_other_is_writing(hosts: Hosts):
    hosts.emulator.add_fault("delay", INSERT, times=1, seconds=LONG_SECONDS, when="before")
    first = hosts.start(range(4))
    wait_until(hosts.is_writing)
    second = hosts.start(range(2, 6))
    runs = [first.result(), second.result()]

    assert [run.failed for run in runs] == [False, False]
    assert hosts.copies() == [1] * 6
    assert sum(event["changed"] for run in runs for event in run["events"]) == 6
    assert runs[0]["events"][2]["id"] == runs[1]["events"][0]["id"]


def test_one_is_killed_while_it_is_writing_and_the_server_finishes_the_write(hosts: Hosts):
    hosts.emulator.add_fault("delay", INSERT, times=1, seconds=LONG_SECONDS, when="before")
    killed = hosts.start(range(1), timeout=2)
    wait_until(hosts.is_writing)
    other = hosts.start(range(1), timeout=2)
    killed.kill()

    run = other.result()

    assert not run.failed
    assert not run.changed
    assert hosts.copies() == [1]


def test_one_is_killed_while_it_is_writing_and_the_write_is_lost(hosts: Hosts):
    hosts.emulator.add_fault("status", INSERT, times=1, seconds=LONG_SECONDS, status=503)
    killed = hosts.start(range(1), timeout=2)
    wait_until(hosts.is_writing)
    killed.kill()

    run = hosts.start(range(1), timeout=2).result()

    assert run.changed
    assert hosts.copies() == [1]


def test_four_at_once(hosts: Hosts):
    hosts.emulator.configure(latency=0.05)
    runs = [process.result() for process in [hosts.start(range(5)) for _host in range(4)]]

    assert [run.failed for run in runs] == [False] * 4
    assert hosts.copies() == [1] * 5
    assert sum(event["changed"] for run in runs for event in run["events"]) == 5
