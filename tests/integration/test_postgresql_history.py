# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The promises of every session history, in a real PostgreSQL database."""

from __future__ import annotations

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

pytest_plugins = ["support.postgresql.fixtures"]


@pytest.fixture
def location(database_url: str) -> str:
    """The location of the history."""
    return database_url
