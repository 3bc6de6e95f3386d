# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People who come and go at a VPN gateway, the same ones for the same seed.

Two stretches of time are covered: the night in which clocks go back in Berlin, and New Year.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

BERLIN = ZoneInfo("Europe/Berlin")
UTC = ZoneInfo("UTC")
STRETCHES = ((datetime(2023, 10, 28, 18, tzinfo=UTC), 14), (datetime(2023, 12, 31, 18, tzinfo=UTC), 14))
"""Beginnings, and how many hours each lasts."""
LOG_END = int(datetime(2024, 1, 1, 9, tzinfo=UTC).timestamp())
NAMES = ("ann", "bob", "cem", "dora", "eve.o'neil", "CORP\\finn", "gül", "hana@example.com", "ivo", "jo-ann", "kim", "lars")


@dataclass(frozen=True)
class Visit:
    """One session. Times in epoch seconds; `end` is None for those that are still on. Either VPN address may be missing."""

    user: str
    outside: str
    port: int
    inside: str
    inside6: str
    start: int
    end: int | None

    @property
    def insides(self) -> list[str]:
        """The VPN addresses that there are."""
        return [address for address in (self.inside, self.inside6) if address]


@dataclass(frozen=True)
class Knock:
    """Something at the gateway that is no session."""

    kind: str
    user: str
    outside: str
    at: int


@dataclass
class World:
    """All visits and other happenings."""

    seed: int
    visits: list[Visit] = field(default_factory=list)
    knocks: list[Knock] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        for begin, hours in STRETCHES:
            first = int(begin.timestamp())
            for place, name in enumerate(NAMES):
                self._live(name, place, first + self.random.randrange(3600), first + hours * 3600)
        self.visits.sort(key=lambda visit: visit.start)
        self.knocks.sort(key=lambda knock: knock.at)

    def _live(self, user: str, place: int, at: int, until: int) -> None:
        """Logs in, stays, loses the connection, comes back with another outside address or the same, and so on."""
        outside = self._outside()
        while at < until:
            for _failure in range(self.random.choice((0, 0, 0, 1, 2))):
                self.knocks.append(Knock("failure", user, outside, at))
                at += self.random.randrange(3, 60)
            stay = self.random.randrange(60, 5 * 3600)
            end = None if at + stay > until > LOG_END - 8 * 3600 else at + stay
            kind = self.random.random()
            inside = f"10.8.{place}.{self.random.randrange(2, 30)}" if kind < 0.9 else ""
            inside6 = f"fd00:8::{place + 1:x}:{self.random.randrange(2, 99):x}" if kind > 0.8 else ""
            self.visits.append(Visit(user, outside, self.random.randrange(1025, 65000), inside, inside6, at, end))
            if self.random.random() < 0.3:
                self.knocks.append(Knock("web", user, outside, at + 1))
            at += stay + self.random.choice((1, 20, 400, 4000))
            if self.random.random() < 0.5:
                outside = self._outside()

    def _outside(self) -> str:
        if self.random.random() < 0.2:
            return f"2001:db8:{self.random.randrange(1, 0xFFFF):x}::{self.random.randrange(1, 0xFFFF):x}"
        return f"{self.random.choice(('203.0.113', '198.51.100', '192.0.2'))}.{self.random.randrange(1, 255)}"

    def happenings(self) -> Iterator[tuple[int, str, Visit | Knock]]:
        """(time, "start", visit), (time, "end", visit) and (time, kind, knock), in order."""
        all_of_them: list[tuple[int, str, Visit | Knock]] = [(visit.start, "start", visit) for visit in self.visits]
        all_of_them += [(visit.end, "end", visit) for visit in self.visits if visit.end is not None]
        all_of_them += [(knock.at, knock.kind, knock) for knock in self.knocks]
        yield from sorted(all_of_them, key=lambda happening: (happening[0], happening[1]))


def wall_clock(epoch: int) -> datetime:
    """The time on a clock in Berlin."""
    return datetime.fromtimestamp(epoch, BERLIN)


def as_read(epoch: int) -> int:
    """The time that a reader takes from that clock without a zone: in the hour that occurs twice, the first."""
    return int(wall_clock(epoch).replace(fold=0).timestamp())
