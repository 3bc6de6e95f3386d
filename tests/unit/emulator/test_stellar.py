# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stellar Cyber's half: tokens, inserts, updates and reads, each line of the contract and each switch."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from emulator import RunningEmulator

MISSING = "Missing fields to be updated for the event"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


# -- who may call --------------------------------------------------------------------------------------------------


def test_a_token_lives_ten_minutes(api: Any, emu: RunningEmulator) -> None:
    answer = api.token()

    assert answer.status_code == 200
    assert answer.json()["access_token"].count(".") == 2
    assert abs(answer.json()["exp"] - time.time() - 600) < 5
    emu.configure(exp_in_answer=False)
    assert set(api.token().json()) == {"access_token"}


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"auth": ("analyst@example.com", "wrong")}, 401),
        ({"auth": ("Analyst@example.com", "emulator-stellar-api-key")}, 401),
        ({"auth": None}, 401),
        ({"headers": {"Content-Type": "application/json"}}, 400),
        ({"data": {"grant_type": "client_credentials"}}, 400),
    ],
)
def test_other_token_calls_are_refused(api: Any, options: dict[str, Any], status: int) -> None:
    assert api.token(**options).status_code == status


@pytest.mark.parametrize("key", ["user", "scoped"])
def test_the_form_type_of_a_token_call_is_not_required(api: Any, emu: RunningEmulator, key: str) -> None:
    """A vendor's client sends a scoped key as Bearer, without content type and body."""
    settings = emu.emulator.settings
    options: dict[str, Any] = {"auth": (settings.username, settings.stellar_api_key), "headers": {}}
    if key == "scoped":
        options = {"auth": None, "headers": {"Authorization": f"Bearer {settings.scoped_key}"}}

    assert api.token(**options).json()["access_token"]


@pytest.mark.parametrize(("answer", "parsed"), [("json", True), ("empty", False)])
def test_updates_can_be_answered_as_a_vendors_client_reads_them(api: Any, emu: RunningEmulator, answer: str, parsed: bool) -> None:
    """It parses JSON, and takes nothing for success; its headers say JSON on reads without a body too."""
    emu.configure(update_answer=answer, scoped_key_can_read=True)
    emu.add_events({"_index": "aella-ser-1-", "_id": "a1", "_source": {"event_name": "x", "event_status": "New", "timestamp": 1}})
    login = api.token(auth=None, headers={"Authorization": f"Bearer {emu.emulator.settings.scoped_key}"}).json()["access_token"]
    headers = {"Authorization": f"Bearer {login}", "Content-Type": "application/json", "Accept": "application/json;charset=utf-8"}

    done = api.send("POST", "/connect/api/v1/security_events/aella-ser-1-/a1", headers=headers, json={"status": "Closed", "comments": "c"})
    found = api.send("GET", "/connect/api/data/aella-ser-1-/_search?q=_id:a1", headers=headers)

    assert done.status_code == 200
    assert bool(done.text) is parsed
    assert not parsed or done.json()["_id"] == "a1"
    assert found.json()["hits"]["total"]["value"] == 1


def test_a_scoped_key_writes_and_cannot_read(api: Any, emu: RunningEmulator, event: Any) -> None:
    bearer = {**FORM, "Authorization": "Bearer emulator-stellar-scoped-key"}
    scoped = {"Authorization": f"Bearer {api.token(auth=None, headers=bearer).json()['access_token']}"}
    answer = api.stellar("POST", "v1/insert_ser", json=event(), headers=scoped)

    assert answer.status_code == 200
    path = f"data/{answer.json()['index']}/amsg/{answer.json()['_id']}"
    assert api.stellar("GET", path, headers=scoped).status_code == 403
    assert api.search("*", headers=scoped).status_code == 403
    emu.configure(scoped_key_can_read=True)
    assert api.stellar("GET", path, headers=scoped).status_code == 200


