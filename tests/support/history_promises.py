# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The promises of every session history. The classes are collected once with a SQLite file and once with a PostgreSQL database."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import LedgerError
from ansible_collections.secops.xdr.plugins.module_utils._sessions.evidence import ClaimFilter, ClaimWindow
from ansible_collections.secops.xdr.plugins.module_utils._sessions.history_access import history_to_ask, opened_history
from ansible_collections.secops.xdr.plugins.module_utils._sessions.model import (
    CLOCK,
    END_LOGGED,
    END_PROVEN,
    END_TAKEN,
    ROW,
    SPAN,
    AddressClaim,
    ClaimColumns,
    CoverageSpan,
    Doubt,
    Evidence,
    GatewayNetworks,
    Kept,
    LogPosition,
)

from .ledger_promises import PATIENCE_SECONDS, Thread

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUR = 3_600_000
DAY = 24 * HOUR
NOON = 1_700_000_000_000


def claim(start: int, user: str = "ann", ipaddr: str = "10.8.0.1", gateway: str = "vpn1", **more: object) -> AddressClaim:
    """A claim that begins `start` hours after noon."""
    values = {"associated_ipaddr": "203.0.113.7", "line": start + 1, **more}
    return AddressClaim(gateway=gateway, ipaddr=ipaddr, username=user, start=NOON + start * HOUR, **values)


def columns_of(claims: Sequence[AddressClaim]) -> ClaimColumns:
    """The same claims by columns."""
    names = ("line", "username", "ipaddr", "associated_ipaddr", "start", "end", "end_kind", "flaw")
    return ClaimColumns("vpn1", *([getattr(one, name) for one in claims] for name in names))


def at(hour: float) -> int:
    return int(NOON + hour * HOUR)


def keep(location: str, *claims: AddressClaim, check: bool = False, **more: Sequence[object]) -> Kept:
    with opened_history(location, check_mode=check) as history:
        return history.keep(Evidence(claims=claims, **more))


def held(location: str, since: float, until: float, ipaddr: str = "10.8.0.1", *, check: bool = False) -> Sequence[AddressClaim]:
    with opened_history(location, check_mode=check) as history:
        (found,) = history.around([ClaimWindow(ipaddr, at(since), at(until))])
        return found.claims


def everything(location: str) -> tuple[object, ...]:
    """All that a history answers."""
    with opened_history(location, check_mode=False) as history:
        wide = [ClaimWindow(f"10.8.0.{number}", 0, 2 * NOON) for number in range(10)]
        gateways = [history.positions(name) for name in ("vpn1", "vpn2")]
        return list(history.around(wide)), history.spans(), history.networks(), gateways


