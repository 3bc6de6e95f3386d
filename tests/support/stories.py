# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories of who really had which address at which time. Logs are written from them, and answers are compared with them.

Times are epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

HOUR = 3600
NAMES = ("ann", "bob", "bobby", "cem", "dora", "eve", "Finn", "gil", "CORP\\gil", "hana", "hana@example.com", "Jo Hill", "o'neil", "zoë")
"""Some begin or end like others, as cut names do."""
_HOSTS = (2, 3, 4, 5, 20, 22, 200)
"""Some begin like others, as cut addresses do."""


@dataclass(frozen=True)
class Stay:
    """A user has an address of a gateway from `start` to `end`."""

    number: int
    gateway: str
    user: str
    ipaddr: str
    outside: str
    start: int
    end: int
    last_outside: str
    """The user's address at the end: people roam."""
    is_silent: bool = False
    """The gateway failed: no log can show that it ended."""
    is_on: bool = False
    """Still going on when the story ends."""
    signs: tuple[int, ...] = ()
    """Times at which the gateway writes that it is still on."""


@dataclass(frozen=True)
class Story:
    """All stays, the failures, and the time that the story takes."""

    begin: int
    end: int
    stays: Sequence[Stay]
    failures: Sequence[tuple[str, int]] = ()
    """When gateways failed and started again."""

    def holders(self, ipaddr: str, since: int, until: int, gateway: str | None = None) -> list[Stay]:
        """The stays on an address at any time from `since` to `until`."""
        own = [stay for stay in self.stays if stay.ipaddr == ipaddr and (gateway is None or stay.gateway == gateway)]
        return [stay for stay in own if stay.start <= until and stay.end >= since]

    def holder(self, ipaddr: str, at: int) -> Stay | None:
        """Who has it; of stays that meet at this second, the later one."""
        found = self.holders(ipaddr, at, at)
        return max(found, key=lambda stay: stay.start, default=None)


@dataclass(frozen=True)
class Habits:
    """The ways of the gateways and users of a story."""

    gateways: int = 1
    pool: str = "10.8.{place}.{host}"
    frees_at_once: bool = False
    """An address often goes to another user in the second in which it becomes free."""
    one_outside: bool = False
    """All users are behind one address."""
    stays_long: bool = False
    """Some stay for days."""


def told(random: Random, begin: int, habits: Habits) -> Story:
    """A story of users who share a few addresses, so that every address changes hands often."""
    length = random.choice((12 * HOUR, 30 * HOUR, 72 * HOUR))
    end = begin + length
    stays: list[Stay] = []
    failures: list[tuple[str, int]] = []
    users = random.sample(NAMES, random.randint(3, len(NAMES)))
    for place in range(habits.gateways):
        gateway = f"gw{place + 1}"
        failed = sorted(random.randint(begin, end) for _time in range(random.choice((0, 0, 0, 1))))
        failures += [(gateway, at) for at in failed]
        shares = place and random.random() < 0.5
        pool = [habits.pool.format(place=0 if shares else place, host=host) for host in random.sample(_HOSTS, random.randint(1, 4))]
        for ipaddr in pool:
            stays += _of_address(random, Stay(0, gateway, "", ipaddr, "", begin, end, ""), users, failed, habits)
    stays.sort(key=lambda stay: stay.start)
    numbered = [Stay(**{**vars(stay), "number": number}) for number, stay in enumerate(stays)]
    return Story(begin, end, numbered, failures)


def settled(story: Story, random: Random) -> Story:
    """The same story with addresses that belong to one user, and later to another one, as peers of WireGuard have them."""
    owners = {stay.ipaddr: (random.choice(NAMES), random.choice(NAMES), random.randint(story.begin, story.end)) for stay in story.stays}
    stays = []
    for stay in story.stays:
        first, second, change = owners[stay.ipaddr]
        stays.append(replace(stay, user=first if stay.start < change else second))
    return replace(story, stays=stays)


