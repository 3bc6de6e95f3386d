# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules in separate processes, many of them: forked from one that has all imports behind it.

Each is a process as good as any, with its own memory, descriptors and limits, that runs the module's real `main()`. It starts in
milliseconds, so that hundreds of attacks fit into minutes.
"""

from __future__ import annotations

import functools
import importlib
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from multiprocessing import connection, forkserver
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from support.module_runs import ModuleRun, as_ansible_takes_it, check_no_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE_SECONDS = 900
MODULES = "ansible_collections.secops.xdr.plugins.modules."
_PRELOADED = [
    f"{MODULES}{name}"
    for name in ("extrahop_detection", "extrahop_device", "extrahop_observation", "stellar_case", "stellar_ser_event", "stellar_ser_update")
]
_OWN = ("EXTRAHOP_", "STELLAR_", "SECOPS_XDR_")
# Whoever starts a process asks all others whether they have ended, by descriptors that another thread may close meanwhile.
_together = threading.Lock()


@dataclass(frozen=True)
class Surroundings:
    """The peculiarities of the host of a run.

    `limits` are soft resource limits by name, such as RLIMIT_FSIZE. `constants` are `module:NAME` of module_utils and their values.
    `clock` is seconds that the wall clock is ahead, `clock_jump` seconds by which it jumps at each look.
    """

    limits: Mapping[str, int] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    clock: float = 0.0
    clock_jump: float = 0.0
    environment: Mapping[str, str] = field(default_factory=dict)

    def arrange(self) -> None:
        """Makes this process the one described."""
        for name in list(os.environ):
            if name.startswith(_OWN) or "proxy" in name.lower():
                del os.environ[name]
        os.environ.update(self.environment)
        for place, value in self.constants.items():
            module, name = place.split(":")
            setattr(importlib.import_module(f"ansible_collections.secops.xdr.plugins.module_utils.{module}"), name, value)
        if self.clock or self.clock_jump:
            time.time = _Clock(self.clock, self.clock_jump)
        for name, limit in self.limits.items():
            resource.setrlimit(getattr(resource, name), (limit, limit))


class _Clock:
    """Stands for `time.time`."""

    def __init__(self, ahead: float, jump: float) -> None:
        self._time = time.time
        self._ahead = ahead
        self._jump = jump

    def __call__(self) -> float:
        self._ahead += self._jump
        return self._time() + self._ahead


class ForkedModule:
    """A run of a module; it begins at once. Use it in a `with` block."""

    def __init__(
        self, module: str, params: Mapping[str, Any], surroundings: Surroundings | None = None, *, check_mode: bool = False
    ) -> None:
        self._params = params
        self._folder = tempfile.TemporaryDirectory(prefix="xdr-run-")
        self.started_at = time.monotonic()
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**params, "_ansible_check_mode": check_mode}}).encode()
        self._process = _context().Process(target=_run, args=(module, arguments, self._folder.name, surroundings or Surroundings()))
        with _together:
            self._process.start()

    def __enter__(self) -> ForkedModule:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()
        with _together:
            self._process.close()
        self._folder.cleanup()

    @property
    def has_ended(self) -> bool:
        """True if it ended by itself or was killed."""
        with _together:
            return not self._process.is_alive()

    def kill(self) -> None:
        """As `kill -9` does; nothing, where it has ended."""
        with _together:
            self._process.kill()
        self._wait()

    def result(self) -> ModuleRun:
        """Waits for its end; fails where it is killed, hangs, writes to stderr, or shows a secret."""
        self._wait()
        assert self.has_ended, f"it has not ended within {PATIENCE_SECONDS} seconds"
        paths = [Path(self._folder.name) / name for name in ("stdout", "stderr", "status")]
        printed, said, status = (path.read_text(encoding="utf-8") if path.exists() else "" for path in paths)
        assert said == "", said
        run = as_ansible_takes_it(printed)
        assert status == ("1" if run.failed else "0"), f"it ended with {status}: {printed}"
        check_no_secret(self._params, run.printed)
        return run

    def _wait(self) -> None:
        connection.wait([self._process.sentinel], PATIENCE_SECONDS)
        with _together:
            self._process.join(0)


def run_forked(module: str, params: Mapping[str, Any], surroundings: Surroundings | None = None, *, check_mode: bool = False) -> ModuleRun:
    """One run from its beginning to its end."""
    with ForkedModule(module, params, surroundings, check_mode=check_mode) as process:
        return process.result()


@functools.cache
def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *_PRELOADED])
    # The server imports these before it knows where they are. Plays must not inherit that: their modules may run on another Python.
    with _together, mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path)):
        forkserver.ensure_running()
    return context


def _run(module: str, arguments: bytes, folder: str, surroundings: Surroundings) -> None:
    for number, name in ((1, "stdout"), (2, "stderr")):
        descriptor = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    basic: Any = importlib.import_module("ansible.module_utils.basic")
    basic._ANSIBLE_ARGS = arguments
    basic._ANSIBLE_PROFILE = "legacy"
    surroundings.arrange()
    with open(os.path.join(folder, "status"), "w", encoding="utf-8") as status:
        try:
            importlib.import_module(MODULES + module).main()
        except SystemExit as end:
            status.write(str(end.code))
