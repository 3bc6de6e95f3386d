# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of evidence, one by one, on rows written by hand. Times are minutes after midnight."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._sessions.questions import Rules, checked_question
from ansible_collections.secops.xdr.plugins.module_utils._times.zones import Zone

from support.evidence import (
    MIDNIGHT,
    X,
    Y,
    alive,
    asked,
    end,
    other,
    rejected,
    restart,
    said,
    snapshot,
    start,
    who,
)

LAST = other(600)
"""Most logs continue until ten o'clock."""


@pytest.mark.parametrize(
    ("rows", "time", "expected"),
    [
        pytest.param([start(60, "ann"), LAST], 100, "ann", id="open until the log ends"),
        pytest.param([start(60, "ann"), LAST], 60, "ann", id="at its start"),
        pytest.param([start(60, "ann"), LAST], 600, "ann", id="at the last time of the log"),
        pytest.param([other(10), start(60, "ann"), LAST], 30, "not_held", id="before it"),
        pytest.param([other(10), start(60, "ann"), LAST], 59.9, "not_held", id="a few seconds before it"),
        pytest.param([start(60, "ann"), LAST], 30, "before_log_start", id="before the log"),
        pytest.param([start(60, "ann"), LAST], 601, "after_log_end", id="after the log"),
        pytest.param([start(60, "ann", Y), LAST], 100, "unknown_address", id="another address"),
        pytest.param([start(60, "ann"), end(90, "ann"), LAST], 75, "ann", id="between start and end"),
        pytest.param([start(60, "ann"), end(90, "ann"), LAST], 90.4, "ann", id="within the tolerance after a known end"),
        pytest.param([start(60, "ann"), end(90, "ann"), LAST], 91, "not_held", id="after a known end"),
        pytest.param([start(60, "ann"), end(90, "ann"), start(90.5, "bob"), LAST], 90.3, "ambiguous", id="somebody follows at once"),
        pytest.param([start(60, "ann"), start(90, "bob"), LAST], 80, "ann", id="before it is taken"),
        pytest.param([start(60, "ann"), start(90, "bob"), LAST], 100, "bob", id="after it was taken"),
        pytest.param([start(60, "ann"), start(90, "bob"), LAST], 90, "ambiguous", id="while it is taken"),
        pytest.param([start(60, "ann"), start(90, "Ann"), LAST], 90, "ann", id="the same user again"),
        pytest.param([start(60, "ann"), start(90, "CORP\\ann"), LAST], 90, "ambiguous", id="a domain makes another name"),
        pytest.param([start(60, "ann", end=120), start(90, "bob", end=100), LAST], 95, "ambiguous", id="two hold it"),
        pytest.param([start(60, "ann", end=120), start(90, "bob", end=100), LAST], 110, "doubtful", id="taken before its known end"),
        pytest.param([start(60, "ann", end=120), start(90, "bob", end=100), LAST], 70, "ann", id="before it was taken"),
    ],
)
def test_one_claim_one_user(rows: list[Any], time: float, expected: str):
    assert who(rows, time) == expected


@pytest.mark.parametrize(
    "taker",
    [
        pytest.param(start(90, ""), id="no user"),
        pytest.param(start(90, "*****"), id="masked user"),
        pytest.param(start(90, "b\ufffdb"), id="damaged name"),
        pytest.param(start(90, "bob", associated_ipaddr=None, reason="no_address"), id="no outside address"),
        pytest.param(start(90, "bob", reason="failed_login"), id="failed login with an address"),
        pytest.param(start(90, "bob", end=95, reason="failed_login"), id="failed login with a duration"),
    ],
)
def test_a_row_that_takes_an_address_and_names_nobody_ends_the_claim_before_it(taker: Any):
    rows = [start(60, "ann"), taker, LAST]
    assert who(rows, 80) == "ann"
    assert who(rows, 92) == "doubtful"
    assert who(rows, 300) in ("doubtful", "not_held")


