# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Decides after which failures a request is sent again, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .exchange import exchange_of_this_thread
from .library import HTTPError, ProtocolError, ProxyError, Retry

if TYPE_CHECKING:
    from types import TracebackType

    from urllib3.connectionpool import ConnectionPool
    from urllib3.response import BaseHTTPResponse

MAX_RETRY_AFTER_SECONDS = 60.0
"""A longer `Retry-After` is cut to this: a server must not be able to block a task."""
_BACKOFF_SECONDS = 0.5
_LONGEST_DRAINED = 64 * 1024
_SURELY_NOT_DONE = frozenset({429})
_BUSY = _SURELY_NOT_DONE | {408, 425, 502, 503, 504, 520, 521, 522, 523, 524, 527, 529, 530, 598, 599}
"""The server is busy, or a gateway could not reach it in time. Cloudflare and other proxies use the statuses from 520 on."""


class CappedRetry(Retry):
    """urllib3's Retry with a maximum for `Retry-After`. It repeats requests after the given statuses only."""

    # urllib3 would also repeat after a 413 or 503 with Retry-After, even if the policy does not list them. That is not always safe.
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
        """Returns the retries that are left; raises the error itself if the time of the attempt was up."""
        exchange = exchange_of_this_thread()
        if exchange:
            if isinstance(error, ProxyError) and exchange.sent:
                # urllib3 reports every failure behind a proxy as a failure to reach the proxy.
                error = ProtocolError("Connection aborted.", error.original_error)
            if error and exchange.is_over:
                raise error
            if exchange.sent and not (response and response.status in _SURELY_NOT_DONE):
                exchange.unclear = True
        left = super().increment(method, url, response, error, _pool, _stacktrace)
        if response and (response.length_remaining is None or response.length_remaining > _LONGEST_DRAINED):
            # To reuse the connection, urllib3 would read this answer completely, however long it is.
            response.close()
        return left

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Waits before the next attempt."""
        exchange = exchange_of_this_thread()
        if exchange:
            exchange.begin_attempt()
        super().sleep(response)

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Returns the seconds that the server asks to wait, at most MAX_RETRY_AFTER_SECONDS."""
        try:
            seconds = super().get_retry_after(response)
        except (ValueError, OverflowError, HTTPError):
            return None
        return None if seconds is None else min(seconds, MAX_RETRY_AFTER_SECONDS)


class RetryPolicy:
    """The two ways to repeat a request: `repeatable` for what may be done twice, `once` for what may not."""

    def __init__(self, retries: int) -> None:
        self.repeatable = _retry(retries, read=retries, statuses=_BUSY)
        self.once = _retry(retries, read=0, statuses=_SURELY_NOT_DONE)


def _retry(retries: int, *, read: int, statuses: frozenset[int]) -> CappedRetry:
    return CappedRetry(
        total=retries,
        connect=retries,
        read=read,
        status=retries,
        other=0,
        redirect=False,
        allowed_methods=None,
        status_forcelist=statuses,
        backoff_factor=_BACKOFF_SECONDS,
        raise_on_status=False,
    )
