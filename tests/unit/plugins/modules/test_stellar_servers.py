# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers and gateways as public bug reports of similar clients describe them: slow searches, partial answers, proxies that interfere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._stellar.client import StellarClient
from ansible_collections.secops.xdr.plugins.modules import stellar_ser_event_info

from support.stellar import SEED_EVENT, SEED_TIME, Stellar

if TYPE_CHECKING:
    from pathlib import Path

    from support.module_runs import ModuleRun

INSERT = {"path": "/connect/api/v1/insert_ser"}
PAGE = "<html><head><title>Request Rejected</title></head><body>Support ID 123</body></html>"
UPDATE = {"path": "/connect/api/update_ser"}
SEARCH = {"path_regex": "/_search$"}
EVENT = {"index": "aella-ser-1610496070892-", "id": "7PW5SXcBlxPU3jFcFJ_s"}
NO_SEARCH_AFTER: list[dict[str, Any]] = [
    {"search_after": "ignored"},
    {"search_after": "refused"},
    {"get_bodies": "dropped"},
    {"get_bodies": "411"},
]
PARTIAL = ["missing_shard", "failed_shard", "timed_out", "terminated_early", "skipped_cluster"]


def add_another(stellar: Stellar) -> None:
    """An event that shows that the index pattern is right."""
    stellar.emulator.add_events({"event_name": "another", "timestamp": SEED_TIME})


def add_target(stellar: Stellar) -> None:
    """The event that updates are about."""
    source = {"event_name": "x", "event_status": "New", "timestamp": SEED_TIME}
    stellar.emulator.add_events({"_index": EVENT["index"], "_id": EVENT["id"], "_source": source})


def add_numbered(stellar: Stellar, count: int, timestamp: int | None = None) -> None:
    """Events one second apart, or all of one time."""
    stellar.emulator.add_events(
        *({"event_name": "n", "number": number, "timestamp": timestamp or SEED_TIME + number * 1000} for number in range(count))
    )


def numbers(run: ModuleRun) -> list[int]:
    """The numbers of the returned events."""
    return [event["source"]["number"] for event in run["events"]]


def own(stellar: Stellar) -> list[dict[str, Any]]:
    """The copies of the inserted event."""
    return [source for source in stellar.sources() if source["event_name"] == SEED_EVENT["event_name"]]