@pytest.mark.parametrize(
    ("rows", "time", "expected"),
    [
        pytest.param([start(60, "ann"), alive(100, "ANN"), LAST], 110, "ann", id="of the same user"),
        pytest.param([start(60, "ann"), alive(100, "bob"), LAST], 110, "bob", id="of another user"),
        pytest.param([start(60, "ann"), alive(100, "bob", since=80), LAST], 90, "bob", id="of another user, since earlier"),
        pytest.param([other(50), alive(100, "ann", since=20), LAST], 70, "ann", id="of a session older than the log"),
        pytest.param([other(50), alive(100, "ann", since=20), LAST], 30, "before_log_start", id="before the log"),
        pytest.param([start(60, "ann"), alive(90, "bob"), alive(120, "ann", since=60), LAST], 100, "ambiguous", id="both say so"),
        pytest.param([start(60, "ann"), alive(100, "ann", None, session="s"), LAST], 110, "ann", id="without an address"),
    ],
)
def test_signs_of_life(rows: list[Any], time: float, expected: str):
    assert who(rows, time) == expected


@pytest.mark.parametrize(
    ("rows", "time", "expected"),
    [
        pytest.param([start(60, "ann"), rejected(90), LAST], 100, "doubtful", id="any address, after it"),
        pytest.param([start(60, "ann"), rejected(90), LAST], 80, "ann", id="before it"),
        pytest.param([start(60, "ann"), rejected(90, Y), LAST], 100, "ann", id="another address"),
        pytest.param([start(60, "ann"), rejected(90, X), LAST], 100, "doubtful", id="this address"),
        pytest.param([start(60, "ann"), other(85), rejected(), LAST], 100, "doubtful", id="no time: from the row before"),
        pytest.param([start(60, "ann"), other(85), rejected(), LAST], 80, "ann", id="no time: before the row before"),
        pytest.param([start(60, "ann"), rejected(), LAST], 61, "doubtful", id="right behind the start"),
        pytest.param([rejected(), start(60, "ann"), LAST], 61, "ann", id="right before the start"),
        pytest.param([start(60, "ann"), rejected(90), start(95, "ann"), LAST], 100, "ann", id="a claim after it"),
        pytest.param([start(60, "ann"), rejected(90), end(120, "ann", since=60), LAST], 100, "ann", id="a known end"),
        pytest.param([start(60, "ann", end=120), rejected(90), LAST], 100, "ann", id="an end in the row"),
        pytest.param([start(60, "ann", end=120), rejected(120.2), LAST], 120.3, "doubtful", id="right after a known end"),
        pytest.param([start(60, "ann"), alive(120, "ann", since=60), rejected(90), LAST], 100, "ann", id="a sign of life proves it"),
    ],
)
def test_rows_that_cannot_be_read(rows: list[Any], time: float, expected: str):
    assert who(rows, time) == expected


def test_a_doubt_names_its_line():
    answer = asked([start(60, "ann"), rejected(90), LAST], [(X, 100)])[0]
    assert answer.session is None
    assert [claim.username for claim in answer.candidates] == ["ann"]
    assert list(answer.doubts) == ["line 2: the row cannot be read (it is cut off)"]


class TestCoverage:
    """Rule 4: nothing is said about times that the log does not cover."""

    def test_complete_until_extends_it(self):
        assert who([start(60, "ann")], 100) == "after_log_end"
        assert who([start(60, "ann")], 100, complete_until=120) == "ann"

    def test_one_time_far_out_of_line_extends_nothing_and_disputes_nothing_else(self):
        rows = [start(60, "ann"), other(70), other(80), start(10_000_000, "bob"), other(90), other(100), other(110)]
        assert who(rows, 75) == "ann"
        assert who(rows, 105) == "doubtful", "bob's row may have taken the address"
        assert who(rows, 115) == "after_log_end"
        assert who([*rows, start(120, "cem", Y), LAST], 300, Y) == "cem"

    def test_the_last_row_may_be_the_one_that_is_out_of_line(self):
        rows = [start(60, "ann"), *map(other, range(70, 130, 10)), other(20_000_000)]
        assert who(rows, 115) == "ann"
        assert who(rows, 500) == "after_log_end"

    def test_rows_later_than_the_file_make_the_whole_log_doubtful(self):
        rows = [start(60, "ann"), start(100, "bob", Y), LAST]
        answer = asked(rows, [(X, 70)], modified=480)[0]
        assert answer.reason == "doubtful"
        assert "later than the file" in answer.doubts[0]
        assert who(rows, 70, modified=600) == "ann"
        assert who(rows, 70, modified=599.6) == "ann"


