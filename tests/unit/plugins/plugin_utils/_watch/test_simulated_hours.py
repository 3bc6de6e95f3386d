# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hours of events that become visible late and carry wrong times, through restarts and kills: each is passed on once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.secops.xdr.plugins.plugin_utils._watch import cursor, stream, watch
from ansible_collections.secops.xdr.plugins.plugin_utils._watch.handover import ConfirmedHandover, Handover
from ansible_collections.secops.xdr.plugins.plugin_utils._watch.options import WatchOptions
from ansible_collections.secops.xdr.tests.unit.plugins.plugin_utils._watch.simulated import (
    START,
    Immediate,
    LaggingServer,
    SimulatedLoop,
    Written,
)

HOURS = 2 * 3600
KILLS = 12
MOST_TWICE = 5


@pytest.fixture(autouse=True)
def nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "Worker", Immediate)
    monkeypatch.setattr(stream, "EventSearch", LaggingServer.search)
    # Nobody switches this host off; that each write is on the disk is for other tests.
    monkeypatch.setattr("os.fsync", lambda _descriptor: None)


def options(folder: Path, **changed: Any) -> WatchOptions:
    given: dict[str, Any] = {
        "connection": {},
        "endpoint": LaggingServer.endpoint,
        "index": "aella-ser-*",
        "query": "",
        "tenants": (),
        "changes": False,
        "start": START - 600_000,
        "interval": 60.0,
        "overlap": 1_000_000,
        "cursor": str(folder / "state" / "cursor.json"),
    }
    return WatchOptions(**{**given, **changed})


