# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small pieces that everything stands on: hosts, options, texts, secrets, answers, tokens."""

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._argspec import ArgumentSpec, plain_text, whole_number
from ansible_collections.secops.xdr.plugins.module_utils._errors import AnswerError, InputError, StatusError
from ansible_collections.secops.xdr.plugins.module_utils._http.answers import Answer
from ansible_collections.secops.xdr.plugins.module_utils._http.auth import checked_credential
from ansible_collections.secops.xdr.plugins.module_utils._http.connection import parse_host
from ansible_collections.secops.xdr.plugins.module_utils._http.refusals import reason_of
from ansible_collections.secops.xdr.plugins.module_utils._http.token_auth import RenewableTokenAuth, Token, says_token_ended
from ansible_collections.secops.xdr.plugins.module_utils._secrets import SecretKeeper
from ansible_collections.secops.xdr.plugins.module_utils._texts import quoted, shorten

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")


class TestHost:
    @pytest.mark.parametrize(
        ("host", "url"),
        [
            ("extrahop.example.com", "https://extrahop.example.com"),
            (" extrahop.example.com ", "https://extrahop.example.com"),
            ("extrahop.example.com:8443", "https://extrahop.example.com:8443"),
            ("https://extrahop.example.com", "https://extrahop.example.com"),
            ("HTTPS://ExtraHop.example.com/", "https://extrahop.example.com"),
            ("https://extrahop.example.com:8443//", "https://extrahop.example.com:8443"),
            ("10.1.2.3", "https://10.1.2.3"),
            ("[fd00::1]:8443", "https://[fd00::1]:8443"),
            ("[fd00::1]", "https://[fd00::1]"),
            ("fd00::1", "https://[fd00::1]"),
            ("extrahop", "https://extrahop"),
            ("extrahop.example.com.", "https://extrahop.example.com."),
            ("my_host", "https://my_host"),
        ],
    )
    def test_forms(self, host, url):
        assert parse_host(host, validate_certs=True) == url

    def test_plain_http_only_where_certificates_are_not_checked(self):
        with pytest.raises(InputError, match="unprotected"):
            parse_host("http://127.0.0.1:8080", validate_certs=True)
        assert parse_host("http://127.0.0.1:8080", validate_certs=False) == "http://127.0.0.1:8080"

    @pytest.mark.parametrize(
        "host", ["a..b", "-a", "a-", ".", f"{'a' * 64}.example.com", "abcd." * 60, "a.b..", "a/b", "a?b", "a#b", "ä.example.com"]
    )
    def test_names_that_dns_cannot_hold(self, host):
        with pytest.raises(InputError, match=r"^host: "):
            parse_host(host, validate_certs=True)

    @pytest.mark.parametrize("host", ["[2001:db8:x::1]", "[2001:db\u00e9::1]:443", "[::1:2:3:4:5:6:7:8:9]", "[fe80::1%\u00e9]"])
    def test_what_is_no_address_between_brackets(self, host):
        with pytest.raises(InputError, match=r"^host: "):
            parse_host(host, validate_certs=True)

    @hypothesis.given(st.text(max_size=40))
    def test_anything_is_a_host_or_refused(self, text):
        refused, url = "", ""
        try:
            url = parse_host(text, validate_certs=False)
        except InputError as error:
            refused = error.message
        if refused:
            assert refused.startswith("host: ")
        else:
            assert url.isprintable()
            assert " " not in url
            assert parse_host(url, validate_certs=False) == url


class TestOptions:
    @pytest.mark.parametrize("text", ["OpenVPN", "[draft] OpenVPN", "{not a dict}", "[", "[1", "(1, 2)", "123", "[" * 5000])
    def test_a_text_is_a_text(self, text):
        assert plain_text("source", text) == text

    @pytest.mark.parametrize("text", ["['one', 'two']", "{'user': 'jsmith'}"])
    def test_a_text_that_looks_like_a_list_is_a_text(self, text):
        assert plain_text("source", text) == text

    def test_half_a_character_is_replaced(self):
        assert plain_text("source", "a\ud83d") == "a\ufffd"

    @pytest.mark.parametrize("value", [0, -1, 11])
    def test_ranges(self, value):
        assert whole_number("batch_size", 1, 1, 10) == 1
        assert whole_number("batch_size", 10, 1, 10) == 10
        with pytest.raises(InputError, match=rf"^batch_size: {value} is out of range; give a whole number from 1 to 10"):
            whole_number("batch_size", value, 1, 10)

    def test_parts_are_put_together_without_changing_them(self):
        one = ArgumentSpec({"a": {}}, required_one_of=[("a", "b")], required_by={"a": ("b",)})
        other = ArgumentSpec({"b": {}}, mutually_exclusive=[("a", "b")], required_if=[("a", 1, ("b",))], required_together=[("a", "b")])
        both = one.merged_with(other).to_kwargs()
        assert both == {
            "argument_spec": {"a": {}, "b": {}},
            "required_one_of": [("a", "b")],
            "required_together": [("a", "b")],
            "required_if": [("a", 1, ("b",))],
            "required_by": {"a": ("b",)},
            "mutually_exclusive": [("a", "b")],
        }
        assert one.options == {"a": {}}


