# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Finds the order of a log (oldest first, newest first, or none), and passes records on oldest first.

The order is judged by the first rows. A log written oldest first is passed on while it is read. Any other log is kept in a temporary file
until its end, so that memory does not grow with it.
"""

from __future__ import annotations

import heapq
import json
import os
import tempfile
from collections.abc import Sequence
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from .._errors import InputError
from .._vpn_log.records import END, SKIPPED, UNFINISHED_LINE, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from .._vpn_log.records import RecordBlock

FORWARD = "forward"
BACKWARD = "backward"
UNORDERED = "unordered"
_JUDGED_ROWS = 4000
_ROWS_A_RUN = 100_000
_ROWS_A_PART = 1000
"""Rows are sorted in runs of this length; one part of each run is in memory while they are merged."""
_STEP_MS = 30_000
"""Rows that a relay reorders by less than this count as in order."""
_SMALL_STEP_MS = 1
_FEW = 12
"""In a log with at most this number of rows, every step counts, however small."""


class Order(NamedTuple):
    """The order of a log, and whether it is by the ends of sessions instead of the times of rows."""

    direction: str
    by_end: bool = False

    def time_of(self, record: Record) -> int | None:
        """Returns the time by which this log is ordered."""
        return record.end if self.by_end and record.end is not None else record.time


class _Steps(NamedTuple):
    up: int
    down: int

    @property
    def odd(self) -> int:
        return min(self.up, self.down)

    def direction(self, *, is_export: bool = False) -> str:
        """Returns the order; an export has each session in one row, and may be sorted by any column."""
        total = self.up + self.down
        if self.odd >= (max(2, total // 10) if is_export else max(4, total // 5)):
            return UNORDERED
        return BACKWARD if self.down >= (1 if is_export else 2) and self.up * 4 <= total else FORWARD


class BlockRows(Sequence[Record]):
    """The rows of a block. The records of a table are made only if somebody looks at one."""

    def __init__(self, block: RecordBlock) -> None:
        self.block = block
        self._records: list[Record] | None = None

    def __len__(self) -> int:
        return len(self.block.lines) + len(self.block.others)

    def __getitem__(self, place: Any) -> Any:
        if self._records is None:
            self._records = list(self.block.records())
        return self._records[place]

    @property
    def last_end(self) -> int:
        """The latest end of a session in the columns; 0 without one."""
        ends = self.block.ends
        return max(filter(None, ends) if None in ends else cast("Sequence[int]", ends), default=0)

    def times(self, order: Order) -> list[int] | None:
        """The times of all rows; None if a row may take or end an address and is not in the columns."""
        block, others = self.block, self.block.others
        times = block.starts
        if order.by_end:
            times = [start if end is None else end for start, end in zip(block.starts, block.ends)]
        if not others:
            return times
        if not all(map(_says_nothing, others)):
            return None
        timed = [*zip(block.lines, times), *((record.line, record.time) for record in others if record.time is not None)]
        return [time for _line, time in sorted(timed)]


def first_times(rows: Sequence[Record], order: Order, number: int) -> list[int]:
    """The times of the first rows that have one."""
    if isinstance(rows, BlockRows) and not rows.block.others:
        columns = zip(rows.block.starts[:number], rows.block.ends)
        return [start if end is None or not order.by_end else end for start, end in columns]
    return list(islice((time for time in map(order.time_of, rows) if time is not None), number))


def _says_nothing(record: Record) -> bool:
    return record.kind == SKIPPED and record.ipaddr is None and record.reason != UNFINISHED_LINE


def in_order(blocks: Iterable[Sequence[Record]]) -> tuple[Order, Iterator[Sequence[Record]]]:
    """The order of a log, and its records oldest first."""
    waiting = iter(blocks)
    first: list[Sequence[Record]] = []
    rows = 0
    for block in waiting:
        first.append(block)
        rows += len(block)
        if rows >= _JUDGED_ROWS:
            break
    order = order_of(list(chain.from_iterable(first)))
    rest = chain(first, waiting)
    if order.direction == FORWARD:
        return order, rest
    return order, _backward(rest) if order.direction == BACKWARD else _sorted(rest, order)


def order_of(records: Sequence[Record]) -> Order:
    """Finds the order of these rows."""
    starts = _steps([record.time for record in records if record.time is not None])
    if not starts.odd and starts.down != 1:
        return Order(starts.direction())
    ended = [record.end for record in records if record.end is not None]
    if not ended or len(ended) * 2 < sum(record.time is not None for record in records):
        return Order(starts.direction())
    ends = _steps(ended)
    if ends.odd < starts.odd or not ends.down:
        return Order(ends.direction(is_export=True), by_end=True)
    return Order(starts.direction(is_export=True))


def _steps(times: Sequence[int]) -> _Steps:
    """The number of times that time goes up and down. Steps of less than 30 seconds are added up, because busy logs have no larger ones."""
    least = _STEP_MS if len(times) > _FEW else _SMALL_STEP_MS
    up = down = 0
    pivot = times[0] if times else 0
    for time in times:
        if time >= pivot + least:
            up, pivot = up + 1, time
        elif time <= pivot - least:
            down, pivot = down + 1, time
    return _Steps(up, down)


class _Spool:
    """Blocks of records in a temporary file that nobody else can open and that disappears with the process."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._places: list[tuple[int, int]] = []

    def add(self, records: Sequence[Record]) -> None:
        data = json.dumps(list(records)).encode()
        try:
            self._places.append((self._file.seek(0, os.SEEK_END), len(data)))
            # Without a buffer, closing the file on a full disk does not fail once more. A write may be partial.
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise InputError(
                f"The rows of the log, which are put in order first, do not fit into the temporary folder {tempfile.gettempdir()} "
                f"({error.strerror}). Make room, or set TMPDIR to a folder with more of it, and run again."
            ) from error

    def __len__(self) -> int:
        return len(self._places)

    def block(self, number: int) -> list[Record]:
        place, length = self._places[number]
        self._file.seek(place)
        return [Record(*fields) for fields in json.loads(self._file.read(length))]

    def blocks(self, numbers: range) -> Iterator[Record]:
        for number in numbers:
            yield from self.block(number)


