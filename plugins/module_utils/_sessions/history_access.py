# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Opens the session history for adding evidence, for planning in check mode, or for questions."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from .._database.opening import file_at, open_database, open_for_reading, scratch_database
from .._errors import LedgerError
from .evidence import AddressEvidence, ListedClaims
from .history import StoredHistory
from .history_questions import HistoryQuestions
from .history_schema import HISTORY_SCHEMA
from .model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .evidence import ClaimFilter, ClaimWindow, SessionHistory
    from .model import AddressClaim, CoverageSpan, GatewayNetworks, Kept, LogPosition


@contextmanager
def opened_history(location: str | None, *, check_mode: bool) -> Iterator[SessionHistory]:
    """Opens the history at a file, a URL or the default location, to add evidence. In check mode it is only read. Raises LedgerError."""
    if not check_mode:
        with closing(open_database(location, HISTORY_SCHEMA)) as database:
            yield StoredHistory(database)
        return
    kept = open_for_reading(location, HISTORY_SCHEMA)
    with closing(scratch_database(HISTORY_SCHEMA)) as scratch:
        if kept is None:
            yield StoredHistory(scratch)
            return
        with closing(kept):
            yield PlannedHistory(StoredHistory(kept), StoredHistory(scratch))


@contextmanager
def history_to_ask(location: str | None) -> Iterator[HistoryQuestions]:
    """Opens the history at a file, a URL or the default location, for questions. Raises LedgerError, also if there is none."""
    database = open_for_reading(location, HISTORY_SCHEMA)
    if database is None:
        where = file_at(location, HISTORY_SCHEMA) or "this PostgreSQL database"
        raise LedgerError(
            f"history: there is no session history in {where}. Set `history` (or {HISTORY_SCHEMA.variable}) to the one that the module "
            "secops.xdr.vpn_session fills, or run that module first."
        )
    with closing(database):
        yield HistoryQuestions(database)


class PlannedHistory:
    """See SessionHistory.

    Before the temporary history keeps anything, the related evidence is copied to it, so that it decides like the real one.
    """

    def __init__(self, kept: StoredHistory, scratch: StoredHistory) -> None:
        self._kept = kept
        self._scratch = scratch
        self._seen: set[str] = set()

    def keep(self, evidence: Evidence) -> Kept:
        """Plans to keep evidence; returns the changes that this would make."""
        self._take_over(evidence.gateways)
        claims = [*evidence.claims, *(claim for columns in evidence.columns for claim in columns.claims())]
        evidence = replace(evidence, claims=claims, columns=())
        planned = {claim.key for claim in self._scratch.known(evidence.claims)}
        claims = [claim for claim in self._kept.known(evidence.claims) if claim.key not in planned]
        self._scratch.keep(Evidence(claims=claims, doubts=self._kept.known_doubts(evidence.doubts)))
        return self._scratch.keep(evidence)

    def set_networks(self, networks: GatewayNetworks) -> bool:
        """Plans to replace the networks of a gateway."""
        self._take_over({networks.gateway})
        return self._scratch.set_networks(networks)

    def forget(self, before: int) -> int:
        """The number of kept claims that would be deleted."""
        return self._kept.count_before(before)

    def around(self, windows: Sequence[ClaimWindow]) -> Iterator[AddressEvidence]:
        """The evidence for each window, kept or planned."""
        for kept, planned in zip(self._kept.around(windows), self._scratch.around(windows)):
            claims = {claim.key: claim for claim in (*kept.claims, *planned.claims)}
            doubts = dict.fromkeys((*kept.doubts, *planned.doubts))
            yield AddressEvidence(
                sorted(claims.values(), key=lambda claim: (claim.start, claim.line)),
                sorted(doubts, key=lambda doubt: doubt.since),
                kept.gateways | planned.gateways,
            )

    def spans(self) -> Sequence[CoverageSpan]:
        """All spans, kept or planned."""
        spans = [span for span in self._kept.spans() if span.gateway not in self._seen]
        return sorted([*spans, *self._scratch.spans()], key=lambda span: (span.gateway, span.since))

    def networks(self) -> Sequence[GatewayNetworks]:
        """The networks, kept or planned."""
        return [*(one for one in self._kept.networks() if one.gateway not in self._seen), *self._scratch.networks()]

    def listed(self, wanted: ClaimFilter) -> ListedClaims:
        """The kept claims that pass a filter."""
        return self._kept.listed(wanted)

    def open_claims(self, gateway: str, since: int) -> Iterator[AddressClaim]:
        """The open claims of a gateway, kept or planned."""
        kept = list(self._kept.open_claims(gateway, since))
        planned = {claim.key for claim in self._scratch.known(kept)}
        yield from (claim for claim in kept if claim.key not in planned)
        yield from self._scratch.open_claims(gateway, since)

    def known(self, claims: Sequence[AddressClaim]) -> Sequence[AddressClaim]:
        """The claims with the same keys, kept or planned."""
        found = {claim.key: claim for history in (self._kept, self._scratch) for claim in history.known(claims)}
        return list(found.values())

    def positions(self, gateway: str) -> Sequence[LogPosition]:
        """The positions of a gateway's logs, kept or planned."""
        return self._scratch.positions(gateway) if gateway in self._seen else self._kept.positions(gateway)

    def _take_over(self, gateways: set[str]) -> None:
        """Copies small tables of gateways that this run has not touched yet."""
        for gateway in gateways.difference(self._seen):
            spans = [span for span in self._kept.spans() if span.gateway == gateway]
            self._scratch.keep(Evidence(spans=spans, positions=self._kept.positions(gateway)))
            for networks in self._kept.networks():
                if networks.gateway == gateway:
                    self._scratch.set_networks(networks)
            self._seen.add(gateway)
