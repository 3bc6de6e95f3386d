# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""A store in a PostgreSQL database, for runs on many hosts."""

from __future__ import annotations

import hashlib
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .._errors import LedgerError
from .database import NOTHING_COMPUTED
from .postgresql_server import PostgresqlServer, errors, psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from .database import Result, Row, Schema

_TRIES = 10
_MOST_ROWS = 5000
_TYPES = {int: "bigint", bytes: "bytea", str: "text"}


class PostgresqlDatabase:
    """See Database. The connection is direct or through a pooler in session mode: the session holds the names."""

    def __init__(self, url: str, schema: Schema, *, read_only: bool = False) -> None:
        self._schema = schema
        self._server = PostgresqlServer(url, schema, read_only=read_only)
        self._connection = self._server.connected()
        self._lock = threading.RLock()
        self._held: set[int] = set()
        self.where = self._server.where
        try:
            self.version = self._found_version()
            if not read_only and self.version < schema.version:
                self.atomically(self._create_or_upgrade)
                self.version = schema.version
        except BaseException:
            self._connection.close()
            raise

    def run(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Runs one statement and returns its rows."""
        with self._lock, self._server.explained():
            cursor = self._connection.execute(_translated(statement), tuple(values), binary=True)
            return cursor.fetchall() if cursor.description else []

    def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Runs one statement for each of the rows."""
        with self._lock, self._server.explained():
            self._connection.cursor().executemany(_translated(statement), rows)

    def insert(self, table: str, values: Mapping[str, object]) -> int:
        """Inserts one row and returns its number."""
        rows = self.run(
            f"INSERT INTO {table} ({','.join(values)}) VALUES ({','.join('?' * len(values))}) RETURNING id", list(values.values())
        )
        return int(rows[0][0])

    def insert_new(
        self,
        table: str,
        same: Mapping[str, int],
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        computed: Mapping[str, str] = NOTHING_COMPUTED,
    ) -> int:
        """Inserts those rows that are not there yet and returns how many that were."""
        if not rows:
            return 0
        # Always in the same order, so that two runs do not wait for each other.
        arrays, types = _arrays(sorted(rows, key=tuple))
        constants = "".join(f"{int(value)}::bigint, " for value in same.values())
        names = ",".join(columns)
        statement = (
            f"INSERT INTO {table} ({','.join([*same, *columns, *computed])}) SELECT {constants}{','.join([*columns, *computed.values()])}"
            f" FROM unnest({types}) AS wanted ({names}) ON CONFLICT DO NOTHING"
        )
        with self._lock, self._server.explained():
            return self._connection.execute(_translated(statement), arrays).rowcount

    def values(self, rows: Sequence[Sequence[object]]) -> tuple[str, list[object]]:
        """A table of these rows, as a piece of SQL and its values: one array for each column."""
        arrays, types = _arrays(rows)
        return f"SELECT * FROM unnest({types})", [*arrays]

    def most_rows(self, _columns: int) -> int:
        """The maximum number of rows in one `values`."""
        return _MOST_ROWS

    def atomically(self, work: Callable[[], Result]) -> Result:
        """Does the work in one transaction; repeats it after a deadlock with another run."""
        with self._lock:
            for _attempt in range(_TRIES - 1):
                with suppress(_StoppedError):
                    return self._once(work)
                time.sleep(0.05)
            return self._once(work)

    def durably(self) -> AbstractContextManager[None]:
        """Does nothing: in this session, every transaction waits for the disk."""
        return nullcontext()

    @contextmanager
    def holding(self, names: Sequence[str]) -> Iterator[None]:
        """Waits until no other run on any host holds any of these names, then holds them."""
        # Always in the same order, so that two runs cannot wait for each other.
        locks = sorted({self._lock_number(name) for name in names})
        self.run("SELECT pg_advisory_lock(number) FROM unnest(?::bigint[]) AS wanted (number)", (locks,))
        with self._lock:
            self._held.update(locks)
        try:
            yield
        finally:
            with self._lock:
                self._held.difference_update(locks)
                # If this fails, the end of the connection releases them.
                with suppress(psycopg.Error):
                    self._connection.execute("SELECT pg_advisory_unlock(number) FROM unnest(%s::bigint[]) AS held (number)", (locks,))

    def is_held(self, name: str) -> bool:
        """True if a run on any host holds the name."""
        number = self._lock_number(name)
        with self._lock:
            if number in self._held:
                return True
            # A shared lock, so that two runs that ask at the same time do not take each other for the holder.
            is_free = self.run("SELECT pg_try_advisory_lock_shared(?)", (number,))[0][0]
            if is_free:
                self.run("SELECT pg_advisory_unlock_shared(?)", (number,))
            return not is_free

    def now(self) -> float:
        """Returns the time of the server's clock."""
        return float(self.run("SELECT extract(epoch FROM clock_timestamp())::float8")[0][0])

    def close(self) -> None:
        """Closes the connection and releases all names."""
        self._connection.close()

    def _once(self, work: Callable[[], Result]) -> Result:
        with self._server.explained():
            try:
                with self._connection.transaction():
                    return work()
            except LedgerError as error:
                if isinstance(error.__cause__, (errors.DeadlockDetected, errors.SerializationFailure)):
                    raise _StoppedError(error.message) from error.__cause__
                raise

    def _found_version(self) -> int:
        """The version of the tables, 0 if there are none. Raises LedgerError if it is newer than this code."""
        schema = self._schema
        there = self.run(
            "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relname = ?",
            (schema.namespace, schema.version_table),
        )
        found = self.run(f"SELECT max(version) FROM {schema.version_table}")[0][0] if there else None
        if found is not None and found > schema.version:
            raise LedgerError(
                f"{schema.option}: {self.where}: the tables in schema {schema.namespace} were made by a newer version of this collection "
                f"({schema.title} version {found}, this one knows {schema.version}). Update the collection on this host, "
                f"or set `{schema.option}` to another database."
            )
        return int(found or 0)

    def _create_or_upgrade(self) -> None:
        """Upgrades the tables to the newest version. If several runs try at once, one does it and the others wait."""
        schema = self._schema
        self.run("SELECT pg_advisory_xact_lock(?)", (self._lock_number("schema"),))
        version = self._found_version()
        # Even with IF NOT EXISTS, CREATE SCHEMA needs a right that a user may lack who already has the schema.
        if not self.run("SELECT 1 FROM pg_namespace WHERE nspname = ?", (schema.namespace,)):
            self.run(f"CREATE SCHEMA {schema.namespace}")
        for step in schema.steps[version:]:
            for statement in step.postgresql.split(";"):
                if statement.strip():
                    self.run(statement)
        if not version:
            self.run(f"CREATE TABLE IF NOT EXISTS {schema.version_table} (version integer NOT NULL)")
        if version < schema.version:
            self.run(f"DELETE FROM {schema.version_table}")
            self.run(f"INSERT INTO {schema.version_table} VALUES ({schema.version})")

    def _lock_number(self, name: str) -> int:
        digest = hashlib.sha256(f"{self._schema.namespace} {name}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)


class _StoppedError(LedgerError):
    """Two transactions were in conflict, and the server stopped this one."""


@lru_cache(maxsize=256)
def _translated(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()


def _arrays(rows: Sequence[Sequence[Any]]) -> tuple[list[str], str]:
    """Returns each column as an array in PostgreSQL's own notation, and their types. This is faster than adapting each value."""
    columns = list(zip(*rows))
    types = ",".join(f"?::{_type_of(column)}[]" for column in columns)
    return [f"{{{','.join(map(_element, column))}}}" for column in columns], types


def _type_of(column: Sequence[object]) -> str:
    return next((_TYPES[type(value)] for value in column if value is not None), "bigint")


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)
