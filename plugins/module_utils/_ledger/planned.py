# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The ledger of a run in check mode: the kept one is only read, and what the run would record goes to a scratch one.

So check mode makes the same decisions with the same code, and writes nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .contract import ClaimedBatch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .contract import EventLedger, EventRecord, ObservationKey, ObservationLedger, ObservationScope, RewriteLedger
    from .ledger import StoredLedger
    from .observations import StoredObservations


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
        """How the server at this base URL rewrites texts."""
        return PlannedRewrites(self._kept.rewrites(endpoint), self._scratch.rewrites(endpoint))

    def close(self) -> None:
        """Closes both; what was planned is forgotten."""
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
        """The keys that would be sent. What another run is sending at this moment counts as uploaded: a real run would wait for it."""
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
        # Nothing is written, so nobody has to wait.
        self.alone_with = scratch.alone_with
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
