# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivers an answer to the client: complete, or broken as a fault requires."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from ._echoes import echoed
from ._exchange import Call, Reply, html_reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    _Outcome = tuple[web.StreamResponse, int | None]

    from ._faults import Fault

LOGIN_PAGE = (
    "<!DOCTYPE html><html><head><title>Sign in</title></head>"
    "<body><h1>Sign in</h1><form method='post'><input name='user'><input name='password'></form></body></html>"
)
GATEWAY_PAGE = "<html><head><title>Gateway</title></head><body><center><h1>The request was stopped here</h1></center></body></html>"
_PIECE = 64 * 1024
_NOT_HTTP = b"\x00\x15\xffthis is not HTTP\x80\x81\r\n"


@dataclass
class Delivery:
    """The input of a fault: the connection, the request, and the real answer if the work was done."""

    request: web.BaseRequest
    fault: Fault
    call: Call
    reply: Reply

    def broken(self) -> None:
        """Send a TCP reset."""
        transport = self.request.transport
        if transport is None:
            return
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def closed(self) -> None:
        """End the connection without an answer."""
        if self.request.transport is not None:
            self.request.transport.close()

    async def stream(self, reply: Reply, length: int | None) -> web.StreamResponse:
        """Begin an answer whose body is written by hand; `length` is what Content-Length claims."""
        response = web.StreamResponse(status=reply.status, headers=dict(reply.headers))
        if reply.content_type:
            response.headers["Content-Type"] = reply.content_type
        if length is None:
            response.enable_chunked_encoding()
        else:
            response.content_length = length
        await response.prepare(self.request)
        return response


def plain(reply: Reply) -> web.StreamResponse:
    """An answer as it is."""
    response = web.Response(status=reply.status, body=reply.body)
    for name, value in reply.headers:
        response.headers[name] = value
    if reply.content_type:
        response.headers["Content-Type"] = reply.content_type
    elif not reply.body:
        response.headers.pop("Content-Type", None)
    return response


@dataclass(frozen=True)
class Effects:
    """The effects of a fault: `work` carries out the request, `later` schedules work by the emulator's clock. `expired` returns the
    product's answer for an expired token.
    """

    work: Callable[[], Reply]
    expired: Callable[[int], Reply]
    later: Callable[[float, Callable[[], object]], None]


async def play(request: web.BaseRequest, fault: Fault, call: Call, effects: Effects) -> tuple[web.StreamResponse, int | None]:
    """Play a fault; returns the response for the framework and the status that the client saw (None: no answer)."""
    work, expired = effects.work, effects.expired
    if fault.action == "late":
        body = call.body

        def late() -> None:
            # The journal may drop bodies when a request has ended.
            call.body = body
            work()

        effects.later(fault.seconds, late)
        return plain(html_reply(fault.status or 504, GATEWAY_PAGE)), fault.status or 504
    if fault.action == "delay":
        if fault.when == "before":
            await asyncio.sleep(fault.seconds)
            reply = work()
        else:
            reply = work()
            await asyncio.sleep(fault.seconds)
        return plain(reply), reply.status
    reply = work() if fault.works else Reply(200, b"{}", "application/json")
    if fault.action == "expired_token":
        reply = expired(fault.status or 401)
        return plain(reply), reply.status
    if fault.seconds and fault.action != "drip":
        await asyncio.sleep(fault.seconds)
    return await _ACTIONS[fault.action](Delivery(request, fault, call, reply))


async def _status(delivery: Delivery) -> _Outcome:
    fault = delivery.fault
    status = fault.status or 500
    headers = tuple(fault.headers.items())
    if fault.body is None:
        reply = Reply(status, b"", None, headers)
    elif isinstance(fault.body, str):
        reply = Reply(status, fault.body.encode(), "text/plain; charset=utf-8", headers)
    else:
        reply = Reply(status, json.dumps(fault.body).encode(), "application/json", headers)
    return plain(reply), status


async def _reset(delivery: Delivery) -> _Outcome:
    delivery.broken()
    return web.Response(), None


async def _close(delivery: Delivery) -> _Outcome:
    delivery.closed()
    return web.Response(), None


async def _html(delivery: Delivery) -> _Outcome:
    body = delivery.fault.body if isinstance(delivery.fault.body, str) else LOGIN_PAGE
    reply = html_reply(delivery.fault.status or 200, body)
    return plain(reply), reply.status


async def _redirect(delivery: Delivery) -> _Outcome:
    status = delivery.fault.status or 302
    return plain(Reply(status, b"", None, (("Location", delivery.fault.location),))), status


async def _empty(delivery: Delivery) -> _Outcome:
    status = delivery.fault.status or delivery.reply.status
    return plain(Reply(status, b"", delivery.reply.content_type)), status


async def _truncate(delivery: Delivery) -> _Outcome:
    reply = delivery.reply
    response = await delivery.stream(reply, len(reply.body) + delivery.fault.missing)
    await response.write(reply.body)
    delivery.closed()
    return response, reply.status


async def _oversize(delivery: Delivery) -> _Outcome:
    reply = Reply(delivery.reply.status, b"", "application/json")
    response = await delivery.stream(reply, None)
    await response.write(b'["')
    left = delivery.fault.size
    try:
        while left > 0:
            await response.write(b"x" * min(left, _PIECE))
            left -= _PIECE
            # Writing to a fast client never waits, so give the other requests a turn.
            await asyncio.sleep(0)
        await response.write_eof(b'"]')
    except ConnectionError:
        delivery.closed()
    return response, reply.status


async def _drip(delivery: Delivery) -> _Outcome:
    reply, piece = delivery.reply, max(delivery.fault.chunk, 1)
    response = await delivery.stream(reply, len(reply.body))
    try:
        for start in range(0, len(reply.body), piece):
            await response.write(reply.body[start : start + piece])
            await asyncio.sleep(delivery.fault.seconds)
        await response.write_eof()
    except ConnectionError:
        delivery.closed()
    return response, reply.status


async def _garbage(delivery: Delivery) -> _Outcome:
    if not delivery.fault.raw:
        status = delivery.fault.status or 200
        return plain(Reply(status, b"{\xff\xfe" + secrets.token_bytes(64), "application/json")), status
    transport = delivery.request.transport
    if isinstance(transport, asyncio.Transport):
        transport.write(_NOT_HTTP + secrets.token_bytes(64))
    delivery.closed()
    return web.Response(), None


async def _informational(delivery: Delivery) -> _Outcome:
    transport = delivery.request.transport
    if isinstance(transport, asyncio.Transport):
        for status in (delivery.fault.status or 103, 102):
            transport.write(f"HTTP/1.1 {status} Early\r\nLink: </style.css>; rel=preload\r\n\r\n".encode())
    return plain(delivery.reply), delivery.reply.status


async def _echo_authorization(delivery: Delivery) -> _Outcome:
    sent = delivery.call.headers.get("Authorization", "")
    status = delivery.fault.status or 500
    message = echoed(sent, delivery.fault.form)
    body = {"error_message": message, "detail": message, "error": {"reason": message}, "token": message}
    return plain(json_reply(status, body)), status


_ACTIONS: Mapping[str, Callable[[Delivery], Awaitable[_Outcome]]] = {
    "status": _status,
    "reset_before": _reset,
    "reset_after": _reset,
    "close_before": _close,
    "close_after": _close,
    "html": _html,
    "redirect": _redirect,
    "empty": _empty,
    "truncate": _truncate,
    "oversize": _oversize,
    "drip": _drip,
    "garbage": _garbage,
    "informational": _informational,
    "echo_authorization": _echo_authorization,
}
