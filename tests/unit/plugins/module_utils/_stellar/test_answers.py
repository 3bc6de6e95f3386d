# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The meaning of Stellar Cyber's answers, whatever their status."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import AnswerError, PartialSearchError, StatusError
from ansible_collections.secops.xdr.plugins.module_utils._http.answers import Answer
from ansible_collections.secops.xdr.plugins.module_utils._stellar.answers import (
    accepted_value,
    inserted_event,
    require_whole,
    search_page,
    stored_event,
)
from ansible_collections.secops.xdr.plugins.module_utils._stellar.auth import _seconds_of_life

HIT = {"_index": "i", "_id": "1", "_source": {"a": 1}}


def answer(body: Any, headers: dict[str, str] | None = None) -> Answer:
    """An answer with this text or JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer("POST", "/path", 200, headers or {}, text.encode(), str)


@pytest.mark.parametrize(
    "body", ["OK 200", "ok", "", '"OK"', {"index": "a"}, {"error": None}, {"errors": [], "code": 0, "status": 200}, {}]
)
def test_accepted(body: Any):
    accepted_value(answer(body))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("Invalid event status value: closed", "Invalid event status value: closed"),
        ("Missing fields to be updated for the event", "Missing fields to be updated"),
        ('"Invalid event status value: closed"', "Invalid event status value: closed"),
        ({"error": {"reason": "no such index", "type": "x"}}, "no such index"),
        ({"success": False, "message": "nothing done"}, "nothing done"),
        ("Failed to update", "Failed to update"),
        ("Exception: no such thing", "no such thing"),
        ({"success": "false", "message": "nothing done"}, "nothing done"),
        ({"code": 500, "message": "nothing done"}, "nothing done"),
        ({"statusCode": "404", "message": "nothing done"}, "nothing done"),
        ({"result": "failed", "message": "nothing done"}, "nothing done"),
        ({"error_message": "nothing done"}, "nothing done"),
        ({"acknowledged": False, "message": "nothing done"}, "nothing done"),
    ],
)
def test_refused_with_200(body: Any, reason: str):
    with pytest.raises(StatusError, match=reason) as caught:
        accepted_value(answer(body))
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize("body", ["<html>", "Welcome", [1], "7"])
def test_neither_accepted_nor_refused(body: Any):
    with pytest.raises(AnswerError) as caught:
        accepted_value(answer(body))
    assert caught.value.outcome_unknown


def test_only_an_id_proves_an_insert():
    assert inserted_event(answer({"index": "a", "_id": "b"})).id == "b"
    assert inserted_event(answer({"index": 5, "_id": "b"})).index is None


@pytest.mark.parametrize(
    "body",
    ["OK 200", "", {}, {"index": "a"}, {"_id": ""}, {"_id": 5}, {"_id": "b", "status": "error"}, {"_id": "b", "error": "x"}, "<p>", "[]"],
)
def test_every_other_answer_to_an_insert_leaves_its_outcome_unknown(body: Any):
    with pytest.raises(AnswerError) as caught:
        inserted_event(answer(body))
    assert caught.value.outcome_unknown


@pytest.mark.parametrize(
    ("total", "count", "exact"),
    [(7, 7, True), ({"value": 7, "relation": "eq"}, 7, True), ({"value": 10_000, "relation": "gte"}, 10_000, False), (None, 1, False)],
)
def test_totals_of_all_versions(total: Any, count: int, exact: bool):
    page = search_page(answer({"hits": {"total": total, "hits": [HIT]}, "_scroll_id": "s"}))

    assert (page.total, page.total_is_exact, page.scroll_id) == (count, exact, "s")
    assert page.events[0].source == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [
        {"hits": {"total": 1, "hits": [{"_id": "1"}]}},
        {"hits": []},
        {},
        [],
        "OK 200",
        "<!doctype html>",
    ],
)
def test_what_is_no_search_is_an_error(body: Any):
    with pytest.raises(AnswerError):
        search_page(answer(body))


@pytest.mark.parametrize(
    "fields",
    [
        {"timed_out": True},
        {"terminated_early": True},
        {"is_partial": True},
        {"_shards": {"failed": 1}},
        {"_shards": {"total": 5, "successful": 4, "failed": 0}},
        {"_shards": {"total": 5, "successful": 5, "failed": 0, "failures": [{}]}},
        {"_clusters": {"total": 2, "successful": 1, "skipped": 1}},
        {"_clusters": {"total": 2, "successful": 2, "partial": 1}},
        {"_clusters": {"total": 2, "successful": 1, "running": 1}},
    ],
    ids=str,
)
def test_a_search_of_a_part_says_so(fields: dict[str, Any]):
    page = search_page(answer({**fields, "hits": {"total": 1, "hits": [HIT]}}))

    assert [event.id for event in page.events] == ["1"]
    assert not page.total_is_exact
    with pytest.raises(PartialSearchError, match="not answered by the whole index"):
        require_whole(page)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"timed_out": False},
        {"_shards": {"total": 5, "successful": 5, "skipped": 3, "failed": 0}},
        {"_clusters": {"total": 1, "successful": 1}},
    ],
    ids=str,
)
def test_a_whole_search(fields: dict[str, Any]):
    page = search_page(answer({**fields, "hits": {"total": 1, "hits": [HIT]}}))
    assert require_whole(page) is page


@pytest.mark.parametrize("hits", [None, {"total": {"value": 0, "relation": "eq"}, "hits": None}, {"total": 0, "hits": []}])
def test_nothing_is_an_empty_page(hits: Any):
    assert search_page(answer({"hits": hits})).events == []


def test_a_document_that_was_not_found_is_none():
    assert stored_event(answer({"found": False, "_id": "1"})) is None
    with pytest.raises(AnswerError):
        stored_event(answer({"_id": "1"}))


@pytest.mark.parametrize(
    ("exp", "seconds"),
    [(1000 + 300, 300), ("1300", 300), (1000 - 5, 600), (None, 600), ("soon", 600), (True, 600), (10**12, 600)],
)
def test_the_life_of_a_token_goes_by_the_clock_of_the_server(exp: Any, seconds: float):
    assert _seconds_of_life({"exp": exp}, answer({}, {"Date": "Thu, 01 Jan 1970 00:16:40 GMT"})) == seconds


@pytest.mark.parametrize(
    "mark",
    [
        {"is_running": True},
        {"_shards": {"total": "5", "successful": "4"}},
        {"_shards": {"total": 5, "successful": 5, "failures": [{"reason": "x"}]}},
        {"error": {"type": "x"}},
        {"status": 503},
    ],
    ids=str,
)
def test_a_search_that_is_not_whole(mark: dict[str, Any]):
    page = search_page(answer({"hits": {"total": 0, "hits": []}, **mark}))
    assert page.gap
    assert not page.total_is_exact


def test_documents_that_are_nested_too_deeply():
    deep = '{"a":' * 900 + "1" + "}" * 900
    with pytest.raises(AnswerError, match="nested less deeply"):
        search_page(answer(f'{{"hits": {{"hits": [{{"_index": "i", "_id": "1", "_source": {deep}}}]}}}}'))
