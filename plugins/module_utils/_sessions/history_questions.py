# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads a session history: evidence for thousands of questions at once, and lists of sessions."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING

from .._database.database import marks, parts
from .evidence import AddressEvidence, ListedClaims
from .history_schema import CLAIM, DAY_MS, LONG_MS, OPEN, SELECT_CLAIM, SELECT_DOUBT, claim_from, doubt_from
from .model import CLOCK, LISTED_FLAWS, ROW, SPAN, CoverageSpan, GatewayNetworks, LogPosition

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from .._database.database import Database, Row
    from .evidence import ClaimFilter, ClaimWindow
    from .model import AddressClaim, Doubt

_WINDOWS_AT_ONCE = 200
_WINDOW = ("ipaddr", "since", "until_at")
_STARTING = (
    "kept.day = wanted.day AND kept.ipaddr = wanted.ipaddr AND kept.is_long = 0"
    " AND kept.since <= wanted.until_at AND kept.latest >= wanted.since"
)
"""The claims that are not long, by the days on which they begin."""
_LONG = "kept.ipaddr = wanted.ipaddr AND kept.is_long = 1 AND kept.latest >= wanted.since AND kept.since <= wanted.until_at"
"""The claims that last longer than a day."""
_MOST_DAYS = 100
"""For a longer window, all claims of its days are scanned."""
_WIDE = (
    f"SELECT CAST(? AS BIGINT), {SELECT_CLAIM} FROM claim AS kept WHERE kept.day BETWEEN ? AND ? AND kept.ipaddr = ?"
    " AND kept.is_long = 0 AND kept.latest >= ? AND kept.since <= ?"
)

_MOST_AT_ONCE = 5000
_MOST_OF_A_WINDOW = 20
_ANY_ADDRESS = "kept.ipaddr = ''"
_SHORT_DOUBT = f"kept.is_long = 0 AND kept.since BETWEEN ? - {LONG_MS} AND ? AND kept.until_at >= ?"
_LONG_DOUBT = "kept.is_long = 1 AND kept.since <= ? AND kept.until_at >= ?"
_ORDERS = (("kept.since", _MOST_OF_A_WINDOW), ("kept.until_at", 1))
"""The last rows before a question, for the message, and the row that ends last, which decides."""

_ABOUT_WANTED = (
    f"SELECT wanted.place, {SELECT_DOUBT} FROM wanted CROSS JOIN doubt AS kept WHERE kept.ipaddr = wanted.ipaddr"
    f" AND kept.kind IN ('{ROW}', '{SPAN}', '{CLOCK}') AND kept.since <= wanted.until_at AND kept.until_at >= wanted.since AND"
)
_OWN_DOUBTS = f"{_ABOUT_WANTED} kept.is_long = 0 AND kept.since >= wanted.since - {LONG_MS} UNION ALL {_ABOUT_WANTED} kept.is_long = 1"


