# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All three Stellar Cyber modules: bad input, credentials, rights, and servers of another kind. Each message says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from support.stellar import SEED_EVENT, Stellar

EVENT = {"index": "aella-ser-1610496070892-", "id": "7PW5SXcBlxPU3jFcFJ_s"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"event_status": "closed"}, "value of event_status must be one of: New, In Progress, Ignored, Closed, got: closed"),
        ({"event_category": "UBA"}, "value of event_category must be one of: killchain, network, uba"),
        ({"event_name": None}, "one of the following is required: events, event_name"),
        ({"event_source": None}, "one of the following is required: events, event_source"),
        ({"event_status": None}, "one of the following is required: events, event_status"),
        ({"timestamp": None}, "one of the following is required: events, timestamp"),
        ({"event_name": " "}, "event_name: the text is empty"),
        ({"event_source": ""}, "event_source: the text is empty"),
        ({"event_name": ["a"]}, "event_name: a list was given where a single text belongs"),
        ({"event_score": 101}, "event_score: 101 is out of range; give a number from 0 to 100."),
        ({"severity": -1}, "severity: -1 is out of range"),
        ({"threat_score": 1000}, "threat_score: 1000 is out of range"),
        ({"fidelity": 100.5}, "fidelity: 100.5 is out of range"),
        ({"fidelity": "nan"}, "fidelity: nan is not a number that can be sent"),
        ({"actual": "inf"}, "actual: inf is not a number that can be sent"),
        ({"event_score": "high"}, "event_score"),
        ({"event_score": 1.5}, "event_score"),
        ({"lateral": "perhaps"}, "lateral"),
        ({"detected_fields": {"a": 1}}, "detected_fields"),
        ({"detector_index": 2**63}, "detector_index: 9223372036854775808 is out of range"),
        ({"timestamp": "yesterday"}, "timestamp: time 'yesterday' is not ISO 8601"),
        ({"timestamp": 1619583462}, "timestamp: '1619583462' looks like epoch seconds; give milliseconds (1619583462000)"),
        ({"timestamp": 17}, "timestamp: '17' is not a time between 1980 and 2099"),
        ({"stellar_alert_time": "2021-02-30T00:00:00Z"}, "stellar_alert_time: time '2021-02-30T00:00:00Z'"),
        ({"custom_fields": {"severity": 5}}, "custom_fields: severity is a field of the index; give it by the option severity"),
        ({"custom_fields": {"stellar.alert_time": 5}}, "give it by the option stellar_alert_time"),
        ({"custom_fields": {"": 5}}, "custom_fields: '' is not the name of a field"),
        ({"unique_by": []}, "unique_by: the list is empty"),
        ({"unique_by": ["orig_id"]}, "orig_id: unique_by names this field, but the event does not have it"),
        ({"unique_by": ["detected_fields"], "detected_fields": ["a"]}, "only single values can be searched"),
        ({"unique_by": ["tryout"], "custom_fields": {"tryout": "x" * 300}}, "can be searched for"),
        ({"concurrency": 0}, "concurrency: 0 is out of range"),
        ({"search_index": "a b"}, "search_index: 'a b' is not an index name"),
        ({"ledger": "mysql://x"}, "ledger: only a file or a postgresql:// URL"),
    ],
)
def test_a_bad_event_is_reported_before_anything_is_sent(stellar: Stellar, options: dict[str, Any], message: str):
    assert message in stellar.insert(**{**SEED_EVENT, **options}).msg
    assert stellar.seen() == []


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"event_score": 101}, "events[1].event_score: 101 is out of range"),
        ({"event_status": "closed"}, "event_status"),
        ({"event_status": None}, "event_status"),
        ({"timestamp": "now"}, "events[1].timestamp: time 'now'"),
    ],
)
def test_a_bad_event_of_many_is_reported_with_its_place_and_none_is_sent(stellar: Stellar, event: dict[str, Any], message: str):
    assert message in stellar.insert(events=[SEED_EVENT, {**SEED_EVENT, **event}]).msg
    assert stellar.seen() == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"status": "closed"}, "value of status must be one of: New, In Progress, Ignored, Closed, got: closed"),
        ({}, "status: there is nothing to change"),
        ({"comment": " "}, "comment: the text is empty"),
        ({"add_tags": [""]}, "add_tags[0]: the tag is empty"),
        ({"remove_tags": ["a", " "]}, "remove_tags[1]: the tag is empty"),
        ({"add_tags": ["a", "b"], "remove_tags": ["b"]}, "add_tags: the tag b is in `add_tags` and in `remove_tags`"),
        ({"status": "New", "id": ""}, "id: the value is empty"),
        ({"status": "New", "id": ".."}, "id: '..' cannot be an id"),
        ({"status": "New", "id": "a\nb"}, "id: 'a\\nb' cannot be an id"),
        ({"status": "New", "id": None}, "parameters are required together: index, id"),
        ({"status": "New", "index": None, "id": None}, "one of the following is required: events, id"),
        ({"status": "New", "index": None}, "parameters are required together: index, id"),
        ({"status": "New", "index": "aella-ser-*"}, "index: 'aella-ser-*' names several indices"),
        ({"status": "New", "index": "a/b"}, "index: 'a/b' is not an index name"),
        ({"status": "New", "events": [EVENT]}, "mutually exclusive"),
    ],
)
def test_a_bad_update_is_reported_before_anything_is_sent(stellar: Stellar, options: dict[str, Any], message: str):
    assert message in stellar.update(**{**EVENT, **options}).msg
    assert stellar.seen() == []


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"add_tags": ["x"], "remove_tags": ["x"]}, "events[1].add_tags: the tag x"),
        ({}, "events[1]: there is nothing to change"),
    ],
)
def test_a_bad_update_of_many_is_reported_with_its_place(stellar: Stellar, entry: dict[str, Any], message: str):
    assert message in stellar.update(events=[{**EVENT, "status": "Closed"}, {**EVENT, **entry}]).msg
    assert stellar.seen() == []


