# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""How requests prove who they are: one `requests` authentication class a method. Tokens of a server have a file of their own."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from .library import AuthBase

if TYPE_CHECKING:
    from .answers import Answer
    from .library import requests


class Auth(AuthBase):
    """Signs the requests of a client."""

    def renewed_after(self, _answer: Answer, _request: requests.PreparedRequest, _renewals: int) -> bool:
        """True if the answer says that a token has ended, and the request was signed with a new one.

        `_renewals` is how often that was done for this request already.
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
    """A token that the caller has and that cannot be renewed here."""

    def __init__(self, token: str) -> None:
        super().__init__(f"Bearer {token}")


def header_text(text: str) -> str:
    """The text of a header in the form that makes the bytes on the wire UTF-8, for credentials of any script."""
    # http.client writes header text as Latin-1.
    return text.encode().decode("latin-1")
