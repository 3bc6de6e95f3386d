# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Which requests are sent again, after which failures, and how long to wait in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.secops.xdr.plugins.module_utils._requests import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    Retry,
    SSLError,
)

if TYPE_CHECKING:
    from types import TracebackType

    from urllib3.connectionpool import ConnectionPool
    from urllib3.response import BaseHTTPResponse

MAX_RETRY_AFTER_SECONDS = 60.0
"""A longer C(Retry-After) is cut to this: a task must not hang because a server says so."""
_BACKOFF_SECONDS = 0.5
_BUSY = frozenset({429, 502, 503, 504})
_SURELY_NOT_DONE = frozenset({429})
_TUNNEL_REFUSED = "Tunnel connection failed"  # how http.client begins its message about a proxy's answer


class CappedRetry(Retry):
    """urllib3's Retry, with a bound on C(Retry-After) and no status retried but those it was told."""

    # urllib3 would also repeat a 413 or 503 with Retry-After that the policy leaves out, which is not safe for every operation.
    RETRY_AFTER_STATUS_CODES = frozenset()

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> CappedRetry:
        """The retries that are left. For urllib3, a connection through a proxy that breaks after the request was sent failed to reach
        the proxy; here it counts as what it is, with an outcome that nobody knows."""
        if isinstance(error, ProxyError) and not _kept_from_sending(error.original_error):
            error = ProtocolError("Connection aborted.", error.original_error)
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """The seconds that the server asks to wait, at most MAX_RETRY_AFTER_SECONDS."""
        try:
            seconds = super().get_retry_after(response)
        except (ValueError, OverflowError, HTTPError):
            return None
        return None if seconds is None else min(seconds, MAX_RETRY_AFTER_SECONDS)


def _kept_from_sending(error: Exception) -> bool:
    """Whether this failure with a proxy surely came before the request was sent through it."""
    if isinstance(error, (NewConnectionError, ConnectTimeoutError, SSLError)):
        return True
    return isinstance(error, OSError) and str(error).startswith(_TUNNEL_REFUSED)


class RetryPolicy:
    """The two ways to repeat a request: what may be done twice, and what may not."""

    def __init__(self, retries: int) -> None:
        self.repeatable = CappedRetry(
            total=retries,
            connect=retries,
            read=retries,
            status=retries,
            other=0,
            redirect=False,
            allowed_methods=None,
            status_forcelist=_BUSY,
            backoff_factor=_BACKOFF_SECONDS,
            raise_on_status=False,
        )
        self.once = CappedRetry(
            total=retries,
            connect=retries,
            read=0,
            status=retries,
            other=0,
            redirect=False,
            allowed_methods=None,
            status_forcelist=_SURELY_NOT_DONE,
            backoff_factor=_BACKOFF_SECONDS,
            raise_on_status=False,
        )
