# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Opens the database that an option names: a SQLite file or a PostgreSQL database.

Each kind is imported only when it is opened: a module is compiled again for every task, so a task should not load code that it does not
use.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .._errors import LedgerError
from .._files import expanded, state_file
from .._secrets import is_postgresql
from .._texts import system_name

if TYPE_CHECKING:
    from .database import Database, Schema


def open_database(location: str | None, schema: Schema) -> Database:
    """Opens the database at a file, a URL or the default location, and creates or upgrades its tables. Raises LedgerError."""
    path = file_at(location, schema)
    if path is None:
        from .postgresql import PostgresqlDatabase

        return PostgresqlDatabase(str(location), schema)
    from .sqlite import SqliteDatabase

    return SqliteDatabase(path, schema)


def open_for_reading(location: str | None, schema: Schema) -> Database | None:
    """Opens the same database for reading only: nothing is created or changed, not even its tables. None if it does not exist yet."""
    path = file_at(location, schema)
    database: Database
    if path is None:
        from .postgresql import PostgresqlDatabase

        database = PostgresqlDatabase(str(location), schema, read_only=True)
    else:
        if not os.path.lexists(system_name(path)):
            return None
        from .sqlite import SqliteDatabase

        database = SqliteDatabase(path, schema, read_only=True)
    if database.version:
        return database
    database.close()
    return None


def scratch_database(schema: Schema) -> Database:
    """Opens a temporary database, which is gone when the process ends."""
    from .sqlite import SqliteDatabase

    return SqliteDatabase(None, schema)


def file_at(location: str | None, schema: Schema) -> str | None:
    """Returns the absolute path of a file; None for a PostgreSQL database. Raises LedgerError for anything else."""
    option = schema.option
    if not location:
        try:
            return state_file(schema.default_file)
        except ValueError as error:
            raise LedgerError(f"{option}: {error} to keep the {schema.title} in; set `{option}` or {schema.variable} to a file.") from error
    if is_postgresql(location):
        return None
    if "://" in location:
        raise LedgerError(f"{option}: only a file or a postgresql:// URL can be a {schema.title}.")
    if location.strip() == ":memory:":
        raise LedgerError(
            f"{option}: a {schema.title} in memory forgets everything when the task ends; set `{option}` to a file or a postgresql:// URL."
        )
    try:
        return expanded(location)
    except ValueError as error:
        raise LedgerError(
            f"{option}: {location} {error}. Give an absolute path, such as /var/lib/secops/{schema.default_file}, "
            f"~/{schema.default_file}, or a postgresql:// URL."
        ) from error
