# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that no server of these products gives, found by fuzzing or by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.stellar import Stellar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulator import RunningEmulator
    from support.module_runs import ModuleRun

    Upload = Callable[..., ModuleRun]

TOKENS = ["", "a\r\nX-Injected: 1", "a\x00b", "\ud800", "ключ", "a b", None, 5, ["a"], {"a": "b"}, True]
LIVES = [10**400, -(10**400), float("inf"), float("nan"), True, "soon", [], {}]
HIT = {"_index": "aella-ser-1", "_source": {"event_name": "a"}}


@pytest.fixture
def stellar(emulator: RunningEmulator, run_module: Callable[..., ModuleRun], tmp_path: Path) -> Stellar:
    return Stellar(emulator, run_module, tmp_path)


@pytest.fixture
def tenant(emulator: RunningEmulator) -> dict[str, Any]:
    """The options that reach the emulator as RevealX 360."""
    settings = emulator.emulator.settings
    return {"api_key": None, "client_id": settings.client_id, "client_secret": settings.client_secret}


def answer_with(emulator: RunningEmulator, path: str, value: Any, *, status: int = 200, times: int | None = None) -> None:
    """Lets it answer requests to paths that begin so; as text, since Python's JSON also has what JSON has not."""
    emulator.add_fault("status", {"path": path}, status=status, times=times, body=json.dumps(value))


@pytest.mark.parametrize("token", TOKENS)
def test_tokens_that_no_header_can_hold(stellar: Stellar, upload: Upload, tenant: dict[str, Any], log: str, token: Any):
    answer_with(stellar.emulator, "/connect/api/v1/access_token", {"access_token": token})
    assert "was answered without an access_token" in stellar.info().msg

    answer_with(stellar.emulator, "/oauth2/token", {"access_token": token})
    assert "was answered without an access_token" in upload(path=log, **tenant).msg
    assert {one["path"] for one in stellar.emulator.requests()} == {"/connect/api/v1/access_token", "/oauth2/token"}


@pytest.mark.parametrize("life", LIVES)
def test_lifetimes_of_tokens(stellar: Stellar, upload: Upload, tenant: dict[str, Any], log: str, life: Any):
    """Impossible values are ignored; the token itself is refused, because it is made up."""
    answer = {"access_token": "token", "exp": life, "expires_in": life}
    answer_with(stellar.emulator, "/connect/api/v1/access_token", answer)
    assert stellar.info()["status"] == 401
    answer_with(stellar.emulator, "/oauth2/token", answer)
    assert upload(path=log, **tenant)["status"] == 401


@pytest.mark.parametrize("value", [["10.8.0.2"], {"a": 1}, 5, None, "\ud800", float("nan")])
def test_devices_of_any_form(upload: Upload, emulator: RunningEmulator, log: str, value: Any):
    device = {"id": value, "ipaddr4": value, "ipaddr6": value}
    answer_with(emulator, "/api/v1/devices/search", [device])
    run = upload(path=log, check_devices=True)
    assert not run.failed
    assert len(run["unobserved"]) == len({one["ipaddr"] for one in emulator.observations()})


def test_a_search_for_devices_that_never_ends(upload: Upload, emulator: RunningEmulator, log: str, monkeypatch: pytest.MonkeyPatch):
    """Each page has one more device, of an address that nobody asked for."""
    monkeypatch.setattr("ansible_collections.secops.xdr.plugins.module_utils._extrahop.device_search.MOST_DEVICES", 20)
    for number in range(40):
        device = {"id": number, "ipaddr4": "10.99.0.1"}
        answer_with(emulator, "/api/v1/devices/search", [device], times=1)
    assert "no more than 20 devices with 7 addresses were expected" in upload(path=log, check_devices=True).msg


