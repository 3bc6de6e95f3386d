# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""How requests prove who they are: one C(requests) authentication class a method.

Tokens are fetched once for all threads of a run, renewed before they end, and fetched again once when a server says that one has ended.
"""

from __future__ import annotations

import base64
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._requests import AuthBase

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.secops.xdr.plugins.module_utils._answers import Answer
    from ansible_collections.secops.xdr.plugins.module_utils._requests import requests

RENEW_BEFORE_END_SECONDS = 60.0
_READ_BYTES = 4096
_ENDED_TEXTS = (b"token is invalid", b"token is expired", b"token has expired", b"token expired", b"invalid_token", b"expired token")


class Token(NamedTuple):
    """A bearer token and its end on this host's monotonic clock, in seconds."""

    value: str
    ends_at: float

    @classmethod
    def lasting(cls, value: str, seconds: float) -> Token:
        """A token that was just handed out for so many seconds."""
        return cls(value, time.monotonic() + seconds)

    @property
    def header(self) -> str:
        """What the Authorization header says."""
        return _as_header(f"Bearer {self.value}")

    @property
    def renew_at(self) -> float:
        """When to fetch the next one: well before the end, but not at once for a token of short life."""
        left = self.ends_at - time.monotonic()
        return self.ends_at - min(RENEW_BEFORE_END_SECONDS, left / 2)


class HeaderAuth(AuthBase):
    """A fixed Authorization header, such as ExtraHop's API key."""

    def __init__(self, header: str) -> None:
        self._header = _as_header(header)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Signs the request."""
        request.headers["Authorization"] = self._header
        return request


class BasicAuth(HeaderAuth):
    """HTTP Basic in UTF-8."""

    def __init__(self, username: str, password: str) -> None:
        pair = f"{username}:{password}".encode()
        super().__init__(f"Basic {base64.b64encode(pair).decode('ascii')}")


class ExtraHopKeyAuth(HeaderAuth):
    """The API key of a sensor or console, as in the vendor's script."""

    def __init__(self, api_key: str) -> None:
        super().__init__(f"ExtraHop apikey={api_key}")


class BearerAuth(HeaderAuth):
    """A token that the caller holds and that cannot be renewed here."""

    def __init__(self, token: str) -> None:
        super().__init__(f"Bearer {token}")


class RenewableTokenAuth(AuthBase):
    """A bearer token that C(fetch) hands out; one fetch serves all threads."""

    def __init__(self, fetch: Callable[[], Token]) -> None:
        self._fetch = fetch
        self._token: Token | None = None
        self._renew_at = 0.0
        self._lock = threading.Lock()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Signs the request with a token that still lasts."""
        request.headers["Authorization"] = self._current().header
        return request

    def renew(self, request: requests.PreparedRequest) -> None:
        """Signs the request anew after the server said that its token has ended. Another thread may have renewed it already."""
        used = request.headers["Authorization"]
        with self._lock:
            if self._token is not None and self._token.header == used:
                self._token = None
        self(request)

    def _current(self) -> Token:
        with self._lock:
            if self._token is None or time.monotonic() >= self._renew_at:
                self._token = self._fetch()
                self._renew_at = self._token.renew_at
            return self._token


def says_token_ended(answer: Answer) -> bool:
    """Whether a new token is needed: a 401, or a 400 with one of the texts seen for ended tokens."""
    if answer.status == 401:
        return True
    body = answer.body[:_READ_BYTES].lower()
    return answer.status == 400 and any(words in body for words in _ENDED_TEXTS)


def checked_credential(option: str, value: str) -> str:
    """The credential without white space around it, as files end with a line break; raises InputError where it cannot be in a header."""
    stripped = value.strip()
    if not stripped:
        raise InputError(f"{option}: the value is empty; check the variable, vault or environment that it comes from.")
    if any(character < " " or character == "\x7f" for character in stripped):
        raise InputError(f"{option}: the value holds a line break or another control character, which no credential of this API has.")
    return stripped


def _as_header(text: str) -> str:
    # http.client writes header text as Latin-1; this way the bytes on the wire are UTF-8, for credentials of any script.
    return text.encode().decode("latin-1")
