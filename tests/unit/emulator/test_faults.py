# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults: what the client meets on the wire, and whether the work was done."""

from __future__ import annotations

import base64
import gc
import select
import socket
import ssl
import warnings
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from emulator import ControlError, RunningEmulator, Settings
from support.waiting import PATIENCE_SECONDS, wait_until

BROKEN = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def accepted(emu: RunningEmulator) -> int:
    return int(emu.state["extrahop"]["observations"]["accepted"])


@pytest.mark.parametrize(
    ("action", "worked"),
    [("reset_before", 0), ("close_before", 0), ("reset_after", 1), ("close_after", 1), ("truncate", 1), ("garbage", 1)],
)
def test_a_broken_connection_says_nothing_of_the_work(api: Any, emu: RunningEmulator, row: Any, action: str, worked: int) -> None:
    emu.add_fault(action)
    emu.configure(accepted_body="json")

    with pytest.raises(BROKEN):
        api.upload(row())
    assert accepted(emu) == worked
    assert emu.writes()[0]["worked"] is bool(worked)
    assert emu.writes()[0]["fault"] == action
    assert api.upload(row()).status_code == 202


@pytest.mark.parametrize(("action", "error"), [("reset_before", 104), ("close_before", 0)])
def test_a_reset_is_a_tcp_reset_and_a_close_is_not(emu: RunningEmulator, action: str, error: int) -> None:
    emu.add_fault(action)
    host, _colon, port = emu.host.partition(":")
    context = ssl.create_default_context(cafile=emu.ca_path)
    with socket.create_connection((host, int(port))) as raw:
        raw.setblocking(True)
        with context.wrap_socket(raw, server_hostname=host) as wrapped:
            wrapped.sendall(b"GET /api/v1/extrahop HTTP/1.1\r\nHost: emulator\r\n\r\n")
            # OpenSSL reports a reset as an end of file; the socket itself knows better, once the other side has ended the connection.
            ended = select.poll()
            ended.register(wrapped, select.POLLRDHUP)
            assert ended.poll(PATIENCE_SECONDS * 1000)
            seen = wrapped.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    assert seen == error


@pytest.mark.parametrize(
    ("fields", "status", "body"),
    [
        ({"status": 503, "headers": {"Retry-After": "3"}, "body": "busy"}, 503, b"busy"),
        ({"status": 400, "body": {"detail": "no"}}, 400, b'{"detail": "no"}'),
        ({"status": 502}, 502, b""),
        ({"status": 504, "work": True}, 504, b""),
    ],
)
def test_any_status_can_be_answered(api: Any, emu: RunningEmulator, row: Any, fields: dict[str, Any], status: int, body: bytes) -> None:
    emu.add_fault("status", **fields)
    answer = api.upload(row())

    assert (answer.status_code, answer.content) == (status, body)
    assert {**answer.headers, **fields.get("headers", {})} == dict(answer.headers)
    assert accepted(emu) == int(fields.get("work", False))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_delay_outlasts_the_client_and_the_work_is_done(api: Any, emu: RunningEmulator, row: Any, when: str) -> None:
    emu.add_fault("delay", seconds=2, when=when)
    body = {"source": "x", "observations": [row()]}

    with pytest.raises(requests.Timeout):
        api.session.post(f"{emu.url}/api/v1/observations/associatedipaddrs", json=body, headers=api.key, timeout=0.15)
    if when == "before":
        assert accepted(emu) == 0
    wait_until(lambda: accepted(emu) == 1)


def test_a_login_page_and_a_redirect_can_intervene(api: Any, emu: RunningEmulator, row: Any) -> None:
    emu.add_fault("html")
    page = api.upload(row())
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    emu.add_fault("redirect", location="https://elsewhere.example.com/", status=307)
    moved = api.upload(row())
    assert (moved.status_code, moved.headers["Location"]) == (307, "https://elsewhere.example.com/")
    assert accepted(emu) == 0


def test_an_expired_token_is_reported_in_the_products_words(api: Any, emu: RunningEmulator) -> None:
    emu.add_fault("expired_token", {"kind": "read"}, times=2)
    assert api.extrahop("GET", "extrahop").json() == {"error_message": "The specified access token is expired"}
    assert api.search("*").status_code == 401
    emu.add_fault("expired_token", status=400)
    answer = api.extrahop("GET", "extrahop")
    assert (answer.status_code, answer.json()["detail"]) == (400, "The specified access token is invalid")


def test_bodies_can_be_empty_endless_slow_or_garbage(api: Any, emu: RunningEmulator) -> None:
    emu.add_fault("empty")
    assert api.extrahop("GET", "extrahop").content == b""
    emu.add_fault("oversize", size=300_000)
    assert len(api.extrahop("GET", "extrahop").content) == 300_004
    emu.add_fault("drip", seconds=0.001, chunk=10)
    assert api.extrahop("GET", "extrahop").json()["hostname"] == "emulator"
    emu.add_fault("garbage", raw=False)
    with pytest.raises(ValueError, match=r"Expecting|decode"):
        api.extrahop("GET", "extrahop").json()


