# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Requests under way: how long an attempt may take, whether it may have arrived, after which failures it is repeated and when.

The libraries bound each wait for the next bytes. A server that sends a byte now and then outlasts every such bound, be it in the TLS
handshake, in the header or in the body. So a clock runs beside each attempt, and shuts its connection when the time is up.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from http.client import BadStatusLine, HTTPResponse
from typing import TYPE_CHECKING, Any

from .library import (
    HTTPAdapter,
    HTTPConnection,
    HTTPConnectionPool,
    HTTPError,
    HTTPSConnection,
    HTTPSConnectionPool,
    ProtocolError,
    ProxyError,
    Retry,
)

if TYPE_CHECKING:
    from types import TracebackType

    from urllib3 import PoolManager, ProxyManager
    from urllib3.connectionpool import ConnectionPool
    from urllib3.response import BaseHTTPResponse

MAX_RETRY_AFTER_SECONDS = 60.0
"""A longer `Retry-After` is cut to this: a task must not hang because a server says so."""
_BACKOFF_SECONDS = 0.5
_LONGEST_DRAINED = 64 * 1024
_SURELY_NOT_DONE = frozenset({429})
_BUSY = _SURELY_NOT_DONE | {408, 425, 502, 503, 504, 520, 521, 522, 523, 524, 527, 529, 530, 598, 599}
"""Too much to do, or a gateway that could not reach the server in time. Those from 520 on are of Cloudflare and other proxies."""
_MAX_INFORMATIONAL = 100
_SWITCHING = 101
_IDLE_SECONDS = 3600.0

_this_thread = threading.local()


class _Clock:
    """Shuts connections whose time is up. One thread does so for all exchanges: one for each of them would cost more than its request."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ends: dict[Exchange, float] = {}
        self._looks_at = 0.0
        """When the thread looks again, by time.monotonic()."""
        self._thread: threading.Thread | None = None

    def start(self, exchange: Exchange) -> None:
        """The time of this exchange begins, unless it has begun already."""
        with self._changed:
            if exchange in self._ends:
                return
            end = self._ends[exchange] = time.monotonic() + exchange.seconds
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            elif end < self._looks_at:
                self._changed.notify()

    def stop(self, exchange: Exchange) -> None:
        """Nothing of this exchange is shut any more."""
        with self._changed:
            self._ends.pop(exchange, None)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for exchange in [one for one, end in self._ends.items() if end <= now]:
                    del self._ends[exchange]
                    exchange.shut()
                self._looks_at = min(self._ends.values(), default=now + _IDLE_SECONDS)
                self._changed.wait(self._looks_at - now)


_clock = _Clock()


class Exchange:
    """The attempts at one request, which its thread makes inside a `with` block. `seconds` is how long each of them may take."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.sent = False
        """True if the present attempt has begun to send its request."""
        self.unclear = False
        """True if an earlier attempt may have been carried out."""
        self._descriptor: int | None = None
        self._ended = threading.Lock()
        self._is_over = False

    def __enter__(self) -> Exchange:
        self.begin_attempt()
        _this_thread.exchange = self
        return self

    def __exit__(self, *_error: object) -> None:
        _this_thread.exchange = None
        self._let_go()

    @property
    def is_over(self) -> bool:
        """True if the time of the present attempt was up, so that its connection was shut."""
        return self._is_over

    def begin_attempt(self) -> None:
        """Nothing of the next attempt is sent yet, and its time begins with its connection."""
        self._let_go()
        self.sent = self._is_over = False

    def watch(self, descriptor: int) -> None:
        """Shuts the connection with this descriptor when the time is up. The time runs on from an earlier call of the same attempt."""
        # A descriptor of its own: that of the connection may be closed, and given to something else, at any time.
        own = os.dup(descriptor)
        with self._ended:
            previous, self._descriptor = self._descriptor, own
        if previous is not None:
            os.close(previous)
        _clock.start(self)

    def shut(self) -> None:
        """Shuts the connection, because the time is up."""
        with self._ended:
            if self._descriptor is None:
                return
            self._is_over = True
            with socket.socket(fileno=self._descriptor) as connection, suppress(OSError):
                # The other side may be faster.
                connection.shutdown(socket.SHUT_RDWR)
            self._descriptor = None

    def _let_go(self) -> None:
        _clock.stop(self)
        with self._ended:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


def _exchange_of_this_thread() -> Exchange | None:
    """The exchange that is under way in this thread."""
    exchange: Exchange | None = getattr(_this_thread, "exchange", None)
    return exchange


class _FinalResponse(HTTPResponse):
    """The final answer to a request.

    http.client takes any informational answer but 100 (such as 103) for the final one. Each later request on the connection would then
    get the answer to the one before.
    """

    def begin(self) -> None:
        """Reads status and headers, and passes over informational answers."""
        super().begin()
        for _answer in range(_MAX_INFORMATIONAL):
            if not 100 <= self.status < 200 or self.status == _SWITCHING:
                break
            # begin() does nothing once it has headers.
            vars(self).update(headers=None, msg=None)
            super().begin()
        if 100 <= self.status < 200:
            raise BadStatusLine(str(self.status))


class _WatchedConnection(HTTPConnection):
    """A connection that the exchange of its thread watches from the first moment on."""

    response_class = _FinalResponse

    def _new_conn(self) -> socket.socket:
        # Not in connect(): that returns after the TLS handshake.
        connection = super()._new_conn()
        exchange = _exchange_of_this_thread()
        if exchange:
            exchange.watch(connection.fileno())
        return connection

    def endheaders(self, message_body: Any = None, *, encode_chunked: bool = False) -> None:
        """Sends the request, over a connection that is watched, and notes that it was sent."""
        if self.sock is None:
            self.connect()
        exchange = _exchange_of_this_thread()
        if exchange and self.sock is not None:
            exchange.watch(self.sock.fileno())
            exchange.sent = True
        super().endheaders(message_body, encode_chunked=encode_chunked)


class _WatchedTlsConnection(_WatchedConnection, HTTPSConnection):
    """The same with TLS."""


class _WatchedPool(HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _WatchedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTlsConnection


class WatchedAdapter(HTTPAdapter):
    """Makes all connections, to proxies too, such that the exchange of their thread watches them."""

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        """As `requests` calls it."""
        super().init_poolmanager(*args, **keywords)
        _watch_connections_of(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **keywords: Any) -> ProxyManager:
        """As `requests` calls it."""
        manager: ProxyManager = super().proxy_manager_for(*args, **keywords)
        _watch_connections_of(manager)
        return manager


def _watch_connections_of(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _WatchedPool, "https": _WatchedTlsPool}


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
        exchange = _exchange_of_this_thread()
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
        exchange = _exchange_of_this_thread()
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
