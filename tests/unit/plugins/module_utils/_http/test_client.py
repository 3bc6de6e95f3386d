# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP client: retries by kind of operation and failure, and the known outcome."""

from __future__ import annotations

import socket
import threading
from urllib.parse import quote

import pytest
import requests
from ansible_collections.secops.xdr.plugins.module_utils._errors import (
    AnswerError,
    AuthenticationError,
    ConnectionFailedError,
    GatewayError,
    NoAnswerError,
    NotFoundError,
    RequestError,
    RequestTooLongError,
    ServerFaultError,
    StatusError,
    UnclearStatusError,
)
from ansible_collections.secops.xdr.plugins.module_utils._http import client as _http
from ansible_collections.secops.xdr.plugins.module_utils._http.auth import ExtraHopKeyAuth, RenewableTokenAuth, Token
from ansible_collections.secops.xdr.plugins.module_utils._http.client import HttpClient, Operation, Request
from ansible_collections.secops.xdr.plugins.module_utils._http.connection import ConnectionSettings
from ansible_collections.secops.xdr.plugins.module_utils._secrets import SecretKeeper
from hypothesis import given
from hypothesis import strategies as st

PATH = "/api/v1/observations/associatedipaddrs"
BODY = b'{"source":"x","observations":[{"ipaddr":"10.8.0.2","associated_ipaddr":"203.0.113.5","timestamp":1700000000}]}'
REPEATED = [Operation.READ, Operation.TOKEN, Operation.REPEATABLE_WRITE]


@pytest.fixture
def client(emulator):
    def make(**changes) -> HttpClient:
        settings = {"base_url": emulator.url, "validate_certs": True, "ca_path": emulator.ca_path, "timeout": 5, "retries": 2, **changes}
        one = HttpClient(ConnectionSettings(**settings), SecretKeeper())
        one.auth = ExtraHopKeyAuth(emulator.environment()["EXTRAHOP_API_KEY"])
        return one

    return make


def send(client, operation, path=PATH):
    return client.request(Request(operation, "POST", path, BODY), expect=(202,))


def accepted(emulator) -> int:
    return emulator.state["extrahop"]["observations"]["accepted"]


BREAKS = ["reset_before", "reset_after", "close_before", "close_after", "truncate", "garbage"]


class TestWhatMayBeDoneTwice:
    @pytest.mark.parametrize("operation", REPEATED)
    @pytest.mark.parametrize("fault", BREAKS)
    def test_broken_connections(self, client, emulator, operation, fault):
        emulator.configure(accepted_body="json")
        emulator.add_fault(fault, times=2, **({"missing": 4} if fault == "truncate" else {}))
        assert send(client(), operation).status == 202
        assert len(emulator.requests()) == 3

    @pytest.mark.parametrize("operation", REPEATED)
    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    def test_busy(self, client, emulator, operation, status, naps):
        emulator.add_fault("status", status=status, times=2, headers={"Retry-After": "3"})
        assert send(client(), operation).status == 202
        assert naps == [3, 3]

    @pytest.mark.parametrize("status", [408, 425, 520, 522, 524, 529, 530, 599])
    def test_gateways_that_gave_up(self, client, emulator, status):
        emulator.add_fault("status", status=status)
        assert send(client(), Operation.READ).status == 202

    @pytest.mark.parametrize("value", ["-5", "1.5", "+3", "abc", "nan", "Wed, 32 Foo 2015", "Thu, 01 Jan 1970 00:00:00 GMT", "9" * 30])
    def test_odd_forms_of_retry_after(self, client, emulator, value, naps):
        emulator.add_fault("status", status=503, headers={"Retry-After": value})
        assert send(client(), Operation.READ).status == 202
        assert all(0 <= nap <= 60 for nap in naps)

    @pytest.mark.parametrize("operation", REPEATED)
    def test_no_more_often_than_asked(self, client, emulator, operation):
        emulator.add_fault("reset_after", times=None)
        with pytest.raises(NoAnswerError) as caught:
            send(client(retries=3), operation)
        assert caught.value.outcome_unknown
        assert len(emulator.requests()) == 4


