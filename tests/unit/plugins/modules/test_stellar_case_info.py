# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stellar_case_info: one case, searches over all pages, and servers that ignore or cut what they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from support.stellar import Stellar

NOW = 1_700_000_000_000
LIST = "/connect/api/v1/cases"


def add(stellar: Stellar, count: int, **fields: Any) -> list[str]:
    """Cases a second apart, oldest first; gives their IDs, newest first."""
    cases = ({"created_at": NOW + number * 1000, "ticket_id": NOW + number, **fields} for number in range(count))
    return [one["id"] for one in stellar.emulator.add_cases(*cases)][::-1]


def queries(stellar: Stellar) -> list[dict[str, str]]:
    """The arguments of the lists that were asked for, in order."""
    return [dict(one["query"]) for one in stellar.emulator.requests(path=LIST) if one["path"] == LIST]


def ids(result: Any) -> list[str]:
    """The IDs of the cases that were found."""
    return [one["id"] for one in result["cases"]]


@pytest.mark.parametrize("settings", [{}, {"case_get_available": False}])
def test_one_case_by_its_id_or_number(stellar: Stellar, settings: dict[str, Any]):
    stellar.emulator.configure(**settings)
    (identifier,) = add(stellar, 1, ticket_id=1042, name="Unusual login")

    for options in ({"id": identifier}, {"ticket_id": 1042}):
        result = stellar.cases(**options)
        assert not result.changed
        assert [(one["id"], one["ticket_id"], one["source"]["name"]) for one in result["cases"]] == [(identifier, 1042, "Unusual login")]
        assert (result["total"], result["total_is_exact"]) == (1, True)
    assert stellar.cases(id="64f1a2b3c4d5e6f708192a3b")["cases"] == []
    assert stellar.cases(ticket_id=7)["cases"] == []


def test_cases_of_any_age_are_found_on_all_pages(stellar: Stellar):
    expected = add(stellar, 250)

    result = stellar.cases(check_mode=True)

    assert ids(result) == expected
    assert (result["total"], result["total_is_exact"]) == (250, True)
    common = {"FROM~created_at": "1000000000000", "sort": "created_at", "order": "desc", "limit": "100"}
    assert queries(stellar) == [{**common, "skip": skip} for skip in ("0", "100", "200")]


def test_a_limit_cuts_the_list_and_not_the_total(stellar: Stellar):
    expected = add(stellar, 30)

    result = stellar.cases(limit=7, size=5)

    assert ids(result) == expected[:7]
    assert (result["total"], result["total_is_exact"]) == (30, True)


SEARCHES = [
    ({"status": ["New", "Escalated"]}, [0, 1]),
    ({"status": ["New", "Escalated"], "severity": ["High", "Low"]}, [0, 1]),
    ({"severity": "High"}, [0, 2]),
    ({"tags": ["a", "b"]}, [0, 1, 3]),
    ({"tags": ["a", "b"], "exclude_tags": ["c"]}, [0, 1]),
    ({"min_score": 50}, [2, 3]),
    ({"tenant_id": "t1"}, [3]),
    ({"assignee": "ann@example.com"}, [1]),
    ({"since": NOW + 1000, "until": NOW + 3000}, [1, 2]),
    ({"since": "2023-11-14T22:13:21Z", "until": "2023-11-14T22:13:23Z"}, [1, 2]),
    ({"filter": {"NOT~status": "New", "severity": ["High"]}}, [2]),
    ({"status": []}, []),
]
FOUR: list[dict[str, Any]] = [
    {"status": "New", "severity": "High", "tags": ["a"], "score": 10},
    {"status": "Escalated", "severity": "Low", "tags": ["b"], "score": 20, "assignee": "ann@example.com"},
    {"status": "Resolved", "severity": "High", "score": 50},
    {"status": "Cancelled", "severity": "Critical", "tags": ["a", "b", "c"], "score": 90, "cust_id": "t1"},
]


