# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A relay between a module and the emulator, in a thread of this process, that breaks connections on request. It terminates TLS and
understands requests and answers, so that a fault can affect a single byte of a single call.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator._tls import Authority

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine
    from types import TracebackType

_PATIENCE_SECONDS = 900.0
_GONE = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
_LIMIT = 64 * 1024 * 1024


class Talk:
    """One request on its way, read to its end, and the answer to it. Offsets are bytes of the whole message, header and body."""

    def __init__(self, relay: Relay, request: bytes, head_length: int, writer: asyncio.StreamWriter) -> None:
        self.relay = relay
        self.request = request
        self.head_length = head_length
        self._writer = writer

    async def asked(self, upto: int | None = None) -> tuple[bytes, int]:
        """Sends the request, or so many bytes of it, to the server; gives the whole answer and the length of its header."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.relay.upstream)
        try:
            writer.write(self.request[:upto])
            if upto is not None and upto < len(self.request):
                writer.write_eof()
                await reader.read()
                return b"", 0
            return await _message(reader)
        finally:
            writer.close()

    def ask_later(self, seconds: float) -> None:
        """Sends the request to the server after a while, whatever has become of the client, and drops the answer."""

        async def ask() -> None:
            await asyncio.sleep(seconds)
            await self.asked()

        self.relay.late.add(asyncio.ensure_future(ask()))

    async def answer(self, data: bytes) -> None:
        """Sends bytes to the client; raises ConnectionResetError where it has gone."""
        # Where nothing has to wait, the loop would never come to see that.
        await asyncio.sleep(0)
        if self._writer.is_closing():
            raise ConnectionResetError
        self._writer.write(data)
        await self._writer.drain()

    def reset(self) -> None:
        """Ends the connection to the client like a crashed host."""
        reset_connection(self._writer)

    def close(self) -> None:
        """Closes the connection to the client properly."""
        self._writer.close()

    async def hang(self) -> None:
        """Does nothing more until the client disconnects or the relay is repaired."""
        await asyncio.sleep(3600)


Fault = Callable[[Talk], Awaitable[None]]


@dataclass
class _Played:
    fault: Fault
    call: str
    left: int | None
    skipped: int


class Listener(ABC):
    """A port of this host, served by a thread between `start` and `stop`, or inside a `with` block."""

    def __init__(self, upstream: int, context: ssl.SSLContext | None) -> None:
        self.upstream = upstream
        self.name = "127.0.0.1"
        self.port = 0
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Any:
        self._thread.start()
        self.in_loop(self.listen())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.in_loop(self.refuse())
        self.in_loop(self.drop_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_SECONDS)
        self._loop.close()

    @property
    def host(self) -> str:
        """`name:port`."""
        return f"{self.name}:{self.port}"

    def in_loop(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs it in the thread of the relay, and waits for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_SECONDS)

    async def listen(self) -> None:
        """Takes connections, on the same port as ever."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._context, limit=_LIMIT)
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Takes no more connections."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            await self._talk(reader, writer)
        except _GONE:
            pass
        except asyncio.CancelledError:
            reset_connection(writer)
        finally:
            self._talks.discard(task)
            writer.close()

    @abstractmethod
    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection."""

    async def drop_all(self) -> None:
        """Ends all connections."""
        talks = list(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


class Relay(Listener):
    """Between HTTPS and an emulator that speaks HTTP."""

    def __init__(self, upstream: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="xdr-relay-")
        self._authority = Authority(Path(self._folder.name))
        self._good = self._authority.context("good")
        super().__init__(upstream, self._good)
        self.ca_path = str(self._authority.path)
        self.met = 0
        self.late: set[asyncio.Future[None]] = set()
        """Requests that are yet to be sent to the server."""
        self._played: _Played | None = None

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._folder.cleanup()

    def break_calls(self, fault: Fault, call: str, *, times: int | None = 1, skip: int = 0) -> None:
        """Plays a fault on requests whose path holds `call`: so many (None: all), after so many that are left alone."""
        self.met = 0
        self._played = _Played(fault, call, times, skip)

    def repair(self) -> None:
        """Passes on everything from now on; whatever still hangs is dropped."""
        self._played = None
        self.name = "127.0.0.1"
        self.in_loop(self._mend())

    async def _mend(self) -> None:
        await asyncio.gather(*self.late)
        self.late.clear()
        await self.drop_all()
        if self._context is not self._good:
            await self.refuse()
            self._context = self._good
        await self.listen()

    async def show(self, certificate: str) -> None:
        """Shows new connections another certificate, as `emulator` names them; `none` speaks plain HTTP."""
        await self.refuse()
        self._context = self._authority.context(certificate)
        await self.listen()

    def _pick(self, path: str) -> Fault | None:
        one = self._played
        if one is None or one.call not in path or one.left == 0:
            return None
        if one.skipped:
            one.skipped -= 1
            return None
        self.met += 1
        if one.left is not None:
            one.left -= 1
        return one.fault

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            request, head_length = await _message(reader)
            talk = Talk(self, request, head_length, writer)
            fault = self._pick(request.split(b" ", 2)[1].decode())
            if fault:
                await fault(talk)
            else:
                answer, _length = await talk.asked()
                await talk.answer(answer)


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, int]:
    """A whole request or answer, and the length of its header with the empty line."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:-2])
    body = b""
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        while not body.endswith(b"0\r\n\r\n"):
            body += await reader.readuntil(b"\r\n")
    else:
        body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
    return head + body, len(head)


def reset_connection(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
