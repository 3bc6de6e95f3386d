# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The promises of every ledger, in a real PostgreSQL database; and what only a database server has to promise."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import LedgerError
from ansible_collections.secops.xdr.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.secops.xdr.plugins.module_utils._ledger.recorded import RecordedObservations

from support.ledger_promises import (
    SERVER,
    TestCheckMode,
    TestCheckpoints,
    TestClaims,
    TestDamage,
    TestEvents,
    TestManyRuns,
    TestRetention,
    TestRewrites,
    TestVersion1,
    Thread,
    keys,
    run_of,
    upload,
    waits,
)
from support.pages import GUIDES, blocks

if TYPE_CHECKING:
    from support.postgresql import RunningPostgresql

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

pytest_plugins = ["support.postgresql.fixtures"]


@pytest.fixture
def location(database_url: str) -> str:
    """The location of the ledger."""
    return database_url


@pytest.mark.parametrize("accepts", [True, False])
def test_a_run_that_ends_while_another_looks(location: str, monkeypatch: pytest.MonkeyPatch, accepts: bool) -> None:
    is_alive = RecordedObservations.is_alive
    with run_of(location) as looking, run_of(location) as other:
        claim = other.claim(keys(1))

        def ends_first(recorded: RecordedObservations, run: int) -> bool:
            monkeypatch.setattr(RecordedObservations, "is_alive", is_alive)
            (other.accept if accepts else other.release)(claim)
            return False

        monkeypatch.setattr(RecordedObservations, "is_alive", ends_first)
        batch = looking.claim(keys(1))
        looking.accept(batch)
    assert (len(batch.fresh), batch.already_uploaded) == ((0, 1) if accepts else (1, 0))
    assert upload(location, keys(1)).already_uploaded == 1


class TestServer:
    def test_the_statements_of_the_guide_make_a_database_for_a_ledger(self, postgresql_server: RunningPostgresql) -> None:
        [page] = [page for page in GUIDES if page.stem == "guide_ledger"]
        [statements] = blocks(page, "sql")
        for statement in statements.splitlines():
            postgresql_server.execute(statement)
        [(user, password)] = re.findall(r"ROLE (\S+) LOGIN PASSWORD '(.+)'", statements)
        assert upload(postgresql_server.url_of("xdr_ledger", user=user, password=password), keys(1)).already_uploaded == 0

        [grant] = re.findall(r"``(CREATE SCHEMA .+?)``", page.read_text(encoding="utf-8"))
        existing = postgresql_server.create_database("existing")
        postgresql_server.execute(grant, existing)
        location = postgresql_server.url_of("existing", user=user, password=password)
        assert [upload(location, keys(1)).already_uploaded for _time in range(2)] == [0, 1]

    def test_a_claim_that_loses_a_deadlock_is_tried_again(self, database_url: str) -> None:
        insert = "INSERT INTO secops_xdr.observation VALUES (1, %s, %s, 99)"
        first, last = keys(1, 2)
        with run_of(database_url) as observations, psycopg.connect(database_url) as stranger:
            # Only the session of the claim looks for deadlocks in time.
            stranger.execute("SET deadlock_timeout = '10min'")
            stranger.execute(insert, last)
            waiting = Thread(lambda: observations.claim([first, last]))
            with psycopg.connect(database_url, autocommit=True) as watcher:
                while not watcher.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchall():
                    assert not waiting.has_ended
            stranger.execute(insert, first)
            stranger.commit()
            assert waiting.result().already_uploaded == 2

    def test_check_mode_creates_no_tables(self, database_url: str) -> None:
        with run_of(database_url, check=True) as observations:
            observations.accept(observations.claim(keys(1)))
        with closing(open_ledger(database_url, read_only=True)) as ledger:
            assert ledger.events(SERVER).look_up([b"1"]) == {}
        with psycopg.connect(database_url) as connection:
            assert connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'secops_xdr'").fetchall() == []

    @pytest.mark.parametrize("check", [False, True])
    def test_a_newer_version_is_refused(self, database_url: str, check: bool) -> None:
        upload(database_url, keys(1))
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE secops_xdr.ledger SET version = 99")
        with pytest.raises(LedgerError, match=re.escape("newer version of this collection (ledger version 99, this one knows 2)")):
            open_ledger(database_url, read_only=check)


class TestMessages:
    def test_a_wrong_password(self, postgresql_server: RunningPostgresql) -> None:
        url = postgresql_server.url_of("postgres", password="not-the-real-one")
        with pytest.raises(LedgerError) as caught:
            open_ledger(url, read_only=False)
        assert "not-the-real-one" not in str(caught.value)
        assert "password authentication failed for user" in str(caught.value)
        assert f"port {postgresql_server.port}" in str(caught.value)

    def test_an_unknown_database(self, postgresql_server: RunningPostgresql) -> None:
        with pytest.raises(LedgerError, match='"nowhere" does not exist'):
            open_ledger(postgresql_server.url_of("nowhere"), read_only=False)

    def test_a_server_that_is_not_there(self, postgresql_server: RunningPostgresql) -> None:
        with pytest.raises(LedgerError, match=r"cannot connect to PostgreSQL at 127\.0\.0\.1, port 1:.*Check host, port"):
            open_ledger(postgresql_server.url_of("postgres", port=1), read_only=False)

    def test_a_user_without_rights(self, database_url: str, postgresql_server: RunningPostgresql) -> None:
        name = database_url.rpartition("/")[2]
        role = f"reader_of_{name}"
        postgresql_server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'another one'")
        url = postgresql_server.url_of(name, user=role, password="another one")
        with pytest.raises(LedgerError, match="CREATE SCHEMA secops_xdr AUTHORIZATION"):
            open_ledger(url, read_only=False)
        # What the message says helps.
        postgresql_server.execute(f"CREATE SCHEMA secops_xdr AUTHORIZATION {role}", database_url)
        assert len(upload(url, keys(1)).fresh) == 1

    def test_a_server_that_goes_away(self, database_url: str, postgresql_server: RunningPostgresql) -> None:
        with run_of(database_url) as observations:
            observations.accept(observations.claim(keys(1)))
            claim = observations.claim(keys(2))
            postgresql_server.restart(is_abrupt=True)
            with pytest.raises(LedgerError, match="the connection broke"):
                observations.accept(claim)
        with run_of(database_url) as observations:
            assert observations.interrupted == 1
            again = observations.claim(keys(1, 2))
            assert (list(again.fresh), again.already_uploaded, again.unclear) == ([1], 1, 1)

    def test_a_server_without_room_for_another_connection(self, database_url: str, postgresql_server: RunningPostgresql) -> None:
        name = database_url.rpartition("/")[2]
        postgresql_server.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 1")
        role = f"writer_of_{name}"
        postgresql_server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'another one'")
        postgresql_server.execute(f"GRANT CREATE ON DATABASE {name} TO {role}")
        url = postgresql_server.url_of(name, user=role, password="another one")
        with run_of(url) as observations:
            with pytest.raises(LedgerError, match="start fewer runs at once"):
                open_ledger(url, read_only=False)
            observations.accept(observations.claim(keys(1)))
