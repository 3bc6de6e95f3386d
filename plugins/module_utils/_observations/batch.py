# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Observations on their way from the log to one request, by column."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from operator import add, attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._ledger.contract import ObservationKey
    from .._vpn_log.rows import SessionBlock

TEXT = attrgetter("text")
_PACKED = attrgetter("packed")


@dataclass
class ObservationBatch:
    """Observations as the ledger knows them and as they are sent. The times in C(keys) are in the unit that is sent."""

    keys: list[ObservationKey] = field(default_factory=list)
    ipaddrs: list[str] = field(default_factory=list)
    associated_ipaddrs: list[str] = field(default_factory=list)

    def extend(self, block: SessionBlock, divisor: int) -> None:
        """Appends a block's sessions; C(divisor) turns milliseconds into the unit that is sent."""
        timestamps = block.starts if divisor == 1 else [start // divisor for start in block.starts]
        packed = map(add, map(_PACKED, block.ipaddrs), map(_PACKED, block.associated_ipaddrs))
        self.keys.extend(zip(timestamps, packed))
        self.ipaddrs.extend(map(TEXT, block.ipaddrs))
        self.associated_ipaddrs.extend(map(TEXT, block.associated_ipaddrs))

    def cut(self, size: int) -> Iterator[ObservationBatch]:
        """Takes whole batches of this size from the front."""
        whole = len(self.keys) - len(self.keys) % size
        for start in range(0, whole, size):
            end = start + size
            yield ObservationBatch(self.keys[start:end], self.ipaddrs[start:end], self.associated_ipaddrs[start:end])
        for column in (self.keys, self.ipaddrs, self.associated_ipaddrs):
            del column[:whole]

    def chosen(self, positions: Sequence[int]) -> ObservationBatch:
        """The observations at these positions."""
        if len(positions) == len(self.keys):
            return self
        return ObservationBatch(
            [self.keys[position] for position in positions],
            [self.ipaddrs[position] for position in positions],
            [self.associated_ipaddrs[position] for position in positions],
        )

    def body(self, source: str) -> bytes:
        """The JSON of one request. Addresses are in canonical form and times are integers, so nothing in them needs an escape."""
        observations = [
            f'{{"ipaddr":"{ipaddr}","associated_ipaddr":"{associated_ipaddr}","timestamp":{timestamp}}}'
            for ipaddr, associated_ipaddr, (timestamp, _addresses) in zip(self.ipaddrs, self.associated_ipaddrs, self.keys)
        ]
        return f'{{"observations":[{",".join(observations)}],"source":{json.dumps(source)}}}'.encode()
