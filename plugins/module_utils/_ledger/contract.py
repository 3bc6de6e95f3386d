# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The ledger: the record of what the servers accepted, so that nothing is sent twice. This file is the interface of every ledger.

A ledger contains no secrets. For an observation it keeps the values that identify the row: addresses, time, appliance and source.
For an event it keeps a digest, and the index and id that the server returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

ObservationKey = tuple[int, bytes]
"""Identifies an observation within its scope: the time in the unit that is sent, then both packed addresses."""


class ObservationScope(NamedTuple):
    """The destination of observations. The same row for another appliance, source or time unit is a different row."""

    endpoint: str
    source: str
    timestamp_unit: str


class ClaimedBatch(NamedTuple):
    """The part of a batch that this run must send, as positions in the batch, and the reasons why the rest is not sent.

    The claim is committed before this is returned. `unclear` counts the rows in `fresh` that an earlier run may have sent already: its
    request was under way when the run ended, or got no clear answer.
    """

    keys: Sequence[ObservationKey]
    fresh: Sequence[int]
    already_uploaded: int = 0
    duplicates: int = 0
    unclear: int = 0
    batch: int = 0
    """The number of the batch in the ledger; 0 if nothing was claimed."""

    @property
    def fresh_keys(self) -> Sequence[ObservationKey]:
        """The keys that must be sent."""
        return self.keys if len(self.fresh) == len(self.keys) else [self.keys[position] for position in self.fresh]


class Checkpoint(NamedTuple):
    """The position in a log: every row before `offset` has been processed.

    `reading` is a digest of the options that the log was read with. `sha256` is the digest of the log's first `offset` bytes.
    `line` is the number of lines in them. `summary` is JSON that only the reader interprets.
    """

    reading: bytes
    sha256: bytes
    offset: int
    line: int
    summary: str


@dataclass(frozen=True)
class EventRecord:
    """The record of one event. If it has no answer, an insert was about to be sent and its outcome is unknown.

    `over_for` is None if answered. Otherwise it is the number of seconds, by the ledger's clock, since the request ended at the latest;
    it is negative while the request may still be under way.
    """

    answered: bool
    index: str | None = None
    id: str | None = None
    document_index: str | None = None
    over_for: float | None = None


class ObservationLedger(Protocol):
    """The ledger of one scope during one run. Only one thread may call `claim`; any thread may call `accept`, `release` and `abandon`."""

    run: int
    """Identifies this run. Opened again with this number, the ledger continues the same run."""
    interrupted: int
    """Observations whose request was under way when an earlier run ended: it is unknown whether the appliance has them.

    Each is reported to one run only. The ledger still knows the rows: a claim reports those that are sent again as `unclear`.
    """

    def claim(self, keys: Sequence[ObservationKey]) -> ClaimedBatch:
        """Claims the keys that must be sent. Each claim with fresh keys ends with accept(), release() or abandon().

        Waits while another live run is sending one of the keys.
        """

    def accept(self, batch: ClaimedBatch) -> None:
        """Records that the appliance accepted the batch."""

    def release(self, batch: ClaimedBatch) -> None:
        """Gives up a batch that was certainly not carried out: its keys return to their state before the claim."""

    def abandon(self, batch: ClaimedBatch) -> None:
        """Gives up a batch whose outcome is unknown. Any run may claim its keys again, and sees them as `unclear`."""

    def expire(self, days: int) -> None:
        """Removes entries of this scope that were recorded more than `days` days ago."""

    def checkpoints(self, reading: bytes, size: int) -> Sequence[Checkpoint]:
        """The checkpoints with these reading options at or before offset `size`, the furthest first."""

    def remember(self, checkpoint: Checkpoint, *, instead_of: Checkpoint | None = None) -> None:
        """Records a checkpoint and removes the one that it replaces. May be called repeatedly as a run progresses."""

    def forget(self, checkpoint: Checkpoint) -> None:
        """Removes a checkpoint that is no longer valid, for instance because the log was edited."""

    def elsewhere(self, size: int) -> Sequence[tuple[ObservationScope, Checkpoint]]:
        """The checkpoints of all other scopes at or before offset `size`: the same log may have been sent under another name."""


class EventLedger(Protocol):
    """The events of one server. Keys are digests of the fields that make an event unique. Any thread may call it."""

    def alone_with(self, keys: Collection[bytes]) -> AbstractContextManager[None]:
        """Waits until no other run works with any of these events. Only the thread that opened the ledger may call it."""

    def look_up(self, keys: Collection[bytes]) -> Mapping[bytes, EventRecord]:
        """The records of those events that the ledger knows."""

    def has_former(self) -> bool:
        """True if there are events of version 1, whose keys are BLAKE2 digests. A host in FIPS mode cannot look them up."""

    def intend(self, keys: Collection[bytes], over_in: float) -> None:
        """Records, before anything is sent, that these events are about to be; the record survives a power failure.

        The request will be over in `over_in` seconds at the latest. Call it again with 0 after a request was given up.
        """

    def record(self, key: bytes, record: EventRecord) -> None:
        """Records the outcome for one event."""

    def forget(self, keys: Collection[bytes]) -> None:
        """Removes the intents of events that were certainly not inserted."""


class RewriteLedger(Protocol):
    """The texts that one server rewrites: the digest of the text that was sent maps to the digest of the text that is stored.

    Any thread may call it.
    """

    def known(self, keys: Collection[bytes]) -> Mapping[bytes, bytes]:
        """Returns the entries of the keys that have one."""

    def note(self, entries: Mapping[bytes, bytes]) -> None:
        """Adds entries; a later one replaces an earlier one."""


class Ledger(Protocol):
    """An open ledger."""

    where: str
    """The file, or the server and database, for messages."""
    is_new: bool
    """True if this run created the ledger, or found it empty."""

    def observations(self, scope: ObservationScope, *, force: bool, run: int | None = None) -> AbstractContextManager[ObservationLedger]:
        """Returns the ledger of one scope for one run. With `force`, rows that earlier runs sent are claimed again."""

    def events(self, endpoint: str) -> EventLedger:
        """The events of the server at this base URL."""

    def rewrites(self, endpoint: str) -> RewriteLedger:
        """The rewriting of texts by the server at this base URL."""

    def close(self) -> None:
        """Closes files and connections and releases all locks."""
