# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads of overlapping logs at once, as real processes with one ledger: nothing twice, nothing lost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from emulator import RunningEmulator, Settings
from support.module_process import ModuleProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from support.module_runs import ModuleRun
    from support.postgresql import RunningPostgresql

pytest_plugins = ["support.postgresql.fixtures"]

PATIENCE_SECONDS = 900.0
WRITE = {"kind": "write"}


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


@pytest.fixture(scope="module")
def running_emulator() -> Iterator[RunningEmulator]:
    with RunningEmulator(Settings(play="extrahop")) as running:
        yield running


@dataclass
class Site:
    """Some execution nodes, an appliance, and the ledger that the nodes share."""

    emulator: RunningEmulator
    ledger: str
    folder: Path
    logs: int = 0
    processes: list[ModuleProcess] = field(default_factory=list)

    def log(self, numbers: Iterable[int]) -> Path:
        """A log with these rows, in this order; the same number is the same row in every log."""
        path = self.folder / f"log{self.logs}.csv"
        self.logs += 1
        rows = [f"10.8.{number // 250 % 200}.{number % 250},203.0.113.{number % 200},{1_700_000_000 + number}\n" for number in numbers]
        path.write_text("VPN IP,Real IP,Start Time\n" + "".join(rows), encoding="utf-8")
        return path

    def params(self, log: Path, **options: Any) -> dict[str, Any]:
        return {
            "host": self.emulator.host,
            "ca_path": self.emulator.ca_path,
            "api_key": self.emulator.emulator.settings.api_key,
            "source": "OpenVPN",
            "path": str(log),
            "timestamp_format": "epoch",
            "ledger": self.ledger,
            "batch_size": 100,
            **options,
        }

    def start(self, log: Path, **options: Any) -> ModuleProcess:
        """Starts the module; it runs beside whatever else runs."""
        process = ModuleProcess("extrahop_observation", self.params(log, **options))
        self.processes.append(process)
        return process

    def run(self, log: Path, **options: Any) -> ModuleRun:
        return self.start(log, **options).result()

    def arrived(self) -> dict[int, int]:
        """The number of times that the appliance got each row."""
        return {row["timestamp"] - 1_700_000_000: row["times"] for row in self.emulator.observations()}