class TestInsertsWhileTheSearchLagsBehind:
    @pytest.mark.parametrize("interval", [1, 30, 55])
    @pytest.mark.parametrize("action", ["reset_after", "close_after", "truncate", "empty"])
    def test_an_answer_that_got_lost_makes_no_second_event(self, stellar: Stellar, interval: int, action: str):
        add_another(stellar)
        stellar.emulator.configure(refresh_delay=0.1, refresh_interval=interval)
        stellar.emulator.add_fault(action, INSERT)

        result = stellar.insert(**SEED_EVENT)

        assert result.changed
        assert result["id"] == stellar.emulator.events()[1]["_id"]
        assert len(own(stellar)) == 1
        assert stellar.seen().count("POST insert_ser") == 1
        assert not stellar.insert(**SEED_EVENT).changed

    @pytest.mark.parametrize("late", [3, 12, 58])
    def test_a_write_that_is_finished_after_the_gateway_gave_up(self, stellar: Stellar, late: int):
        add_another(stellar)
        stellar.emulator.add_fault("late", INSERT, seconds=late)

        result = stellar.insert(**SEED_EVENT)

        assert result.changed
        assert len(own(stellar)) == 1
        assert stellar.seen().count("POST insert_ser") == 1

    def test_a_write_that_is_finished_after_everything_else_is_noticed_by_a_later_run(self, stellar: Stellar):
        add_another(stellar)
        stellar.emulator.add_fault("late", INSERT, seconds=75)
        first = stellar.insert(**SEED_EVENT)
        assert first.changed
        stellar.emulator.advance(60)
        ids = {event["_id"] for event in stellar.emulator.events() if event["_source"]["event_name"] == SEED_EVENT["event_name"]}
        assert len(ids) == 2, "the server has it twice"

        again = stellar.insert(**SEED_EVENT)

        assert not again.changed
        [warning] = again.warnings
        assert all(identifier in warning for identifier in ids)
        assert {again["id"], *again["duplicates"]} == ids
        assert len(own(stellar)) == 2

    def test_another_host_reports_both_ids(self, stellar: Stellar):
        stellar.insert(**SEED_EVENT)
        body = {**stellar.sources()[0]}
        stellar.emulator.add_events(body)
        stellar.move_to_another_host()

        again = stellar.insert(**SEED_EVENT)

        assert not again.changed
        assert all(event["_id"] in again.warnings[0] for event in stellar.emulator.events())

    def test_a_delay_beyond_the_patience_of_a_task_is_left_to_the_next_run(self, stellar: Stellar):
        add_another(stellar)
        stellar.emulator.configure(refresh_delay=200)
        stellar.emulator.add_fault("reset_after", INSERT)

        failed = stellar.insert(**SEED_EVENT, search_delay=240)

        assert failed["outcome_unknown"]
        assert "search_delay" in failed.msg
        assert stellar.clock.slept <= 120
        assert not stellar.insert(check_mode=True, **SEED_EVENT, search_delay=240)["changed"]
        stellar.clock.sleep(201)
        again = stellar.insert(**SEED_EVENT, search_delay=240)
        assert not again.changed
        assert not again.failed
        assert len(own(stellar)) == 1

    def test_nothing_is_sent_again_before_the_delay_is_over(self, stellar: Stellar):
        add_another(stellar)
        stellar.emulator.add_fault("close_before", INSERT)

        result = stellar.insert(**SEED_EVENT, search_delay=40)

        assert result.changed
        assert 39 <= stellar.clock.slept <= 40
        assert len(own(stellar)) == 1

    def test_the_delay_of_a_killed_run_counts_from_its_intent_and_the_timeout(self, stellar: Stellar, monkeypatch: pytest.MonkeyPatch):
        class KilledError(BaseException):
            pass

        def die(*_arguments: Any) -> None:
            raise KilledError

        add_another(stellar)
        with monkeypatch.context() as patch:
            patch.setattr("ansible_collections.secops.xdr.plugins.module_utils._stellar.client.StellarClient.insert_event", die)
            with pytest.raises(KilledError):
                stellar.insert(**SEED_EVENT, timeout=30)
        stellar.clock.sleep(50)
        before = stellar.clock.slept

        result = stellar.insert(**SEED_EVENT, timeout=30)

        assert result.changed
        assert 38 <= stellar.clock.slept - before < 60, "60 s of the search and 30 s of the request, 50 of which have passed"
        assert len(own(stellar)) == 1

    @pytest.mark.parametrize("status", [200, 201, 202, 207, 226, 302, 408, 409, 499, 500, 502, 503, 504, 520, 522, 524])
    @pytest.mark.parametrize("work", [True, False])
    def test_only_an_id_or_the_event_itself_proves_an_insert(self, stellar: Stellar, status: int, work: bool):
        add_another(stellar)
        stellar.emulator.add_fault("status", INSERT, status=status, work=work, headers={"Location": "/elsewhere"}, body={"took": 3})

        result = stellar.insert(**SEED_EVENT)

        assert result.changed
        assert len(own(stellar)) == 1

    @pytest.mark.parametrize(
        ("status", "body"), [(400, PAGE), (406, PAGE), (410, PAGE), (418, PAGE), (422, PAGE), (444, ""), (451, "blocked"), (463, {})]
    )
    @pytest.mark.parametrize("work", [True, False])
    def test_a_gateway_that_hides_the_answer_proves_no_refusal(self, stellar: Stellar, status: int, body: Any, work: bool):
        """Some firewalls look at answers as well, when the work is done."""
        add_another(stellar)
        stellar.emulator.configure(refresh_delay=20)
        stellar.emulator.add_fault("status", INSERT, status=status, work=work, body=body)

        result = stellar.insert(**SEED_EVENT)
        again = stellar.insert(**SEED_EVENT)

        assert result.changed
        assert not again.failed
        assert not again.changed
        assert len(own(stellar)) == 1

    @pytest.mark.parametrize("status", [400, 405, 415, 422])
    def test_a_refusal_in_the_products_words_is_one(self, stellar: Stellar, status: int):
        stellar.emulator.add_fault("status", INSERT, status=status, body={"error": "no such field"})

        result = stellar.insert(**SEED_EVENT)

        assert result.failed
        assert "outcome_unknown" not in result
        assert stellar.clock.slept == 0

    @pytest.mark.parametrize("answer", ["error", "empty_object", "other_shape", "text"])
    def test_an_answer_in_another_shape_is_looked_into(self, stellar: Stellar, answer: str):
        add_another(stellar)
        stellar.emulator.configure(insert_answer=answer)

        result = stellar.insert(**SEED_EVENT)

        if answer == "error":
            assert result["outcome_unknown"]
            assert "could not be stored" in result.msg
            assert own(stellar) == []
            stellar.emulator.configure(insert_answer="json")
            assert stellar.insert(**SEED_EVENT).changed
        else:
            assert result.changed
        assert len(own(stellar)) == 1


class TestServersWithoutReadingById:
    @pytest.fixture(autouse=True)
    def no_read_by_id(self, stellar: Stellar) -> None:
        stellar.emulator.configure(amsg_available=False, refresh_delay=0.1, refresh_interval=30)

    def test_an_id_proves_an_insert_that_the_search_does_not_show_yet(self, stellar: Stellar):
        add_another(stellar)

        result = stellar.insert(**SEED_EVENT)

        assert result.changed
        assert not result.failed
        assert result["id"] == stellar.emulator.events()[1]["_id"]
        assert not stellar.insert(**SEED_EVENT).changed

    def test_an_event_that_was_just_inserted_can_be_updated_once(self, stellar: Stellar):
        new = stellar.insert(**SEED_EVENT)
        wanted = {"index": new["index"], "id": new["id"], "comment": "Seen.", "status": "Closed", "add_tags": ["a"]}

        assert [stellar.update(**wanted).changed for _time in range(3)] == [True, False, False]
        assert stellar.emulator.state["stellar"]["comments_written"] == 1