class HistoryQuestions:
    """See EvidenceSource, and the reading half of SessionHistory."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def around(self, windows: Sequence[ClaimWindow]) -> Iterator[AddressEvidence]:
        """The evidence for each window, in their order."""
        names = self._names()
        stored_doubts = _StoredDoubts(self._database, names)
        for some in parts(windows, _WINDOWS_AT_ONCE):
            claims = self._claims_around(some, names)
            gateways = self._gateways_of({window.ipaddr for window in some})
            doubts = stored_doubts.around(some, gateways)
            for place, window in enumerate(some):
                found = sorted(claims[place], key=_by_start)
                yield AddressEvidence(found, doubts[place], frozenset(names[number] for number in gateways[window.ipaddr]))

    def spans(self) -> Sequence[CoverageSpan]:
        """All spans of all gateways, ordered by gateway, then `since`."""
        rows = self._database.run(
            "SELECT name, since, until_at, of_snapshots FROM span JOIN gateway ON gateway.id = span.gateway ORDER BY name, since"
        )
        return [CoverageSpan(name, since, until, bool(of_snapshots)) for name, since, until, of_snapshots in rows]

    def networks(self) -> Sequence[GatewayNetworks]:
        """The networks of the gateways that have any."""
        rows = self._database.run("SELECT name, network FROM network JOIN gateway ON gateway.id = network.gateway ORDER BY name, network")
        by_gateway: dict[str, list[str]] = defaultdict(list)
        for name, network in rows:
            by_gateway[name].append(network)
        return [GatewayNetworks(name, tuple(networks)) for name, networks in by_gateway.items()]

    def listed(self, wanted: ClaimFilter) -> ListedClaims:
        """Returns the first sessions that pass a filter, and the number that pass it."""
        names = self._names()
        conditions = [f"flaw IN ({marks(len(LISTED_FLAWS))})", "starts_unknown = 0"]
        values: list[object] = [*LISTED_FLAWS]
        numbers = {number for number, name in names.items() if name in wanted.gateways}
        if wanted.gateways and not numbers:
            return ListedClaims()
        for column, some in (("folded", wanted.users), ("ipaddr", wanted.ipaddrs), ("gateway", numbers)):
            if some:
                conditions.append(f"{column} IN ({marks(len(some))})")
                values += sorted(some)
        for condition, time in (("since >= ?", wanted.since), ("since < ?", wanted.until)):
            if time is not None:
                conditions.append(condition)
                values.append(time)
        where = " AND ".join(conditions)
        selected = self._database.run(f"SELECT count(*) FROM claim WHERE {where}", values)[0][0]
        columns = ", ".join(CLAIM)
        rows = self._database.run(f"SELECT {columns} FROM claim WHERE {where} ORDER BY since, line LIMIT ?", [*values, wanted.limit])
        return ListedClaims([claim_from(row, names) for row in rows], int(selected))

    def open_claims(self, gateway: str, since: int) -> Iterator[AddressClaim]:
        """The claims of a gateway without a known end, with `latest >= since`."""
        names = self._names()
        rows = self._database.run(
            f"SELECT {SELECT_CLAIM} FROM claim AS kept JOIN gateway ON gateway.id = kept.gateway"
            f" WHERE name = ? AND end_kind = {OPEN} AND latest >= ? ORDER BY since, line",
            (gateway, since),
        )
        return (claim_from(row, names) for row in rows)

    def positions(self, gateway: str) -> Sequence[LogPosition]:
        """The kept positions of a gateway's logs."""
        rows = self._database.run(
            "SELECT path, state FROM log_position JOIN gateway ON gateway.id = log_position.gateway WHERE name = ? ORDER BY path",
            (gateway,),
        )
        return [LogPosition(gateway, path, state) for path, state in rows]

    def _names(self) -> dict[int, str]:
        """The names of the gateways by their numbers."""
        return dict(self._database.run("SELECT id, name FROM gateway"))

    def _claims_around(self, windows: Sequence[ClaimWindow], names: Mapping[int, str]) -> Mapping[int, list[AddressClaim]]:
        """Returns the claims of each window, by its position."""
        claims: dict[int, list[AddressClaim]] = defaultdict(list)
        rows = self._asked(("place", *_WINDOW), [(place, *window[:3]) for place, window in enumerate(windows)], _LONG)
        days = []
        for place, window in enumerate(windows):
            first, last = (window.since - LONG_MS) // DAY_MS, window.until // DAY_MS
            if last - first < _MOST_DAYS:
                days += [(place, day, *window[:3]) for day in range(first, last + 1)]
            else:
                rows += self._database.run(_WIDE, (place, first, last, *window[:3]))
        for some in parts(days, self._database.most_rows(len(_WINDOW) + 2)):
            rows += self._asked(("place", "day", *_WINDOW), some, _STARTING)
        for row in rows:
            claims[row[0]].append(claim_from(row[1:], names))
        return claims

    def _asked(self, names: Sequence[str], wanted: Sequence[Sequence[object]], condition: str) -> list[Row]:
        """Returns the claims for a table of windows, each with the position of its window."""
        table, values = self._database.values(wanted)
        select = f"SELECT wanted.place, {SELECT_CLAIM} FROM wanted CROSS JOIN claim AS kept"
        return self._database.run(f"WITH wanted ({', '.join(names)}) AS ({table}) {select} WHERE {condition}", values)

    def _gateways_of(self, ipaddrs: set[str]) -> Mapping[str, set[int]]:
        """The numbers of all gateways that ever assigned each of the addresses."""
        gateways: dict[str, set[int]] = defaultdict(set)
        statement = f"SELECT ipaddr, gateway FROM assigned WHERE ipaddr IN ({marks(len(ipaddrs))})"
        for ipaddr, gateway in self._database.run(statement, sorted(ipaddrs)):
            gateways[ipaddr].add(gateway)
        return gateways


def _by_start(claim: AddressClaim) -> tuple[int, int]:
    return claim.start, claim.line


