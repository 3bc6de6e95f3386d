# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The session history in SQLite or PostgreSQL: who had which VPN address at which time, for all gateways."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from .._database.database import matching, parts
from .history_questions import HistoryQuestions
from .history_schema import (
    CLAIM,
    DOUBT,
    KEY,
    KEY_OF_COLUMNS,
    SELECT_CLAIM,
    UPDATE_CLAIM,
    claim_from,
    claim_row,
    column_rows,
    doubt_row,
    key_row,
)
from .model import AddressClaim, ClaimColumns, CoverageSpan, Evidence, GatewayNetworks, Kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .._database.database import Database
    from .model import Doubt, LogPosition

_ROWS_A_STATEMENT = 5000
_MOST_ASSIGNED = 50_000


class StoredHistory(HistoryQuestions):
    """See SessionHistory."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._numbers: dict[str, int] = {}
        self._assigned: set[tuple[str, int]] = set()
        """Addresses with gateways that are known to be kept."""
        self._assigning: set[tuple[str, int]] = set()
        """Those of this transaction."""

    def keep(self, evidence: Evidence) -> Kept:
        """Keeps evidence in one transaction. Runs that keep evidence of the same gateway take turns."""
        gateways = evidence.gateways
        with self._database.holding([f"gateway {gateway}" for gateway in gateways]):
            kept = self._database.atomically(lambda: self._keep(evidence, gateways))
        if len(self._assigned) > _MOST_ASSIGNED:
            self._assigned.clear()
        self._assigned |= self._assigning
        return kept

    def set_networks(self, networks: GatewayNetworks) -> bool:
        """Replaces the networks of a gateway; returns whether that changed anything."""
        with self._database.holding([f"gateway {networks.gateway}"]):
            return self._database.atomically(lambda: self._set_networks(networks))

    def forget(self, before: int) -> int:
        """Deletes all evidence before a time; returns the number of deleted claims."""
        return self._database.atomically(lambda: self._forget(before))

    def count_before(self, before: int) -> int:
        """Returns the number of claims that `forget` would delete."""
        return int(self._database.run("SELECT count(*) FROM claim WHERE latest < ?", (before,))[0][0])

    def known(self, claims: Sequence[AddressClaim]) -> list[AddressClaim]:
        """The kept claims with the same keys."""
        return list(self._known(_by_key(claims), self._names()).values())

    def known_doubts(self, doubts: Sequence[Doubt]) -> list[Doubt]:
        """Returns the doubts that are kept already."""
        numbers = {name: number for number, name in self._names().items()}
        rows = {doubt_row(doubt, numbers[doubt.gateway])[:-1]: doubt for doubt in doubts if doubt.gateway in numbers}
        select = f"SELECT {', '.join(f'kept.{name}' for name in DOUBT[:-1])} FROM doubt"
        return [rows[tuple(row)] for row in matching(self._database, select, {}, DOUBT[:-1], list(rows))]

    def _keep(self, evidence: Evidence, gateways: set[str]) -> Kept:
        self._assigning = set()
        self._number(gateways)
        counts = [self._keep_claims(evidence.claims), *map(self._keep_columns, evidence.columns)]
        added, updated, unchanged = (sum(column) for column in zip(*counts))
        other_changes = [
            self._keep_spans(evidence.spans),
            self._keep_doubts(evidence.doubts),
            self._keep_positions(evidence.positions),
        ]
        return Kept(added, updated, unchanged, bool(added or updated or any(other_changes)))

    def _keep_claims(self, claims: Sequence[AddressClaim]) -> tuple[int, int, int]:
        added = updated = unchanged = 0
        names = {number: name for name, number in self._numbers.items()}
        for some in parts(claims, _ROWS_A_STATEMENT):
            by_key = _by_key(some)
            rows = [claim_row(claim, self._numbers[claim.gateway]) for claim in by_key.values()]
            assigned = {(claim.ipaddr, self._numbers[claim.gateway]) for claim in by_key.values()}
            self._keep_assigned(assigned)
            new = self._database.insert_new("claim", {}, CLAIM, rows)
            added += new
            if new == len(rows):
                continue
            known = self._known(by_key, names)
            changed = [merged for key, claim in by_key.items() if (merged := known[key].merged(claim)) != known[key]]
            self._update(changed)
            updated += len(changed)
            unchanged += len(rows) - new - len(changed)
        return added, updated, unchanged

    def _keep_assigned(self, assigned: set[tuple[str, int]]) -> None:
        """Keeps which gateways assigned which addresses, except for what this run has kept before."""
        new = assigned - self._assigned
        self._database.insert_new("assigned", {}, ("ipaddr", "gateway"), sorted(new))
        self._assigning |= new

    def _keep_columns(self, columns: ClaimColumns) -> tuple[int, int, int]:
        """The same for claims in columns. If claims are known, or are there twice, all are looked at one by one."""
        gateway = {"gateway": self._numbers[columns.gateway]}
        names, rows, computed = column_rows(columns)
        if len(set(columns.starts)) < len(rows) and len(set(map(KEY_OF_COLUMNS, rows))) < len(rows):
            return self._keep_claims(list(columns.claims()))
        self._keep_assigned({(ipaddr, gateway["gateway"]) for ipaddr in set(columns.ipaddrs)})
        added = self._database.insert_new("claim", gateway, names, rows, computed)
        if added == len(rows):
            return added, 0, 0
        _added, updated, unchanged = self._keep_claims(list(columns.claims()))
        return added, updated, unchanged - added

    def _known(self, by_key: Mapping[Any, AddressClaim], names: Mapping[int, str]) -> dict[Any, AddressClaim]:
        """The kept claims with these keys, by key."""
        numbers = {name: number for number, name in names.items()}
        keys = [key_row(claim, numbers[claim.gateway]) for claim in by_key.values() if claim.gateway in numbers]
        rows = matching(self._database, f"SELECT {SELECT_CLAIM} FROM claim", {}, KEY, keys)
        return {claim.key: claim for claim in (claim_from(row, names) for row in rows)}

    def _update(self, claims: Sequence[AddressClaim]) -> None:
        rows = [claim_row(claim, self._numbers[claim.gateway]) for claim in claims]
        if rows:
            self._database.run_many(UPDATE_CLAIM, [(*row[len(KEY) :], *row[: len(KEY)]) for row in rows])

    def _keep_spans(self, spans: Sequence[CoverageSpan]) -> bool:
        changes = [self._keep_span(span) for span in _joined(spans)]
        return any(changes)

    def _keep_span(self, span: CoverageSpan) -> bool:
        """Joins a span with those that it overlaps or touches; returns whether that changed anything."""
        place = (self._numbers[span.gateway], int(span.of_snapshots))
        near = (*place, span.until, span.since)
        where = "gateway = ? AND of_snapshots = ? AND since <= ? AND until_at >= ?"
        touched = self._database.run(f"SELECT since, until_at FROM span WHERE {where}", near)
        since = min([span.since, *(one[0] for one in touched)])
        until = max([span.until, *(one[1] for one in touched)])
        if touched == [(since, until)]:
            return False
        self._database.run(f"DELETE FROM span WHERE {where}", near)
        self._database.run("INSERT INTO span (gateway, of_snapshots, since, until_at) VALUES (?, ?, ?, ?)", (*place, since, until))
        return True

    def _keep_doubts(self, doubts: Sequence[Doubt]) -> bool:
        rows = {doubt_row(doubt, self._numbers[doubt.gateway]) for doubt in doubts}
        return bool(self._database.insert_new("doubt", {}, DOUBT, sorted(rows)))

    def _keep_positions(self, positions: Sequence[LogPosition]) -> bool:
        changed = False
        for position in positions:
            place = (self._numbers[position.gateway], position.path)
            kept = self._database.run("SELECT state FROM log_position WHERE gateway = ? AND path = ?", place)
            if kept != [(position.state,)]:
                self._database.run("DELETE FROM log_position WHERE gateway = ? AND path = ?", place)
                self._database.run("INSERT INTO log_position (gateway, path, state) VALUES (?, ?, ?)", (*place, position.state))
                changed = True
        return changed

    def _set_networks(self, networks: GatewayNetworks) -> bool:
        self._number({networks.gateway})
        number = self._numbers[networks.gateway]
        kept = {row[0] for row in self._database.run("SELECT network FROM network WHERE gateway = ?", (number,))}
        wanted = set(networks.networks)
        if kept == wanted:
            return False
        self._database.run("DELETE FROM network WHERE gateway = ?", (number,))
        self._database.insert_new("network", {"gateway": number}, ("network",), [(one,) for one in sorted(wanted)])
        return True

    def _forget(self, before: int) -> int:
        claims = self.count_before(before)
        if claims:
            self._database.run("DELETE FROM claim WHERE latest < ?", (before,))
        self._database.run("DELETE FROM doubt WHERE until_at < ?", (before,))
        self._database.run("DELETE FROM span WHERE until_at < ?", (before,))
        self._database.run("UPDATE span SET since = ? WHERE since < ?", (before, before))
        return claims

    def _number(self, gateways: set[str]) -> None:
        """Gives each gateway a number."""
        rows = [(gateway,) for gateway in sorted(gateways.difference(self._numbers))]
        if rows:
            self._database.insert_new("gateway", {}, ("name",), rows)
            self._numbers = {name: number for number, name in self._names().items()}


def _by_key(claims: Sequence[AddressClaim]) -> dict[Any, AddressClaim]:
    """The claims by key, with those of the same key merged."""
    by_key: dict[Any, AddressClaim] = {}
    for claim in claims:
        known = by_key.get(claim.key)
        by_key[claim.key] = known.merged(claim) if known else claim
    return by_key


def _joined(spans: Sequence[CoverageSpan]) -> Iterator[CoverageSpan]:
    """The spans with those joined that overlap or touch."""
    by_place: dict[tuple[str, bool], list[CoverageSpan]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: span.since):
        own = by_place[span.gateway, span.of_snapshots]
        if own and own[-1].until >= span.since:
            own[-1] = CoverageSpan(span.gateway, own[-1].since, max(own[-1].until, span.until), span.of_snapshots)
        else:
            own.append(span)
    for own in by_place.values():
        yield from own
