# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For the long attacks: a seed that repeats them, and a page that keeps what they found."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.secops.xdr.tests.integration.conftest import appliance, playbook_commands, playground, running_appliance
from ansible_collections.secops.xdr.tests.unit.conftest import own_environment

from support.attacks import RESULTS, Results

__all__ = ["appliance", "own_environment", "playbook_commands", "playground", "running_appliance"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--seed` and `--results`."""
    parser.addoption("--seed", type=int, help="repeats an earlier run; without it, each run is another one")
    parser.addoption("--results", default=str(RESULTS), help="the page to keep the numbers on")


def pytest_configure(config: pytest.Config) -> None:
    """Chooses the seed, once for all worker processes."""
    handed_on: dict[str, int] = getattr(config, "workerinput", {})
    if config.option.seed is None:
        config.option.seed = handed_on.get("seed", random.randrange(1_000_000_000))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker process of pytest-xdist the seed."""
    node.workerinput["seed"] = node.config.option.seed


def pytest_report_header(config: pytest.Config) -> str:
    """Says how to repeat this run."""
    return f"seed: {config.option.seed} (make torture SEED={config.option.seed})"


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """The source of every random choice of an attack."""
    number: int = pytestconfig.option.seed
    return number


@pytest.fixture(scope="session")
def results(pytestconfig: pytest.Config, seed: int) -> Results:
    """The page to which an attack writes its numbers: `results.write(name, title, markdown, seconds=…)`."""
    return Results(Path(pytestconfig.option.results), seed)