def test_a_scroll_that_does_not_move_on(stellar: Stellar):
    """The server answers every request with its first page, and does not say how many there are."""
    hits = {"total": {"value": 10_000, "relation": "gte"}, "hits": [{**HIT, "_id": str(number)} for number in range(10)]}
    page = {"_scroll_id": "s", "hits": hits}
    answer_with(stellar.emulator, "/connect/api/data/", page)
    run = stellar.info(size=10, limit=1000)
    assert "The search gave the same 10 events again and again" in run.msg
    assert len(stellar.emulator.requests()) < 500


@pytest.mark.parametrize("total", [True, -5, "7", 1e999, [], {"value": True}, {"value": "7"}, {"relation": []}])
def test_totals_of_any_form(stellar: Stellar, total: Any):
    page = {"hits": {"total": total, "hits": [{**HIT, "_id": "1"}]}}
    answer_with(stellar.emulator, "/connect/api/data/", page)
    run = stellar.info()
    assert not run.failed
    assert run["total"] == 1
    assert not isinstance(run["total"], bool)


CASE_ID = "64f1a2b3c4d5e6f708192a3b"


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "cases",
        {},
        {"cases": 5, "total": 1},
        {"cases": [5], "total": 1},
        {"cases": [{"_id": 5}], "total": 1},
        {"cases": [{"name": "x"}], "total": 1},
        {"cases": None, "total": 3},
    ],
)
def test_lists_of_cases_of_any_form(stellar: Stellar, data: Any):
    answer_with(stellar.emulator, "/connect/api/v1/cases", {"data": data})
    assert "a body that this API does not give" in stellar.cases().msg


@pytest.mark.parametrize("value", [None, 5, True, [], {}, [5, None, {"tag": "x"}], "\ud800", float("nan")])
def test_fields_of_a_case_of_any_form(stellar: Stellar, value: Any):
    """A case is read and compared whatever its fields are, and what was not carried out is an error."""
    names = ("ticket_id", "status", "severity", "assignee", "assignee_name", "tags", "resolution", "created_at", "score")
    case = {"_id": CASE_ID, **dict.fromkeys(names, value)}
    answer_with(stellar.emulator, f"/connect/api/v1/cases/{CASE_ID}", {"data": case})
    answer_with(stellar.emulator, "/connect/api/v1/cases", {"data": {"cases": [case], "total": 1}})

    assert "did not carry out: status Escalated, tag x added" in stellar.case(id=CASE_ID, status="Escalated", add_tags=["x"]).msg
    assert [one["id"] for one in stellar.cases()["cases"]] == [CASE_ID]


@pytest.mark.parametrize("depth", [400, 900, 5000])
def test_cases_that_are_nested_deeply_are_shown_or_refused(stellar: Stellar, depth: int):
    body = f'{{"data": {{"_id": "{CASE_ID}", "x": {"[" * depth}{"]" * depth}}}}}'
    stellar.emulator.add_fault("status", {"path": f"/connect/api/v1/cases/{CASE_ID}"}, status=200, times=None, body=body)

    run = stellar.cases(id=CASE_ID)

    assert run["cases"][0]["id"] == CASE_ID if not run.failed else "a body that this API does not give" in run.msg


def test_another_case_than_the_one_that_was_asked_for_is_not_taken(stellar: Stellar):
    answer_with(stellar.emulator, f"/connect/api/v1/cases/{CASE_ID}", {"data": {"_id": "b" * 24, "status": "New"}})

    assert "another one came, perhaps from a cache" in stellar.case(id=CASE_ID, status="Escalated").msg
    assert not stellar.emulator.writes()


@pytest.mark.parametrize("text", ["\x1b[2Jcleared", "\u202eturned\u2066", "a\r\nb", "\ud800half", "\u200bunseen\ufeff"])
def test_reasons_steer_no_terminal(stellar: Stellar, text: str):
    answer_with(stellar.emulator, "/connect/api/data/", {"error": {"reason": text}}, status=400)
    run = stellar.info()
    assert run.msg.isprintable()
    assert text.strip("\x1b\u202e\u2066\ud800\u200b\ufeff").split("\r")[0][-4:] in run.msg
