# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Which observations were accepted, in PostgreSQL, for runs on any number of hosts at once.

A claim is an open transaction that has inserted its rows. Another run that wants one of them waits, by the unique index, until that
transaction ends: with a commit, when the request was accepted, and the row is known; or without one, also when the run or its host
died, and the row is the other's. So a row is sent by one run at a time, and a run that is killed takes nothing with it.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from .postgresql_database import SCHEMA
from .postgresql_positions import PostgresqlPositions
from .postgresql_schema import EXPIRY_LOCKS, RUN_LOCKS
from .psycopg import errors, psycopg
from .records import sort_out

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .postgresql_database import Connection, LedgerDatabase
    from .records import Claim, ObservationKey, ObservationScope

_TRIES = 10
_RANGE_FACTOR = 4
_ROWS_A_DELETE = 10_000

_WANTED = "unnest(%s::bigint[], %s::bytea[]) AS wanted (timestamp, addresses)"
_INSERT = f"INSERT INTO {SCHEMA}.observation AS kept SELECT %s, timestamp, addresses, %s FROM {_WANTED} ON CONFLICT"
_CLAIM = f"{_INSERT} DO NOTHING RETURNING timestamp, addresses"
_CLAIM_AGAIN = (
    f"{_INSERT} (scope, timestamp, addresses) DO UPDATE SET run = EXCLUDED.run WHERE kept.run <> EXCLUDED.run"
    " RETURNING timestamp, addresses"
)
_KNOWN = f"SELECT timestamp, addresses, run FROM {_WANTED} JOIN {SCHEMA}.observation USING (timestamp, addresses) WHERE scope = %s"
_NEARBY = (
    f"SELECT timestamp, addresses, run FROM {SCHEMA}.observation WHERE scope = %s AND timestamp BETWEEN %s AND %s"
    " ORDER BY timestamp LIMIT %s"
)
_LIVE_RUNS = f"""
SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid = {RUN_LOCKS} AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
# Another run that starts at the same moment waits for the rows and then finds them cleared.
_INTERRUPTED = f"""
WITH dead AS (SELECT id, in_flight FROM {SCHEMA}.run WHERE scope = %s AND in_flight > 0 AND id NOT IN ({_LIVE_RUNS}) FOR UPDATE),
    cleared AS (UPDATE {SCHEMA}.run SET in_flight = 0 FROM dead WHERE run.id = dead.id)
SELECT coalesce(sum(in_flight), 0) FROM dead
"""
_NEW_RUN = f"WITH new AS (INSERT INTO {SCHEMA}.run (scope) VALUES (%s) RETURNING id) SELECT id, pg_advisory_lock({RUN_LOCKS}, id) FROM new"
# The first part of an upload that recorded nothing left no trace.
_SAME_RUN = f"""
WITH wanted (id, scope) AS (VALUES (%s::integer, %s::integer)),
    again AS (INSERT INTO {SCHEMA}.run (id, scope) OVERRIDING SYSTEM VALUE SELECT id, scope FROM wanted ON CONFLICT (id) DO NOTHING)
