# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The looks of people and the places of sessions in the timeline.

On any one day, no two people share a colour and pattern. Each bar has its name in it or next to it. Lengths are percent of the day.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

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
    """Returns the look of each person, given the people of each day.

    A person has the same look on all days; names are compared without case.
    """
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


_DAY_MS = 86_400_000
_CHARACTER = 0.9
"""The width of a character of a name, in percent of the narrowest lane (760 pixels)."""
_MARGIN = 1.1
_LONGEST_NAME = 28
_MOST_TRACKS = 16
"""Beyond that, names are left out; the list of people below the lanes has them."""


@dataclass(frozen=True)
class Piece:
    """A session on a day, in epoch milliseconds. `is_open` if the log does not show its end."""

    session: Mapping[str, Any]
    start: int
    end: int
    is_open: bool


@dataclass(frozen=True)
class Bar:
    """A piece with its position. The label is empty if there is no room for it."""

    piece: Piece
    x: float
    width: float
    track: int
    label: str
    label_x: float
    is_inside: bool


def percent(part: int) -> float:
    """Returns milliseconds as percent of a day."""
    return round(part / _DAY_MS * 100, 2)


def packed(pieces: Sequence[Piece], begin: int, name_of: Callable[[Mapping[str, Any]], str]) -> tuple[list[Bar], int]:
    """Returns the bars of a day that starts at `begin`, and the number of tracks. Nothing on a track overlaps, as long as there is room."""
    bars: list[Bar] = []
    reached: list[float] = []
    for piece in sorted(pieces, key=lambda one: (one.start, one.end)):
        x = percent(max(piece.start, begin) - begin)
        width = max(0.2, percent(min(piece.end, begin + _DAY_MS) - begin) - x)
        name = name_of(piece.session)
        label = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
        length = len(label) * _CHARACTER + _MARGIN
        is_inside = length <= width
        # A name that would extend beyond the day is placed before its bar.
        is_before = not is_inside and x + width + length > 100
        left = x - length if is_before else x
        right = x + width if is_inside or is_before else x + width + length
        track = next((place for place, end in enumerate(reached) if end <= left), len(reached))
        if track >= _MOST_TRACKS:
            label, left, right = "", x, x + width
            track = min(range(len(reached)), key=reached.__getitem__)
        if track == len(reached):
            reached.append(0.0)
        reached[track] = max(reached[track], right)
        label_x = x + 0.4 if is_inside else (left + 0.2 if is_before else x + width + 0.4)
        bars.append(Bar(piece, x, round(width, 2), track, label, round(label_x, 2), is_inside))
    return bars, max(1, len(reached))
