# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ledgers under pressure: eight runs create the same new ledger at once, a hundred times."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from support.ledger_process import create_together, ledger_processes

if TYPE_CHECKING:
    from pathlib import Path

    from support.postgresql import RunningPostgresql

pytest_plugins = ["support.postgresql.fixtures"]

TIMES = 100
AT_ONCE = 8


@pytest.mark.parametrize("kind", ["file", "database"])
def test_created_by_eight_runs_at_once(kind: str, tmp_path: Path, request: pytest.FixtureRequest, results) -> None:
    started = time.monotonic()
    server: RunningPostgresql | None = request.getfixturevalue("postgresql_server") if kind == "database" else None
    with ledger_processes(AT_ONCE) as processes:
        for number in range(TIMES):
            name = f"created_{number}"
            create_together(processes, server.create_database(name) if server else str(tmp_path / name))
            if server:
                server.drop_database(name)
    text = f"{AT_ONCE} runs created the same new ledger at once, {TIMES} times: no failure, and each row was sent once."
    results.write(
        f"ledger-creation-{kind}", f"The ledger: created by several runs at once ({kind})", text, seconds=time.monotonic() - started
    )
