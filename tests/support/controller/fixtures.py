# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for tests that need a controller: `pytest_plugins = ["support.controller.fixtures"]`."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ._api import RunningController
from ._setup import APPLIED, apply_to

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def applied(tmp_path_factory: pytest.TempPathFactory, playbook_commands: Path) -> Path:
    """A file with what apply.yml printed at -vvv and what the controller held then. The playbook calls many modules, so it runs once."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "applied_controller.json"
    with shared.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            with RunningController() as controller:
                output = apply_to(controller, tmp_path_factory.mktemp("apply"), "-vvv", **APPLIED)
                shared.write_text(json.dumps({"output": output, "held": controller.given()}), encoding="utf-8")
    return shared


@pytest.fixture
def applied_output(applied: Path) -> str:
    """The output of apply.yml."""
    output: str = json.loads(applied.read_text(encoding="utf-8"))["output"]
    return output


@pytest.fixture
def applied_controller(applied: Path) -> Iterator[RunningController]:
    """A controller with everything that apply.yml brings in."""
    with RunningController() as controller:
        controller.take(json.loads(applied.read_text(encoding="utf-8"))["held"])
        yield controller
