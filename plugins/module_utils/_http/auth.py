# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Authentication: one `requests` class for each method.

Tokens are fetched once for all threads of a run, renewed before they expire, and fetched again if a server says that one has expired.
"""

from __future__ import annotations

import base64
import json
import random
import re
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors import AnswerError, RequestError
from .library import AuthBase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .answers import Answer
    from .library import requests

RENEW_BEFORE_END_SECONDS = 60.0
_READ_BYTES = 4096
_LONGEST_TOKEN_SECONDS = 86_400.0
_TOKEN = re.compile(r"[\x21-\x7e]+\Z")
_TOKEN_NAMES = ("access_token", "accessToken", "token")
_BEARER = re.compile(r"bearer\s+", re.IGNORECASE)
_ENDED_STATUSES = (401, 419, 440, 498)
_ENDED = re.compile(
    r"(?:token|jwt)\b.{0,60}\b(?:invalid|expired?|ended|revoked|unknown|not (?:valid|active|found))\b"
    r"|\b(?:invalid|expired|revoked|unknown)[ _-](?:\w+[ _-]){0,3}(?:token|jwt)\b"
    r"|(?:token|jwt)(?:expired|invalid)|(?:expired|invalid)(?:token|jwt)",
    re.IGNORECASE | re.DOTALL,
)
"""Texts with which servers and gateways report an expired token, with 400 or 403."""
_INVALID = re.compile(r"\s*[\"']?invalid(?![ _]?request)", re.IGNORECASE)
_SESSION_ENDED = re.compile(r"\b(session|credentials?|authentication|login)\W.{0,40}(expired|ended|timed out)", re.IGNORECASE | re.DOTALL)
_FOREIGN_TOKEN = re.compile(r"\b(csrf|xsrf)\b", re.IGNORECASE)
_MAX_RENEWALS = 4
"""Each new token may invalidate the previous one, so two simultaneous tasks may invalidate each other's tokens for a while."""
LONGEST_PAUSE_SECONDS = 1.0


class Auth(AuthBase):
    """Signs the requests of a client."""

    def renewed_after(self, _answer: Answer, _request: requests.PreparedRequest, _renewals: int) -> bool:
        """Signs the request with a new token if the answer says that the old one has expired, and returns whether it did.

        `_renewals` is the number of times that this was done for this request.
        """
        return False


class HeaderAuth(Auth):
    """A fixed Authorization header, such as ExtraHop's API key."""

    def __init__(self, header: str) -> None:
        self._header = header_text(header)

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
    """A token from the caller, which cannot be renewed here."""

    def __init__(self, token: str) -> None:
        super().__init__(f"Bearer {token}")


def header_text(text: str) -> str:
    """Encodes the text of a header so that it is sent as UTF-8, for credentials in any script."""
    # http.client writes header text as Latin-1.
    return text.encode().decode("latin-1")


class Token(NamedTuple):
    """A bearer token and its expiry on this host's monotonic clock, in seconds."""

    value: str
    ends_at: float

    @classmethod
    def lasting(cls, value: str, seconds: float) -> Token:
        """Returns a token that was just issued for this many seconds."""
        return cls(value, time.monotonic() + seconds)

    @property
    def header(self) -> str:
        """The value of the Authorization header."""
        return header_text(f"Bearer {self.value}")

    @property
    def renew_at(self) -> float:
        """The time to fetch the next token: well before this one expires, but not immediately if it is short-lived."""
        left = self.ends_at - time.monotonic()
        return self.ends_at - min(RENEW_BEFORE_END_SECONDS, left / 2)


def issued_token(answer: Answer, product: str) -> tuple[str, Mapping[str, Any]]:
    """Returns the token in the answer to a login, and the object that contains its lifetime.

    Raises AnswerError if there is none. The message does not show the answer: it may contain a token under an unexpected name.
    """
    try:
        value = None if answer.is_html else json.loads(answer.text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        value = None
    # Some gateways wrap the whole answer in another object.
    for fields in [value, *value.values()] if isinstance(value, dict) else []:
        for name in _TOKEN_NAMES if isinstance(fields, dict) else ():
            text = fields.get(name)
            token = _BEARER.sub("", text.strip()) if isinstance(text, str) else ""
            if _TOKEN.match(token):
                return token, fields
    page = " and an HTML page, perhaps a login page of a proxy" if answer.is_html else ""
    raise AnswerError(
        f"{answer.method} {answer.path} was answered without an access_token (status {answer.status}{page}). "
        f"Check that `host` names {product}.",
        status=answer.status,
        method=answer.method,
        path=answer.path,
    )


def plausible_seconds(value: object, otherwise: float) -> float:
    """Returns the lifetime of a token in seconds, if the server's value is plausible; otherwise the default."""
    seconds = number_in(value)
    return seconds if seconds is not None and 0 < seconds <= _LONGEST_TOKEN_SECONDS else otherwise


def number_in(value: object) -> float | None:
    """Returns a number from JSON, or from a string that contains one; None for everything else."""
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return number


class RenewableTokenAuth(Auth):
    """A bearer token from `fetch`, which is called once for all threads."""

    def __init__(self, fetch: Callable[[], Token]) -> None:
        self._fetch = fetch
        self._token: Token | None = None
        self._renew_at = 0.0
        self._lock = threading.Lock()
        self._worked = False

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Signs the request with a token that has not expired."""
        request.headers["Authorization"] = self._current().header
        return request

    def renewed_after(self, answer: Answer, request: requests.PreparedRequest, renewals: int) -> bool:
        """Signs the request again if the server said that its token has expired. Another thread may have renewed it already.

        A token that no request has succeeded with is renewed only once: a new login does not help an account without rights.
        """
        used = request.headers["Authorization"]
        if not says_token_ended(answer):
            self._worked = self._worked or answer.status < 400
            return False
        if renewals >= (_MAX_RENEWALS if self._worked else 1):
            return False
        if renewals:
            # After a random pause, so that two tasks do not keep invalidating each other's tokens.
            time.sleep(random.SystemRandom().uniform(0.0, LONGEST_PAUSE_SECONDS))
        with self._lock:
            if self._token is not None and self._token.header == used:
                self._token = None
        self(request)
        return True

    def _fetched(self) -> Token:
        try:
            return self._fetch()
        except RequestError as error:
            # This request changed nothing, whatever its outcome, and the request that needs the token was not sent.
            raise error.with_known_outcome() from error

    def _current(self) -> Token:
        with self._lock:
            if self._token is None or time.monotonic() >= self._renew_at:
                self._token = self._fetched()
                self._renew_at = self._token.renew_at
            return self._token


def says_token_ended(answer: Answer) -> bool:
    """True if a new token is needed: a 401 or a similar status, or a 400 or 403 with a text known from tokens that expired early.

    The full answer decides, not the part that may be shown. An unnecessary login does no harm.
    """
    if answer.status in _ENDED_STATUSES:
        return True
    if answer.status not in (400, 403):
        return False
    text = answer.body[:_READ_BYTES].decode("utf-8", errors="replace")
    if _FOREIGN_TOKEN.search(text):
        return False
    return bool(_ENDED.search(text) or _SESSION_ENDED.search(text)) or (answer.status == 400 and any(map(_INVALID.match, _messages(text))))


def _messages(text: str) -> tuple[str, ...]:
    """The text of an answer: all of it, or the texts of its JSON object except those that name a kind of error."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return (text,)
    if not isinstance(value, dict):
        return (text,)
    return tuple(said for name, said in value.items() if isinstance(said, str) and name not in ("type", "error", "code"))