def _backward(blocks: Iterable[Sequence[Record]]) -> Iterator[Sequence[Record]]:
    with tempfile.TemporaryFile(buffering=0) as file:
        spool = _Spool(file)
        for block in blocks:
            spool.add(block)
        for number in reversed(range(len(spool))):
            yield spool.block(number)[::-1]


def _sorted(blocks: Iterable[Sequence[Record]], order: Order) -> Iterator[Sequence[Record]]:
    """Sorts by time; rows without a time come first. At the same time, ends come before starts."""
    key = _sort_key(order)
    records = chain.from_iterable(blocks)
    with tempfile.TemporaryFile(buffering=0) as file:
        spool = _Spool(file)
        runs: list[Iterator[Record]] = []
        for run in _parts(records, _ROWS_A_RUN):
            first = len(spool)
            for part in _parts(iter(sorted(run, key=key)), _ROWS_A_PART):
                spool.add(part)
            runs.append(spool.blocks(range(first, len(spool))))
        yield from _parts(heapq.merge(*runs, key=key), _JUDGED_ROWS)


def _parts(records: Iterable[Record], rows: int) -> Iterator[list[Record]]:
    waiting = iter(records)
    while part := list(islice(waiting, rows)):
        yield part


def _sort_key(order: Order) -> Callable[[Record], tuple[int, bool, int]]:
    def key(record: Record) -> tuple[int, bool, int]:
        time = order.time_of(record)
        return -1 if time is None else time, record.kind != END, record.line

    return key


def with_following(blocks: Iterable[Sequence[Record]]) -> Iterator[tuple[Sequence[Record], Sequence[Record]]]:
    """Each block with the next one."""
    before: Sequence[Record] | None = None
    for block in blocks:
        if not block:
            continue
        if before is not None:
            yield before, block
        before = block
    if before is not None:
        yield before, ()
