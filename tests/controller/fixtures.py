# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for tests that need a controller: `pytest_plugins = ["controller.fixtures"]`."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from ._api import RunningController
from ._setup import apply_to

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def applied_controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningController]:
    """A controller with everything that apply.yml brings in, for tests that change no more than its credentials."""
    base = tmp_path_factory.getbasetemp()
    # The playbook calls many modules, so it runs once for all workers.
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "applied_controller.json"
    with RunningController() as controller:
        with shared.with_suffix(".lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if shared.exists():
                controller.take(shared.read_text(encoding="utf-8"))
            else:
                apply_to(controller, tmp_path_factory.mktemp("apply"), xdr_awx_vpn_log="/var/log/openvpn/log.csv")
                shared.write_text(controller.given(), encoding="utf-8")
        yield controller
