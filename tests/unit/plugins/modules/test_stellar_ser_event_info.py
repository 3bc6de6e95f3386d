# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stellar_ser_event_info: one event, searches, pages, and what a filter may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from support.module_runs import ModuleRun
    from support.stellar import Stellar


START = 1611849134000
TRICKY = ['a "b" \\ c', "x:y AND (z)", "*", "?", "a/b", "<tag>", "[1 TO 2]", "-1", "NOT", "ü ß 東", "a+b=c&&d||e!", "^~{}", " lead"]


def add(stellar: Stellar, count: int, **fields: Any) -> None:
    """Events with one second between them."""
    stellar.emulator.add_events(
        *({"event_name": f"event {number}", "number": number, "timestamp": START + number * 1000, **fields} for number in range(count))
    )


def numbers(result: ModuleRun) -> list[int]:
    """The numbers of the returned events."""
    return [event["source"]["number"] for event in result["events"]]


@pytest.mark.parametrize("available", [True, False])
def test_one_event_by_its_id(stellar: Stellar, available: bool):
    stellar.emulator.configure(amsg_available=available)
    (one,) = stellar.emulator.add_events({"event_name": "x", "number": 1})

    for index in (one["index"], one["alias"], "aella-ser-*"):
        result = stellar.info(index=index, id=one["id"])
        assert not result.changed
        assert result["events"] == [{"index": one["index"], "id": one["id"], "source": {"event_name": "x", "number": 1}}]
        assert result["total"] == 1


@pytest.mark.parametrize("index", ["aella-ser-1-", "aella-ser-*"])
@pytest.mark.parametrize("available", [True, False])
def test_an_unknown_id_is_no_event(stellar: Stellar, index: str, available: bool):
    stellar.emulator.configure(amsg_available=available)
    add(stellar, 1)

    result = stellar.info(index=index, id='a/b?c"d')

    assert result["events"] == []
    assert result["total"] == 0


def test_all_events_the_newest_first(stellar: Stellar):
    add(stellar, 5)

    result = stellar.info()

    assert numbers(result) == [4, 3, 2, 1, 0]
    assert result["total"] == 5
    assert result["total_is_exact"]
    assert stellar.info(check_mode=True)["events"] == result["events"]


def test_since_is_included_and_until_is_not(stellar: Stellar):
    add(stellar, 10)

    assert numbers(stellar.info(since=START + 2000, until=START + 5000, sort=["timestamp:asc"])) == [2, 3, 4]
    assert numbers(stellar.info(since="2021-01-28T15:52:22Z", sort=["timestamp"])) == [8, 9]
    assert numbers(stellar.info(until=START + 1000)) == [0]


def test_conditions_hold_together(stellar: Stellar):
    add(stellar, 6, event_status="New", srcip="10.8.3.7")
    add(stellar, 6, event_status="Closed", srcip="10.8.3.7")

    result = stellar.info(
        query="number:1 OR number:2 OR number:9",
        filter={"event_status": ["New", "In Progress"], "srcip": "10.8.3.7"},
        since=START + 2000,
    )

    assert numbers(result) == [2]
    assert result["events"][0]["source"]["event_status"] == "New"


@pytest.mark.parametrize("value", TRICKY)
@pytest.mark.parametrize("as_list", [False, True])
def test_a_filter_takes_its_values_literally(stellar: Stellar, value: str, as_list: bool):
    stellar.emulator.add_events(*({"event_name": "x", "case": one, "number": number} for number, one in enumerate(TRICKY)))

    result = stellar.info(filter={"case": [value, "other"] if as_list else value}, sort=["number"])

    assert numbers(result) == [TRICKY.index(value)]


@pytest.mark.parametrize(("value", "expected"), [(0, [0]), (True, [1]), (False, [2]), (1.5, [3]), ([], []), (-3, [5])])
def test_a_filter_knows_types(stellar: Stellar, value: Any, expected: list[int]):
    values: list[dict[str, Any]] = [{"case": 0}, {"case": True}, {"case": False}, {"case": 1.5}, {}, {"case": -3}]
    stellar.emulator.add_events(*({"event_name": "x", "number": number, **one} for number, one in enumerate(values)))

    result = stellar.info(filter={"case": value}, sort=["number"])

    assert numbers(result) == expected
    assert result["total"] == len(expected)


def test_pages_are_combined(stellar: Stellar):
    add(stellar, 95)

    result = stellar.info(size=10, sort=["timestamp:asc"])

    assert numbers(result) == list(range(95))
    assert result["total"] == 95


