# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""A PostgreSQL ledger in check mode: it is only read, and what a run would record goes to a scratch ledger that ends with the process."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._errors import LedgerError
from .postgresql_database import LedgerDatabase
from .postgresql_events import PostgresqlEvents
from .postgresql_observations import known_runs, scope_number
from .postgresql_positions import PostgresqlPositions
from .postgresql_schema import has_tables
from .records import Claim
from .sqlite import SqliteLedger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .event_record import EventRecord
    from .old_contract import EventLedger, ObservationLedger
    from .postgresql_database import Connection
    from .records import ObservationKey, ObservationScope


class PostgresqlPlan:
    """The ledger of a run in check mode; a database without tables is an empty one."""

    def __init__(self, url: str) -> None:
        self._database = LedgerDatabase(url, read_only=True)
        self._connection = self._database.connected()
        try:
            self._has_tables = has_tables(self._connection, self._database)
        except LedgerError:
            self._connection.close()
            raise
        self._scratch = SqliteLedger(None, read_only=True)

    @contextmanager
    def observations(self, scope: ObservationScope, *, force: bool, run: int | None) -> Iterator[ObservationLedger]:
        """The ledger of one scope, over what the database has of it."""
        with self._database.explained():
            number = scope_number(self._connection, scope) if self._has_tables else 0
        with self._scratch.observations(scope, force=force, run=run) as scratch:
            # What the database has matters to a forced run no more than to a first one.
            yield PlannedObservations(self._database, self._connection, number, scratch) if number and not force else scratch

    def events(self, endpoint: str) -> EventLedger:
        """The events of one server, over what the database has of them."""
        scratch = self._scratch.events(endpoint)
        return PlannedEvents(PostgresqlEvents(self._database, self._connection, endpoint), scratch) if self._has_tables else scratch

    def close(self) -> None:
        """Closes the connection; what was planned is forgotten."""
        self._connection.close()
        self._scratch.close()


class PlannedObservations:
    """The observations of one scope in check mode; see ObservationLedger."""

    def __init__(self, database: LedgerDatabase, connection: Connection, scope: int, scratch: ObservationLedger) -> None:
        self.run = scratch.run
        self.interrupted = 0
        self._database = database
        self._connection = connection
        self._scope = scope
        self._scratch = scratch
        self.accept = scratch.accept
        self.release = scratch.release
        self.abandon = scratch.abandon
        self.expire = scratch.expire
        self.positions = PostgresqlPositions(database, connection, scope).positions
        self.remember = scratch.remember
        self.forget_position = scratch.forget_position

    def claim(self, keys: Sequence[ObservationKey]) -> Claim:
        """Sorts out what would be sent: of what the database does not have, what this run would not have sent before."""
        with self._database.explained():
            known = known_runs(self._connection, self._scope, keys)
        if not known:
            return self._scratch.claim(keys)
        unknown = [position for position, key in enumerate(keys) if key not in known]
        if not unknown:
            return Claim(keys, [], len(keys), 0)
        claim = self._scratch.claim([keys[position] for position in unknown])
        return Claim(keys, [unknown[position] for position in claim.fresh], len(keys) - len(unknown), claim.duplicates)


class PlannedEvents:
    """The events of one server in check mode; see EventLedger."""

    def __init__(self, kept: EventLedger, scratch: EventLedger) -> None:
        self._kept = kept
        self._scratch = scratch
        # Nothing is written, so nobody has to wait.
        self.alone_with = scratch.alone_with
        self.intend = scratch.intend
        self.record = scratch.record
        self.forget = scratch.forget

    def look_up(self, keys: Collection[bytes]) -> Mapping[bytes, EventRecord]:
        """What is known or planned."""
        return {**self._kept.look_up(keys), **self._scratch.look_up(keys)}
