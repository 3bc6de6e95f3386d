# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compressed answers: not requested, accepted if they are harmless, and refused if a few bytes could expand to very many."""

from __future__ import annotations

import gzip
import socket
import threading
import zlib
from contextlib import contextmanager

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import AnswerError, NoAnswerError
from ansible_collections.secops.xdr.plugins.module_utils._http.client import HttpClient, Operation, Request
from ansible_collections.secops.xdr.plugins.module_utils._http.connection import ConnectionSettings
from ansible_collections.secops.xdr.plugins.module_utils._secrets import SecretKeeper

PATIENCE_SECONDS = 900
BODY = b'{"a": 1}'


@contextmanager
def server(headers: bytes, body: bytes):
    """Answers one request with these bytes; yields a client for it, and what the request was."""
    requests: list[bytes] = []

    def serve() -> None:
        connection, _address = listener.accept()
        with connection:
            requests.append(connection.recv(65_536))
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + headers + b"\r\n" + body)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_SECONDS)
        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield HttpClient(ConnectionSettings(url, validate_certs=False, ca_path=None, timeout=5, retries=0), SecretKeeper()), requests
        thread.join()


def get(client) -> bytes:
    return client.request(Request(Operation.READ, "GET", "/x"), expect=(200,)).body


def test_no_compression_is_asked_for():
    with server(b"", BODY) as (client, requests):
        assert get(client) == BODY
    assert b"Accept-Encoding: identity\r\n" in requests[0]


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (b"Content-Encoding: gzip\r\n", gzip.compress(BODY)),
        (b"Content-Encoding: GZIP\r\n", gzip.compress(BODY)),
        (b"Content-Encoding: utf-8\r\n", BODY),
        (b"Content-Encoding: none\r\n", BODY),
        (b"Content-Encoding: deflate\r\n", zlib.compress(BODY)),
        (b"Content-Encoding: identity\r\n", BODY),
        (b"Content-Encoding:\r\n", BODY),
    ],
    ids=["gzip", "capitals", "characters", "none", "deflate", "identity", "empty"],
)
def test_what_proxies_compress_all_the_same_is_read(header, body):
    with server(header, body) as (client, _requests):
        assert get(client) == BODY


@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"gzip, gzip", b"gzip,deflate,gzip", b"x\x1b[31m"])
def test_other_encodings_are_refused_unread(encoding):
    with server(b"Content-Encoding: " + encoding + b"\r\n", gzip.compress(gzip.compress(BODY))) as (client, _requests):
        with pytest.raises(AnswerError, match="in an encoding that was not requested") as caught:
            get(client)
        assert caught.value.message.isprintable()
        assert caught.value.outcome_unknown


def test_a_small_answer_that_becomes_very_large_is_refused():
    bomb = gzip.compress(bytes(128 * 1024 * 1024))
    with (
        server(b"Content-Encoding: gzip\r\n", bomb) as (client, _requests),
        pytest.raises(AnswerError, match=r"more than 64 MiB.* Check that `host`"),
    ):
        get(client)


def test_an_answer_that_is_not_compressed_as_it_says():
    with (
        server(b"Content-Encoding: gzip\r\n", BODY) as (client, _requests),
        pytest.raises(NoAnswerError, match="not compressed as its"),
    ):
        get(client)


def test_an_answer_that_is_compressed_and_does_not_say_so():
    with server(b"", gzip.compress(BODY)) as (client, _requests):
        answer = client.request(Request(Operation.READ, "GET", "/x"), expect=(200,))
    with pytest.raises(AnswerError, match="got compressed bytes without the header"):
        answer.json()
