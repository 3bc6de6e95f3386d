# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The ledger in any database."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .events import StoredEvents, StoredRewrites
from .observations import StoredObservations
from .recorded import run_name
from .schema import tables_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._database.database import Database
    from .contract import ObservationScope

_RUN_BITS = 62
_NO_RUN = -1
"""0 is the run of everything that version 1 recorded."""


class StoredLedger:
    """See Ledger. In check mode it is opened for reading only, and the tables may be of an older version."""

    def __init__(self, database: Database, where: str = "") -> None:
        self.where = where or database.where
        self._database = database
        self._tables = tables_of(database.version)
        self.is_new = not database.run(f"SELECT 1 FROM {self._tables.batch} AS b LIMIT 1")

    @contextmanager
    def observations(self, scope: ObservationScope, *, force: bool, run: int | None = None) -> Iterator[StoredObservations]:
        """The ledger of one scope for one run. Other runs of the same scope may be active at the same time."""
        # Random, since the runs of a scratch ledger must not be taken for runs of the ledger that it covers.
        number = run if run is not None else secrets.randbits(_RUN_BITS) + 1
        with self._database.holding([run_name(number)]):
            observations = StoredObservations(self._database, self._tables, self._scope_number(scope), number, force=force)
            observations.report_interrupted()
            yield observations

    def kept_observations(self, scope: ObservationScope) -> StoredObservations:
        """The ledger of one scope, to be read only."""
        return StoredObservations(self._database, self._tables, self._found_scope(scope), _NO_RUN, force=False)

    def events(self, endpoint: str) -> StoredEvents:
        """The events of the server at this base URL."""
        return StoredEvents(self._database, self._tables, endpoint)

    def rewrites(self, endpoint: str) -> StoredRewrites:
        """How the server at this base URL rewrites texts."""
        return StoredRewrites(self._database, self._tables, endpoint)

    def close(self) -> None:
        """Closes the database and releases all locks."""
        self._database.close()

    def _scope_number(self, scope: ObservationScope) -> int:
        self._database.run("INSERT INTO scope (endpoint, source, timestamp_unit) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", scope)
        return self._found_scope(scope)

    def _found_scope(self, scope: ObservationScope) -> int:
        """The number of a scope; -1 if the ledger does not have it."""
        found = self._database.run("SELECT id FROM scope WHERE endpoint = ? AND source = ? AND timestamp_unit = ?", scope)
        return int(found[0][0]) if found else -1
