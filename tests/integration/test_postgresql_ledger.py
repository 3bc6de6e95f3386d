# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every ledger promises, in a file and in a real database; and what only the database has to promise, because many write to it."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import LedgerError
from ansible_collections.secops.xdr.plugins.module_utils._ledger.event_record import EventRecord
from ansible_collections.secops.xdr.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.secops.xdr.plugins.module_utils._ledger.records import LogPosition, ObservationScope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ansible_collections.secops.xdr.plugins.module_utils._ledger.contract import ObservationLedger
    from ansible_collections.secops.xdr.plugins.module_utils._ledger.records import Claim, ObservationKey

    from support.postgresql import RunningPostgresql

pytest_plugins = ["support.postgresql.fixtures"]

SCOPE = ObservationScope("https://extrahop.example.com", "OpenVPN", "seconds")
OTHER_SCOPE = ObservationScope("https://extrahop.example.com", "WireGuard", "seconds")
PATIENCE_SECONDS = 30.0
TABLES = ("scope", "run", "observation", "log_position", "event", "ledger")


def keys(*numbers: int) -> list[ObservationKey]:
    return [(1_700_000_000 + number // 10, bytes([10, 8, 0, number % 256] * 8)) for number in numbers]


@contextmanager
def run_of(location: str, scope: ObservationScope = SCOPE, *, force: bool = False, check: bool = False, run: int | None = None) -> Any:
    with closing(open_ledger(location, read_only=check)) as ledger, ledger.observations(scope, force=force, run=run) as observations:
        yield observations


def upload(location: str, wanted: Sequence[ObservationKey], **options: Any) -> Claim:
    """One run that sends all that it may."""
    with run_of(location, **options) as observations:
        claim: Claim = observations.claim(wanted)
        observations.accept(claim)
        return claim


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def dump(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    with psycopg.connect(url) as connection:
        return {table: connection.execute(f"SELECT * FROM secops_xdr.{table} ORDER BY 1".encode()).fetchall() for table in TABLES}


def age(location: str, days: int) -> None:
    """Lets all runs have started so many days earlier."""
    if "://" in location:
        with psycopg.connect(location) as connection:
            connection.execute("UPDATE secops_xdr.run SET started_at = started_at - make_interval(days => %s)", (days,))
    else:
        with closing(sqlite3.connect(location, isolation_level=None)) as connection:
            connection.execute("UPDATE run SET started_at = started_at - ?", (days * 86_400,))


class Waiting:
    """A claim in a thread of its own."""

    def __init__(self, observations: ObservationLedger, wanted: Sequence[ObservationKey]) -> None:
        self._claim: Claim | None = None
        self._thread = threading.Thread(target=self._run, args=(observations, wanted), daemon=True)
        self._thread.start()

    def _run(self, observations: ObservationLedger, wanted: Sequence[ObservationKey]) -> None:
        self._claim = observations.claim(wanted)

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> Claim:
        self._thread.join(PATIENCE_SECONDS)
        assert self._claim is not None, "the claim still waits, or failed"
        return self._claim


def waiting_sessions(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(params=["file", "database"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger is kept."""
    if request.param == "file":
        return str(tmp_path / "ledger.sqlite3")
    url: str = request.getfixturevalue("database_url")
    return url


class TestEveryLedger:
    def test_what_was_accepted_is_not_sent_again(self, location: str) -> None:
        assert list(upload(location, keys(1, 2, 3)).fresh) == [0, 1, 2]
        again = upload(location, keys(1, 2, 3, 4))
        assert (list(again.fresh), again.already_uploaded, again.duplicates) == ([3], 3, 0)

    def test_another_scope_is_another_ledger(self, location: str) -> None:
        upload(location, keys(1))
        assert len(upload(location, keys(1), scope=OTHER_SCOPE).fresh) == 1

    def test_rows_that_stand_twice_are_sent_once(self, location: str) -> None:
        with run_of(location) as observations:
            first = observations.claim(keys(1, 2, 1))
            under_way = observations.claim(keys(2, 3))
            observations.accept(first)
            observations.accept(under_way)
            recorded = observations.claim(keys(1, 2, 3))
        assert (list(first.fresh), first.duplicates) == ([0, 1], 1)
        assert (list(under_way.fresh), under_way.duplicates) == ([1], 1)
        assert (list(recorded.fresh), recorded.already_uploaded, recorded.duplicates) == ([], 0, 3)

    def test_rows_far_apart_in_time_are_known(self, location: str) -> None:
        everything = keys(*range(2000))
        upload(location, everything)
        ends = [everything[0], everything[-1], *keys(5000)]
        with run_of(location) as observations:
            claim = observations.claim(ends)
            observations.accept(claim)
            again = observations.claim(ends)
        assert (list(claim.fresh), claim.already_uploaded) == ([2], 2)
        assert (list(again.fresh), again.already_uploaded, again.duplicates) == ([], 2, 1)

    def test_what_is_released_is_sent_by_the_next_claim(self, location: str) -> None:
        with run_of(location) as observations:
            observations.release(observations.claim(keys(1, 2)))
            again = observations.claim(keys(1, 2))
            assert len(again.fresh) == 2
            observations.accept(again)
        with run_of(location) as observations:
            assert observations.interrupted == 0

    def test_an_unknown_outcome_is_told_to_the_next_run_and_sent_again(self, location: str) -> None:
        with run_of(location) as observations:
            observations.accept(observations.claim(keys(1)))
            observations.abandon(observations.claim(keys(2, 3)))
        with run_of(location) as observations:
            assert observations.interrupted == 2
            claim = observations.claim(keys(1, 2, 3))
            assert (list(claim.fresh), claim.already_uploaded) == ([1, 2], 1)
            observations.accept(claim)
        with run_of(location) as observations:
            assert observations.interrupted == 0

    def test_force_sends_again_what_earlier_runs_sent_and_nothing_twice(self, location: str) -> None:
        upload(location, keys(1, 2))
        with run_of(location, force=True) as observations:
            claim = observations.claim(keys(1, 2, 3, 3))
            assert (list(claim.fresh), claim.duplicates) == ([0, 1, 2], 1)
            observations.accept(claim)
            assert observations.claim(keys(1, 2, 3)).duplicates == 3
        assert upload(location, keys(1, 2, 3)).already_uploaded == 3

    def test_a_forced_run_that_fails_leaves_the_rows_recorded(self, location: str) -> None:
        upload(location, keys(1))
        with run_of(location, force=True) as observations:
            observations.release(observations.claim(keys(1)))
        assert upload(location, keys(1)).already_uploaded == 1

    def test_parts_of_an_upload_are_one_run(self, location: str) -> None:
        with run_of(location) as observations:
            run = observations.run
        with run_of(location, run=run) as observations:
            observations.accept(observations.claim(keys(1)))
        with run_of(location, run=run) as observations:
            assert observations.run == run
            assert observations.claim(keys(1)).duplicates == 1

    def test_check_mode_decides_the_same_and_records_nothing(self, location: str) -> None:
        upload(location, keys(1))
        for force, fresh, already in ((False, [1], 1), (True, [0, 1], 0)):
            with run_of(location, check=True, force=force) as observations:
                claim = observations.claim(keys(1, 2))
                assert (list(claim.fresh), claim.already_uploaded) == (fresh, already)
                observations.accept(claim)
                again = observations.claim(keys(1, 2, 3))
                assert (list(again.fresh), again.duplicates) == ([2], 2 - already)
                observations.expire(1)
        assert len(upload(location, keys(1, 2)).fresh) == 1

    def test_positions_are_found_and_replaced(self, location: str) -> None:
        def position(offset: int, line: int = 1) -> LogPosition:
            return LogPosition(b"reading", b"fingerprint", offset, line, True, "{}")

        with run_of(location) as observations:
            for offset in (10, 30, 20):
                observations.remember(position(offset))
            observations.remember(position(10, line=7))
            observations.forget_position(position(20))
        for check in (False, True):
            with run_of(location, check=check) as observations:
                assert observations.positions(b"reading", 1000) == [position(30), position(10, line=7)]
                assert observations.positions(b"reading", 29) == [position(10, line=7)]
                assert observations.positions(b"other", 1000) == []
        with run_of(location, OTHER_SCOPE) as observations:
            assert observations.positions(b"reading", 1000) == []

    def test_positions_do_not_pile_up(self, location: str) -> None:
        with run_of(location) as observations:
            for offset in range(500):
                observations.remember(LogPosition(b"reading", b"fingerprint", offset, 1, True, "{}"))
            kept = observations.positions(b"reading", 1000)
        assert 20 <= len(kept) <= 400
        assert kept[0].offset == 499


class TestRetention:
    def test_old_rows_are_removed_and_sent_again(self, location: str) -> None:
        upload(location, keys(1, 2))
        upload(location, keys(1), scope=OTHER_SCOPE)
        age(location, 31)
        upload(location, keys(3))
        age(location, 10)
        with run_of(location) as observations:
            observations.accept(observations.claim(keys(4)))
            observations.expire(30)
            assert observations.claim(keys(3, 4)).fresh == []
            claim = observations.claim(keys(1, 2))
            assert len(claim.fresh) == 2
            observations.accept(claim)
        assert upload(location, keys(1), scope=OTHER_SCOPE).already_uploaded == 1

    def test_rows_that_a_later_run_sent_again_are_kept(self, location: str) -> None:
        upload(location, keys(1, 2))
        age(location, 31)
        upload(location, keys(1), force=True)
        with run_of(location) as observations:
            observations.expire(30)
        assert list(upload(location, keys(1, 2)).fresh) == [1]

    def test_many_rows_go_part_by_part(self, location: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for kind in ("sqlite", "postgresql"):
            name = f"ansible_collections.secops.xdr.plugins.module_utils._ledger.{kind}_observations._ROWS_A_DELETE"
            monkeypatch.setattr(name, 7)
        everything = keys(*range(1000))
        upload(location, everything[::2])
        age(location, 31)
        upload(location, everything[1::2])
        with run_of(location) as observations:
            observations.expire(30)
            observations.expire(30)
        assert len(upload(location, everything).fresh) == 500

    def test_check_mode_removes_nothing(self, location: str) -> None:
        upload(location, keys(1))
        age(location, 31)
        with run_of(location, check=True) as observations:
            observations.expire(30)
        assert upload(location, keys(1)).already_uploaded == 1


class TestEvents:
    def test_what_was_noted_is_found(self, location: str) -> None:
        done = EventRecord(answered=True, index="aella-ser-1", id="x", document_index=None)
        with closing(open_ledger(location, read_only=False)) as ledger:
            events = ledger.events("https://stellar.example.com")
            with events.alone_with([b"1", b"2", b"3"]):
                events.intend([b"1", b"2", b"3"])
                events.record(b"1", done)
                events.forget([b"2"])
        for check in (False, True):
            with closing(open_ledger(location, read_only=check)) as ledger:
                assert ledger.events("https://stellar.example.com").look_up([b"1", b"2", b"3"]) == {b"1": done, b"3": EventRecord(False)}
                assert ledger.events("https://other.example.com").look_up([b"1"]) == {}

    def test_retention_of_observations_leaves_events_alone(self, location: str) -> None:
        with closing(open_ledger(location, read_only=False)) as ledger:
            ledger.events("https://stellar.example.com").intend([b"1"])
        age(location, 31)
        with run_of(location) as observations:
            observations.expire(1)
        with closing(open_ledger(location, read_only=False)) as ledger:
            assert len(ledger.events("https://stellar.example.com").look_up([b"1"])) == 1

    def test_check_mode_keeps_its_plan_to_itself(self, location: str) -> None:
        upload(location, keys(1))
        with closing(open_ledger(location, read_only=True)) as ledger:
            events = ledger.events("https://stellar.example.com")
            with events.alone_with([b"1"]):
                events.intend([b"1"])
                events.record(b"1", EventRecord(answered=True, index="i", id="x"))
            assert events.look_up([b"1"])[b"1"].id == "x"
        with closing(open_ledger(location, read_only=False)) as ledger:
            assert ledger.events("https://stellar.example.com").look_up([b"1"]) == {}

    def test_runs_with_the_same_event_wait_for_each_other(self, database_url: str) -> None:
        order: list[str] = []

        def second() -> None:
            ledger = open_ledger(database_url, read_only=False)
            with closing(ledger), ledger.events("https://stellar.example.com").alone_with([b"2", b"3"]):
                order.append("second")

        with closing(open_ledger(database_url, read_only=False)) as ledger:
            with ledger.events("https://stellar.example.com").alone_with([b"1", b"2"]):
                thread = threading.Thread(target=second)
                thread.start()
                wait_until(lambda: waiting_sessions(database_url) == 1)
                order.append("first")
            thread.join(PATIENCE_SECONDS)
        assert order == ["first", "second"]


class TestManyRuns:
    """Several runs at once on one database."""

    @pytest.fixture
    def two(self, database_url: str) -> Iterator[tuple[ObservationLedger, ObservationLedger]]:
        with run_of(database_url) as one, run_of(database_url) as other:
            yield one, other

    @pytest.mark.parametrize(("end", "fresh"), [("accept", [1]), ("release", [0, 1]), ("abandon", [0, 1])])
    def test_a_row_under_way_is_waited_for(
        self, two: tuple[ObservationLedger, ObservationLedger], database_url: str, end: str, fresh: list[int]
    ) -> None:
        one, other = two
        claim = one.claim(keys(1))
        waiting = Waiting(other, keys(1, 2))
        wait_until(lambda: waiting_sessions(database_url) == 1)
        assert not waiting.has_ended
        getattr(one, end)(claim)
        assert list(waiting.result().fresh) == fresh
        other.accept(waiting.result())

    def test_a_dead_run_gives_its_rows_back_and_is_told_of(self, database_url: str, postgresql_server: RunningPostgresql) -> None:
        with run_of(database_url) as other:
            assert other.interrupted == 0
            with run_of(database_url) as dead:
                dead.accept(dead.claim(keys(1)))
                under_way = dead.claim(keys(2, 3))
                waiting = Waiting(other, keys(1, 2, 3))
                wait_until(lambda: waiting_sessions(database_url) == 1)
                # A run that lives is not taken for dead.
                with run_of(database_url) as third:
                    assert third.interrupted == 0
                postgresql_server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'"
                    f" AND datname = '{database_url.rpartition('/')[2]}'"
                )
                assert list(waiting.result().fresh) == [1, 2]
                other.accept(waiting.result())
                with pytest.raises(LedgerError, match="the connection broke"):
                    dead.accept(under_way)
        with run_of(database_url) as last:
            assert last.interrupted == 2

    def test_two_runs_that_fail_at_once_do_not_wait_for_each_other(
        self, two: tuple[ObservationLedger, ObservationLedger], database_url: str
    ) -> None:
        one, other = two
        of_one, of_other = one.claim(keys(1)), other.claim(keys(2))
        waiting = [Waiting(one, keys(2)), Waiting(other, keys(1))]
        wait_until(lambda: waiting_sessions(database_url) == 2)
        one.abandon(of_one)
        other.abandon(of_other)
        assert [list(each.result().fresh) for each in waiting] == [[0], [0]]

    def test_a_claim_that_loses_a_deadlock_is_tried_again(self, database_url: str) -> None:
        insert = "INSERT INTO secops_xdr.observation VALUES (1, %s, %s, 99)"
        first, last = keys(1, 2)
        with run_of(database_url) as observations, psycopg.connect(database_url) as stranger:
            # Only the session of the claim looks for deadlocks in time.
            stranger.execute("SET deadlock_timeout = '10min'")
            stranger.execute(insert, last)
            waiting = Waiting(observations, [first, last])
            wait_until(lambda: waiting_sessions(database_url) == 1)
            stranger.execute(insert, first)
            stranger.commit()
            assert waiting.result().already_uploaded == 2

    def test_two_forced_runs_take_turns(self, database_url: str) -> None:
        upload(database_url, keys(1))
        with run_of(database_url, force=True) as one, run_of(database_url, force=True) as other:
            claim = one.claim(keys(1))
            waiting = Waiting(other, keys(1))
            wait_until(lambda: waiting_sessions(database_url) == 1)
            one.accept(claim)
            other.accept(waiting.result())
        assert upload(database_url, keys(1)).already_uploaded == 1

    def test_rows_of_a_run_that_lives_do_not_expire(self, database_url: str) -> None:
        with run_of(database_url) as slow:
            slow.accept(slow.claim(keys(1)))
            age(database_url, 31)
            with run_of(database_url) as other:
                other.expire(1)
                assert other.claim(keys(1)).already_uploaded == 1
            assert slow.claim(keys(1)).duplicates == 1

    def test_one_run_at_a_time_removes_old_rows(self, database_url: str) -> None:
        upload(database_url, keys(*range(100)))
        age(database_url, 31)
        with run_of(database_url) as one, run_of(database_url) as other:
            threads = [threading.Thread(target=each.expire, args=(30,)) for each in (one, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE_SECONDS)
        assert dump(database_url)["observation"] == []

    def test_runs_that_find_nothing_new_leave_no_trace(self, database_url: str) -> None:
        upload(database_url, keys(1))
        before = dump(database_url)
        upload(database_url, keys(1))
        assert dump(database_url) == before


class TestTables:
    def test_many_first_runs_at_once(self, database_url: str) -> None:
        start = threading.Barrier(8)
        failures: list[Exception] = []

        def first_run(number: int) -> None:
            start.wait()
            try:
                upload(database_url, keys(number, 100))
            except LedgerError as error:
                failures.append(error)

        threads = [threading.Thread(target=first_run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        assert failures == []
        found = dump(database_url)
        assert (len(found["ledger"]), len(found["scope"]), len(found["observation"])) == (1, 1, 9)

    def test_check_mode_makes_no_tables(self, database_url: str) -> None:
        with run_of(database_url, check=True) as observations:
            observations.accept(observations.claim(keys(1)))
        with closing(open_ledger(database_url, read_only=True)) as ledger:
            assert ledger.events("https://stellar.example.com").look_up([b"1"]) == {}
        with psycopg.connect(database_url) as connection:
            assert connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'secops_xdr'").fetchall() == []

    def test_check_mode_changes_no_row(self, database_url: str) -> None:
        upload(database_url, keys(1))
        with run_of(database_url) as observations:
            observations.abandon(observations.claim(keys(2)))
        age(database_url, 31)
        before = dump(database_url)
        with run_of(database_url, check=True) as observations:
            observations.accept(observations.claim(keys(1, 2, 3)))
            observations.remember(LogPosition(b"reading", b"fingerprint", 1, 1, True, "{}"))
            observations.expire(1)
        assert dump(database_url) == before

    @pytest.mark.parametrize("check", [False, True])
    def test_a_newer_version_is_refused(self, database_url: str, check: bool) -> None:
        upload(database_url, keys(1))
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE secops_xdr.ledger SET version = 99")
        with pytest.raises(LedgerError, match=r"newer version of this collection \(ledger version 99, this one knows 1\)"):
            open_ledger(database_url, read_only=check)


class TestMessages:
    def test_a_wrong_password(self, postgresql_server: RunningPostgresql) -> None:
        url = postgresql_server.url_of("postgres", password="not-the-real-one")
        with pytest.raises(LedgerError) as caught:
            open_ledger(url, read_only=False)
        assert "not-the-real-one" not in str(caught.value)
        assert "password authentication failed for user" in str(caught.value)
        assert f"port {postgresql_server.port}" in str(caught.value)

    def test_an_unknown_database(self, postgresql_server: RunningPostgresql) -> None:
        with pytest.raises(LedgerError, match='"nowhere" does not exist'):
            open_ledger(postgresql_server.url_of("nowhere"), read_only=False)

    def test_a_server_that_is_not_there(self, postgresql_server: RunningPostgresql) -> None:
        with pytest.raises(LedgerError, match=r"cannot connect to PostgreSQL at 127\.0\.0\.1, port 1:.*Check host, port"):
            open_ledger(postgresql_server.url_of("postgres", port=1), read_only=False)

    def test_a_user_without_rights(self, database_url: str, postgresql_server: RunningPostgresql) -> None:
        name = database_url.rpartition("/")[2]
        role = f"reader_of_{name}"
        postgresql_server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'another one'")
        url = postgresql_server.url_of(name, user=role, password="another one")
        with pytest.raises(LedgerError, match="CREATE SCHEMA secops_xdr AUTHORIZATION"):
            open_ledger(url, read_only=False)
        # What the message says helps.
        postgresql_server.execute(f"CREATE SCHEMA secops_xdr AUTHORIZATION {role}", database_url)
        assert len(upload(url, keys(1)).fresh) == 1

    def test_a_server_that_goes_away(self, database_url: str, postgresql_server: RunningPostgresql) -> None:
        with run_of(database_url) as observations:
            observations.accept(observations.claim(keys(1)))
            claim = observations.claim(keys(2))
            postgresql_server.restart(is_abrupt=True)
            with pytest.raises(LedgerError, match="the connection broke"):
                observations.accept(claim)
        again = upload(database_url, keys(1, 2))
        assert 1 in again.fresh

    def test_a_server_without_room_for_another_connection(self, database_url: str, postgresql_server: RunningPostgresql) -> None:
        name = database_url.rpartition("/")[2]
        postgresql_server.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 1")
        role = f"writer_of_{name}"
        postgresql_server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'another one'")
        postgresql_server.execute(f"GRANT CREATE ON DATABASE {name} TO {role}")
        url = postgresql_server.url_of(name, user=role, password="another one")
        with run_of(url) as observations, pytest.raises(LedgerError, match="lower `concurrency`"):
            observations.claim(keys(1))

    def test_tables_that_somebody_changed(self, database_url: str) -> None:
        upload(database_url, keys(1))
        with psycopg.connect(database_url) as connection:
            connection.execute("DROP TABLE secops_xdr.observation")
        with pytest.raises(LedgerError, match="not as this collection made them"):
            upload(database_url, keys(1))
