# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Observations on their way from the log to one request, by column."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._ledger.contract import ObservationKey


@dataclass(frozen=True)
class Observations:
    """Observations by column. Addresses are canonical text, times are in the unit that is sent.

    `packed` has both addresses of each as bytes, one after the other, as the ledger knows them.
    """

    ipaddrs: Sequence[str] = ()
    associated_ipaddrs: Sequence[str] = ()
    timestamps: Sequence[int] = ()
    packed: Sequence[bytes] = ()

    def __len__(self) -> int:
        return len(self.timestamps)

    def keys(self) -> Sequence[ObservationKey]:
        """The keys of the observations in the ledger."""
        return list(zip(self.timestamps, self.packed))

    def cut(self, start: int, end: int) -> Observations:
        """Those from one place up to another."""
        return Observations(self.ipaddrs[start:end], self.associated_ipaddrs[start:end], self.timestamps[start:end], self.packed[start:end])

    def followed_by(self, other: Observations) -> Observations:
        """These, then the others."""
        return Observations(
            [*self.ipaddrs, *other.ipaddrs],
            [*self.associated_ipaddrs, *other.associated_ipaddrs],
            [*self.timestamps, *other.timestamps],
            [*self.packed, *other.packed],
        )

    def chosen(self, places: Sequence[int]) -> Observations:
        """Those at these places, in ascending order."""
        if len(places) == len(self):
            return self
        return Observations(
            [self.ipaddrs[place] for place in places],
            [self.associated_ipaddrs[place] for place in places],
            [self.timestamps[place] for place in places],
            [self.packed[place] for place in places],
        )

    def body(self, source: str) -> bytes:
        """The JSON of one request. Canonical addresses and whole numbers need no escapes."""
        observations = [
            f'{{"ipaddr":"{ipaddr}","associated_ipaddr":"{associated_ipaddr}","timestamp":{timestamp}}}'
            for ipaddr, associated_ipaddr, timestamp in zip(self.ipaddrs, self.associated_ipaddrs, self.timestamps)
        ]
        return f'{{"observations":[{",".join(observations)}],"source":{json.dumps(source)}}}'.encode()
