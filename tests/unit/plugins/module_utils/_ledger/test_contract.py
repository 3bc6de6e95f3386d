# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The promises of every ledger, in a SQLite file. `tests/integration/test_postgresql_ledger.py` has them in PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.ledger_promises import (
    TestCheckMode,
    TestCheckpoints,
    TestClaims,
    TestDamage,
    TestEvents,
    TestManyRuns,
    TestRetention,
    TestRewrites,
    TestVersion1,
    waits,
)

__all__ = [
    "TestCheckMode",
    "TestCheckpoints",
    "TestClaims",
    "TestDamage",
    "TestEvents",
    "TestManyRuns",
    "TestRetention",
    "TestRewrites",
    "TestVersion1",
    "waits",
]


@pytest.fixture
def location(tmp_path: Path) -> str:
    """The location of the ledger."""
    return str(tmp_path / "ledger.sqlite3")
