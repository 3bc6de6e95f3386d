# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search: both query languages, sorting, pages, scrolling, and the refresh that lags behind writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from emulator import RunningEmulator

START = 1_700_000_000_000


@pytest.fixture
def events(emu: RunningEmulator) -> None:
    """Four events that differ in every kind of field."""
    emu.add_events(
        {
            "event_name": "alpha",
            "event_status": "New",
            "event_score": 0,
            "srcip": "10.8.0.2",
            "timestamp": START,
            "lateral": False,
        },
        {
            "event_name": "beta one",
            "event_status": "In Progress",
            "event_score": 50,
            "srcip": "10.8.0.3",
            "timestamp": START + 1000,
            "timestamp_utc": "2023-11-14T22:13:21Z",
            "custom_ser_field": {"user": "alice", "deep": {"x": 1}},
        },
        {
            "event_name": "gamma (1+1):2",
            "event_status": "New",
            "event_score": 100,
            "event_tags": ["vpn", "seen"],
            "timestamp": START + 2000,
            "comments": [{"comment": "first note"}, {"comment": "second"}],
        },
        {"event_name": 'd"q\\b/*', "event_status": "Closed", "timestamp": START + 3000, "lateral": True},
    )


A, B, C, D = "alpha", "beta one", "gamma (1+1):2", 'd"q\\b/*'


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("*", [A, B, C, D]),
        ("*:*", [A, B, C, D]),
        ("event_status:New", [A, C]),
        ("event_status:new", []),
        ('event_status:"In Progress"', [B]),
        (r"event_status:In\ Progress", [B]),
        ("event_status:(New OR Closed)", [A, C, D]),
        ("event_status:(New Closed)", [A, C, D]),
        ('event_status:New AND srcip:"10.8.0.2"', [A]),
        ("event_status:New && NOT srcip:10.8.0.2", [C]),
        ("NOT event_status:New", [B, D]),
        ("-event_status:New", [B, D]),
        ("!event_status:New", [B, D]),
        ("+event_status:New -event_score:0", [C]),
        ("event_status:New OR event_status:Closed AND lateral:true", [A, C, D]),
        ("(event_status:New OR event_status:Closed) AND lateral:true", [D]),
        ("event_score:50", [B]),
        ("event_score:[50 TO 100]", [B, C]),
        ("event_score:{50 TO 100]", [C]),
        ("event_score:[0 TO 50}", [A]),
        ("event_score:[* TO *]", [A, B, C]),
        ("event_score:>=50", [B, C]),
        ("event_score:<50", [A]),
        (f"timestamp:[{START + 1000} TO *]", [B, C, D]),
        ("timestamp:[2023-11-14T22:13:22Z TO now]", [C, D]),
        ("timestamp:[now-1d TO now]", []),
        ('timestamp_utc:["2023-11-14" TO "2023-11-15"]', [B]),
        ("event_name:al*", [A]),
        ("event_name:?lpha", [A]),
        (r"event_name:gamma\ \(1\+1\)\:2", [C]),
        ('event_name:"gamma (1+1):2"', [C]),
        (r'event_name:"d\"q\\b/*"', [D]),
        (r"event_name:d\"q\\b\/\*", [D]),
        ("event_name.keyword:alpha", [A]),
        ("_exists_:event_score", [A, B, C]),
        ("NOT _exists_:event_tags", [A, B, D]),
        ("_exists_:custom_ser_field", [B]),
        ("srcip:*", [A, B]),
        ("event_tags:vpn", [C]),
        ('event_tags:("vpn" "other")', [C]),
        ("custom_ser_field.user:alice", [B]),
        ("custom_ser_field.deep.x:1", [B]),
        ('comments.comment:"first note"', [C]),
        ("lateral:false", [A]),
        ("alice", [B]),
        ("event_name:alpha^2", [A]),
        ("nothing:here", []),
    ],
)
def test_lucene(api: Any, query: str, expected: list[str]) -> None:
    assert api.names(query) == expected


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize(
    "query",
    ["", "a:b:c", "(a", "a)", '"a', "a/b", "[1 TO", "a:", "a AND", "AND a", "a:[1 2]", "\\", "a~", "a:(b:c)", "a:>="],
)
def test_what_lucene_cannot_parse_is_refused_as_elasticsearch_does(api: Any, query: str) -> None:
    answer = api.search(query)

    assert answer.status_code == 400
    cause = answer.json()["error"]["root_cause"][0]
    assert cause["type"] == "query_shard_exception"
    assert f"Failed to parse query [{query}]" in cause["reason"]


