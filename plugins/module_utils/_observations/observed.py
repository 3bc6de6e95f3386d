# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Observations by column, from the records of a log to the body of a request; and why other records are none."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from itertools import compress, repeat
from operator import eq, floordiv, itemgetter
from typing import TYPE_CHECKING, NamedTuple

from .._addresses import PAIR_BYTES, are_surely_inside, is_inside, pack, packed_column, packed_pairs, separate_pairs
from .._database.database import NumberedBytes
from .._times.timestamps import format_iso8601
from .._vpn_log.records import ALIVE, START, is_note, is_skipped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._ledger.contract import ObservationKey
    from .._vpn_log.records import Record, RecordBlock

FUTURE_MS = 86_400_000
"""A time may be up to a day later than the host's clock: clocks and zones of gateways are not always right."""


_BEGINNING = itemgetter(slice(2))


@dataclass(frozen=True)
class Observations:
    """Observations by column. Addresses are canonical text, times are in the unit that is sent.

    `packed` has both addresses of each as the ledger knows them, row after row, if all are IPv4; otherwise it is empty.
    """

    ipaddrs: Sequence[str] = ()
    associated_ipaddrs: Sequence[str] = ()
    timestamps: Sequence[int] = ()
    packed: bytes = b""

    def __len__(self) -> int:
        return len(self.timestamps)

    def keys(self) -> Sequence[ObservationKey]:
        """The keys of the observations in the ledger."""
        if self.packed:
            return NumberedBytes(self.timestamps, self.packed)
        return list(zip(self.timestamps, _pairs(self.ipaddrs, self.associated_ipaddrs)))

    def cut(self, start: int, end: int) -> Observations:
        """Those from one place up to another."""
        packed = self.packed[start * PAIR_BYTES : end * PAIR_BYTES]
        return Observations(self.ipaddrs[start:end], self.associated_ipaddrs[start:end], self.timestamps[start:end], packed)

    def followed_by(self, other: Observations) -> Observations:
        """These, then the others."""
        if not len(self) or not len(other):
            return self if len(self) else other
        return Observations(
            [*self.ipaddrs, *other.ipaddrs],
            [*self.associated_ipaddrs, *other.associated_ipaddrs],
            [*self.timestamps, *other.timestamps],
            self.packed + other.packed if bool(self.packed) == bool(other.packed) else b"",
        )

    def chosen(self, places: Sequence[int]) -> Observations:
        """Those at these places, in ascending order."""
        if len(places) == len(self):
            return self
        return Observations(
            [self.ipaddrs[place] for place in places],
            [self.associated_ipaddrs[place] for place in places],
            [self.timestamps[place] for place in places],
        )

    def body(self, source: str) -> bytes:
        """The JSON of one request. Canonical addresses and whole numbers need no escapes."""
        observations = [
            f'{{"ipaddr":"{ipaddr}","associated_ipaddr":"{associated_ipaddr}","timestamp":{timestamp}}}'
            for ipaddr, associated_ipaddr, timestamp in zip(self.ipaddrs, self.associated_ipaddrs, self.timestamps)
        ]
        return f'{{"observations":[{",".join(observations)}],"source":{json.dumps(source)}}}'.encode()


class RejectedRow(NamedTuple):
    """A row that cannot be used; the text is as in the log."""

    line: int
    reason: str
    text: str


class ObservedRows(NamedTuple):
    """The observations in some rows, and what the other rows are. `recheck_at` is when a row of the future may be used (epoch ms)."""

    read: int
    observations: Observations
    skipped: Mapping[str, int]
    rejected: Sequence[RejectedRow]
    swapped: int = 0
    first_swapped: tuple[int, str, str] | None = None
    recheck_at: int | None = None


class _Columns(NamedTuple):
    """Candidates for observations, by column; times in epoch milliseconds."""

    lines: Sequence[int]
    ipaddrs: Sequence[str]
    associated_ipaddrs: Sequence[str]
    starts: Sequence[int]

    def without(self, refused: Mapping[int, object]) -> _Columns:
        """The columns without the rows at some places."""
        kept = [place not in refused for place in range(len(self.starts))]
        return _Columns(
            list(compress(self.lines, kept)),
            list(compress(self.ipaddrs, kept)),
            list(compress(self.associated_ipaddrs, kept)),
            list(compress(self.starts, kept)),
        )


