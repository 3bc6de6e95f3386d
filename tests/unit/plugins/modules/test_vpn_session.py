# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vpn_session: sessions of logs and snapshots are kept in a history, once each, and can be queried."""

from __future__ import annotations

import gzip
import os
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.secops.xdr.plugins.modules import vpn_session, vpn_session_info

from support.module_process import PATIENCE_SECONDS, ModuleProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.module_runs import ModuleRun

    Take = Callable[..., ModuleRun]
    Who = Callable[..., list[str | None]]

NOON = 1_704_110_400
X = "10.8.0.3"


def up(minute: int, user: str, ipaddr: str = X) -> str:
    """An address is assigned, so many minutes after noon of 2024-01-01."""
    return (
        f"Jan 01 2024 {12 + minute // 60}:{minute % 60:02}:00 fw : %ASA-4-722051: Group <RA> User <{user}> IP <203.0.113.7> "
        f"IPv4 Address <{ipaddr}> IPv6 address <::> assigned to session"
    )


def down(minute: int, user: str, minutes: int) -> str:
    """A session ends that took so many minutes."""
    return (
        f"Jan 01 2024 {12 + minute // 60}:{minute % 60:02}:00 fw : %ASA-4-113019: Group = RA, Username = {user}, IP = 203.0.113.7, "
        f"Session disconnected. Session Type: SSL, Duration: {minutes // 60}h:{minutes % 60:02}m:00s, Bytes xmt: 1, Bytes rcv: 1, "
        "Reason: User Requested"
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "asa.log"


@pytest.fixture
def take(run_module: Callable[..., ModuleRun], log: Path, tmp_path: Path) -> Take:
    """Appends rows to the log, and takes it into the history."""

    def run(*rows: str, check_mode: bool = False, **options: Any) -> ModuleRun:
        with log.open("a", encoding="utf-8") as file:
            file.writelines(f"{row}\n" for row in rows)
        os.utime(log, (NOON + 86_400,) * 2)
        params = {"format": "cisco_asa", "timezone": "UTC", "gateway": "gw1", "history": str(tmp_path / "h.sqlite3"), **options}
        return run_module(vpn_session.main, {**({} if "paths" in options else {"path": str(log)}), **params}, check_mode=check_mode)

    return run


@pytest.fixture
def who(run_module: Callable[..., ModuleRun], tmp_path: Path) -> Who:
    """Who had the address at these minutes after noon, or the reason."""

    def ask(*minutes: int, ipaddr: str = X, **options: Any) -> list[str | None]:
        match = [{"ipaddr": ipaddr, "timestamp": NOON + 60 * minute} for minute in minutes]
        result = run_module(vpn_session_info.main, {"history": str(tmp_path / "h.sqlite3"), "match": match, **options})
        return [answer["session"]["username"] if answer["session"] else answer["reason"] for answer in result["matches"]]

    return ask


ROWS = (up(0, "ann"), down(60, "ann", 60), up(70, "bob"), up(90, "zoe", "10.8.0.99"))


class TestFourWays:
    """Change, again, check mode, check mode again."""

    def test_check_mode_keeps_nothing(self, take: Take, tmp_path: Path):
        planned = take(*ROWS, check_mode=True)
        assert planned.changed
        assert planned["counts"]["added"] == 3
        assert not (tmp_path / "h.sqlite3").exists()
        real = take()
        assert real.changed
        assert real["counts"] == planned["counts"]

    def test_the_second_run_changes_nothing(self, take: Take):
        first = take(*ROWS)
        assert (first["counts"]["read"], first["counts"]["added"]) == (4, 3)
        again = take()
        assert not again.changed
        assert (again["counts"]["read"], again["counts"]["added"], again["counts"]["updated"]) == (0, 0, 0)
        assert not take(check_mode=True).changed
        assert again["coverage"] == first["coverage"]


def test_answers_come_from_the_history_after_the_log_is_gone(take: Take, who: Who, log: Path):
    take(*ROWS)
    log.unlink()
    assert who(30, 65, 80, 91, -5) == ["ann", "not_held", "bob", "after_log_end", "before_log_start"]


def test_an_open_session_that_a_later_row_ends_is_updated(take: Take, who: Who):
    take(*ROWS)
    later = take(down(100, "BOB", 30), up(120, "zoe", "10.8.0.99"))
    assert (later["counts"]["read"], later["counts"]["added"], later["counts"]["updated"]) == (2, 1, 2)
    assert who(95, 110) == ["bob", "not_held"]


def test_only_new_rows_are_read(take: Take):
    take(*ROWS)
    assert take(down(100, "bob", 30))["counts"]["read"] == 1


def test_a_quiet_night_is_covered_as_soon_as_the_next_row_is_read(take: Take, who: Who):
    take(*ROWS)
    assert who(91) == ["after_log_end"]
    take(up(600, "zoe", "10.8.0.99"))
    assert who(91, 500) == ["bob", "bob"]


class TestKilled:
    """`kill -9` in the middle of a run: nothing is doubled, and the next run completes the history."""

    SESSIONS = 30_000
    """Kept in several transactions."""

    @pytest.fixture
    def options(self, log: Path) -> dict[str, Any]:
        rows = (f"u{place % 97},203.0.113.7,10.8.{place % 251}.{place % 7},{NOON + 2 * place}\n" for place in range(self.SESSIONS))
        log.write_text("Username,Real IP,VPN IP,Start Time\n" + "".join(rows), encoding="utf-8")
        os.utime(log, (NOON + 86_400,) * 2)
        return {"path": str(log), "timestamp_format": "epoch", "gateway": "gw1"}

    @staticmethod
    def tables(history: str) -> dict[str, list[Any]]:
        with closing(sqlite3.connect(history)) as database:
            names = ("claim", "assigned", "span", "doubt", "log_position")
            return {name: sorted(database.execute(f"SELECT * FROM {name}"), key=repr) for name in names}

    def test_the_next_run_completes_it(self, run_module: Callable[..., ModuleRun], options: dict[str, Any], tmp_path: Path):
        whole = str(tmp_path / "undisturbed.sqlite3")
        assert run_module(vpn_session.main, {**options, "history": whole})["counts"]["added"] == self.SESSIONS
        attempts = [str(tmp_path / f"{number}.sqlite3") for number in range(5)]
        history = next((history for history in attempts if self._is_killed({**options, "history": history})), None)
        assert history is not None, "every run came to its end before it could be killed"
        again = run_module(vpn_session.main, {**options, "history": history})
        assert again["counts"]["read"] == self.SESSIONS
        assert self.tables(history) == self.tables(whole)
        assert not run_module(vpn_session.main, {**options, "history": history}).changed

    def _is_killed(self, options: dict[str, Any]) -> bool:
        """Kills a run after its first transaction; false if it was faster."""
        process = ModuleProcess("vpn_session", options)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._claims(options["history"]) and not process.has_ended:
            assert time.monotonic() < deadline, "it never kept anything"
        process.kill()
        return 0 < self._claims(options["history"]) < self.SESSIONS

    @staticmethod
    def _claims(history: str) -> int:
        try:
            with closing(sqlite3.connect(f"file:{history}?mode=ro", uri=True)) as database:
                return int(database.execute("SELECT count(*) FROM claim").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def test_a_copy_adds_nothing(take: Take, log: Path, tmp_path: Path):
    take(*ROWS)
    copy = tmp_path / "copy.log.gz"
    copy.write_bytes(gzip.compress(log.read_bytes()))
    os.utime(copy, (NOON + 86_400,) * 2)
    assert not take(paths=[str(copy)]).changed


def test_a_part_of_a_log_adds_nothing(take: Take, who: Who, tmp_path: Path):
    take(*ROWS)
    part = tmp_path / "part.log"
    part.write_text("".join(f"{row}\n" for row in ROWS[:2]), encoding="utf-8")
    os.utime(part, (NOON + 86_400,) * 2)
    result = take(paths=[str(part)])
    assert (result["counts"]["added"], result["counts"]["updated"]) == (0, 0)
    assert who(30, 65, 80) == ["ann", "not_held", "bob"]


def test_rotation_between_two_runs_loses_nothing(take: Take, who: Who, log: Path, tmp_path: Path):
    take(*ROWS[:2])
    with log.open("a", encoding="utf-8") as file:
        file.write(ROWS[2] + "\n")
    older = tmp_path / "asa.log.1"
    log.replace(older)
    result = take(ROWS[3], paths=[str(log), str(older)])
    assert result["counts"]["read"] == 2
    assert result["coverage"]["gaps"] == []
    assert who(30, 65, 80) == ["ann", "not_held", "bob"]


def test_rows_that_were_lost_in_a_rotation_are_a_gap(take: Take, who: Who, log: Path):
    take(up(0, "ann"), up(5, "zoe", "10.8.0.99"))
    log.unlink()
    result = take(up(60, "bob"), up(80, "zoe", "10.8.0.99"))
    assert result["coverage"]["gaps"] == [{"since": "2024-01-01T12:05:00Z", "until": "2024-01-01T13:00:00Z"}]
    assert who(3, 30, 70) == ["ann", "not_covered", "bob"]


def test_a_row_that_cannot_be_read_stays_a_doubt(take: Take, who: Who):
    take(up(0, "ann"), up(20, "")[:-60], up(30, "zoe", "10.8.0.99"))
    take(up(40, "zoe", "10.8.0.99"))
    assert who(10, 35) == ["ann", "doubtful"]


def test_with_fail_one_bad_row_keeps_nothing(take: Take, tmp_path: Path):
    failed = take(up(0, "ann"), up(20, "bob")[:-60], on_invalid="fail")
    assert "line 2" in failed.msg
    assert not (tmp_path / "h.sqlite3").exists()


def test_a_log_in_a_wrong_zone_is_refused(take: Take, log: Path, tmp_path: Path, run_module: Callable[..., ModuleRun], who: Who):
    log.write_text("".join(f"{row}\n" for row in ROWS), encoding="utf-8")
    os.utime(log, (NOON + 5400,) * 2)
    params = {"path": str(log), "format": "cisco_asa", "gateway": "gw1", "history": str(tmp_path / "h.sqlite3")}
    failed = run_module(vpn_session.main, {**params, "timezone": "America/New_York"})
    assert "later than the file itself" in failed.msg
    assert "timezone" in failed.msg


class TestSeveralGateways:
    """Every gateway that may have assigned the address must cover the time."""

    @pytest.fixture
    def both(self, take: Take, log: Path) -> None:
        take(up(0, "ann"), up(90, "zoe", "10.8.0.99"))
        log.unlink()
        take(up(30, "bob", "10.9.0.1"), up(60, "cem"), up(90, "bob", "10.9.0.2"), gateway="gw2", networks=["10.9.0.0/16"])

    @pytest.mark.usefixtures("both")
    def test_claims_of_two_gateways_are_ambiguous(self, who: Who):
        assert who(20, 40, 70) == ["before_log_start", "ann", "ambiguous"]

    @pytest.mark.usefixtures("both")
    def test_gateways_says_which_can_have_assigned_it(self, who: Who):
        assert who(20, 70, gateways=["gw1"]) == ["ann", "ann"]
        assert who(70, gateways=["gw2"]) == ["cem"]

    @pytest.mark.usefixtures("both")
    def test_networks_say_who_may_assign_an_address(self, who: Who, take: Take, log: Path):
        assert who(40, ipaddr="10.9.0.1") == ["bob"]
        log.unlink()
        changed = take(up(80, "dora", "10.7.0.1"), gateway="gw3", networks=["10.9.0.0/24"])
        assert changed.changed
        assert who(40, ipaddr="10.9.0.1") == ["before_log_start"]


def test_retention_forgets(take: Take, who: Who):
    take(*ROWS)
    forgotten = take(retention=30)
    assert forgotten.changed
    assert forgotten["counts"]["forgotten"] == 3
    assert who(30) == ["not_covered"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"networks": ["10.8.0.5/16"]}, "networks[0]: '10.8.0.5/16' is not a network"),
        ({"gateway": " "}, "gateway: the text is empty"),
        ({"retention": 0}, "retention: 0 is out of range"),
        ({"history": "sessions.sqlite3"}, "history"),
    ],
)
def test_messages(take: Take, options: dict[str, Any], message: str):
    assert message in take(*ROWS, **options).msg


def test_a_history_that_is_not_there(who: Who, run_module: Callable[..., ModuleRun]):
    result = run_module(vpn_session_info.main, {"match": [{"ipaddr": X, "timestamp": NOON}]})
    assert "there is no session history" in result.msg