class TestUnknownEnds:
    """Rule 5: a claim without an end is not believed forever."""

    def test_it_is_believed_for_the_longest_session(self):
        rows = [start(60, "ann"), other(3000)]
        assert who(rows, 60 + 24 * 60) == "ann"
        answer = asked(rows, [(X, 62 + 24 * 60)])[0]
        assert answer.reason == "doubtful"
        assert "longest_session" in answer.doubts[0]

    def test_counted_from_the_last_sign_of_life(self):
        rows = [start(60, "ann"), alive(1000, "ann"), other(3000)]
        assert who(rows, 1000 + 24 * 60) == "ann"

    def test_the_caller_says_how_long_that_is(self):
        rules = Rules(tolerance=0, longest_session=30 * 60_000)
        assert who([start(60, "ann"), LAST], 90, rules=rules) == "ann"
        assert who([start(60, "ann"), LAST], 91, rules=rules) == "doubtful"


class TestClocks:
    """Rule 6: time that runs backwards."""

    def test_the_disputed_span_is_doubtful(self):
        rows = [start(60, "ann"), other(120), start(180, "ann", Y), start(150, "bob"), other(160), LAST]
        assert who(rows, 165) == "doubtful"

    def test_the_order_of_lines_tells_who_has_it_afterwards(self):
        rows = [start(60, "cem"), *map(other, range(100, 180, 5)), start(180, "ann"), start(155, "bob"), *map(other, range(160, 600, 5))]
        assert who(rows, 500) == "bob"

    def test_a_clock_that_is_set_back_in_a_log_of_few_rows(self):
        """The next row is as late as the one before. The clock may have been set back by nearly four hours all the same."""
        rows = [start(37, "cem"), start(103, "gil"), other(-125), *map(other, (133, 185, 188, 257, 349, 351, 392)), start(400, "bob", Y)]
        assert who([start(0, "cem"), *rows, LAST], 120) in ("doubtful", "ambiguous")

    def test_a_single_row_that_goes_back_proves_no_order(self):
        """The clock may have been set back, so that cem was second, or the line is in the wrong place, and ann was."""
        rows = [start(100, "ann"), start(20, "cem"), other(110), other(200), LAST]
        assert {who(rows, at) for at in (150, 300, 590)} <= {"doubtful", "ambiguous"}

    def test_a_doubled_hour_is_doubtful_in_both_of_its_hours(self):
        # In Berlin, 2024-10-27 02:00 to 03:00 is shown twice: 00:00 to 02:00 UTC.
        change = round((1_729_987_200_000 - MIDNIGHT) / 60_000)
        zone = Zone.named("Europe/Berlin")
        zone.was_used = True
        rows = [start(change - 60, "ann"), start(change + 40, "bob"), start(change + 20, "cem"), other(change + 130), other(change + 200)]
        options = {"zone": zone, "modified": change + 999}
        assert who(rows, change - 30, **options) == "ann"
        assert [who(rows, change + minutes, **options) for minutes in (10, 50, 90)] == ["doubtful"] * 3
        assert who(rows, change + 150, **options) == "cem"

    def test_a_log_of_several_years_without_years_names_nobody(self):
        year = 365 * 24 * 60
        rows = [start(year + 100, "ann"), other(year + 200), start(50, "bob"), other(400), other(year + 150), other(year + 190)]
        for minutes in (60, 300, year + 120, year + 180):
            assert who(rows, minutes, modified=2 * year) in ("doubtful", "before_log_start", "after_log_end")

    def test_newest_first(self):
        rows = [other(600), end(90, "ann"), start(60, "ann"), start(40, "bob"), other(10)]
        assert who(rows, 75) == "ann"
        assert who(rows, 50) == "bob"
        assert who(rows, 100) == "not_held"

    @pytest.mark.parametrize("seed", range(3))
    def test_an_export_in_any_order(self, seed: int):
        order = [[7, 2, 5, 0, 3, 6, 1, 4], [0, 7, 1, 6, 2, 5, 3, 4], [4, 3, 5, 2, 6, 1, 7, 0]][seed]
        rows = [start(60 * hour, ("ann", "bob")[hour % 2], end=60 * hour + 50) for hour in order]
        assert [who(rows, 60 * hour + 25, log_format="csv") for hour in range(8)] == ["ann", "bob"] * 4


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(end(90, "ann"), id="plain"),
        pytest.param(end(90, "ANN", None), id="other case, no address"),
        pytest.param(end(90, "ann", None, associated_ipaddr="198.51.100.77"), id="from another outside address"),
        pytest.param(end(90, "", X), id="the address is freed"),
        pytest.param(end(90, "ann", None, session="s1"), id="by its key"),
        pytest.param(restart(90), id="the gateway restarted"),
    ],
)
def test_ends_are_used(last: Any):
    rows = [start(60, "ann", session="s1"), last, LAST]
    assert who(rows, 80) == "ann"
    assert who(rows, 95) == "not_held"


