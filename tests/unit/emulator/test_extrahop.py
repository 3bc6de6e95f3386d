# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ExtraHop's half: every line of its contract, and the switch for each line that says unknown."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from emulator import ControlError, SettingError, Settings
from emulator._addresses import AddressBook
from emulator._observations import check_upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator import RunningEmulator

OBSERVATIONS = "/api/v1/observations/associatedipaddrs"


def test_an_upload_is_answered_202_and_held(api: Any, emu: RunningEmulator, row: Callable[..., dict[str, Any]]) -> None:
    answer = api.upload(row(), row(ipaddr="10.8.0.3"))

    assert (answer.status_code, answer.content) == (202, b"")
    assert [one["ipaddr"] for one in emu.observations()] == ["10.8.0.2", "10.8.0.3"]
    assert emu.observations(offset=1, limit=1)[0] == {
        "source": "OpenVPN",
        "ipaddr": "10.8.0.3",
        "associated_ipaddr": "203.0.113.7",
        "timestamp": 1_700_000_000,
        "ignored": False,
        "times": 1,
    }


@pytest.mark.parametrize(("form", "body"), [("empty", b""), ("text", b"Accepted"), ("json", b'{"accepted":1}')])
def test_the_202_can_have_each_form(api: Any, emu: RunningEmulator, row: Any, form: str, body: bytes) -> None:
    emu.configure(accepted_body=form)

    assert api.upload(row()).content == body


def test_rows_sent_twice_are_counted_as_duplicates(api: Any, emu: RunningEmulator, row: Any) -> None:
    for _call in range(3):
        api.upload(row(), row(ipaddr="10.8.0.3"))

    tally = emu.state["extrahop"]["observations"]
    assert (tally["accepted"], tally["distinct"], tally["duplicates"], tally["uploads"]) == (6, 2, 4, 3)
    assert {one["times"] for one in emu.observations()} == {3}


@pytest.mark.parametrize(("keep", "distinct", "listed"), [("all", 1, 1), ("distinct", 1, 0), ("counts", 2, 0)])
def test_memory_is_a_choice(api: Any, emu: RunningEmulator, row: Any, keep: str, distinct: int, listed: int) -> None:
    emu.configure(keep=keep)
    api.upload(row())
    api.upload(row())

    assert emu.state["extrahop"]["observations"]["distinct"] == distinct
    assert len(emu.observations()) == listed


@pytest.mark.parametrize("ipaddr", ["203.0.113.9", "10.8.200.9", "fd00:9::1"])
def test_addresses_never_observed_are_accepted_and_ignored(api: Any, emu: RunningEmulator, row: Any, ipaddr: str) -> None:
    assert api.upload(row(ipaddr=ipaddr), row()).status_code == 202

    tally = emu.state["extrahop"]["observations"]
    assert (tally["accepted"], tally["ignored"], tally["stored"]) == (2, 1, 1)