class TestPartialAnswers:
    @pytest.mark.parametrize("kind", PARTIAL)
    def test_what_a_partial_search_does_not_show_is_not_missing(self, stellar: Stellar, kind: str):
        stellar.insert(**SEED_EVENT)
        stellar.move_to_another_host()
        stellar.emulator.configure(partial_searches=kind)

        failed = stellar.insert(**SEED_EVENT)

        assert "not answered by the whole index" in failed.msg
        assert "nothing was sent" in failed.msg
        assert len(own(stellar)) == 1
        stellar.emulator.configure(partial_searches="")
        assert not stellar.insert(**SEED_EVENT).changed

    def test_an_unclear_insert_stays_unknown(self, stellar: Stellar):
        add_another(stellar)
        stellar.emulator.add_fault("reset_after", INSERT)
        answer = {"hits": {"total": 1, "hits": []}, "_shards": {"total": 5, "successful": 4, "failed": 0}}
        stellar.emulator.add_fault("status", SEARCH, after=1, times=None, status=200, body=answer)

        failed = stellar.insert(**SEED_EVENT)

        assert failed["outcome_unknown"]
        assert stellar.seen().count("POST insert_ser") == 1

    @pytest.mark.parametrize("kind", PARTIAL)
    def test_a_read_warns(self, stellar: Stellar, kind: str):
        add_numbered(stellar, 3)
        stellar.emulator.configure(partial_searches=kind)

        result = stellar.info()

        assert not result["total_is_exact"]
        assert "Events may be missing" in result.warnings[0]
        assert "not answered by the whole index" in stellar.info(index="aella-ser-*", id="x").msg


class TestPaging:
    @pytest.mark.parametrize(
        "settings",
        [{}, {"search_after": "ignored"}, {"search_after": "refused"}, {"get_bodies": "dropped"}, {"get_bodies": "411"}],
        ids=str,
    )
    def test_events_of_one_time_come_once_each(self, stellar: Stellar, settings: dict[str, Any]):
        add_numbered(stellar, 43, SEED_TIME)
        stellar.emulator.configure(unstable_ties=True, **settings)

        result = stellar.info(size=10)

        assert sorted(numbers(result)) == list(range(43))
        assert result["total"] == 43
        assert result.warnings == []

    def test_a_number_that_does_not_add_up_is_a_warning(self, stellar: Stellar):
        add_numbered(stellar, 43, SEED_TIME)
        stellar.emulator.configure(unstable_ties=True, id_sort=False)

        result = stellar.info(size=10)

        found = numbers(result)
        assert len(found) == len(set(found))
        assert result["total"] == 43
        assert len(found) == 43 or "counted more events than it returned" in result.warnings[0]

    @pytest.mark.parametrize("search_after", ["works", "refused"])
    def test_events_that_leave_the_result_meanwhile_hide_no_other(
        self, stellar: Stellar, monkeypatch: pytest.MonkeyPatch, search_after: str
    ):
        add_numbered(stellar, 60)
        stellar.emulator.configure(search_after=search_after)
        events = stellar.emulator.events()
        search, asked = StellarClient.search, []

        def close_some(client: Any, *arguments: Any, **options: Any) -> Any:
            page = search(client, *arguments, **options)
            asked.append(page)
            if len(asked) == 2:
                for event in events[50:58]:
                    client.update_ser(event["_index"], event["_id"], {"status": "Closed"})
            return page

        for event in events:
            event["_source"]["event_status"] = "New"
        stellar.emulator.reset()
        stellar.emulator.configure(search_after=search_after)
        stellar.emulator.add_events(*({"_index": one["_index"], "_id": one["_id"], "_source": one["_source"]} for one in events))
        monkeypatch.setattr(StellarClient, "search", close_some)

        found = numbers(stellar.info(filter={"event_status": "New"}, size=10))

        assert set(range(50)) <= set(found)
        assert len(found) == len(set(found))

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_without_a_scroll_pages_do(self, stellar: Stellar, status: int):
        add_numbered(stellar, 1200)
        stellar.emulator.configure(scroll_contexts=0, scroll_refusal=status, search_after="refused")

        assert sorted(numbers(stellar.info(limit=1200, retries=0))) == list(range(1200))

    def test_a_scroll_is_ended(self, stellar: Stellar):
        add_numbered(stellar, 130)
        stellar.emulator.configure(max_result_window=100, search_after="refused", scroll_contexts=1)

        for _time in range(2):
            assert sorted(numbers(stellar.info(size=50, limit=500))) == list(range(130))
        assert sorted(numbers(stellar.info(size=50, limit=120))) == list(range(10, 130))
        assert stellar.seen().count("DELETE scroll") == 3


