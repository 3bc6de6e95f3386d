# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The only file that imports requests, so that a host without it gets a clear message instead of a traceback."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from ansible.module_utils.basic import missing_required_lib

from .._errors import MissingLibraryError

_IMPORT_ERROR: str | None = None

try:
    import requests
    from requests import Session
    from requests.adapters import HTTPAdapter
    from requests.auth import AuthBase
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.exceptions import (
        ConnectTimeoutError,
        HTTPError,
        InsecureRequestWarning,
        NewConnectionError,
        ProtocolError,
        ProxyError,
    )
    from urllib3.util import Retry
except (ImportError, AttributeError, SyntaxError, OSError):
    # The last three are raised if the library is damaged, or built for another Python or OpenSSL.
    _IMPORT_ERROR = traceback.format_exc()
    if not TYPE_CHECKING:
        requests = None
        HTTPAdapter = AuthBase = Session = Retry = HTTPConnection = HTTPConnectionPool = object
        # A separate class, because one class derives from both a plain and a TLS connection.
        HTTPSConnection = HTTPSConnectionPool = type("Missing", (), {})
        ConnectTimeoutError = HTTPError = InsecureRequestWarning = NewConnectionError = ProtocolError = ProxyError = Exception

__all__ = [
    "AuthBase",
    "ConnectTimeoutError",
    "HTTPAdapter",
    "HTTPConnection",
    "HTTPConnectionPool",
    "HTTPError",
    "HTTPSConnection",
    "HTTPSConnectionPool",
    "InsecureRequestWarning",
    "NewConnectionError",
    "ProtocolError",
    "ProxyError",
    "Retry",
    "Session",
    "requests",
    "require_requests",
]


def require_requests() -> None:
    """Raises MissingLibraryError if requests cannot be imported, or if its urllib3 is too old."""
    if _IMPORT_ERROR:
        last_line = _IMPORT_ERROR.strip().rpartition("\n")[2]
        raise MissingLibraryError(f"{missing_required_lib('requests')} ({last_line})", exception=_IMPORT_ERROR)
    if not hasattr(Retry, "DEFAULT_ALLOWED_METHODS"):
        raise MissingLibraryError(missing_required_lib("urllib3 >= 1.26.5"))
