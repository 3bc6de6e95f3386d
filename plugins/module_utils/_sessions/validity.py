# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Decides which times are valid: how long a claim is, which spans the logs cover, and which gateways may have assigned an address.

A claim is valid until its end, until somebody else gets the address, or until too much time has passed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from .._times.timestamps import LATEST_MS, format_iso8601
from .model import END_LOGGED, END_PROVEN, END_TAKEN, FLAWS, CoverageSpan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from ipaddress import IPv4Network, IPv6Network
    from typing import Union

    from .model import AddressClaim, GatewayNetworks

    Network = Union[IPv4Network, IPv6Network]

BEFORE_LOG_START = "before_log_start"
AFTER_LOG_END = "after_log_end"
NOT_COVERED = "not_covered"
_ROTATED = re.compile(r"(?P<stem>.+?)(?:\.(?P<number>\d{1,5}))?(?:\.(?:gz|xz|bz2|zst))?\Z", re.DOTALL)


class NotCovered(NamedTuple):
    """The reason why a time is not covered, as a code and in words."""

    reason: str
    words: str


class Coverage:
    """The spans of all gateways. If `only` is not empty, no other gateway can have assigned an address."""

    def __init__(self, spans: Iterable[CoverageSpan], networks: Iterable[GatewayNetworks], only: frozenset[str]) -> None:
        self._spans: dict[str, list[CoverageSpan]] = {}
        for span in spans:
            self._spans.setdefault(span.gateway, []).append(span)
        self._networks: dict[str, list[Network]] = {own.gateway: list(map(ip_network, own.networks)) for own in networks}
        self._only = only

    def concerned(self, ipaddr: str, assigned_by: frozenset[str]) -> frozenset[str]:
        """The gateways that must cover a time: those that ever assigned the address, or whose networks contain it."""
        if self._only:
            return self._only
        address = ip_address(ipaddr)
        own = {gateway for gateway, networks in self._networks.items() if any(address in network for network in networks)}
        return assigned_by | own

    def spans(self, gateway: str) -> Sequence[CoverageSpan]:
        """The spans of a gateway, by time."""
        return self._spans.get(gateway, ())

    def missing(self, gateway: str, at: int) -> NotCovered | None:
        """Returns the reason why a gateway does not cover a time; None if it does."""
        spans = self.spans(gateway)
        name = f"the log of gateway {gateway}" if gateway else "the log"
        if not spans:
            return NotCovered(NOT_COVERED, f"{name} has no time that can be believed")
        since, until = min(span.since for span in spans), max(span.until for span in spans)
        if at < since:
            return NotCovered(BEFORE_LOG_START, f"{name} begins at {format_iso8601(since)}")
        if at > until:
            return NotCovered(AFTER_LOG_END, f"{name} ends at {format_iso8601(until)}")
        if any(_covers(span, at) for span in spans):
            return None
        before = max((_last(span, at) for span in spans if span.since <= at), default=since)
        after = min((span.since for span in spans if span.since > at), default=until)
        return NotCovered(NOT_COVERED, f"{name} has nothing between {format_iso8601(before)} and {format_iso8601(after)}")


def _covers(span: CoverageSpan, at: int) -> bool:
    return at in (span.since, span.until) if span.of_snapshots else span.since <= at <= span.until


def _last(span: CoverageSpan, at: int) -> int:
    return span.until if span.until <= at else span.since


def joined_spans(paths: Sequence[str], spans: Sequence[CoverageSpan | None], complete_until: int | None) -> list[CoverageSpan]:
    """The time that several logs cover together. Logs with numbers in sequence have no gap between them (`x.log.1`, `x.log`)."""
    found: list[CoverageSpan] = []
    before = ""
    for path, span in zip(paths, spans):
        if span and found and found[-1].of_snapshots == span.of_snapshots and (_follows(before, path) or span.since <= found[-1].until):
            last = found.pop()
            found.append(CoverageSpan(last.gateway, min(last.since, span.since), max(last.until, span.until), last.of_snapshots))
        elif span:
            found.append(span)
        before = path if span else ""
    if found and complete_until is not None and not found[-1].of_snapshots:
        last = found.pop()
        if complete_until >= last.since:
            found.append(CoverageSpan(last.gateway, last.since, complete_until))
    return found


def _follows(before: str, after: str) -> bool:
    """True if rotation renames the file `after` to `before`."""
    older, newer = _ROTATED.match(before), _ROTATED.match(after)
    return bool(older and newer and older["stem"] == newer["stem"] and int(older["number"] or 0) == int(newer["number"] or 0) + 1)


