# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request ends in time even if its answer trickles in, and the outcome of earlier attempts is not forgotten."""

from __future__ import annotations

import itertools
import os
import select
import socket
import threading

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import ConnectionFailedError, NoAnswerError, PermissionDeniedError
from ansible_collections.secops.xdr.plugins.module_utils._http import client as _http
from ansible_collections.secops.xdr.plugins.module_utils._http.client import HttpClient, Operation, Request
from ansible_collections.secops.xdr.plugins.module_utils._http.connection import ConnectionSettings
from ansible_collections.secops.xdr.plugins.module_utils._secrets import SecretKeeper

from support.waiting import wait_until

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
MESSAGE_END = b"\r\n\r\n"


class Server:
    """Answers each connection with the next of these answers: the pieces of one, a twentieth of a second apart."""

    def __init__(self, *answers) -> None:
        self.sent = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self._port = self.listener.getsockname()[1]
        self._answers = answers
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for number, answer in enumerate(self._answers, start=1):
            connection, _address = self.listener.accept()
            if number == len(self._answers):
                self.listener.close()
            with connection:
                asked = b""
                while MESSAGE_END not in asked:
                    asked += connection.recv(65536)
                try:
                    for piece in answer:
                        connection.sendall(piece)
                        self.sent += len(piece)
                        # Until the client goes away, or for a moment.
                        select.select([connection], [], [], 0.05)
                except OSError:
                    continue

    def ask(self, operation=Operation.READ, retries=1, **changes):
        settings = {"validate_certs": False, "ca_path": None, "timeout": 1, "retries": retries, **changes}
        client = HttpClient(ConnectionSettings(base_url=f"http://127.0.0.1:{self._port}", **settings), SecretKeeper())
        return client.request(Request(operation, "GET", "/"), expect=(200,))


def trickle(head: bytes, piece: bytes):
    return itertools.chain([head], itertools.repeat(piece))


@pytest.mark.parametrize(
    "answer",
    [
        ("HTTP/1.1 200 OK\r\n", "X: y\r\n"),
        ("HTTP/1.1 200 O", "K"),
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", " "),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n"),
        ("HTTP/1.1 200 OK\r\n\r\n", " "),
    ],
    ids=["header", "status line", "continue", "body", "chunked body", "body without a length"],
)
def test_an_answer_that_trickles_in_is_given_up_and_not_asked_for_again(monkeypatch, answer):
    monkeypatch.setattr(_http, "SLOWEST_EXCHANGE_FACTOR", 0.5)
    # The answer never ends, and neither would this test.
    server = Server(trickle(*(part.encode() for part in answer)))

    with pytest.raises(NoAnswerError, match=r"trickled in for more than 0\.5 seconds"):
        server.ask()


def test_an_answer_that_is_dropped_is_not_read_to_its_end(naps):
    endless = trickle(b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n")
    server = Server(endless, [WHOLE])

    assert server.ask().status == 200
    assert server.sent < 16 * 1024 * 1024
    assert naps == [] or sum(naps) < 60


def test_the_last_answer_of_a_server_is_read():
    busy = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfull\r\n0\r\n\r\n"

    with pytest.raises(Exception, match="status 503: full"):
        Server([busy], [busy]).ask()


@pytest.mark.parametrize(
    "first",
    [[], [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"], [b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"]],
)
@pytest.mark.parametrize(
    ("second", "clear"),
    [([[b"HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"]], PermissionDeniedError), ([], ConnectionFailedError)],
    ids=["refused", "no connection"],
)
def test_a_refusal_after_an_unclear_attempt_is_unclear_for_a_write(first, second, clear):
    with pytest.raises(NoAnswerError, match="An earlier attempt at the same request got no clear answer") as unclear:
        Server(first, *second).ask(Operation.REPEATABLE_WRITE)
    assert unclear.value.outcome_unknown

    with pytest.raises(clear):
        Server(first, *second).ask(Operation.READ)


def test_a_refusal_after_too_many_requests_is_clear():
    busy = b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    with pytest.raises(PermissionDeniedError):
        Server([busy], [b"HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"]).ask(Operation.REPEATABLE_WRITE)


def test_an_answer_says_whether_its_request_may_have_been_carried_out_twice():
    assert not Server([WHOLE]).ask(Operation.REPEATABLE_WRITE).is_repeated
    assert Server([], [WHOLE]).ask(Operation.REPEATABLE_WRITE).is_repeated


def test_nothing_is_left_behind():
    def handles() -> int:
        return len(os.listdir("/proc/self/fd"))

    Server([WHOLE]).ask()
    before, threads = handles(), threading.active_count()
    for _number in range(20):
        Server([WHOLE]).ask()
    wait_until(lambda: handles() <= before + 5 and threading.active_count() <= threads + 2)
