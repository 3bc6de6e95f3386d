# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the Stellar Cyber modules against the emulator, and reports what the emulator saw."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ansible_collections.secops.xdr.plugins.modules import (
    stellar_case,
    stellar_case_info,
    stellar_ser_event,
    stellar_ser_event_info,
    stellar_ser_update,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from emulator import RunningEmulator
    from support.module_runs import ModuleRun

MODULE_UTILS = "ansible_collections.secops.xdr.plugins.module_utils"
CLOCKED = ("_resources.waiting", "_times.timestamps", "_http.auth", "_database.sqlite")
SEED_TIME = 1619583462308
# What the vendor's script sends, with its time as the document shows it.
SEED_BODY = {
    "event_name": "demo test",
    "detected_field": "my field test",
    "tryout": "test",
    "timestamp": SEED_TIME,
    "event_status": "New",
    "comments": "Test Comment",
    "event_source": "ActZero",
}
SEED_EVENT = {
    "event_name": "demo test",
    "detected_field": "my field test",
    "timestamp": str(SEED_TIME),
    "event_status": "New",
    "event_source": "ActZero",
    "custom_fields": {"tryout": "test", "comments": "Test Comment"},
}


class Stellar:
    """The emulator as Stellar Cyber, and this host with its ledger."""

    def __init__(
        self, emulator: RunningEmulator, run_module: Callable[..., ModuleRun], folder: Path, clock: FastClock | None = None
    ) -> None:
        self.emulator = emulator
        self.clock = clock or FastClock(emulator)
        self.connection: dict[str, Any] = {
            "host": emulator.host,
            "ca_path": emulator.ca_path,
            "username": emulator.emulator.settings.username,
            "api_key": emulator.emulator.settings.stellar_api_key,
        }
        self._run = run_module
        self._folder = folder
        self.ledger = str(folder / "ledger.sqlite3")

    def move_to_another_host(self) -> None:
        """Continues with an empty ledger, as on another host."""
        self.ledger = str(self._folder / "another.sqlite3")

    def insert(self, *, check_mode: bool = False, diff: bool = False, **options: Any) -> ModuleRun:
        """Runs stellar_ser_event; options that are None are left out."""
        return self._with(stellar_ser_event.main, {"ledger": self.ledger, **options}, check_mode, diff)

    def update(self, *, check_mode: bool = False, diff: bool = False, **options: Any) -> ModuleRun:
        """Runs stellar_ser_update."""
        return self._with(stellar_ser_update.main, {"ledger": self.ledger, **options}, check_mode, diff)

    def info(self, *, check_mode: bool = False, **options: Any) -> ModuleRun:
        """Runs stellar_ser_event_info."""
        return self._with(stellar_ser_event_info.main, options, check_mode, False)

    def case(self, *, check_mode: bool = False, diff: bool = False, **options: Any) -> ModuleRun:
        """Runs stellar_case."""
        return self._with(stellar_case.main, {"ledger": self.ledger, **options}, check_mode, diff)

    def cases(self, *, check_mode: bool = False, **options: Any) -> ModuleRun:
        """Runs stellar_case_info."""
        return self._with(stellar_case_info.main, options, check_mode, False)

    def sources(self) -> list[dict[str, Any]]:
        """The events that the server holds."""
        return [event["_source"] for event in self.emulator.events()]

    def seen(self, kind: str | None = None) -> list[str]:
        """Method and last part of the path of the requests, in order."""
        return [f"{one['method']} {one['path'].rpartition('/')[2]}" for one in self.emulator.requests(kind=kind)]

    def bodies(self) -> list[Any]:
        """The bodies of the writes, in order."""
        return [one["body"] for one in self.emulator.writes()]

    def _with(self, main: Callable[[], None], options: dict[str, Any], check_mode: bool, diff: bool) -> ModuleRun:
        params = {name: value for name, value in {**self.connection, **options}.items() if value is not None}
        return self._run(main, params, check_mode=check_mode, diff=diff)


class FastClock:
    """Replaces the time module where modules and ledgers wait for a server: nothing waits, and the server's clock advances too."""

    def __init__(self, emulator: RunningEmulator | None = None) -> None:
        self.slept = 0.0
        self._emulator = emulator

    def sleep(self, seconds: float) -> None:
        """Goes forward, foreverybody."""
        self.slept += seconds
        if self._emulator is not None:
            self._emulator.advance(seconds)

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic() + self.slept

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self.slept

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def set_clock(monkeypatch: pytest.MonkeyPatch, emulator: RunningEmulator | None = None) -> FastClock:
    """Replaces the clock, so that tests do not wait for a server; returns the new clock."""
    clock = FastClock(emulator)
    for module in CLOCKED:
        monkeypatch.setattr(f"{MODULE_UTILS}.{module}.time", clock)
    return clock
