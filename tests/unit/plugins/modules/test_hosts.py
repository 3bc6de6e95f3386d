# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules on hosts as they are: in FIPS mode, with little disk space, with an odd environment."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.secops.xdr.plugins.modules import vpn_session

from support.hosts import become_fips
from support.module_runs import ModuleRun
from support.stellar import SEED_EVENT, SEED_TIME, Stellar

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
RunModule = Callable[..., ModuleRun]


class TestFipsMode:
    """Hosts without BLAKE2, MD5 and SHA-1."""

    def test_events_are_inserted_once(self, stellar: Stellar, monkeypatch: pytest.MonkeyPatch):
        become_fips(monkeypatch)
        first, second = stellar.insert(**SEED_EVENT), stellar.insert(**SEED_EVENT)

        assert (first.changed, second.changed) == (True, False)
        assert first.warnings == second.warnings == []
        assert stellar.update(index=first["index"], id=first["id"], comment="seen", add_tags=["vpn"]).changed

    def test_logs_are_uploaded_and_kept_once(self, upload, log, tmp_path: Path, run_module: RunModule, monkeypatch: pytest.MonkeyPatch):
        become_fips(monkeypatch)
        session = {"path": log, "timezone": "UTC", "history": str(tmp_path / "history.sqlite3")}

        assert [upload(path=log).changed for _run in range(2)] == [True, False]
        assert [run_module(vpn_session.main, session).changed for _run in range(2)] == [True, False]

    @pytest.mark.parametrize("check_mode", [False, True])
    def test_a_ledger_of_version_1_0_is_used_as_far_as_it_can_be_read(
        self, stellar: Stellar, monkeypatch: pytest.MonkeyPatch, check_mode: bool
    ):
        write_former_ledger(stellar)
        assert not stellar.insert(check_mode=check_mode, **SEED_EVENT).changed

        become_fips(monkeypatch)
        result = stellar.insert(check_mode=check_mode, **SEED_EVENT)

        assert result.changed
        (warning,) = result.warnings
        assert "FIPS mode" in warning
        assert "deleted there since" in warning

    def test_nothing_is_said_where_the_server_has_the_event(self, stellar: Stellar, monkeypatch: pytest.MonkeyPatch):
        stellar.insert(**SEED_EVENT)
        stellar.move_to_another_host()
        write_former_ledger(stellar)
        become_fips(monkeypatch)

        result = stellar.insert(**SEED_EVENT)

        assert not result.changed
        assert result.warnings == []


def write_former_ledger(stellar: Stellar) -> None:
    """A ledger of version 1.0 that has the event of the vendor's script. Its keys are BLAKE2 digests of the fields in `unique_by`."""
    unique = {"event_name": "demo test", "event_source": "ActZero", "timestamp": SEED_TIME}
    key = hashlib.blake2b(json.dumps(sorted(unique.items())).encode(), digest_size=16).digest()
    os.close(os.open(stellar.ledger, os.O_CREAT, 0o600))
    with closing(sqlite3.connect(stellar.ledger)) as connection:
        connection.executescript((FIXTURES / "ledger_1_0_sqlite.sql").read_text(encoding="utf-8"))
        values = (stellar.emulator.url, key, 1, "aella-ser-1", "x", None, SEED_TIME // 1000)
        connection.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        connection.commit()
