# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m emulator`: play ExtraHop and Stellar Cyber until interrupted."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from ._emulator import Emulator
from ._running import environment
from ._server import Server
from ._settings import SettingError, Settings
from ._tls import CERTIFICATES, prepare, write_atomically

_CREDENTIALS = ("api_key", "client_id", "client_secret", "username", "stellar_api_key", "scoped_key")


def main() -> int:
    """Run until SIGINT or SIGTERM, and return the exit code."""
    options = _parser().parse_args()
    try:
        settings = Settings(**_settings(options))
        emulator = Emulator(settings)
        if options.events:
            emulator.stellar.add_events(json.loads(Path(options.events).read_text(encoding="utf-8")))
        if options.state_dir:
            options.state_dir.mkdir(parents=True, exist_ok=True)
            return asyncio.run(_serve(emulator, options, options.state_dir.resolve()))
        with tempfile.TemporaryDirectory(prefix="xdr-emulator-") as folder:
            return asyncio.run(_serve(emulator, options, Path(folder)))
    except (SettingError, OSError, ValueError) as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8443, help="0 lets the system choose (default: %(default)s)")
    parser.add_argument("--state-dir", type=Path, help="folder for the CA file (default: a temporary one)")
    parser.add_argument("--ready-file", type=Path, help="write url, ca_path, pid and credentials here as JSON")
    parser.add_argument("--certificate", choices=CERTIFICATES, default="good", help="what to show (%(default)s)")
    for name in _CREDENTIALS:
        parser.add_argument(f"--{name.replace('_', '-')}", help=f"(default: {getattr(Settings, name)})")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any setting; VALUE as JSON")
    parser.add_argument("--events", type=Path, help="a JSON list of security events to start with")
    return parser


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(options, name) for name in _CREDENTIALS if getattr(options, name) is not None}
    for assignment in options.set:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise SettingError(f"--set: expected NAME=VALUE, got {assignment!r}")
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
        # A value that is valid JSON, such as expired_token=401, is still read as a string if the setting is a string.
        if isinstance(getattr(Settings, name, None), str):
            values[name] = text
    Settings.check(values)
    return values


async def _serve(emulator: Emulator, options: argparse.Namespace, folder: Path) -> int:
    tls, ca_path = prepare(options.certificate, folder)
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    server = Server(emulator, tls)
    try:
        port = await server.start(options.host, options.port)
        address = "127.0.0.1" if options.host in ("", "0.0.0.0") else options.host
        host = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        _announce(emulator, f"{'https' if tls else 'http'}://{host}", host, str(ca_path), options.ready_file)
        await end.wait()
    finally:
        await server.stop()
    return 0


def _announce(emulator: Emulator, url: str, host: str, ca_path: str, ready_file: Path | None) -> None:
    settings = emulator.settings
    variables = environment(settings, host if url.startswith("https") else url, ca_path)
    # The emulator loses its data when it stops. With an old ledger, the next emulator would receive nothing.
    variables["SECOPS_XDR_LEDGER"] = str(Path(ca_path).with_name("ledger.sqlite3"))
    print(f"Emulator of ExtraHop and Stellar Cyber: {url}")
    print(f"Its content: {url}/_emulator")
    print(f"CA file: {ca_path}")
    print(f"RevealX 360 client: {settings.client_id} with the secret {settings.client_secret}")
    print(f"Stellar Cyber scoped key: {settings.scoped_key}")
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    print("Ready. Stop it with Ctrl+C.", flush=True)
    if ready_file is not None:
        credentials = {name: getattr(settings, name) for name in _CREDENTIALS}
        ready = {"url": url, "host": host, "ca_path": ca_path, "pid": os.getpid(), "environment": variables}
        write_atomically(ready_file, json.dumps({**ready, "credentials": credentials}, indent=2).encode())


if __name__ == "__main__":
    sys.exit(main())