def prepared_site(emulator: RunningEmulator, ledger: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    emulator.reset()
    monkeypatch.setenv("HOME", str(folder))
    made = Site(emulator, ledger, folder)
    yield made
    for process in made.processes:
        if not process.has_ended:
            process.kill()


@pytest.fixture
def site(running_emulator: RunningEmulator, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """With a ledger in PostgreSQL."""
    yield from prepared_site(running_emulator, database_url, tmp_path, monkeypatch)


@pytest.fixture(params=["file", "database"])
def any_site(
    running_emulator: RunningEmulator, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """With a ledger of either kind."""
    ledger = str(tmp_path / "ledger.sqlite3") if request.param == "file" else request.getfixturevalue("database_url")
    yield from prepared_site(running_emulator, ledger, tmp_path, monkeypatch)


def uploaded(runs: Iterable[ModuleRun]) -> list[int]:
    counts = [run["counts"] for run in runs]
    for count in counts:
        assert count["read"] == count["uploaded"] + count["already_uploaded"] + sum(count["skipped"].values()) + count["rejected"]
    return [count["uploaded"] for count in counts]


class TestAtOnce:
    @pytest.mark.parametrize("concurrency", [1, 4])
    def test_two_logs_in_opposite_order(self, any_site: Site, concurrency: int) -> None:
        any_site.emulator.configure(latency=0.02)
        logs = [any_site.log(range(4000)), any_site.log(range(3999, -1, -1))]
        runs = [process.result() for process in [any_site.start(log, concurrency=concurrency) for log in logs]]
        assert any_site.arrived() == dict.fromkeys(range(4000), 1)
        assert sum(uploaded(runs)) == 4000

    def test_four_logs_that_overlap(self, any_site: Site) -> None:
        any_site.emulator.configure(latency=0.02)
        logs = [any_site.log(range(start, start + 3000)) for start in (0, 1000, 2000, 3000)]
        runs = [process.result() for process in [any_site.start(log, concurrency=3, batch_size=70) for log in logs]]
        assert any_site.arrived() == dict.fromkeys(range(6000), 1)
        assert sum(uploaded(runs)) == 6000

    def test_four_times_the_same_log(self, any_site: Site) -> None:
        any_site.emulator.configure(latency=0.02)
        log = any_site.log(range(2000))
        runs = [process.result() for process in [any_site.start(log, concurrency=concurrency) for concurrency in (1, 2, 3, 4)]]
        assert any_site.arrived() == dict.fromkeys(range(2000), 1)
        assert sum(uploaded(runs)) == 2000
        assert [run["counts"]["read"] for run in runs] == [2000] * 4

    def test_one_is_refused_and_the_other_sends_its_rows(self, any_site: Site) -> None:
        log = any_site.log(range(100))
        any_site.emulator.add_fault("status", WRITE, times=1, status=400, seconds=3.0)
        refused = any_site.start(log)
        wait_until(lambda: any_site.emulator.state["requests"]["by_kind"]["write"] == 1)
        other = any_site.start(log)
        assert refused.result().failed
        assert uploaded([other.result()]) == [100]
        assert any_site.arrived() == dict.fromkeys(range(100), 1)


class TestKilled:
    def test_before_its_request_arrived(self, any_site: Site) -> None:
        """Its rows are the other's, which waits for them until then: not one is lost, and not one is sent twice."""
        log = any_site.log(range(2000))
        any_site.emulator.add_fault("status", WRITE, after=3, times=1, status=503, headers={"Retry-After": "600"})
        killed = any_site.start(log)
        wait_until(lambda: any_site.emulator.state["requests"]["by_kind"]["write"] == 4)
        other = any_site.start(log)
        killed.kill()
        run = other.result()
        assert any_site.arrived() == dict.fromkeys(range(2000), 1)
        assert uploaded([run]) == [1700]

    def test_while_its_requests_are_under_way(self, any_site: Site) -> None:
        """Only what was under way when it was killed may arrive a second time, and the run that sends it says so."""
        log = any_site.log(range(2000))
        any_site.emulator.add_fault("delay", WRITE, after=5, times=2, seconds=3.0, when="after")
        killed = any_site.start(log, concurrency=2)
        wait_until(lambda: any_site.emulator.state["requests"]["by_kind"]["write"] == 7 or killed.has_ended)
        killed.kill()
        run = any_site.run(log)
        arrived = any_site.arrived()
        assert sorted(arrived) == list(range(2000))
        repeated = [number for number, times in arrived.items() if times > 1]
        assert 0 < len(repeated) <= 200
        assert "were on their way" in run.warnings[0]
        assert uploaded([any_site.run(log)]) == [0]

    def test_one_of_four(self, any_site: Site) -> None:
        any_site.emulator.configure(latency=0.02)
        logs = [any_site.log(range(start, start + 3000)) for start in (0, 1000, 2000, 3000)]
        killed, *others = [any_site.start(log, concurrency=2) for log in logs]
        wait_until(lambda: any_site.emulator.state["requests"]["by_kind"]["write"] >= 20)
        killed.kill()
        uploaded([process.result() for process in others])
        uploaded([any_site.run(logs[0])])
        arrived = any_site.arrived()
        assert sorted(arrived) == list(range(6000))
        assert sum(times - 1 for times in arrived.values()) <= 200

    def test_the_database_is_restarted_in_the_middle(self, site: Site, postgresql_server: RunningPostgresql) -> None:
        log = site.log(range(1000))
        # Long enough for the server to go away while the appliance still works.
        site.emulator.add_fault("delay", WRITE, after=3, times=1, seconds=10.0, when="after")
        process = site.start(log)
        wait_until(lambda: site.emulator.state["requests"]["by_kind"]["write"] == 4)
        postgresql_server.restart(is_abrupt=True)
        broken = process.result()
        assert broken.failed
        assert "the connection broke" in broken.msg
        run = site.run(log)
        arrived = site.arrived()
        assert sorted(arrived) == list(range(1000))
        assert {number for number, times in arrived.items() if times > 1} <= set(range(300, 500))
        assert any("on their way" in warning for warning in run.warnings)
        assert uploaded([site.run(log)]) == [0]


class TestModule:
    def test_again_in_check_mode_and_again(self, site: Site) -> None:
        log = site.log(range(250))
        planned = site.run(log, _ansible_check_mode=True)
        assert planned.changed
        assert uploaded([planned]) == [250]
        assert site.arrived() == {}
        with psycopg.connect(site.ledger) as connection:
            assert connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'secops_xdr'").fetchall() == []
        first = site.run(log)
        assert first.changed
        again = site.run(log)
        assert not again.changed
        assert again["requests"] == 0
        planned = site.run(log, _ansible_check_mode=True)
        assert not planned.changed
        with log.open("a", encoding="utf-8") as file:
            file.write("10.8.9.9,203.0.113.9,1700001000\n")
        assert uploaded([site.run(log, _ansible_check_mode=True), site.run(log)]) == [1, 1]

    def test_an_unknown_outcome_is_sent_by_the_next_run(self, site: Site) -> None:
        log = site.log(range(250))
        site.emulator.add_fault("close_after", WRITE, after=1, times=1)
        failed = site.run(log, retries=0)
        assert failed.failed
        run = site.run(log)
        assert "100 observations were on their way" in run.warnings[0]
        assert sorted(site.arrived()) == list(range(250))

    def test_retention(self, site: Site) -> None:
        site.run(site.log(range(100)))
        with psycopg.connect(site.ledger) as connection:
            connection.execute("UPDATE secops_xdr.batch SET noted_at = noted_at - 8 * 86400")
        both = site.log(range(50, 200))
        run = site.run(both, ledger_retention=7)
        assert (run["counts"]["uploaded"], run["counts"]["already_uploaded"]) == (100, 50)
        with psycopg.connect(site.ledger) as connection:
            assert connection.execute("SELECT count(*) FROM secops_xdr.observation").fetchall() == [(100,)]

    def test_retention_out_of_range(self, site: Site) -> None:
        assert "ledger_retention: 0 is out of range" in site.run(site.log(range(1)), ledger_retention=0).msg

    def test_the_password_is_shown_nowhere(self, site: Site, postgresql_server: RunningPostgresql) -> None:
        log = site.log(range(10))
        good = site.run(log, _ansible_diff=True)
        assert postgresql_server.password not in good.printed
        # From ansible-core 2.21 on, a module repeats its options only where it is asked to.
        if "invocation" in good:
            assert "********" in good["invocation"]["module_args"]["ledger"]
        for secret, url in (
            ("not-the+real/one", postgresql_server.url_of("postgres", password="not-the+real/one")),
            ("half@another", f"postgresql://ledger:half@another@127.0.0.1:{postgresql_server.port}/postgres"),
            ("in/the/way", f"postgresql://ledger:in/the/way@127.0.0.1:{postgresql_server.port}/postgres"),
            ("among-parameters", f"postgresql://ledger@127.0.0.1:{postgresql_server.port}/postgres?password=among-parameters"),
            ("cut-off%zz", f"postgresql://ledger:cut-off%zz@127.0.0.1:{postgresql_server.port}/postgres"),
            ("wrong-port", "postgresql://ledger:wrong-port@127.0.0.1:notaport/postgres"),
        ):
            run = site.run(log, ledger=url)
            assert "ledger" in run.msg
            for part in (secret, *secret.replace("@", "/").replace("%", "/").split("/")):
                assert len(part) < 4 or part not in run.printed
        refused = site.run(log, batch_size="many")
        assert "batch_size" in refused.msg
        assert postgresql_server.password not in refused.printed

    def test_without_the_library(self, site: Site) -> None:
        process = ModuleProcess("extrahop_observation", site.params(site.log(range(1))), without=("psycopg",))
        run = process.result()
        assert "psycopg[binary]" in run.msg
        assert site.arrived() == {}
        in_a_file = site.params(site.log(range(1)), ledger=str(site.folder / "ledger.sqlite3"))
        assert ModuleProcess("extrahop_observation", in_a_file, without=("psycopg",)).result()["counts"]["uploaded"] == 1