@pytest.mark.parametrize(
    ("rows", "time", "expected"),
    [
        pytest.param(
            [start(60, "ann"), start(61, "ann", Y), end(90, "ann", None, since=61), LAST], 100, "ann", id="the other session ended"
        ),
        pytest.param([start(60, "ann"), start(65, "ann", Y), end(90, "ann", None), LAST], 100, "doubtful", id="one of two ended"),
        pytest.param([start(60, "ann"), end(120, "bob", since=100), LAST], 80, "ann", id="before the lone end's session"),
        pytest.param([start(60, "ann"), end(120, "bob", since=100), LAST], 110, "bob", id="a lone end gives its session"),
        pytest.param([start(60, "ann"), end(120, "bob", since=100), LAST], 130, "not_held", id="after it"),
        pytest.param([start(60, "ann"), end(120, "bob"), LAST], 80, "ambiguous", id="a lone end without a beginning"),
        pytest.param(
            [start(60, "ann"), end(120, "bob"), start(120, "cem"), LAST],
            80,
            "ambiguous",
            id="a lone end before a beginning",
        ),
        pytest.param([start(60, "ann"), end(120, "bob", None, since=100), LAST], 110, "doubtful", id="a lone end of an unknown address"),
        pytest.param([start(60, "ann"), end(120, "bob", None, since=100), LAST], 90, "ann", id="before that"),
        pytest.param([start(60, "ann"), end(120, "bob", None, since=10), LAST], 110, "ann", id="an end of a session older than the log"),
        pytest.param([start(60, "ann"), start(90, "bob"), end(90.1, "ann"), LAST], 100, "bob", id="an end that comes a line late"),
        pytest.param([start(60, "ann", session="a"), end(80, "ann", session="b", since=70), LAST], 300, "not_held", id="another key"),
    ],
)
def test_ends_that_do_not_match(rows: list[Any], time: float, expected: str):
    assert who(rows, time) == expected


