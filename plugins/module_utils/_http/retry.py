# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Which requests are sent again, after which failures, and how long to wait in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .exchange import exchange_of_this_thread
from .library import HTTPError, ProtocolError, ProxyError, Retry

if TYPE_CHECKING:
    from types import TracebackType

    from urllib3.connectionpool import ConnectionPool
    from urllib3.response import BaseHTTPResponse

MAX_RETRY_AFTER_SECONDS = 60.0
"""A longer `Retry-After` is cut to this: a task must not hang because a server says so."""
_BACKOFF_SECONDS = 0.5
_LONGEST_DRAINED = 64 * 1024
_BUSY = frozenset({429, 502, 503, 504})
_SURELY_NOT_DONE = frozenset({429})


class CappedRetry(Retry):
    """urllib3's Retry, with a bound on `Retry-After` and it repeats after the given statuses only."""

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
        """The retries that are left; raises the error itself where the time of the attempt was up."""
        exchange = exchange_of_this_thread()
        if exchange:
            if isinstance(error, ProxyError) and exchange.sent:
                # For urllib3, whatever breaks behind a proxy failed to reach the proxy.
                error = ProtocolError("Connection aborted.", error.original_error)
            if error and exchange.is_over:
                raise error
            if exchange.sent and not (response and response.status in _SURELY_NOT_DONE):
                exchange.unclear = True
        left = super().increment(method, url, response, error, _pool, _stacktrace)
        if response and (response.length_remaining is None or response.length_remaining > _LONGEST_DRAINED):
            # To use the connection again, urllib3 would read this answer to its end, however long it is.
            response.close()
        return left

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Waits until the next attempt."""
        exchange = exchange_of_this_thread()
        if exchange:
            exchange.begin_attempt()
        super().sleep(response)

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """The seconds that the server asks to wait, at most MAX_RETRY_AFTER_SECONDS."""
        try:
            seconds = super().get_retry_after(response)
        except (ValueError, OverflowError, HTTPError):
            return None
        return None if seconds is None else min(seconds, MAX_RETRY_AFTER_SECONDS)


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
