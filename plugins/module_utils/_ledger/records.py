# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What is handed to a ledger of observations and back, and how a batch is sorted out; the same for every kind of ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

MAX_POSITIONS = 20
"""So many logs are remembered for one appliance and source; rotation makes new ones all the time."""

ObservationKey = tuple[int, bytes]
"""What makes two observations of one scope the same: the time as it is sent, and both addresses as bytes, one behind the other."""


class ObservationScope(NamedTuple):
    """Where observations go: the same row for another appliance, source or unit of time is another row."""

    endpoint: str
    source: str
    timestamp_unit: str


class Claim(NamedTuple):
    """The part of a batch that this run is to send, as positions in the batch, and why the rest is not sent."""

    keys: Sequence[ObservationKey]
    fresh: Sequence[int]
    already_uploaded: int
    duplicates: int

    @property
    def fresh_keys(self) -> Sequence[ObservationKey]:
        """The keys that are to be sent."""
        return self.keys if len(self.fresh) == len(self.keys) else [self.keys[position] for position in self.fresh]


class LogPosition(NamedTuple):
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