class TestLimitsOnTheWay:
    @pytest.mark.parametrize(
        "settings", [{"max_line": 4096}, {"max_clauses": 1024}, {"get_bodies": "dropped"}, {"get_bodies": "411"}], ids=str
    )
    def test_a_long_list_of_values_is_spread_out(self, stellar: Stellar, settings: dict[str, Any]):
        add_numbered(stellar, 40)
        stellar.emulator.configure(**settings)

        result = stellar.info(filter={"number": list(range(0, 2400, 2))}, limit=2000, sort=["timestamp:asc"])

        assert numbers(result) == list(range(0, 40, 2))
        assert result["total"] == 20

    def test_a_query_whose_body_gets_lost_finds_nothing_wrong(self, stellar: Stellar):
        add_numbered(stellar, 5)
        stellar.emulator.configure(get_bodies="dropped")
        query = "number:1 OR " + " OR ".join(f"number:{number}" for number in range(10_000, 10_600))

        result = stellar.info(query=query)

        assert "the body of the request does not arrive" in result.msg
        stellar.emulator.configure(get_bodies="read")
        assert numbers(stellar.info(query=query)) == [1]

    def test_many_inserts_with_a_low_limit_on_clauses(self, stellar: Stellar):
        stellar.emulator.configure(max_clauses=5, max_line=4096)
        events = [{**SEED_EVENT, "event_name": f'a & "b" {number}'} for number in range(30)]

        assert stellar.insert(events=events).changed
        stellar.move_to_another_host()
        assert not stellar.insert(events=events).changed
        assert len(stellar.sources()) == 30

    def test_too_large_names_the_option(self, stellar: Stellar):
        stellar.emulator.add_fault("status", SEARCH, status=413)
        assert "`filter`" in stellar.info(filter={"a": "b"}).msg