class TestSnapshots:
    """Rule 9: a snapshot shows a moment."""

    ROWS = (
        snapshot(100),
        alive(100, "ann", since=70),
        snapshot(105),
        alive(105, "ann", since=70),
        snapshot(110),
        alive(110, "bob", since=107),
    )

    @pytest.mark.parametrize(
        ("time", "expected"),
        [
            (80, "ann"),
            (100, "ann"),
            (103, "ann"),
            (105, "ann"),
            (106, "not_covered"),
            (108, "bob"),
            (110, "bob"),
            (111, "after_log_end"),
            (60, "before_log_start"),
        ],
    )
    def test_between_and_around_them(self, time: float, expected: str):
        assert who(self.ROWS, time, log_format="openvpn_status") == expected

    def test_a_user_who_has_left_is_not_named(self):
        rows = [snapshot(100), alive(100, "ann", since=70), snapshot(105)]
        assert who(rows, 105, log_format="openvpn_status") == "not_held"
        assert who(rows, 103, log_format="openvpn_status") == "not_covered"

    def test_a_new_session_of_the_same_user_leaves_a_gap(self):
        rows = [snapshot(100), alive(100, "ann", since=70), snapshot(110), alive(110, "ann", since=108)]
        assert who(rows, 104, log_format="openvpn_status") == "not_covered"

    def test_a_snapshot_that_does_not_show_a_session_ends_what_its_start_says(self):
        rows = [snapshot(100), alive(100, "ann", since=70), snapshot(110), snapshot(120), alive(120, "ann", since=70)]
        asked_at = {time: who(rows, time, log_format="openvpn_status") for time in (80, 105, 110, 115, 120)}
        assert asked_at == {80: "ann", 105: "not_covered", 110: "not_covered", 115: "not_covered", 120: "ann"}

    def test_an_address_that_a_connected_user_has_got_since(self):
        """Bob was connected before, with another address."""
        rows = [snapshot(100), alive(100, "ann", since=70), alive(100, "bob", Y, since=60), snapshot(110), alive(110, "bob", since=60)]
        asked_at = [who(rows, time, log_format="openvpn_status") for time in (65, 80, 105, 110)]
        assert asked_at == ["before_log_start", "ann", "not_covered", "bob"]

    def test_two_clients_with_one_address(self):
        rows = [snapshot(100), alive(100, "ann", since=70), alive(100, "bob", since=80)]
        assert who(rows, 90, log_format="openvpn_status") == "ambiguous"


@pytest.mark.parametrize(("time", "expected"), [(65, "ann"), (100, "doubtful"), (250, "doubtful"), (301, "bob")])
def test_the_end_of_a_session_that_began_before_the_log_may_be_that_of_another(time: float, expected: str):
    """Ann had two: one on this address, and one that is not in the log."""
    rows = [start(60, "ann"), end(90, "ann", None, since=10, associated_ipaddr="198.51.100.1"), start(300, "bob"), LAST]
    assert who([other(50), *rows], time) == expected


@pytest.mark.parametrize(("ipaddr", "expected"), [(X, "doubtful"), (Y, "ann"), (None, "ann")])
def test_a_row_about_an_address_whose_meaning_is_not_known(ipaddr: str | None, expected: str):
    rows = [start(60, "ann"), other(90)._replace(ipaddr=ipaddr), LAST]
    assert [who(rows, 80), who(rows, 100)] == ["ann", expected]


def test_a_session_that_is_on_at_the_export_is_on_at_the_last_time():
    on = start(60, "ann")
    rows = [on, on._replace(kind="alive", time=None), start(70, "bob", Y, end=3000)]
    assert who(rows, 2000, log_format="openvpn_as", modified=4000) == "ann"


@pytest.mark.parametrize(
    ("ipaddr", "time", "words"),
    [
        ("0.0.0.0", 5, "no address"),
        ("fe80::1%eth0", 5, "interface"),
        ("224.0.0.1", 5, "multicast"),
        ("10.8.0.5", None, "time"),
        ("rubbish", 5, "not an IP address"),
    ],
)
def test_a_question_that_cannot_be_asked_says_why(ipaddr: str, time: int | None, words: str):
    assert words in checked_question(ipaddr, time, "").problem


def test_every_answer_stands_for_itself():
    rows = [start(60, "ann"), LAST]
    assert [said(answer) for answer in asked(rows, [(X, 100), (Y, 100), (X, 700)])] == ["ann", "unknown_address", "after_log_end"]