class TestClaims:
    def test_come_back_as_they_were_kept(self, location: str) -> None:
        full = AddressClaim(
            gateway="vpn1",
            ipaddr="2001:db8::1",
            username='Zoë \\ "O\'Neil" {,}',
            associated_ipaddr="2001:db8::2",
            start=NOON,
            end=NOON + HOUR,
            end_kind=END_PROVEN,
            alive=NOON + 1,
            sure_until=NOON + 2,
            line=2**40,
            session="a;b|c",
            flaw="no_user",
            starts_unknown=True,
            is_snapshot=True,
        )
        bare = AddressClaim(gateway="", ipaddr="2001:db8::1", username="", associated_ipaddr="", start=NOON + 5)
        assert keep(location, full, bare) == Kept(added=2, changed=True)
        assert list(held(location, 0, 1, "2001:db8::1")) == [full, bare]

    def test_the_same_again_changes_nothing(self, location: str) -> None:
        claims = [claim(0), claim(1, "bob"), claim(2, gateway="vpn2")]
        assert keep(location, *claims) == Kept(added=3, changed=True)
        before = everything(location)
        assert keep(location, *claims, *claims) == Kept(unchanged=3)
        assert everything(location) == before

    def test_in_columns_are_kept_as_one_by_one(self, location: str) -> None:
        claims = [
            claim(0, "Zoë \\ {,}", end=at(1), end_kind=END_PROVEN),
            claim(1, "bob", "2001:db8::1", end=at(30), end_kind=END_TAKEN, flaw="no_user"),
            claim(2, "eve", "10.8.0.2"),
        ]
        assert keep(location, columns=[columns_of(claims)]) == Kept(added=3, changed=True)
        assert [found for one in claims for found in held(location, 0, 40, one.ipaddr)] == claims
        assert keep(location, *claims) == Kept(unchanged=3)

    def test_in_columns_are_merged_with_what_is_known(self, location: str) -> None:
        keep(location, claim(0), claim(1, "bob"))
        ended = [claim(0, end=at(1), end_kind=END_TAKEN), claim(1, "BOB"), claim(2, "eve"), claim(3, "eve"), claim(3, "Eve")]
        assert keep(location, columns=[columns_of(ended)], check=True) == Kept(2, 1, 1, changed=True)
        assert keep(location, columns=[columns_of(ended)]) == Kept(2, 1, 1, changed=True)
        assert keep(location, columns=[columns_of(ended[:4])]) == Kept(unchanged=4)
        assert list(held(location, 0, 0.5)) == ended[:1]

    def test_a_session_that_was_open_is_ended_and_not_doubled(self, location: str) -> None:
        keep(location, claim(0))
        ended = claim(0, end=at(3), end_kind=END_LOGGED, alive=at(3))
        assert keep(location, ended) == Kept(updated=1, changed=True)
        assert keep(location, claim(0)) == Kept(unchanged=1)
        assert list(held(location, 0, 5)) == [ended]

    def test_names_that_differ_in_case_only_are_one_user(self, location: str) -> None:
        keep(location, claim(0, "Ann"))
        assert keep(location, claim(0, "ANN", alive=at(1))) == Kept(updated=1, changed=True)
        assert [one.username for one in held(location, 0, 5)] == ["Ann"]

    @pytest.mark.parametrize("second", [claim(0, "bob"), claim(0, ipaddr="10.8.0.2"), claim(0, gateway="vpn2"), claim(1)])
    def test_another_key_is_another_claim(self, location: str, second: AddressClaim) -> None:
        keep(location, claim(0))
        assert keep(location, second).added == 1

    def test_one_batch_may_hold_a_claim_more_than_once(self, location: str) -> None:
        assert keep(location, claim(0), claim(0, alive=at(1)), claim(0, end=at(2), end_kind=END_TAKEN)).added == 1
        assert list(held(location, 0, 5)) == [claim(0, end=at(2), end_kind=END_TAKEN, alive=at(1))]

    def test_open_claims_are_those_that_nothing_ended(self, location: str) -> None:
        keep(
            location,
            claim(0),
            claim(1, "bob", alive=at(9)),
            claim(2, "cyd", end=at(3), end_kind=END_LOGGED),
            claim(3, "dee", end=at(4), end_kind=END_TAKEN),
            claim(4, gateway="vpn2"),
        )
        with opened_history(location, check_mode=False) as history:
            assert [one.username for one in history.open_claims("vpn1", at(0))] == ["ann", "bob"]
            assert [one.username for one in history.open_claims("vpn1", at(5))] == ["bob"]
            assert list(history.open_claims("vpn3", 0)) == []


