# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The input of an upload: logs, or a list in the task. It is read in frames. Reading may continue at the end of each frame."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from .._addresses import parse_address
from .._errors import EmptyLogError
from .._times.moments import Moments
from .._times.timestamps import EPOCH_MS, epoch_ms_to_milliseconds, epoch_to_milliseconds
from .._vpn_log.records import NO_ADDRESS, REJECTED, SKIPPED, START, Record, RecordBlock
from .observed import observed
from .report import RowCounts
from .spool import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .._vpn_log.open_logs import OpenLog
    from .._vpn_log.options import LogOptions
    from .observed import ObservedRows

_ITEMS_A_BLOCK = 10_000
_UNSETTLED_LINES = 100
"""A rejected row this close to the end may become complete when the log grows (for example a quoted value with line breaks)."""


class ObservationInput(NamedTuple):
    """The logs of a task, or its list if it has none."""

    logs: Sequence[OpenLog]
    listed: Iterator[RecordBlock] | None = None

    def where(self, log: int, number: int) -> str:
        """A row's place, such as `/var/log/vpn.csv, line 7`."""
        return f"{self.logs[log].path}, line {number}" if self.logs else f"observations, item {number}"


@contextmanager
def opened_input(log: LogOptions, observations: Sequence[Mapping[str, Any]] | None) -> Iterator[ObservationInput]:
    """The input that a task's options name; raises InputError."""
    if observations is not None:
        yield ObservationInput((), _listed(observations, log))
        return
    # Imported late: the task of a single observation has no log.
    from .._vpn_log.open_logs import opened_logs

    with opened_logs(log, wants_usernames=False) as logs:
        yield ObservationInput(logs)


class InputReader:
    """One pass over the input, from the checkpoints on. `summaries` are those of the checkpoints, by log."""

    def __init__(self, source: ObservationInput, divisor: int, summaries: Mapping[int, Mapping[str, Any]]) -> None:
        self._source = source
        self._divisor = divisor
        self._summaries = summaries
        self._now_ms = int(time.time() * 1000)
        self._current: OpenLog | None = None

    @property
    def may_be_used(self) -> bool:
        """True if later rows cannot invalidate the rows so far; see LogReader.dates_are_settled."""
        return self._current is None or self._current.reader.dates_are_settled

    @property
    def bytes_done(self) -> int:
        """The number of bytes of content that have been read."""
        return sum(log.source.offset for log in self._source.logs)

    def frames(self) -> Iterator[tuple[ObservedRows, Frame]]:
        """All rows, in order. Raises EmptyLogError at the end if no log has a row."""
        if self._source.listed is not None:
            for block in self._source.listed:
                rows = observed(block, self._divisor, self._now_ms)
                yield rows, Frame(0, rows.read, rows.observations)
            return
        errors: list[EmptyLogError] = []
        for number, log in enumerate(self._source.logs):
            self._current = log
            try:
                yield from self._frames_of(number, log)
            except EmptyLogError as error:
                if number not in self._summaries:
                    errors.append(error)
            self._current = None
        if len(errors) == len(self._source.logs):
            raise errors[0]

    def _frames_of(self, number: int, log: OpenLog) -> Iterator[tuple[ObservedRows, Frame]]:
        counts = RowCounts()
        if number in self._summaries:
            counts.add_summary(self._summaries[number])
        waiting: tuple[ObservedRows, Frame] | None = None
        for block in log.reader.records():
            rows = observed(block, self._divisor, self._now_ms)
            counts.add(rows)
            position = log.source.position()
            frame = Frame(number, rows.read, rows.observations, position)
            if position is not None:
                summary = {**counts.summary(), "head": log.reader.repeated_lines}
                frame = frame._replace(summary=json.dumps(summary))
            if waiting:
                yield waiting
            waiting = rows, frame
        if waiting and counts.last_rejected_line > 0 and counts.last_rejected_line > log.source.line - _UNSETTLED_LINES:
            waiting = waiting[0], waiting[1]._replace(position=None)
        if waiting:
            yield waiting


def _listed(observations: Sequence[Mapping[str, Any]], log: LogOptions) -> Iterator[RecordBlock]:
    number = epoch_ms_to_milliseconds if log.timestamp_format == EPOCH_MS else epoch_to_milliseconds
    moments = Moments(log.timestamp_format, log.zone, number)
    for start in range(0, len(observations), _ITEMS_A_BLOCK):
        items = observations[start : start + _ITEMS_A_BLOCK]
        yield RecordBlock(others=[_record(place, item, moments) for place, item in enumerate(items, start=start + 1)])


def _record(number: int, item: Mapping[str, Any], moments: Moments) -> Record:
    try:
        ipaddr = _address("ipaddr", item["ipaddr"])
        associated_ipaddr = _address("associated_ipaddr", item["associated_ipaddr"])
        if ipaddr is None or associated_ipaddr is None:
            return Record(number, SKIPPED, NO_ADDRESS)
        return Record(number, START, None, "", ipaddr, associated_ipaddr, moments.milliseconds(item["timestamp"]))
    except (ValueError, TypeError) as error:
        return Record(number, REJECTED, str(error), text=f"{item['ipaddr']},{item['associated_ipaddr']},{item['timestamp']}")


def _address(key: str, value: object) -> str | None:
    try:
        address = parse_address("" if value is None else str(value))
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error
    return address.text if address else None
