# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""A store in a SQLite file, for runs on one host."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from contextlib import closing, contextmanager, nullcontext
from functools import cache, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from .._errors import LedgerError
from .._files import open_own
from .._texts import system_name
from .database import NOTHING_COMPUTED, NumberedBytes, marks, parts
from .sqlite_file import FileLocks, cannot_use, check_file, connected, explained, require_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from .database import Result, Row, Schema

_MOST_VALUES = 998 if sqlite3.sqlite_version_info < (3, 32, 0) else 32_000
_MOST_ROWS = 500
"""Larger statements are not faster."""
_FEW_ROWS = 20
_MOST_COMPUTED = 500


class SqliteDatabase:
    """See Database. Without a path, it is a temporary database, which is gone when the process ends. `read_only` needs an existing file."""

    def __init__(self, path: str | None, schema: Schema, *, read_only: bool = False) -> None:
        self.where = os.path.abspath(path) if path else "a scratch database"
        self.version = 0
        self._schema = schema
        self._lock = threading.RLock()
        self._locks: FileLocks | None = None
        require_version(schema.option)
        if path is None:
            self._connection = connected("")
            self._create_or_upgrade()
            return
        check_file(schema, self.where, creates=not read_only)
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
        with self._lock, explained(self._schema, self.where):
            return self._connection.execute(statement, values).fetchall()

    def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Runs one statement for each of the rows."""
        with self._lock, explained(self._schema, self.where):
            self._connection.executemany(statement, rows)

    def insert(self, table: str, values: Mapping[str, object]) -> int:
        """Inserts one row and returns its number."""
        with self._lock, explained(self._schema, self.where):
            cursor = self._connection.execute(
                f"INSERT INTO {table} ({','.join(values)}) VALUES ({','.join('?' * len(values))})", list(values.values())
            )
            return int(cursor.lastrowid or 0)

    def insert_new(
        self,
        table: str,
        same: Mapping[str, int],
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        computed: Mapping[str, str] = NOTHING_COMPUTED,
    ) -> int:
        """Inserts those rows that are not there yet and returns how many that were."""
        with self._lock, explained(self._schema, self.where):
            if computed:
                return _insert_computed(
                    self._connection, _Computed(table, tuple(same.items()), tuple(columns), tuple(computed.items())), rows
                )
            return _insert_new(self._connection, table, same, columns, rows)

    def values(self, rows: Sequence[Sequence[object]]) -> tuple[str, list[object]]:
        """A table of these rows, as a piece of SQL and its values."""
        row = f"({','.join('?' * len(rows[0]))})"
        return f"VALUES {','.join([row] * len(rows))}", list(chain.from_iterable(rows))

    def most_rows(self, columns: int) -> int:
        """The maximum number of rows in one `values`."""
        return _rows_at_once(1, columns)

    def atomically(self, work: Callable[[], Result]) -> Result:
        """Does the work in one transaction. Other runs wait, so there are no conflicts."""
        with self._lock, explained(self._schema, self.where):
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
        """Transactions inside the block are on the disk when they return."""
        with self._lock:
            self.run("PRAGMA synchronous=FULL")
            try:
                yield
            finally:
                self.run("PRAGMA synchronous=NORMAL")

    def holding(self, names: Sequence[str]) -> AbstractContextManager[None]:
        """Waits until no other process on this host holds any of these names, then holds them."""
        return self._locks.holding(names) if self._locks else nullcontext()

    def is_held(self, name: str) -> bool:
        """True if any process on this host holds the name."""
        return self._locks.is_held(name) if self._locks else False

    def now(self) -> float:
        """Returns the time of this host's clock."""
        return time.time()

    def close(self) -> None:
        """Closes the file and releases all names."""
        if hasattr(self, "_connection"):
            self._connection.close()
        if self._locks:
            self._locks.close()

    def _refuse_foreign(self) -> None:
        """Raises LedgerError for the file of another program, before anything in it or next to it is changed."""
        # Not opened read-only: changes that a killed run left in the journal have to be applied first.
        with (
            closing(connected(f"file:{quote(system_name(self.where))}?mode=rw", is_uri=True)) as connection,
            explained(self._schema, self.where),
        ):
            self._version_in(connection)
        try:
            os.close(open_own(self.where))
        except OSError as error:
            raise LedgerError(cannot_use(self._schema, self.where, error)) from error

    def _open_file(self, read_only: bool) -> None:
        mode = "ro" if read_only else "rw"
        self._connection = connected(f"file:{quote(system_name(self.where))}?mode={mode}", is_uri=True)
        with explained(self._schema, self.where):
            self.version = self._version_in(self._connection)
            if read_only:
                return
            if self.version < self._schema.version:
                with self.holding(["schema"]):
                    self._use_write_ahead_log()
                    self._create_or_upgrade()
            # Commits survive the end of the process immediately, and a power failure after the next checkpoint.
            self._connection.execute("PRAGMA synchronous=NORMAL")

    def _use_write_ahead_log(self) -> None:
        """Switches to write-ahead logging. Runs that are reading may prevent this; the file also works without it, but more slowly."""
        try:
            self._connection.execute("PRAGMA journal_mode=WAL").fetchall()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise

    def _create_or_upgrade(self) -> None:
        """Upgrades the tables to the newest version in one transaction: a run that is killed leaves the old version."""
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
        # A transaction sees a single state: a file that another run is creating is either empty or complete.
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