class TestGateways:
    @pytest.mark.parametrize("form", ["html", "text", "json", "empty"])
    def test_a_gateways_refusal_is_not_the_products(self, stellar: Stellar, form: str):
        add_target(stellar)
        stellar.emulator.configure(gateway_refusal=form)

        for run in (stellar.update(**EVENT, status="Closed"), stellar.insert(**SEED_EVENT), stellar.info()):
            assert "gateway" in run.msg
            assert "may not read" not in run.msg
        assert stellar.bodies() == []

    @pytest.mark.parametrize(
        "body",
        [
            "Forbidden",
            "403 Forbidden",
            {"message": "Forbidden"},
            {"statusCode": 403, "message": "Access Denied"},
            {"error": "rate limit exceeded"},
            {"message": "Missing Authentication Token"},
            {"error": {"type": "cluster_block_exception", "reason": "blocked by: [FORBIDDEN/4/index closed]"}},
            {"fault": {"faultstring": "no", "detail": {"errorcode": "accesscontrol.IPDeniedAccess"}}},
        ],
        ids=str,
    )
    def test_refusals_that_say_nothing_about_the_account(self, stellar: Stellar, body: Any):
        add_another(stellar)
        stellar.emulator.add_fault("status", SEARCH, status=403, body=body, times=None)

        assert "may not read" not in stellar.insert(**SEED_EVENT).msg
        assert stellar.bodies() == []

    @pytest.mark.parametrize("body", ["You do not have permission", {"error": {"type": "security_exception", "reason": "is unauthorized"}}])
    def test_refusals_that_do(self, stellar: Stellar, body: Any):
        stellar.emulator.add_fault("status", SEARCH, status=403, body=body, times=None)

        result = stellar.insert(**SEED_EVENT)

        assert result.changed
        assert "may not read" in result.warnings[0]

    def test_a_scoped_key_never_reads_whatever_the_refusal_says(self, stellar: Stellar):
        stellar.emulator.add_fault("status", SEARCH, status=403, body={"message": "Forbidden"}, times=None)
        key = stellar.emulator.emulator.settings.scoped_key

        result = stellar.insert(**SEED_EVENT, auth_method="scoped_key", username=None, api_key=key)

        assert result.changed
        assert "may not read" in result.warnings[0]

    def test_a_single_refusal_is_tried_again(self, stellar: Stellar):
        add_target(stellar)
        stellar.emulator.add_fault("html", {"kind": "read"}, status=403)

        result = stellar.update(**EVENT, status="Closed")

        assert result.changed
        assert result.warnings == []

    @pytest.mark.parametrize("form", ["json", "text"])
    def test_the_products_own_refusal_still_is_one(self, stellar: Stellar, form: str):
        add_target(stellar)
        stellar.emulator.configure(right_to_read=False, error_form=form)

        assert "assumed" in stellar.update(**EVENT, status="Closed").warnings[0]

    def test_informational_answers_shift_no_other(self, stellar: Stellar):
        stellar.emulator.add_fault("informational", INSERT, times=None)
        events = [{**SEED_EVENT, "event_name": f"event {number}"} for number in range(6)]

        result = stellar.insert(events=events, concurrency=1)

        held = {event["_id"]: event["_source"]["event_name"] for event in stellar.emulator.events()}
        assert [held[one["id"]] for one in result["events"]] == [f"event {number}" for number in range(6)]

    def test_an_id_of_another_event_is_noticed(self, stellar: Stellar):
        add_another(stellar)
        [other] = stellar.emulator.events()
        stellar.emulator.add_fault("status", INSERT, status=200, work=True, body={"index": other["alias"], "_id": other["_id"]})

        result = stellar.insert(**SEED_EVENT)

        assert result["id"] == stellar.emulator.events()[1]["_id"] != other["_id"]
        assert not stellar.insert(**SEED_EVENT).changed

    def test_another_document_than_the_one_that_was_asked_for(self, stellar: Stellar):
        add_target(stellar)
        other = {"_index": EVENT["index"], "_id": "other", "found": True, "_source": {"event_status": "Closed"}}
        stellar.emulator.add_fault("status", {"path_regex": "/amsg/"}, status=200, times=None, body=other)

        result = stellar.update(**EVENT, status="Closed")

        assert "another one came" in result.msg
        assert stellar.bodies() == []

    def test_conditions_that_do_not_count(self, stellar: Stellar):
        hit = {"_index": "aella-ser-1-", "_id": "1", "_source": {"srcip": "10.8.0.9", "event_status": "New"}}
        answer = {"hits": {"total": 1, "hits": [hit]}}
        stellar.emulator.add_fault("status", SEARCH, status=200, times=None, body=answer)

        assert "events that do not match" in stellar.info(filter={"srcip": "10.8.0.7"}).msg
        assert not stellar.info(filter={"srcip": "10.8.0.9"}).failed

    def test_a_network_or_a_word_of_a_text_is_a_condition_of_the_servers(self, stellar: Stellar):
        stellar.emulator.configure(analyzed_strings=True)
        stellar.emulator.add_events({"event_name": "Login from two Countries", "number": 1, "timestamp": SEED_TIME})

        assert numbers(stellar.info(filter={"event_name": "two countries"})) == [1]

    def test_cookies_are_not_kept(self, stellar: Stellar):
        stellar.emulator.configure(session_cookie=True)

        assert stellar.insert(**SEED_EVENT).changed
        assert not any("Cookie" in one["headers"] for one in stellar.emulator.requests())

    def test_plain_text_labelled_as_html(self, stellar: Stellar):
        """As some frameworks send every text."""
        add_target(stellar)
        html = {"Content-Type": "text/html; charset=utf-8"}
        stellar.emulator.add_fault("status", UPDATE, status=200, body="OK 200", headers=html, work=True)

        assert stellar.update(**EVENT, status="Closed", read_access="none").changed
        stellar.emulator.add_fault("status", UPDATE, status=200, body="Invalid event status value", headers=html)
        assert "Invalid event status value" in stellar.update(**EVENT, status="New", read_access="none").msg

    def test_a_redirect_in_another_encoding_is_a_message(self, stellar: Stellar):
        stellar.emulator.add_fault("redirect", {"kind": "read"}, location="https://example.com/b\udcfcro")
        assert "was redirected (status 302)" in stellar.info().msg

    def test_nothing_is_an_empty_result(self, stellar: Stellar):
        stellar.emulator.configure(null_hits=True)
        add_numbered(stellar, 1)

        assert stellar.info(filter={"event_name": "nobody"})["events"] == []
        assert stellar.insert(**SEED_EVENT).changed

    @pytest.mark.parametrize("answer", ["text", "json", "empty", "bom"])
    def test_each_good_answer_to_an_update(self, stellar: Stellar, answer: str):
        add_target(stellar)
        stellar.emulator.configure(update_answer=answer)

        assert [stellar.update(**EVENT, status="Closed", comment="Done.", add_tags=["a"]).changed for _time in range(2)] == [True, False]

    def test_half_a_character_hides_no_event(self, stellar: Stellar):
        add_numbered(stellar, 2)
        stellar.emulator.add_events({"event_name": "half \ud83d", "number": 2, "timestamp": SEED_TIME + 9000})

        result = stellar.info()

        assert numbers(result) == [2, 1, 0]
        assert result["events"][0]["source"]["event_name"] == "half \ufffd"


