# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The promises of every session history, in a SQLite file. `tests/integration/test_postgresql_history.py` has them in PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.history_promises import (
    TestCheckMode,
    TestClaims,
    TestDoubts,
    TestMore,
    TestSpans,
    TestTogether,
    TestWindows,
)

__all__ = [
    "TestCheckMode",
    "TestClaims",
    "TestDoubts",
    "TestMore",
    "TestSpans",
    "TestTogether",
    "TestWindows",
]


@pytest.fixture
def location(tmp_path: Path) -> str:
    """The location of the history."""
    return str(tmp_path / "sessions.sqlite3")