@dataclass(frozen=True)
class Holding:
    """A claim with the times that follow from neighbouring claims."""

    claim: AddressClaim
    since: int
    """The time from which the claim may hold the address."""
    until: int
    """The last time at which it may hold the address: its end, or the start of the next claim."""
    believed_until: int
    """The last time at which it is believed; earlier than `until` for a session without an end that is too old."""
    limit: str = ""
    """The reason why it is not believed any longer."""
    disputed_since: int | None = None
    """True if another user got the address while this claim still held it."""

    def reaches(self, at: int, tolerance: int) -> bool:
        """True if the claim may be relevant at this time."""
        return self.since - tolerance <= at <= self.until + tolerance

    def holds_near(self, at: int, tolerance: int) -> bool:
        """True if it may hold the address within the tolerance around this time."""
        return self.since - tolerance <= at <= self.believed_until + tolerance

    def holds(self, at: int, tolerance: int, slack: int) -> bool:
        """True if it holds the address at this time.

        A known end is extended by the tolerance; the result must be the same for a clock that is wrong by up to `slack`.
        """
        if slack:
            return self.since + slack <= at <= self.believed_until - slack
        return self.since <= at <= self.believed_until + (tolerance if self.claim.has_known_end else 0)

    def proves_itself(self, at: int) -> bool:
        """True if the claim holds without a log that covers this time: a client in a snapshot was connected from its own start on."""
        return self.claim.is_snapshot and self.claim.start <= at <= self.claim.sure_until

    def against(self, at: int) -> list[str]:
        """Returns the doubts about naming this user at this time."""
        claim = self.claim
        found = []
        if claim.flaw:
            found.append(f"line {claim.line}: {FLAWS.get(claim.flaw, claim.flaw)}")
        if claim.starts_unknown:
            found.append(f"line {claim.line}: the session of {claim.username} ends here, and the log does not have its beginning")
        if at > self.believed_until and self.limit:
            found.append(self.limit)
        if self.disputed_since is not None and at >= self.disputed_since:
            found.append(f"another user got the address at {format_iso8601(self.disputed_since)}, before this session ended")
        return found


def holdings(claims: Sequence[AddressClaim], spans: Sequence[CoverageSpan], longest_session: int) -> list[Holding]:
    """Returns the holdings of one address at one gateway. `claims` are ordered by start."""
    return [_unknown_start(claim, claims) if claim.starts_unknown else _holding(claim, claims, spans, longest_session) for claim in claims]


def _holding(claim: AddressClaim, claims: Sequence[AddressClaim], spans: Sequence[CoverageSpan], longest_session: int) -> Holding:
    if claim.is_snapshot:
        return Holding(claim, claim.start, claim.sure_until, claim.sure_until)
    later = [other for other in claims if _takes_over(other, claim)]
    if claim.has_known_end and claim.end is not None:
        disputed = [other.start for other in later if other.start < claim.end and other.user != claim.user]
        believed, limit = claim.end, ""
        if claim.end_kind == END_LOGGED:
            # The end may belong to another session, whose beginning is in a gap of the log.
            hole, words = _hole_after(claim, spans)
            believed, limit = (hole, words) if hole is not None and hole < claim.end else (claim.end, "")
        return Holding(claim, claim.start, claim.end, believed, limit, min(disputed, default=None))
    until = min((other.start for other in later), default=LATEST_MS)
    if claim.end_kind == END_TAKEN and claim.end is not None:
        until = min(until, claim.end)
    until = max(until, claim.sure_until)
    believed, limit = _believed_until(claim, spans, longest_session)
    disputed = [other.start for other in later if other.start < claim.sure_until and other.user != claim.user]
    return Holding(claim, claim.start, until, min(until, believed), limit, min(disputed, default=None))


def _takes_over(other: AddressClaim, claim: AddressClaim) -> bool:
    """True if another claim shows that the address changed hands after this one. Only the end of some claims is known."""
    if other.starts_unknown:
        return other.start > claim.sure_until
    return other.start > claim.start


def _believed_until(claim: AddressClaim, spans: Sequence[CoverageSpan], longest_session: int) -> tuple[int, str]:
    """Returns the time until which a claim without an end is believed, and the reason for this limit."""
    believed = claim.alive + longest_session
    hole, words = _hole_after(claim, spans)
    if hole is not None and hole < believed:
        return hole, words
    seen = format_iso8601(claim.alive)
    return (
        believed,
        f"line {claim.line}: the end of this session is not in the log; last seen at {seen}, longer ago than `longest_session`",
    )


def _hole_after(claim: AddressClaim, spans: Sequence[CoverageSpan]) -> tuple[int | None, str]:
    """Returns the end of the last log that shows a claim, and the same in words; None if it is unknown."""
    for span in spans:
        if span.since <= claim.alive <= span.until and not span.of_snapshots:
            seen, hole = format_iso8601(claim.alive), format_iso8601(span.until)
            return span.until, f"line {claim.line}: this session was last seen at {seen}, and after {hole} there is a gap in the log"
    return None, ""


def _unknown_start(claim: AddressClaim, claims: Sequence[AddressClaim]) -> Holding:
    """Handles a claim with only an end: the user may have got the address at any time after it last certainly belonged to another user."""
    # Not those that begin at the same time: the next user may have got the address in the second of this end.
    before = [_surely_until(other) for other in claims if not other.starts_unknown and other.start < claim.start]
    known = [time for time in before if time <= claim.start]
    since = max(known, default=0)
    return Holding(claim, since, claim.start, claim.start)


def _surely_until(claim: AddressClaim) -> int:
    return claim.end if claim.end_kind == END_PROVEN and claim.end is not None else claim.sure_until
