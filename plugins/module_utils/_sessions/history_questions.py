# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads a session history: the evidence for thousands of questions at once, and lists."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from .._database.database import marks, parts
from .flaws import WORDS, is_listed
from .history_doubts import StoredDoubts
from .history_schema import CLAIM, DAY_MS, LONG_MS, OPEN, SELECT_CLAIM, claim_from
from .model import AddressEvidence, CoverageSpan, GatewayNetworks, ListedClaims, LogPosition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .._database.database import Database, Row
    from .model import AddressClaim, ClaimFilter, ClaimWindow

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
"""A longer window is answered by going through all claims of its days."""
_WIDE = (
    f"SELECT CAST(? AS BIGINT), {SELECT_CLAIM} FROM claim AS kept WHERE kept.day BETWEEN ? AND ? AND kept.ipaddr = ?"
    " AND kept.is_long = 0 AND kept.latest >= ? AND kept.since <= ?"
)
_LISTED_FLAWS = tuple(flaw for flaw in ("", *WORDS) if is_listed(flaw))


class HistoryQuestions:
    """See EvidenceSource, and the reading half of SessionHistory."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def around(self, windows: Sequence[ClaimWindow]) -> Iterator[AddressEvidence]:
        """The evidence for each window, in their order."""
        names = self._names()
        stored_doubts = StoredDoubts(self._database, names)
        for some in parts(windows, _WINDOWS_AT_ONCE):
            claims = self._claims_around(some, names)
            doubts = stored_doubts.around(some)
            gateways = self._gateways_of({window.ipaddr for window in some}, names)
            for place, window in enumerate(some):
                found = sorted(claims[place], key=_by_start)
                yield AddressEvidence(found, doubts[place], frozenset(gateways[window.ipaddr]))

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
        """The first sessions that pass a filter, and how many pass it."""
        names = self._names()
        conditions = [f"flaw IN ({marks(len(_LISTED_FLAWS))})", "starts_unknown = 0"]
        values: list[object] = [*_LISTED_FLAWS]
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
        """The claims of each window, by its place."""
        claims: dict[int, list[AddressClaim]] = defaultdict(list)
        rows = self._asked(("place", *_WINDOW), [(place, *window) for place, window in enumerate(windows)], _LONG)
        days = []
        for place, window in enumerate(windows):
            first, last = (window.since - LONG_MS) // DAY_MS, window.until // DAY_MS
            if last - first < _MOST_DAYS:
                days += [(place, day, *window) for day in range(first, last + 1)]
            else:
                rows += self._database.run(_WIDE, (place, first, last, *window))
        for some in parts(days, self._database.most_rows(len(_WINDOW) + 2)):
            rows += self._asked(("place", "day", *_WINDOW), some, _STARTING)
        for row in rows:
            claims[row[0]].append(claim_from(row[1:], names))
        return claims

    def _asked(self, names: Sequence[str], wanted: Sequence[Sequence[object]], condition: str) -> list[Row]:
        """The claims for a table of what is wanted, each behind the place of its window."""
        table, values = self._database.values(wanted)
        select = f"SELECT wanted.place, {SELECT_CLAIM} FROM wanted CROSS JOIN claim AS kept"
        return self._database.run(f"WITH wanted ({', '.join(names)}) AS ({table}) {select} WHERE {condition}", values)

    def _gateways_of(self, ipaddrs: set[str], names: Mapping[int, str]) -> Mapping[str, set[str]]:
        """Every gateway that ever assigned each of the addresses."""
        gateways: dict[str, set[str]] = defaultdict(set)
        statement = f"SELECT ipaddr, gateway FROM assigned WHERE ipaddr IN ({marks(len(ipaddrs))})"
        for ipaddr, gateway in self._database.run(statement, sorted(ipaddrs)):
            gateways[ipaddr].add(names[gateway])
        return gateways


def _by_start(claim: AddressClaim) -> tuple[int, int]:
    return claim.start, claim.line
