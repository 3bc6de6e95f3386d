# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of events that were passed on: it is limited, and never blocks an event."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ansible_collections.secops.xdr.plugins.plugin_utils._watch import stream as _stream
from ansible_collections.secops.xdr.plugins.plugin_utils._watch.stream import Found, Position

if TYPE_CHECKING:
    import pytest

NOW = int(time.time() * 1000)


def hand_over(position: Position, number: int, moment: int, *, take: bool = True) -> None:
    found = Found(f"key{number}", moment, {})
    assert not position.knows(found)
    position.hand_over(found)
    if take:
        position.take(found.key)


def advance(position: Position) -> None:
    position.searched(NOW)
    position.advance()


def test_it_goes_back_by_the_overlap_and_forgets_the_rest():
    position = Position(10_000, NOW - 100_000)
    for number in range(50):
        hand_over(position, number, NOW - 100_000 + number * 1000)
    advance(position)

    assert position.since == NOW - 100_000 + 39_000
    assert sorted(position.snapshot()["sent"].values()) == [NOW - 100_000 + number * 1000 for number in range(39, 50)]


def test_it_never_goes_back_behind_the_start():
    position = Position(60_000, NOW - 1000)
    hand_over(position, 1, NOW - 1000)
    advance(position)

    assert position.since == NOW - 1000


def test_what_the_engine_did_not_take_holds_it():
    position = Position(1000, NOW - 100_000)
    hand_over(position, 1, NOW - 90_000, take=False)
    hand_over(position, 2, NOW - 50_000)
    advance(position)

    assert position.since == NOW - 90_000
    assert list(position.snapshot()["sent"]) == ["key2"]
    position.take("key1")
    advance(position)
    assert position.since == NOW - 51_000


def test_an_event_from_the_future_does_not_move_it():
    position = Position(1000, NOW - 100_000)
    hand_over(position, 1, NOW + 86_400_000)
    hand_over(position, 2, NOW - 50_000)
    advance(position)

    assert position.since == NOW - 51_000
    assert position.knows(Found("key1", 0, {}))
    again = Position(1000, **position.snapshot())
    advance(again)
    assert (again.since, again.knows(Found("key1", 0, {})), again.knows(Found("key3", 0, {}))) == (NOW - 51_000, True, False)


def test_its_memory_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_stream, "MOST_REMEMBERED", 100)
    position = Position(3_600_000, NOW - 3_600_000)
    for number in range(1000):
        hand_over(position, number, NOW - 1_000_000 + number // 10 * 10)
        advance(position)

    sent = position.snapshot()["sent"]
    assert len(sent) <= 110
    assert position.since == min(sent.values())
    assert list(sent) == [f"key{number}" for number in range(1000 - len(sent), 1000)]


def test_events_of_one_time_stay_together(monkeypatch: pytest.MonkeyPatch):
    """Else a search that finds them all would pass on the forgotten ones again."""
    monkeypatch.setattr(_stream, "MOST_REMEMBERED", 10)
    position = Position(1000, NOW - 100_000)
    for number in range(50):
        hand_over(position, number, NOW - 50_000)
    advance(position)

    assert len(position.snapshot()["sent"]) == 50
