# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The evidence: claims to addresses, the time that the logs cover, and doubts. These are read from logs, kept in a history and queried.

All times are epoch milliseconds. Addresses are canonical text. A gateway is a name; without a history there is only one, with the name "".
Claims, spans and doubts are facts: they may arrive in any order and more than once. Conclusions are drawn when a question is answered, so a
log that is read later can only improve answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._times.zones import Zone
    from .._vpn_log.records import Record

END_UNKNOWN = "unknown"
"""No row ends the claim. It is believed until somebody else gets the address, or until it is too old."""
END_TAKEN = "taken"
"""A later row of the same log gives the address to another user, or to the same user again."""
END_LOGGED = "logged"
"""A row ends it, but does not prove that it is the end of the session that began with this claim."""
END_PROVEN = "proven"
"""A row ends it and also contains the start or the key of the session."""
END_KINDS = (END_UNKNOWN, END_TAKEN, END_LOGGED, END_PROVEN)
"""From the least to the most certain; when two equal claims are merged, the more certain end is kept."""

NO_USER = "no_user"
DAMAGED_USER = "damaged_user"
NO_OUTSIDE_ADDRESS = "no_outside_address"
UNUSABLE = "unusable"
FLAWS = {
    NO_USER: "the row names no user",
    DAMAGED_USER: "the name of the user cannot be read",
    NO_OUTSIDE_ADDRESS: "the row has no outside address that can be read",
    UNUSABLE: "the row takes the address, but not for a session that was let in",
}
"""The reasons why nobody may be named from a row that takes an address."""
LISTED_FLAWS = ("", NO_USER, DAMAGED_USER)
"""The claims that are listed as sessions: accepted logins with both addresses."""

ROW = "row"
"""A row that may have taken or ended an address at some time from `since` to `until`: claims that are open then become doubtful."""
SPAN = "span"
"""Times from `since` to `until` cannot be trusted: every question in this span is doubtful."""
CLOCK = "clock"
"""From `since` to `until`, times may be wrong by up to `amount` milliseconds, which questions use as their tolerance."""


@dataclass(frozen=True)
class AddressClaim:
    """A user had a VPN address. Two claims with the same `key` are the same claim; `merged` combines them."""

    gateway: str
    ipaddr: str
    username: str
    """The name in the log; empty if the row has none."""
    associated_ipaddr: str
    """The outside address; empty if the row has no readable one."""
    start: int
    end: int | None = None
    end_kind: str = END_UNKNOWN
    alive: int = 0
    """The last sign of life, never before `start`."""
    sure_until: int = 0
    """The time up to which the log proves that the user had the address without interruption (at least `start`)."""
    line: int = 0
    session: str = ""
    """The gateway's own key of the session."""
    device: str = ""
    """The name of the gateway in its rows: one log may contain rows of several gateways that assign the same addresses."""
    flaw: str = ""
    """One of `FLAWS`: the reason why nobody may be named from this claim. Empty if it can be used."""
    starts_unknown: bool = False
    """True if the log shows only the end. `start` then equals `end`, and the real start is unknown."""
    is_snapshot: bool = False
    """True if it was only seen in snapshots, which are evidence from `start` to `sure_until` and not beyond."""

    def __post_init__(self) -> None:
        """Signs of life are never before the start."""
        object.__setattr__(self, "alive", max(self.start, self.alive))
        object.__setattr__(self, "sure_until", max(self.start, self.sure_until))

    @property
    def user(self) -> str:
        """The name for comparisons: without regard to case."""
        return self.username.casefold()

    @property
    def key(self) -> tuple[str, str, str, int, bool]:
        """The key, which equal claims share."""
        return self.gateway, self.ipaddr, self.user, self.start, self.starts_unknown

    @property
    def has_known_end(self) -> bool:
        """True if a row of the log ends this claim itself."""
        return self.end_kind in (END_LOGGED, END_PROVEN)

    @property
    def latest(self) -> int:
        """The latest time for which this claim is evidence; a store keeps it as a column for searches."""
        return max(self.alive, self.sure_until, self.end or 0)

    def merged(self, other: AddressClaim) -> AddressClaim:
        """Returns this claim with the additions of another claim with the same key. Merging a claim with itself changes nothing."""
        better = max(self, other, key=_certainty_of_end)
        usable = self if not self.flaw or other.flaw else other
        return AddressClaim(
            gateway=self.gateway,
            ipaddr=self.ipaddr,
            username=self.username,
            associated_ipaddr=usable.associated_ipaddr or other.associated_ipaddr,
            start=self.start,
            end=better.end,
            end_kind=better.end_kind,
            alive=max(self.alive, other.alive),
            sure_until=max(self.sure_until, other.sure_until),
            line=self.line,
            session=self.session or other.session,
            device=self.device or other.device,
            flaw=usable.flaw,
            starts_unknown=self.starts_unknown,
            is_snapshot=self.is_snapshot and other.is_snapshot,
        )


