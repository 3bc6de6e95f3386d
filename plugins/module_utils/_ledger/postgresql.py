# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The ledger in a PostgreSQL database, for runs on many hosts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._errors import LedgerError
from .postgresql_database import LedgerDatabase
from .postgresql_events import PostgresqlEvents
from .postgresql_observations import PostgresqlObservations
from .postgresql_schema import make_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .records import ObservationScope


class PostgresqlLedger:
    """An open ledger. Connections are direct ones or those of a pooler in session mode: locks and claims live in them."""

    def __init__(self, url: str) -> None:
        self._database = LedgerDatabase(url, read_only=False)
        self._connection = self._database.connected()
        try:
            make_tables(self._connection, self._database)
        except LedgerError:
            self._connection.close()
            raise

    @contextmanager
    def observations(self, scope: ObservationScope, *, force: bool, run: int | None) -> Iterator[PostgresqlObservations]:
        """The ledger of one scope for one run. Other runs of the same scope may go on at the same time."""
        observations = PostgresqlObservations(self._database, self._connection, scope, run, force=force)
        try:
            yield observations
        finally:
            observations.close()

    def events(self, endpoint: str) -> PostgresqlEvents:
        """The ledger of one server's events; runs wait for each other where they work with the same events."""
        return PostgresqlEvents(self._database, self._connection, endpoint)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()