def observed(block: RecordBlock, divisor: int, now_ms: int) -> ObservedRows:
    """The observations in a block; `divisor` turns milliseconds into the unit that is sent."""
    skipped: Counter[str] = Counter()
    rejected: list[RejectedRow] = []
    single: list[Record] = []
    for record in block.others:
        if _is_observation(record):
            single.append(record)
        elif is_note(record):
            continue
        elif is_skipped(record):
            skipped[record.reason or record.kind] += 1
        else:
            rejected.append(RejectedRow(record.line, str(record.reason), record.text))
    columns = _columns(block, single)
    refused = _refused(columns, now_ms + FUTURE_MS)
    recheck_at = None
    if refused:
        rejected.extend(row for row, _at in refused.values())
        rejected.sort()
        recheck_at = min((at for _row, at in refused.values() if at is not None), default=None)
        columns = columns.without(refused)
    packed = b"" if refused or single else block.packed
    packed = packed or packed_pairs(packed_column(columns.ipaddrs), packed_column(columns.associated_ipaddrs))
    swapped = _swapped(columns, packed)
    first = next(((columns.lines[place], columns.ipaddrs[place], columns.associated_ipaddrs[place]) for place in swapped), None)
    timestamps = columns.starts if divisor == 1 else list(map(floordiv, columns.starts, repeat(divisor)))
    return ObservedRows(
        block.rows_read,
        Observations(columns.ipaddrs, columns.associated_ipaddrs, timestamps, packed),
        skipped,
        rejected,
        len(swapped),
        first,
        recheck_at,
    )


def _is_observation(record: Record) -> bool:
    has_addresses = record.ipaddr is not None and record.associated_ipaddr is not None
    return record.kind in (START, ALIVE) and record.reason is None and has_addresses and _time(record) is not None


def _time(record: Record) -> int | None:
    return record.time if record.start is None else record.start


def _columns(block: RecordBlock, single: Sequence[Record]) -> _Columns:
    columns = _Columns(block.lines, block.ipaddrs, block.associated_ipaddrs, block.starts)
    if not single:
        return columns
    return _Columns(
        [*columns.lines, *[record.line for record in single]],
        [*columns.ipaddrs, *[str(record.ipaddr) for record in single]],
        [*columns.associated_ipaddrs, *[str(record.associated_ipaddr) for record in single]],
        [*columns.starts, *[_time(record) or 0 for record in single]],
    )


def _refused(columns: _Columns, latest_ms: int) -> dict[int, tuple[RejectedRow, int | None]]:
    """Rows that no log can contain, by place, with the time from which they may be used."""
    if not columns.starts or (max(columns.starts) <= latest_ms and True not in map(eq, columns.ipaddrs, columns.associated_ipaddrs)):
        return {}
    refused: dict[int, tuple[RejectedRow, int | None]] = {}
    rows = zip(columns.lines, columns.ipaddrs, columns.associated_ipaddrs, columns.starts)
    for place, (line, ipaddr, associated_ipaddr, start) in enumerate(rows):
        text = f"{ipaddr},{associated_ipaddr},{format_iso8601(start)}"
        if ipaddr == associated_ipaddr:
            reason = f"both addresses are {ipaddr}; the VPN address and the public address are never the same"
            refused[place] = RejectedRow(line, reason, text), None
        elif start > latest_ms:
            reason = (
                f"the time {format_iso8601(start)} is more than a day in the future; "
                "check `timezone`, `timestamp_format` and the clocks of the gateway and of this host"
            )
            refused[place] = RejectedRow(line, reason, text), start - FUTURE_MS
    return refused


def _swapped(columns: _Columns, packed: bytes) -> list[int]:
    """The places of observations with a public VPN address and a private one on the internet."""
    if packed and are_surely_inside(packed):
        return []
    pairs = separate_pairs(packed) if packed else _pairs(columns.ipaddrs, columns.associated_ipaddrs)
    beginnings = set(map(_BEGINNING, pairs))
    outside = {beginning for beginning in beginnings if beginning[0] == 0 or not is_inside(beginning + b"\1\1")}
    if not outside:
        return []
    return [place for place, pair in enumerate(pairs) if pair[:2] in outside and is_inside(_second(pair)) and not is_inside(_first(pair))]


def _pairs(ipaddrs: Sequence[str], associated_ipaddrs: Sequence[str]) -> list[bytes]:
    """Both addresses of each row as the ledger knows them."""
    return [pack(inside) + pack(outside) for inside, outside in zip(ipaddrs, associated_ipaddrs)]


def _first(packed: bytes) -> bytes:
    return packed[:4] if packed[0] else packed[:17]


def _second(packed: bytes) -> bytes:
    return packed[4:] if packed[0] else packed[17:]
