# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Connects to a PostgreSQL server and explains its errors. The password in the URL stays out of every message.

Only this file knows psycopg, and imports it when it is first used: the import takes as long as the rest of a short run.
"""

from __future__ import annotations

import importlib
import re
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import missing_required_lib

from .._errors import LedgerError, MissingLibraryError
from .._secrets import PASSWORD_PARAMETER, SecretKeeper, keep_ledger_password

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from psycopg import conninfo, errors

    from .database import Schema

    Connection = psycopg.Connection[tuple[Any, ...]]
else:

    class _Late:
        """A module that is imported when one of its attributes is first used."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, attribute: str) -> Any:
            return getattr(importlib.import_module(self._name), attribute)

    psycopg = _Late("psycopg")
    conninfo = _Late("psycopg.conninfo")
    errors = _Late("psycopg.errors")

__all__ = ["PostgresqlServer", "errors", "psycopg"]

# The form of URL that the driver and this file parse in the same way. In others, a part of the password could get into a message.
_URL = re.compile(r"postgres(?:ql)?://(?:[^:@/?#]*(?::[^@/?#]*)?@)?[^@/?#]*(?:/[^?#]*)?(?:\?[^#]*)?")
_FULL = re.compile(r"too many (?:clients|connections)|remaining connection slots", re.IGNORECASE)
_CONNECT_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": 15,
    "application_name": "secops.xdr",
    # A server that disappears without closing the connection is noticed in about a minute.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
# Only settings that this server knows. Waiting for another run takes as long as its request, so statements have no time limit. A host that
# disappears must not keep its locks for hours. Commits wait for the disk even if the server's default is asynchronous. Almost every
# statement looks up rows in an index; without statistics of new tables, the planner would not use it.
_SESSION = """
SELECT set_config(name, wanted, false) FROM pg_settings JOIN (VALUES
    ('statement_timeout', '0'), ('transaction_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'),
    ('lock_timeout', '1h'), ('default_transaction_isolation', 'read committed'),
    ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'), ('search_path', %s),
    ('synchronous_commit', 'on'), ('enable_seqscan', 'off'), ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'), ('jit', 'off')
) AS setting (name, wanted) USING (name) WHERE name <> 'synchronous_commit' OR setting = 'off'
"""


class PostgresqlServer:
    """Opens connections to one database."""

    def __init__(self, url: str, schema: Schema, *, read_only: bool) -> None:
        self._secrets = SecretKeeper()
        keep_ledger_password(url, self._secrets)
        _require_psycopg()
        self._schema = schema
        self._parameters = _checked_parameters(url, schema.option)
        self._read_only = read_only
        given = self._parameters
        place = given.get("host") or given.get("hostaddr")
        where = f" at {place}" + (f", port {given['port']}" if given.get("port") else "") if place else ""
        self.where = f"PostgreSQL{where}"

    def connected(self) -> Connection:
        """Opens a connection that commits each statement; raises LedgerError."""
        try:
            connection = psycopg.connect(**self._parameters, autocommit=True)
        except psycopg.Error as error:
            raise LedgerError(self._unreachable(error)) from error
        try:
            self._prepare(connection)
        except LedgerError:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: Connection) -> None:
        with self.explained():
            info = connection.info
            self.where = f"PostgreSQL at {info.host}, port {info.port}, database {info.dbname}, user {info.user}"
            connection.execute(_SESSION, (self._schema.namespace,))
            if self._read_only:
                connection.execute("SET default_transaction_read_only = on")

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Converts an error of the database to a LedgerError that says what to do."""
        try:
            yield
        except psycopg.Error as error:
            raise LedgerError(f"{self._schema.option}: {self.where}: {self._explanation(error)}") from error

    def _unreachable(self, error: psycopg.Error) -> str:
        # The driver's own message comes first, followed by advice.
        words = str(error).partition("\n")[0]
        option, variable = self._schema.option, self._schema.variable
        advice = f"Check host, port, user, password and database in `{option}` (or {variable}), and that the server accepts this host."
        if _FULL.search(words):
            advice = "Each run uses one connection: start fewer runs at once, or raise max_connections on the server."
        return f"{option}: cannot connect to {self.where}: {self._shown(words)}. {advice}"

    def _explanation(self, error: psycopg.Error) -> str:
        text, namespace = self._shown(error.diag.message_primary or str(error)), self._schema.namespace
        if isinstance(error, errors.InsufficientPrivilege):
            return (
                f"{text}. The user needs the schema {namespace} for itself: let an administrator run CREATE SCHEMA {namespace} "
                "AUTHORIZATION with its name, or grant it CREATE on the database."
            )
        if isinstance(error, errors.ReadOnlySqlTransaction):
            return f"{text}. This server is read-only, as a standby is; set `{self._schema.option}` to the primary server."
        if isinstance(error, errors.LockNotAvailable):
            return "another run has been working with the same rows for over an hour. Find the hanging run and stop it."
        if isinstance(error, (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName)):
            return f"{text}. The tables in schema {namespace} are not as this collection created them; restore them from a backup."
        if isinstance(error, (errors.DiskFull, errors.OutOfMemory, errors.ConfigurationLimitExceeded)):
            return f"{text}. Make room on the server and run again; what was recorded is kept."
        if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
            return (
                f"the connection broke: {text}. Run again when the server is back: what was recorded is kept, and what was being sent at "
                "this moment is sent again with a warning."
            )
        return f"{text}."

    def _shown(self, text: str) -> str:
        return self._secrets.shown(" ".join(text.split())).rstrip(".")


def _checked_parameters(url: str, option: str) -> dict[str, Any]:
    """Parses the parameters in a URL. Messages never quote it, because any part of an invalid URL may belong to the password."""
    form = "postgresql://user:password@host:5432/database"
    if not _URL.fullmatch(url):
        raise LedgerError(
            f"{option}: this is not a URL of the form {form}. In user and password, write %40 for @, %3A for :, %2F for /, %3F for ?, "
            "%23 for # and %25 for %."
        )
    if PASSWORD_PARAMETER.search(url):
        raise LedgerError(
            f"{option}: the password is among the parameters of the URL, where logs may show it. Write {form}, or leave it out and set "
            "PGPASSWORD in the environment of the task, or keep it in ~/.pgpass on the host that runs the module."
        )
    try:
        given = conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise LedgerError(
            f"{option}: this URL cannot be read. Write {form}; after % two hexadecimal digits must follow, and parameters after ? "
            "are those of libpq, such as sslmode=verify-full."
        ) from None
    return {**_CONNECT_DEFAULTS, **given}


def _require_psycopg() -> None:
    """Raises MissingLibraryError where psycopg, or the library of PostgreSQL that it wraps, cannot be imported."""
    try:
        importlib.import_module("psycopg")
    except ImportError as error:
        raise MissingLibraryError(
            missing_required_lib("psycopg[binary]", reason="to use a PostgreSQL database (a file does not need it)"),
            exception=traceback.format_exc(),
        ) from error
