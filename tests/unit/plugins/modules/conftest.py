# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options and the log that most tests of modules need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log import source as _source
from ansible_collections.secops.xdr.plugins.modules import extrahop_observation

from support.extrahop import Appliance
from support.stellar import Stellar, set_clock
from support.vpn_logs import plain_rows, write_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulator import RunningEmulator
    from support.module_runs import ModuleRun

    Upload = Callable[..., ModuleRun]


@pytest.fixture(autouse=True)
def finished_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs of these tests count as older than two minutes, so their last line counts even without a line end."""
    monkeypatch.setattr(_source, "FINISHED_AFTER_SECONDS", -10.0)


@pytest.fixture
def extrahop(emulator: RunningEmulator) -> dict[str, Any]:
    """The options that reach the emulator as ExtraHop with an API key."""
    variables = emulator.environment()
    return {
        "host": variables["EXTRAHOP_HOST"],
        "api_key": variables["EXTRAHOP_API_KEY"],
        "ca_path": variables["EXTRAHOP_CA_PATH"],
        "source": "OpenVPN",
    }


@pytest.fixture
def upload(run_module: Callable[..., ModuleRun], extrahop: dict[str, Any]) -> Upload:
    """Runs extrahop_observation against the emulator; options that are None are left out."""

    def run(*, check_mode: bool = False, diff: bool = False, **options: Any) -> ModuleRun:
        params = {name: value for name, value in {**extrahop, "timezone": "local", **options}.items() if value is not None}
        return run_module(extrahop_observation.main, params, check_mode=check_mode, diff=diff)

    return run


@pytest.fixture
def log(tmp_path: Path) -> str:
    """A log of seven rows."""
    return write_log(tmp_path / "vpn.csv", *plain_rows(7))


@pytest.fixture
def stellar(emulator: RunningEmulator, run_module: Callable[..., ModuleRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stellar:
    """The emulator as Stellar Cyber, and this host."""
    return Stellar(emulator, run_module, tmp_path, set_clock(monkeypatch, emulator))


@pytest.fixture
def appliance(emulator: RunningEmulator, run_module: Callable[..., ModuleRun], monkeypatch: pytest.MonkeyPatch) -> Appliance:
    """The emulator as ExtraHop; nobody waits for it."""
    set_clock(monkeypatch, emulator)
    return Appliance(emulator, run_module)