@dataclass(frozen=True)
class ClaimColumns:
    """Claims of a table, as columns, because a million claims are kept ten times faster so. Each has both addresses and an `end_kind` of
    `END_PROVEN`, `END_TAKEN`, or `END_UNKNOWN` without an end; it was alive at its start."""

    gateway: str
    lines: Sequence[int]
    usernames: Sequence[str]
    ipaddrs: Sequence[str]
    associated_ipaddrs: Sequence[str]
    starts: Sequence[int]
    ends: Sequence[int | None]
    end_kinds: Sequence[str]
    flaws: Sequence[str]

    def claims(self) -> Iterator[AddressClaim]:
        """The same one by one."""
        columns = (self.usernames, self.associated_ipaddrs, self.starts, self.ends, self.end_kinds, self.lines, self.flaws)
        for ipaddr, username, outside, start, end, kind, line, flaw in zip(self.ipaddrs, *columns):
            yield AddressClaim(self.gateway, ipaddr, username, outside, start, end, kind, line=line, flaw=flaw)


@dataclass(frozen=True)
class CoverageSpan:
    """The log of this gateway is complete from `since` to `until`.

    With `of_snapshots`, there were snapshots from `since` to `until`, the time of the last one. They cover no time in between: claims from
    snapshots are evidence by themselves.
    """

    gateway: str
    since: int
    until: int
    of_snapshots: bool = False


@dataclass(frozen=True)
class Doubt:
    """A reason in a log for doubting answers; see the kinds `ROW`, `SPAN` and `CLOCK`."""

    gateway: str
    kind: str
    since: int
    until: int
    ipaddr: str | None
    """The address that it concerns; None for any."""
    line: int
    words: str
    """The reason, for an analyst, without the line."""
    amount: int = 0


@dataclass(frozen=True)
class GatewayNetworks:
    """The pools of addresses that a gateway assigns, as canonical text such as 10.8.0.0/16."""

    gateway: str
    networks: tuple[str, ...]


@dataclass(frozen=True)
class LogPosition:
    """The position in a log of a gateway, to continue from there."""

    gateway: str
    path: str
    state: str
    """JSON text; only the code that reads logs interprets it."""


@dataclass(frozen=True)
class Evidence:
    """The findings of one step of reading, to be stored in one transaction."""

    claims: Sequence[AddressClaim] = ()
    spans: Sequence[CoverageSpan] = ()
    doubts: Sequence[Doubt] = ()
    positions: Sequence[LogPosition] = ()
    columns: Sequence[ClaimColumns] = ()

    @property
    def gateways(self) -> set[str]:
        """The gateways that this is about."""
        return {fact.gateway for facts in (self.claims, self.spans, self.doubts, self.positions, self.columns) for fact in facts}


@dataclass(frozen=True)
class Kept:
    """The changes of one transaction: the numbers of claims, and whether anything changed (including spans, doubts and positions)."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    changed: bool = False


class Timed(NamedTuple):
    """A record with the time that is used for it: its own time, or that of the previous row if its own is not believed."""

    record: Record
    at: int
    is_believed: bool
    latest: int
    """The latest time of any row so far; later than `at` while a clock that was set back catches up."""
    end: int | None = None
    """The end of the session, if the row has it and it is plausible."""
    is_alone: bool = False
    """True if the time of this row goes back, and that of the next does not: the clock may have been set back, or the line is misplaced."""


@dataclass(frozen=True)
class LogFacts:
    """The facts about a log that are known before it is read."""

    gateway: str
    label: str
    """The name of the file for messages; empty if there is only one."""
    modified_ms: int
    tolerance_ms: int
    zone: Zone | None = None
    """The zone of times without a zone. Use it after the log was read: then it is known whether there were any."""
    is_followed: bool = False
    """True if another log follows with later rows."""

    def doubt(self, kind: str, since: int, until: int, line: int, words: str) -> Doubt:
        """A doubt that concerns any address."""
        return Doubt(self.gateway, kind, since, until, None, line, self.named(line, words))

    def named(self, line: int, words: str) -> str:
        """Returns the text with file and line before it."""
        place = f"{self.label}, line {line}" if self.label else f"line {line}"
        return f"{place}: {words}" if line else f"{self.label}: {words}" if self.label else words


def _certainty_of_end(claim: AddressClaim) -> tuple[int, int]:
    return END_KINDS.index(claim.end_kind), claim.end or 0