def test_the_observed_networks_are_a_setting(api: Any, emu: RunningEmulator, row: Any) -> None:
    emu.configure(observed=["192.0.2.0/24"], unobserved=[])
    api.upload(row(ipaddr="192.0.2.1"), row())

    assert [one["ignored"] for one in emu.observations()] == [False, True]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"ipaddr": None}, "ipaddr"),
        ({"ipaddr": "10.8.0.300"}, "ipaddr"),
        ({"ipaddr": "10.8.0.2:1194"}, "ipaddr"),
        ({"ipaddr": "0.0.0.0"}, "ipaddr"),
        ({"ipaddr": "::"}, "ipaddr"),
        ({"ipaddr": ""}, "ipaddr"),
        ({"associated_ipaddr": "host.example.com"}, "associated_ipaddr"),
        ({"associated_ipaddr": 7}, "associated_ipaddr"),
        ({"timestamp": True}, "timestamp"),
        ({"timestamp": 1_700_000_000.0}, "timestamp"),
        ({"timestamp": "1700000000"}, "timestamp"),
        ({"timestamp": -1}, "timestamp"),
        ({"timestamp": 1_700_000_000_000}, "timestamp"),
        ({"user": "alice"}, "unknown keys user"),
    ],
)
def test_a_row_that_is_wrong_refuses_the_upload(api: Any, emu: RunningEmulator, row: Any, change: dict[str, Any], named: str) -> None:
    answer = api.upload(row(), row(**change))

    assert answer.status_code == 400
    assert answer.json()["type"] == "invalid_request"
    assert "observations[1]" in answer.json()["detail"]
    assert named in answer.json()["detail"]
    assert emu.observations() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nonsense",
        b'{"source": "x"}',
        b'{"source": "x", "observations": []}',
        b'{"source": "x", "observations": {}}',
        b'{"source": "x", "observations": [[]]}',
        b'{"source": "", "observations": [{}]}',
        b'{"source": 1, "observations": [{}]}',
        b'{"source": "x", "observations": [{}], "more": 1}',
        b'{"source": "x", "observations": [{"ipaddr": "10.8.0.2"}]}',
        b'{"source": "x", "observations": NaN}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_wrong_is_refused(api: Any, body: bytes) -> None:
    answer = api.extrahop("POST", "observations/associatedipaddrs", data=body, headers=json_type())

    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request")


@pytest.mark.parametrize("headers", [{"Content-Type": None}, {"Content-Type": "text/plain"}, {"Accept": "*/*"}, {"Accept": "text/html"}])
def test_wrong_headers_are_refused(api: Any, emu: RunningEmulator, row: Any, headers: dict[str, Any]) -> None:
    body = json.dumps({"source": "x", "observations": [row()]})
    send = {**json_type(), **headers}

    assert api.extrahop("POST", "observations/associatedipaddrs", data=body, headers=send).status_code == 400
    emu.configure(strict_headers=False)
    assert api.extrahop("POST", "observations/associatedipaddrs", data=body, headers=send).status_code == 202


def test_the_unit_of_timestamps_is_a_switch(api: Any, emu: RunningEmulator, row: Any) -> None:
    seconds, milliseconds = row(), row(timestamp=1_700_000_000_000)
    results = {}
    for unit in ("seconds", "milliseconds", "any"):
        emu.configure(timestamp_unit=unit)
        results[unit] = (api.upload(seconds).status_code, api.upload(milliseconds).status_code)

    assert results == {"seconds": (202, 400), "milliseconds": (400, 202), "any": (202, 202)}
    emu.configure(timestamp_strict=False)
    assert api.upload(row(timestamp=-5)).status_code == 202


def test_unknown_limits_are_switches(api: Any, emu: RunningEmulator, row: Any) -> None:
    emu.configure(max_observations=1, max_observations_status=413, max_age=3600, accept_ipv6=False)
    now = int(time.time())

    assert api.upload(row(timestamp=now)).status_code == 202
    assert api.upload(row(timestamp=now), row(timestamp=now)).status_code == 413
    assert api.upload(row(timestamp=now - 7200)).status_code == 400
    assert api.upload(row(timestamp=now, ipaddr="fd00:8::1")).status_code == 400


@pytest.mark.parametrize("keep", ["all", "distinct"])
def test_repeated_observations_can_be_refused(api: Any, emu: RunningEmulator, row: Any, keep: str) -> None:
    emu.configure(repeated_observations="refuse", keep=keep)
    first, new = row(), row(timestamp=1_700_000_001)
    assert api.upload(first).status_code == 202

    answer = api.upload(new, first)

    assert answer.status_code == 400
    assert answer.json() == {"type": "invalid_request", "detail": "observations[1]: the same observation is held already"}
    tally = emu.state["extrahop"]["observations"]
    assert (tally["accepted"], tally["duplicates"]) == (1, 0), "all of a request is refused"
    assert api.upload(new).status_code == 202
    assert api.upload(first, source="WireGuard").status_code == 202, "of another source, it is another observation"


