# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads the input of an upload as frames, each with the position after it where reading may continue."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._errors import EmptyLogError
from .observed import observed
from .spool import Frame
from .tally import RowCounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .._vpn_log.open_logs import OpenLog
    from .input import ObservationInput
    from .observed import ObservedRows

_UNSETTLED_LINES = 100
"""A rejected row so near to the end may become whole when the log grows (a quoted value over several lines does)."""


class InputReader:
    """One pass over the input, from where reading begins. `summaries` are those of the checkpoints there, by log."""

    def __init__(self, source: ObservationInput, divisor: int, summaries: Mapping[int, Mapping[str, Any]]) -> None:
        self._source = source
        self._divisor = divisor
        self._summaries = summaries
        self._now_ms = int(time.time() * 1000)
        self._current: OpenLog | None = None

    @property
    def may_be_used(self) -> bool:
        """True if later rows cannot prove the rows so far wrong; see LogReader.dates_are_settled."""
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
                frame = replace(frame, summary=json.dumps(summary))
            if waiting:
                yield waiting
            waiting = rows, frame
        if waiting and counts.last_rejected_line > 0 and counts.last_rejected_line > log.source.line - _UNSETTLED_LINES:
            waiting = waiting[0], replace(waiting[1], position=None)
        if waiting:
            yield waiting
