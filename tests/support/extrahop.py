# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the ExtraHop modules against the emulator, and reports what the emulator saw."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator import RunningEmulator
    from support.module_runs import ModuleRun

MODULES = "ansible_collections.secops.xdr.plugins.modules"


class Appliance:
    """The emulator as ExtraHop."""

    NULL = object()
    """An option with this value is given as null."""

    def __init__(self, emulator: RunningEmulator, run_module: Callable[..., ModuleRun]) -> None:
        self.emulator = emulator
        self.connection: dict[str, Any] = {
            "host": emulator.host,
            "ca_path": emulator.ca_path,
            "api_key": emulator.emulator.settings.api_key,
        }
        self._run = run_module

    def run(self, module: str, *, check_mode: bool = False, diff: bool = False, **options: Any) -> ModuleRun:
        """Runs a module; options that are None are left out."""
        given = {name: value for name, value in {**self.connection, **options}.items() if value is not None}
        params = {name: None if value is self.NULL else value for name, value in given.items()}
        return self._run(importlib.import_module(f"{MODULES}.{module}").main, params, check_mode=check_mode, diff=diff)

    def seen(self, kind: str | None = None) -> list[str]:
        """Method and path of the requests below the API, in order."""
        return [f"{one['method']} {one['path'].removeprefix('/api/v1/')}" for one in self.emulator.requests(kind=kind)]

    def bodies(self) -> list[Any]:
        """The bodies of the writes, in order."""
        return [one["body"] for one in self.emulator.writes()]

    def four_times(self, module: str, **options: Any) -> ModuleRun:
        """Runs a task in check mode, for real, again, and again in check mode; returns the real run.

        The plan must be what happens, and nothing may be written by the other three.
        """
        planned = self.run(module, check_mode=True, diff=True, **options)
        assert planned.changed
        done = self.run(module, diff=True, **options)
        assert done.changed
        for name in ("before", "after", "diff"):
            assert planned[name] == done[name]
        for check_mode in (False, True):
            self.emulator.clear_requests()
            again = self.run(module, check_mode=check_mode, diff=True, **options)
            assert not again.changed
            assert again["before"] == again["after"] == done["after"]
            assert again["diff"] == []
            assert self.emulator.writes() == []
        return done
