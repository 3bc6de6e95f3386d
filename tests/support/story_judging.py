# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares answers with the story."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support.stories import HOUR, could_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from support.stories import Row, Stay, Story
    from support.story_texts import Style

TOLERANCE = 30


@dataclass(frozen=True)
class Trial:
    """One story, and what was asked about it."""

    seed: int
    kind: str
    style: str
    wrong: Sequence[str]
    answerable: int = 0
    """Questions about sessions that the log has from beginning to end, not near the moment at which they began or ended."""
    named: int = 0
    """The number of those that were answered with a name."""


@dataclass(frozen=True)
class AskedLog:
    """A log of a story, what is left of its rows, and the result of the module."""

    story: Story
    style: Style
    left: Sequence[Row]
    result: Mapping[str, Any]
    is_lossy: bool = False
    """Lines were lost without a trace."""
    covered_until: int = 0
    """The last time that it shows, if that is before the end of the story."""
    gateways: frozenset[str] = field(default_factory=lambda: frozenset({"gw1"}))
    slack: int = 0
    """By so many seconds, the gateway writes ends too late."""


def judged(log: AskedLog, questions: Sequence[tuple[str, int]], seed: int, kind: str) -> Trial:
    """The answers to the questions, compared with the story."""
    wrong: list[str] = []
    answerable = named = 0
    matches = log.result.get("matches") or [{"session": None}] * len(questions)
    for (ipaddr, at), answer in zip(questions, matches, strict=True):
        user = answer["session"]["username"] if answer["session"] else None
        if _is_answerable(log, ipaddr, at):
            answerable += 1
            named += user is not None
        if user is not None and not _is_right(log, user, ipaddr, at):
            truth = log.story.holder(ipaddr, at)
            wrong.append(f"{ipaddr} at {at}: {user} was named, it was {truth.user if truth else 'nobody'}; {answer['session']}")
    return Trial(seed, kind, log.style.name, wrong, answerable, named)


def _is_answerable(log: AskedLog, ipaddr: str, at: int) -> bool:
    stay = log.story.holder(ipaddr, at)
    if stay is None or stay.is_silent or (stay.is_on and log.style.is_export):
        return False
    inside = log.story.begin <= stay.start and min(at - stay.start, stay.end - at) > TOLERANCE + 1
    rivals = [other for other in log.story.holders(ipaddr, at, at) if other.gateway != stay.gateway]
    return inside and at < min(log.story.end - HOUR, log.covered_until or log.story.end) and not rivals


def _is_right(log: AskedLog, user: str, ipaddr: str, at: int) -> bool:
    """The user had the address, or had it just now and nobody else had got it; or the log does not show otherwise."""
    name = user.casefold()
    near = log.story.holders(ipaddr, at - TOLERANCE - log.slack, at + 1)
    is_alone = len(log.gateways) == 1
    # What began before the log of another gateway did, that log cannot show.
    truth = [stay for stay in log.story.holders(ipaddr, at, at) if stay.start >= log.story.begin or _named(stay, name) or is_alone]
    if any(_named(stay, name) for stay in near) and all(_named(stay, name) for stay in truth):
        return True
    if not truth and _unended(log, ipaddr, at, name):
        return True
    names_users = log.style.ends_name_users
    return log.is_lossy and any(
        could_mean(log.left, user, ipaddr, moment, ends_name_users=names_users) for moment in (at, at - TOLERANCE - 1)
    )


def _named(stay: Stay, name: str) -> bool:
    return stay.user.casefold() == name


def _unended(log: AskedLog, ipaddr: str, at: int, name: str) -> bool:
    """No log of this kind can show that this stay ended: the gateway failed, or it writes no ends."""
    for gateway in log.gateways:
        before = [stay for stay in log.story.stays if stay.ipaddr == ipaddr and stay.start <= at and stay.gateway == gateway]
        last = max(before, key=lambda stay: stay.start, default=None)
        if last and _named(last, name) and (not log.style.has_ends or (last.is_silent and not log.style.tells_failures)):
            return True
    return False