@pytest.mark.parametrize(("options", "found"), SEARCHES)
@pytest.mark.parametrize(
    "server",
    [
        {},
        {"case_commas": "tags", "case_bounds": "exclusive"},
        {"case_tags_match": "all", "case_commas": "tags_and_status"},
        {"case_unknown_arguments": "refuse", "case_default_limit": 1},
    ],
)
def test_every_kind_of_server_finds_the_same(stellar: Stellar, server: dict[str, Any], options: dict[str, Any], found: list[int]):
    stellar.emulator.configure(**server)
    added = stellar.emulator.add_cases(*({"created_at": NOW + number * 1000, **one} for number, one in enumerate(FOUR)))

    result = stellar.cases(**options)

    assert ids(result) == [added[number]["id"] for number in reversed(found)]
    assert (result["total"], result["total_is_exact"]) == (len(found), True)
    assert result.warnings == []


@pytest.mark.parametrize(("folds", "count"), [(True, 2), (False, 1)])
def test_tags_are_found_in_the_case_that_the_server_minds(stellar: Stellar, folds: bool, count: int):
    stellar.emulator.configure(case_folds_tags=folds)
    stellar.emulator.add_cases({"tags": ["VPN"]}, {"tags": ["vpn"]}, {"tags": ["other"]})

    result = stellar.cases(tags=["vpn"])

    assert (len(result["cases"]), result["total_is_exact"], result.warnings) == (count, True, [])


def test_lists_that_are_merged_keep_the_order_and_the_limit(stellar: Stellar):
    add(stellar, 6, status="New")
    add(stellar, 6, status="Escalated")

    result = stellar.cases(status=["New", "Escalated"], sort="created_at:asc", limit=5)

    assert [one["source"]["created_at"] - NOW for one in result["cases"]] == [0, 0, 1000, 1000, 2000]
    assert result["total"] == 12


def test_times_of_another_field(stellar: Stellar):
    stellar.emulator.add_cases({"modified_at": NOW}, {"modified_at": NOW + 5})

    result = stellar.cases(time_field="modified_at", since=NOW + 1)

    assert [one["source"]["modified_at"] for one in result["cases"]] == [NOW + 5]
    assert queries(stellar)[0]["FROM~modified_at"] == str(NOW)


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"status": "New"}, "status"),
        ({"severity": "High"}, "severity"),
        ({"tags": ["a"]}, "tags"),
        ({"exclude_tags": ["c"]}, "NOT~tags"),
        ({"min_score": 15}, "min_score"),
        ({"since": NOW + 1500}, "FROM~created_at"),
        ({"until": NOW + 1500}, "TO~created_at"),
    ],
)
def test_a_condition_that_the_server_ignores_is_met_and_reported(stellar: Stellar, options: dict[str, Any], argument: str):
    added = stellar.emulator.add_cases(*({"created_at": NOW + number * 1000, **one} for number, one in enumerate(FOUR)))
    expected = ids(stellar.cases(**options))
    assert 0 < len(expected) < len(added)
    stellar.emulator.configure(case_ignored_arguments=[argument], case_default_days=0)

    result = stellar.cases(**options)

    assert ids(result) == expected
    assert not result["total_is_exact"]
    assert any("the server ignored this condition" in warning for warning in result.warnings)


@pytest.mark.parametrize("skip", ["ignored", "empty"])
def test_a_server_that_does_not_page_is_an_error(stellar: Stellar, skip: str):
    add(stellar, 30)
    stellar.emulator.configure(case_skip=skip)

    assert "the server counts 30 cases and gave 10" in stellar.cases(size=10).msg
    assert len(stellar.cases(size=50)["cases"]) == 30


def test_an_order_that_changes_between_pages_is_an_error_and_no_short_answer(stellar: Stellar):
    stellar.emulator.add_cases(*({"created_at": NOW} for _case in range(20)))
    stellar.emulator.configure(unstable_ties=True)

    assert "orders cases anew for each page" in stellar.cases(size=15).msg