def _of_address(random: Random, period: Stay, users: Sequence[str], failed: Sequence[int], habits: Habits) -> list[Stay]:
    """The stays on the address of `period`, in its time."""
    begin, end = period.start, period.end
    found: list[Stay] = []
    at = begin - random.randint(0, 4 * HOUR)
    while at < end:
        over = at + random.choice((random.randint(30, 600), random.randint(600, 4 * HOUR), random.randint(HOUR, 10 * HOUR)))
        if habits.stays_long and random.random() < 0.4:
            over = at + random.randint(20 * HOUR, 60 * HOUR)
        outside = "203.0.113.9" if habits.one_outside else f"203.0.113.{random.randint(1, 250)}"
        failure = next((moment for moment in failed if at <= moment < over), None)
        if failure is not None:
            over = failure
        found.append(
            replace(
                period,
                user=random.choice(users),
                outside=outside,
                start=at,
                end=min(over, end),
                last_outside=outside if habits.one_outside or random.random() < 0.8 else f"198.51.100.{random.randint(1, 250)}",
                is_silent=failure is not None,
                is_on=over >= end,
                signs=tuple(range(at + random.randint(60, 1800), min(over, end), random.randint(300, 3 * HOUR))),
            )
        )
        gap = 0 if habits.frees_at_once and failure is None and random.random() < 0.7 else 1
        at = over + random.choice((gap, random.randint(gap, 120), random.randint(60, 3 * HOUR)))
    return found


BEGIN = "begin"
SIGN = "sign"
FINISH = "finish"
FAILURE = "failure"
NOISE = "noise"
WHOLE = "whole"
"""One row for the whole stay."""


@dataclass(frozen=True)
class Row:
    """Something that a gateway writes at `at` (epoch seconds): the real time, whatever its clock shows."""

    at: int
    kind: str
    stay: Stay | None = None


def rows_of(story: Story, gateway: str, *, noise_every: int = 900) -> list[Row]:
    """The rows of a gateway that logs events, in the order of time. Rows before the beginning of the story are not in its log."""
    rows = [Row(at, NOISE) for at in range(story.begin, story.end + 1, noise_every)]
    for stay in story.stays:
        if stay.gateway != gateway:
            continue
        rows.append(Row(stay.start, BEGIN, stay))
        rows += [Row(at, SIGN, stay) for at in stay.signs]
        if not (stay.is_silent or stay.is_on):
            rows.append(Row(stay.end, FINISH, stay))
    rows += [Row(at, FAILURE) for name, at in story.failures if name == gateway]
    in_story = [row for row in rows if story.begin <= row.at <= story.end]
    return sorted(in_story, key=lambda row: (row.at, row.kind in (BEGIN, SIGN)))


def whole_rows_of(story: Story, gateway: str) -> list[Row]:
    """The rows of an export: a row for each stay of which the export knows the beginning."""
    own = [stay for stay in story.stays if stay.gateway == gateway and stay.start >= story.begin]
    return [Row(stay.start, WHOLE, stay) for stay in own]


def could_mean(rows: Sequence[Row], user: str, ipaddr: str, at: int, *, ends_name_users: bool = True) -> bool:
    """True if these rows are all true of another story, in which this user had the address.

    Where rows are lost without a trace, nobody can do better. The last row on the address gives it to this user, and no row after it
    belongs to a stay of somebody else that had begun by then.
    """
    own = sorted((row for row in rows if row.stay and row.stay.ipaddr == ipaddr), key=lambda row: row.at)
    before = [row for row in own if row.at <= at]
    after = next((row for row in own if row.at > at), None)
    has_it = bool(before) and before[-1].kind != FINISH and _is(before[-1], user)
    if after is None or after.kind in (BEGIN, WHOLE):
        return has_it
    if after.kind == FINISH and not ends_name_users:
        return has_it
    if _is(after, user):
        # A sign of life or an end can say since when.
        return True
    return has_it and after.stay is not None and after.stay.start > at


def _is(row: Row, user: str) -> bool:
    return row.stay is not None and row.stay.user.casefold() == user.casefold()