SELECT id, pg_advisory_lock({RUN_LOCKS}, id) FROM wanted
"""


class PostgresqlObservations:
    """The observations of one scope during one run; see ObservationLedger."""

    def __init__(self, database: LedgerDatabase, main: Connection, scope: ObservationScope, run: int | None, *, force: bool) -> None:
        self._database = database
        self._main = main
        self._force = force
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._claims: dict[int, Connection] = {}
        self._in_flight: set[ObservationKey] = set()
        with database.explained():
            self._scope = scope_number(main, scope) or _new_scope(main, scope)
            self.interrupted = _number(main, _INTERRUPTED, self._scope)
            self.run = _number(main, _NEW_RUN, self._scope) if run is None else _number(main, _SAME_RUN, run, self._scope)
        kept = PostgresqlPositions(database, main, self._scope)
        self.positions = kept.positions
        self.remember = kept.remember
        self.forget_position = kept.forget_position

    def claim(self, keys: Sequence[ObservationKey]) -> Claim:
        """Sorts out what to send, and notes that it is about to be sent. Waits for other runs that send some of it at this moment."""
        with self._lock:
            # Waiting for a row of this very run would be waiting for ever: the thread that waits may be the one to end it.
            under_way = self._in_flight.intersection(keys)
        connection = self._connection()
        try:
            with self._database.explained():
                recorded = self._recorded_or_inserted(connection, set(keys).difference(under_way))
                claim = sort_out(keys, recorded, under_way, self.run, self._force)
                if claim.fresh:
                    self._note(len(claim.fresh))
                else:
                    connection.execute("ROLLBACK")
        except BaseException:
            connection.close()
            raise
        with self._lock:
            if claim.fresh:
                self._claims[id(claim)] = connection
                self._in_flight.update(claim.fresh_keys)
            else:
                self._idle.append(connection)
        return claim

    def accept(self, claim: Claim) -> None:
        """Records what was sent, and that its outcome is known, in one transaction."""
        keys = claim.fresh_keys
        if not keys:
            return
        self._end(
            claim,
            f"UPDATE {SCHEMA}.run SET in_flight = in_flight - {len(keys)}, first_timestamp = least(first_timestamp, {min(keys)[0]}),"
            f" last_timestamp = greatest(last_timestamp, {max(keys)[0]}) WHERE id = {self.run}; COMMIT",
        )
        with self._lock:
            self._in_flight.difference_update(keys)

    def release(self, claim: Claim) -> None:
        """Gives up a claim that surely was not carried out."""
        if not claim.fresh:
            return
        self._end(claim, "ROLLBACK")
        with self._database.explained():
            self._note(-len(claim.fresh))
        with self._lock:
            self._in_flight.difference_update(claim.fresh_keys)

    def abandon(self, claim: Claim) -> None:
        """Gives up a claim whose outcome is unknown; the note that it was under way stays."""
        if claim.fresh:
            self._end(claim, "ROLLBACK")

    def expire(self, days: int) -> None:
        """Removes what runs recorded that started more than so many days ago and have ended; one run at a time does."""
        with self._database.explained():
            if not _number(self._main, f"SELECT pg_try_advisory_lock({EXPIRY_LOCKS}, %s)::int", self._scope):
                return
            old = self._main.execute(
                f"SELECT id, first_timestamp, last_timestamp FROM {SCHEMA}.run"
                f" WHERE scope = %s AND started_at < now() - make_interval(days => %s) AND id NOT IN ({_LIVE_RUNS})",
                (self._scope, days),
            ).fetchall()
            runs = [run for run, _first, _last in old]
            spans = [(first, last) for _run, first, last in old if first is not None]
            if spans:
                self._expire(runs, min(first for first, _last in spans), max(last for _first, last in spans))
            self._main.execute(f"DELETE FROM {SCHEMA}.run WHERE id = ANY(%s) AND in_flight = 0", (runs,))
            self._main.execute(f"SELECT pg_advisory_unlock({EXPIRY_LOCKS}, %s)", (self._scope,))

    def close(self) -> None:
        """Ends the run. What was claimed and neither accepted nor released counts as under way."""
        with self._lock:
            for connection in (*self._idle, *self._claims.values()):
                connection.close()
            self._idle.clear()
            self._claims.clear()
        # Where this fails, the end of the connection does what matters.
        with suppress(psycopg.Error):
            # Runs that found nothing new leave no trace.
            self._main.execute(f"DELETE FROM {SCHEMA}.run WHERE id = %s AND first_timestamp IS NULL AND in_flight = 0", (self.run,))
            self._main.execute(f"SELECT pg_advisory_unlock({RUN_LOCKS}, %s)", (self.run,))

    def _connection(self) -> Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._database.connected()

    def _recorded_or_inserted(self, connection: Connection, wanted: set[ObservationKey]) -> dict[ObservationKey, int]:
        """Inserts the rows into a new transaction, and returns those that stood there before, by their run (0: any other)."""
        connection.execute("BEGIN")
        nearby = None if self._force else _runs_nearby(connection, self._scope, wanted)
        # In the same order everywhere, so that no two runs wait for each other.
        missing = sorted(wanted.difference(nearby or ()))
        others = self._not_inserted(connection, missing) if missing else []
        recorded = dict.fromkeys(others, self.run if self._force else 0)
        if nearby is not None:
            recorded.update(nearby)
        elif others and not self._force:
            # Nobody removes rows of a run that lives.
            recorded.update(_runs_of(connection, self._scope, others))
        return recorded

    def _not_inserted(self, connection: Connection, wanted: Sequence[ObservationKey]) -> Sequence[ObservationKey]:
        """Inserts the rows, and returns those that are recorded; waits for other runs that have inserted, but not recorded some."""
        for attempt in range(_TRIES):
            try:
                statement = _CLAIM_AGAIN if self._force else _CLAIM
                inserted = connection.execute(statement, (self._scope, self.run, *arrays(wanted)), binary=True).fetchall()
                break
            except (errors.DeadlockDetected, errors.SerializationFailure):
                connection.execute("ROLLBACK")
                if attempt == _TRIES - 1:
                    raise
                connection.execute("BEGIN")
        return [] if len(inserted) == len(wanted) else sorted(set(wanted).difference(inserted))

    def _end(self, claim: Claim, statement: str) -> None:
        with self._lock:
            connection = self._claims.pop(id(claim))
        try:
            with self._database.explained():
                connection.execute(statement.encode())
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)

    def _note(self, number: int) -> None:
        # What a crash of the server takes away is the number in a warning.
        self._main.execute(
            f"SET LOCAL synchronous_commit = off; UPDATE {SCHEMA}.run SET in_flight = in_flight + {number} WHERE id = {self.run}".encode()
        )

    def _expire(self, runs: Sequence[int], first: int, last: int) -> None:
        """Goes through the rows in the order of time, so that no transaction is large."""
        start: int | None = first
        while start is not None:
            beyond = self._main.execute(
                f"SELECT timestamp FROM {SCHEMA}.observation WHERE scope = %s AND timestamp BETWEEN %s AND %s"
                f" ORDER BY timestamp OFFSET {_ROWS_A_DELETE} LIMIT 1",
                (self._scope, start, last),
            ).fetchone()
            end = beyond[0] if beyond else last
            self._main.execute(
                f"DELETE FROM {SCHEMA}.observation WHERE scope = %s AND timestamp BETWEEN %s AND %s AND run = ANY(%s)",
                (self._scope, start, end, runs),
            )
            start = end + 1 if beyond else None


def arrays(keys: Collection[ObservationKey]) -> tuple[str, str]:
    """The times and the addresses as arrays in PostgreSQL's own notation, which costs less than to adapt value by value."""
    timestamps = ",".join([str(timestamp) for timestamp, _addresses in keys])
    addresses = ",".join(["\\\\x" + addresses.hex() for _timestamp, addresses in keys])
    return f"{{{timestamps}}}", f"{{{addresses}}}"


