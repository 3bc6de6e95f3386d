# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The ledger: what the servers accepted, so that nothing is sent twice. This file says what a ledger does; others keep it.

It holds no secret. Of an observation it keeps what is needed to know the row again: addresses, time, and for which appliance and source.
Of an event it keeps a digest, and the index and id that the server gave it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ansible_collections.secops.xdr.plugins.module_utils._errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

MAX_POSITIONS = 20
"""So many logs are remembered for one appliance and source; rotation makes new ones all the time."""
_DEFAULT_FILE = os.path.join("secops.xdr", "ledger.sqlite3")


ObservationKey = tuple[int, bytes]
"""What makes two observations of one scope the same: the time as it is sent, and both addresses as bytes, one behind the other."""


@dataclass(frozen=True)
class ObservationScope:
    """Where observations go: the same row for another appliance, source or unit of time is another row."""

    endpoint: str
    source: str
    timestamp_unit: str


@dataclass(frozen=True)
class Claim:
    """The part of a batch that this run is to send, as positions in the batch, and why the rest is not sent."""

    keys: Sequence[ObservationKey]
    fresh: Sequence[int]
    already_uploaded: int
    duplicates: int

    @property
    def fresh_keys(self) -> Sequence[ObservationKey]:
        """The keys that are to be sent."""
        return self.keys if len(self.fresh) == len(self.keys) else [self.keys[position] for position in self.fresh]


@dataclass(frozen=True)
class LogPosition:
    """How far a log was read, and what was in it until there.

    C(reading) is a digest of the options it was read with, C(fingerprint) one of its content up to C(offset); C(is_whole) says that the
    last line was whole, so that reading may go on there. C(summary) is JSON.
    """

    reading: bytes
    fingerprint: bytes
    offset: int
    line: int
    is_whole: bool
    summary: str


class ObservationLedger(Protocol):
    """The ledger of one scope during one run. C(claim) is called by one thread, C(accept), C(release) and C(abandon) by any."""

    run: int
    """The number of this run, which another part of the same upload goes on with."""
    interrupted: int
    """Observations of earlier runs whose request was under way when they ended: the appliance may have them or not."""

    def claim(self, keys: Sequence[ObservationKey]) -> Claim:
        """Sorts out what to send. Everything claimed must be accepted, released or abandoned."""

    def accept(self, claim: Claim) -> None:
        """Records that the appliance accepted what was claimed."""

    def release(self, claim: Claim) -> None:
        """Gives up a claim that surely was not carried out."""

    def abandon(self, claim: Claim) -> None:
        """Gives up a claim whose outcome nobody knows: other runs may send it, and the next one is told of it as interrupted."""

    def expire(self, days: int) -> None:
        """Removes the observations that runs of this scope recorded more than so many days ago."""

    def positions(self, reading: bytes, size: int) -> Sequence[LogPosition]:
        """How far logs were read with these options, of those not longer than C(size) bytes; the furthest first."""

    def remember(self, position: LogPosition) -> None:
        """Records how far a log was read, in place of the one with the same fingerprint or of the oldest of many."""

    def forget_position(self, position: LogPosition) -> None:
        """Removes a position that another one takes the place of."""


@dataclass(frozen=True)
class EventRecord:
    """What the ledger knows of one inserted event. Without an answer, it only notes that an insert was about to be sent."""

    answered: bool
    index: str | None = None
    id: str | None = None
    document_index: str | None = None


class EventLedger(Protocol):
    """The events of one server. Keys are digests of what makes two events the same. May be called by any thread."""

    def alone_with(self, keys: Collection[bytes]) -> AbstractContextManager[None]:
        """Waits until no other run works with any of these events. Only for the thread that opened the ledger."""

    def look_up(self, keys: Collection[bytes]) -> Mapping[bytes, EventRecord]:
        """What is known of those of the events that are known."""

    def intend(self, keys: Collection[bytes]) -> None:
        """Notes, before anything is sent, that these events are about to be; it survives a power failure."""

    def record(self, key: bytes, record: EventRecord) -> None:
        """Notes what became of an event."""

    def forget(self, keys: Collection[bytes]) -> None:
        """Takes back intents of what surely was not carried out."""


class Ledger(Protocol):
    """An open ledger."""

    def observations(self, scope: ObservationScope, *, force: bool, run: int | None) -> AbstractContextManager[ObservationLedger]:
        """The ledger of one scope for one run, a new one or the given one. C(force) claims again what earlier runs have sent."""

    def events(self, endpoint: str) -> EventLedger:
        """The events of the server at this base URL."""

    def close(self) -> None:
        """Gives back files, locks and connections."""


def sort_out(
    keys: Sequence[ObservationKey],
    recorded: Mapping[ObservationKey, int],
    in_flight: Collection[ObservationKey],
    run: int,
    force: bool,
) -> Claim:
    """What of a batch is to be sent, given which run recorded each known key and what is under way at this moment.

    A row that this very run has sent is a duplicate within the input; one of an earlier run was uploaded already.
    """
    different = set(keys)
    if len(different) == len(keys) and different.isdisjoint(recorded) and different.isdisjoint(in_flight):
        return Claim(keys, range(len(keys)), 0, 0)
    fresh: list[int] = []
    taken: set[ObservationKey] = set()
    already_uploaded = duplicates = 0
    for position, key in enumerate(keys):
        by = recorded.get(key)
        if by == run or key in taken or key in in_flight:
            duplicates += 1
        elif by is not None and not force:
            already_uploaded += 1
        else:
            taken.add(key)
            fresh.append(position)
    return Claim(keys, fresh, already_uploaded, duplicates)


def default_location() -> str:
    """The ledger file below the user's state directory, as the XDG specification places it."""
    state = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        home = os.path.expanduser("~")
        if not os.path.isabs(home):
            raise LedgerError("ledger: this user has no home directory to keep the ledger in; set `ledger` or SECOPS_XDR_LEDGER to a file.")
        state = os.path.join(home, ".local", "state")
    return os.path.join(state, _DEFAULT_FILE)
