# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For all unit tests: a clean environment, a running emulator, and a way to run a module that checks its promises."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from emulator import RunningEmulator
    from support.module_runs import ModuleRun

    RunModule = Callable[..., ModuleRun]
    StartEmulator = Callable[..., RunningEmulator]

try:
    import hypothesis
except ImportError:
    pass
else:
    # The same examples on every run; HYPOTHESIS_PROFILE=explore looks for new ones.
    hypothesis.settings.register_profile("same", database=None, deadline=None, derandomize=True)
    hypothesis.settings.register_profile("explore", database=None, deadline=None, max_examples=2000)
    hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# The emulator and what tests share are packages there. pyproject.toml says so, too, but ansible-test does not read it.
_TESTS = str(Path(__file__).resolve().parents[1])
if _TESTS not in sys.path:
    sys.path.insert(0, _TESTS)

_PREFIXES = ("EXTRAHOP_", "STELLAR_", "SECOPS_XDR_")
_NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NETRC")
_running: list[RunningEmulator] = []


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The user's own settings are not used, and nothing is left in the user's home."""
    for name in list(os.environ):
        if name.startswith(_PREFIXES) or name.upper() in _NETWORK:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))


@pytest.fixture
def host_zone() -> Iterator[Callable[[str], None]]:
    """Gives the host of this test another time zone."""
    with pytest.MonkeyPatch.context() as patch:

        def become(zone: str) -> None:
            patch.setenv("TZ", zone)
            time.tzset()

        yield become
    time.tzset()


class _Clock:
    """Replaces the time module in retries: does not wait, and records the requested pauses."""

    def __init__(self) -> None:
        self.naps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses of retries in seconds, which tests do not wait for."""
    clock = _Clock()
    monkeypatch.setattr("urllib3.util.retry.time", clock)
    return clock.naps


@pytest.fixture(scope="session")
def start_emulator() -> Iterator[StartEmulator]:
    """Starts emulators that live as long as the tests: one for each certificate."""
    pytest.importorskip("aiohttp", reason="the emulator runs on newer Pythons only")
    emulators = importlib.import_module("emulator")
    by_certificate: dict[str, RunningEmulator] = {}

    def start(certificate: str = "good") -> RunningEmulator:
        if certificate not in by_certificate:
            by_certificate[certificate] = emulators.RunningEmulator(emulators.Settings(refresh_delay=0.0), certificate=certificate)
            by_certificate[certificate].start()
            _running.append(by_certificate[certificate])
        by_certificate[certificate].reset()
        return by_certificate[certificate]

    yield start
    # A module leaves its connections to the end of its process; here they end before the emulator does.
    gc.collect()
    for one in by_certificate.values():
        _running.remove(one)
        one.stop()


@pytest.fixture
def emulator(start_emulator: StartEmulator) -> RunningEmulator:
    """The emulator, as new."""
    return start_emulator()


@pytest.fixture
def run_module() -> RunModule:
    """Runs a module's main(); in check mode, a write that reaches any emulator fails the test."""

    run_main: Callable[..., ModuleRun] = importlib.import_module("support.module_runs").run_main

    def run(main: Callable[[], None], params: Mapping[str, Any], *, check_mode: bool = False, diff: bool = False) -> ModuleRun:
        before = _writes()
        result = run_main(main, params, check_mode=check_mode, diff=diff)
        if check_mode and _writes() != before:
            pytest.fail("a write was sent in check mode")
        return result

    return run


def _writes() -> int:
    return sum(one.state["requests"]["by_kind"]["write"] for one in _running)
