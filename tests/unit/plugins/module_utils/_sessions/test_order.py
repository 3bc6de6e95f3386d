# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a log is recognised, and its rows come oldest first."""

from __future__ import annotations

from random import Random

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._sessions.order import BACKWARD, FORWARD, UNORDERED, in_order, order_of

from support.evidence import end, other, rejected, start


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param([], FORWARD, id="nothing"),
        pytest.param([1], FORWARD, id="one row"),
        pytest.param([1, 2, 3, 4], FORWARD, id="oldest first"),
        pytest.param([4, 3, 2, 1], BACKWARD, id="newest first"),
        pytest.param([2, 1], FORWARD, id="two rows may be a clock that was set back"),
        pytest.param([1, 2, 3, 4, 2, 3, 4, 5], FORWARD, id="a clock that was set back"),
        pytest.param([9, 8, 7, 6, 8, 7, 6, 5, 4, 3], BACKWARD, id="the same, newest first"),
        pytest.param([5, 1, 6, 2, 7, 3, 8, 4, 9, 0], UNORDERED, id="no order"),
        pytest.param([place + (place % 2) * -0.3 for place in range(40)], FORWARD, id="rows mixed up by seconds"),
        pytest.param([place / 60 for place in range(400)], FORWARD, id="a busy log"),
        pytest.param([place / 60 for place in range(400, 0, -1)], BACKWARD, id="a busy log, newest first"),
    ],
)
def test_the_order_is_recognised(minutes: list[float], expected: str):
    assert order_of([other(minute) for minute in minutes]).direction == expected


def test_an_export_is_ordered_by_its_ends():
    rows = [start(begin, "ann", end=over) for begin, over in ((50, 60), (10, 70), (60, 80), (20, 90))]
    assert order_of(rows).by_end
    assert order_of(rows).direction == FORWARD


@pytest.mark.parametrize("blocks", [1, 7])
def test_newest_first_is_turned_round(blocks: int):
    rows = [start(minute, "ann") for minute in range(5000, 0, -1)]
    parts = [rows[place::1][: len(rows) // blocks + 1] for place in range(0, len(rows), len(rows) // blocks + 1)]
    _order, in_time = in_order(parts)
    assert [row.time for block in in_time for row in block] == [row.time for row in reversed(rows)]


def test_rows_in_no_order_are_sorted_with_those_without_a_time_first():
    rows = [start(minute, "ann") for minute in range(9000)] + [rejected()] * 3
    Random(1).shuffle(rows)
    _order, in_time = in_order([rows[place : place + 1000] for place in range(0, len(rows), 1000)])
    times = [row.time for block in in_time for row in block]
    assert times[:3] == [None] * 3
    assert times[3:] == sorted(row.time for row in rows if row.time is not None)


def test_at_one_time_ends_come_before_beginnings():
    rows = [start(minute, "bob") for minute in (5, 1, 6, 2, 7, 3, 8, 4, 9, 0)] + [end(5, "ann")]
    _order, in_time = in_order([rows])
    kinds = [row.kind for block in in_time for row in block if row.time == end(5, "ann").time]
    assert kinds == ["end", "start"]