class TestWhatMustNotBeDoneTwice:
    @pytest.mark.parametrize("fault", BREAKS)
    def test_broken_connections(self, client, emulator, fault):
        emulator.configure(accepted_body="json")
        emulator.add_fault(fault, times=1, **({"missing": 4} if fault == "truncate" else {}))
        with pytest.raises(RequestError) as caught:
            send(client(), Operation.ONCE)
        assert caught.value.outcome_unknown
        assert len(emulator.requests()) == 1

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    @pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}])
    def test_a_server_that_fails_may_have_done_it(self, client, emulator, status, headers):
        emulator.add_fault("status", status=status, times=None, headers=headers, work=True)
        with pytest.raises(ServerFaultError) as caught:
            send(client(), Operation.ONCE)
        assert caught.value.outcome_unknown
        assert len(emulator.requests()) == accepted(emulator) == 1

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_timeout(self, client, emulator, when):
        emulator.add_fault("delay", seconds=1.3, when=when)
        with pytest.raises(NoAnswerError) as caught:
            send(client(timeout=1), Operation.ONCE)
        assert caught.value.outcome_unknown
        assert len(emulator.requests()) == 1

    def test_too_many_requests_is_a_clear_refusal(self, client, emulator, naps):
        emulator.add_fault("status", status=429, times=2, headers={"Retry-After": "5"})
        assert send(client(), Operation.ONCE).status == 202
        assert naps == [5, 5]
        assert accepted(emulator) == 1

    def test_a_refused_connection_is_a_clear_refusal(self, client, naps):
        with socket.socket() as port:
            port.bind(("127.0.0.1", 0))
            with pytest.raises(ConnectionFailedError) as caught:
                send(client(base_url=f"https://127.0.0.1:{port.getsockname()[1]}"), Operation.ONCE)
        assert not caught.value.outcome_unknown
        assert len(naps) >= 1

    @pytest.mark.parametrize("fault", ["html", "oversize", "redirect"])
    def test_an_answer_from_a_proxy(self, client, emulator, fault, monkeypatch):
        monkeypatch.setattr(_http, "MAX_ANSWER_BYTES", 100_000)
        emulator.add_fault(fault, **{"redirect": {"location": "https://x.example.com"}, "oversize": {"size": 300_000}}.get(fault, {}))
        with pytest.raises(AnswerError) as caught:
            send(client(), Operation.ONCE)
        assert caught.value.outcome_unknown
        assert len(emulator.requests()) == 1

    def test_a_token_is_fetched_again_and_it_is_still_sent_once(self, client, emulator):
        """Fetching a token may be repeated, over the same connection; that must not change what the write may do."""
        one = client()
        key = emulator.environment()["EXTRAHOP_API_KEY"]

        def fetch() -> Token:
            one.request(Request(Operation.READ, "GET", "/api/v1/extrahop"), expect=(200,), auth=ExtraHopKeyAuth(key))
            return Token.lasting(emulator.emulator.extrahop.tokens.give_opaque(60, "someone"), 60)

        one.auth = RenewableTokenAuth(fetch)
        emulator.add_fault("reset_after", {"path": PATH}, times=1)
        with pytest.raises(NoAnswerError):
            send(one, Operation.ONCE)
        assert len(emulator.writes()) == 1


@pytest.mark.parametrize(
    ("status", "kind", "outcome_unknown"),
    [
        (400, StatusError, False),
        (401, AuthenticationError, False),
        (403, GatewayError, True),
        (404, NotFoundError, False),
        (408, UnclearStatusError, True),
        (409, UnclearStatusError, True),
        (425, UnclearStatusError, True),
        (499, UnclearStatusError, True),
        (411, RequestTooLongError, False),
        (413, RequestTooLongError, False),
        (414, RequestTooLongError, False),
        (422, StatusError, False),
        (429, StatusError, False),
        (500, ServerFaultError, True),
        (507, ServerFaultError, True),
        (200, AnswerError, True),
        (204, AnswerError, True),
        (302, AnswerError, True),
        (304, AnswerError, True),
    ],
)
def test_each_status_has_its_error(client, emulator, status, kind, outcome_unknown):
    emulator.add_fault("status", status=status, times=None)
    with pytest.raises(kind) as caught:
        send(client(retries=0), Operation.REPEATABLE_WRITE)
    assert caught.value.outcome_unknown is outcome_unknown
    details = caught.value.as_result()
    assert (details["method"], details["path"]) == ("POST", PATH)
    assert details["status"] == status
    assert PATH in details["msg"]