class TestWindows:
    @pytest.mark.parametrize(
        ("since", "until", "found"),
        [(0, 0, True), (3, 3, True), (5, 5, True), (5.1, 6, False), (-2, -0.1, False), (-2, 0, True), (-100, 100, True)],
    )
    def test_ends_count_as_inside(self, location: str, since: float, until: float, found: bool) -> None:
        keep(location, claim(0, end=at(5), end_kind=END_LOGGED))
        assert bool(held(location, since, until)) is found

    def test_long_sessions_are_found_in_their_middle(self, location: str) -> None:
        keep(location, claim(0, end=at(24 * 40), end_kind=END_LOGGED), claim(1, "bob", alive=at(49.5)))
        assert [one.username for one in held(location, 24 * 20, 24 * 20 + 1)] == ["ann"]
        assert [one.username for one in held(location, 49, 50)] == ["ann", "bob"]

    def test_claims_are_ordered_by_start_and_line(self, location: str) -> None:
        keep(location, claim(2), claim(1), claim(0, "bob", line=9), claim(0, "ann", line=3))
        assert [(one.username, one.line) for one in held(location, 0, 5)] == [("ann", 3), ("bob", 9), ("ann", 2), ("ann", 3)]

    def test_every_gateway_that_ever_assigned_the_address_is_known(self, location: str) -> None:
        keep(location, claim(0), claim(24 * 400, gateway="vpn2"), claim(0, ipaddr="10.8.0.2", gateway="vpn3"))
        with opened_history(location, check_mode=False) as history:
            windows = [ClaimWindow("10.8.0.1", 0, 1), ClaimWindow("10.8.0.9", 0, 2 * NOON)]
            assert [one.gateways for one in history.around(windows)] == [{"vpn1", "vpn2"}, frozenset()]

    def test_thousands_are_answered_as_one_by_one(self, location: str) -> None:
        """Against a list in memory, for claims and doubts of any length."""
        draw = random.Random(7)
        lengths = [0, 1, HOUR, 3 * DAY, 90 * DAY]
        claims = {
            one.key: one
            for one in (
                claim(
                    draw.randrange(5000), draw.choice("abcdef"), f"10.8.0.{draw.randrange(20)}", draw.choice(["vpn1", "vpn2"]), line=number
                )
                for number in range(2000)
            )
        }
        ended = [replace(one, end=one.start + draw.choice(lengths), end_kind=END_LOGGED) for one in claims.values()]
        doubts = [
            Doubt("vpn1", draw.choice([ROW, SPAN, CLOCK]), since, since + draw.choice(lengths), address, 1, f"doubt {number}")
            for number, since in enumerate(at(draw.randrange(5000)) for _number in range(60))
            for address in [draw.choice([None, "10.8.0.3"])]
        ]
        keep(location, *ended, doubts=doubts)
        starts = [(draw.randrange(22), at(draw.randrange(5000))) for _number in range(700)]
        windows = [ClaimWindow(f"10.8.0.{number}", start, start + draw.choice([0, HOUR, 3 * DAY])) for number, start in starts]
        with opened_history(location, check_mode=False) as history:
            answers = list(history.around(windows))
        assert len(answers) == len(windows)
        for window, answer in zip(windows, answers, strict=True):
            own = [one for one in ended if one.ipaddr == window.ipaddr and one.start <= window.until and one.latest >= window.since]
            assert list(answer.claims) == sorted(own, key=lambda one: (one.start, one.line))
            near = [one for one in doubts if one.since <= window.until and one.until >= window.since]
            assert set(answer.doubts) == {one for one in near if one.ipaddr in (None, window.ipaddr)}
            assert [one.since for one in answer.doubts] == sorted(one.since for one in answer.doubts)


