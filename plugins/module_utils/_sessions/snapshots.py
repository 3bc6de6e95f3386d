# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Claims from snapshots: each shows who is connected at one moment, and says nothing about the time after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._vpn_log.records import ALIVE, SNAPSHOT, START
from .model import END_TAKEN, UNUSABLE
from .open_claim import OpenClaim

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from .._vpn_log.records import Record
    from .clock import LogFacts, Timed
    from .model import AddressClaim

_SAME_START_MS = 2000
"""The start of one session is written alike in every snapshot, rounded to a second."""


class SnapshotBuilder:
    """The claims of one log of snapshots. `latest` is the time of the last snapshot of this gateway in the history."""

    def __init__(self, log: LogFacts, earlier: Iterable[OpenClaim], wanted: Collection[str] | None, latest: int | None) -> None:
        self._log = log
        self._wanted = wanted
        self._shown: dict[str, OpenClaim] = {old.ipaddr: old for old in earlier}
        self._shown_in: dict[str, int] = dict.fromkeys(self._shown, 0)
        self._round = 0
        self._moment = latest
        self._before: int | None = None
        """The time of the snapshot before the present one."""
        self.first: int | None = None
        """The time of the first snapshot of this log."""
        self.last: int | None = None
        """The time of the last one."""
        self.earliest: int | None = None
        """The earliest start of a session that they show."""

    def facts(self, rows: Iterable[Timed]) -> Iterator[AddressClaim]:
        """Every claim once it can no longer be in the next snapshot. Rows that cannot be read change nothing: a claim proves itself."""
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
            # The snapshot before this one does not show it, so it did not have the address all the time since it began.
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
        """True if a session that began then is the one that was shown before."""
        return start is None or start <= shown.start + _SAME_START_MS

    def _claim(self, shown: OpenClaim) -> AddressClaim:
        return shown.claim(self._log.gateway)

    def _is_wanted(self, shown: OpenClaim) -> bool:
        return self._wanted is None or shown.ipaddr in self._wanted
