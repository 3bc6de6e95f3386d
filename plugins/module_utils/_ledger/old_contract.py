# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The ledger: what the servers accepted, so that nothing is sent twice. This file says what a ledger does; others keep it.

It holds no secret. Of an observation it keeps what is needed to know the row again: addresses, time, and for which appliance and source.
Of an event it keeps a digest, and the index and id that the server gave it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from .event_record import EventRecord
    from .records import Claim, LogPosition, ObservationKey, ObservationScope


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
