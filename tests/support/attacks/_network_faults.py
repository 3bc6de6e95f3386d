# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of one request and its answer. Each fault says what the server gets to see, and what the client does."""

from __future__ import annotations

import asyncio
import functools
import gzip
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._relay import Fault, Talk

_PIECE = b"x" * 65536
_REQUEST_PARTS = ("first byte", "request line", "header", "end of the header", "body", "last byte")
_ANSWER_PARTS = ("first byte", "status line", "header", "end of the header", "body", "last byte")


def _offset(part: str, head_length: int, length: int) -> int:
    """The number of bytes of a message before the middle, or the end, of a part of it."""
    return {
        "first byte": 1,
        "request line": 9,
        "status line": 12,
        "header": head_length // 2,
        "end of the header": head_length,
        "body": (head_length + length) // 2,
        "last byte": length - 1,
    }[part]


def _request_cut(part: str) -> Fault:
    async def fault(talk: Talk) -> None:
        await talk.asked(_offset(part, talk.head_length, len(talk.request)))
        talk.reset()

    return fault


def _answer_cut(part: str, end: Callable[[Talk], None]) -> Fault:
    async def fault(talk: Talk) -> None:
        answer, head_length = await talk.asked()
        await talk.answer(answer[: _offset(part, head_length, len(answer))])
        end(talk)

    return fault


def _reset(talk: Talk) -> None:
    talk.reset()


def _close(talk: Talk) -> None:
    talk.close()


async def _late(talk: Talk) -> None:
    answer, _length = await talk.asked()
    for byte in answer:
        await asyncio.sleep(0.002)
        await talk.answer(bytes([byte]))


async def _nothing_arrives(talk: Talk) -> None:
    await talk.hang()


async def _no_answer(talk: Talk) -> None:
    await talk.asked()
    await talk.hang()


async def _carried_out_later(talk: Talk) -> None:
    # Behind the client's timeout of a second, and before it has given up looking.
    talk.ask_later(1.3)
    await talk.hang()


async def _reset_before(talk: Talk) -> None:
    talk.reset()


async def _close_before(talk: Talk) -> None:
    talk.close()


async def _reset_after(talk: Talk) -> None:
    await talk.asked()
    talk.reset()


async def _close_after(talk: Talk) -> None:
    await talk.asked()
    talk.close()


def _with_length(change: int) -> Fault:
    """The whole answer, with a Content-Length that is wrong by so many bytes; the connection stays."""

    async def fault(talk: Talk) -> None:
        answer, head_length = await talk.asked()
        length = len(answer) - head_length
        head = re.sub(rb"(?i)content-length: *\d+", b"Content-Length: %d" % max(length + change, 0), answer[:head_length])
        await talk.answer(head + answer[head_length:])

    return fault


