# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Requests under way: the time limit of each attempt, and whether the request may have arrived.

The libraries limit each wait for the next bytes. A server that sends single bytes stays below every such limit, in the TLS handshake, in
the header or in the body. So a clock runs beside each attempt and shuts the connection when the time is up.
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
    HTTPSConnection,
    HTTPSConnectionPool,
    requests,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3 import PoolManager, ProxyManager
    from urllib3.connectionpool import ConnectionPool
    from urllib3.response import BaseHTTPResponse

_MAX_INFORMATIONAL = 100
_SWITCHING = 101
_IDLE_SECONDS = 3600.0

_this_thread = threading.local()


class _Clock:
    """Shuts connections whose time is up. One thread serves all exchanges: a thread for each would cost more than the request itself."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ends: dict[Exchange, float] = {}
        self._looks_at = 0.0
        """The next time at which the thread looks, by time.monotonic()."""
        self._thread: threading.Thread | None = None

    def start(self, exchange: Exchange) -> None:
        """Starts the time of this exchange, unless it is running already."""
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
        """Stops the time of this exchange: its connection is not shut any more."""
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
    """The attempts at one request, made by one thread inside a `with` block. `seconds` is the time limit of each attempt."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.sent = False
        """True if the current attempt has begun to send its request."""
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
        """True if the time of the current attempt was up, so that its connection was shut."""
        return self._is_over

    def begin_attempt(self) -> None:
        """Resets the state for the next attempt. Its time starts when it opens or uses a connection."""
        self._let_go()
        self.sent = self._is_over = False

    def watch(self, descriptor: int) -> None:
        """Shuts the connection with this descriptor when the time is up. A second call in one attempt does not restart the time."""
        # A duplicate: the descriptor of the connection itself may be closed and reused for something else at any time.
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
                # The server may have closed it already.
                connection.shutdown(socket.SHUT_RDWR)
            self._descriptor = None

    def _let_go(self) -> None:
        _clock.stop(self)
        with self._ended:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


def exchange_of_this_thread() -> Exchange | None:
    """Returns the exchange that is under way in this thread."""
    exchange: Exchange | None = getattr(_this_thread, "exchange", None)
    return exchange


class _FinalResponse(HTTPResponse):
    """The final answer to a request.

    http.client mistakes informational answers other than 100 (such as 103) for the final one. Each later request on the connection would
    then get the answer to the previous request.
    """

    def begin(self) -> None:
        """Reads status and headers, and skips informational answers."""
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
    """A connection that the exchange of its thread watches from the start."""

    response_class = _FinalResponse

    def _new_conn(self) -> socket.socket:
        # Not in connect(): that returns after the TLS handshake.
        connection = super()._new_conn()
        exchange = exchange_of_this_thread()
        if exchange:
            exchange.watch(connection.fileno())
        return connection

    def endheaders(self, message_body: Any = None, *, encode_chunked: bool = False) -> None:
        """Notes that the request is being sent, and sends it over a watched connection."""
        if self.sock is None:
            self.connect()
        exchange = exchange_of_this_thread()
        if exchange and self.sock is not None:
            exchange.watch(self.sock.fileno())
            exchange.sent = True
        super().endheaders(message_body, encode_chunked=encode_chunked)


class _WatchedTlsConnection(_WatchedConnection, HTTPSConnection):
    """A watched connection with TLS."""


class _WatchedPool(HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _WatchedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTlsConnection


class WatchedAdapter(HTTPAdapter):
    """Opens connections, also to proxies, that the exchange of their thread watches."""

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        """Called by `requests`."""
        super().init_poolmanager(*args, **keywords)
        _watch_connections_of(self.poolmanager)
        self._pool: ConnectionPool | None = None
        self._verified: ConnectionPool | None = None
        self._sends_path = False

    def get_connection_with_tls_context(self, *args: Any, **keywords: Any) -> ConnectionPool:
        """Called by `requests` for each request. All requests of a client go to one server with one set of options, so it looks once."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **keywords)
        return self._pool

    def cert_verify(self, conn: ConnectionPool, *args: Any, **keywords: Any) -> None:
        """Called by `requests` for each request. It looks for the file of authorities, which is needed for new connections only."""
        if conn is not self._verified:
            prepare: Callable[..., None] = super().cert_verify
            prepare(conn, *args, **keywords)
            self._verified = conn

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """Called by `requests`: the path, or the whole URL for a proxy without TLS, which is the same for all requests of a client."""
        if self._sends_path:
            return request.path_url
        url: str = super().request_url(request, proxies)
        self._sends_path = url == request.path_url
        return url

    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        """Called by `requests`. Cookies are not read: nothing sends them back."""
        response = requests.Response()
        response.status_code, response.raw, response.request = resp.status, resp, req
        response.headers = requests.structures.CaseInsensitiveDict(resp.headers)
        return response

    def proxy_manager_for(self, *args: Any, **keywords: Any) -> ProxyManager:
        """Called by `requests`."""
        manager: ProxyManager = super().proxy_manager_for(*args, **keywords)
        _watch_connections_of(manager)
        return manager


def _watch_connections_of(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _WatchedPool, "https": _WatchedTlsPool}