def test_comments_and_alerts_of_each_case(stellar: Stellar):
    alerts = [
        {"_index": "aella-ser-1-", "_id": f"alert{number}", "_source": {"srcip": "10.8.2.6", "timestamp": NOW}} for number in range(120)
    ]
    stellar.emulator.add_cases({"alerts": alerts, "comments": ["One.", "Two."]}, {})

    first, second = stellar.cases(with_alerts=True, with_comments=True, sort="ticket_id:asc")["cases"]

    assert [one["comment"] for one in first["comments"]] == ["One.", "Two."]
    assert first["alerts"] == [{"index": one["_index"], "id": one["_id"], "source": one["_source"]} for one in alerts]
    assert (second["comments"], second["alerts"]) == ([], [])
    assert "alerts" not in stellar.cases()["cases"][0]


@pytest.mark.parametrize("limit", [50, 20])
def test_alerts_that_a_server_does_not_page_are_an_error(stellar: Stellar, limit: int):
    alerts = [{"_index": "i", "_id": str(number), "_source": {}} for number in range(70)]
    stellar.emulator.add_cases({"alerts": alerts})
    stellar.emulator.configure(case_alert_limit=limit)
    assert len(stellar.cases(with_alerts=True)["cases"][0]["alerts"]) == 70
    stellar.emulator.configure(case_skip="ignored", case_alert_limit=50)

    assert "gave the same 50 alerts again" in stellar.cases(with_alerts=True).msg


@pytest.mark.parametrize(
    ("settings", "count", "warning"),
    [
        ({"case_skip": "ignored"}, 30, "for 1 cases, the server gave the same alerts again as the next page"),
        ({"case_skip": "ignored"}, 20, "further alerts may be missing"),
        ({"case_skip": "ignored", "case_shows_size": True}, 30, "1 cases have more alerts than the server gave"),
        ({"case_skip": "empty", "case_shows_size": True}, 30, "its `size` is 30, and 20 came"),
        ({"case_skip": "ignored", "case_shows_size": True}, 20, ""),
        ({"case_skip": "ignored", "case_shows_size": True}, 0, ""),
        ({"case_skip": "ignored"}, 0, ""),
        ({"case_shows_size": True}, 30, ""),
        ({}, 30, ""),
    ],
)
def test_alerts_that_a_server_cuts_and_does_not_page_are_noticed(stellar: Stellar, settings: dict[str, Any], count: int, warning: str):
    stellar.emulator.configure(case_alert_limit=20, **settings)
    stellar.emulator.add_cases({"alerts": [{"_index": "i", "_id": str(number), "_source": {}} for number in range(count)]})

    run = stellar.cases(with_alerts=True)

    assert len(run["cases"][0]["alerts"]) == (count if count <= 20 or not settings.get("case_skip") else 20)
    assert [warning in text for text in run.warnings if "alerts: " in text] == ([True] if warning else [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"status": "Closed"}, "value of status must be one or more of"),
        ({"since": "yesterday"}, "since: "),
        ({"since": "24h", "until": "48h"}, "is not before `until`"),
        ({"min_score": -1}, "min_score: -1.0 is not a score"),
        ({"min_score": "nan"}, "min_score: nan is not a score"),
        ({"sort": "created_at:up"}, "sort: 'created_at:up' is not a field"),
        ({"size": 501}, "size: 501 is out of range"),
        ({"limit": 0}, "limit: 0 is out of range"),
        ({"filter": {"limit": 5}}, "use its option limit"),
        ({"filter": {"status": "New"}, "status": "New"}, "use its option status"),
        ({"filter": {"FROM~created_at": 5}}, "use its option since, until"),
        ({"filter": {"name": None}}, "filter.name: give a text"),
        ({"tags": ["a", " "]}, "tags[1]: the text is empty"),
        ({"assignee": ""}, "assignee: the text is empty"),
        ({"id": "1", "status": "New"}, "mutually exclusive"),
        ({"id": "1", "ticket_id": 1}, "mutually exclusive"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(stellar: Stellar, options: dict[str, Any], message: str):
    assert message in stellar.cases(**options).msg
    assert stellar.seen() == []


def test_a_server_without_cases_is_reported(stellar: Stellar):
    stellar.emulator.add_fault("status", {"path": LIST}, status=404, times=None)

    assert "was refused with status 404" in stellar.cases().msg
