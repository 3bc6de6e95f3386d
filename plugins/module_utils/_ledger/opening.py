# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Opens the ledger that an option names.

In check mode the ledger is only read, and the run records to a temporary one: the same code makes the same decisions, and nothing is kept.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._database.opening import file_at, open_database, open_for_reading, scratch_database
from .contract import ClaimedBatch
from .observations import StoredObservations
from .recorded import run_name
from .schema import LEDGER_SCHEMA, tables_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .._database.database import Database
    from .contract import (
        EventLedger,
        EventRecord,
        Ledger,
        ObservationKey,
        ObservationLedger,
        ObservationScope,
        RewriteLedger,
    )
    from .events import StoredEvents, StoredRewrites

_RUN_BITS = 62
_NO_RUN = -1
"""Not 0, which is the number of the run with all records of version 1."""


def open_ledger(location: str | None, *, read_only: bool) -> Ledger:
    """Opens the ledger at a file, a URL or the default location; `read_only` is for check mode. Raises LedgerError."""
    if not read_only:
        return StoredLedger(open_database(location, LEDGER_SCHEMA))
    kept = open_for_reading(location, LEDGER_SCHEMA)
    scratch = scratch_database(LEDGER_SCHEMA)
    if kept is None:
        return StoredLedger(scratch, ledger_file(location) or "the PostgreSQL database in `ledger`")
    return PlannedLedger(StoredLedger(kept), StoredLedger(scratch))


def ledger_file(location: str | None) -> str | None:
    """Returns the file that `open_ledger` opens; None for a PostgreSQL database."""
    return file_at(location, LEDGER_SCHEMA)


class StoredLedger:
    """See Ledger. In check mode it is opened read-only, and its tables may have an older version."""

    def __init__(self, database: Database, where: str = "") -> None:
        self.where = where or database.where
        self._database = database
        self._tables = tables_of(database.version)
        self.is_new = not database.run(f"SELECT 1 FROM {self._tables.batch} AS b LIMIT 1")

    @contextmanager
    def observations(self, scope: ObservationScope, *, force: bool, run: int | None = None) -> Iterator[StoredObservations]:
        """The ledger of one scope for one run. Other runs of the same scope may be active at the same time."""
        # Random, so that runs of a temporary ledger are not taken for runs of the real one.
        number = run if run is not None else random.SystemRandom().getrandbits(_RUN_BITS) + 1
        with self._database.holding([run_name(number)]):
            observations = StoredObservations(self._database, self._tables, self._scope_number(scope), number, force=force)
            observations.report_interrupted()
            yield observations

    def kept_observations(self, scope: ObservationScope) -> StoredObservations:
        """The ledger of one scope, to be read only."""
        return StoredObservations(self._database, self._tables, self._found_scope(scope), _NO_RUN, force=False)

    def events(self, endpoint: str) -> StoredEvents:
        """The events of the server at this base URL."""
        from .events import StoredEvents

        return StoredEvents(self._database, self._tables, endpoint)

    def rewrites(self, endpoint: str) -> StoredRewrites:
        """The rewriting of texts by the server at this base URL."""
        from .events import StoredRewrites

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


class PlannedLedger:
    """See Ledger."""

    def __init__(self, kept: StoredLedger, scratch: StoredLedger) -> None:
        self.where = kept.where
        self.is_new = kept.is_new
        self._kept = kept
        self._scratch = scratch

    @contextmanager
    def observations(self, scope: ObservationScope, *, force: bool, run: int | None = None) -> Iterator[ObservationLedger]:
        """The ledger of one scope for one run."""
        with self._scratch.observations(scope, force=force, run=run) as scratch:
            yield PlannedObservations(self._kept.kept_observations(scope), scratch, force=force)

    def events(self, endpoint: str) -> EventLedger:
        """The events of the server at this base URL."""
        return PlannedEvents(self._kept.events(endpoint), self._scratch.events(endpoint))

    def rewrites(self, endpoint: str) -> RewriteLedger:
        """The rewriting of texts by the server at this base URL."""
        return PlannedRewrites(self._kept.rewrites(endpoint), self._scratch.rewrites(endpoint))

    def close(self) -> None:
        """Closes both ledgers; the plan is discarded."""
        self._kept.close()
        self._scratch.close()


class PlannedObservations:
    """See ObservationLedger."""

    def __init__(self, kept: StoredObservations, scratch: StoredObservations, *, force: bool) -> None:
        self.run = scratch.run
        self.interrupted = 0
        self._kept = kept
        self._scratch = scratch
        self._force = force
        self.accept = scratch.accept
        self.release = scratch.release
        self.abandon = scratch.abandon
        self.expire = scratch.expire
        self.checkpoints = kept.checkpoints
        self.elsewhere = kept.elsewhere
        self.remember = scratch.remember
        self.forget = scratch.forget

    def claim(self, keys: Sequence[ObservationKey]) -> ClaimedBatch:
        """Returns the keys that would be sent.

        Rows that another run is sending right now count as uploaded: a real run would wait for them.
        """
        known = self._kept.look_up(set(keys)) if keys else None
        if not known or not known.keys:
            return self._scratch.claim(keys)
        uploaded = known.mine if self._force else known.accepted | known.sending
        places = [place for place, key in enumerate(keys) if key not in uploaded]
        batch = self._scratch.claim([keys[place] for place in places])
        fresh = [places[position] for position in batch.fresh]
        unclear = sum(keys[place] in known.unclear for place in fresh)
        return ClaimedBatch(keys, fresh, len(keys) - len(places), batch.duplicates, unclear, batch.batch)


class PlannedEvents:
    """See EventLedger."""

    def __init__(self, kept: EventLedger, scratch: EventLedger) -> None:
        self._kept = kept
        self._scratch = scratch
        # Nothing is written, so there is no need to wait.
        self.alone_with = scratch.alone_with
        self.has_former = kept.has_former
        self.intend = scratch.intend
        self.record = scratch.record
        self.forget = scratch.forget

    def look_up(self, keys: Collection[bytes]) -> Mapping[bytes, EventRecord]:
        """The recorded and planned entries."""
        return {**self._kept.look_up(keys), **self._scratch.look_up(keys)}


class PlannedRewrites:
    """See RewriteLedger."""

    def __init__(self, kept: RewriteLedger, scratch: RewriteLedger) -> None:
        self._kept = kept
        self._scratch = scratch
        self.note = scratch.note

    def known(self, keys: Collection[bytes]) -> Mapping[bytes, bytes]:
        """The recorded and planned entries."""
        return {**self._kept.known(keys), **self._scratch.known(keys)}