class TestTexts:
    @hypothesis.given(st.text(max_size=2000))
    def test_what_is_shown_is_one_short_printable_line(self, text):
        for shown in (shorten(text), quoted(text)):
            assert "\n" not in shown
            assert "\x1b" not in shown
            assert len(shown) < 1500
            shown.encode()

    def test_short_texts_stay_as_they_are(self):
        assert shorten("Grüße, 東京") == "Grüße, 東京"
        assert quoted("10.8.0.2") == "'10.8.0.2'"


def answer(status: int, body: bytes, content_type: str = "application/json") -> Answer:
    return Answer("POST", "/path", status, {"Content-Type": content_type}, body, SecretKeeper().shown)


class TestAnswers:
    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (b'{"error_message": "one", "detail": "two", "error": "three", "type": "four"}', "one"),
            (b'{"detail": "two", "error": "three", "type": "four"}', "two"),
            (b'{"error": "three", "type": "four"}', "three"),
            (b'{"type": "four"}', "four"),
            (b'{"error": {"reason": "deep"}}', "deep"),
            (b'{"error_message": null, "detail": "two"}', "two"),
            (b'{"other": "key"}', '{"other": "key"}'),
            (b'"a text"', "a text"),
            (b"plain", "plain"),
            (b"", ""),
            (b"{}", ""),
            (b"null", ""),
            (b"<html>x</html>", "an HTML page"),
            (b"  \n<!DOCTYPE html>", "an HTML page"),
            (b"\xff\xfe", "��"),
            (b"[" * 100_000, "[" * 300 + "…"),
        ],
    )
    def test_what_the_server_said(self, body, reason):
        assert reason_of(answer(400, body)) == reason

    @hypothesis.given(st.binary(max_size=200))
    def test_any_body_has_a_reason_that_can_be_shown(self, body):
        one = answer(400, body)
        assert "\n" not in reason_of(one)
        try:
            one.json_object()
        except AnswerError as error:
            message = error.message
        else:
            message = "/path"
        assert "/path" in message

    @pytest.mark.parametrize(
        ("status", "body", "ended"),
        [
            (401, b"", True),
            (401, b"API Key is invalid", True),
            (400, b'{"type": "invalid_request", "detail": "The specified access token is invalid"}', True),
            (400, b"The specified access token is invalid", True),
            (400, b'{"error": "invalid_token"}', True),
            (400, b'{"detail": "observations: expected a list"}', False),
            (403, b"The specified access token is invalid", True),
            (403, b"<html><body>RBAC: access denied, JWT is expired</body></html>", True),
            (403, b'{"error_message": "Access from this IP address is not allowed"}', False),
            (403, b'{"error": "The account may not read data"}', False),
            (401, b"Error getting user from bearer token", True),
            (400, b"invalid access token", True),
            (400, b"Invalid credentials in the request", True),
            (400, b'{"detail": "Invalid authentication: it has ended"}', True),
            (400, b'{"type": "invalid_request", "detail": "ipaddr: expected an address"}', False),
            (400, b'{"type": "invalid_request", "detail": "The token has been revoked"}', True),
            (400, b"invalid", True),
            (403, b"Session has expired", True),
            (403, b"CSRF token missing or invalid token", False),
            (500, b"token expired", False),
        ],
    )
    def test_whether_a_token_has_ended(self, status, body, ended):
        assert says_token_ended(answer(status, body)) is ended


class TestTokens:
    class _Request:
        def __init__(self) -> None:
            self.headers: dict[str, str] = {}

    @pytest.fixture
    def fetched(self):
        return []

    def _auth(self, fetched, seconds):
        def fetch() -> Token:
            fetched.append(f"token-{len(fetched)}")
            return Token.lasting(fetched[-1], seconds)

        return RenewableTokenAuth(fetch)

    def test_it_is_renewed_a_minute_before_its_end(self, fetched, monkeypatch):
        now = time.monotonic()
        clock = [now]
        monkeypatch.setattr("ansible_collections.secops.xdr.plugins.module_utils._http.token_auth.time.monotonic", lambda: clock[0])
        auth = self._auth(fetched, 3600.0)
        for moment, count in ((0, 1), (3000, 1), (3539, 1), (3541, 2), (7000, 2), (7082, 3)):
            clock[0] = now + moment
            auth(self._Request())
            assert len(fetched) == count, moment

    def test_all_threads_share_one_fetch(self, fetched):
        auth = self._auth(fetched, 3600.0)
        requests = [self._Request() for _number in range(16)]
        threads = [threading.Thread(target=auth, args=(request,)) for request in requests]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {request.headers["Authorization"] for request in requests} == {"Bearer token-0"}
        for request in requests:
            assert auth.renewed_after(answer(401, b""), request, 0)
        assert {request.headers["Authorization"] for request in requests} == {"Bearer token-1"}, "one renewal serves all"

    def test_a_fetch_that_fails_is_tried_again_next_time(self):
        answers = iter([StatusError("no", 500, "no"), None])

        def fetch() -> Token:
            error = next(answers)
            if error:
                raise error
            return Token.lasting("good", 60)

        auth = RenewableTokenAuth(fetch)
        with pytest.raises(StatusError):
            auth(self._Request())
        request = self._Request()
        auth(request)
        assert request.headers["Authorization"] == "Bearer good"

    @pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "a\x7fb", "\x1b[0m"])
    def test_no_credential_holds_control_characters(self, value):
        with pytest.raises(InputError, match=r"^api_key: ") as caught:
            checked_credential("api_key", value)
        assert value not in caught.value.message
