# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source hands each event over once, in order, whatever happens on the way."""

from __future__ import annotations

import asyncio
import json
import logging
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import pytest
import yaml
from ansible_collections.secops.xdr.plugins.module_utils._errors import XdrError
from ansible_collections.secops.xdr.tests.unit.eda.rule_engine import NOW, RuleEngine, arguments, document, documents, ids, wait_for

from support.waiting import wait_until

if TYPE_CHECKING:
    from emulator import RunningEmulator

EVENT_SOURCES = Path(__file__).resolve().parents[3] / "extensions" / "eda" / "plugins" / "event_source"
CREDENTIAL_TYPE = EVENT_SOURCES / "credential_types" / "stellar_cyber"


@pytest.fixture(autouse=True)
def last_requests() -> Iterator[None]:
    """A source that is cancelled does not wait for the request that is under way; the next test does."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("stellar_ser_event"):
            thread.join(10)


@pytest.fixture
def cursor(tmp_path: Path) -> Path:
    return tmp_path / "state" / "cursor.json"


@pytest.fixture
def args(emulator: RunningEmulator, cursor: Path) -> dict[str, Any]:
    return arguments(emulator, cursor)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def injected(**inputs: str) -> dict[str, str]:
    """The variables that a credential of the type that comes with the source sets, with these of its fields filled in."""
    injectors = yaml.safe_load((CREDENTIAL_TYPE / "injectors.yml").read_text(encoding="utf-8"))
    render = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False).from_string
    return {name: render(template).render(inputs) for name, template in injectors["env"].items()}


async def run_until(engine: RuleEngine, count: int) -> list[str]:
    """The events that the engine took in a run. The run ends once it took so many and had the time to take more."""
    async with engine.running() as source:
        await engine.until(count, source)
        await asyncio.sleep(0.3)
        assert not source.done()
    return engine.ids


@pytest.mark.parametrize("feedback", [False, True], ids=["queue", "feedback"])
def test_each_event_once_in_order_of_writing_and_id(emulator: RunningEmulator, args: dict[str, Any], feedback: bool):
    written = NOW - 60_000
    emulator.add_events(document(3, written), document(1, written + 5), document(2, written), document(0, written - 5))
    engine = RuleEngine(args, feedback=feedback)

    async def check() -> None:
        async with engine.running() as source:
            assert await engine.until(4, source) == ["id00000", "id00002", "id00003", "id00001"]
            emulator.add_events(document(4, written + 7))
            assert (await engine.until(5, source))[4:] == ["id00004"]
            await asyncio.sleep(0.3)

    asyncio.run(check())
    assert len(engine.ids) == 5
    first = engine.taken[0]
    assert (first["index"], first["change"], first["source"]["event_name"]) == ("aella-ser-1-", "new", "event 0")
    assert len(first["meta"]["uuid"]) == 36


def milliseconds() -> int:
    return int(time.time() * 1000)


def test_latest_leaves_out_what_was_written_before(emulator: RunningEmulator, args: dict[str, Any]):
    """Also where it becomes visible later, or claims to be from the future; and passes on what is written from then on."""
    ahead = document(5, milliseconds() + 200_000)
    emulator.add_events(*documents(range(5)), ahead, document(6, milliseconds() - 10, write_time=None))
    before = milliseconds()
    engine = RuleEngine({**args, "start": "latest"})

    async def check() -> None:
        async with engine.running() as source:
            await wait_for(lambda: Path(args["cursor"]).exists())
            late = [document(7, before - 500), document(8, before - 1, write_time=None)]
            emulator.add_events(document(11, milliseconds() + 100_000), document(10), *late, document(9, milliseconds(), write_time=None))
            emulator.add_events(document(12, milliseconds()))
            assert sorted(await engine.until(3, source)) == ["id00009", "id00011", "id00012"]

    asyncio.run(check())
    again = RuleEngine({**args, "start": "latest"})
    emulator.add_events(document(13, milliseconds()))
    assert asyncio.run(run_until(again, 1)) == ["id00013"]


def test_latest_of_an_empty_index_is_everything_after(emulator: RunningEmulator, args: dict[str, Any]):
    engine = RuleEngine({**args, "start": ""})

    async def check() -> None:
        async with engine.running() as source:
            await wait_for(lambda: Path(args["cursor"]).exists())
            emulator.add_events(*[document(number, milliseconds() + number) for number in range(3)])
            assert await engine.until(3, source) == ids(range(3))

    asyncio.run(check())


def test_events_without_a_time_of_writing_go_by_their_timestamp(emulator: RunningEmulator, args: dict[str, Any]):
    """Their times have nothing to do with those of the others: what happened is often written much later."""
    first = [document(number, NOW + number - 30) for number in range(30)]
    second = [document(number, NOW + number - 10_000) for number in range(100, 130)]
    earlier = [document(number, NOW - 3_000_000 + number, write_time=None) for number in range(30, 60)]
    later = [document(number, NOW - 2_990_000 + number) for number in range(60, 90)]
    for one in later:
        del one["_source"]["write_time"]
    engine = RuleEngine({**args, "overlap": 30})

    async def check() -> None:
        async with engine.running() as source:
            emulator.add_events(*first, *earlier)
            await engine.until(60, source)
            emulator.add_events(*second, *later)
            await engine.until(120, source)

    asyncio.run(check())
    assert asyncio.run(run_until(RuleEngine({**args, "overlap": 30}), 0)) == []
    assert sorted(engine.ids) == sorted([*ids(range(90)), *ids(range(100, 130))])


def test_an_event_that_gets_its_time_of_writing_later_is_handed_over_once(emulator: RunningEmulator, args: dict[str, Any]):
    engine = RuleEngine(args)

    async def check() -> None:
        async with engine.running() as source:
            emulator.add_events(document(1, NOW - 1000, write_time=None))
            await engine.until(1, source)
            emulator.add_events(document(1, NOW - 1000), document(2, NOW))
            await engine.until(2, source)

    asyncio.run(check())
    assert asyncio.run(run_until(RuleEngine(args), 0)) == []
    assert engine.ids == ["id00001", "id00002"]


def test_events_ahead_of_the_clock_hide_none_that_come_after_them(emulator: RunningEmulator, args: dict[str, Any]):
    engine = RuleEngine(args)

    async def check() -> None:
        async with engine.running() as source:
            emulator.add_events(document(1, milliseconds() + 290_000), document(2, milliseconds() + 60_000), document(3, NOW + 10**10))
            await engine.until(3, source)
            emulator.add_events(document(4, milliseconds() - 60_000), document(5, milliseconds()))
            await engine.until(5, source)

    asyncio.run(check())
    assert sorted(engine.ids) == ids(range(1, 6))
    emulator.add_events(document(6, milliseconds() - 200_000))
    assert asyncio.run(run_until(RuleEngine(args), 1)) == ["id00006"]


@pytest.mark.parametrize("start", [NOW - 3_600_000 + 2000, str(NOW - 3_600_000 + 2000)], ids=["number", "text"])
def test_start_at_a_time(emulator: RunningEmulator, args: dict[str, Any], start: Any):
    emulator.add_events(*documents(range(5)))

    assert asyncio.run(run_until(RuleEngine({**args, "start": start}), 3)) == ids(range(2, 5))


@pytest.mark.parametrize("feedback", [False, True], ids=["queue", "feedback"])
def test_a_restart_goes_on(emulator: RunningEmulator, args: dict[str, Any], cursor: Path, feedback: bool):
    emulator.add_events(*documents(range(20)))
    assert asyncio.run(run_until(RuleEngine(args, feedback=feedback), 20)) == ids(range(20))
    emulator.add_events(*documents(range(20, 25)))

    assert asyncio.run(run_until(RuleEngine(args, feedback=feedback), 5)) == ids(range(20, 25))
    assert stat.S_IMODE(cursor.stat().st_mode) == 0o600
    assert stat.S_IMODE(cursor.parent.stat().st_mode) == 0o700
    assert sorted(path.name for path in cursor.parent.iterdir()) == ["cursor.json", "cursor.json.lock"]


@pytest.mark.parametrize("feedback", [False, True], ids=["queue", "feedback"])
def test_what_the_engine_did_not_take_comes_again_after_a_kill(
    emulator: RunningEmulator, args: dict[str, Any], cursor: Path, feedback: bool
):
    """The cursor in the middle of a run is what a killed run leaves behind."""
    emulator.add_events(*documents(range(40)))
    engine = RuleEngine(args, feedback=feedback)

    async def check() -> str:
        async with engine.running() as source:
            await engine.until(20, source)
            return read(cursor)

    left_behind = asyncio.run(check())
    taken = len(engine.taken)
    cursor.write_text(left_behind, encoding="utf-8")
    second = RuleEngine(args, feedback=feedback)
    asyncio.run(run_until(second, 40 - taken))

    assert set(engine.ids) | set(second.ids) == set(ids(range(40)))
    twice = [event for event in second.taken if event["id"] in engine.ids]
    # No more than ansible-rulebook's persistence knows again by default, and by the same name.
    assert len(twice) < 5 + len(engine.taken) - 20
    uuids = {event["id"]: event["meta"]["uuid"] for event in engine.taken}
    assert all(uuids[event["id"]] == event["meta"]["uuid"] for event in twice)


def test_the_cursor_waits_for_the_feedback(emulator: RunningEmulator, args: dict[str, Any], cursor: Path):
    emulator.add_events(*documents(range(3)))
    engine = RuleEngine(args, feedback=True)
    engine.answers = lambda event: event["id"] == "id00000"

    async def check() -> None:
        async with engine.running() as source:
            await engine.until(1, source)
            await asyncio.sleep(0.5)

    asyncio.run(check())
    assert asyncio.run(run_until(RuleEngine(args, feedback=True), 2)) == ids(range(1, 3))
    assert len(json.loads(cursor.read_text(encoding="utf-8"))["streams"]["new"]["sent"]) == 3


def test_an_event_that_the_engine_failed_with_is_handed_over_again(emulator: RunningEmulator, args: dict[str, Any]):
    emulator.add_events(*documents(range(6)))
    engine = RuleEngine(args, feedback=True)
    failed: list[str] = []

    def answers(event: dict[str, Any]) -> bool:
        if event["id"] == "id00002" and len(failed) < 2:
            failed.append(event["id"])
            return False
        return True

    engine.answers = answers

    async def check() -> None:
        async with engine.running() as source:
            await engine.until(5, source)
            # That it came back from the rules, or not, shows when a later one does.
            for number in (6, 7):
                emulator.add_events(document(number))
                await engine.until(number, source)
            await engine.until(8, source)

    asyncio.run(check())
    assert sorted(engine.ids) == ids(range(8))
    assert len(failed) == 2


def test_a_filter_that_drops_events_stops_nothing(
    emulator: RunningEmulator, args: dict[str, Any], caplog: pytest.LogCaptureFixture, cursor: Path
):
    emulator.add_events(*documents(range(300)))
    engine = RuleEngine(args, feedback=True)
    engine.keeps = lambda event: event["id"].endswith("9")

    async def check() -> None:
        async with engine.running() as source:
            await engine.until(30, source)

    asyncio.run(check())
    assert engine.ids == [name for name in ids(range(300)) if name.endswith("9")]
    assert "Event id00000 of aella-ser-1- was passed to the rule engine 3 times and got no feedback" in caplog.text
    again = RuleEngine(args, feedback=True)
    emulator.add_events(document(301))

    async def check_again() -> None:
        async with again.running():
            # Those at the end that got no feedback yet may come before it.
            await wait_for(lambda: "id00301" in again.ids)

    asyncio.run(check_again())


def test_late_events_within_the_overlap_are_found(emulator: RunningEmulator, args: dict[str, Any]):
    engine = RuleEngine({**args, "overlap": 30})

    async def check() -> None:
        async with engine.running() as source:
            emulator.add_events(*documents(range(100)))
            await engine.until(100, source)
            emulator.add_events(document(200, NOW - 3_600_000 + 75_000), document(201, NOW - 3_600_000 + 50_000))
            await engine.until(101, source)
            await asyncio.sleep(0.3)

    asyncio.run(check())
    assert engine.ids[100:] == ["id00200"]


def test_only_what_is_asked_for(emulator: RunningEmulator, args: dict[str, Any]):
    emulator.configure(analyzed_strings=True)
    emulator.add_events(
        document(0, event_status="Closed", tenantid="a b"),
        document(1, tenantid="a b"),
        document(2, tenantid="a"),
        document(3, tenantid="c"),
        document(4),
    )
    engine = RuleEngine({**args, "query": "event_status:New OR event_name:nothing", "tenants": ["a", "c"]})

    assert asyncio.run(run_until(engine, 2)) == ["id00002", "id00003"]


def test_changes(emulator: RunningEmulator, args: dict[str, Any]):
    emulator.add_events(*documents(range(3)))
    engine = RuleEngine({**args, "changes": True, "start": "latest"}, feedback=True)

    def change(number: int, changed: int) -> dict[str, Any]:
        return document(number, event_status="Closed", user_action={"last_modified": changed})

    async def check() -> None:
        async with engine.running() as source:
            await wait_for(lambda: "changed" in json.loads(read(Path(args["cursor"])))["streams"])
            now = milliseconds()
            emulator.add_events(change(2, now + 10), change(1, now + 5))
            await engine.until(2, source)
            emulator.add_events(change(1, now + 50))
            await engine.until(3, source)
            await asyncio.sleep(0.3)

    Path(args["cursor"]).parent.mkdir(mode=0o700)
    Path(args["cursor"]).write_text(
        json.dumps({"format": 1, "server": emulator.url, "index": "aella-ser-*", "streams": {"new": {"since": NOW, "sent": {}}}}),
        encoding="utf-8",
    )
    asyncio.run(check())
    assert [(event["id"], event["change"]) for event in engine.taken] == [
        ("id00001", "changed"),
        ("id00002", "changed"),
        ("id00001", "changed"),
    ]


@pytest.mark.parametrize("scrolls", [True, False])
def test_a_long_backlog_with_equal_times(emulator: RunningEmulator, args: dict[str, Any], scrolls: bool):
    emulator.configure(scroll_available=scrolls)
    emulator.add_events(*documents(range(510), written=NOW - 90_000), *documents(range(510, 620), written=NOW - 80_000))

    engine = RuleEngine(args)
    taken = asyncio.run(run_until(engine, 620))

    assert len(taken) == 620
    assert sorted(taken) == ids(range(620))
    times = [event["source"]["write_time"] for event in engine.taken]
    assert times == sorted(times)


def test_faults_are_waited_out(
    emulator: RunningEmulator, args: dict[str, Any], naps: list[float], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ansible_collections.secops.xdr.plugins.plugin_utils._watch.watch.LONGEST_BACKOFF_SECONDS", 0.2)
    emulator.add_fault("status", {"kind": "read"}, status=429, headers={"Retry-After": "7"})
    emulator.add_fault("status", {"kind": "read"}, status=503, times=2)
    emulator.add_fault("reset_before", {"kind": "read"})
    emulator.add_fault("html", {"kind": "read"})
    emulator.add_events(*documents(range(5)))

    assert asyncio.run(run_until(RuleEngine({**args, "retries": 1}), 5)) == ids(range(5))
    assert 7 in naps
    assert "Asking again in" in caplog.text


def test_a_token_that_ended_is_renewed(emulator: RunningEmulator, args: dict[str, Any]):
    engine = RuleEngine(args)

    async def check() -> None:
        async with engine.running() as source:
            for number in range(3):
                emulator.add_events(document(number))
                await engine.until(number + 1, source)
                emulator.expire_tokens()

    asyncio.run(check())
    assert engine.ids == ids(range(3))


def test_one_token_and_one_connection_serve_all_searches(emulator: RunningEmulator, args: dict[str, Any]):
    engine = RuleEngine(args)

    async def check() -> None:
        async with engine.running():
            await wait_for(lambda: len(emulator.requests(kind="read")) >= 5)

    asyncio.run(check())
    assert len(emulator.requests(kind="token")) == 1
    assert len({request["connection"] for request in emulator.requests()}) == 1


@pytest.mark.parametrize(
    ("options", "settings", "message"),
    [
        ({"api_key": "not-the-right-key"}, {}, "Check username"),
        ({}, {"right_to_read": False}, "may not read events"),
        ({"query": "event_name:("}, {}, "refused with status 400"),
        ({"host": ""}, {}, "missing required arguments: host. Set `host` in the task, or the environment variable STELLAR_HOST"),
        ({"hosts": "x"}, {}, "hosts"),
        ({"interval": 0}, {}, "interval: 0"),
        ({"overlap": -1}, {}, "overlap: -1"),
        ({"start": "yesterday"}, {}, "start: time 'yesterday'"),
        ({"start": "1700000000"}, {}, "looks like epoch seconds"),
        ({"index": "a/b"}, {}, "index:"),
        ({"interval": "often"}, {}, "interval"),
        ({"api_key": {"key": "not-the-right-key"}}, {}, "api_key"),
    ],
)
def test_what_cannot_work_ends_with_a_clear_error(
    emulator: RunningEmulator,
    args: dict[str, Any],
    options: dict[str, Any],
    settings: dict[str, Any],
    message: str,
    caplog: pytest.LogCaptureFixture,
):
    emulator.configure(**settings)

    async def check() -> None:
        await asyncio.wait_for(RuleEngine({**args, **options}).start(asyncio.Queue(1)), 10)

    with pytest.raises(XdrError) as raised:
        asyncio.run(check())

    assert message in str(raised.value)
    assert type(raised.value).__name__ in ("InputError", "AuthenticationError", "PermissionDeniedError", "StatusError")
    for secret in (args["api_key"], "not-the-right-key"):
        assert secret not in str(raised.value) + caplog.text


def test_credentials_from_the_environment(emulator: RunningEmulator, args: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    emulator.add_events(document(1))
    given = {name: value for name, value in args.items() if name not in ("host", "username", "api_key", "ca_path")}

    assert asyncio.run(run_until(RuleEngine({**given, "username": "", "api_key": ""}), 1)) == ["id00001"]


@pytest.mark.parametrize("blank", [{}, {"username": ""}], ids=["left out", "empty"])
@pytest.mark.parametrize("method", ["", "jwt", "basic", "scoped_key"])
def test_a_credential_of_the_controller_is_enough(
    emulator: RunningEmulator, args: dict[str, Any], monkeypatch: pytest.MonkeyPatch, method: str, blank: dict[str, str]
):
    emulator.configure(scoped_key_can_read=True)
    settings = emulator.emulator.settings
    whose = {"username": settings.username, "api_key": settings.stellar_api_key}
    if method == "scoped_key":
        whose = {**blank, "api_key": settings.scoped_key}
    for name, value in injected(host=emulator.host, ca_path=emulator.ca_path, auth_method=method, **whose).items():
        monkeypatch.setenv(name, value)
    emulator.add_events(document(1))
    given = {name: value for name, value in args.items() if name not in ("host", "username", "api_key", "ca_path")}

    assert asyncio.run(run_until(RuleEngine(given), 1)) == ["id00001"]


def test_a_credential_without_authorities_means_the_public_ones(
    emulator: RunningEmulator, args: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    variables = injected(host=emulator.host, username=args["username"], api_key=args["api_key"])
    assert variables["STELLAR_CA_PATH"] == ""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    given = {name: value for name, value in args.items() if name not in ("host", "username", "api_key", "ca_path")}

    async def check() -> None:
        async with RuleEngine({**given, "retries": 0}).running():
            await wait_for(lambda: "it does not lead to the authorities that this host trusts" in caplog.text)

    asyncio.run(check())


def test_rights_that_are_taken_away_end_it_and_other_refusals_do_not(
    emulator: RunningEmulator, args: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ansible_collections.secops.xdr.plugins.plugin_utils._watch.watch.LONGEST_BACKOFF_SECONDS", 0.1)
    engine = RuleEngine(args)

    async def check() -> None:
        async with engine.running() as source:
            emulator.add_events(document(1))
            await engine.until(1, source)
            emulator.add_fault("status", {"kind": "read"}, status=404)
            emulator.add_events(document(2))
            await engine.until(2, source)
            emulator.configure(right_to_read=False)
            await wait_for(source.done)
            assert type(source.exception()).__name__ == "PermissionDeniedError"

    asyncio.run(check())


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_one_refusal_of_the_token_endpoint_does_not_end_it(
    emulator: RunningEmulator, args: dict[str, Any], monkeypatch: pytest.MonkeyPatch, status: int
):
    monkeypatch.setattr("ansible_collections.secops.xdr.plugins.plugin_utils._watch.watch.LONGEST_BACKOFF_SECONDS", 0.1)
    engine = RuleEngine({**args, "retries": 0})

    async def check() -> None:
        async with engine.running() as source:
            emulator.add_events(document(1))
            await engine.until(1, source)
            emulator.add_fault("status", {"kind": "token"}, status=status, times=3)
            emulator.expire_tokens()
            emulator.add_events(document(2))
            await engine.until(2, source)

    asyncio.run(check())


def test_credentials_that_are_refused_again_and_again_end_it(
    emulator: RunningEmulator, args: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ansible_collections.secops.xdr.plugins.plugin_utils._watch.watch.LONGEST_BACKOFF_SECONDS", 0.1)
    engine = RuleEngine({**args, "retries": 0})

    async def check() -> None:
        async with engine.running() as source:
            emulator.add_events(document(1))
            await engine.until(1, source)
            emulator.configure(stellar_api_key="another-key-than-before")
            emulator.expire_tokens()
            await wait_for(source.done)
            assert type(source.exception()).__name__ == "AuthenticationError"

    asyncio.run(check())


def test_a_partial_search_moves_nothing(emulator: RunningEmulator, args: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    """The older half of the events is missing, in an answer that says so."""
    monkeypatch.setattr("ansible_collections.secops.xdr.plugins.plugin_utils._watch.watch.LONGEST_BACKOFF_SECONDS", 0.1)
    hits = [{"_index": one["_index"], "_id": one["_id"], "_source": one["_source"]} for one in documents(range(2000, 2010))]
    page = {
        "timed_out": False,
        "_shards": {"total": 5, "successful": 4, "failed": 1},
        "hits": {"total": {"value": 10, "relation": "eq"}, "hits": hits},
    }
    emulator.add_fault("status", {"kind": "read"}, status=200, body=page, times=3)
    emulator.add_events(*documents(range(10)), *documents(range(2000, 2010)))

    assert asyncio.run(run_until(RuleEngine(args), 20)) == [*ids(range(10)), *ids(range(2000, 2010))]


def test_it_ends_when_cancelled_in_a_request_and_never_blocks_the_loop(emulator: RunningEmulator, args: dict[str, Any]):
    emulator.add_fault("delay", {"path": "/connect/api/data"}, seconds=20)

    async def check() -> None:
        source = RuleEngine(args).start(asyncio.Queue(1))
        await asyncio.to_thread(wait_until, lambda: emulator.requests(kind="read"))
        assert not source.done()
        source.cancel()
        with pytest.raises(asyncio.CancelledError):
            await source
        # It has ended before its search was answered.
        assert emulator.requests(kind="read")[0]["status"] is None

    asyncio.run(check())


def test_it_waits_for_a_full_queue(emulator: RunningEmulator, args: dict[str, Any], cursor: Path):
    """Nobody takes events: one is in the queue, none is taken, and no more are read meanwhile."""
    emulator.add_events(*documents(range(10)))

    async def check() -> None:
        queue: asyncio.Queue[Any] = asyncio.Queue(1)
        source = RuleEngine(args).start(queue)
        await wait_for(queue.full)
        emulator.clear_requests()
        await asyncio.sleep(0.5)
        source.cancel()
        await asyncio.gather(source, return_exceptions=True)

    asyncio.run(check())
    assert emulator.requests() == []
    assert json.loads(cursor.read_text(encoding="utf-8"))["streams"]["new"]["sent"] == {}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": 2}',
        '{"format": 1, "server": "S", "index": "aella-ser-*", "streams": {"new": {"since": "x", "sent": {}}}}',
        '{"format": 1, "server": "S", "index": "aella-ser-*", "streams": {"new": {}}}',
    ],
)
def test_a_file_that_is_no_cursor_is_left_alone(emulator: RunningEmulator, args: dict[str, Any], cursor: Path, content: str):
    cursor.parent.mkdir()
    cursor.write_text(content.replace('"S"', json.dumps(emulator.url)), encoding="utf-8")

    with pytest.raises(XdrError, match="is not a cursor of this source"):
        asyncio.run(run_until(RuleEngine(args), 1))

    assert cursor.read_text(encoding="utf-8") == content.replace('"S"', json.dumps(emulator.url))


def test_a_cursor_belongs_to_a_server_and_an_index(emulator: RunningEmulator, args: dict[str, Any]):
    emulator.add_events(document(1))
    asyncio.run(run_until(RuleEngine(args), 1))

    with pytest.raises(XdrError, match=r"belongs to another index \(aella-ser-\*\) than the one that is watched \(other-\*\)"):
        asyncio.run(run_until(RuleEngine({**args, "index": "other-*"}), 1))


def test_a_cursor_serves_one_source_at_a_time(args: dict[str, Any]):
    async def check() -> None:
        async with RuleEngine(args).running():
            await wait_for(lambda: Path(f"{args['cursor']}.lock").exists())
            await asyncio.sleep(0.1)
            with pytest.raises(XdrError, match="another source is using"):
                await RuleEngine(args).start(asyncio.Queue(1))

    asyncio.run(check())


def test_a_cursor_that_cannot_be_written_ends_it(emulator: RunningEmulator, args: dict[str, Any], cursor: Path):
    emulator.add_events(document(1))
    engine = RuleEngine(args)
    # One step, as the source may be writing: a folder cannot be emptied under a writer.
    engine.keeps = lambda _event: bool(cursor.parent.rename(cursor.parent.with_name("moved")))

    with pytest.raises(XdrError, match=r"cursor: .* cannot be used: No such file"):
        asyncio.run(run_until(engine, 2))


def test_the_default_cursor_is_a_file_for_each_thing_that_is_watched(emulator: RunningEmulator, args: dict[str, Any], tmp_path: Path):
    del args["cursor"]
    emulator.add_events(document(1), document(2, event_status="Closed"))

    asyncio.run(run_until(RuleEngine(args), 2))
    asyncio.run(run_until(RuleEngine({**args, "query": "event_status:Closed"}), 1))

    assert len(list((tmp_path / "home" / "state" / "secops.xdr").glob("cursor-*.json"))) == 2


def test_feedback_that_ansible_rulebook_does_not_give_is_reported(
    emulator: RunningEmulator, args: dict[str, Any], caplog: pytest.LogCaptureFixture
):
    async def check() -> None:
        queue: asyncio.Queue[Any] = asyncio.Queue(1)
        source = RuleEngine({**args, "feedback": True}).start(queue)
        emulator.add_events(document(1))
        assert (await asyncio.wait_for(queue.get(), 10))["id"] == "id00001"
        source.cancel()
        await asyncio.gather(source, return_exceptions=True)

    with caplog.at_level(logging.WARNING):
        asyncio.run(check())
    assert "--persistence-id" in caplog.text
