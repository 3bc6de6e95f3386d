# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""A store in a SQLite file, for runs on one host."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from contextlib import closing, contextmanager, nullcontext
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import quote

from .._errors import LedgerError
from .._files import open_existing, open_own
from .._texts import system_name
from .locks import FileLocks
from .sqlite_rows import insert_new, rows_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from .database import Result, Row, Schema

OLDEST_SQLITE = (3, 25, 0)
"""Knows ON CONFLICT and RENAME COLUMN."""
_BUSY_SECONDS = 60.0
_HEAD_BYTES = 100
_MAGIC = b"SQLite format 3\0"


class SqliteDatabase:
    """See Database. Without a path it is a scratch database that ends with the process. `read_only` needs an existing file."""

    def __init__(self, path: str | None, schema: Schema, *, read_only: bool = False) -> None:
        self.where = os.path.abspath(path) if path else "a scratch database"
        self.version = 0
        self._schema = schema
        self._lock = threading.RLock()
        self._locks: FileLocks | None = None
        _require_version(schema.option)
        if path is None:
            self._connection = _connected("")
            self._create_or_upgrade()
            return
        self._check_file(creates=not read_only)
        if not read_only:
            self._refuse_foreign()
        self._locks = FileLocks(f"{self.where}.lock", schema.option, read_only=read_only)
        try:
            self._open_file(read_only)
        except BaseException:
            self.close()
            raise

    def run(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Runs one statement and returns its rows."""
        with self._lock, self._explained():
            return self._connection.execute(statement, values).fetchall()

    def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Runs one statement for each of the rows."""
        with self._lock, self._explained():
            self._connection.executemany(statement, rows)

    def insert(self, table: str, values: Mapping[str, object]) -> int:
        """Inserts one row and returns its number."""
        with self._lock, self._explained():
            cursor = self._connection.execute(
                f"INSERT INTO {table} ({','.join(values)}) VALUES ({','.join('?' * len(values))})", list(values.values())
            )
            return int(cursor.lastrowid or 0)

    def insert_new(self, table: str, same: Mapping[str, int], columns: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
        """Inserts those rows that are not there yet and returns how many that were."""
        with self._lock, self._explained():
            return insert_new(self._connection, table, same, columns, rows)

    def values(self, rows: Sequence[Sequence[object]]) -> tuple[str, list[object]]:
        """A table of these rows, as a piece of SQL and its values."""
        row = f"({','.join('?' * len(rows[0]))})"
        return f"VALUES {','.join([row] * len(rows))}", list(chain.from_iterable(rows))

    def most_rows(self, columns: int) -> int:
        """The maximum number of rows in one `values`."""
        return rows_at_once(1, columns)

    def atomically(self, work: Callable[[], Result]) -> Result:
        """Does the work in one transaction. Other runs wait, so nothing ever gets in its way."""
        with self._lock, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                result = work()
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            return result

    @contextmanager
    def durably(self) -> Iterator[None]:
        """Transactions inside the block have reached the disk when they return."""
        with self._lock:
            self.run("PRAGMA synchronous=FULL")
            try:
                yield
            finally:
                self.run("PRAGMA synchronous=NORMAL")

    def holding(self, names: Sequence[str]) -> AbstractContextManager[None]:
        """Waits until no other process on this host holds one of these names, and holds them."""
        return self._locks.holding(names) if self._locks else nullcontext()

    def is_held(self, name: str) -> bool:
        """True if any process on this host holds the name."""
        return self._locks.is_held(name) if self._locks else False

    def now(self) -> float:
        """The time by this host's clock."""
        return time.time()

    def close(self) -> None:
        """Closes the file and releases all names."""
        if hasattr(self, "_connection"):
            self._connection.close()
        if self._locks:
            self._locks.close()

    def _check_file(self, *, creates: bool) -> None:
        """Creates the file, or checks that it is this user's own and a SQLite database or empty."""
        try:
            descriptor = open_own(self.where) if creates and not os.path.lexists(system_name(self.where)) else open_existing(self.where)
            if descriptor is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            with closing(os.fdopen(descriptor, "rb")) as file:
                head = file.read(_HEAD_BYTES)
        except OSError as error:
            raise LedgerError(_advice(self._schema, self.where, error)) from error
        if head and not head.startswith(_MAGIC):
            raise LedgerError(self._explanation("file is not a database"))

    def _refuse_foreign(self) -> None:
        """Raises LedgerError for the file of another program before anything is changed in it or beside it."""
        # Not opened for reading only: what a killed run has left behind has to be played back first.
        with closing(_connected(f"file:{quote(system_name(self.where))}?mode=rw", is_uri=True)) as connection, self._explained():
            self._version_in(connection)
        try:
            os.close(open_own(self.where))
        except OSError as error:
            raise LedgerError(_advice(self._schema, self.where, error)) from error

    def _open_file(self, read_only: bool) -> None:
        mode = "ro" if read_only else "rw"
        self._connection = _connected(f"file:{quote(system_name(self.where))}?mode={mode}", is_uri=True)
        with self._explained():
            self.version = self._version_in(self._connection)
            if read_only:
                return
            if self.version < self._schema.version:
                with self.holding(["schema"]):
                    self._use_write_ahead_log()
                    self._create_or_upgrade()
            # What is committed survives the end of the process at once, and a power failure after the next checkpoint.
            self._connection.execute("PRAGMA synchronous=NORMAL")

    def _use_write_ahead_log(self) -> None:
        """Runs that read at this moment may prevent it; the file works without it too, only slower."""
        try:
            self._connection.execute("PRAGMA journal_mode=WAL").fetchall()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise

    def _create_or_upgrade(self) -> None:
        """Brings the tables to the newest version, in one transaction: a run that is killed leaves the version that there was."""
        self.atomically(self._upgrade)
        self.version = self._schema.version

    def _upgrade(self) -> None:
        version = self._found_version(self._connection)
        for step in self._schema.steps[version:]:
            for statement in step.sqlite.split(";"):
                self._connection.execute(statement)
        self._connection.execute(f"PRAGMA application_id={self._schema.application_id}")
        self._connection.execute(f"PRAGMA user_version={self._schema.version}")

    def _version_in(self, connection: sqlite3.Connection) -> int:
        # One transaction sees one state: a file that another run is creating at this moment is either empty or complete.
        connection.execute("BEGIN")
        try:
            return self._found_version(connection)
        finally:
            connection.execute("ROLLBACK")

    def _found_version(self, connection: sqlite3.Connection) -> int:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if not tables and not application:
            return 0
        schema = self._schema
        if application != schema.application_id:
            raise LedgerError(
                f"{schema.option}: {self.where} is a SQLite database, but not a {schema.title} of this collection; "
                f"set `{schema.option}` to another file."
            )
        if version > schema.version:
            raise LedgerError(
                f"{schema.option}: {self.where} was written by a newer version of this collection ({schema.title} version {version}, this "
                f"one knows {schema.version}). Update the collection on this host, or set `{schema.option}` to another file."
            )
        return version

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:
            # A damaged file may contain anything, and so may the text of an error about it; before Python 3.10, such an error has none.
            text = "malformed text" if isinstance(error, UnicodeDecodeError) or not str(error) else str(error)
            raise LedgerError(self._explanation(text)) from error

    def _explanation(self, text: str) -> str:
        start = f"{self._schema.option}: {self.where}"
        if "full" in text or "disk I/O" in text:
            return f"{start}: the disk is full or cannot be written ({text}). Free some space and run again: {self._schema.after_failure}"
        if "locked" in text or "busy" in text:
            return (
                f"{start} has been locked by another program for over {_BUSY_SECONDS:.0f} seconds. Find and end it, or wait, and run again."
            )
        if "not a database" in text or "malformed" in text or "decode" in text:
            return (
                f"{start} is damaged or not a SQLite database ({text}). Restore it from a backup, or move it away: then a new one is "
                "created, and what the old one knew may be sent a second time."
            )
        if "readonly" in text and os.path.exists(system_name(f"{self.where}-journal")):
            return f"{start} was left by a run that was killed while it wrote. The next run that is not in check mode repairs that."
        if "readonly" in text or "unable to open" in text:
            return f"{start} or its folder cannot be written by this user; set `{self._schema.option}` to a file that can."
        return f"{start} cannot be used: {text}."


def _require_version(option: str) -> None:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise LedgerError(
            f"{option}: this host's Python has SQLite {sqlite3.sqlite_version}, and {oldest} or later is needed. "
            f"Set ansible_python_interpreter to a newer Python, or `{option}` to a postgresql:// URL."
        )


def _connected(path: str, *, is_uri: bool = False) -> sqlite3.Connection:
    # Transactions are begun by hand, and threads take turns with a lock.
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=is_uri)


def _advice(schema: Schema, path: str, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"{schema.option}: the disk of {path} is full; nothing was sent that is not recorded. Free some space and run again."
    return (
        f"{schema.option}: {path} cannot be used: {error.strerror}. Set `{schema.option}` (or {schema.variable}) to a file that this user "
        "may write, or to a postgresql:// URL that users share."
    )
