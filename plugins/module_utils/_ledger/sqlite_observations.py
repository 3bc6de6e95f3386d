# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Which observations were accepted, in SQLite: one statement for many rows."""

from __future__ import annotations

import time
from itertools import chain
from typing import TYPE_CHECKING

from .records import MAX_POSITIONS, LogPosition, sort_out

if TYPE_CHECKING:
    import sqlite3
    import threading
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from .records import Claim, ObservationKey

_ROWS_A_STATEMENT = 450
"""Times two values, below the 999 that older SQLite versions bind at most."""
_RANGE_FACTOR = 4
_ROWS_A_DELETE = 10_000
_SECONDS_A_DAY = 86_400
_OLD = "scope = ? AND started_at < ? AND id <> ?"
_ACCEPTED = """
UPDATE run SET in_flight = in_flight - :count, first_timestamp = min(coalesce(first_timestamp, :first), :first),
    last_timestamp = max(coalesce(last_timestamp, :last), :last) WHERE id = :run
"""


class SqliteObservations:
    """The observations of one scope during one run; see ObservationLedger."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        lock: threading.Lock,
        explained: Callable[[], AbstractContextManager[None]],
        scopes: Sequence[tuple[str, int]],
        run: int,
        interrupted: int,
        force: bool,
    ) -> None:
        self.interrupted = interrupted
        self._connection = connection
        self._lock = lock
        self._explained = explained
        self._scopes = scopes
        self._scope = scopes[0][1]
        self.run = run
        self._force = force
        self._in_flight: set[ObservationKey] = set()

    def claim(self, keys: Sequence[ObservationKey]) -> Claim:
        """Sorts out what to send, and notes that it is about to be sent."""
        with self._lock, self._explained():
            claim = sort_out(keys, self._recorded(keys), self._in_flight, self.run, self._force)
            if claim.fresh:
                self._in_flight.update(claim.fresh_keys)
                self._add_in_flight(len(claim.fresh))
            return claim

    def accept(self, claim: Claim) -> None:
        """Records what was sent, and that its outcome is known, in one transaction."""
        keys = claim.fresh_keys
        if not keys:
            return
        with self._lock, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._insert(keys)
                values = {"count": len(keys), "first": min(keys)[0], "last": max(keys)[0], "run": self.run}
                self._connection.execute(_ACCEPTED, values)
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            self._in_flight.difference_update(keys)

    def release(self, claim: Claim) -> None:
        """Forgets a claim that surely was not carried out."""
        keys = claim.fresh_keys
        with self._lock, self._explained():
            self._add_in_flight(-len(keys))
            self._in_flight.difference_update(keys)

    def abandon(self, claim: Claim) -> None:
        """Nothing to do: no other run is at work, and what this one has not recorded is told the next one as interrupted."""

    def expire(self, days: int) -> None:
        """Removes what runs recorded that started more than so many days ago, in the order of time and in small transactions."""
        old = (self._scope, int(time.time()) - days * _SECONDS_A_DAY, self.run)
        with self._lock, self._explained():
            spans = f"SELECT min(first_timestamp), max(last_timestamp) FROM main.run WHERE {_OLD}"
            start, last = self._connection.execute(spans, old).fetchone()
        while start is not None:
            with self._lock, self._explained():
                beyond = self._connection.execute(
                    "SELECT timestamp FROM main.observation WHERE scope = ? AND timestamp BETWEEN ? AND ?"
                    " ORDER BY timestamp LIMIT 1 OFFSET ?",
                    (self._scope, start, last, _ROWS_A_DELETE),
                ).fetchone()
                self._connection.execute(
                    "DELETE FROM main.observation WHERE scope = ? AND timestamp BETWEEN ? AND ?"
                    f" AND run IN (SELECT id FROM main.run WHERE {_OLD})",
                    (self._scope, start, beyond[0] if beyond else last, *old),
                )
                start = beyond[0] + 1 if beyond else None
        with self._lock, self._explained():
            self._connection.execute(f"DELETE FROM main.run WHERE {_OLD}", old)

    def positions(self, reading: bytes, size: int) -> Sequence[LogPosition]:
        """How far logs were read with these options, the furthest first."""
        with self._lock, self._explained():
            return [
                LogPosition(reading, fingerprint, offset, line, bool(is_whole), summary)
                for schema, scope in self._scopes
                for fingerprint, offset, line, is_whole, summary in self._connection.execute(
                    f"SELECT fingerprint, offset, line, is_whole, summary FROM {schema}.log_position"
                    " WHERE scope = ? AND reading = ? AND offset <= ? ORDER BY offset DESC, id DESC",
                    (scope, reading, size),
                )
            ]

    def remember(self, position: LogPosition) -> None:
        """Records how far a log was read; the oldest of many positions make room."""
        values = (position.reading, position.fingerprint, position.offset, position.line, position.is_whole, position.summary)
        with self._lock, self._explained():
            self._connection.execute(
                "INSERT OR REPLACE INTO main.log_position (scope, reading, fingerprint, offset, line, is_whole, summary)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (self._scope, *values),
            )
            self._connection.execute(
                "DELETE FROM main.log_position WHERE scope = ? AND id NOT IN"
                " (SELECT id FROM main.log_position WHERE scope = ? ORDER BY id DESC LIMIT ?)",
                (self._scope, self._scope, MAX_POSITIONS),
            )

    def forget_position(self, position: LogPosition) -> None:
        """Removes a position that another one takes the place of."""
        with self._lock, self._explained():
            self._connection.execute(
                "DELETE FROM main.log_position WHERE scope = ? AND reading = ? AND fingerprint = ? AND offset = ?",
                (self._scope, position.reading, position.fingerprint, position.offset),
            )

    def _add_in_flight(self, number: int) -> None:
        self._connection.execute("UPDATE run SET in_flight = in_flight + ? WHERE id = ?", (number, self.run))

    def _insert(self, keys: Sequence[ObservationKey]) -> None:
        verb = "REPLACE" if self._force else "IGNORE"
        for part in _parts(keys):
            values = ",".join([f"({self._scope},?,?,{self.run})"] * len(part))
            self._connection.execute(f"INSERT OR {verb} INTO observation VALUES {values}", list(chain.from_iterable(part)))

    def _recorded(self, keys: Sequence[ObservationKey]) -> dict[ObservationKey, int]:
        recorded: dict[ObservationKey, int] = {}
        # The ledger that this run writes comes last; what it says of a row holds.
        for schema, scope in reversed(self._scopes):
            if scope >= 0:
                recorded.update(self._recorded_in(schema, scope, keys))
        return recorded

    def _recorded_in(self, schema: str, scope: int, keys: Sequence[ObservationKey]) -> dict[ObservationKey, int]:
        """Logs are written in the order of time, so what is recorded between the first and the last time of a batch is about
        the batch itself. Where it is much more, the rows are looked up one by one."""
        first, last = min(keys)[0], max(keys)[0]
        limit = _RANGE_FACTOR * len(keys) + 100
        rows = self._connection.execute(
            f"SELECT timestamp, addresses, run FROM {schema}.observation WHERE scope = ? AND timestamp BETWEEN ? AND ? LIMIT ?",
            (scope, first, last, limit),
        ).fetchall()
        if len(rows) == limit:
            rows = [row for part in _parts(keys) for row in self._looked_up(schema, scope, part)]
        return {(timestamp, addresses): run for timestamp, addresses, run in rows}

    def _looked_up(self, schema: str, scope: int, keys: Sequence[ObservationKey]) -> list[tuple[int, bytes, int]]:
        values = ",".join(["(?,?)"] * len(keys))
        return self._connection.execute(
            f"WITH wanted (timestamp, addresses) AS (VALUES {values})"
            f" SELECT o.timestamp, o.addresses, o.run FROM wanted w CROSS JOIN {schema}.observation o"
            " ON o.scope = ? AND o.timestamp = w.timestamp AND o.addresses = w.addresses",
            [*chain.from_iterable(keys), scope],
        ).fetchall()


def _parts(keys: Sequence[ObservationKey]) -> Iterator[Sequence[ObservationKey]]:
    for start in range(0, len(keys), _ROWS_A_STATEMENT):
        yield keys[start : start + _ROWS_A_STATEMENT]