async def _without_length(talk: Talk) -> None:
    answer, head_length = await talk.asked()
    head = re.sub(rb"(?i)content-length: *\d+\r\n", b"", answer[:head_length])
    await talk.answer(head + answer[head_length : (head_length + len(answer)) // 2])
    talk.close()


def _endless_body(status: int, *, asks: bool) -> Fault:
    async def fault(talk: Talk) -> None:
        if asks:
            await talk.asked()
        await talk.answer(b"HTTP/1.1 %d Whatever\r\nContent-Type: application/json\r\n\r\n[" % status)
        while True:
            await talk.answer(_PIECE)

    return fault


async def _huge_length(talk: Talk) -> None:
    await talk.asked()
    await talk.answer(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999999999\r\n\r\n[")
    while True:
        await talk.answer(_PIECE)


@functools.cache
def _bomb() -> bytes:
    return gzip.compress(b"0" * 256 * 1024 * 1024, compresslevel=1)


async def _compressed_bomb(talk: Talk) -> None:
    await talk.asked()
    body = _bomb()
    await talk.answer(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body))
    await talk.answer(body)


async def _endless_line(talk: Talk) -> None:
    await talk.asked()
    await talk.answer(b"HTTP/1.1 200 ")
    while True:
        await talk.answer(_PIECE)


async def _endless_header(talk: Talk) -> None:
    await talk.asked()
    await talk.answer(b"HTTP/1.1 200 OK\r\n")
    while True:
        await talk.answer(b"X-More: and more\r\n" * 1000)


async def _endless_continue(talk: Talk) -> None:
    await talk.asked()
    while True:
        await talk.answer(b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0.05)


async def _dripping_header(talk: Talk) -> None:
    await talk.asked()
    await talk.answer(b"HTTP/1.1 200 OK\r\n")
    while True:
        await talk.answer(b"X: y\r\n")
        await asyncio.sleep(0.3)


async def _dripping_body(talk: Talk) -> None:
    await talk.asked()
    await talk.answer(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await talk.answer(b" ")
        await asyncio.sleep(0.3)


def _instead(data: bytes, *, asks: bool = True) -> Fault:
    """These bytes as the answer, then the end of the connection."""

    async def fault(talk: Talk) -> None:
        if asks:
            await talk.asked()
        await talk.answer(data)
        talk.close()

    return fault


def _body_instead(status: int, body: bytes, *, asks: bool = True, more: bytes = b"") -> Fault:
    head = b"HTTP/1.1 %d Whatever\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), more)

    async def fault(talk: Talk) -> None:
        if asks:
            await talk.asked()
        await talk.answer(head + body)

    return fault


async def _two_answers(talk: Talk) -> None:
    answer, _length = await talk.asked()
    await talk.answer(answer + b"HTTP/1.1 500 Of Another\r\nContent-Length: 0\r\n\r\n")


async def _refused_from_now_on(talk: Talk) -> None:
    await talk.relay.refuse()
    talk.reset()


async def _refused_once_done(talk: Talk) -> None:
    await talk.asked()
    await talk.relay.refuse()
    talk.reset()


def _then_shows(certificate: str) -> Fault:
    async def fault(talk: Talk) -> None:
        await talk.asked()
        await talk.relay.show(certificate)
        talk.reset()

    return fault


NETWORK_FAULTS: dict[str, Fault] = {
    "answer comes byte by byte": _late,
    "stall: the request never arrives": _nothing_arrives,
    "stall: the answer never comes": _no_answer,
    "carried out after the client gave up": _carried_out_later,
    "reset before the request": _reset_before,
    "closed before the request": _close_before,
    **{f"reset in the request: {part}": _request_cut(part) for part in _REQUEST_PARTS},
    "reset after the request": _reset_after,
    "closed after the request": _close_after,
    **{f"reset in the answer: {part}": _answer_cut(part, _reset) for part in _ANSWER_PARTS},
    **{f"answer cut short: {part}": _answer_cut(part, _close) for part in _ANSWER_PARTS},
    "Content-Length too long": _with_length(64),
    "Content-Length too short": _with_length(-2),
    "no Content-Length, cut short": _without_length,
    "endless body": _endless_body(200, asks=True),
    "endless body of a 503": _endless_body(503, asks=False),
    "huge Content-Length": _huge_length,
    "compressed bomb": _compressed_bomb,
    "endless status line": _endless_line,
    "endless header": _endless_header,
    "endless 100 Continue": _endless_continue,
    "dripping header": _dripping_header,
    "dripping body": _dripping_body,
    "garbage": _instead(bytes(range(256)) * 8),
    "garbage that breaks off": _instead(b"\x16\x03\x01\x02\x00\x01\x00"),
    "an older HTTP": _instead(b"HTTP/0.9 200 OK\r\n\r\nOK 200"),
    "garbage body": _body_instead(200, b'{"index": "a", \xff\xfe'),
    "body that is no gzip": _body_instead(200, b"plain", more=b"Content-Encoding: gzip\r\n"),
    "deeply nested JSON": _body_instead(200, b"[" * 100_000),
    "login page": _body_instead(200, b"<html><form>Log in</form></html>", asks=False),
    "redirect": _body_instead(302, b"", asks=False, more=b"Location: https://elsewhere.example.com/\r\n"),
    "server error before the work": _body_instead(500, b'{"error": "oops"}', asks=False),
    "server error after the work": _body_instead(500, b'{"error": "oops"}'),
    "bad gateway before the work": _body_instead(502, b"", asks=False),
    "bad gateway after the work": _body_instead(502, b""),
    "busy": _body_instead(503, b"", asks=False, more=b"Retry-After: 0\r\n"),
    "too many requests": _body_instead(429, b"", asks=False, more=b"Retry-After: 0\r\n"),
    "refused as too large": _body_instead(413, b"", asks=False),
    "an answer too many": _two_answers,
    "refused connections before the request": _refused_from_now_on,
    "refused connections once it was done": _refused_once_done,
    "a wrong CA once it was done": _then_shows("untrusted"),
    "an expired certificate once it was done": _then_shows("expired"),
    "a wrong name once it was done": _then_shows("wrong-host"),
    "plain HTTP once it was done": _then_shows("none"),
}
"""By what the tables call them."""

LASTING_FAULTS = frozenset(name for name in NETWORK_FAULTS if not name.startswith(("reset in the", "answer cut short")) or "body" in name)
"""Those that are also played on each attempt, for as long as the first run lasts."""
