# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The tables of a PostgreSQL ledger, in a schema of their own. Whichever run finds them missing makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .postgresql_database import SCHEMA

if TYPE_CHECKING:
    from .postgresql_database import Connection, LedgerDatabase

SCHEMA_VERSION = 1

# Advisory locks belong to the whole database: pairs that start with one of these numbers are this collection's.
RUN_LOCKS = 0x78647201
"""With the number of a run: held as long as the run lives."""
EXPIRY_LOCKS = 0x78647202
"""With the number of a scope: held by the run that removes its old rows."""
_SCHEMA_LOCK = 0x78647200

_TABLES = f"""
CREATE TABLE {SCHEMA}.scope (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint text NOT NULL,
    source text NOT NULL,
    timestamp_unit text NOT NULL,
    UNIQUE (endpoint, source, timestamp_unit)
);
CREATE TABLE {SCHEMA}.run (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope integer NOT NULL REFERENCES {SCHEMA}.scope (id),
    started_at timestamptz NOT NULL DEFAULT now(),
    in_flight integer NOT NULL DEFAULT 0,
    first_timestamp bigint,
    last_timestamp bigint
);
CREATE INDEX run_started_at ON {SCHEMA}.run (scope, started_at);
CREATE INDEX run_in_flight ON {SCHEMA}.run (scope) WHERE in_flight > 0;
CREATE TABLE {SCHEMA}.observation (
    scope integer NOT NULL,
    timestamp bigint NOT NULL,
    addresses bytea NOT NULL,
    run integer NOT NULL,
    PRIMARY KEY (scope, timestamp, addresses)
);
CREATE TABLE {SCHEMA}.log_position (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope integer NOT NULL,
    reading bytea NOT NULL,
    fingerprint bytea NOT NULL,
    end_offset bigint NOT NULL,
    line bigint NOT NULL,
    is_whole boolean NOT NULL,
    summary text NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (scope, reading, fingerprint, end_offset)
);
CREATE TABLE {SCHEMA}.event (
    endpoint text NOT NULL,
    key bytea NOT NULL,
    answered boolean NOT NULL,
    alias text,
    id text,
    document_index text,
    noted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (endpoint, key)
);
CREATE TABLE {SCHEMA}.ledger (version integer NOT NULL);
INSERT INTO {SCHEMA}.ledger VALUES ({SCHEMA_VERSION});
"""


def has_tables(connection: Connection, database: LedgerDatabase) -> bool:
    """Whether the tables are there; raises LedgerError where they are of a newer version."""
    with database.explained():
        found = connection.execute(
            "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = 'ledger'",
            (SCHEMA,),
        ).fetchone()
        version = connection.execute(f"SELECT max(version) FROM {SCHEMA}.ledger").fetchone() if found else None
    if version is None:
        return False
    if version[0] > SCHEMA_VERSION:
        raise database.newer(version[0], SCHEMA_VERSION)
    return True


def make_tables(connection: Connection, database: LedgerDatabase) -> None:
    """Makes the tables where they are missing, all or none; of several runs at once, one does. Raises LedgerError."""
    if has_tables(connection, database):
        return
    with database.explained(), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, 0)", (_SCHEMA_LOCK,))
        if has_tables(connection, database):
            return
        # Even with IF NOT EXISTS, making a schema takes a right that a user with a schema of its own need not have.
        if not connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (SCHEMA,)).fetchone():
            connection.execute(f"CREATE SCHEMA {SCHEMA}")
        connection.execute(_TABLES)
