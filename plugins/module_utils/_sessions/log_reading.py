# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Reads one log of events or snapshots into claims, doubts and coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

from .._times.timestamps import LATEST_MS, format_iso8601
from .._vpn_log.records import ALIVE, SNAPSHOT, START
from .claims import ClaimBuilder
from .clock import Clock
from .model import END_TAKEN, ROW, UNUSABLE, AddressClaim, ClaimColumns, CoverageSpan, Doubt, Timed
from .open_claim import OpenClaim
from .order import FORWARD, BlockRows, Order, in_order, with_following

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from .._vpn_log.records import Record, RecordBlock
    from .model import LogFacts

Fact = Union[AddressClaim, ClaimColumns, Doubt, CoverageSpan]

SNAPSHOT_FORMATS = frozenset({"openvpn_status", "wireguard"})
_NO_TIMES = frozenset({"wireguard"})
"""Formats of snapshots whose rows have their own times, in no order."""

_SAME_START_MS = 2000
"""Snapshots show the start of a session rounded to a second."""


@dataclass(frozen=True)
class Before:
    """The end of the log before this one, to continue from there."""

    open_claims: Sequence[AddressClaim] = ()
    are_kept: bool = False
    """The history has these claims."""
    latest: int | None = None
    """The latest time of the log, if this one continues it without a gap."""
    order: Order | None = None


class LogReading:
    """Reads one log. Claims that are still open at its end are in `open_claims`, and are returned only if requested."""

    def __init__(self, log: LogFacts, log_format: str, before: Before, wanted: Collection[str] | None = None) -> None:
        self._log = log
        self._format = log_format
        self._wanted = wanted
        self._latest = before.latest
        self._earlier = [OpenClaim.again(claim, is_kept=before.are_kept) for claim in before.open_claims]
        self.open_claims: list[AddressClaim] = []
        """The claims without an end, once the log has been read."""
        self.order = before.order or Order(FORWARD)
        self._is_ordered = before.order is not None and before.order.direction == FORWARD
        self.flaw = ""
        """The reason why nobody may be named from this log; empty if the log can be used."""
        self.first: int | None = None
        """The earliest believed time; for a continued log, the time at which the last run ended."""
        self.high: int | None = None
        """The latest believed time."""
        self.shown_last: int | None = None
        """The time of the last snapshot."""

    def facts(self, blocks: Iterable[RecordBlock]) -> Iterator[Fact]:
        """Yields all facts of the log, except the claims in `open_claims`."""
        rows = map(BlockRows, blocks)
        return self._snapshots(rows) if self._format in SNAPSHOT_FORMATS else self._events(rows)

    def _events(self, blocks: Iterable[Sequence[Record]]) -> Iterator[Fact]:
        in_time: Iterable[Sequence[Record]] = blocks
        if not self._is_ordered:
            self.order, in_time = in_order(blocks)
        clock = Clock(self._log, self.order, latest=self._latest if self.order.direction == FORWARD else None)
        builder = ClaimBuilder(self._log, self._earlier, self._wanted)
        for rows, following in with_following(in_time):
            if not isinstance(rows, BlockRows) or not clock.takes(rows, following):
                yield from builder.facts(clock.timed(rows, following))
                continue
            columns = builder.columns(rows, rows.times(self.order) or ())
            yield from builder.facts(clock.believed(rows)) if columns is None else columns
        yield from builder.rest()
        self.open_claims = builder.left()
        self.high, self.flaw = clock.latest, clock.flaw()
        self.first = None if clock.first is None else self._since(clock.first)
        yield from clock.doubts()
        yield from self._doubts_without_end(clock)
        if clock.first is not None and clock.last is not None and not self.flaw:
            yield CoverageSpan(self._log.gateway, self._since(clock.first), clock.last)

    def _doubts_without_end(self, clock: Clock) -> Iterator[Doubt]:
        """Doubts about sessions without an end, for the time in which the log has no rows, only the ends of sessions that began before.

        The log with the sessions that begin in that time may be missing, unless the log was quiet for so long before.
        """
        since, until = clock.latest, clock.last
        if since is None or until is None or until - since <= clock.largest_gap:
            return
        words = f"the session has no end, and no row of the log is later than {format_iso8601(since)}, only the ends of other sessions"
        for claim in self.open_claims:
            if claim.sure_until < until and (self._wanted is None or claim.ipaddr in self._wanted):
                yield Doubt(self._log.gateway, ROW, since + 1, until, claim.ipaddr, claim.line, self._log.named(claim.line, words))

    def _snapshots(self, blocks: Iterable[Sequence[Record]]) -> Iterator[Fact]:
        builder = _SnapshotBuilder(self._log, self._earlier, self._wanted, self._latest)
        if self._format in _NO_TIMES:
            yield from builder.facts(_as_they_say(blocks))
        else:
            clock = Clock(self._log, self.order)
            yield from builder.facts(timed for rows, following in with_following(blocks) for timed in clock.timed(rows, following))
            yield from clock.doubts(builder.earliest)
            self.flaw = clock.flaw()
        self.first, self.high = builder.earliest, builder.last
        self.shown_last = self._latest if builder.last is None else builder.last
        self.open_claims = builder.left()
        if builder.first is not None and builder.last is not None and not self.flaw:
            yield CoverageSpan(self._log.gateway, self._since(builder.first), builder.last, of_snapshots=True)

    def _since(self, first: int) -> int:
        """Returns the start of the coverage: the end of the previous log, or the first time of this log."""
        return first if self._latest is None else min(first, self._latest)


