# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Evidence in memory, from the logs just read, as far as this run needs it for its questions."""

from __future__ import annotations

from bisect import bisect_left
from heapq import nsmallest
from typing import TYPE_CHECKING

from .model import LISTED_FLAWS, AddressClaim, AddressEvidence, CoverageSpan, Doubt, ListedClaims

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .model import ClaimFilter, ClaimWindow, GatewayNetworks

MAX_DOUBTS = 20_000
"""With more doubts, neighbours are joined: memory must not grow with a log full of garbage."""


class MemoryEvidence:
    """Keeps the claims that lie in a window, the doubts, and the sessions that pass the filter."""

    def __init__(self, windows: Sequence[ClaimWindow], wanted: ClaimFilter | None, networks: Sequence[GatewayNetworks] = ()) -> None:
        self._windows: dict[str, list[ClaimWindow]] = {}
        for window in windows:
            self._windows.setdefault(window.ipaddr, []).append(window)
        self._untils: dict[str, list[int]] = {}
        for ipaddr, own in self._windows.items():
            own.sort(key=lambda window: window.until)
            self._untils[ipaddr] = [window.until for window in own]
        self._claims: dict[str, dict[object, AddressClaim]] = {}
        self._gateways: dict[str, set[str]] = {}
        self._doubts: dict[str | None, list[Doubt]] = {}
        self._spans: list[CoverageSpan] = []
        self._networks = networks
        self._list = _List(wanted) if wanted else None

    @property
    def addresses(self) -> frozenset[str] | None:
        """The addresses whose claims are needed; None if a list may contain any."""
        return None if self._list else frozenset(self._windows)

    def add(self, fact: AddressClaim | Doubt | CoverageSpan) -> None:
        """Takes a fact into account."""
        if isinstance(fact, AddressClaim):
            self._add_claim(fact)
        elif isinstance(fact, CoverageSpan):
            self._spans.append(fact)
        elif fact.ipaddr is None or fact.ipaddr in self._windows:
            known = self._doubts.setdefault(fact.ipaddr, [])
            known.append(fact)
            if len(known) > MAX_DOUBTS:
                self._doubts[fact.ipaddr] = _joined(known)

    def around(self, windows: Sequence[ClaimWindow]) -> Iterator[AddressEvidence]:
        """The evidence for each window."""
        for ipaddr in self._doubts:
            self._doubts[ipaddr].sort(key=lambda doubt: doubt.since)
        for window in windows:
            claims = [
                claim
                for claim in self._claims.get(window.ipaddr, {}).values()
                if claim.start <= window.until and claim.latest >= window.since
            ]
            claims.sort(key=lambda claim: (claim.start, claim.line))
            doubts = [
                doubt
                for concerned in (None, window.ipaddr)
                for doubt in self._doubts.get(concerned, ())
                if doubt.since <= window.until and doubt.until >= window.since
            ]
            yield AddressEvidence(claims, doubts, frozenset(self._gateways.get(window.ipaddr, ())))

    def spans(self) -> Sequence[CoverageSpan]:
        """The time that the logs cover."""
        return self._spans

    def networks(self) -> Sequence[GatewayNetworks]:
        """The networks that were given."""
        return self._networks

    def listed(self, wanted: ClaimFilter) -> ListedClaims:
        """The sessions that passed the filter that this evidence was made with."""
        return self._list.result() if self._list and wanted.limit else ListedClaims()

    def _add_claim(self, claim: AddressClaim) -> None:
        if self._list:
            self._list.add(claim)
        windows = self._windows.get(claim.ipaddr)
        if windows is None:
            return
        self._gateways.setdefault(claim.ipaddr, set()).add(claim.gateway)
        if not self._is_in_a_window(claim):
            return
        own = self._claims.setdefault(claim.ipaddr, {})
        known = own.get(claim.key)
        own[claim.key] = known.merged(claim) if known else claim

    def _is_in_a_window(self, claim: AddressClaim) -> bool:
        """True if the claim is in a window. All windows of an address have the same length, so the candidates are neighbours."""
        first = bisect_left(self._untils[claim.ipaddr], claim.start)
        windows = self._windows[claim.ipaddr]
        return first < len(windows) and windows[first].since <= claim.latest


class _List:
    """Keeps the first sessions that pass a filter; never more than twice the limit."""

    def __init__(self, wanted: ClaimFilter) -> None:
        self._wanted = wanted
        self._claims: list[AddressClaim] = []
        self._selected = 0

    def add(self, claim: AddressClaim) -> None:
        if not _passes(claim, self._wanted):
            return
        self._selected += 1
        self._claims.append(claim)
        if len(self._claims) > 2 * self._wanted.limit:
            self._claims = self._first()

    def result(self) -> ListedClaims:
        return ListedClaims(self._first(), self._selected)

    def _first(self) -> list[AddressClaim]:
        return nsmallest(self._wanted.limit, self._claims, key=lambda claim: (claim.start, claim.line))


def _passes(claim: AddressClaim, wanted: ClaimFilter) -> bool:
    return (
        claim.flaw in LISTED_FLAWS
        and not claim.starts_unknown
        and (not wanted.users or claim.user in wanted.users)
        and (not wanted.ipaddrs or claim.ipaddr in wanted.ipaddrs)
        and (not wanted.gateways or claim.gateway in wanted.gateways)
        and (wanted.since is None or claim.start >= wanted.since)
        and (wanted.until is None or claim.start < wanted.until)
    )


def _joined(doubts: list[Doubt]) -> list[Doubt]:
    """Halves the number of doubts: two neighbours of one kind become one, which never reduces doubt."""
    doubts = sorted(doubts, key=lambda doubt: (doubt.kind, doubt.since))
    joined = []
    for place in range(0, len(doubts), 2):
        one, *others = doubts[place : place + 2]
        for other in others:
            if other.kind == one.kind:
                one = Doubt(
                    one.gateway,
                    one.kind,
                    one.since,
                    max(one.until, other.until),
                    one.ipaddr,
                    one.line,
                    one.words,
                    max(one.amount, other.amount),
                )
            else:
                joined.append(other)
        joined.append(one)
    return joined