class TestTokens:
    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (401, ""),
            (401, "Error getting user from bearer token"),
            (400, "invalid"),
            (400, "invalid token"),
            (400, {"error": "invalid_token"}),
            (400, "Token is expired"),
            (403, {"message": "The incoming token has expired"}),
            (403, "<html><body>Your JWT is not valid</body></html>"),
            (403, "Session expired"),
        ],
    )
    @pytest.mark.parametrize("work", ["read", "write"])
    def test_a_token_that_ended_early_is_renewed_once(self, stellar: Stellar, status: int, body: Any, work: str):
        add_target(stellar)
        stellar.emulator.add_fault("status", {"kind": work}, status=status, body=body)

        assert stellar.update(**EVENT, status="Closed").changed
        assert stellar.emulator.state["stellar"]["token_calls"] == 2

    def test_a_token_that_never_works_is_renewed_once(self, stellar: Stellar):
        stellar.emulator.add_fault("status", {"kind": "read"}, status=401, times=None)

        assert "status 401" in stellar.info().msg
        assert stellar.emulator.state["stellar"]["token_calls"] == 2

    def test_tokens_that_end_each_other_end_no_run(self, stellar: Stellar):
        stellar.emulator.configure(single_token=True)
        events = [{**SEED_EVENT, "event_name": f"event {number}"} for number in range(10)]
        for after in (2, 4, 5, 7):
            stellar.emulator.add_fault("expired_token", INSERT, after=after)
            stellar.emulator.add_fault("expired_token", INSERT, after=after)

        result = stellar.insert(events=events, concurrency=1)

        assert [one["changed"] for one in result["events"]] == [True] * 10

    def test_a_scoped_key_sent_as_a_users_says_what_to_set(self, stellar: Stellar):
        stellar.connection["api_key"] = stellar.emulator.emulator.settings.scoped_key

        msg = stellar.info().msg

        assert stellar.emulator.host in msg
        assert "auth_method: scoped_key" in msg

    def test_a_scoped_key_logs_in_as_the_vendors_client_does(self, stellar: Stellar):
        stellar.connection.update(auth_method="scoped_key", api_key=stellar.emulator.emulator.settings.scoped_key, username=None)

        stellar.insert(**SEED_EVENT)

        [login] = stellar.emulator.requests(kind="token")
        assert login["headers"]["Authorization"].startswith("Bearer ")
        assert "Content-Type" not in login["headers"]
        assert login["body_size"] == 0


def test_the_body_of_an_insert_can_name_a_tenant(stellar: Stellar):
    stellar.insert(**SEED_EVENT, tenantid="0a1b2c")

    assert stellar.sources()[0]["tenantid"] == "0a1b2c"


def test_values_of_the_task_count_for_all_its_events(stellar: Stellar):
    shared = {name: value for name, value in SEED_EVENT.items() if name != "event_name"}

    result = stellar.insert(
        **shared, severity=7, events=[{"event_name": "a"}, {"event_name": "b", "severity": 9, "event_status": "Closed"}]
    )

    assert [one["changed"] for one in result["events"]] == [True, True]
    held = [(one["event_name"], one["severity"], one["event_status"]) for one in stellar.sources()]
    assert sorted(held) == [("a", 7, "New"), ("b", 9, "Closed")]


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        ("insert", {"detected_value": {"user": "jsmith"}}, "detected_value: a dictionary was given"),
        ("insert", {"orig_id": [1, 2]}, "orig_id: a list was given"),
        ("insert", {"event_name": {"a": 1}}, "event_name: a dictionary was given"),
        ("insert", {"detected_values": ["a", {"b": 1}]}, "detected_values[1]: a dictionary was given"),
        ("insert", {"events": [{"event_name": ["a"]}]}, "events[0].event_name: a list was given"),
        ("update", {"comment": ["one", "two"]}, "comment: a list was given"),
        ("update", {"comment": {}}, "comment: a dictionary was given"),
        ("update", {"add_tags": ["a", ["b"]]}, "add_tags[1]: a list was given"),
        ("update", {"remove_tags": [{"tag": "b"}]}, "remove_tags[0]: a dictionary was given"),
        ("update", {"id": None, "index": None, "events": [{**EVENT, "comment": {"a": 1}}]}, "events[0].comment: a dictionary was given"),
        ("info", {"query": ["a"]}, "query: a list was given"),
        ("info", {"since": {"a": 1}}, "since: a dictionary was given"),
        ("info", {"sort": ["a", {"b": "asc"}]}, "sort[1]: a dictionary was given"),
    ],
)
def test_structures_are_refused_where_texts_belong(stellar: Stellar, module: str, options: dict[str, Any], message: str):
    base: dict[str, Any] = {"insert": SEED_EVENT, "update": EVENT, "info": {}}[module]
    run = getattr(stellar, module)(**{**base, **options})

    assert message in run.msg
    assert stellar.seen() == []


def test_a_text_that_looks_like_a_list_is_a_text(stellar: Stellar):
    add_target(stellar)

    assert stellar.update(**EVENT, comment="['one', 'two']", add_tags=["{'a': 1}"]).changed
    assert stellar.sources()[0]["comments"][0]["comment"] == "['one', 'two']"


@pytest.mark.parametrize("option", ["filter", "query", "id", "since", "until", "absent"])
def test_null_is_no_condition(run_module: Any, stellar: Stellar, option: str):
    run = run_module(stellar_ser_event_info.main, {**stellar.connection, option: None})

    assert f"{option}: null was given, which would match every event" in run.msg
    assert stellar.seen() == []