class TestDoubts:
    def test_come_back_once(self, location: str) -> None:
        doubts = [
            Doubt("vpn1", SPAN, at(0), at(5), None, 7, "the clock went back"),
            Doubt("vpn1", CLOCK, at(1), at(5), None, 8, "the clock is wrong", amount=5000),
            Doubt("vpn1", ROW, at(2), at(5), "10.8.0.1", 9, "cut off"),
            Doubt("vpn2", ROW, at(3), at(5), None, 9, "cut off"),
        ]
        assert keep(location, doubts=doubts) == Kept(changed=True)
        assert keep(location, doubts=[*doubts, replace(doubts[0], line=99)]) == Kept(), "the same line of a log that was rotated"
        with opened_history(location, check_mode=False) as history:
            one, other = history.around([ClaimWindow("10.8.0.1", at(4), at(6)), ClaimWindow("10.8.0.2", at(4), at(6))])
        assert list(one.doubts) == doubts
        assert list(other.doubts) == [doubt for doubt in doubts if doubt.ipaddr is None]

    @pytest.mark.parametrize("at_once", [5000, 10])
    def test_of_very_many_rows_those_are_found_that_matter(self, location: str, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
        monkeypatch.setattr("ansible_collections.secops.xdr.plugins.module_utils._sessions.history_questions._MOST_AT_ONCE", at_once)
        rows = [Doubt("vpn1", ROW, at(0) + number, at(0) + number, None, number, "garbled") for number in range(100)]
        lasting = Doubt("vpn1", ROW, at(0) + 2, at(0) + 70, None, 100, "without a time")
        keep(location, claim(0), doubts=[*rows, lasting, *(replace(row, gateway="vpn2") for row in rows)])
        windows = [ClaimWindow("10.8.0.1", at(-1), at(1), at(0) + until) for until in (5, 60, 80)]
        with opened_history(location, check_mode=False) as history:
            first, middle, last = ([doubt for doubt in found.doubts if doubt.gateway == "vpn1"] for found in history.around(windows))
        assert set(first) == {*rows[:6], lasting}
        assert set(middle) == {*rows[41:61], lasting}
        assert set(last) == {*rows[61:81], rows[80]}


class TestSpans:
    @pytest.mark.parametrize(
        ("second", "joined"),
        [
            ((5, 9), [(0, 9)]),
            ((2, 4), [(0, 5)]),
            ((4, 9), [(0, 9)]),
            ((-3, 2), [(-3, 5)]),
            ((6, 9), [(0, 5), (6, 9)]),
            ((-3, 9), [(-3, 9)]),
        ],
    )
    def test_are_joined_where_they_touch(self, location: str, second: tuple[int, int], joined: list[tuple[int, int]]) -> None:
        def span(since: int, until: int) -> CoverageSpan:
            return CoverageSpan("vpn1", at(since), at(until))

        expected = [span(*one) for one in joined]
        assert keep(location, spans=[span(0, 5)]).changed
        assert keep(location, spans=[span(*second)]).changed == (expected != [span(0, 5)])
        with opened_history(location, check_mode=False) as history:
            assert list(history.spans()) == expected

    def test_three_become_one(self, location: str) -> None:
        keep(location, spans=[CoverageSpan("vpn1", 0, 10), CoverageSpan("vpn1", 20, 30)])
        keep(location, spans=[CoverageSpan("vpn1", 9, 21)])
        with opened_history(location, check_mode=False) as history:
            assert list(history.spans()) == [CoverageSpan("vpn1", 0, 30)]

    def test_of_other_gateways_and_of_snapshots_are_apart(self, location: str) -> None:
        spans = [CoverageSpan("vpn1", 0, 10), CoverageSpan("vpn1", 5, 20, of_snapshots=True), CoverageSpan("vpn2", 5, 20)]
        keep(location, spans=spans)
        with opened_history(location, check_mode=False) as history:
            assert list(history.spans()) == spans


class TestMore:
    def test_networks_are_replaced(self, location: str) -> None:
        with opened_history(location, check_mode=False) as history:
            assert history.networks() == []
            assert history.set_networks(GatewayNetworks("vpn1", ("10.8.0.0/16", "10.9.0.0/16")))
            assert not history.set_networks(GatewayNetworks("vpn1", ("10.9.0.0/16", "10.8.0.0/16")))
            assert history.set_networks(GatewayNetworks("vpn1", ("10.8.0.0/16",)))
            assert list(history.networks()) == [GatewayNetworks("vpn1", ("10.8.0.0/16",))]
            assert history.set_networks(GatewayNetworks("vpn1", ()))
            assert history.networks() == []

    def test_positions_are_replaced(self, location: str) -> None:
        first, second = LogPosition("vpn1", "/var/log/a", "{}"), LogPosition("vpn1", "/var/log/b", "[1]")
        assert keep(location, positions=[first, second]).changed
        assert not keep(location, positions=[first]).changed
        assert keep(location, positions=[replace(first, state="{2}")]).changed
        with opened_history(location, check_mode=False) as history:
            assert list(history.positions("vpn1")) == [replace(first, state="{2}"), second]
            assert list(history.positions("vpn2")) == []

    def test_retention_forgets_what_is_over(self, location: str) -> None:
        old, lasting, new = claim(0, end=at(2), end_kind=END_LOGGED), claim(1, "bob", end=at(50), end_kind=END_LOGGED), claim(60, "cyd")
        doubts = [Doubt("vpn1", SPAN, at(0), at(until), None, 1, "x") for until in (2, 50)]
        spans = [CoverageSpan("vpn1", at(0), at(5)), CoverageSpan("vpn1", at(9), at(70))]
        keep(location, old, lasting, new, doubts=doubts, spans=spans)
        with opened_history(location, check_mode=True) as planned:
            assert planned.forget(at(10)) == 1
        with opened_history(location, check_mode=False) as history:
            assert history.forget(at(10)) == 1
            assert history.forget(at(10)) == 0
            (found,) = history.around([ClaimWindow("10.8.0.1", 0, 2 * NOON)])
            assert (list(found.claims), list(found.doubts)) == ([lasting, new], doubts[1:])
            assert list(history.spans()) == [CoverageSpan("vpn1", at(10), at(70))]

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            (ClaimFilter(), ["ann", "bob", "cyd"]),
            (ClaimFilter(users=frozenset({"ann", "zed"})), ["ann"]),
            (ClaimFilter(ipaddrs=frozenset({"10.8.0.2"})), ["cyd"]),
            (ClaimFilter(gateways=frozenset({"vpn2"})), ["bob"]),
            (ClaimFilter(gateways=frozenset({"vpn9"})), []),
            (ClaimFilter(since=at(1), until=at(2)), ["bob"]),
        ],
    )
    def test_lists(self, location: str, wanted: ClaimFilter, found: list[str]) -> None:
        keep(
            location,
            claim(2, "cyd", "10.8.0.2"),
            claim(0, "Ann"),
            claim(1, "bob", gateway="vpn2"),
            claim(1, "dee", flaw="unusable"),
            claim(1, "eve", starts_unknown=True),
        )
        with opened_history(location, check_mode=False) as history:
            listed = history.listed(wanted)
            assert [one.user for one in listed.claims] == found
            assert listed.selected == len(found)
            first = history.listed(replace(wanted, limit=1))
            assert ([one.user for one in first.claims], first.selected) == (found[:1], len(found))