def known_runs(connection: Connection, scope: int, keys: Collection[ObservationKey]) -> dict[ObservationKey, int]:
    """Which run recorded each of the keys that are recorded; perhaps others beside them."""
    nearby = _runs_nearby(connection, scope, keys)
    return _runs_of(connection, scope, keys) if nearby is None else nearby


def _runs_of(connection: Connection, scope: int, keys: Collection[ObservationKey]) -> dict[ObservationKey, int]:
    rows = connection.execute(_KNOWN, (*arrays(keys), scope), binary=True)
    return {(timestamp, addresses): run for timestamp, addresses, run in rows}


def _runs_nearby(connection: Connection, scope: int, keys: Collection[ObservationKey]) -> dict[ObservationKey, int] | None:
    """All that is recorded between the first and the last time; None where that is too much.

    Logs are written in the order of time, so this is about the keys themselves, for a fraction of the cost of looking up each.
    """
    if not keys:
        return {}
    limit = _RANGE_FACTOR * len(keys) + 100
    rows = connection.execute(_NEARBY, (scope, min(keys)[0], max(keys)[0], limit), binary=True).fetchall()
    return None if len(rows) == limit else {(timestamp, addresses): run for timestamp, addresses, run in rows}


def scope_number(connection: Connection, scope: ObservationScope) -> int:
    """The number of a scope, or 0 where the ledger has none."""
    found = connection.execute(
        f"SELECT id FROM {SCHEMA}.scope WHERE endpoint = %s AND source = %s AND timestamp_unit = %s",
        (scope.endpoint, scope.source, scope.timestamp_unit),
    ).fetchone()
    return int(found[0]) if found else 0


def _new_scope(connection: Connection, scope: ObservationScope) -> int:
    connection.execute(
        f"INSERT INTO {SCHEMA}.scope (endpoint, source, timestamp_unit) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (scope.endpoint, scope.source, scope.timestamp_unit),
    )
    return scope_number(connection, scope)


def _number(connection: Connection, statement: str, *values: int) -> int:
    row = connection.execute(statement.encode(), values).fetchone()
    return int(row[0]) if row else 0