def test_basic_on_the_calls_is_a_switch(api: Any, emu: RunningEmulator, event: Any) -> None:
    def insert() -> int:
        auth = ("analyst@example.com", "emulator-stellar-api-key")
        return int(api.send("POST", "/connect/api/v1/insert_ser", json=event(), auth=auth).status_code)

    assert insert() == 200
    emu.configure(basic_on_calls=False)
    assert insert() == 401
    assert api.token().status_code == 200


def test_an_expired_or_unknown_token_is_401(api: Any, emu: RunningEmulator) -> None:
    assert api.search("*").status_code == 200
    emu.expire_tokens()
    assert api.search("*").status_code == 401
    assert api.search("*", headers={"Authorization": "Bearer nonsense"}).status_code == 401
    assert api.search("*", headers={"Authorization": None}).status_code == 401


def test_a_short_jwt_life_ends_by_itself(api: Any, emu: RunningEmulator) -> None:
    emu.configure(jwt_life=0.0)

    assert api.search("*").status_code == 401


def test_missing_rights_are_403(api: Any, emu: RunningEmulator) -> None:
    emu.configure(right_to_write=False, right_to_read=False)

    assert api.insert().status_code == 403
    assert api.search("*").status_code == 403
    assert api.search("*").json()["error"]["reason"]
    emu.configure(error_form="text")
    assert api.search("*").headers["Content-Type"].startswith("text/plain")


def test_a_login_page_comes_before_reads_or_everything(api: Any, emu: RunningEmulator) -> None:
    where = api.inserted()
    emu.configure(login_page="reads")
    page = api.stellar("GET", f"data/{where[0]}/amsg/{where[1]}")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert api.insert().json()["_id"]
    emu.configure(login_page="all")
    assert "<html>" in api.insert().text
    assert "<html>" in api.token().text


# -- insert --------------------------------------------------------------------------------------------------------


def test_an_insert_reads_back_as_in_the_vendors_example(api: Any) -> None:
    answer = api.insert(detected_field="my field test", tryout="test", comments="Test Comment")
    where = (answer.json()["index"], answer.json()["_id"])

    assert re.fullmatch(r"aella-ser-\d{4}\.\d\d\.\d\d-", where[0])
    read = api.stellar("GET", f"data/{where[0]}/amsg/{where[1]}").json()
    assert re.fullmatch(r"aella-ser-\d{13}-", read["_index"])
    source = read.pop("_source")
    assert (read["_type"], read["_version"], read["_primary_term"], read["found"]) == ("amsg", 1, 1, True)
    assert abs(source.pop("write_time") - time.time() * 1000) < 5000
    assert source == {
        "custom_ser_field": {"comments": "Test Comment", "tryout": "test"},
        "detected_field": "my field test",
        "event_name": "demo test",
        "event_source": "ActZero",
        "event_status": "New",
        "msg_origin": {"source": "API"},
        "tenantid": "",
        "timestamp": 1_619_583_462_308,
        "write_by": "API",
    }


def test_alias_and_real_index_both_read_and_update(api: Any, emu: RunningEmulator) -> None:
    alias, identifier = api.inserted()
    real = emu.events()[0]["_index"]

    assert real != alias
    assert api.read((real, identifier))["event_name"] == "demo test"
    assert api.update((real, identifier), status="Closed").text == "OK 200"
    assert api.read((alias, identifier))["event_status"] == "Closed"


def test_saas_names_its_indices_otherwise(api: Any, emu: RunningEmulator) -> None:
    emu.configure(index_style="saas", org_id="acme")
    alias, _identifier = api.inserted()

    assert alias.startswith("stellar-index-v1-ser-acme-")
    assert api.names("*", index="stellar-index-v1-ser-acme-*") == ["demo test"]
    assert api.names("*", index="aella-ser-*") == []


def test_a_second_identical_insert_is_kept_and_counted(api: Any, emu: RunningEmulator) -> None:
    api.inserted()
    api.inserted()
    api.inserted(event_name="another")

    assert len(emu.events()) == 3
    assert emu.state["stellar"]["duplicate_inserts"] == 1