@pytest.mark.usefixtures("events")
def test_words_are_joined_as_asked(api: Any) -> None:
    assert api.names("event_status:New event_score:50") == [A, B, C]
    assert api.names("event_status:New event_score:100", params={"default_operator": "AND"}) == [C]


@pytest.mark.usefixtures("events")
def test_strings_may_be_analyzed(api: Any, emu: RunningEmulator) -> None:
    assert api.names("event_name:beta") == []
    emu.configure(analyzed_strings=True)
    assert api.names("event_name:BETA") == [B]
    assert api.names('event_name:"beta one"') == [B]
    assert api.names('event_name:"one beta"') == []
    assert api.names("event_name.keyword:beta") == []
    assert api.names("event_name:on*") == [B]


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"match_all": {}}, [A, B, C, D]),
        ({"match_none": {}}, []),
        ({"query_string": {"query": "event_status:New"}}, [A, C]),
        ({"query_string": {"query": "event_status:New event_score:0", "default_operator": "AND"}}, [A]),
        ({"term": {"event_status": "In Progress"}}, [B]),
        ({"term": {"event_score": {"value": 50}}}, [B]),
        ({"term": {"lateral": True}}, [D]),
        ({"terms": {"srcip": ["10.8.0.2", "10.8.0.3", "10.8.0.4"]}}, [A, B]),
        ({"terms": {"srcip": []}}, []),
        ({"match": {"event_status": "New"}}, [A, C]),
        ({"match_phrase": {"event_name": "beta one"}}, [B]),
        ({"wildcard": {"event_name": "*a"}}, [A]),
        ({"prefix": {"event_name": "gamma ("}}, [C]),
        ({"range": {"timestamp": {"gte": START + 1000, "lt": START + 3000}}}, [B, C]),
        ({"range": {"timestamp": {"gt": "2023-11-14T22:13:21Z", "format": "strict_date"}}}, [C, D]),
        ({"exists": {"field": "srcip"}}, [A, B]),
        (
            {
                "bool": {
                    "must": [{"term": {"event_status": "New"}}],
                    "must_not": {"exists": {"field": "srcip"}},
                }
            },
            [C],
        ),
        ({"bool": {"filter": {"terms": {"event_status": ["New", "Closed"]}}}}, [A, C, D]),
        ({"bool": {"should": [{"term": {"srcip": "10.8.0.2"}}, {"term": {"lateral": True}}]}}, [A, D]),
        (
            {
                "bool": {
                    "filter": [{"match_all": {}}],
                    "should": [{"term": {"lateral": True}}],
                    "minimum_should_match": 1,
                }
            },
            [D],
        ),
        ({"bool": {}}, [A, B, C, D]),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_json_queries(api: Any, method: str, query: dict[str, Any], expected: list[str]) -> None:
    answer = api.stellar(method, "data/aella-ser-*/_search", json={"query": query})

    assert answer.status_code == 200, answer.text
    assert [hit["_source"]["event_name"] for hit in answer.json()["hits"]["hits"]] == expected


def test_ids_are_found(api: Any, emu: RunningEmulator) -> None:
    ids = [one["id"] for one in emu.add_events({"event_name": "a"}, {"event_name": "b"}, {"event_name": "c"})]

    assert api.names(json={"query": {"ids": {"values": ids[:2]}}}) == ["a", "b"]
    assert api.names(f'_id:("{ids[2]}" OR "{ids[0]}")') == ["a", "c"]


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize(
    "body",
    [
        {"query": {"nothing": {}}},
        {"query": {}},
        {"query": {"term": {}}},
        {"query": {"term": {"a": 1, "b": 2}}},
        {"query": {"terms": {"a": 1}}},
        {"query": {"range": {"a": {"from": 1}}}},
        {"query": {"bool": {"musn't": []}}},
        {"query": {"query_string": {}}},
        {"query": {"exists": {}}},
        {"aggs": {}},
        {"size": -1},
        {"size": "many"},
        {"sort": "timestamp:up"},
        {"sort": ["nosuchfield"]},
        [],
    ],
)
def test_bodies_that_are_wrong_are_refused(api: Any, body: Any) -> None:
    answer = api.search(json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["reason"]


def test_other_mistakes_are_refused(api: Any) -> None:
    assert api.search("*", params={"nosuch": "1"}).status_code == 400
    assert api.search(data=b"{}", headers={"Content-Type": "text/plain"}).status_code == 406
    missing = api.search("*", index="aella-ser-1-")
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "index_not_found_exception")


