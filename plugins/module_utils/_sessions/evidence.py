# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Evidence to ask, and the memory for that of the logs just read, as far as this run needs it for its questions."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .._times.timestamps import LATEST_MS
from .model import LISTED_FLAWS, AddressClaim, ClaimColumns, CoverageSpan, Doubt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .model import Evidence, GatewayNetworks, Kept, LogPosition

MAX_DOUBTS = 20_000
"""With more doubts, neighbours are joined: memory must not grow with a log full of garbage."""


class ClaimWindow(NamedTuple):
    """Asks for all claims on an address with `start <= until` and `latest >= since`, both included, and the doubts in this time.

    Rows that cannot be read matter only if they begin by `rows_until`.
    """

    ipaddr: str
    since: int
    until: int
    rows_until: int = LATEST_MS


@dataclass(frozen=True)
class AddressEvidence:
    """The result for a window: all evidence about one address."""

    claims: Sequence[AddressClaim] = ()
    """Ordered by start, then line."""
    doubts: Sequence[Doubt] = ()
    """With this address or None, with `since <= window.until` and `until >= window.since`; ordered by `since`. Of the ROW doubts of a
    gateway that concern any address and begin by `window.rows_until`, a store may return only some, with the one that ends last: if that
    one does not concern a claim, no other does."""
    gateways: frozenset[str] = frozenset()
    """Every gateway that ever assigned this address."""


@dataclass(frozen=True)
class ClaimFilter:
    """The claims to list. Times compare with `start`: `since <= start < until`. Empty sets mean no filter."""

    users: frozenset[str] = frozenset()
    """Case-folded."""
    ipaddrs: frozenset[str] = frozenset()
    gateways: frozenset[str] = frozenset()
    since: int | None = None
    until: int | None = None
    limit: int = 1000


@dataclass(frozen=True)
class ListedClaims:
    """The first claims that pass a filter, by start, and the total number that pass it."""

    claims: Sequence[AddressClaim] = field(default_factory=list)
    selected: int = 0


class EvidenceSource(Protocol):
    """The interface of evidence: the logs just read, or a history."""

    def around(self, windows: Sequence[ClaimWindow]) -> Iterator[AddressEvidence]:
        """The evidence for each window, in their order. A history is asked for thousands at once: 5,000 within 2 seconds."""

    def spans(self) -> Sequence[CoverageSpan]:
        """All spans of all gateways, ordered by gateway, then `since`."""

    def networks(self) -> Sequence[GatewayNetworks]:
        """The networks of the gateways that have any."""

    def listed(self, wanted: ClaimFilter) -> ListedClaims:
        """Claims for a list of sessions."""


class SessionHistory(EvidenceSource, Protocol):
    """The interface of the history: evidence of all gateways.

    Several runs may write at once; completed transactions survive a killed run.
    """

    def keep(self, evidence: Evidence) -> Kept:
        """Keeps evidence in one transaction. A claim whose key is known is merged (`AddressClaim.merged`) and counts as updated only if
        that changes it. Spans of a gateway that overlap or touch are joined. A known doubt is not kept again."""

    def set_networks(self, networks: GatewayNetworks) -> bool:
        """Replaces the networks of a gateway; returns whether that changed anything."""

    def open_claims(self, gateway: str, since: int) -> Iterator[AddressClaim]:
        """The claims of a gateway that later rows may end: those whose `end_kind` is `END_UNKNOWN`, with `latest >= since`."""

    def known(self, claims: Sequence[AddressClaim]) -> Sequence[AddressClaim]:
        """The kept claims with the same keys."""

    def positions(self, gateway: str) -> Sequence[LogPosition]:
        """The kept positions of a gateway's logs."""

    def forget(self, before: int) -> int:
        """Deletes claims with `latest < before`, doubts with `until < before`, and the parts of spans before then; returns the number of
        claims deleted."""


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

    def add(self, fact: AddressClaim | ClaimColumns | Doubt | CoverageSpan) -> None:
        """Takes a fact into account."""
        if isinstance(fact, AddressClaim):
            self._add_claim(fact)
        elif isinstance(fact, ClaimColumns):
            for claim in fact.claims():
                self._add_claim(claim)
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
