# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stellar_ser_update: what it writes for which state, again, in check mode, and for many events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from support.stellar import Stellar

INDEX = "aella-ser-1610496070892-"
ID = "7PW5SXcBlxPU3jFcFJ_s"
SOURCE: dict[str, Any] = {
    "event_name": "Custom Event 2",
    "event_status": "New",
    "timestamp": 1611849134669,
    "comments": [{"comment_time": 1611882046643, "comment_user": "admin", "comment": "Add first comments"}],
}
EVENT = {"index": INDEX, "id": ID}


@pytest.fixture(autouse=True)
def event(stellar: Stellar) -> None:
    """The event of the vendor's document is on the server."""
    stellar.emulator.add_events({"_index": INDEX, "_id": ID, "_source": SOURCE})


def many(stellar: Stellar, count: int) -> list[dict[str, str]]:
    """More events, by index and id."""
    added = stellar.emulator.add_events(*({**SOURCE, "number": number} for number in range(count)))
    return [{"index": one["index"], "id": one["id"]} for one in added]


# The calls of the vendor's document, and the bodies that its scripts send.
SEED_CALLS = [
    ({"add_tags": ["You_Are_It"]}, {"event_tag": {"op": "add", "tag": "You_Are_It"}}),
    ({"status": "Closed", "comment": "Analysis complete."}, {"status": "Closed", "comments": "Analysis complete."}),
    (
        {"status": "Closed", "comment": "Analysis complete", "add_tags": ["DevOps"]},
        {"status": "Closed", "comments": "Analysis complete", "event_tag": {"op": "add", "tag": "DevOps"}},
    ),
]


@pytest.mark.parametrize(("options", "body"), SEED_CALLS)
@pytest.mark.parametrize("auth_method", ["jwt", "basic"])
def test_the_vendors_calls_are_sent_as_its_scripts_send_them(
    stellar: Stellar, auth_method: str, options: dict[str, Any], body: dict[str, Any]
):
    result = stellar.update(auth_method=auth_method, **EVENT, **options)

    assert result.changed
    (write,) = stellar.emulator.writes()
    assert write["path"] == "/connect/api/update_ser"
    assert write["body"] == {"index": INDEX, "_id": ID, **body}
    assert write["headers"]["Content-Type"] == "application/json"
    assert write["headers"]["Authorization"].startswith("Basic " if auth_method == "basic" else "Bearer ")
    assert stellar.emulator.state["stellar"]["token_calls"] == (0 if auth_method == "basic" else 1)
    stellar.emulator.clear_requests()
    assert not stellar.update(auth_method=auth_method, **EVENT, **options).changed
    assert stellar.bodies() == []


def test_a_tag_is_deleted_as_the_vendors_script_does(stellar: Stellar):
    stellar.update(**EVENT, add_tags=["You_Are_It"])
    stellar.emulator.clear_requests()

    assert stellar.update(**EVENT, remove_tags=["You_Are_It"]).changed
    assert stellar.bodies() == [{"index": INDEX, "_id": ID, "event_tag": {"op": "delete", "tag": "You_Are_It"}}]
    assert not stellar.update(**EVENT, remove_tags=["You_Are_It"]).changed


@pytest.mark.parametrize("endpoint", ["update_ser", "security_events"])
@pytest.mark.parametrize(
    "options",
    [
        {"status": "Closed"},
        {"comment": "Analysis complete."},
        {"add_tags": ["a", "b"]},
        {"status": "In Progress", "comment": "x", "add_tags": ["a", "b"], "remove_tags": ["c"]},
    ],
)
def test_change_again_check_mode_and_check_mode_again(stellar: Stellar, endpoint: str, options: dict[str, Any]):
    options = {**options, "endpoint": endpoint}
    planned = stellar.update(check_mode=True, diff=True, **EVENT, **options)
    assert planned.changed
    done = stellar.update(diff=True, **EVENT, **options)
    assert done.changed
    assert done["before"] == {"status": "New", "comments": ["Add first comments"], "tags": []}
    for name in ("before", "after", "diff"):
        assert planned[name] == done[name]
    assert done["after"]["status"] == options.get("status", "New")
    assert done["after"]["comments"] == ["Add first comments", *([options["comment"]] if "comment" in options else [])]
    assert done["after"]["tags"] == options.get("add_tags", [])
    assert done["diff"] == [
        {
            "before_header": f"{INDEX}/{ID}",
            "before": done["before"],
            "after_header": f"{INDEX}/{ID}",
            "after": done["after"],
        }
    ]
    for check_mode in (False, True):
        stellar.emulator.clear_requests()
        again = stellar.update(check_mode=check_mode, diff=True, **EVENT, **options)
        assert not again.changed
        assert again["before"] == again["after"] == done["after"]
        assert again["diff"] == []
        assert stellar.seen() == ["POST access_token", f"GET {ID}"]


