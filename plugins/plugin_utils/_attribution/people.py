# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Gives each person a look: a colour and a pattern. Two people of one day never have the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

COLOURS = 10
PATTERNS = 6
"""The style sheet has classes `u0` to `u9`, and the page has patterns `p0` (none) to `p5`."""


@dataclass(frozen=True)
class Look:
    """The look of a person. `number` distinguishes people when colours and patterns are used up; it is 0 otherwise."""

    colour: int
    pattern: int
    number: int = 0


def looks(days: Iterable[Collection[str]]) -> dict[str, Look]:
    """The look of each person, given the people of each day. A person keeps one look on all days; names are compared without case."""
    neighbours: dict[str, set[str]] = {}
    frequency: Counter[str] = Counter()
    for day in days:
        people = {name.casefold() for name in day}
        frequency.update(people)
        for person in people:
            neighbours.setdefault(person, set()).update(people)
    taken: dict[str, int] = {}
    for person in sorted(neighbours, key=lambda one: (-len(neighbours[one]), -frequency[one], one)):
        used = {taken[other] for other in neighbours[person] if other in taken}
        taken[person] = next(place for place in range(len(used) + 1) if place not in used)
    return {person: _look(place) for person, place in taken.items()}


def _look(place: int) -> Look:
    return Look(place % COLOURS, place // COLOURS % PATTERNS, place // (COLOURS * PATTERNS))