def test_what_is_ignored_is_not_held_and_not_refused(api: Any, emu: RunningEmulator, row: Any) -> None:
    emu.configure(repeated_observations="refuse")
    for _time in range(2):
        assert api.upload(row(ipaddr="10.8.200.9")).status_code == 202


@pytest.mark.parametrize("later", [{"keep": "counts"}, {"repeated_observations": "refuse"}])
def test_rows_that_are_not_kept_cannot_be_refused(emu: RunningEmulator, later: dict[str, str]) -> None:
    one: dict[str, Any] = {"keep": "counts", "repeated_observations": "refuse"}
    emu.configure(**{name: value for name, value in one.items() if name not in later})
    with pytest.raises(ControlError, match="only what is kept can be refused"):
        emu.configure(**later)
    with pytest.raises(SettingError, match="only what is kept can be refused"):
        Settings(**one)


def test_a_rate_limit_can_be_set(api: Any, emu: RunningEmulator) -> None:
    emu.configure(rate_limit=2, rate_retry_after="7")
    answers = [api.extrahop("GET", "extrahop") for _call in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "7"


def test_a_wrong_key_is_answered_as_seen(api: Any) -> None:
    answer = api.extrahop("GET", "extrahop", headers={"Authorization": "ExtraHop apikey=wrong"})

    assert (answer.status_code, answer.json()) == (401, {"error_message": "API Key is invalid"})
    assert api.extrahop("GET", "extrahop", headers={"Authorization": None}).status_code == 401


def test_missing_rights_and_allow_lists_are_403(api: Any, emu: RunningEmulator, row: Any) -> None:
    emu.configure(full_privileges=False)
    assert api.upload(row()).status_code == 403
    assert api.extrahop("GET", "extrahop").status_code == 200
    emu.configure(full_privileges=True, ip_allowed=False)
    assert api.upload(row()).status_code == 403
    assert api.oauth().status_code == 403


def test_client_credentials_give_a_bearer_token(api: Any, emu: RunningEmulator) -> None:
    answer = api.oauth().json()
    assert (answer["expires_in"], answer["token_type"]) == (3600, "Bearer")

    bearer = {"Authorization": f"Bearer {answer['access_token']}"}
    assert api.extrahop("GET", "extrahop", headers=bearer).status_code == 200
    emu.configure(expires_in=False)
    assert "expires_in" not in api.oauth().json()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"auth": ("emulator-client-id", "wrong")}, "invalid_client"),
        ({"auth": None}, "invalid_client"),
        ({"data": {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}}, "invalid_client"),
        ({"data": {"grant_type": "password"}}, "unsupported_grant_type"),
        ({"data": {}}, "invalid_request"),
    ],
)
def test_other_token_calls_are_refused(api: Any, options: dict[str, Any], error: str) -> None:
    answer = api.oauth(**options)

    assert (answer.status_code, answer.json()) == (400, {"error": error})


@pytest.mark.parametrize(("form", "status"), [("401", 401), ("400", 400), ("400_text", 400)])
def test_an_expired_token_shows_in_each_way(api: Any, emu: RunningEmulator, form: str, status: int) -> None:
    emu.configure(expired_token=form)
    bearer = {"Authorization": f"Bearer {api.oauth().json()['access_token']}"}
    assert emu.expire_tokens() == 1
    answer = api.extrahop("GET", "extrahop", headers=bearer)

    assert answer.status_code == status
    assert "The specified access token is" in answer.text


def test_one_kind_of_authentication_can_be_demanded(api: Any, emu: RunningEmulator) -> None:
    bearer = {"Authorization": f"Bearer {api.oauth().json()['access_token']}"}
    emu.configure(extrahop_auth="oauth")
    assert api.extrahop("GET", "extrahop").status_code == 401
    assert api.extrahop("GET", "extrahop", headers=bearer).status_code == 200
    emu.configure(extrahop_auth="api_key")
    assert api.extrahop("GET", "extrahop", headers=bearer).status_code == 401
    assert api.oauth().status_code == 404