def test_only_what_differs_is_written(stellar: Stellar):
    stellar.update(**EVENT, status="Closed", add_tags=["a"])
    stellar.emulator.clear_requests()

    stellar.update(**EVENT, status="Closed", comment="Add first comments", add_tags=["a", "b"], remove_tags=["c"])

    assert stellar.bodies() == [{"index": INDEX, "_id": ID, "event_tag": {"op": "add", "tag": "b"}}]


def test_update_ser_takes_one_tag_a_request(stellar: Stellar):
    stellar.update(**EVENT, add_tags=["c"])
    stellar.emulator.clear_requests()

    stellar.update(**EVENT, status="Closed", comment="x", add_tags=["a", "b"], remove_tags=["c"])

    event = {"index": INDEX, "_id": ID}
    assert stellar.bodies() == [
        {**event, "status": "Closed", "comments": "x", "event_tag": {"op": "add", "tag": "a"}},
        {**event, "event_tag": {"op": "add", "tag": "b"}},
        {**event, "event_tag": {"op": "delete", "tag": "c"}},
    ]


def test_security_events_takes_all_tags_in_one_request(stellar: Stellar):
    stellar.update(**EVENT, add_tags=["c"])
    stellar.emulator.clear_requests()

    result = stellar.update(**EVENT, endpoint="security_events", status="Closed", comment="x", add_tags=["a", "b"], remove_tags=["c"])

    writes = stellar.emulator.writes()
    assert {write["path"] for write in writes} == {f"/connect/api/v1/security_events/{INDEX}/{ID}"}
    tags = [{"op": "add", "tag": "a"}, {"op": "add", "tag": "b"}, {"op": "delete", "tag": "c"}]
    assert stellar.bodies() == [{"status": "Closed", "comments": "x"}, {"event_tags": tags}]
    assert result["after"]["tags"] == ["a", "b"]
    assert result["endpoint"] == "security_events"


def test_a_comment_is_written_once_or_always(stellar: Stellar):
    assert not stellar.update(**EVENT, comment="Add first comments").changed
    for times in (2, 3):
        result = stellar.update(**EVENT, comment="Add first comments", comment_mode="always")
        assert result.changed
        assert result["after"]["comments"] == ["Add first comments"] * times


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("form", ["html", "json", "empty"])
def test_the_endpoint_is_found_out_once(stellar: Stellar, status: int, form: str):
    stellar.emulator.configure(update_ser_available=False, missing_path_status=status, missing_path_form=form)

    result = stellar.update(events=many(stellar, 20), status="Closed", concurrency=8)

    assert result.changed
    assert result["endpoint"] == "security_events"
    assert stellar.seen().count("POST update_ser") == 1
    assert {source["event_status"] for source in stellar.sources()[1:]} == {"Closed"}


def test_a_server_with_neither_endpoint_is_reported(stellar: Stellar):
    stellar.emulator.configure(update_ser_available=False, security_events_available=False)

    assert "neither update_ser nor security_events" in stellar.update(**EVENT, status="Closed").msg


def test_a_missing_endpoint_that_was_asked_for_is_reported(stellar: Stellar):
    stellar.emulator.configure(security_events_available=False)

    assert "set `endpoint: auto`" in stellar.update(**EVENT, status="Closed", endpoint="security_events").msg


@pytest.mark.parametrize("field", ["event_tags", "event_tag", "tags"])
@pytest.mark.parametrize("form", ["strings", "objects"])
def test_tags_are_found_wherever_they_stand(stellar: Stellar, field: str, form: str):
    stellar.emulator.configure(tag_field=field, tag_form=form)

    result = stellar.update(**EVENT, add_tags=["a", "b"])

    assert result["after"]["tags"] == ["a", "b"]
    assert not stellar.update(**EVENT, add_tags=["b", "a"]).changed
    assert stellar.update(**EVENT, remove_tags=["a"])["after"]["tags"] == ["b"]


