# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for tests that need a server: `pytest_plugins = ["support.postgresql.fixtures"]`."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import pytest

from . import NoPostgresqlError, RunningPostgresql, find_programs

if TYPE_CHECKING:
    from collections.abc import Iterator

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[RunningPostgresql]:
    """A server that lives as long as the tests."""
    try:
        programs = find_programs()
    except NoPostgresqlError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"PostgreSQL is tested in continuous integration, and cannot be here: {error}")
        pytest.skip(f"PostgreSQL is not tested here: {error}")
    with RunningPostgresql(programs) as server:
        yield server


@pytest.fixture
def database_url(postgresql_server: RunningPostgresql) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"ledger_{next(_numbers)}"
    yield postgresql_server.create_database(name)
    postgresql_server.drop_database(name)