def test_cookies_of_the_server_are_not_sent_back_elsewhere(client, emulator):
    emulator.add_fault("status", status=404, headers={"Set-Cookie": "session=abc; Domain=127.0.0.1; Path=/"})
    one = client()
    with pytest.raises(NotFoundError):
        send(one, Operation.READ)
    assert send(one, Operation.REPEATABLE_WRITE).status == 202


@pytest.mark.parametrize("path", ["/api/v1/a%2Fb", "/api/v1/a%20b", "/api/v1/%C3%A9", "/api/v1/a;b"])
def test_a_quoted_path_reaches_the_server_unchanged(client, emulator, path):
    with pytest.raises(NotFoundError):
        client().request(Request(Operation.READ, "GET", path), expect=(200,))
    assert emulator.requests()[0]["path"] == path


def test_unchecked_certificates_are_not_warned_of_on_stderr(client, start_emulator, recwarn, capfd):
    other = start_emulator("untrusted")
    one = client(base_url=other.url, validate_certs=False, ca_path=None)
    assert send(one, Operation.REPEATABLE_WRITE).status == 202
    assert [str(warning.message) for warning in recwarn] == []
    assert capfd.readouterr().err == ""


def test_a_server_with_another_protocol(client):
    """An SSH server, for example."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            for _attempt in range(2):
                peer, _address = server.accept()
                with peer:
                    peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                    peer.recv(1024)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        host = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ConnectionFailedError, match=r"No TLS connection to .*; check that this port serves HTTPS"):
            send(client(base_url=f"https://{host}", retries=0), Operation.ONCE)
        with pytest.raises(RequestError, match=host):
            send(client(base_url=f"http://{host}", retries=0), Operation.ONCE)
        thread.join(5)


def test_requests_that_differ_in_their_body_alone_each_send_their_own(client, emulator):
    emulator.configure(journal_bodies=1 << 20)
    one = client()
    longer = BODY.replace(b'"x"', b'"another source"')
    other_key = ExtraHopKeyAuth("another key")
    one.request(Request(Operation.REPEATABLE_WRITE, "POST", PATH, BODY), expect=(202,))
    one.request(Request(Operation.REPEATABLE_WRITE, "POST", PATH, longer), expect=(202,))
    one.request(Request(Operation.READ, "POST", "/api/v1/devices/search", b'{"limit":1,"offset":0}'), expect=(200,))
    one.request(Request(Operation.REPEATABLE_WRITE, "POST", PATH, BODY), expect=(401,), auth=other_key)
    one.request(Request(Operation.REPEATABLE_WRITE, "POST", PATH, BODY), expect=(202,))
    sent = emulator.requests()
    assert [request["path"] for request in sent] == [PATH, PATH, "/api/v1/devices/search", PATH, PATH]
    assert [request["body"].get("source") for request in sent] == ["x", "another source", None, "x", "x"]
    lengths = [{name.lower(): value for name, value in request["headers"].items()}["content-length"] for request in sent]
    assert lengths == [str(len(body)) for body in (BODY, longer, b'{"limit":1,"offset":0}', BODY, BODY)]


class TestPreparedRequests:
    """They are those of `requests`, which is not asked each time because it is slow."""

    @given(
        segments=st.lists(st.text(min_size=1, max_size=8), max_size=4),
        params=st.none() | st.dictionaries(st.text(max_size=6), st.text(max_size=6), max_size=3),
        method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
        body=st.none() | st.binary(max_size=4),
    )
    def test_any_request(self, segments, params, method, body):
        path = "/" + "/".join(quote(one.encode("utf-8", "replace"), safe="*:,") for one in segments)
        params = params and {quote(name, errors="replace"): quote(value, errors="replace") for name, value in params.items()}
        host = "https://bücher.example.com:8443"
        settings = ConnectionSettings(base_url=host, validate_certs=True, ca_path="ca.pem", timeout=5, retries=0)
        request = Request(Operation.READ, method, path, body, params=params)
        ours = HttpClient(settings, SecretKeeper())._prepared(request)
        theirs = requests.Request(method, host + path, headers=request.headers, data=body, params=params).prepare()
        assert ours.url == theirs.url
        assert ours.body == theirs.body or not (ours.body or theirs.body)
        assert {**theirs.headers, **_http._HEADERS} == dict(ours.headers)