def test_the_tag_field_can_be_set(stellar: Stellar):
    stellar.emulator.configure(tag_field="user_tags")
    assert "set `tag_field`" in stellar.update(**EVENT, add_tags=["a"]).msg

    assert not stellar.update(**EVENT, add_tags=["a"], tag_field="user_tags").changed
    assert stellar.update(**EVENT, remove_tags=["a"], tag_field="user_tags").changed


def test_a_tag_of_another_kind_hides_nothing(stellar: Stellar):
    (other,) = stellar.emulator.add_events({**SOURCE, "tags": ["a"], "event_tags": ["b"]})

    result = stellar.update(index=other["index"], id=other["id"], add_tags=["a"])

    assert result.changed
    assert result["after"]["tags"] == ["b", "a"]


def test_many_events_in_order_with_defaults_and_values_of_their_own(stellar: Stellar):
    events: list[dict[str, Any]] = [*many(stellar, 20)]
    events[3]["status"] = "Ignored"
    events[5].update(comment="mine", add_tags=["own"])

    result = stellar.update(events=events, status="Closed", add_tags=["all"], concurrency=8)

    assert [one["id"] for one in result["events"]] == [one["id"] for one in events]
    assert [one["after"]["status"] for one in result["events"]] == ["Closed"] * 3 + ["Ignored"] + ["Closed"] * 16
    assert result["events"][5]["after"] == {"status": "Closed", "comments": ["Add first comments", "mine"], "tags": ["own"]}
    assert result["events"][6]["after"]["tags"] == ["all"]
    assert stellar.emulator.state["stellar"]["token_calls"] == 1
    stellar.emulator.clear_requests()
    assert not stellar.update(events=events, status="Closed", add_tags=["all"], concurrency=8).changed
    assert stellar.bodies() == []


def test_what_the_info_module_returns_can_be_passed_on(stellar: Stellar):
    many(stellar, 3)
    found = stellar.info(filter={"event_status": "New"})

    result = stellar.update(events=found["events"], status="Closed")

    assert len(result["events"]) == 4
    assert result.changed


def test_the_same_event_twice_is_changed_step_by_step(stellar: Stellar):
    result = stellar.update(
        events=[{**EVENT, "status": "Closed"}, {**EVENT, "add_tags": ["a"]}, {**EVENT, "status": "Closed"}], concurrency=8
    )

    assert [one["changed"] for one in result["events"]] == [True, True, False]
    assert result["events"][1]["before"]["status"] == "Closed"


def test_one_failure_stops_no_other_event(stellar: Stellar):
    events = many(stellar, 4)
    events.insert(2, {"index": INDEX, "id": "unknown"})

    result = stellar.update(events=events, status="Closed", concurrency=2)

    assert result.msg.startswith("1 of 5 events failed; see failed_events. The first is events[2]: ")
    assert result.changed
    (failure,) = result["failed_events"]
    assert (failure["position"], failure["index"], failure["id"]) == (2, INDEX, "unknown")
    assert "there is no event unknown in the index" in failure["reason"]
    assert [one["changed"] for one in result["events"]] == [True, True, False, True, True]


def test_wrong_credentials_end_the_run(stellar: Stellar):
    stellar.connection["api_key"] = "wrong-key"

    result = stellar.update(events=many(stellar, 50), status="Closed", concurrency=4)

    assert len(result["failed_events"]) == 50
    assert stellar.emulator.state["stellar"]["token_calls"] <= 4


def test_a_read_by_search_where_there_is_none_by_id(stellar: Stellar):
    stellar.emulator.configure(amsg_available=False, refresh_delay=0.05)

    result = stellar.update(**EVENT, status="Closed", comment="x")

    assert result["after"]["status"] == "Closed"
    assert len(stellar.bodies()) == 1


def test_no_events_are_no_work(stellar: Stellar):
    result = stellar.update(events=[], status="Closed")

    assert not result.changed
    assert result["events"] == []
    assert stellar.seen() == []
