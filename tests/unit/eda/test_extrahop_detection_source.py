# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source hands each detection over once, in order, across restarts. What both sources share is tested with Stellar Cyber's."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import XdrError
from ansible_collections.secops.xdr.tests.unit.eda.rule_engine import RuleEngine, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from emulator import RunningEmulator

NOW = int(time.time() * 1000)
HOUR_MS = 3_600_000


@pytest.fixture(autouse=True)
def last_requests() -> Iterator[None]:
    """A source that is cancelled does not wait for the request that is under way; the next test does."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("extrahop_detection"):
            thread.join(10)


@pytest.fixture
def args(emulator: RunningEmulator, tmp_path: Path) -> dict[str, Any]:
    return {
        "host": emulator.host,
        "ca_path": emulator.ca_path,
        "api_key": emulator.emulator.settings.api_key,
        "interval": 0.1,
        "cursor": str(tmp_path / "state" / "cursor.json"),
        "start": str(NOW - HOUR_MS),
    }


def add(emulator: RunningEmulator, number: int, created: int, modified: int | None = None, **fields: Any) -> None:
    """A detection that was created, and changed, so many seconds after the start."""
    times = {"create_time": NOW - HOUR_MS + created * 1000, "mod_time": NOW - HOUR_MS + (modified or created) * 1000}
    emulator.add_detections({"id": number, "title": f"detection {number}", **times, **fields})


def run(args: dict[str, Any], count: int, *steps: Any, feedback: bool = False) -> list[dict[str, Any]]:
    """The events that the engine took in a run. It ends once it took so many and had time for more; each step is done after one more."""
    engine = RuleEngine(args, feedback=feedback, source="extrahop_detection")

    async def check() -> None:
        async with engine.running() as source:
            for done, step in enumerate(steps, start=count - len(steps)):
                await engine.until(done, source)
                step()
            await engine.until(count, source)
            await asyncio.sleep(0.3)
            assert not source.done()

    asyncio.run(check())
    return engine.taken


@pytest.mark.parametrize("feedback", [False, True], ids=["queue", "feedback"])
@pytest.mark.parametrize("shown", [True, False], ids=["with create_time", "without"])
def test_each_new_detection_once_in_order_and_across_restarts(emulator: RunningEmulator, args: dict[str, Any], feedback: bool, shown: bool):
    emulator.configure(create_time_shown=shown)
    for number, created in ((3, 30), (1, 10), (2, 20), (9, -10)):
        add(emulator, number, created)

    taken = run(args, 4, lambda: add(emulator, 4, 40), feedback=feedback)

    assert [one["id"] for one in taken] == [1, 2, 3, 4]
    assert (taken[0]["change"], taken[0]["source"]["title"]) == ("new", "detection 1")
    assert len({one["meta"]["uuid"] for one in taken}) == 4
    # A change of one that was passed on does not make it new.
    add(emulator, 2, 20, modified=50)
    add(emulator, 5, 45)
    assert [one["id"] for one in run(args, 1, feedback=feedback)] == [5]
    assert run(args, 0, feedback=feedback) == []


def test_every_change_once(emulator: RunningEmulator, args: dict[str, Any]):
    args["changes"] = True
    add(emulator, 1, 10)
    add(emulator, 2, -100, modified=20)
    add(emulator, 3, -100)

    taken = run(args, 3, lambda: add(emulator, 1, 10, modified=30))

    assert [(one["id"], one["change"]) for one in taken] == [(1, "changed"), (2, "changed"), (1, "changed")]
    assert len({one["meta"]["uuid"] for one in taken}) == 3
    assert run(args, 0) == []


def test_latest_leaves_out_what_was_created_before(emulator: RunningEmulator, args: dict[str, Any], tmp_path: Path):
    args["start"] = "latest"
    add(emulator, 1, 10)
    engine = RuleEngine(args, source="extrahop_detection")

    async def check() -> None:
        async with engine.running() as source:
            await wait_for((tmp_path / "state" / "cursor.json").exists)
            emulator.add_detections({"id": 2})
            assert await engine.until(1, source) == [2]

    asyncio.run(check())


def test_the_filter_and_the_time_are_sent(emulator: RunningEmulator, args: dict[str, Any]):
    args["filter"] = {"risk_score_min": 80, "status": [".none"]}
    add(emulator, 1, 10)
    add(emulator, 2, 20, risk_score=90)

    assert [one["id"] for one in run(args, 1)] == [2]
    first = emulator.requests()[0]
    assert (first["method"], first["path"]) == ("POST", "/api/v1/detections/search")
    assert first["body"] == {
        "filter": {"risk_score_min": 80, "status": [".none"]},
        "create_time": NOW - HOUR_MS - 1,
        "limit": 1000,
        "offset": 0,
    }


def test_each_filter_has_a_cursor_of_its_own(emulator: RunningEmulator, args: dict[str, Any], tmp_path: Path):
    del args["cursor"]
    add(emulator, 1, 10, risk_score=90)

    for more in ({}, {"changes": True}, {"filter": {"risk_score_min": 80}}):
        assert [one["id"] for one in run({**args, **more}, 1)] == [1]

    cursors = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "home" / "state").rglob("cursor-*.json")]
    assert [one["index"] for one in cursors] == ["detections"] * 3


def test_a_server_that_ignores_the_time_is_noticed(emulator: RunningEmulator, args: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    add(emulator, 1, -100)
    monkeypatch.setattr("emulator._detections._in_time", lambda *_one: True)
    engine = RuleEngine(args, source="extrahop_detection")

    async def check() -> None:
        async with engine.running() as source:
            await wait_for(lambda: len(emulator.requests()) > 1 or source.done())

    asyncio.run(check())
    assert engine.taken == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"api_key": "wrong"}, "refused with status 401"),
        ({"filter": {"recommended": None}}, "filter.recommended: null was given"),
        ({"interval": 0}, "interval: 0.0 is out of range"),
        ({"start": "soon"}, "start:"),
        ({"filter": {"colour": 1}}, "unknown keys: colour"),
        ({"api_key": None, "client_secret": "9f8e7d6c5b4a3210"}, "client_id"),
    ],
)
def test_what_cannot_work_ends_the_source(args: dict[str, Any], given: dict[str, Any], said: str):
    engine = RuleEngine({name: value for name, value in {**args, **given}.items() if value is not None}, source="extrahop_detection")

    async def check() -> None:
        async with engine.running() as source:
            await wait_for(source.done)
            source.result()

    with pytest.raises(XdrError) as raised:
        asyncio.run(check())
    assert said in str(raised.value)
    assert "9f8e7d" not in str(raised.value)