@pytest.mark.parametrize("name", ["event_name", "timestamp", "event_status", "event_source"])
def test_a_missing_field_is_reported_in_the_vendors_words(api: Any, event: Any, name: str) -> None:
    body = event()
    del body[name]
    answer = api.stellar("POST", "v1/insert_ser", json=body)

    assert (answer.status_code, answer.text) == (400, MISSING)


@pytest.mark.parametrize("status", ["closed", "NEW", "Open", 1])
def test_a_wrong_status_is_reported_in_the_vendors_words(api: Any, status: Any) -> None:
    where = api.inserted()
    words = f"Invalid event status value: {status}"

    assert api.insert(event_status=status).text == words
    assert api.update(where, status=status).text == words
    path = f"v1/security_events/{where[0]}/{where[1]}"
    assert api.stellar("POST", path, json={"status": status}).text == words


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timestamp", 1_619_583_462_308.5),
        ("timestamp", "1619583462308"),
        ("timestamp", 1_619_583_462),
        ("timestamp", True),
        ("event_score", 101),
        ("event_score", -1),
        ("event_score", 50.5),
        ("severity", "high"),
        ("fidelity", 100.1),
        ("lateral", 0),
        ("detected_fields", "one"),
        ("event_category", "other"),
        ("detector_index", 1.5),
        ("custom_ser_field", "text"),
        ("stellar.alert_time", 12.5),
    ],
)
def test_fields_have_types_and_ranges(api: Any, emu: RunningEmulator, name: str, value: Any) -> None:
    emu.configure(integer_timestamps=True)
    answer = api.insert(**{name: value})

    assert answer.status_code == 400
    assert name in answer.text
    emu.configure(strict_fields=False, integer_timestamps=False)
    assert api.insert(**{name: value}).status_code == 200


def test_zero_and_false_are_values(api: Any) -> None:
    source = api.read(api.inserted(event_score=0, lateral=False, actual=0.0, detected_values=[]))

    assert (source["event_score"], source["lateral"], source["actual"], source["detected_values"]) == (0, False, 0.0, [])


