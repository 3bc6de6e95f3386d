# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The authentication of RevealX 360: client credentials are exchanged for a token.

Sources of the facts: the vendor's guide "Add observations through the REST API" and the vendor's public code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import AuthenticationError
from .._http.answers import reason_of, refusal
from .._http.auth import BasicAuth, RenewableTokenAuth, Token, issued_token, plausible_seconds
from .._http.client import Operation, Request

if TYPE_CHECKING:
    from .._http.client import HttpClient

TOKEN_PATH = "/oauth2/token"
DEFAULT_TOKEN_SECONDS = 3600.0
"""The lifetime of a token if the answer does not state it (the vendor's own client assumes the same)."""


def revealx_auth(http: HttpClient, client_id: str, client_secret: str) -> RenewableTokenAuth:
    """Returns an authentication with a token that is fetched when it is first needed."""
    return RenewableTokenAuth(lambda: _fetch_token(http, client_id, client_secret))


def _fetch_token(http: HttpClient, client_id: str, client_secret: str) -> Token:
    """Logs in to RevealX 360. Client credentials go into a Basic header, because they are no longer accepted in the body."""
    answer = http.request(
        Request(Operation.TOKEN, "POST", TOKEN_PATH, form={"grant_type": "client_credentials"}),
        expect=(200, 400),
        auth=BasicAuth(client_id, client_secret),
    )
    if answer.status == 400:
        # Decided by the raw answer: the part that may be shown depends on the credentials.
        if b"invalid_client" in answer.body:
            message = f"POST {TOKEN_PATH}: the server does not know these client credentials; check client_id, client_secret and `host`."
            raise AuthenticationError(message, answer.status, reason_of(answer), method="POST", path=TOKEN_PATH)
        raise refusal(answer)
    value, fields = issued_token(answer, "a RevealX 360 system")
    http.secrets.add(value)
    return Token.lasting(value, plausible_seconds(fields.get("expires_in"), DEFAULT_TOKEN_SECONDS))