class _StoredDoubts:
    """The doubts around windows. Doubts about any address are read for all windows together, unless there are too many."""

    def __init__(self, database: Database, names: Mapping[int, str]) -> None:
        self._database = database
        self._names = names

    def around(self, windows: Sequence[ClaimWindow], gateways: Mapping[str, Collection[int]]) -> list[list[Doubt]]:
        """The doubts of each window, ordered by `since`. `gateways` are the numbers of those that assigned an address."""
        since, until = min(window.since for window in windows), max(window.until for window in windows)
        general = [doubt for kind in (SPAN, CLOCK) for doubt in self._any(kind, since, until, None)]
        rows = self._any(ROW, since, until, _MOST_AT_ONCE)
        timelines = _timelines(rows) if len(rows) < _MOST_AT_ONCE else None
        own = self._own(windows)
        found = []
        for place, window in enumerate(windows):
            if timelines is None:
                of_any = [doubt for gateway in gateways.get(window.ipaddr, ()) for doubt in self._rows_of(window, gateway)]
            else:
                of_any = [doubt for timeline in timelines for doubt in timeline.within(window)]
            near = [doubt for doubt in general if doubt.since <= window.until and doubt.until >= window.since]
            found.append(sorted([*own[place], *near, *of_any], key=_since))
        return found

    def _own(self, windows: Sequence[ClaimWindow]) -> Mapping[int, list[Doubt]]:
        """Returns the doubts about the address of each window, by its position."""
        own: dict[int, list[Doubt]] = defaultdict(list)
        wanted = [(place, window.ipaddr, window.since, window.until) for place, window in enumerate(windows)]
        for some in parts(wanted, self._database.most_rows(4)):
            table, values = self._database.values(some)
            for row in self._database.run(f"WITH wanted (place, ipaddr, since, until_at) AS ({table}) {_OWN_DOUBTS}", values):
                own[row[0]].append(doubt_from(row[1:], self._names))
        return own

    def _any(self, kind: str, since: int, until: int, limit: int | None) -> list[Doubt]:
        """Returns doubts of one kind about any address; only the first ones if there is a limit."""
        select = f"SELECT {SELECT_DOUBT} FROM doubt AS kept WHERE {_ANY_ADDRESS} AND kept.kind = ? AND"
        statement, values = f"{select} {_SHORT_DOUBT} UNION ALL {select} {_LONG_DOUBT}", [kind, since, until, since, kind, until, since]
        if limit is not None:
            statement, values = f"{statement} LIMIT ?", [*values, limit]
        return [doubt_from(row, self._names) for row in self._database.run(statement, values)]

    def _rows_of(self, window: ClaimWindow, gateway: int) -> list[Doubt]:
        """The rows of a gateway that matter in a window."""
        select = f"SELECT {SELECT_DOUBT} FROM doubt AS kept WHERE {_ANY_ADDRESS} AND kept.kind = '{ROW}' AND kept.gateway = ? AND"
        until = min(window.until, window.rows_until)
        short, long = (gateway, window.since, until, window.since), (gateway, until, window.since)
        rows = {}
        for order, limit in _ORDERS:
            for condition, values in ((_SHORT_DOUBT, short), (_LONG_DOUBT, long)):
                found = self._database.run(f"{select} {condition} ORDER BY {order} DESC LIMIT {limit}", values)
                rows.update(dict.fromkeys(found))
        return [doubt_from(row, self._names) for row in rows]


class _Timeline:
    """The rows of one gateway that may concern any address, in memory."""

    def __init__(self, doubts: Iterable[Doubt]) -> None:
        self._doubts = sorted(doubts, key=_since)
        self._starts = [doubt.since for doubt in self._doubts]
        self._ending_last = list(accumulate(self._doubts, _ending_later))
        """The row that ends last, of this row and earlier ones."""

    def within(self, window: ClaimWindow) -> list[Doubt]:
        """The rows that matter in the window."""
        last = bisect_right(self._starts, min(window.until, window.rows_until))
        near = [*self._doubts[max(0, last - _MOST_OF_A_WINDOW) : last], *self._ending_last[max(0, last - 1) : last]]
        return [doubt for doubt in dict.fromkeys(near) if doubt.until >= window.since]


def _ending_later(one: Doubt, other: Doubt) -> Doubt:
    return other if other.until >= one.until else one


def _timelines(doubts: Sequence[Doubt]) -> list[_Timeline]:
    return [_Timeline(doubt for doubt in doubts if doubt.gateway == gateway) for gateway in {doubt.gateway for doubt in doubts}]


def _since(doubt: Doubt) -> int:
    return doubt.since
