# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads the doubts of a session history for many questions at once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

from .._database.database import parts
from .history_schema import LONG_MS, SELECT_DOUBT, doubt_from
from .model import CLOCK, ROW, SPAN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._database.database import Database
    from .model import ClaimWindow, Doubt

_MOST_AT_ONCE = 5000
_MOST_OF_A_WINDOW = 20
_ANY = "kept.ipaddr = ''"
_SHORT = f"kept.is_long = 0 AND kept.since BETWEEN ? - {LONG_MS} AND ? AND kept.until_at >= ?"
_LONG = "kept.is_long = 1 AND kept.since <= ? AND kept.until_at >= ?"

_ABOUT_WANTED = (
    f"SELECT wanted.place, {SELECT_DOUBT} FROM wanted CROSS JOIN doubt AS kept WHERE kept.ipaddr = wanted.ipaddr"
    f" AND kept.kind IN ('{ROW}', '{SPAN}', '{CLOCK}') AND kept.since <= wanted.until_at AND kept.until_at >= wanted.since AND"
)
_OWN = f"{_ABOUT_WANTED} kept.is_long = 0 AND kept.since >= wanted.since - {LONG_MS} UNION ALL {_ABOUT_WANTED} kept.is_long = 1"


class StoredDoubts:
    """The doubts around windows. What concerns any address is read for all of them together if that is not too much."""

    def __init__(self, database: Database, names: Mapping[int, str]) -> None:
        self._database = database
        self._names = names

    def around(self, windows: Sequence[ClaimWindow]) -> list[list[Doubt]]:
        """The doubts of each window, ordered by `since`. Of rows that may concern any address, the first and the last ones only."""
        since, until = min(window.since for window in windows), max(window.until for window in windows)
        general = _Timeline([doubt for kind in (SPAN, CLOCK) for doubt in self._any(kind, since, until, None)])
        rows = self._any(ROW, since, until, _MOST_AT_ONCE)
        timeline = _Timeline(rows) if len(rows) < _MOST_AT_ONCE else None
        own = self._own(windows)
        found = []
        for place, window in enumerate(windows):
            of_any = timeline.within(window) if timeline else self._rows_of(window)
            doubts = [*own[place], *general.within(window), *_ends(of_any)]
            found.append(sorted(doubts, key=_since))
        return found

    def _own(self, windows: Sequence[ClaimWindow]) -> Mapping[int, list[Doubt]]:
        """The doubts about the address of each window, by its place."""
        own: dict[int, list[Doubt]] = defaultdict(list)
        for some in parts([(place, *window) for place, window in enumerate(windows)], self._database.most_rows(4)):
            table, values = self._database.values(some)
            for row in self._database.run(f"WITH wanted (place, ipaddr, since, until_at) AS ({table}) {_OWN}", values):
                own[row[0]].append(doubt_from(row[1:], self._names))
        return own

    def _any(self, kind: str, since: int, until: int, limit: int | None) -> list[Doubt]:
        """Doubts of one kind that concern any address, ordered by `since`; the first ones if there is a limit."""
        select = f"SELECT {SELECT_DOUBT} FROM doubt AS kept WHERE {_ANY} AND kept.kind = ? AND"
        statement, values = f"{select} {_SHORT} UNION ALL {select} {_LONG}", [kind, since, until, since, kind, until, since]
        if limit is not None:
            statement, values = f"{statement} LIMIT ?", [*values, limit]
        return [doubt_from(row, self._names) for row in self._database.run(statement, values)]

    def _rows_of(self, window: ClaimWindow) -> list[Doubt]:
        """The first and the last rows of a window, and long ones."""
        select = f"SELECT {SELECT_DOUBT} FROM doubt AS kept WHERE {_ANY} AND kept.kind = '{ROW}' AND"
        short, long = (window.since, window.until, window.since), (window.until, window.since)
        rows = {}
        for direction in ("ASC", "DESC"):
            for condition, values in ((_SHORT, short), (_LONG, long)):
                found = self._database.run(f"{select} {condition} ORDER BY kept.since {direction} LIMIT {_MOST_OF_A_WINDOW}", values)
                rows.update(dict.fromkeys(found))
        return [doubt_from(row, self._names) for row in rows]


class _Timeline:
    """Doubts in memory."""

    def __init__(self, doubts: Sequence[Doubt]) -> None:
        self._long = [doubt for doubt in doubts if doubt.until - doubt.since > LONG_MS]
        self._short = sorted((doubt for doubt in doubts if doubt.until - doubt.since <= LONG_MS), key=_since)
        self._starts = [doubt.since for doubt in self._short]

    def within(self, window: ClaimWindow) -> list[Doubt]:
        """Those that touch the window."""
        first, last = bisect_left(self._starts, window.since - LONG_MS), bisect_right(self._starts, window.until)
        near = [*self._long, *self._short[first:last]]
        return [doubt for doubt in near if doubt.since <= window.until and doubt.until >= window.since]


def _ends(doubts: Sequence[Doubt]) -> Sequence[Doubt]:
    """The first and the last ones."""
    if len(doubts) <= 2 * _MOST_OF_A_WINDOW:
        return doubts
    ordered = sorted(doubts, key=_since)
    return [*ordered[:_MOST_OF_A_WINDOW], *ordered[-_MOST_OF_A_WINDOW:]]


def _since(doubt: Doubt) -> int:
    return doubt.since