def test_events_without_a_field(stellar: Stellar):
    add_numbered(stellar, 2)
    stellar.emulator.add_events({"event_name": "bare", "number": 9, "timestamp": SEED_TIME, "srcip": "10.8.0.1"})

    assert numbers(stellar.info(absent=["srcip"], sort=["number"])) == [0, 1]
    assert numbers(stellar.info(absent=["srcip"], filter={"number": [1, 9]})) == [1]


@pytest.mark.parametrize("span", ["24h", "1d", "1440m", "86400s", " 24 H "])
def test_a_span_before_now(stellar: Stellar, span: str):
    now = int(stellar.clock.time() * 1000)
    stellar.emulator.add_events(
        {"event_name": "a", "number": 1, "timestamp": now - 3600_000}, {"event_name": "b", "number": 2, "timestamp": now - 90_000_000}
    )

    assert numbers(stellar.info(since=span)) == [1]
    assert numbers(stellar.info(until=span)) == [2]


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        ({"filter": {"event_status": "new"}}, "filter.event_status: 'new' is not a status that Stellar Cyber documents"),
        ({"filter": {"event_status": ["New", "Open"]}}, "'Open' is not a status"),
        ({"filter": {"src_ip": "10.8.0.1"}}, "no event under aella-ser-* has the field src_ip"),
        ({"index": "aella-sre-*"}, "there is not a single event under aella-sre-*"),
    ],
)
def test_what_is_probably_misspelt_is_a_warning(stellar: Stellar, options: dict[str, Any], warning: str):
    add_numbered(stellar, 1)

    result = stellar.info(**options)

    assert result["events"] == []
    assert any(warning in text for text in result.warnings)


def test_a_search_that_finds_nothing_for_good_reasons_warns_of_nothing(stellar: Stellar):
    add_numbered(stellar, 1)

    assert stellar.info(filter={"number": 5}).warnings == []


