# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Which events were inserted, and which were about to be, in SQLite."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .event_record import EventRecord

if TYPE_CHECKING:
    import sqlite3
    import threading
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

_KEYS_A_STATEMENT = 500


class SqliteEvents:
    """The events of one server; see EventLedger."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        lock: threading.Lock,
        explained: Callable[[], AbstractContextManager[None]],
        alone_with: Callable[..., AbstractContextManager[None]],
        schemas: Sequence[str],
        endpoint: str,
    ) -> None:
        self._connection = connection
        self._lock = lock
        self._explained = explained
        self._alone_with = alone_with
        self._schemas = schemas
        self._endpoint = endpoint

    def alone_with(self, keys: Collection[bytes]) -> AbstractContextManager[None]:
        """Waits until no other run on this host works with any of these events."""
        return self._alone_with(*(f"event {self._endpoint} {key.hex()}" for key in keys))

    def look_up(self, keys: Collection[bytes]) -> Mapping[bytes, EventRecord]:
        """What is known of those of the events that are known."""
        known: dict[bytes, EventRecord] = {}
        with self._lock, self._explained():
            # The ledger that this run writes comes first; it knows better than the one below it.
            for schema in reversed(self._schemas):
                for part in _parts(list(keys)):
                    known.update(self._looked_up(schema, part))
        return known

    def intend(self, keys: Collection[bytes]) -> None:
        """Notes that these events are about to be sent. One write to the disk for all of them, which must have come to its end."""
        with self._lock, self._explained():
            self._connection.execute("PRAGMA synchronous=FULL")
            try:
                self._put([(key, EventRecord(answered=False)) for key in keys])
            finally:
                self._connection.execute("PRAGMA synchronous=NORMAL")

    def record(self, key: bytes, record: EventRecord) -> None:
        """Notes what became of an event. Where a power failure takes this away, the intent is still there, and the server is asked."""
        with self._lock, self._explained():
            self._put([(key, record)])

    def forget(self, keys: Collection[bytes]) -> None:
        """Takes back intents of what surely was not carried out."""
        with self._lock, self._explained(), self._transaction():
            self._connection.executemany("DELETE FROM event WHERE endpoint = ? AND key = ?", [(self._endpoint, key) for key in keys])

    def _put(self, records: Sequence[tuple[bytes, EventRecord]]) -> None:
        now = int(time.time())
        with self._transaction():
            self._connection.executemany(
                "INSERT OR REPLACE INTO event (endpoint, key, answered, alias, id, document_index, noted_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(self._endpoint, key, record.answered, record.index, record.id, record.document_index, now) for key, record in records],
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _looked_up(self, schema: str, keys: Sequence[bytes]) -> Iterator[tuple[bytes, EventRecord]]:
        marks = ",".join("?" * len(keys))
        rows = self._connection.execute(
            f"SELECT key, answered, alias, id, document_index FROM {schema}.event WHERE endpoint = ? AND key IN ({marks})",
            [self._endpoint, *keys],
        )
        for key, answered, index, identifier, document_index in rows:
            yield key, EventRecord(bool(answered), index, identifier, document_index)


def _parts(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(keys), _KEYS_A_STATEMENT):
        yield keys[start : start + _KEYS_A_STATEMENT]
