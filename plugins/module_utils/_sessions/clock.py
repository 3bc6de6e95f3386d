# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Decides which times of a log are believed, and which time span the log covers. Takes records oldest first. Three things make times
doubtful: a single time far from its neighbours, a clock that was set back, and rows that are later than the file itself. Times that occur
twice because clocks go back are doubtful if the log contains no zone.
"""

from __future__ import annotations

from collections import deque
from itertools import accumulate, chain
from operator import sub
from typing import TYPE_CHECKING

from .._times.timestamps import LATEST_MS, format_iso8601
from .._vpn_log.records import REJECTED
from .model import CLOCK, ROW, SPAN, Doubt, Timed
from .order import FORWARD, UNORDERED, first_times

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._vpn_log.records import Record
    from .model import LogFacts
    from .order import BlockRows, Order

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
MAX_CLOCK_MS = _DAY_MS
"""A clock that was wrong by more than this makes the whole log doubtful."""
_ZONES_APART_MS = 36 * _HOUR_MS
"""More than the largest difference between two time zones."""
_LONELY_MS = 30 * _DAY_MS
_RARE_MS = 600_000
_NEIGHBOURS = 5
_MAX_JUMPS = 500
"""Maximum number of separate jumps."""


class Clock:
    """Checks the times of a log in one pass. Afterwards, the log covers `first` to `last`, with gaps of up to `largest_gap`."""

    def __init__(self, log: LogFacts, order: Order, *, latest: int | None = None) -> None:
        self._log = log
        self._order = order
        self._now = self._high = latest
        self._recent: deque[int] = deque([latest] if latest is not None else [], maxlen=2 * _NEIGHBOURS)
        self._rows = 0
        self.largest_gap = 0
        self._jump: _Jump | None = None
        self._jumps: list[_Jump] = []
        self._strays: list[_Jump] = []
        self._late: tuple[int, int] | None = None  # Line and time of the first row that is later than the file.
        self.first: int | None = None
        """The first believable time."""
        self.last: int | None = None
        """The last time to which the coverage may extend: of a row, or the end of a session in a row of the last log."""

    @property
    def latest(self) -> int | None:
        """The latest believed time of a row."""
        return self._high

    def timed(self, rows: Sequence[Record], next_rows: Sequence[Record]) -> Iterator[Timed]:
        """The records with their times; `next_rows` are those after them."""
        times = [time for time in map(self._order.time_of, rows) if time is not None]
        times += first_times(next_rows, self._order, _NEIGHBOURS)
        place = 0
        for record in rows:
            time = self._order.time_of(record)
            if time is None:
                yield self._untimed(record, times[place : place + _NEIGHBOURS])
                continue
            place += 1
            following = times[place : place + _NEIGHBOURS]
            yield self._rejected(record, time, following) if record.kind == REJECTED else self._timed(record, time, following)

    def takes(self, rows: BlockRows, next_rows: Sequence[Record]) -> bool:
        """Believes all times of a block, if they are in order. If one of them has to be looked at, returns False and notes nothing."""
        now, high, block, tolerance = self._now, self._high, rows.block, self._log.tolerance_ms
        times, ahead = rows.times(self._order), first_times(next_rows, self._order, _NEIGHBOURS)
        if now is None or high is None or self._jump or not times or not ahead or not block.lines:
            return False
        until, end = max(times), rows.last_end
        known = [now, *times, *ahead]
        highest = sorted(known)
        if highest != known:
            highest = list(accumulate(known, max))
        if max(map(sub, highest, known)) > tolerance or max(until, end) > self._log.modified_ms + tolerance:
            return False
        if self._rows:
            self.largest_gap = max(self.largest_gap, *map(sub, times, highest))
        self._rows += len(times)
        self._recent.extend(times[-2 * _NEIGHBOURS :])
        self._now, self._high = max(now, until), max(high, until)
        since = min(chain(block.starts, (record.time for record in block.others if record.time is not None)))
        self.first = since if self.first is None else min(self.first, since)
        self.last = max(until, self.last or 0, 0 if self._log.is_followed else end)
        return True

    def believed(self, rows: BlockRows) -> Iterator[Timed]:
        """The rows of a block that `takes` has believed."""
        highest = 0
        for record in rows:
            time = self._order.time_of(record)
            if time is not None:
                highest = max(highest, time)
                yield Timed(record, time, is_believed=True, latest=highest, end=record.end)

    def doubts(self, earliest: int | None = None) -> Iterator[Doubt]:
        """Returns the doubts about times of this log; call it after reading. `earliest` is the first time in the log."""
        if self.first is None or self.last is None:
            return
        yield from filter(None, [self._whole_log(earliest)])
        for jump in self._jumps:
            words = f"{_gone_back(jump)}: a clock was set back, or lines are mixed up"
            yield self._log.doubt(SPAN, jump.low, jump.high, jump.line, words)
            if 0 < jump.amount <= MAX_CLOCK_MS:
                # Before the clock went back, it may have run on while nothing was written.
                amount = min(MAX_CLOCK_MS, jump.amount + self.largest_gap)
                since = self.first if earliest is None else min(self.first, earliest)
                yield Doubt(self._log.gateway, CLOCK, since, self.last, None, jump.line, self._log.named(jump.line, words), amount)
        yield from self._doubled_hours(self.first, self.last)

    def flaw(self) -> str:
        """Returns the reason why nobody may be named from this log; empty if the log can be used."""
        whole = self._whole_log()
        return whole.words if whole else ""

    def _whole_log(self, earliest: int | None = None) -> Doubt | None:
        since, until = self.first or 0, self.last or 0
        since = since if earliest is None else min(since, earliest)
        if self._late:
            line, late = self._late
            written = format_iso8601(self._log.modified_ms)
            words = f"the time {format_iso8601(late)} is later than the file itself, last written to at {written}"
            return self._log.doubt(SPAN, since, max(until, late), line, f"{words}: `timezone` or the gateway's clock is wrong")
        has_no_years = self._log.zone is not None and self._log.zone.years_were_missing
        for jump in [*self._jumps, *(self._strays if has_no_years else ())]:
            if jump.amount > MAX_CLOCK_MS:
                words = f"{_gone_back(jump)}: the log spans several years without naming them, is mixed up, or its clock was wrong"
                return self._log.doubt(SPAN, min(since, jump.low), max(until, jump.high), jump.line, words)
        return None

    def _untimed(self, record: Record, following: Sequence[int]) -> Timed:
        """Handles a row without a time, which was written between the rows before and after it."""
        if self._order.direction == UNORDERED:
            # It is unknown when such a row was written.
            return Timed(record, 0, is_believed=False, latest=LATEST_MS)
        # In a log that is sorted by ends, rows may be about any earlier time.
        now = 0 if self._order.by_end else self._now or 0
        latest = min(following) - 1 if following else LATEST_MS
        return Timed(record, now, is_believed=False, latest=max(latest, self._now or 0, self._high or 0))

    def _rejected(self, record: Record, time: int, following: Sequence[int]) -> Timed:
        """Handles a row that cannot be read. Its time may be damaged too, so it must fit between its neighbours."""
        tolerance = self._log.tolerance_ms
        now = self._now if self._now is not None else time
        latest = following[0] if following else self._log.modified_ms
        if self._order.direction == UNORDERED or now - tolerance <= time <= latest + tolerance:
            return Timed(record, time, is_believed=False, latest=max(time, self._high or 0) if self._jump else time)
        return self._untimed(record, following)

    def _timed(self, record: Record, time: int, following: Sequence[int]) -> Timed:
        now, tolerance, is_alone = self._now, self._log.tolerance_ms, False
        if now is None or not now - tolerance <= time <= now + tolerance:
            if not self._believed(record, time, following):
                self._note_stray(record.line, time, following)
                return self._untimed(record, following)
            is_alone = now is not None and time < now - tolerance <= min(following[:1], default=now) and not self._is_doubled(time, now)
        self._note(record, time)
        end = None if record.end is None else self._end(record.end, record.line)
        return Timed(record, time, is_believed=True, latest=self._high or time, end=end, is_alone=is_alone)

    def _end(self, end: int, line: int) -> int | None:
        late_by = end - self._log.modified_ms
        if late_by > _ZONES_APART_MS:
            return None
        if late_by > self._log.tolerance_ms and self._late is None:
            self._late = line, end
        if not self._log.is_followed:
            self.last = end if self.last is None or end > self.last else self.last
        return end

    def _believed(self, record: Record, time: int, following: Sequence[int]) -> bool:
        """True if a time is believed although it is far from the previous one. Notes clocks that went back."""
        tolerance = self._log.tolerance_ms
        if time > self._log.modified_ms + _ZONES_APART_MS:
            return False
        now = self._now
        lower = [other for other in following if other < time - tolerance]
        higher = [other for other in following if other > time + tolerance]
        if now is None:
            gone_back = len(lower) * 2 > len(following) and time - max(lower, default=0) > _DAY_MS
            lonely = len(higher) == _NEIGHBOURS and min(higher) - time > max(_LONELY_MS, 10 * (max(higher) - min(higher)))
            return not (gone_back or lonely)
        if time > now:
            return not self._is_far_ahead(time, now, following, lower)
        above = [other for other in following if other >= now - tolerance]
        back = now - time
        # After a single row in the wrong place, the next row continues where the log was. A clock that was set back needs more rows to get
        # there; in a short log, one row may be enough.
        is_busy = self._rows >= 2 * _NEIGHBOURS and back > 3 * max(self._widest_gap(following), tolerance)
        is_single = is_busy and bool(following) and following[0] >= now - tolerance
        if len(above) * 2 > len(following) and (back > _DAY_MS or is_single):
            return False
        # A few rows that only go back may be written newest first as well.
        may_be_reversed = self._rows < 2 * _NEIGHBOURS and self.largest_gap <= tolerance and max(following, default=now) <= now + tolerance
        self._went_back(record.line, time, MAX_CLOCK_MS + 1 if may_be_reversed else back)
        return True

    def _note_stray(self, line: int, time: int, following: Sequence[int]) -> None:
        """Notes a row that may be of another year, if the log names none: its neighbours are far from it and from each other."""
        after = following[0] if following else time
        now = after if self._now is None else self._now
        is_sparse = self._now is None or after - now > _DAY_MS
        if is_sparse and (time - now if self._now is None else abs(time - now)) > _LONELY_MS and not self._strays:
            self._strays.append(_Jump(line, min(time, now), max(time, now), abs(time - now)))

    def _is_far_ahead(self, time: int, now: int, following: Sequence[int], lower: Sequence[int]) -> bool:
        if not following:
            # No later row can confirm the last row.
            return self._rows >= _NEIGHBOURS and time - now > max(_LONELY_MS, 10 * self.largest_gap)
        if len(lower) * 2 <= len(following):
            return False
        drop = time - max(lower)
        leap = time - now
        is_back = sum(other >= now - self._log.tolerance_ms for other in lower) * 2 > len(lower)
        is_rare = len(self._recent) >= _NEIGHBOURS and leap > max(_RARE_MS, 4 * self._widest_gap(()))
        return is_back and (drop > _DAY_MS or is_rare)

    def _went_back(self, line: int, time: int, back: int) -> None:
        high = self._high or time
        is_expected = self._order.direction == UNORDERED or self._is_doubled(time, high)
        amount = 0 if is_expected else max(back, high - time)
        if len(self._jumps) < _MAX_JUMPS:
            self._jumps.append(_Jump(line, time, high, amount))
        self._jump = self._jumps[-1]
        self._jump.reached(time, high, amount)
        self._now = time

    def _note(self, record: Record, time: int) -> None:
        now = self._now
        if now is not None and self._rows:
            self.largest_gap = max(self.largest_gap, time - now)
        self._rows += 1
        self._recent.append(time)
        if self._jump:
            self._jump.reached(time)
            if time > self._jump.high:
                self._jump = None
        self._now = time if now is None or time > now else now
        self._high = time if self._high is None or time > self._high else self._high
        known = time if record.time is None else record.time
        self.first = known if self.first is None or known < self.first else self.first
        self.last = time if self.last is None or time > self.last else self.last
        if time > self._log.modified_ms + self._log.tolerance_ms and self._late is None:
            self._late = record.line, time

    def _widest_gap(self, following: Sequence[int]) -> int:
        """Returns the widest gap so far and near this row. A clock that was set back by less looks like a single late row."""
        widest = self.largest_gap
        for times in (list(self._recent), following):
            widest = max(widest, *(abs(after - before) for before, after in zip(times, times[1:])), 0)
        return widest

    def _is_doubled(self, time: int, high: int) -> bool:
        if self._log.zone is None or high - time > _HOUR_MS + self._log.tolerance_ms:
            return False
        return any(since <= time <= until for since, until in self._log.zone.doubled_hours(time - 3 * _HOUR_MS, time + 3 * _HOUR_MS))

    def _doubled_hours(self, first: int, last: int) -> Iterator[Doubt]:
        words = "the clocks go back here, and the log does not distinguish the two hours"
        for since, until in self._log.zone.doubled_hours(first - _DAY_MS, last + _DAY_MS) if self._log.zone else ():
            if since <= last and until >= first:
                yield self._log.doubt(SPAN, since, until, 0, words)
                if self._order.direction != FORWARD:
                    yield self._log.doubt(ROW, since, until, 0, words)


class _Jump:
    """The time went back, and the log repeats times from `low` to `high`."""

    def __init__(self, line: int, low: int, high: int, amount: int) -> None:
        self.line = line
        self.low = low
        self.high = high
        self.amount = amount

    def reached(self, time: int, high: int = 0, amount: int = 0) -> None:
        self.low = min(self.low, time)
        self.high = max(self.high, high)
        self.amount = max(self.amount, amount)


def _gone_back(jump: _Jump) -> str:
    return f"the time goes back from {format_iso8601(jump.high)} to {format_iso8601(jump.low)}"