def _rows_at_once(same: int, columns: int) -> int:
    """Returns the number of rows that a statement accepts as values."""
    return min(_MOST_ROWS, (_MOST_VALUES - same) // columns)


def _insert_new(
    connection: sqlite3.Connection, table: str, same: Mapping[str, int], columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> int:
    """Inserts those rows that are not there yet and returns how many that were."""
    if isinstance(rows, NumberedBytes) and len(rows) > _FEW_ROWS and _knows_json():
        # To bind each value would take longer than to insert it.
        values = [*same.values(), rows.joined, rows.length, rows.length, json.dumps(rows.numbers)]
        return connection.execute(_columns_statement(table, (*same, *columns)), values).rowcount
    names, constants = (*same, *columns), list(same.values())
    inserted = 0
    for part in parts(rows, _rows_at_once(len(same), len(columns))):
        statement = _rows_statement(table, names, len(same), len(part))
        inserted += connection.execute(statement, [*chain.from_iterable(part), *constants]).rowcount
    return inserted


class _Computed(NamedTuple):
    """A table to insert into: values that are the same in all rows, columns that are given, and expressions of these for the others."""

    table: str
    same: tuple[tuple[str, int], ...]
    columns: tuple[str, ...]
    computed: tuple[tuple[str, str], ...]


def _insert_computed(connection: sqlite3.Connection, into: _Computed, rows: Sequence[Sequence[object]]) -> int:
    """Inserts those rows that are not there yet. To bind a value costs more than to compute it."""
    most = min(_MOST_COMPUTED, _rows_at_once(0, len(into.columns)))
    found = (connection.execute(_computed_statement(into, len(part)), list(chain.from_iterable(part))) for part in parts(rows, most))
    return sum(cursor.rowcount for cursor in found)


@lru_cache(maxsize=32)
def _computed_statement(into: _Computed, rows: int) -> str:
    names = ",".join((*into.columns, *(name for name, _value in (*into.same, *into.computed))))
    values = ",".join((*into.columns, *(str(int(value)) for _name, value in into.same), *(text for _name, text in into.computed)))
    given = f"WITH wanted ({','.join(into.columns)}) AS (VALUES {','.join([f'({marks(len(into.columns))})'] * rows)})"
    return f"INSERT INTO {into.table} ({names}) {given} SELECT {values} FROM wanted WHERE true ON CONFLICT DO NOTHING"


@cache
def _knows_json() -> bool:
    """True if this SQLite has the JSON functions; versions before 3.38 can be built without them."""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("SELECT key, value FROM json_each('[1]')").fetchall()
        except sqlite3.OperationalError:
            return False
    return True


def _columns_statement(table: str, names: tuple[str, ...]) -> str:
    """One statement for any number of rows; its last four values are all byte strings in one, their length twice, and the numbers."""
    same = "?," * (len(names) - 2)
    return (
        f"INSERT INTO {table} ({','.join(names)}) SELECT {same}one.value,substr(?,one.key*?+1,?) FROM json_each(?) AS one"
        " WHERE true ON CONFLICT DO NOTHING"
    )


@lru_cache(maxsize=32)
def _rows_statement(table: str, names: tuple[str, ...], same: int, rows: int) -> str:
    """One statement for many rows, with the values that are the same in all rows behind them. SQLite parses it once.

    Numbered values would do the same, but Python 3.12 warns of them.
    """
    columns = names[same:]
    given = f"WITH wanted ({','.join(columns)}) AS (VALUES {','.join([f'({marks(len(columns))})'] * rows)})"
    taken = f"SELECT {'?,' * same}{','.join(columns)} FROM wanted WHERE true"
    return f"INSERT INTO {table} ({','.join(names)}) {given} {taken} ON CONFLICT DO NOTHING"