def _as_they_say(blocks: Iterable[Sequence[Record]]) -> Iterator[Timed]:
    for block in blocks:
        for record in block:
            time = record.time
            yield Timed(record, time or 0, is_believed=time is not None, latest=LATEST_MS if time is None else time)


class _SnapshotBuilder:
    """The claims of one log of snapshots. `latest` is the time of the last snapshot of this gateway in the history."""

    def __init__(self, log: LogFacts, earlier: Iterable[OpenClaim], wanted: Collection[str] | None, latest: int | None) -> None:
        self._log = log
        self._wanted = wanted
        self._shown: dict[str, OpenClaim] = {old.ipaddr: old for old in earlier}
        self._shown_in: dict[str, int] = dict.fromkeys(self._shown, 0)
        self._round = 0
        self._moment = latest
        self._before: int | None = None
        """The time of the previous snapshot."""
        self.first: int | None = None
        """The time of the first snapshot of this log."""
        self.last: int | None = None
        """The time of the last snapshot."""
        self.earliest: int | None = None
        """The earliest start of a session in the snapshots."""

    def facts(self, rows: Iterable[Timed]) -> Iterator[AddressClaim]:
        """Yields each claim when it can no longer be in the next snapshot.

        Rows that cannot be read change nothing: each claim is evidence by itself.
        """
        for row in rows:
            record = row.record
            if record.kind == SNAPSHOT:
                self._begin(record.time if row.is_believed else None)
            elif row.is_believed and record.kind in (ALIVE, START) and record.ipaddr and record.time is not None:
                if self._moment is None:
                    self.first = record.time if self.first is None else min(self.first, record.time)
                    self.last = record.time if self.last is None else max(self.last, record.time)
                yield from self._shows(record.ipaddr, record, record.time)
        for ipaddr, shown in self._shown.items():
            if self._shown_in[ipaddr] < self._round and shown.is_new and self._is_wanted(shown):
                yield self._claim(shown)

    def left(self) -> list[AddressClaim]:
        """The claims that the last snapshot shows."""
        return [self._claim(shown) for ipaddr, shown in self._shown.items() if self._shown_in[ipaddr] == self._round]

    def _begin(self, moment: int | None) -> None:
        self._round += 1
        self._before, self._moment = self._moment, moment
        if moment is not None:
            self.first = moment if self.first is None else min(moment, self.first)
            self.last = moment if self.last is None else max(moment, self.last)

    def _shows(self, ipaddr: str, record: Record, moment: int) -> Iterator[AddressClaim]:
        start = moment if record.start is None else record.start
        self.earliest = start if self.earliest is None else min(start, self.earliest)
        new = OpenClaim.of(record, start, moment)
        new.is_snapshot = True
        if start > moment + self._log.tolerance_ms:
            new.flaw = UNUSABLE
            new.alive = new.sure_until = start
        shown = self._shown.get(ipaddr)
        is_next = shown is not None and self._shown_in[ipaddr] >= self._round - 1
        if shown and is_next and shown.user == new.user and shown.flaw == new.flaw and self._has_begun(shown, record.start):
            shown.add(new)
            self._shown_in[ipaddr] = self._round
            return
        if self._before is not None and start + _SAME_START_MS < self._before <= moment:
            # The previous snapshot does not show it, so it did not hold the address continuously since its start.
            new.start = moment
        if shown:
            if self._shown_in[ipaddr] == self._round:
                # Two clients with one address in one snapshot.
                shown.end, shown.end_kind = moment, END_TAKEN
            if shown.is_new and self._is_wanted(shown):
                yield self._claim(shown)
        self._shown[ipaddr] = new
        self._shown_in[ipaddr] = self._round

    def _has_begun(self, shown: OpenClaim, start: int | None) -> bool:
        """True if a session with this start is the one that was shown before."""
        return start is None or start <= shown.start + _SAME_START_MS

    def _claim(self, shown: OpenClaim) -> AddressClaim:
        return shown.claim(self._log.gateway)

    def _is_wanted(self, shown: OpenClaim) -> bool:
        return self._wanted is None or shown.ipaddr in self._wanted
