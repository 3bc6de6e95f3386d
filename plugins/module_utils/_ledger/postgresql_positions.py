# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""How far logs were read, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .postgresql_database import SCHEMA
from .records import MAX_POSITIONS, LogPosition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .postgresql_database import Connection, LedgerDatabase

_HOSTS = 20
"""Many hosts share a ledger, each with logs of its own."""


class PostgresqlPositions:
    """The positions of one scope; see ObservationLedger."""

    def __init__(self, database: LedgerDatabase, connection: Connection, scope: int) -> None:
        self._database = database
        self._connection = connection
        self._scope = scope

    def positions(self, reading: bytes, size: int) -> Sequence[LogPosition]:
        """How far logs were read with these options, the furthest first."""
        with self._database.explained():
            rows = self._connection.execute(
                f"SELECT fingerprint, end_offset, line, is_whole, summary FROM {SCHEMA}.log_position"
                " WHERE scope = %s AND reading = %s AND end_offset <= %s ORDER BY end_offset DESC, noted_at DESC",
                (self._scope, reading, size),
            ).fetchall()
        return [LogPosition(reading, *row) for row in rows]

    def remember(self, position: LogPosition) -> None:
        """Records how far a log was read; the oldest of many positions make room."""
        values = (position.reading, position.fingerprint, position.offset, position.line, position.is_whole, position.summary)
        with self._database.explained():
            self._connection.execute(
                f"INSERT INTO {SCHEMA}.log_position (scope, reading, fingerprint, end_offset, line, is_whole, summary)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (scope, reading, fingerprint, end_offset)"
                " DO UPDATE SET line = EXCLUDED.line, is_whole = EXCLUDED.is_whole, summary = EXCLUDED.summary, noted_at = now()",
                (self._scope, *values),
            )
            self._connection.execute(
                f"DELETE FROM {SCHEMA}.log_position WHERE id IN (SELECT id FROM {SCHEMA}.log_position WHERE scope = %s"
                " ORDER BY noted_at DESC, id DESC OFFSET %s FOR UPDATE SKIP LOCKED)",
                (self._scope, MAX_POSITIONS * _HOSTS),
            )

    def forget_position(self, position: LogPosition) -> None:
        """Removes a position that another one takes the place of."""
        with self._database.explained():
            self._connection.execute(
                f"DELETE FROM {SCHEMA}.log_position WHERE scope = %s AND reading = %s AND fingerprint = %s AND end_offset = %s",
                (self._scope, position.reading, position.fingerprint, position.offset),
            )