@dataclass
class Engine:
    """Takes events, run after run, on one clock. `taken` has the ids of each run."""

    server: LaggingServer
    options: WatchOptions
    feedback: bool = False
    seconds: float = 0.0
    taken: list[list[str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def run(self, *, kill: bool, taken: int | None = None, seconds: float | None = None) -> None:
        """One run of the source: until it has taken so many events, or for so long. A kill leaves the files as they are at that moment."""
        loop = SimulatedLoop()
        loop.skipped = self.seconds
        self.server.now = loop.milliseconds
        self.taken.append([])
        try:
            left = loop.run_until_complete(self._run(taken, seconds))
        finally:
            loop.close()
        self.seconds = loop.skipped
        if kill:
            for path in Path(self.options.cursor).parent.iterdir():
                path.unlink()
            for path, content in left.items():
                path.write_bytes(content)

    async def _run(self, taken: int | None, seconds: float | None) -> dict[Path, bytes]:
        queue: asyncio.Queue[Any] = asyncio.Queue(1)
        answers: asyncio.Queue[Any] = asyncio.Queue(1)

        def handover(take: Callable[[str], None]) -> Handover:
            return ConfirmedHandover(queue, take, answers, str) if self.feedback else Handover(queue, take)

        source = asyncio.ensure_future(watch.EventWatch(self.options, self.server, handover, self.server.now).run())
        engine = asyncio.ensure_future(self._take(queue, answers, taken))
        await asyncio.wait({source, engine}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        left = {path: path.read_bytes() for path in Path(self.options.cursor).parent.iterdir()}
        engine.cancel()
        source.cancel()
        results = await asyncio.gather(source, engine, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError), results
        return left

    async def _take(self, queue: asyncio.Queue[Any], answers: asyncio.Queue[Any], count: int | None) -> None:
        while count is None or len(self.taken[-1]) < count:
            event = await queue.get()
            self.taken[-1].append(event["id"])
            if self.feedback:
                await answers.put(event)


def written(generator: random.Random, count: int, *, dated: float = 0.9) -> list[Written]:
    """Events of two hours: each is visible up to ten minutes late, and its clock is up to five minutes wrong."""
    times = [generator.randrange(HOURS * 1000) for _number in range(count)]
    return [
        Written(
            START + time + generator.randrange(600_000),
            START + time + generator.randrange(-300_000, 300_001),
            number,
            generator.random() < dated,
        )
        for number, time in enumerate(times)
    ]


@pytest.fixture(params=[False, True], ids=["queue", "feedback"])
def feedback(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_ten_thousand_events_each_once(tmp_path: Path, feedback: bool):
    generator = random.Random(20261125)
    events = written(generator, 10_000)
    engine = Engine(LaggingServer(events, lambda: START), options(tmp_path), feedback)
    for number in range(KILLS):
        # Down for a while before each run, which ends while events are passed on, or in a pause.
        engine.seconds += generator.choice([0, 0, 5, 200, 900])
        if number % 3:
            engine.run(taken=generator.randrange(1, 900), kill=number % 3 == 1)
        else:
            engine.run(seconds=generator.uniform(0, 400), kill=number % 2 == 1)
    engine.run(seconds=HOURS + 1000, kill=False)

    taken = Counter(name for run in engine.taken for name in run)
    assert set(taken) == {one.id for one in events}
    assert all(len(set(run)) == len(run) for run in engine.taken), "no run hands an event over twice"
    for before, after in pairwise(engine.taken):
        assert len(set(before) & set(after)) <= MOST_TWICE
    twice = [name for name, times in taken.items() if times > 1]
    assert len(twice) <= MOST_TWICE * sum(1 for _kill in killed())
    assert max(taken.values()) <= 2


def killed() -> Iterator[int]:
    """The runs that are killed in the test above."""
    return (number for number in range(KILLS) if (number % 3 == 1 if number % 3 else number % 2 == 1))


def test_restarts_alone_repeat_nothing(tmp_path: Path, feedback: bool):
    generator = random.Random(7)
    events = written(generator, 1000)
    engine = Engine(LaggingServer(events, lambda: START), options(tmp_path), feedback)
    for _number in range(10):
        engine.run(taken=generator.randrange(1, 90), kill=False)
    engine.run(seconds=HOURS + 1000, kill=False)

    assert sorted(name for run in engine.taken for name in run) == [one.id for one in events]


def test_the_default_overlap_covers_five_minutes_of_skew_and_a_minute_of_delay(tmp_path: Path):
    generator = random.Random(11)
    times = [generator.randrange(HOURS * 1000) for _number in range(800)]
    events = [
        Written(START + time + generator.randrange(60_000), START + time + generator.choice((-300_000, 300_000)), number)
        for number, time in enumerate(times)
    ]
    engine = Engine(LaggingServer(events, lambda: START), options(tmp_path, overlap=360_000))
    engine.run(seconds=HOURS + 1000, kill=False)

    assert sorted(engine.taken[0]) == [one.id for one in events]


def test_what_comes_later_than_the_overlap_is_missed(tmp_path: Path):
    """The bound that the guide states is a real one."""
    on_time, moves_it, late = Written(START, START, 0), Written(START + 400_000, START + 400_000, 1), Written(START + 800_000, START + 1, 2)
    engine = Engine(LaggingServer([on_time, moves_it, late], lambda: START), options(tmp_path, overlap=300_000))
    engine.run(seconds=1000, kill=False)

    assert engine.taken == [["id00000", "id00001"]]


def test_a_clock_that_is_set_back_neither_loses_nor_repeats(tmp_path: Path):
    generator = random.Random(13)
    events = written(generator, 500)
    engine = Engine(LaggingServer(events, lambda: START), options(tmp_path))
    engine.run(seconds=HOURS / 2, kill=False)
    seen_until = engine.seconds
    engine.server.now = lambda: START
    engine.seconds = seen_until - 3600
    engine.run(seconds=HOURS + 5000, kill=False)

    assert sorted(name for run in engine.taken for name in run) == [one.id for one in events]


def test_a_cursor_of_many_events_is_not_written_anew_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cursor, "SMALL", 50)
    replaced: list[str] = []
    replace = cursor.replaced
    monkeypatch.setattr(cursor, "replaced", lambda path: (replaced.append(path), replace(path))[1])
    events = [Written(START, START + number, number) for number in range(3000)]
    engine = Engine(LaggingServer(events, lambda: START), options(tmp_path))
    engine.run(taken=2000, kill=True)
    assert (tmp_path / "state" / "cursor.json.journal").exists()
    assert len(replaced) < 100
    engine.run(taken=1000, kill=False)

    twice = set(engine.taken[0]) & set(engine.taken[1])
    assert len(twice) <= MOST_TWICE
    assert {name for run in engine.taken for name in run} >= {one.id for one in events[:2990]}
    assert not (tmp_path / "state" / "cursor.json.journal").exists()


@pytest.mark.parametrize(
    "damage", [lambda text: text[:-7], lambda text: text + b'["new", "half', lambda text: b"", lambda text: b"other\n"]
)
def test_a_journal_that_a_crash_cut_off_repeats_events_and_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
):
    monkeypatch.setattr(cursor, "SMALL", 50)
    events = [Written(START, START + number, number) for number in range(300)]
    engine = Engine(LaggingServer(events, lambda: START), options(tmp_path))
    engine.run(taken=200, kill=True)
    journal = tmp_path / "state" / "cursor.json.journal"
    journal.write_bytes(damage(journal.read_bytes()))
    engine.run(seconds=100, kill=False)

    assert {name for run in engine.taken for name in run} == {one.id for one in events}


def test_a_cursor_that_is_removed_takes_its_journal_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cursor, "SMALL", 50)
    events = [Written(START, START + number, number) for number in range(300)]
    engine = Engine(LaggingServer(events, lambda: START), options(tmp_path))
    engine.run(taken=200, kill=True)
    (tmp_path / "state" / "cursor.json").unlink()
    engine.run(seconds=100, kill=False)

    assert sorted(engine.taken[1]) == [one.id for one in events]


def test_more_events_than_are_remembered_shorten_the_overlap_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(stream, "MOST_REMEMBERED", 100)
    monkeypatch.setattr(stream, "READ_AT_ONCE", 50)
    monkeypatch.setattr(watch, "READ_AT_ONCE", 50)
    events = [Written(START + number * 100, START + number * 100, number) for number in range(1000)]
    engine = Engine(LaggingServer(events, lambda: START), options(tmp_path))
    engine.run(seconds=1000, kill=False)

    assert sorted(engine.taken[0]) == [one.id for one in events]
    assert "overlap: more than" in caplog.text
    assert caplog.text.count("overlap: more than") == 1


def test_a_flood_from_the_future_ends_it_and_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream, "MOST_REMEMBERED", 20)
    events = [Written(START, START + 10**9 + number, number) for number in range(50)]
    engine = Engine(LaggingServer(events, lambda: START), options(tmp_path))

    with pytest.raises(AssertionError, match="More than 20 events claim to be from the future"):
        engine.run(seconds=1000, kill=False)