@pytest.mark.usefixtures("events")
def test_hits_can_be_sorted(api: Any) -> None:
    assert api.names("*", params={"sort": "timestamp:desc"}) == [D, C, B, A]
    assert api.names("*", params={"sort": "event_score:desc"}) == [C, B, A, D]
    assert api.names("*", params={"sort": "event_status,timestamp:desc"}) == [D, B, C, A]
    assert api.names(json={"sort": [{"timestamp": {"order": "desc"}}]}) == [D, C, B, A]
    assert api.names(json={"sort": [{"nosuch": {"order": "asc", "unmapped_type": "long"}}]}) == [A, B, C, D]
    hit = api.search("*", params={"sort": "timestamp:asc"}).json()["hits"]["hits"][0]
    assert hit["sort"] == [START]


def test_pages_end_at_the_result_window(api: Any, emu: RunningEmulator) -> None:
    emu.add_events(*({"event_name": str(number)} for number in range(25)))

    assert api.names("*") == [str(number) for number in range(10)]
    assert api.names("*", params={"from": 20, "size": 10}) == [str(number) for number in range(20, 25)]
    emu.configure(max_result_window=20)
    answer = api.search("*", params={"from": 15, "size": 6})
    assert answer.status_code == 400
    assert "[20] but was [21]" in answer.json()["error"]["root_cause"][0]["reason"]


def test_totals_above_ten_thousand_are_a_lower_bound(api: Any, emu: RunningEmulator) -> None:
    emu.add_events(*({"event_name": "x"} for _event in range(10_001)))

    def total(**params: Any) -> Any:
        return api.search("*", params={"size": 1, **params}).json()["hits"]["total"]

    assert total() == {"value": 10_000, "relation": "gte"}
    assert total(track_total_hits="true") == {"value": 10_001, "relation": "eq"}


def test_a_scroll_passes_the_window(api: Any, emu: RunningEmulator) -> None:
    emu.configure(max_result_window=10)
    emu.add_events(*({"event_name": str(number)} for number in range(25)))
    answer = api.search("*", params={"scroll": "1m", "size": 10}).json()
    assert answer["hits"]["total"] == {"value": 25, "relation": "eq"}
    emu.add_events({"event_name": "too late"})
    pages = [answer]
    while pages[-1]["hits"]["hits"]:
        body = {"scroll": "1m", "scroll_id": pages[-1]["_scroll_id"]}
        pages.append(api.stellar("GET", "data/_search/scroll", json=body).json())

    assert [len(page["hits"]["hits"]) for page in pages] == [10, 10, 5, 0]
    names = [hit["_source"]["event_name"] for page in pages for hit in page["hits"]["hits"]]
    assert names == [str(number) for number in range(25)]
    body = {"scroll_id": answer["_scroll_id"]}
    assert api.stellar("DELETE", "data/_search/scroll", json=body).json()["num_freed"] == 1
    assert api.stellar("POST", "data/_search/scroll", json=body).status_code == 404


def test_scrolls_end_and_can_be_refused(api: Any, emu: RunningEmulator) -> None:
    emu.add_events({"event_name": "x"})
    identifier = api.search("*", params={"scroll": "1m"}).json()["_scroll_id"]
    emu.advance(61)

    assert api.stellar("GET", "data/_search/scroll", json={"scroll_id": identifier}).status_code == 404
    assert api.search("*", params={"scroll": "soon"}).status_code == 400
    assert api.search("*", params={"scroll": "1m", "from": 1}).status_code == 400
    assert api.search("*", params={"scroll": "1m", "size": 0}).status_code == 400
    emu.configure(scroll_available=False)
    assert api.search("*", params={"scroll": "1m"}).status_code == 400


def test_searches_lag_behind_writes_and_reads_do_not(api: Any, emu: RunningEmulator) -> None:
    emu.configure(refresh_delay=3600)
    where = api.inserted()
    assert api.names("*") == []
    assert api.read(where)["event_status"] == "New"
    emu.advance(3601)
    api.update(where, status="Closed")
    assert api.names("event_status:New") == ["demo test"]
    assert api.read(where)["event_status"] == "Closed"
    emu.advance(3601)
    assert api.names("event_status:Closed") == ["demo test"]


@pytest.mark.usefixtures("events")
def test_sources_can_be_left_out(api: Any) -> None:
    hits = api.search("*", params={"_source": "false"}).json()["hits"]["hits"]

    assert len(hits) == 4
    assert not any("_source" in hit for hit in hits)
