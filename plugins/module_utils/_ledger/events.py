# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Stores events that were inserted or about to be, and the texts that servers rewrite, in any database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._database.database import marks, parts
from .contract import EventRecord

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from .._database.database import Database
    from .schema import Tables

_KEYS_A_STATEMENT = 500
_PUT = (
    "INSERT INTO event (endpoint, key, answered, alias, id, document_index, noted_at, over_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (endpoint, key) DO UPDATE SET answered = EXCLUDED.answered, alias = EXCLUDED.alias, id = EXCLUDED.id,"
    " document_index = EXCLUDED.document_index, noted_at = EXCLUDED.noted_at, over_at = EXCLUDED.over_at"
)
_NOTE = (
    "INSERT INTO rewrite (endpoint, key, stored, noted_at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (endpoint, key) DO UPDATE SET stored = EXCLUDED.stored, noted_at = EXCLUDED.noted_at"
)


class StoredEvents:
    """The events of one server; see EventLedger."""

    def __init__(self, database: Database, tables: Tables, endpoint: str) -> None:
        self._database = database
        self._table = tables.event
        self._endpoint = endpoint

    def alone_with(self, keys: Collection[bytes]) -> AbstractContextManager[None]:
        """Waits until no other run works with any of these events."""
        return self._database.holding([f"event {self._endpoint} {key.hex()}" for key in keys])

    def look_up(self, keys: Collection[bytes]) -> Mapping[bytes, EventRecord]:
        """The records of those events that the ledger knows."""
        now = self._database.now()
        rows = []
        for some in parts(list(keys), _KEYS_A_STATEMENT):
            rows += self._database.run(
                f"SELECT key, answered, alias, id, document_index, over_at FROM {self._table} AS e"
                f" WHERE endpoint = ? AND key IN ({marks(len(some))})",
                (self._endpoint, *some),
            )
        return {
            key: EventRecord(bool(answered), index, identifier, document_index, None if answered else now - (over_at or 0) / 1000)
            for key, answered, index, identifier, document_index, over_at in rows
        }

    def has_former(self) -> bool:
        """True if there are events that version 1 recorded, whose keys are other digests."""
        statement = f"SELECT 1 FROM {self._table} AS e WHERE endpoint = ? AND over_at = noted_at * 1000 LIMIT 1"
        return bool(self._database.run(statement, (self._endpoint,)))

    def intend(self, keys: Collection[bytes], over_in: float) -> None:
        """Records that these events are about to be sent; one write for all of them, which has reached the disk when this returns."""
        record = EventRecord(answered=False)
        with self._database.durably():
            self._put([(key, record) for key in keys], over_in)

    def record(self, key: bytes, record: EventRecord) -> None:
        """Records the outcome for one event. If a power failure loses the record, the intent remains, and the next run asks the server."""
        self._put([(key, record)], 0.0)

    def forget(self, keys: Collection[bytes]) -> None:
        """Removes the intents of events that were certainly not inserted."""
        rows = [(self._endpoint, key) for key in sorted(keys)]
        self._database.atomically(lambda: self._database.run_many("DELETE FROM event WHERE endpoint = ? AND key = ?", rows))

    def _put(self, records: Sequence[tuple[bytes, EventRecord]], over_in: float) -> None:
        now = self._database.now()
        # An odd number of milliseconds, which never occurs in records of version 1.
        over_at = int((now + over_in) * 1000) | 1
        # Always in the same order, so that two runs do not block each other.
        rows = [
            (self._endpoint, key, int(one.answered), one.index, one.id, one.document_index, int(now), over_at)
            for key, one in sorted(records, key=_key)
        ]
        self._database.atomically(lambda: self._database.run_many(_PUT, rows))


class StoredRewrites:
    """The rewriting of texts by one server; see RewriteLedger."""

    def __init__(self, database: Database, tables: Tables, endpoint: str) -> None:
        self._database = database
        self._table = tables.rewrite
        self._endpoint = endpoint

    def known(self, keys: Collection[bytes]) -> Mapping[bytes, bytes]:
        """The entries for those of the keys that have one."""
        found: dict[bytes, bytes] = {}
        for some in parts(list(keys), _KEYS_A_STATEMENT):
            rows = self._database.run(
                f"SELECT key, stored FROM {self._table} AS r WHERE endpoint = ? AND key IN ({marks(len(some))})", (self._endpoint, *some)
            )
            found.update((key, stored) for key, stored in rows)
        return found

    def note(self, entries: Mapping[bytes, bytes]) -> None:
        """Adds entries; a later one replaces an earlier one."""
        now = int(self._database.now())
        rows = [(self._endpoint, key, stored, now) for key, stored in sorted(entries.items())]
        with self._database.durably():
            self._database.atomically(lambda: self._database.run_many(_NOTE, rows))


def _key(record: tuple[bytes, EventRecord]) -> bytes:
    return record[0]