class TestServersThatRewrite:
    @pytest.mark.parametrize(
        ("habits", "comment"),
        [
            (["escape"], 'a <b> & "c" isn\'t'),
            (["escape_twice"], "a <b> & c"),
            (["trim"], "  a b \n"),
            (["collapse"], "a  b\t c\n\nd"),
            (["lf"], "a\r\nb\r\nc"),
            (["crlf"], "a\nb"),
            (["escape", "collapse", "trim"], " <a>  & b "),
        ],
        ids=str,
    )
    def test_common_rewritings_are_known_to_every_host(self, stellar: Stellar, habits: list[str], comment: str):
        add_target(stellar)
        stellar.emulator.configure(comment_rewriting=habits)

        assert stellar.update(**EVENT, comment=comment).changed
        assert not stellar.update(**EVENT, comment=comment).changed
        stellar.move_to_another_host()
        assert not stellar.update(**EVENT, comment=comment).changed
        assert stellar.emulator.state["stellar"]["comments_written"] == 1

    @pytest.mark.parametrize("habit", ["lower", "upper", "ascii", "cut", "cut_short", "strip_tags", "signed", "underscores", "reversed"])
    def test_all_others_are_learned(self, stellar: Stellar, habit: str):
        add_target(stellar)
        stellar.emulator.configure(comment_rewriting=[habit])
        comment = "VPN user <b>Müller</b>, 東京: " + "looked at the session. " * 60

        first = stellar.update(**EVENT, comment=comment)

        assert first.changed
        assert not first.failed
        assert sum("rewrites texts" in warning for warning in first.warnings) == 1
        for _time in range(2):
            again = stellar.update(**EVENT, comment=comment)
            assert not again.changed
        assert stellar.emulator.state["stellar"]["comments_written"] == 1
        assert stellar.update(**EVENT, comment="Another: " + comment).changed, "another comment is another comment"

    @pytest.mark.parametrize("habit", ["escape", "lower", "upper", "trim", "underscores", "cut_short", "ascii", "reversed"])
    def test_tags(self, stellar: Stellar, habit: str):
        add_target(stellar)
        stellar.emulator.configure(tag_rewriting=[habit])
        tag = " VPN user: <Müller> & others of the Tokyo office, second floor "

        assert [stellar.update(**EVENT, add_tags=[tag]).changed for _time in range(2)] == [True, False]
        assert stellar.emulator.state["stellar"]["tags_written"] == 1
        assert [stellar.update(**EVENT, remove_tags=[tag]).changed for _time in range(2)] == [True, False]
        assert stellar.emulator.events()[0]["tags"] == []

    def test_a_tag_that_is_there_in_the_servers_spelling(self, stellar: Stellar):
        stellar.emulator.configure(tag_rewriting=["lower"])
        add_target(stellar)
        stellar.update(**EVENT, add_tags=["vpn"])

        result = stellar.update(**EVENT, add_tags=["VPN"])

        assert not result.failed
        assert not result.changed

    def test_case_is_not_folded_where_nothing_is_rewritten(self, stellar: Stellar):
        add_target(stellar)

        assert stellar.update(**EVENT, add_tags=["VPN"], comment="Seen.").changed
        assert stellar.update(**EVENT, add_tags=["vpn"], comment="seen.").changed
        assert stellar.emulator.events()[0]["tags"] == ["VPN", "vpn"]
        kept = stellar.update(**EVENT, remove_tags=["Vpn"])
        assert not kept.changed
        assert "'VPN'" in kept.warnings[0]

    @pytest.mark.parametrize("habit", ["escape", "lower", "cut"])
    @pytest.mark.parametrize("action", ["reset_after", "late"])
    def test_an_unclear_comment_is_recognised(self, stellar: Stellar, habit: str, action: str):
        add_target(stellar)
        stellar.emulator.configure(comment_rewriting=[habit])
        stellar.emulator.add_fault(action, UPDATE, **({"seconds": 12} if action == "late" else {}))
        comment = "Checked <this> session of User A. " * 40

        assert stellar.update(**EVENT, comment=comment).changed
        assert not stellar.update(**EVENT, comment=comment).changed
        assert stellar.emulator.state["stellar"]["comments_written"] == 1

    @pytest.mark.parametrize("habit", ["escape", "lower", "cut_short", "ascii", "signed", "reversed"])
    def test_an_accepted_comment_that_could_not_be_read_back_is_recognised(self, stellar: Stellar, habit: str):
        add_target(stellar)
        stellar.emulator.configure(comment_rewriting=[habit])
        comment = "VPN user Müller: checked <this> session of User A."
        stellar.emulator.add_fault("reset_before", {"kind": "read"}, after=1, times=None)

        assert stellar.update(**EVENT, comment=comment, retries=0)["outcome_unknown"]
        stellar.emulator.clear_faults()

        assert not stellar.update(**EVENT, comment=comment).changed
        assert stellar.emulator.state["stellar"]["comments_written"] == 1
        assert stellar.update(**EVENT, comment="Closed by the shift of the night.").changed

    def test_a_refused_comment_is_written_later(self, stellar: Stellar):
        add_target(stellar)
        stellar.emulator.add_fault("status", UPDATE, status=400, times=None)
        assert stellar.update(**EVENT, comment="Checked the session of this user.").failed
        stellar.emulator.clear_faults()

        assert stellar.update(**EVENT, comment="Checked the session of this user.").changed

    @pytest.mark.parametrize("habit", ["lower", "upper", "ascii", "cut_short", "underscores", "collapse", "escape"])
    @pytest.mark.parametrize("action", ["", "reset_after"])
    def test_events_whose_names_are_rewritten_are_inserted_once(self, stellar: Stellar, habit: str, action: str):
        add_another(stellar)
        stellar.emulator.configure(event_rewriting=[habit])
        if action:
            stellar.emulator.add_fault(action, INSERT)
        event = {**SEED_EVENT, "event_name": "Scan of <Zürich> & the gateway of  the branch in Bern"}

        assert [stellar.insert(**event).changed for _time in range(2)] == [True, False]
        assert stellar.seen().count("POST insert_ser") == 1

    def test_events_that_differ_in_case_only_are_two(self, stellar: Stellar):
        add_another(stellar)
        stellar.emulator.add_fault("reset_before", {**INSERT, "body_contains": "DEMO"})

        stellar.insert(events=[SEED_EVENT, {**SEED_EVENT, "event_name": "DEMO TEST"}], concurrency=1)

        assert sorted(source["event_name"] for source in stellar.sources()) == ["DEMO TEST", "another", "demo test"]

    def test_a_text_that_was_cut_at_a_usual_length_is_known_to_every_host(self, stellar: Stellar):
        add_target(stellar)
        stellar.emulator.configure(comment_rewriting=["cut"])
        comment = "Looked at the session. " * 60

        assert stellar.update(**EVENT, comment=comment).changed
        stellar.move_to_another_host()
        assert not stellar.update(**EVENT, comment=comment).changed

    def test_without_a_usable_default_ledger_updates_go_on(self, stellar: Stellar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        add_target(stellar)
        (tmp_path / "file").write_text("", encoding="utf-8")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))

        result = stellar.update(**EVENT, comment="Seen.", ledger=None)

        assert result.changed
        assert "is not remembered" in result.warnings[0]
        assert stellar.update(**EVENT, status="Closed", ledger=None).warnings == []
        monkeypatch.setenv("SECOPS_XDR_LEDGER", str(tmp_path / "file" / "ledger.sqlite3"))
        assert stellar.update(**EVENT, comment="Another.", ledger=None).failed

    def test_inserted_texts(self, stellar: Stellar):
        """A server that rewrites the fields of events as well still has them once."""
        stellar.insert(**{**SEED_EVENT, "event_name": "a & b"})
        [event] = stellar.emulator.events()
        source = json.loads(json.dumps(event["_source"]).replace("a & b", "a &amp; b"))
        stellar.emulator.reset()
        stellar.emulator.add_events({"_index": event["_index"], "_id": event["_id"], "_source": source})
        stellar.move_to_another_host()

        assert not stellar.insert(**{**SEED_EVENT, "event_name": "a & b"}).changed
