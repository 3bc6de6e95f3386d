# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The state of a request under way: how long it may still take, and whether it may have arrived.

The libraries bound each wait for the next bytes. A server that sends a byte now and then outlasts every such bound, be it in the TLS
handshake, in the header or in the body. So a clock runs beside each attempt, and shuts its connection when the time is up.
"""

from __future__ import annotations

import os
import socket
import threading
from http.client import BadStatusLine, HTTPResponse
from typing import TYPE_CHECKING, Any

from .library import (
    HTTPAdapter,
    HTTPConnection,
    HTTPConnectionPool,
    HTTPSConnection,
    HTTPSConnectionPool,
)

if TYPE_CHECKING:
    from urllib3 import PoolManager, ProxyManager

_MAX_INFORMATIONAL = 100
_SWITCHING = 101

_this_thread = threading.local()


class Exchange:
    """The attempts at one request, which its thread makes inside a `with` block. `seconds` is how long each of them may take."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.sent = False
        """True if the present attempt has begun to send its request."""
        self.unclear = False
        """True if an earlier attempt may have been carried out."""
        self._connection: socket.socket | None = None
        self._clock: threading.Timer | None = None
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
        connection = socket.socket(fileno=os.dup(descriptor))
        with self._ended:
            previous, self._connection = self._connection, connection
        if previous:
            previous.close()
        if self._clock is None:
            self._clock = threading.Timer(self.seconds, self._shut)
            self._clock.daemon = True
            self._clock.start()

    def _shut(self) -> None:
        with self._ended:
            if self._connection is None:
                return
            self._is_over = True
            try:
                self._connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                # The other side was faster.
                return

    def _let_go(self) -> None:
        if self._clock:
            self._clock.cancel()
            self._clock = None
        with self._ended:
            if self._connection:
                self._connection.close()
                self._connection = None


def exchange_of_this_thread() -> Exchange | None:
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
        exchange = exchange_of_this_thread()
        if exchange:
            exchange.watch(connection.fileno())
        return connection

    def endheaders(self, message_body: Any = None, *, encode_chunked: bool = False) -> None:
        """Sends the request, over a connection that is watched, and notes that it was sent."""
        if self.sock is None:
            self.connect()
        exchange = exchange_of_this_thread()
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
