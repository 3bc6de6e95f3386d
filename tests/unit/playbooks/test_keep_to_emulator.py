# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks send their examples only to hosts that they take for the emulator. Integration tests run the plays themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

TASKS = Path(__file__).resolve().parents[3] / "playbooks" / "tasks" / "keep_to_emulator.yml"


@pytest.fixture(scope="module")
def loopback() -> re.Pattern[str]:
    """The expression, which `is match` takes as Python's `re.match` does."""
    (task,) = yaml.safe_load(TASKS.read_text(encoding="utf-8"))
    return re.compile(task["vars"]["example_loopback"])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8443",
        "127.255.0.254",
        "localhost",
        "localhost:8443",
        "LOCALHOST",
        "http://localhost",
        "https://localhost:8443/",
        "https://LocalHost:8443",
        "[::1]:8443",
        "https://[::1]",
        "::1",
    ],
)
def test_the_loopback_is(loopback: re.Pattern[str], host: str) -> None:
    assert loopback.match(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "extrahop.invalid",
        "https://extrahop.invalid:8443",
        "127.0.0.1.invalid",
        "127.0.0.1.",
        "127.0.0",
        "localhost.invalid",
        "localhost.",
        "notlocalhost",
        "localhost@extrahop.invalid",
        "localhost:8443@extrahop.invalid",
        "https://localhost/elsewhere",
        "localhost\nextrahop.invalid",
        "localhost\n",
        "[::1].invalid",
        "::2",
        "10.0.0.1",
        " localhost",
    ],
)
def test_nothing_else_is(loopback: re.Pattern[str], host: str) -> None:
    assert not loopback.match(host)