def test_the_connection_test_names_the_appliance(api: Any) -> None:
    assert {"version", "platform", "hostname"} <= set(api.extrahop("GET", "extrahop").json())


def test_unknown_paths_and_methods_are_distinguished(api: Any) -> None:
    missing, wrong = api.extrahop("GET", "nothing"), api.extrahop("GET", "observations/associatedipaddrs")

    assert (missing.status_code, missing.headers["Content-Type"]) == (404, "application/problem+json")
    assert {"type", "detail"} <= set(missing.json())
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")


def find(api: Any, filter_: Any, **paging: int) -> Any:
    return api.extrahop("POST", "devices/search", json={"filter": filter_, **paging})


def is_(address: str) -> dict[str, str]:
    return {"field": "ipaddr", "operator": "=", "operand": address}


def test_devices_are_found_by_address(api: Any) -> None:
    rules = [is_("10.8.0.2"), is_("10.8.200.2"), is_("203.0.113.1"), is_("fd00:8::1")]
    found = find(api, {"operator": "or", "rules": rules}).json()

    assert [one["ipaddr4"] or one["ipaddr6"] for one in found] == ["10.8.0.2", "fd00:8::1"]
    assert {"id", "ipaddr4", "ipaddr6", "display_name"} <= set(found[0])
    assert not [name for name in found[0] if name.startswith("_")]
    assert [one["ipaddr4"] for one in find(api, is_("10.8.0.9")).json()] == ["10.8.0.9"]
    assert find(api, {"operator": "and", "rules": rules}).json() == []


def test_one_address_can_belong_to_two_devices(api: Any) -> None:
    found = find(api, is_("10.8.0.1")).json()

    assert [one["ipaddr4"] for one in found] == ["10.8.0.1", "10.8.0.1"]
    assert found[0]["id"] != found[1]["id"]


def test_devices_come_in_pages(api: Any, emu: RunningEmulator) -> None:
    every = {"operator": "or", "rules": [is_(f"10.8.1.{last}") for last in range(1, 8)]}
    pages = [[one["ipaddr4"] for one in find(api, every, limit=3, offset=start).json()] for start in (0, 3, 6, 9)]

    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert len({one for page in pages for one in page}) == 7
    emu.configure(device_page_cap=2)
    assert len(find(api, every, limit=5).json()) == 2


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"filter": {}},
        {"filter": {"operator": "or", "rules": []}},
        {"filter": {"operator": "xor", "rules": [is_("10.8.0.1")]}},
        {"filter": {**is_("10.8.0.1"), "field": "colour"}},
        {"filter": is_("10.8.0.0/16")},
        {"filter": {**is_("10.8.0.1"), "operator": "~"}},
        {"filter": is_("10.8.0.1"), "limit": "5"},
        {"filter": is_("10.8.0.1"), "offset": -1},
        {"filter": is_("10.8.0.1"), "page": 1},
    ],
)
def test_a_search_that_is_wrong_is_refused(api: Any, body: Any) -> None:
    answer = api.extrahop("POST", "devices/search", json=body)

    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request")


def test_rows_of_plain_addresses_are_checked_by_column(emu: RunningEmulator, row: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The column says of each address what a look at it alone says."""
    settings = emu.emulator.settings
    book = AddressBook(settings.observed, settings.unobserved)
    addresses = [f"10.{n % 12}.{n // 5}.{n % 250 + 1}" for n in range(1000)]
    alone = [book.look(address) for address in addresses]
    assert len(set(alone)) > 1
    monkeypatch.setattr(AddressBook, "look", None)

    assert book.kinds(addresses) == alone
    rows = [row(ipaddr=address) for address in addresses]
    assert len(check_upload({"source": "x", "observations": rows}, settings, book)) == len(rows)


def json_type() -> dict[str, str]:
    return {"Content-Type": "application/json"}
