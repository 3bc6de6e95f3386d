# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The authentication of requests to Stellar Cyber: a JWT (for a user or a scoped key), HTTP Basic, or a token from the caller."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from .._argspec import environment_value
from .._errors import AuthenticationError, InputError, NotFoundError
from .._http.auth import BasicAuth, BearerAuth, RenewableTokenAuth, Token, issued_token, number_in, plausible_seconds
from .._http.client import Operation, Request
from .._http.connection import checked_credential
from .paths import TOKEN_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._http.answers import Answer
    from .._http.auth import Auth
    from .._http.client import HttpClient
    from .._secrets import SecretKeeper

JWT = "jwt"
BASIC = "basic"
SCOPED_KEY = "scoped_key"
ACCESS_TOKEN = "access_token"
DEFAULT_TOKEN_SECONDS = 600.0
"""Ten minutes, as the vendor documents; used where the answer has no `exp`."""
_LATEST_EXP = 10**11
"""The largest plausible epoch seconds."""
_OTHER_TASKS = (
    "If other tasks log in with the same key at the same time, each new token may end theirs; run them one after the other, or give them "
    "keys of their own."
)
_ADVICE = {
    JWT: (
        "Check username (its case matters), api_key, and that both belong to this host. A scoped key needs `auth_method: scoped_key`, and "
        "no username."
    ),
    BASIC: "Check username and api_key. Newer servers accept Basic only to issue a token: set auth_method to jwt.",
    SCOPED_KEY: "Check api_key; scoped keys exist from version 5.5 on, and other keys need auth_method jwt and a username.",
    ACCESS_TOKEN: "The token may have ended, they last ten minutes; get a new one, or give api_key instead so that it is renewed.",
}


class StellarCredentials:
    """The credentials from the options and the environment; raises InputError if they are incomplete."""

    def __init__(self, params: Mapping[str, Any], secrets: SecretKeeper, host: str) -> None:
        """`host` is the name of the server in messages."""
        self.method, secret = _chosen(params)
        self._secret = checked_credential(ACCESS_TOKEN if self.method == ACCESS_TOKEN else "api_key", secret)
        self._username = ""
        self.host = host
        secrets.add(self._secret)
        if self.method in (JWT, BASIC):
            self._username = checked_credential("username", params["username"] or "")
            secrets.add_pair(self._username, self._secret)

    @property
    def advice(self) -> str:
        """The advice if the server does not accept these credentials."""
        return _ADVICE[self.method]

    @property
    def never_reads(self) -> bool:
        """True for a scoped key: a refused read does not mean that a gateway refused it."""
        return self.method == SCOPED_KEY

    def auth(self, http: HttpClient) -> Auth:
        """Returns the authentication for all requests of a run."""
        if self.method == BASIC:
            return BasicAuth(self._username, self._secret)
        if self.method == ACCESS_TOKEN:
            return BearerAuth(self._secret)
        login = BasicAuth(self._username, self._secret) if self.method == JWT else BearerAuth(self._secret)
        return RenewableTokenAuth(lambda: self._fetch_token(http, login))

    def explained(self, error: AuthenticationError) -> AuthenticationError:
        """Returns the error with advice for the method in use."""
        where = f"{error.details['method']} {error.details['path']}"
        said = f": {error.reason}" if error.reason else ""
        battle = "" if self.method in (BASIC, ACCESS_TOKEN) or "access_token" in where else f" {_OTHER_TASKS}"
        return error.with_message(f"{where} was refused with status {error.status} by {self.host}{said}. {self.advice}{battle}")

    @property
    def _token_form(self) -> dict[str, str] | None:
        # Like the vendor's own clients: a form type for users, nothing for scoped keys.
        return None if self.method == SCOPED_KEY else {}

    def _fetch_token(self, http: HttpClient, login: Auth) -> Token:
        try:
            answer = http.request(Request(Operation.TOKEN, "POST", TOKEN_PATH, form=self._token_form), expect=(200, 201), auth=login)
        except NotFoundError as error:
            message = f"{error.message} A Stellar Cyber server has this path: `host` may be another product."
            raise error.with_message(message) from error
        value, fields = issued_token(answer, "a Stellar Cyber server")
        http.secrets.add(value)
        return Token.lasting(value, _seconds_of_life(fields, answer))


def _chosen(params: Mapping[str, Any]) -> tuple[str, str]:
    """Returns the method and its secret: from the task, otherwise from the environment, where the key takes precedence."""
    for name, value in (
        ("api_key", params["api_key"]),
        (ACCESS_TOKEN, params["access_token"]),
        ("api_key", environment_value("STELLAR_API_KEY")),
        (ACCESS_TOKEN, environment_value("STELLAR_ACCESS_TOKEN")),
    ):
        if value:
            return (ACCESS_TOKEN if name == ACCESS_TOKEN else _method_for_key(params)), value
    raise InputError(
        "api_key: no credentials were given. Set username and api_key (STELLAR_USERNAME, STELLAR_API_KEY), "
        "api_key alone with auth_method scoped_key, or access_token (STELLAR_ACCESS_TOKEN)."
    )


def _method_for_key(params: Mapping[str, Any]) -> str:
    method: str = params["auth_method"]
    if method != SCOPED_KEY and not params["username"]:
        raise InputError(
            f"username: auth_method {method} needs the user (email address) that the api_key belongs to; "
            "set username (STELLAR_USERNAME), or auth_method to scoped_key where the key is a scoped one."
        )
    return method


def _seconds_of_life(fields: Mapping[str, Any], answer: Answer) -> float:
    """The lifetime of a token. The server gives its expiry in epoch seconds of its own clock, which may differ from this host's."""
    end = number_in(fields.get("exp"))
    if end is None or not 0 < end < _LATEST_EXP:
        return plausible_seconds(fields.get("expires_in"), DEFAULT_TOKEN_SECONDS)
    return plausible_seconds(end - _server_time(answer), DEFAULT_TOKEN_SECONDS)


def _server_time(answer: Answer) -> float:
    try:
        return parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return time.time()