@pytest.mark.parametrize(("size", "limit"), [(10, 25), (500, 25), (10, 10), (7, 94), (10, 95), (10, 96)])
def test_the_limit_is_kept_and_the_rest_counted(stellar: Stellar, size: int, limit: int):
    add(stellar, 95)

    result = stellar.info(size=size, limit=limit, sort=["timestamp:asc"])

    assert numbers(result) == list(range(min(limit, 95)))
    assert result["total"] == 95


def test_one_page_opens_no_scroll(stellar: Stellar):
    add(stellar, 10)

    stellar.info(size=10)

    assert stellar.seen("read") == ["GET _search"]
    assert "scroll" not in stellar.emulator.requests(kind="read")[0]["query"]


@pytest.mark.parametrize("relation", ["exact", "counted no further"])
def test_the_window_of_a_search_is_passed(stellar: Stellar, relation: str):
    count = 10_050 if relation == "counted no further" else 130
    stellar.emulator.configure(max_result_window=10_000 if count > 10_000 else 100)
    add(stellar, count)

    result = stellar.info(size=5000 if count > 10_000 else 50, limit=20_000, sort=["timestamp:asc"])

    assert numbers(result) == list(range(count))
    assert result["total"] == count
    assert result["total_is_exact"]


def test_a_count_that_stopped_is_reported(stellar: Stellar):
    add(stellar, 10_001)

    result = stellar.info(limit=3)

    assert (result["total"], result["total_is_exact"]) == (10_000, False)


def test_without_scrolling_pages_are_asked_for_by_number(stellar: Stellar):
    stellar.emulator.configure(scroll_available=False)
    add(stellar, 95)

    assert numbers(stellar.info(size=10, sort=["timestamp:asc"])) == list(range(95))


def test_without_scrolling_the_end_of_the_window_is_reported(stellar: Stellar):
    stellar.emulator.configure(scroll_available=False, search_after="refused")
    add(stellar, 10_050)

    result = stellar.info(size=5000, limit=20_000)

    assert "this server does not scroll" in result.msg
    assert len(stellar.info(size=5000, limit=10_000)["events"]) == 10_000


@pytest.mark.parametrize("action", ["reset_after", "close_before", "truncate"])
def test_a_lost_page_of_a_scroll_is_not_skipped(stellar: Stellar, action: str):
    add(stellar, 95)
    stellar.emulator.add_fault(action, {"path": "/connect/api/data/_search/scroll"}, after=2)

    assert numbers(stellar.info(size=10, sort=["timestamp:asc"])) == list(range(95))


def test_a_long_list_of_values_does_not_go_into_the_url(stellar: Stellar):
    add(stellar, 3, srcip="10.8.3.7")
    addresses = [f"10.9.{number // 250}.{number % 250}" for number in range(500)]

    result = stellar.info(filter={"srcip": [*addresses, "10.8.3.7"]})

    assert result["total"] == 3
    assert max(len(request["path"]) + len(str(request["query"])) for request in stellar.emulator.requests()) < 8000


def test_no_right_to_read(stellar: Stellar):
    stellar.emulator.configure(right_to_read=False)

    assert "This account may not read events" in stellar.info().msg
    assert "This account may not read events" in stellar.info(index="aella-ser-1-", id="x").msg


def test_a_query_that_the_server_does_not_understand(stellar: Stellar):
    assert "Failed to parse query" in stellar.info(query="timestamp:[1 TO").msg


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "limit: 0 is out of range"),
        ({"size": 10_001}, "size: 10001 is out of range"),
        ({"since": "yesterday"}, "since: time 'yesterday' is not ISO 8601"),
        ({"since": 1611849134}, "since: '1611849134' looks like epoch seconds"),
        ({"since": START, "until": START}, "since: this time is not before `until`"),
        ({"sort": ["timestamp:down"]}, "sort[0]: 'timestamp:down' is not a field"),
        ({"filter": {"a b": 1}}, "filter: 'a b' is not the name of a field"),
        ({"filter": {"a": {"b": 1}}}, "filter.a: give a text"),
        ({"filter": {"a": [None]}}, "filter.a: null was given"),
        ({"filter": {"a": None}}, "filter.a: null was given, which would not restrict the search. Give a value, or find"),
        ({"query": " "}, "query: the text is empty"),
        ({"id": "x", "query": "y"}, "mutually exclusive"),
        ({"id": ".."}, "id: '..' cannot be an id"),
        ({"index": "_all"}, "index: '_all' is not an index name"),
        ({"index": "a/b"}, "index: 'a/b' is not an index name"),
    ],
)
def test_bad_input_is_reported_before_anything_is_sent(stellar: Stellar, options: dict[str, Any], message: str):
    assert message in stellar.info(**options).msg
    assert stellar.seen() == []
