# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stellar_ser_event: what it sends, what it does again, and many events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.stellar import SEED_BODY, SEED_EVENT, SEED_TIME, Stellar

if TYPE_CHECKING:
    from pathlib import Path


def numbered(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Events that differ in their name."""
    return [{**SEED_EVENT, "event_name": f"event {number}"} for number in range(start, start + count)]


def test_an_insert_sends_what_the_vendors_script_sends(stellar: Stellar):
    result = stellar.insert(**SEED_EVENT)

    assert result.changed
    write = stellar.emulator.writes()[0]
    assert write["path"] == "/connect/api/v1/insert_ser"
    assert write["body"] == SEED_BODY
    assert repr(write["body"]["timestamp"]).isdigit()
    assert write["headers"]["Content-Type"] == "application/json"
    assert write["headers"]["Authorization"].startswith("Bearer ")
    token = stellar.emulator.requests(kind="token")[0]
    assert token["path"] == "/connect/api/v1/access_token"
    assert token["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    assert token["headers"]["Authorization"].startswith("Basic ")
    assert token["body_size"] == 0


def test_the_alias_and_the_documents_own_index_are_returned(stellar: Stellar):
    result = stellar.insert(**SEED_EVENT)

    (event,) = stellar.emulator.events()
    assert (result["index"], result["id"], result["document_index"]) == (event["alias"], event["_id"], event["_index"])
    assert result["events"] == [{"index": event["alias"], "id": event["_id"], "document_index": event["_index"], "changed": True}]
    assert result["failed_events"] == []


def test_the_second_run_asks_nobody(stellar: Stellar):
    first = stellar.insert(**SEED_EVENT)
    stellar.emulator.clear_requests()

    again = stellar.insert(**SEED_EVENT)

    assert not again.changed
    assert (again["index"], again["id"], again["document_index"]) == (first["index"], first["id"], first["document_index"])
    assert stellar.seen() == []


def test_another_host_asks_the_server(stellar: Stellar):
    first = stellar.insert(**SEED_EVENT)
    stellar.move_to_another_host()
    stellar.emulator.clear_requests()

    again = stellar.insert(**SEED_EVENT)

    assert not again.changed
    assert (again["id"], again["document_index"]) == (first["id"], first["document_index"])
    assert stellar.seen() == ["POST access_token", "GET _search"]


def test_check_mode_reads_as_a_run_does_and_writes_nothing(stellar: Stellar):
    planned = stellar.insert(check_mode=True, diff=True, **SEED_EVENT)

    assert planned.changed
    assert planned["id"] is None
    assert planned["diff"][0]["before"] == ""
    assert planned["diff"][0]["after"] == SEED_BODY
    assert stellar.seen() == ["POST access_token", "GET _search"]
    assert stellar.insert(check_mode=True, **SEED_EVENT).changed
    real = stellar.insert(diff=True, **SEED_EVENT)
    assert real["diff"][0]["after"] == SEED_BODY
    for _run in range(2):
        again = stellar.insert(check_mode=True, diff=True, **SEED_EVENT)
        assert not again.changed
        assert again["diff"] == []
        assert again["id"] == real["id"]


def test_check_mode_leaves_no_ledger(stellar: Stellar, tmp_path: Path):
    stellar.insert(check_mode=True, **SEED_EVENT)

    assert not list(tmp_path.glob("ledger*"))


def test_the_same_insert_within_the_refresh_second_writes_one_document(stellar: Stellar):
    stellar.emulator.configure(refresh_delay=60)

    results = [stellar.insert(**SEED_EVENT) for _run in range(3)]

    assert [result.changed for result in results] == [True, False, False]
    assert len(stellar.sources()) == 1


def test_zero_and_false_are_values(stellar: Stellar):
    values = {"event_score": 0, "severity": 0, "fidelity": 0, "threat_score": 0, "lateral": False, "actual": 0, "detector_index": 0}

    stellar.insert(**SEED_EVENT, **values)

    assert stellar.bodies()[0].items() >= values.items()


def test_every_field_of_the_index_is_sent_under_its_name(stellar: Stellar):
    stellar.insert(
        **{**SEED_EVENT, "custom_fields": None},
        actual=1.5,
        typical="0.5",
        stellar_alert_time="2021-04-28T04:17:42.308Z",
        write_time=SEED_TIME,
        event_category="uba",
        event_score=100,
        event_type="conn",
        severity="30",
        fidelity=99.5,
        threat_score=7,
        lateral="yes",
        orig_id="a",
        orig_index="b",
        detected_fields=["c", "d"],
        detected_value="e",
        detected_values=["f"],
        detector_index=3,
        start_bucket_time=SEED_TIME - 1000,
        end_bucket_time=SEED_TIME,
        custom_ser_field={"ActZero": {"nested": [1, 2]}},
    )

    expected = {name: value for name, value in SEED_BODY.items() if name not in ("tryout", "comments")}
    expected |= {
        "actual": 1.5,
        "typical": 0.5,
        "stellar.alert_time": SEED_TIME,
        "write_time": SEED_TIME,
        "event_category": "uba",
        "event_score": 100,
        "event_type": "conn",
        "severity": 30,
        "fidelity": 99.5,
        "threat_score": 7,
        "lateral": True,
        "orig_id": "a",
        "orig_index": "b",
        "detected_fields": ["c", "d"],
        "detected_value": "e",
        "detected_values": ["f"],
        "detector_index": 3,
        "start_bucket_time": SEED_TIME - 1000,
        "end_bucket_time": SEED_TIME,
        "custom_ser_field": {"ActZero": {"nested": [1, 2]}},
    }
    assert stellar.bodies() == [expected]


@pytest.mark.parametrize(
    "text", ["2021-04-28T04:17:42.308Z", "2021-04-28 04:17:42.308", "2021-04-28T06:17:42.308+02:00", "1619583462308.9", SEED_TIME]
)
def test_timestamps_are_sent_as_whole_milliseconds(stellar: Stellar, text: str | int):
    stellar.insert(**{**SEED_EVENT, "timestamp": text})

    assert stellar.bodies()[0]["timestamp"] == SEED_TIME


def test_unique_by_says_which_events_are_the_same(stellar: Stellar):
    by_origin = {"unique_by": ["event_source", "orig_id"], "orig_id": 'a "quoted" id: (1) \\ OR *'}
    assert stellar.insert(**SEED_EVENT, **by_origin).changed
    stellar.move_to_another_host()

    other_time = {**SEED_EVENT, "timestamp": str(SEED_TIME + 1)}

    assert not stellar.insert(**other_time, **by_origin).changed
    assert stellar.insert(**other_time, **{**by_origin, "orig_id": "another"}).changed
    assert len(stellar.sources()) == 2


@pytest.mark.parametrize("value", [7, 7.5, True, "seven", "x" * 300])
def test_custom_fields_can_make_an_event_unique(stellar: Stellar, value: Any):
    wanted = {**SEED_EVENT, "custom_fields": {"case": value}, "unique_by": ["event_name", "case"]}
    assert stellar.insert(**wanted).changed
    stellar.move_to_another_host()

    assert not stellar.insert(**wanted).changed
    other = {**wanted, "custom_fields": {"case": "other" + "x" * 300}}
    assert stellar.insert(**other).changed


def test_an_index_that_compares_words_hides_no_event(stellar: Stellar):
    stellar.emulator.configure(analyzed_strings=True)
    stellar.emulator.add_events({**SEED_BODY, "event_name": "Demo TEST, the second"})

    assert stellar.insert(**SEED_EVENT).changed
    stellar.move_to_another_host()
    assert not stellar.insert(**SEED_EVENT).changed


def test_many_events_come_back_in_order(stellar: Stellar):
    inserted = stellar.insert(events=numbered(40), concurrency=8)

    names = {event["_id"]: event["_source"]["event_name"] for event in stellar.emulator.events()}
    assert [names[one["id"]] for one in inserted["events"]] == [f"event {number}" for number in range(40)]
    assert all(one["changed"] and one["document_index"] for one in inserted["events"])
    assert "id" not in inserted
    assert stellar.emulator.state["stellar"]["token_calls"] == 1


def test_many_events_need_few_searches(stellar: Stellar):
    stellar.insert(events=numbered(100), concurrency=8)

    seen = stellar.seen()
    assert seen.count("POST insert_ser") == 100
    assert seen.count("GET _search") <= 10


def test_of_many_only_what_is_missing_is_inserted(stellar: Stellar):
    stellar.insert(events=numbered(5))
    stellar.move_to_another_host()
    stellar.insert(events=numbered(2, start=3))
    stellar.emulator.clear_requests()

    result = stellar.insert(events=numbered(8))

    assert [one["changed"] for one in result["events"]] == [False] * 5 + [True] * 3
    assert len(stellar.bodies()) == 3
    assert len(stellar.sources()) == 8


def test_what_occurs_twice_in_the_list_is_inserted_once(stellar: Stellar):
    result = stellar.insert(events=[SEED_EVENT, SEED_EVENT, {**SEED_EVENT, "severity": 5}])

    assert [one["changed"] for one in result["events"]] == [True, False, False]
    assert len({one["id"] for one in result["events"]}) == 1
    assert len(stellar.sources()) == 1
    assert any("events[2]" in warning and "unique_by" in warning for warning in result.warnings)


def test_one_failure_stops_no_other_event(stellar: Stellar):
    stellar.emulator.add_fault("status", {"body_contains": "event 2"}, status=400, times=None, body="Invalid something")

    result = stellar.insert(events=numbered(5), concurrency=2)

    assert result.msg.startswith("1 of 5 events failed; see failed_events. The first is events[2]: ")
    assert result.changed
    assert [one["changed"] for one in result["events"]] == [True, True, False, True, True]
    (failure,) = result["failed_events"]
    assert failure["position"] == 2
    assert failure["unique"] == {"event_name": "event 2", "event_source": "ActZero", "timestamp": SEED_TIME}
    assert "Invalid something" in failure["reason"]
    assert not failure["outcome_unknown"]
    assert len(stellar.sources()) == 4
    stellar.emulator.clear_faults()
    again = stellar.insert(events=numbered(5))
    assert [one["changed"] for one in again["events"]] == [False, False, True, False, False]


def test_wrong_credentials_are_tried_once_and_not_for_each_event(stellar: Stellar):
    stellar.connection["api_key"] = "wrong-key"

    result = stellar.insert(events=numbered(100), concurrency=8)

    assert "access_token" in result.msg
    assert not result.changed
    assert len(result["failed_events"]) == 100
    assert stellar.emulator.state["stellar"]["token_calls"] <= 8


def test_a_server_that_only_says_ok_is_asked_for_the_id(stellar: Stellar):
    stellar.emulator.configure(insert_answer="text", refresh_delay=0.05)

    result = stellar.insert(**SEED_EVENT)

    (event,) = stellar.emulator.events()
    assert (result["id"], result["index"], result["document_index"]) == (event["_id"], event["_index"], event["_index"])
    assert not stellar.insert(**SEED_EVENT).changed


def test_an_insert_that_the_server_drops_is_an_error_and_is_made_up_for(stellar: Stellar):
    stellar.emulator.add_events({"event_name": "another", "timestamp": 1})
    stellar.emulator.configure(ignore_writes=True)
    failed = stellar.insert(**SEED_EVENT)
    assert "has no event of this id" in failed.msg
    assert not failed.changed
    stellar.emulator.configure(ignore_writes=False)

    assert stellar.insert(**SEED_EVENT).changed
    assert len(stellar.sources()) == 2


def test_on_saas_the_pattern_is_an_option_and_a_wrong_one_is_reported(stellar: Stellar):
    stellar.emulator.configure(index_style="saas")

    result = stellar.insert(**SEED_EVENT)
    assert any("search_index" in warning for warning in result.warnings)
    stellar.move_to_another_host()
    result = stellar.insert(**SEED_EVENT, search_index="stellar-index-v1-ser-*")
    assert not result.changed
    assert result.warnings == []


def test_no_events_are_no_work(stellar: Stellar):
    result = stellar.insert(events=[])

    assert not result.changed
    assert result["events"] == []
    assert stellar.seen() == []
