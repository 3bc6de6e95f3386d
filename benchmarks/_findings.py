# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The findings: the cost of each variant in each round, compared with the promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from _processes import Usage


@dataclass(frozen=True)
class Spread:
    """The median of some numbers, and the smallest and largest of them."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of these numbers."""
        return cls(tuple(values))

    def text(self, form: str = ".2f") -> str:
        """Such as `1.23 (1.20 to 1.31)`."""
        middle, low, high = median(self.values), min(self.values), max(self.values)
        return f"{middle:{form}} ({low:{form}} to {high:{form}})" if len(self.values) > 1 else f"{middle:{form}}"


@dataclass
class Variant:
    """One of several variants that are compared; `rows` is the number of rows in a round."""

    label: str
    runs: list[Usage] = field(default_factory=list)
    rows: int = 0

    @property
    def walls(self) -> list[float]:
        """Seconds of each round."""
        return [run.wall for run in self.runs]


@dataclass
class Promise:
    """A limit and the values measured against it: pair by pair, or once."""

    text: str
    values: list[float]
    bound: float
    at_least: bool = False
    form: str = ".2f"

    @property
    def holds(self) -> bool:
        """True if the median keeps the bound."""
        middle = median(self.values)
        return middle >= self.bound if self.at_least else middle <= self.bound


@dataclass
class Finding:
    """One part of the benchmarks."""

    title: str
    variants: list[Variant] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    markdown: str = ""
    is_whole: bool = True
    """False if the part failed."""


def alternately(rounds: int, *pairs: tuple[Variant, Callable[[], Usage]]) -> list[Variant]:
    """Runs the variants in turn, repeatedly, so that a temporary slowdown of the machine affects all of them."""
    for number in range(rounds):
        for variant, measure in pairs:
            usage = measure()
            variant.runs.append(usage)
            print(f"  {number + 1}/{rounds} {variant.label}: {usage.wall:.2f} s, {usage.peak:.0f} MiB", flush=True)
    return [variant for variant, _measure in pairs]


def of_minima(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """The ratio of the minima, to be compared with a limit."""
    return [min(one) / min(other)]


def ratios(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """The ratios, round by round."""
    return [a / b for a, b in zip(one, other, strict=True)]
