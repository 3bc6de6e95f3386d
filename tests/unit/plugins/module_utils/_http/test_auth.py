# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens that are renewed."""

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError, StatusError
from ansible_collections.secops.xdr.plugins.module_utils._http.answers import Answer
from ansible_collections.secops.xdr.plugins.module_utils._http.auth import RenewableTokenAuth, Token
from ansible_collections.secops.xdr.plugins.module_utils._http.connection import checked_credential
from ansible_collections.secops.xdr.plugins.module_utils._secrets import SecretKeeper

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")


def answer(status: int, body: bytes, content_type: str = "application/json") -> Answer:
    return Answer("POST", "/path", status, {"Content-Type": content_type}, body, SecretKeeper().shown)


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
        monkeypatch.setattr("ansible_collections.secops.xdr.plugins.module_utils._http.auth.time.monotonic", lambda: clock[0])
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