def test_custom_fields_join_those_given(api: Any) -> None:
    source = api.read(api.inserted(custom_ser_field={"a": 1}, b=2))

    assert source["custom_ser_field"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(("form", "body"), [("json", None), ("text", "OK 200")])
def test_the_answer_to_an_insert_is_a_switch(api: Any, emu: RunningEmulator, form: str, body: str | None) -> None:
    emu.configure(insert_answer=form)
    answer = api.insert()

    assert answer.text == body if body else set(answer.json()) == {"index", "_id"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"'])
def test_bodies_that_are_no_object_are_refused(api: Any, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}

    assert api.stellar("POST", "v1/insert_ser", data=body, headers=headers).status_code == 400
    assert api.stellar("POST", "update_ser", data=body, headers=headers).status_code == 400


@pytest.mark.parametrize(("settings", "status"), [({"validation_status": 422}, 422), ({"ok_with_error_text": True}, 200)])
def test_the_code_of_a_refusal_is_a_switch(api: Any, emu: RunningEmulator, settings: dict[str, Any], status: int) -> None:
    emu.configure(**settings)
    answer = api.insert(event_status="closed")

    assert (answer.status_code, answer.text) == (status, "Invalid event status value: closed")
    assert emu.events() == []


# -- update --------------------------------------------------------------------------------------------------------


def test_one_call_updates_status_comment_and_tag(api: Any) -> None:
    where = api.inserted()
    answer = api.update(where, status="Closed", comments="done", event_tag={"op": "add", "tag": "DevOps"})

    assert (answer.status_code, answer.text) == (200, "OK 200")
    source = api.read(where)
    assert (source["event_status"], source["event_tags"]) == ("Closed", ["DevOps"])
    assert [one["comment"] for one in source["comments"]] == ["done"]
    assert set(source["comments"][0]) == {"comment_time", "comment_user", "comment"}
    assert [one["action"] for one in source["user_action"]["history"]][:2] == [
        "Status changed to Closed",
        "A comment was added by analyst@example.com",
    ]
    assert source["user_action"]["last_user"] == "analyst@example.com"


def test_repeated_writes_are_recorded_again(api: Any) -> None:
    where = api.inserted()
    for _write in range(3):
        api.update(where, comments="Add Second comments")
    for _write in range(2):
        api.update(where, status="Closed")

    source = api.read(where)
    assert [one["comment"] for one in source["comments"]] == ["Add Second comments"] * 3
    actions = [one["action"] for one in source["user_action"]["history"]]
    assert actions == ["A comment was added by analyst@example.com"] * 3 + ["Status changed to Closed"] * 2


def test_security_events_updates_too(api: Any) -> None:
    index, identifier = where = api.inserted()

    def post(**body: Any) -> str:
        return str(api.stellar("POST", f"v1/security_events/{index}/{identifier}", json=body).text)

    assert post(status="In Progress", comments="looking") == "OK 200"
    assert post(event_tags=[{"op": "add", "tag": "x"}, {"op": "add", "tag": "y"}]) == "OK 200"
    assert post(event_tags=[{"op": "delete", "tag": "x"}]) == "OK 200"
    assert post() == MISSING
    assert post(event_tags=[]) == MISSING
    source = api.read(where)
    assert (source["event_status"], source["event_tags"]) == ("In Progress", ["y"])


def test_security_events_takes_tags_alone_unless_asked(api: Any, emu: RunningEmulator) -> None:
    index, identifier = api.inserted()
    body = {"status": "Closed", "event_tags": [{"op": "add", "tag": "x"}]}
    path = f"v1/security_events/{index}/{identifier}"

    assert api.stellar("POST", path, json=body).status_code == 400
    emu.configure(security_events_combined=True)
    assert api.stellar("POST", path, json=body).text == "OK 200"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": "Closed", "index": ""},
        {"status": "Closed", "_id": None},
        {"comments": ""},
        {"comments": ["x"]},
        {"event_tag": {"op": "remove", "tag": "x"}},
        {"event_tag": {"op": "add", "tag": ""}},
        {"event_tag": {"op": "add", "tag": 5}},
        {"event_tag": {"op": "add"}},
        {"event_tag": {"op": "add", "tag": "x", "more": 1}},
        {"event_tag": "x"},
        {"event_tags": [{"op": "add", "tag": "x"}]},
        {"status": "Closed", "severity": 5},
    ],
)
def test_updates_that_are_wrong_are_refused(api: Any, emu: RunningEmulator, body: dict[str, Any]) -> None:
    where = api.inserted()

    assert api.update(where, **body).status_code == 400
    assert emu.events()[0]["_version"] == 1


def test_unknown_keys_can_be_ignored_instead(api: Any, emu: RunningEmulator) -> None:
    where = api.inserted()
    emu.configure(unknown_keys="ignore")

    assert api.update(where, event_tags=[{"op": "add", "tag": "x"}]).text == MISSING
    assert api.update(where, status="Closed", severity=5).text == "OK 200"


def test_update_ser_takes_several_tags_when_asked(api: Any, emu: RunningEmulator) -> None:
    where = api.inserted()
    emu.configure(update_ser_multi_tags=True)
    api.update(where, event_tags=[{"op": "add", "tag": "x"}, {"op": "add", "tag": "y"}])

    assert emu.events()[0]["tags"] == ["x", "y"]


@pytest.mark.parametrize("name", ["event_tags", "event_tag", "tags", "labels"])
@pytest.mark.parametrize(("form", "held"), [("strings", ["x"]), ("objects", [{"tag": "x"}])])
def test_tags_have_the_field_and_the_form_of_the_switches(api: Any, emu: RunningEmulator, name: str, form: str, held: list[Any]) -> None:
    emu.configure(tag_field=name, tag_form=form)
    where = api.inserted()
    for operation, tag in (("add", "x"), ("add", "x"), ("add", "y"), ("delete", "y"), ("delete", "none")):
        assert api.update(where, event_tag={"op": operation, "tag": tag}).text == "OK 200"

    assert api.read(where)[name] == held