class TestCheckMode:
    def test_counts_as_a_real_run_would_and_keeps_nothing(self, location: str) -> None:
        keep(location, claim(0), claim(1, "bob"), spans=[CoverageSpan("vpn1", at(0), at(2))], positions=[LogPosition("vpn1", "a", "1")])
        before = everything(location)
        evidence = Evidence(
            claims=[claim(0), claim(1, "bob", end=at(2), end_kind=END_LOGGED), claim(2, "cyd")],
            spans=[CoverageSpan("vpn1", at(1), at(2))],
            doubts=[Doubt("vpn1", ROW, at(0), at(1), None, 1, "x")],
            positions=[LogPosition("vpn1", "a", "1")],
        )
        with opened_history(location, check_mode=True) as planned:
            assert planned.keep(evidence) == Kept(1, 1, 1, True)
            assert planned.keep(evidence) == Kept(0, 0, 3, False)
            (found,) = planned.around([ClaimWindow("10.8.0.1", at(0), at(5))])
            assert list(found.claims) == list(evidence.claims)
            assert list(found.doubts) == list(evidence.doubts)
            assert [one.username for one in planned.open_claims("vpn1", 0)] == ["ann", "cyd"]
            assert list(planned.positions("vpn1")) == [LogPosition("vpn1", "a", "1")]
            assert list(planned.spans()) == [CoverageSpan("vpn1", at(0), at(2))]
            assert planned.set_networks(GatewayNetworks("vpn1", ("10.8.0.0/16",)))
            assert not planned.set_networks(GatewayNetworks("vpn1", ("10.8.0.0/16",)))
        assert everything(location) == before
        assert keep(location, *evidence.claims, spans=evidence.spans, doubts=evidence.doubts, positions=evidence.positions) == Kept(
            1, 1, 1, True
        )

    def test_needs_no_history(self, location: str) -> None:
        assert keep(location, claim(0), check=True) == Kept(added=1, changed=True)
        with pytest.raises(LedgerError, match=r"^history: there is no session history in .*vpn_session"), history_to_ask(location):
            pass

    def test_asking_writes_nothing(self, location: str) -> None:
        keep(location, claim(0))
        with history_to_ask(location) as history:
            (found,) = history.around([ClaimWindow("10.8.0.1", at(0), at(1))])
            assert list(found.claims) == [claim(0)]


class TestTogether:
    def test_many_writers_keep_each_claim_once(self, location: str) -> None:
        """Eight runs create the history together and keep the same claims, each in an order of its own."""
        claims = [claim(number % 40, "ann", f"10.8.0.{number % 7}", f"vpn{number % 3}") for number in range(840)]
        distinct = {one.key for one in claims}
        start = threading.Barrier(8)

        def write(number: int) -> Kept:
            own = random.Random(number).sample(claims, len(claims))
            start.wait(PATIENCE_SECONDS)
            with opened_history(location, check_mode=False) as history:
                kept = [history.keep(Evidence(claims=own[place : place + 100], spans=[_span(number)])) for place in range(0, 840, 100)]
            return Kept(sum(one.added for one in kept), sum(one.updated for one in kept))

        threads = [Thread(lambda number=number: write(number)) for number in range(8)]
        kept = [thread.result() for thread in threads]
        assert sum(one.added for one in kept) == len(distinct)
        with opened_history(location, check_mode=False) as history:
            assert history.listed(ClaimFilter()).selected == len(distinct)
            assert list(history.spans()) == [CoverageSpan("vpn1", 0, 80)]


def _span(number: int) -> CoverageSpan:
    return CoverageSpan("vpn1", number * 10, number * 10 + 10)
