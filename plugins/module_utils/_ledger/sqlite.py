# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The ledger in a SQLite file, for runs on one host.

In check mode the real file is only read: what a run would record goes to a scratch database that is gone with the process, and
look-ups ask both. So check mode makes the same decisions with the same code.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from .._errors import LedgerError
from .file import NamedLocks, head_of_existing, prepare_ledger_file
from .sqlite_observations import SqliteObservations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .records import ObservationScope
    from .sqlite_events import SqliteEvents

APPLICATION_ID = 0x78647231
SCHEMA_VERSION = 1
_ID_IN_HEAD = slice(68, 72)
"""Where a SQLite database has its application ID."""
_BUSY_SECONDS = 60.0

_SCHEMA = """
CREATE TABLE scope (
    id INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    source TEXT NOT NULL,
    timestamp_unit TEXT NOT NULL,
    UNIQUE (endpoint, source, timestamp_unit)
);
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    scope INTEGER NOT NULL REFERENCES scope (id),
    started_at INTEGER NOT NULL,
    in_flight INTEGER NOT NULL DEFAULT 0,
    first_timestamp INTEGER,
    last_timestamp INTEGER
);
CREATE TABLE observation (
    scope INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    addresses BLOB NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (scope, timestamp, addresses)
) WITHOUT ROWID;
CREATE TABLE log_position (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    scope INTEGER NOT NULL,
    reading BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    offset INTEGER NOT NULL,
    line INTEGER NOT NULL,
    is_whole INTEGER NOT NULL,
    summary TEXT NOT NULL,
    UNIQUE (scope, reading, fingerprint, offset)
);
CREATE TABLE event (
    endpoint TEXT NOT NULL,
    key BLOB NOT NULL,
    answered INTEGER NOT NULL,
    alias TEXT,
    id TEXT,
    document_index TEXT,
    noted_at INTEGER NOT NULL,
    PRIMARY KEY (endpoint, key)
) WITHOUT ROWID;
"""


class SqliteLedger:
    """An open ledger file; with C(read_only), a scratch database over it, or over nothing where there is no path."""

    def __init__(self, path: str | None, *, read_only: bool) -> None:
        self.path = os.path.abspath(path) if path else ""
        self._lock = threading.Lock()
        self._locks: NamedLocks | None = None
        self._schemas = ["main"]
        with self._explained(), ExitStack() as undo:
            if read_only:
                self._connection = undo.enter_context(closing(_connected("")))
                self._set_up("main", "")
                if self.path and head_of_existing(self.path) is not None:
                    self._attach_read_only()
            else:
                self._refuse_foreign()
                prepare_ledger_file(self.path)
                self._locks = undo.enter_context(closing(NamedLocks(self.path)))
                self._connection = undo.enter_context(closing(_connected(self.path)))
                with self._locks.held("schema"):
                    self._set_up("main", self.path)
                # What is committed survives the end of the process at once, and a power failure after the next checkpoint;
                # rows that are lost then are sent again.
                self._connection.execute("PRAGMA synchronous=NORMAL")
            undo.pop_all()

    @contextmanager
    def observations(self, scope: ObservationScope, *, force: bool, run: int | None) -> Iterator[SqliteObservations]:
        """The ledger of one scope; another run for the same scope waits until this one has ended."""
        with self._alone_with(f"observations {scope}"):
            with self._explained():
                scopes = [(schema, self._scope_id(schema, scope)) for schema in self._schemas]
                interrupted = self._forget_in_flight(scopes[0][1])
                number = self._new_run(scopes[0][1]) if run is None else run
            yield SqliteObservations(self._connection, self._lock, self._explained, scopes, number, interrupted, force)

    def events(self, endpoint: str) -> SqliteEvents:
        """The ledger of one server's events; runs wait for each other where they work with the same events."""
        from .sqlite_events import SqliteEvents

        return SqliteEvents(self._connection, self._lock, self._explained, self._alone_with, self._schemas, endpoint)

    def close(self) -> None:
        """Closes the file and lets go of the locks."""
        self._connection.close()
        if self._locks:
            self._locks.close()

    @contextmanager
    def _alone_with(self, *names: str) -> Iterator[None]:
        if self._locks is None:
            yield
            return
        with self._locks.held(*names):
            yield

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise LedgerError(_explanation(self.path, error)) from error

    def _refuse_foreign(self) -> None:
        """Raises LedgerError for the file of another program, before its mode is changed and a lock is put beside it."""
        head = head_of_existing(self.path)
        if not head or head[_ID_IN_HEAD] == APPLICATION_ID.to_bytes(4, "big"):
            return
        # A young ledger may have its mark in the write-ahead log alone, so only SQLite can tell. Not with mode=ro: what a killed run has
        # left behind has to be played back first.
        with closing(_connected(f"file:{quote(self.path)}?mode=rw", is_uri=True)) as connection:
            _has_tables(connection, "main", self.path)

    def _attach_read_only(self) -> None:
        self._connection.execute("ATTACH DATABASE ? AS kept", (f"file:{quote(self.path)}?mode=ro",))
        if _has_tables(self._connection, "kept", self.path):
            self._schemas.append("kept")

    def _set_up(self, schema: str, path: str) -> None:
        if _has_tables(self._connection, schema, path):
            return
        if path:
            self._connection.execute("PRAGMA journal_mode=WAL")
        # One transaction, so that a run that is killed here leaves an empty file and not half a ledger.
        self._connection.executescript(
            f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"
        )

    def _scope_id(self, schema: str, scope: ObservationScope) -> int:
        """The scope's number; it is made in the ledger that this run writes, and -1 where only reading finds none."""
        values = (scope.endpoint, scope.source, scope.timestamp_unit)
        if schema == "main":
            self._connection.execute("INSERT OR IGNORE INTO scope (endpoint, source, timestamp_unit) VALUES (?, ?, ?)", values)
        found = self._connection.execute(
            f"SELECT id FROM {schema}.scope WHERE endpoint = ? AND source = ? AND timestamp_unit = ?", values
        ).fetchone()
        return found[0] if found else -1

    def _forget_in_flight(self, scope: int) -> int:
        """Observations of dead runs whose outcome was never noted; runs of this scope that live hold its lock."""
        interrupted: int = self._connection.execute("SELECT total(in_flight) FROM run WHERE scope = ?", (scope,)).fetchone()[0]
        if interrupted:
            self._connection.execute("UPDATE run SET in_flight = 0 WHERE scope = ?", (scope,))
        return int(interrupted)

    def _new_run(self, scope: int) -> int:
        # Runs of a ledger are numbered from 1; a scratch database's run must not be taken for one of the ledger that it covers.
        run = None if self._locks else 0
        self._connection.execute("INSERT INTO run (id, scope, started_at) VALUES (?, ?, ?)", (run, scope, int(time.time())))
        return int(self._connection.execute("SELECT last_insert_rowid()").fetchone()[0])