def test_a_client_may_hang_up_on_an_endless_body(api: Any, emu: RunningEmulator) -> None:
    emu.add_fault("oversize", size=10**12)
    with api.extrahop("GET", "extrahop", stream=True) as answer:
        assert answer.raw.read(100_000)

    assert api.extrahop("GET", "extrahop").status_code == 200


def test_authorization_can_be_echoed(api: Any, emu: RunningEmulator) -> None:
    emu.add_fault("echo_authorization", status=403)
    answer = api.extrahop("GET", "extrahop")

    assert answer.status_code == 403
    assert api.key["Authorization"] in answer.json()["error_message"]


def test_a_credential_can_be_echoed_in_another_form(api: Any, emu: RunningEmulator) -> None:
    emu.add_fault("echo_authorization", status=403, form="percent_twice")
    echo = api.extrahop("GET", "extrahop").json()["error_message"].rpartition(" ")[2]

    assert unquote(unquote(echo)) == emu.emulator.settings.api_key[:20]
    with pytest.raises(ControlError, match="form: expected one of plain, html"):
        emu.add_fault("echo_authorization", form="rot13")


def test_faults_meet_only_what_they_match(api: Any, emu: RunningEmulator, row: Any) -> None:
    match = {"method": "POST", "path_regex": "observations/", "body_contains": "10.8.0.9", "kind": "write"}
    emu.add_fault("status", match, status=500, times=None)

    assert api.upload(row()).status_code == 202
    assert api.upload(row(ipaddr="10.8.0.9")).status_code == 500
    assert api.upload(row(ipaddr="10.8.0.9")).status_code == 500
    assert api.extrahop("GET", "extrahop").status_code == 200
    emu.clear_faults()
    assert api.upload(row(ipaddr="10.8.0.9")).status_code == 202


def test_faults_can_skip_and_end(api: Any, emu: RunningEmulator) -> None:
    emu.add_fault("status", {"path": "/api/"}, status=500, after=1, times=2)
    codes = [api.extrahop("GET", "extrahop").status_code for _call in range(5)]

    assert codes == [200, 500, 500, 200, 200]
    assert [(one["seen"], one["played"]) for one in emu.state["faults"]] == [(3, 2)]


def test_faults_can_be_meant_for_one_product_or_the_token_call(api: Any, emu: RunningEmulator) -> None:
    emu.add_fault("status", {"product": "stellar", "kind": "token"}, status=503)

    assert api.oauth().status_code == 200
    assert api.token().status_code == 503
    assert api.token().status_code == 200


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("nonsense", {}),
        ("status", {}),
        ("status", {"status": "500"}),
        ("redirect", {}),
        ("delay", {"seconds": -1}),
        ("delay", {"work": False}),
        ("delay", {"when": "never"}),
        ("html", {"times": -1}),
        ("html", {"after": 1.5}),
        ("html", {"more": 1}),
        ("html", {"match": {"verb": "GET"}}),
        ("html", {"match": {"path_regex": "("}}),
        ("html", {"headers": {"a": 1}}),
    ],
)
def test_faults_that_make_no_sense_are_refused(emu: RunningEmulator, action: str, fields: dict[str, Any]) -> None:
    with pytest.raises(ControlError):
        emu.ask("POST", "faults", {"action": action, **fields})


def test_the_credentials_of_a_faulted_call_are_recorded(api: Any, emu: RunningEmulator) -> None:
    emu.add_fault("close_before", {"path": "/connect/"})
    with pytest.raises(BROKEN):
        api.token()

    sent = emu.requests(kind="token")[0]["headers"]["Authorization"]
    assert base64.b64decode(sent.split()[1]).decode() == "analyst@example.com:emulator-stellar-api-key"


def test_work_delayed_past_a_reset_is_dropped(api: Any, emu: RunningEmulator, row: Any) -> None:
    emu.add_fault("delay", seconds=0.2)
    body = {"source": "x", "observations": [row()]}
    url = f"{emu.url}/api/v1/observations/associatedipaddrs"
    with pytest.raises(requests.Timeout):
        api.session.post(url, json=body, headers=api.key, timeout=0.1)
    emu.reset()
    # By the time that this one is answered, the delay of the one before is over.
    emu.add_fault("delay", seconds=0.3)
    assert api.extrahop("GET", "extrahop").status_code == 200

    assert accepted(emu) == 0
    assert emu.state["requests"]["by_status"] == {"200": 1}


@pytest.mark.parametrize("fault", [None, "reset_after", "close_after"])
def test_an_end_leaves_no_connection_open(fault: str | None) -> None:
    with RunningEmulator(Settings()) as one, requests.Session() as session:
        session.trust_env, session.verify = False, one.ca_path
        if fault:
            one.add_fault(fault)
            with pytest.raises(requests.ConnectionError):
                session.get(one.url, timeout=900)
        session.get(one.url, timeout=900)
        # The client keeps its connection, and so says no goodbye.
        one.stop()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            gc.collect()
    port = one.url.rsplit(":", 1)[1]
    assert [str(warning.message) for warning in caught if port in str(warning.message)] == []
