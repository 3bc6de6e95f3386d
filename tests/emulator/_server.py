# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTPS server: reads requests, plays faults, sends answers."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from aiohttp import web

from ._control import PREFIX, answer
from ._delivery import Effects, plain, play
from ._exchange import Call, Reply

if TYPE_CHECKING:
    from ._emulator import Emulator

_QUIET_ERRORS = (ConnectionError, ssl.SSLError, TimeoutError)


class Server:
    """Serves one emulator on one port."""

    def __init__(self, emulator: Emulator, tls: ssl.SSLContext | None) -> None:
        self._emulator = emulator
        self._tls = tls
        self._runner: web.ServerRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port, which the system chooses if `port` is 0."""
        asyncio.get_running_loop().set_exception_handler(_drop_broken_connections)
        # web.Server, not web.Application: paths must reach us exactly as they were sent, with %2F and dots.
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, ssl_context=self._tls, backlog=512).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close every connection and stop."""
        if self._runner is None or self._runner.server is None:
            return
        transports = [one.transport for one in self._runner.server.connections]
        await self._runner.cleanup()
        # Over TLS, a connection that was closed waits for the client's goodbye, which may never come.
        for transport in transports:
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        emulator = self._emulator
        try:
            call = await _read(request, emulator.settings.max_body)
        except (ConnectionError, web.RequestPayloadError):
            # The client disconnected in the middle of its request, or sent an invalid one: there is nothing to answer.
            return plain(Reply(400))
        if call is None:
            return plain(Reply(413))
        if call.segments and call.segments[0] == PREFIX:
            return plain(answer(emulator, call))
        target = emulator.find(call)
        entry = emulator.journal.open(call, target.name, target.label, target.kind)
        fault = emulator.faults.pick(call, target.kind, target.name)

        resets = emulator.resets

        def work() -> Reply:
            if emulator.resets != resets:
                # The request was delayed since before a reset and must not affect the new state.
                return Reply(503)
            entry.worked = True
            return emulator.work(call, target)

        status: int | None = None
        try:
            if emulator.settings.latency:
                await asyncio.sleep(emulator.settings.latency)
            if fault is None:
                reply = work()
                status = reply.status
                return plain(reply)
            entry.fault = fault.action
            effects = Effects(work, lambda code: emulator.expired(target, code), emulator.clock.later)
            response, status = await play(request, fault, call, effects)
            return response
        finally:
            if emulator.resets == resets:
                emulator.journal.close(entry, status)


@dataclass
class _Peer:
    """Names the connection of a request, so that tests can see it kept alive."""

    request: web.BaseRequest

    def __str__(self) -> str:
        transport = self.request.transport
        peer = transport.get_extra_info("peername") if transport is not None else None
        return f"{peer[0]}:{peer[1]}" if peer else ""


async def _read(request: web.BaseRequest, limit: int) -> Call | None:
    """The whole request; None when its body is longer than `limit` bytes."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.content.iter_any():
        size += len(piece)
        if size > limit:
            return None
        pieces.append(piece)
    # raw_path is the path on the wire; every other attribute has been decoded or normalised.
    path, _mark, query = request.raw_path.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    return Call(request.method, path, pairs, request.headers, b"".join(pieces), str(_Peer(request)))


def _drop_broken_connections(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # Clients that give up, do not trust the certificate or are killed are normal here.
    if not isinstance(context.get("exception"), _QUIET_ERRORS):
        loop.default_exception_handler(context)
