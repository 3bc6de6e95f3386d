# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The promises of every ledger. The classes are collected once with a SQLite file and once with a PostgreSQL database as `location`."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import LedgerError
from ansible_collections.secops.xdr.plugins.module_utils._ledger.contract import Checkpoint, EventRecord, ObservationScope
from ansible_collections.secops.xdr.plugins.module_utils._ledger.observations import StoredObservations
from ansible_collections.secops.xdr.plugins.module_utils._ledger.opening import open_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ansible_collections.secops.xdr.plugins.module_utils._ledger.contract import ClaimedBatch, ObservationKey

SCOPE = ObservationScope("https://extrahop.example.com", "OpenVPN", "seconds")
OTHER_SCOPE = ObservationScope("https://extrahop.example.com", "WireGuard", "seconds")
SERVER, OTHER_SERVER = "https://stellar.example.com", "https://other.example.com"
PATIENCE_SECONDS = 900.0
DONE = EventRecord(answered=True, index="aella-ser-1", id="x", document_index="index")
DAY = 86_400
FIXTURES = Path(__file__).resolve().parents[1] / "unit" / "fixtures"


def keys(*numbers: int) -> list[ObservationKey]:
    return [(1_700_000_000 + number // 10, bytes([10, 8, 0, number % 256] * 2)) for number in numbers]


def checkpoint(offset: int, line: int = 1) -> Checkpoint:
    return Checkpoint(b"reading", b"sha256", offset, line, "{}")


@contextmanager
def run_of(location: str, scope: ObservationScope = SCOPE, *, force: bool = False, check: bool = False, run: int | None = None) -> Any:
    with closing(open_ledger(location, read_only=check)) as ledger, ledger.observations(scope, force=force, run=run) as observations:
        yield observations


def upload(location: str, wanted: Sequence[ObservationKey], **options: Any) -> ClaimedBatch:
    """One run that sends all that it may."""
    with run_of(location, **options) as observations:
        claim: ClaimedBatch = observations.claim(wanted)
        observations.accept(claim)
        return claim


def query(location: str, statement: str) -> list[tuple[Any, ...]]:
    """Runs a statement in the database of a ledger, past its code."""
    if "://" in location:
        with psycopg.connect(location, options="-c search_path=secops_xdr") as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []
    with closing(sqlite3.connect(location, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def rows(location: str) -> dict[str, list[tuple[Any, ...]]]:
    tables = ("scope", "batch", "observation", "checkpoint", "event", "rewrite")
    return {table: sorted(query(location, f"SELECT * FROM {table}"), key=repr) for table in tables}


def age(location: str, days: int) -> None:
    """Lets everything have been recorded so many days earlier."""
    query(location, f"UPDATE batch SET noted_at = noted_at - {days * DAY}")


class Thread:
    """Work in a separate thread, with its result."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._result: list[Any] = []
        self._thread = threading.Thread(target=lambda: self._result.append(work()), daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> Any:
        self._thread.join(PATIENCE_SECONDS)
        assert self._result, "it still waits, or failed"
        return self._result[0]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Is released whenever a claim begins to wait for another run."""
    semaphore, wait = threading.Semaphore(0), StoredObservations._wait

    def noted(self: StoredObservations, *arguments: Any) -> None:
        semaphore.release()
        wait(self, *arguments)

    monkeypatch.setattr(StoredObservations, "_wait", noted)
    return semaphore


class TestClaims:
    def test_accepted_rows_are_not_sent_again(self, location: str) -> None:
        assert list(upload(location, keys(1, 2, 3)).fresh) == [0, 1, 2]
        again = upload(location, keys(1, 2, 3, 4))
        assert (list(again.fresh), again.already_uploaded, again.duplicates, again.unclear) == ([3], 3, 0, 0)

    @pytest.mark.parametrize(
        "other",
        [
            SCOPE._replace(endpoint="https://other.example.com"),
            SCOPE._replace(source="WireGuard"),
            SCOPE._replace(timestamp_unit="milliseconds"),
        ],
    )
    def test_each_scope_has_its_own_rows(self, location: str, other: ObservationScope) -> None:
        upload(location, keys(1))
        assert len(upload(location, keys(1), scope=other).fresh) == 1
        assert upload(location, keys(1)).already_uploaded == 1

    def test_rows_that_occur_twice_are_sent_once(self, location: str) -> None:
        with run_of(location) as observations:
            first = observations.claim(keys(1, 2, 1))
            while_first_is_sent = observations.claim(keys(2, 3))
            observations.accept(first)
            observations.accept(while_first_is_sent)
            afterwards = observations.claim(keys(1, 2, 3))
        assert (list(first.fresh), first.duplicates) == ([0, 1], 1)
        assert (list(while_first_is_sent.fresh), while_first_is_sent.duplicates) == ([1], 1)
        assert (list(afterwards.fresh), afterwards.already_uploaded, afterwards.duplicates) == ([], 0, 3)

    def test_rows_far_apart_in_time_are_recognized(self, location: str) -> None:
        """Between the first and the last of the batch are more rows than the ledger reads at once."""
        everything = keys(*range(2000))
        upload(location, everything)
        claim = upload(location, [everything[0], everything[-1], *keys(5000)])
        assert (list(claim.fresh), claim.already_uploaded) == ([2], 2)

    @pytest.mark.parametrize("count", [1, 498, 499, 500, 2000])
    def test_batches_of_any_size_in_any_order(self, location: str, count: int) -> None:
        wanted = [(number * 7919 % 100_003, bytes([number % 256, number // 256 % 256])) for number in range(count)]
        upload(location, wanted)
        upload(location, [(number, b"other") for number in range(0, 100_003, 50)])
        assert upload(location, list(reversed(wanted))).already_uploaded == count

    @pytest.mark.parametrize("timestamp", [0, 2**31, 4_102_444_799_999, 2**62])
    def test_any_time(self, location: str, timestamp: int) -> None:
        upload(location, [(timestamp, b"row")])
        assert upload(location, [(timestamp, b"row")]).already_uploaded == 1

    def test_an_empty_batch(self, location: str) -> None:
        assert upload(location, []).fresh == ()

    def test_released_rows_are_as_before(self, location: str) -> None:
        with run_of(location) as observations:
            observations.release(observations.claim(keys(1, 2)))
            again = observations.claim(keys(1, 2))
            assert (len(again.fresh), again.unclear) == (2, 0)
            observations.accept(again)
        with run_of(location) as observations:
            assert observations.interrupted == 0

    @pytest.mark.parametrize("ends", ["abandon", "nothing"])
    def test_unclear_rows_are_reported_once_and_recognized_when_they_are_sent_again(self, location: str, ends: str) -> None:
        with run_of(location) as observations:
            observations.accept(observations.claim(keys(1)))
            claim = observations.claim(keys(2, 3))
            if ends == "abandon":
                observations.abandon(claim)
        with run_of(location) as observations:
            assert observations.interrupted == 2
        with run_of(location) as observations:
            assert observations.interrupted == 0
            first = observations.claim(keys(1, 2, 9))
            assert (list(first.fresh), first.already_uploaded, first.unclear) == ([1, 2], 1, 1)
            observations.release(first)
            again = observations.claim(keys(1, 2, 3))
            assert (list(again.fresh), again.already_uploaded, again.unclear) == ([1, 2], 1, 2)
            observations.accept(again)
        assert upload(location, keys(1, 2, 3)).already_uploaded == 3

    def test_force_sends_again_what_earlier_runs_sent_but_nothing_twice(self, location: str) -> None:
        upload(location, keys(1, 2))
        with run_of(location, force=True) as observations:
            claim = observations.claim(keys(1, 2, 3, 3))
            assert (list(claim.fresh), claim.duplicates) == ([0, 1, 2], 1)
            assert observations.claim(keys(1, 2, 3)).duplicates == 3
            observations.accept(claim)
            assert observations.claim(keys(1, 2, 3)).duplicates == 3
        assert upload(location, keys(1, 2, 3)).already_uploaded == 3

    @pytest.mark.parametrize("end", ["release", "abandon"])
    def test_a_forced_run_that_fails_leaves_the_rows_accepted(self, location: str, end: str) -> None:
        upload(location, keys(1))
        with run_of(location, force=True) as observations:
            getattr(observations, end)(observations.claim(keys(1)))
        assert upload(location, keys(1)).already_uploaded == 1

    def test_a_run_can_go_on(self, location: str) -> None:
        with run_of(location) as observations:
            run = observations.run
            observations.accept(observations.claim(keys(1)))
        with run_of(location, run=run) as observations:
            assert observations.run == run
            assert observations.claim(keys(1)).duplicates == 1

    def test_answers_come_in_any_order_from_other_threads(self, location: str) -> None:
        with run_of(location) as observations:
            claims = [observations.claim([(number, bytes([part])) for number in range(50)]) for part in range(8)]
            answers = [Thread(lambda claim=claim: [observations.accept(claim)]) for claim in reversed(claims)]
            assert [answer.result() for answer in answers] == [[None]] * 8
        with run_of(location) as observations:
            assert observations.interrupted == 0

    def test_runs_that_find_nothing_new_leave_no_trace(self, location: str) -> None:
        upload(location, keys(1))
        before = rows(location)
        upload(location, keys(1))
        assert rows(location) == before

    def test_a_ledger_is_new_until_something_is_recorded(self, location: str) -> None:
        for check in (True, False, True):
            with closing(open_ledger(location, read_only=check)) as ledger:
                assert ledger.is_new
        upload(location, keys(1))
        for check in (True, False):
            with closing(open_ledger(location, read_only=check)) as ledger:
                assert not ledger.is_new


class TestCheckMode:
    @pytest.mark.parametrize(("force", "fresh", "already"), [(False, [1], 1), (True, [0, 1], 0)])
    def test_decides_the_same_and_records_nothing(self, location: str, force: bool, fresh: list[int], already: int) -> None:
        upload(location, keys(1))
        before = rows(location)
        with run_of(location, check=True, force=force) as observations:
            claim = observations.claim(keys(1, 2))
            assert (list(claim.fresh), claim.already_uploaded) == (fresh, already)
            observations.accept(claim)
            again = observations.claim(keys(1, 2, 3))
            assert (list(again.fresh), again.duplicates) == ([2], 2 - already)
            observations.remember(checkpoint(1))
            observations.expire(1)
        assert rows(location) == before

    def test_reports_unclear_rows_that_would_be_sent_again(self, location: str) -> None:
        with run_of(location) as observations:
            observations.abandon(observations.claim(keys(2)))
        with run_of(location, check=True) as observations:
            claim = observations.claim(keys(1, 2))
            assert (list(claim.fresh), claim.unclear) == ([0, 1], 1)
        with run_of(location) as observations:
            assert observations.interrupted == 1, "the report is for the next real run"

    def test_takes_what_another_run_is_sending_for_uploaded(self, location: str) -> None:
        with run_of(location) as other:
            claim = other.claim(keys(1))
            with run_of(location, check=True) as check:
                assert check.claim(keys(1, 2)).already_uploaded == 1
            other.accept(claim)

    def test_needs_no_ledger(self, location: str) -> None:
        with run_of(location, check=True) as observations:
            observations.accept(observations.claim(keys(1)))
        with closing(open_ledger(location, read_only=True)) as ledger:
            assert ledger.events(SERVER).look_up([b"1"]) == {}
            assert ledger.rewrites(SERVER).known([b"1"]) == {}


class TestCheckpoints:
    def test_are_found_and_replaced(self, location: str) -> None:
        with run_of(location) as observations:
            for offset in (10, 30, 20, 15):
                observations.remember(checkpoint(offset))
            observations.remember(checkpoint(10, line=7))
            observations.remember(checkpoint(12), instead_of=checkpoint(20))
            observations.forget(checkpoint(15))
        for check in (False, True):
            with run_of(location, check=check) as observations:
                assert observations.checkpoints(b"reading", 1000) == [checkpoint(30), checkpoint(12), checkpoint(10, line=7)]
                assert observations.checkpoints(b"reading", 29) == [checkpoint(12), checkpoint(10, line=7)]
                assert observations.checkpoints(b"other", 1000) == []

    def test_of_other_scopes_are_found_elsewhere(self, location: str) -> None:
        with run_of(location) as observations:
            observations.remember(checkpoint(10))
            observations.remember(checkpoint(20))
            assert observations.elsewhere(1000) == []
        for check in (False, True):
            with run_of(location, OTHER_SCOPE, check=check) as observations:
                assert observations.checkpoints(b"reading", 1000) == []
                assert observations.elsewhere(1000) == [(SCOPE, checkpoint(20)), (SCOPE, checkpoint(10))]
                assert observations.elsewhere(19) == [(SCOPE, checkpoint(10))]

    def test_do_not_pile_up(self, location: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ansible_collections.secops.xdr.plugins.module_utils._ledger.recorded._MOST_CHECKPOINTS", 20)
        with run_of(location, OTHER_SCOPE) as observations:
            observations.remember(checkpoint(5))
        with run_of(location) as observations:
            for offset in range(50):
                observations.remember(checkpoint(offset))
            assert [one.offset for one in observations.checkpoints(b"reading", 1000)] == list(range(49, 29, -1))
            assert len(observations.elsewhere(1000)) == 1


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
            assert len(observations.claim(keys(3, 4)).fresh) == 0
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
        monkeypatch.setattr("ansible_collections.secops.xdr.plugins.module_utils._ledger.observations._ROWS_A_DELETE", 7)
        everything = keys(*range(1000))
        upload(location, everything[::2])
        age(location, 31)
        upload(location, everything[1::2])
        with run_of(location) as observations:
            observations.expire(30)
            observations.expire(30)
        assert len(upload(location, everything).fresh) == 500

    def test_what_another_run_is_sending_is_kept(self, location: str) -> None:
        with run_of(location) as slow:
            claim = slow.claim(keys(1))
            age(location, 31)
            with run_of(location) as other:
                other.expire(30)
            slow.accept(claim)
            assert slow.claim(keys(1)).duplicates == 1

    def test_two_runs_may_remove_at_once(self, location: str) -> None:
        upload(location, keys(*range(100)))
        age(location, 31)
        with run_of(location) as one, run_of(location) as other:
            for thread in [Thread(lambda each=each: [each.expire(30)]) for each in (one, other)]:
                thread.result()
        assert rows(location)["observation"] == []


class TestEvents:
    def test_intents_and_answers_are_kept_for_each_server(self, location: str) -> None:
        many = [number.to_bytes(16, "big") for number in range(1200)]
        with closing(open_ledger(location, read_only=False)) as ledger:
            events = ledger.events(SERVER)
            with events.alone_with(many):
                events.intend(many, 30)
                events.record(many[1], DONE)
                events.forget([many[2]])
        for check in (False, True):
            with closing(open_ledger(location, read_only=check)) as ledger:
                known = ledger.events(SERVER).look_up(many)
                assert len(known) == len(many) - 1
                assert not known[many[0]].answered
                assert known[many[1]] == DONE
                assert many[2] not in known
                assert ledger.events(OTHER_SERVER).look_up(many) == {}

    def test_an_intent_tells_since_when_its_request_is_over(self, location: str) -> None:
        with closing(open_ledger(location, read_only=False)) as ledger:
            events = ledger.events(SERVER)
            events.intend([b"1"], 1000)
            over_for = events.look_up([b"1"])[b"1"].over_for
            assert over_for is not None
            assert -1001 < over_for < -1000 + PATIENCE_SECONDS
            events.intend([b"1"], 0)
            over_for = events.look_up([b"1"])[b"1"].over_for
            assert over_for is not None
            assert -0.1 < over_for < PATIENCE_SECONDS

    def test_an_answered_event_can_become_an_intent_again(self, location: str) -> None:
        with closing(open_ledger(location, read_only=False)) as ledger:
            events = ledger.events(SERVER)
            events.record(b"1", DONE)
            events.intend([b"1"], 0)
            assert not events.look_up([b"1"])[b"1"].answered

    def test_retention_of_observations_leaves_events_alone(self, location: str) -> None:
        upload(location, keys(1))
        with closing(open_ledger(location, read_only=False)) as ledger:
            ledger.events(SERVER).record(b"1", DONE)
        age(location, 31)
        with run_of(location) as observations:
            observations.expire(1)
        with closing(open_ledger(location, read_only=False)) as ledger:
            assert ledger.events(SERVER).look_up([b"1"]) == {b"1": DONE}

    def test_check_mode_keeps_its_plan_to_itself(self, location: str) -> None:
        with closing(open_ledger(location, read_only=False)) as ledger:
            ledger.events(SERVER).intend([b"2"], 0)
        before = rows(location)
        with closing(open_ledger(location, read_only=True)) as ledger:
            events = ledger.events(SERVER)
            with events.alone_with([b"1", b"2"]):
                events.intend([b"1"], 0)
                events.record(b"2", DONE)
            known = events.look_up([b"1", b"2"])
            assert (known[b"1"].answered, known[b"2"]) == (False, DONE)
        assert rows(location) == before

    def test_no_text_of_an_event_is_kept(self, location: str) -> None:
        with closing(open_ledger(location, read_only=False)) as ledger:
            ledger.events(SERVER).record(b"key", DONE)
            ledger.rewrites(SERVER).note({b"sent": b"stored"})
        found = rows(location)
        assert {value for value in found["event"][0] if isinstance(value, (str, bytes))} == {SERVER, b"key", "aella-ser-1", "x", "index"}
        assert {value for value in found["rewrite"][0] if isinstance(value, (str, bytes))} == {SERVER, b"sent", b"stored"}

    def test_runs_with_the_same_event_wait_for_each_other(self, location: str) -> None:
        order: list[str] = []
        waits = threading.Event()

        def second() -> bool:
            with closing(open_ledger(location, read_only=False)) as ledger:
                waits.set()
                with ledger.events(SERVER).alone_with([b"3", b"2"]):
                    order.append("second")
            return True

        with closing(open_ledger(location, read_only=False)) as ledger:
            with ledger.events(SERVER).alone_with([b"1", b"2"]):
                thread = Thread(second)
                assert waits.wait(PATIENCE_SECONDS)
                order.append("first")
            assert thread.result()
        assert order == ["first", "second"]

    def test_two_runs_that_name_events_in_another_order_do_not_wait_forever(self, location: str) -> None:
        events = [b"%d" % number for number in range(20)]

        def take_turns(wanted: list[bytes]) -> bool:
            with closing(open_ledger(location, read_only=False)) as ledger:
                for _time in range(10):
                    with ledger.events(SERVER).alone_with(wanted):
                        pass
            return True

        with closing(open_ledger(location, read_only=False)):
            threads = [Thread(lambda wanted=wanted: take_turns(wanted)) for wanted in (events, events[::-1])]
            assert [thread.result() for thread in threads] == [True, True]


class TestRewrites:
    def test_are_kept_for_each_server_and_replaced(self, location: str) -> None:
        with closing(open_ledger(location, read_only=False)) as ledger:
            rewrites = ledger.rewrites(SERVER)
            rewrites.note({b"a": b"1", b"b": b"2"})
            rewrites.note({b"a": b"3"})
        for check in (False, True):
            with closing(open_ledger(location, read_only=check)) as ledger:
                assert ledger.rewrites(SERVER).known([b"a", b"b", b"c"]) == {b"a": b"3", b"b": b"2"}
                assert ledger.rewrites(OTHER_SERVER).known([b"a"]) == {}

    def test_check_mode_keeps_its_plan_to_itself(self, location: str) -> None:
        with closing(open_ledger(location, read_only=False)) as ledger:
            ledger.rewrites(SERVER).note({b"a": b"1"})
        with closing(open_ledger(location, read_only=True)) as ledger:
            rewrites = ledger.rewrites(SERVER)
            rewrites.note({b"a": b"2", b"b": b"3"})
            assert rewrites.known([b"a", b"b"]) == {b"a": b"2", b"b": b"3"}
        with closing(open_ledger(location, read_only=False)) as ledger:
            assert ledger.rewrites(SERVER).known([b"a", b"b"]) == {b"a": b"1"}


class TestManyRuns:
    """Several runs at once with one ledger."""

    @pytest.mark.parametrize(("end", "fresh", "unclear"), [("accept", [1], 0), ("release", [0, 1], 0), ("abandon", [0, 1], 1)])
    def test_a_row_that_is_being_sent_is_waited_for(
        self, location: str, waits: threading.Semaphore, end: str, fresh: list[int], unclear: int
    ) -> None:
        with run_of(location) as one, run_of(location) as other:
            claim = one.claim(keys(1))
            waiting = Thread(lambda: other.claim(keys(1, 2)))
            assert waits.acquire(timeout=PATIENCE_SECONDS)
            assert not waiting.has_ended
            getattr(one, end)(claim)
            batch = waiting.result()
            assert (list(batch.fresh), batch.unclear) == (fresh, unclear)
            other.accept(batch)

    def test_the_rows_of_a_run_that_ends_meanwhile_are_unclear(self, location: str, waits: threading.Semaphore) -> None:
        with run_of(location) as other:
            assert other.interrupted == 0
            with run_of(location) as dead:
                dead.accept(dead.claim(keys(1)))
                dead.claim(keys(2, 3))
                with run_of(location) as third:
                    assert third.interrupted == 0, "a run that is alive is not taken for dead"
                waiting = Thread(lambda: other.claim(keys(1, 2, 3)))
                assert waits.acquire(timeout=PATIENCE_SECONDS)
            batch = waiting.result()
            assert (list(batch.fresh), batch.already_uploaded, batch.unclear) == ([1, 2], 1, 2)
            other.accept(batch)

    def test_two_runs_that_wait_for_each_other_both_go_on(self, location: str, waits: threading.Semaphore) -> None:
        """Their requests come to an end without them."""
        with run_of(location) as one, run_of(location) as other:
            of_one, of_other = one.claim(keys(1)), other.claim(keys(2))
            waiting = [Thread(lambda: one.claim(keys(2))), Thread(lambda: other.claim(keys(1)))]
            assert waits.acquire(timeout=PATIENCE_SECONDS)
            assert waits.acquire(timeout=PATIENCE_SECONDS)
            one.accept(of_one)
            other.accept(of_other)
            assert [each.result().already_uploaded for each in waiting] == [1, 1]

    def test_two_forced_runs_both_send(self, location: str) -> None:
        upload(location, keys(1))
        with run_of(location, force=True) as one, run_of(location, force=True) as other:
            batches = [one.claim(keys(1)), other.claim(keys(1))]
            assert [len(batch.fresh) for batch in batches] == [1, 1]
            one.accept(batches[0])
            other.accept(batches[1])
        assert upload(location, keys(1)).already_uploaded == 1

    def test_eight_runs_create_a_ledger_together(self, location: str) -> None:
        start = threading.Barrier(8)

        def first_run(number: int) -> ClaimedBatch:
            start.wait(PATIENCE_SECONDS)
            return upload(location, keys(number, 100))

        threads = [Thread(lambda number=number: first_run(number)) for number in range(8)]
        sent = [batch.keys[position] for batch in (thread.result() for thread in threads) for position in batch.fresh]
        assert sorted(sent) == sorted(keys(*range(8), 100))
        assert len(rows(location)["observation"]) == 9


class TestVersion1:
    """A ledger that version 1.0 of the collection left behind; see the fixtures."""

    EVENTS = (b"0123456789abcdef", b"fedcba9876543210")

    @pytest.fixture
    def old(self, location: str) -> str:
        if "://" in location:
            with psycopg.connect(location, autocommit=True) as connection:
                connection.execute((FIXTURES / "ledger_1_0_postgresql.sql").read_bytes())
        else:
            os.close(os.open(location, os.O_CREAT, 0o600))
            with closing(sqlite3.connect(location)) as connection:
                connection.executescript((FIXTURES / "ledger_1_0_sqlite.sql").read_text(encoding="utf-8"))
        return location

    @pytest.mark.parametrize("check", [False, True])
    def test_is_read_without_loss(self, old: str, check: bool) -> None:
        with run_of(old, check=check) as observations:
            assert observations.interrupted == (0 if check else 2)
            claim = observations.claim(keys(1, 2, 3, 4, 5))
            assert (list(claim.fresh), claim.already_uploaded) == ([4], 4)
            observations.accept(claim)
            assert observations.checkpoints(b"reading", 1000) == [], "it meant something else"
            assert observations.elsewhere(1000) == []
        with run_of(old, OTHER_SCOPE, check=check) as observations:
            assert list(observations.claim(keys(1, 2)).fresh) == [1]
        with closing(open_ledger(old, read_only=check)) as ledger:
            assert not ledger.is_new
            known = ledger.events(SERVER).look_up(self.EVENTS)
            assert known[self.EVENTS[1]] == EventRecord(answered=True, index="aella-ser-1", id="x")
            pending = known[self.EVENTS[0]]
            assert not pending.answered
            assert pending.over_for is not None
            assert ledger.rewrites(SERVER).known([b"a"]) == {}

    def test_is_not_changed_in_check_mode(self, old: str) -> None:
        def content() -> list[object]:
            tables = ("scope", "run", "observation", "log_position", "event")
            return [sorted(query(old, f"SELECT * FROM {table}"), key=repr) for table in tables]

        before = content()
        with run_of(old, check=True) as observations:
            observations.accept(observations.claim(keys(1, 9)))
            observations.remember(checkpoint(1))
            observations.expire(1)
        assert content() == before

    def test_is_converted_once_and_like_a_new_one(self, old: str) -> None:
        for _time in range(2):
            upload(old, keys(7))
        with run_of(old) as observations:
            assert observations.interrupted == 0
            observations.remember(checkpoint(1))
            assert observations.checkpoints(b"reading", 1) == [checkpoint(1)]
        age(old, 400)
        with run_of(old) as observations:
            observations.expire(30)
        assert len(upload(old, keys(1, 2, 3, 4, 7)).fresh) == 5
        assert upload(old, keys(1), scope=OTHER_SCOPE).already_uploaded == 1

    def test_eight_runs_convert_it_together(self, old: str) -> None:
        start = threading.Barrier(8)

        def first_run() -> ClaimedBatch:
            start.wait(PATIENCE_SECONDS)
            return upload(old, keys(1, 2, 3, 4, 9))

        batches = [thread.result() for thread in [Thread(first_run) for _number in range(8)]]
        assert sum(len(batch.fresh) for batch in batches) == 1


class TestDamage:
    @pytest.mark.parametrize("check", [False, True])
    def test_missing_tables_are_an_error(self, location: str, check: bool) -> None:
        upload(location, keys(1))
        query(location, "DROP TABLE observation")
        with pytest.raises(LedgerError, match=r"^ledger: .*(not as this collection created them|no such table)"):
            upload(location, keys(1), check=check)
