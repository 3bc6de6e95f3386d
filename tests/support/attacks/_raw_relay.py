# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A relay that knows bytes only and hands TLS through, so that a fault can meet the handshake and each record."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ._relay import Listener, reset_connection


@dataclass
class RawFault:
    """A fault in the bytes of one direction (`up` is to the server) from `offset` on.

    `action` is `reset`, `close`, `stall`, `garble` or `drip`.
    """

    direction: str
    action: str
    offset: int
    times: int | None = 1


class RawRelay(Listener):
    """Bytes for bytes. `passed` counts those of each direction, over all connections since the fault was set."""

    def __init__(self, upstream: int, ca_path: str) -> None:
        super().__init__(upstream, None)
        self.ca_path = ca_path
        self.passed = {"up": 0, "down": 0}
        self.met = 0
        self._fault: RawFault | None = None

    def break_bytes(self, fault: RawFault | None) -> None:
        """Plays this fault, or none, and drops what still hangs."""
        self.in_loop(self.drop_all())
        self._fault = fault
        self.met = 0
        self.passed = {"up": 0, "down": 0}

    def repair(self) -> None:
        """Passes on everything from now on."""
        self.break_bytes(None)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        pumps = [
            asyncio.ensure_future(self._pump("up", reader, server_writer, writer)),
            asyncio.ensure_future(self._pump("down", server_reader, writer, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            server_writer.close()

    async def _pump(self, direction: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter, client: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            fault = self._fault
            here = self.passed[direction]
            if fault and fault.direction == direction and here + len(data) > fault.offset and self.met != fault.times:
                self.met += 1
                cut = max(fault.offset - here, 0)
                self.passed[direction] += cut
                sink.write(data[:cut])
                await sink.drain()
                data = await self._broken(fault, data[cut:], sink, client)
            self.passed[direction] += len(data)
            sink.write(data)
            await sink.drain()

    async def _broken(self, fault: RawFault, data: bytes, sink: asyncio.StreamWriter, client: asyncio.StreamWriter) -> bytes:
        """Does what the fault says; gives the bytes that are passed on after all."""
        if fault.action == "garble":
            return bytes([data[0] ^ 0x55, *data[1:]])
        if fault.action == "reset":
            reset_connection(client)
        elif fault.action == "close":
            client.close()
        elif fault.action == "stall":
            await asyncio.sleep(3600)
        elif fault.action == "drip":
            for byte in data:
                sink.write(bytes([byte]))
                await sink.drain()
                await asyncio.sleep(0.3)
            return b""
        raise ConnectionResetError