def _has_tables(connection: sqlite3.Connection, schema: str, path: str) -> bool:
    """Whether the ledger's tables are there; raises LedgerError for a file that is somebody else's or from a newer version."""
    application = connection.execute(f"PRAGMA {schema}.application_id").fetchone()[0]
    version = connection.execute(f"PRAGMA {schema}.user_version").fetchone()[0]
    tables = connection.execute(f"SELECT count(*) FROM {schema}.sqlite_master").fetchone()[0]
    if not tables and not application:
        return False
    if application != APPLICATION_ID:
        raise LedgerError(f"ledger: {path} is a SQLite database, but not a ledger of this collection; set `ledger` to another file.")
    if version > SCHEMA_VERSION:
        raise LedgerError(
            f"ledger: {path} was written by a newer version of this collection (ledger version {version}, this one knows "
            f"{SCHEMA_VERSION}). Update the collection on this host, or set `ledger` to another file."
        )
    return True


def _connected(path: str, *, is_uri: bool = False) -> sqlite3.Connection:
    # Transactions are begun by hand; threads take turns with a lock of their own.
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=is_uri or not path)


def _explanation(path: str, error: sqlite3.Error | UnicodeDecodeError) -> str:
    # A damaged ledger may hold anything, and the words of an error about it as well; before Python 3.10, such an error has none.
    text = "malformed text" if isinstance(error, UnicodeDecodeError) or not str(error) else str(error)
    if "full" in text:
        return f"ledger: the disk under {path} is full. Make room and run again; what was recorded is kept."
    if "locked" in text or "busy" in text:
        return f"ledger: {path} is held by another program for over {_BUSY_SECONDS:.0f} seconds. Find and end it, or wait, and run again."
    if "not a database" in text or "malformed" in text or "decode" in text:
        return (
            f"ledger: {path} is damaged or no SQLite database ({text}). Restore it from a backup, or move it away: "
            "a new one is then made, and rows that the old one knew may be sent a second time."
        )
    if "readonly" in text and os.path.exists(f"{path}-journal"):
        return f"ledger: {path} was left by a run that was killed while it wrote. The next run that is not in check mode mends that."
    if "readonly" in text or "unable to open" in text:
        return f"ledger: {path} or its folder cannot be written by this user; set `ledger` to a file that can."
    return f"ledger: {path} cannot be used: {text}."
