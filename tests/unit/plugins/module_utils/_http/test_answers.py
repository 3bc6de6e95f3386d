# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of servers are read correctly."""

from __future__ import annotations

import json

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import AnswerError
from ansible_collections.secops.xdr.plugins.module_utils._http.answers import Answer, reason_of
from ansible_collections.secops.xdr.plugins.module_utils._http.auth import issued_token, plausible_seconds, says_token_ended
from ansible_collections.secops.xdr.plugins.module_utils._secrets import SecretKeeper

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")


def answer(status: int, body: bytes, content_type: str = "application/json") -> Answer:
    return Answer("POST", "/path", status, {"Content-Type": content_type}, body, SecretKeeper().shown)


TOKENS = [
    {"access_token": "t0k", "exp": 7},
    {"access_token": " Bearer t0k\n", "exp": 7},
    {"accessToken": "t0k", "exp": 7},
    {"data": {"access_token": "t0k", "exp": 7}, "success": True},
]


class TestTokens:
    @pytest.mark.parametrize("value", TOKENS, ids=str)
    def test_forms_of_the_answer(self, value):
        token, fields = issued_token(answer(200, json.dumps(value).encode()), "a server")
        assert (token, fields["exp"]) == ("t0k", 7)

    @pytest.mark.parametrize("body", [b"s3cret", b'"s3cret"', b'{"session": "s3cret"}', b"[]", b"<html>s3cret</html>"])
    def test_no_other_answer_is_shown(self, body):
        with pytest.raises(AnswerError, match="was answered without an access_token") as caught:
            issued_token(answer(200, body), "a server")
        assert "cret" not in caught.value.message

    @pytest.mark.parametrize(("value", "seconds"), [(60, 60), ("60", 60), (60.5, 60.5), ("soon", 9), (True, 9), (-1, 9), (10**400, 9)])
    def test_lives(self, value, seconds):
        assert plausible_seconds(value, 9) == seconds


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

    @pytest.mark.parametrize(
        ("body", "value"),
        [
            (b'{"a": "caf\xe9"}', {"a": "caf\ufffd"}),
            (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
            ('{"a": "é"}'.encode("utf-16"), {"a": "é"}),
        ],
    )
    def test_json_in_any_encoding(self, body, value):
        assert answer(200, body, "text/html").json() == value

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
            (403, b'{"error": "ExpiredToken"}', True),
            (400, b'{"code": "TokenExpired"}', True),
            (419, b"", True),
            (440, b"", True),
            (498, b"", True),
            (403, b"CSRF token missing or invalid token", False),
            (500, b"token expired", False),
        ],
    )
    def test_whether_a_token_has_ended(self, status, body, ended):
        assert says_token_ended(answer(status, body)) is ended