@pytest.mark.parametrize("identifier", ["a/b", "a?b", "../x", "a#b", "a%2Fb", "ü", "a b"])
def test_an_id_stays_one_part_of_the_path(stellar: Stellar, identifier: str):
    result = stellar.update(index=EVENT["index"], id=identifier, status="Closed")

    assert f"there is no event {identifier} in the index {EVENT['index']}" in result.msg
    assert stellar.emulator.requests(kind="read")[0]["route"] == "/connect/api/data/{index}/amsg/{id}"
    stellar.emulator.add_events({"_index": EVENT["index"], "_id": identifier, "_source": {"event_status": "New"}})
    for endpoint in ("update_ser", "security_events"):
        assert stellar.update(index=EVENT["index"], id=identifier, add_tags=[endpoint], endpoint=endpoint).changed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"api_key": None}, "api_key: no credentials were given. Set username and api_key"),
        ({"username": None}, "username: auth_method jwt needs the user"),
        ({"username": None, "auth_method": "basic"}, "username: auth_method basic needs the user"),
        ({"api_key": "a\nb"}, "api_key: the value contains a line break"),
        ({"access_token": "another-secret"}, "mutually exclusive"),
        ({"host": None}, "host"),
        ({"host": "http://stellar.example.com"}, "host: an http:// URL sends the credentials unprotected"),
    ],
)
def test_missing_credentials_are_reported(stellar: Stellar, options: dict[str, Any], message: str):
    stellar.connection.update(options)

    assert message in stellar.info().msg


def test_a_wrong_password_is_reported(stellar: Stellar):
    stellar.connection["api_key"] = "wrong-key"
    assert "Check username (its case matters), api_key" in stellar.info().msg
    stellar.connection.update(username="Analyst@example.com", api_key=stellar.emulator.emulator.settings.stellar_api_key)
    assert "POST /connect/api/v1/access_token was refused with status 401" in stellar.info().msg


def test_basic_where_it_is_no_longer_taken(stellar: Stellar):
    stellar.emulator.configure(basic_on_calls=False)

    assert "set auth_method to jwt" in stellar.info(auth_method="basic").msg


def test_a_key_that_is_no_scoped_one(stellar: Stellar):
    assert "scoped keys exist from version 5.5 on" in stellar.info(auth_method="scoped_key").msg


def test_a_token_that_the_caller_holds(stellar: Stellar):
    stellar.connection.update(api_key=None, username=None, access_token=stellar.emulator.emulator.stellar.tokens.give_jwt(600, "account"))
    assert stellar.insert(**SEED_EVENT).changed
    assert stellar.emulator.requests(kind="token") == []
    stellar.emulator.expire_tokens()

    assert "The token may have ended" in stellar.info().msg


def test_credentials_come_from_the_environment(stellar: Stellar, monkeypatch: pytest.MonkeyPatch):
    for name, value in stellar.emulator.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STELLAR_ACCESS_TOKEN", "not used beside a key")
    stellar.connection.clear()

    assert stellar.info()["total"] == 0
    monkeypatch.setenv("STELLAR_USERNAME", "")
    monkeypatch.setenv("STELLAR_API_KEY", stellar.emulator.emulator.settings.scoped_key)
    monkeypatch.setenv("STELLAR_AUTH_METHOD", "scoped_key")
    assert "may not read" in stellar.info().msg


@pytest.mark.parametrize("exp_in_answer", [True, False])
def test_a_token_that_ends_is_renewed_early_and_once_for_all(stellar: Stellar, exp_in_answer: bool):
    stellar.emulator.configure(exp_in_answer=exp_in_answer)
    events = [{**SEED_EVENT, "event_name": f"event {number}"} for number in range(20)]
    stellar.emulator.add_fault("expired_token", {"path": "/connect/api/v1/insert_ser"}, after=5)

    result = stellar.insert(events=events, concurrency=4)

    assert result.changed
    assert len(stellar.sources()) == 20
    assert stellar.emulator.state["stellar"]["token_calls"] == 2


def test_a_server_that_is_something_else(stellar: Stellar):
    stellar.emulator.configure(play="extrahop")
    assert "`host` may be another product" in stellar.info().msg
    stellar.emulator.configure(play="both", login_page="all")
    assert "an HTML page, perhaps a login page of a proxy" in stellar.info().msg
    stellar.emulator.configure(login_page="off")
    stellar.emulator.add_fault("status", {"kind": "token"}, status=200, body={"session": "other-secret"})
    result = stellar.info()
    assert "was answered without an access_token" in result.msg
    assert "other-secret" not in result.printed


def test_a_login_page_before_reads_stops_an_insert(stellar: Stellar):
    stellar.emulator.configure(login_page="reads")

    assert "login page" in stellar.insert(**SEED_EVENT).msg
    assert stellar.bodies() == []


@pytest.mark.parametrize("status", [200, 400, 500])
def test_no_credential_is_shown_when_a_server_echoes_it(stellar: Stellar, status: int):
    stellar.emulator.add_fault("echo_authorization", times=None, status=status)
    for method in ("jwt", "basic"):
        result = stellar.info(auth_method=method, retries=0)
        assert result.failed
        assert "YW5hbHlzdE" not in result.printed
    stellar.emulator.clear_faults()
    stellar.emulator.add_fault("echo_authorization", {"kind": "read"}, times=None, status=status)
    result = stellar.info(retries=0)
    assert result.failed
    assert "eyJ" not in result.printed