def test_writes_can_be_accepted_and_dropped(api: Any, emu: RunningEmulator) -> None:
    where = api.inserted()
    emu.configure(tag_op_noop=True)
    assert api.update(where, status="Closed", event_tag={"op": "add", "tag": "x"}).text == "OK 200"
    assert (emu.events()[0]["_source"]["event_status"], emu.events()[0]["tags"]) == ("Closed", [])
    emu.configure(ignore_writes=True)
    assert api.update(where, status="New").text == "OK 200"
    assert emu.events()[0]["_source"]["event_status"] == "Closed"
    assert api.insert().json()["_id"]
    assert len(emu.events()) == 1


@pytest.mark.parametrize(("form", "kind"), [("html", "text/html"), ("json", "application/json"), ("empty", None)])
def test_either_update_path_can_be_missing(api: Any, emu: RunningEmulator, form: str, kind: str | None) -> None:
    index, identifier = where = api.inserted()
    emu.configure(update_ser_available=False, missing_path_form=form)
    answer = api.update(where, status="Closed")
    assert answer.status_code == 404
    assert (answer.headers.get("Content-Type") or "").startswith(kind or "")
    emu.configure(update_ser_available=True, security_events_available=False, missing_path_status=405)
    path = f"v1/security_events/{index}/{identifier}"
    assert api.stellar("POST", path, json={"status": "Closed"}).status_code == 405
    assert api.update(where, status="Closed").text == "OK 200"


def test_updating_an_unknown_event_is_reported(api: Any, emu: RunningEmulator) -> None:
    index, _identifier = api.inserted()

    assert api.update((index, "unknown"), status="Closed").status_code == 404
    assert api.update(("aella-ser-1-", emu.events()[0]["_id"]), status="Closed").status_code == 404
    emu.configure(unknown_event_status=400)
    assert "document missing" in api.update((index, "unknown"), status="Closed").text


# -- read ----------------------------------------------------------------------------------------------------------


def test_reading_an_unknown_event_is_404(api: Any) -> None:
    answer = api.stellar("GET", "data/aella-ser-1-/amsg/unknown")

    assert (answer.status_code, answer.json()["found"]) == (404, False)


def test_get_by_id_can_be_missing(api: Any, emu: RunningEmulator) -> None:
    index, identifier = api.inserted()
    emu.configure(amsg_available=False)

    assert api.stellar("GET", f"data/{index}/amsg/{identifier}").status_code == 404
    assert api.names(f'_id:"{identifier}"', index=index) == ["demo test"]


@pytest.mark.parametrize("identifier", ["a/b", "a?b#c", "../x", "a b", "%2f", "é"])
def test_ids_arrive_as_they_were_quoted(api: Any, emu: RunningEmulator, identifier: str) -> None:
    emu.add_events({"_id": identifier, "_index": "aella-ser-1-", "_source": {"event_name": "odd"}})

    assert api.stellar("GET", f"data/aella-ser-1-/amsg/{quote(identifier, safe='')}").json()["_id"] == identifier


def test_seeded_events_keep_their_fields(api: Any, emu: RunningEmulator, event: Any) -> None:
    emu.configure(refresh_delay=60)
    places = emu.add_events(event(srcip="10.8.0.2"), {"_id": "mine", "_source": event(event_name="second")})

    assert [one["id"] for one in places][1] == "mine"
    assert api.read((places[0]["index"], places[0]["id"]))["srcip"] == "10.8.0.2"
    assert api.names("srcip:10.8.0.2") == ["demo test"]


def test_unknown_paths_and_methods_are_distinguished(api: Any) -> None:
    assert api.stellar("GET", "nothing").status_code == 404
    assert api.stellar("GET", "v1/insert_ser").status_code == 405


def test_the_time_of_writing_can_be_wrong_or_missing(api: Any, emu: RunningEmulator) -> None:
    now = time.time() * 1000
    emu.configure(clock_ahead=300)
    assert api.read(api.inserted())["write_time"] >= now + 290_000
    emu.configure(clock_ahead=0, clock_behind=300)
    assert api.read(api.inserted())["write_time"] < now - 200_000
    emu.configure(write_time_added=False)
    assert "write_time" not in api.read(api.inserted())
