# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Which events were inserted, and which were about to be, in PostgreSQL."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .event_record import EventRecord
from .postgresql_database import SCHEMA
from .psycopg import psycopg

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .postgresql_database import Connection, LedgerDatabase

_PUT = (
    f"INSERT INTO {SCHEMA}.event (endpoint, key, answered, alias, id, document_index) VALUES (%s, %s, %s, %s, %s, %s)"
    " ON CONFLICT (endpoint, key) DO UPDATE SET answered = EXCLUDED.answered, alias = EXCLUDED.alias, id = EXCLUDED.id,"
    " document_index = EXCLUDED.document_index, noted_at = now()"
)


class PostgresqlEvents:
    """The events of one server; see EventLedger."""

    def __init__(self, database: LedgerDatabase, connection: Connection, endpoint: str) -> None:
        self._database = database
        self._connection = connection
        self._endpoint = endpoint
        self._lock = threading.Lock()

    @contextmanager
    def alone_with(self, keys: Collection[bytes]) -> Iterator[None]:
        """Waits until no other run, on whatever host, works with any of these events. The lock ends with the connection."""
        # In the same order everywhere, so that two runs cannot wait for each other.
        locks = sorted({self._lock_number(key) for key in keys})
        with self._database.explained():
            self._connection.execute("SELECT pg_advisory_lock(number) FROM unnest(%s::bigint[]) AS wanted (number)", (locks,))
        try:
            yield
        finally:
            with suppress(psycopg.Error):
                self._connection.execute("SELECT pg_advisory_unlock(number) FROM unnest(%s::bigint[]) AS held (number)", (locks,))

    def look_up(self, keys: Collection[bytes]) -> Mapping[bytes, EventRecord]:
        """What is known of those of the events that are known."""
        with self._lock, self._database.explained():
            rows = self._connection.execute(
                f"SELECT key, answered, alias, id, document_index FROM {SCHEMA}.event WHERE endpoint = %s AND key = ANY(%s)",
                (self._endpoint, list(keys)),
            ).fetchall()
        return {key: EventRecord(answered, index, identifier, document_index) for key, answered, index, identifier, document_index in rows}

    def intend(self, keys: Collection[bytes]) -> None:
        """Notes that these events are about to be sent; one transaction for all of them, which must have come to its end."""
        self._put([(key, EventRecord(answered=False)) for key in keys])

    def record(self, key: bytes, record: EventRecord) -> None:
        """Notes what became of an event."""
        self._put([(key, record)])

    def forget(self, keys: Collection[bytes]) -> None:
        """Takes back intents of what surely was not carried out."""
        with self._lock, self._database.explained():
            self._connection.execute(f"DELETE FROM {SCHEMA}.event WHERE endpoint = %s AND key = ANY(%s)", (self._endpoint, list(keys)))

    def _put(self, records: Sequence[tuple[bytes, EventRecord]]) -> None:
        with self._lock, self._database.explained(), self._connection.transaction():
            # Also where the server is set to be quick and forgetful.
            self._connection.execute("SET LOCAL synchronous_commit = on")
            self._connection.cursor().executemany(
                _PUT, [(self._endpoint, key, one.answered, one.index, one.id, one.document_index) for key, one in records]
            )

    def _lock_number(self, key: bytes) -> int:
        digest = hashlib.blake2b(f"secops.xdr event {self._endpoint} {key.hex()}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)
