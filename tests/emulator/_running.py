# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulator in a background thread of this process."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

from ._client import Controls, checked
from ._control import answer
from ._emulator import Emulator
from ._exchange import Call
from ._server import Server
from ._tls import prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ._settings import Settings

_Result = TypeVar("_Result")
_PATIENCE = 900.0


class RunningEmulator(Controls):
    """Serves from a thread between `start` and `stop`, or inside a `with` block."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: str = "good",
        state_dir: str | Path | None = None,
    ) -> None:
        self.emulator = Emulator(settings)
        self._address = host
        self._port = port
        self._own_folder = state_dir is None
        self._folder = Path(state_dir if state_dir is not None else tempfile.mkdtemp(prefix="xdr-emulator-"))
        self._folder.mkdir(parents=True, exist_ok=True)
        self._tls, ca_path = prepare(certificate, self._folder)
        self.ca_path = str(ca_path)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    def __enter__(self) -> RunningEmulator:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def host(self) -> str:
        """`address:port`, as the modules' `host` option takes it."""
        return f"[{self._address}]:{self._port}" if ":" in self._address else f"{self._address}:{self._port}"

    @property
    def url(self) -> str:
        """The base URL."""
        return f"{'https' if self._tls else 'http'}://{self.host}"

    def environment(self) -> dict[str, str]:
        """The environment variables that connect the modules to this emulator."""
        return environment(self.emulator.settings, self.url if self._tls is None else self.host, self.ca_path)

    def start(self) -> None:
        """Start serving; returns when requests are answered. Raises OSError if it cannot listen."""
        self._thread = threading.Thread(target=self._run, name="xdr-emulator", daemon=True)
        self._thread.start()
        if not self._ready.wait(_PATIENCE):
            raise TimeoutError("the emulator did not start")
        if self._failure is not None:
            raise OSError(str(self._failure)) from self._failure

    def stop(self) -> None:
        """Stop serving; the data can still be read."""
        if self._thread is not None and self._loop is not None and self._end is not None:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(_PATIENCE)
            self._thread = None
        if self._own_folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def ask(self, method: str, path: str, value: Any = None) -> Any:
        """One control request, without the network. Raises ControlError."""
        name, _mark, query = path.partition("?")
        body = b"" if value is None else json.dumps(value).encode()
        call = Call(method, f"/_emulator/{name}", parse_qsl(query), {}, body)
        reply = self._in_loop(lambda: answer(self.emulator, call))
        return checked(reply.status, reply.body)

    def _in_loop(self, function: Callable[[], _Result]) -> _Result:
        # The loop's thread owns the data.
        if self._thread is None or self._loop is None:
            return function()

        async def run() -> _Result:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_PATIENCE)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        server = Server(self.emulator, self._tls)
        try:
            self._port = await server.start(self._address, self._port)
            self._ready.set()
            await self._end.wait()
        finally:
            await server.stop()


def environment(settings: Settings, host: str, ca_path: str) -> dict[str, str]:
    """The variables that the modules read, for an emulator with these settings."""
    return {
        "EXTRAHOP_HOST": host,
        "EXTRAHOP_API_KEY": settings.api_key,
        "EXTRAHOP_CLIENT_ID": settings.client_id,
        "EXTRAHOP_CLIENT_SECRET": settings.client_secret,
        "EXTRAHOP_CA_PATH": ca_path,
        "STELLAR_HOST": host,
        "STELLAR_USERNAME": settings.username,
        "STELLAR_API_KEY": settings.stellar_api_key,
        "STELLAR_CA_PATH": ca_path,
    }
