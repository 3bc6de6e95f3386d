# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of many stories: questions that could be answered, how many were, and every wrong name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from support.story_trials import KINDS, UNDAMAGED

if TYPE_CHECKING:
    from support.story_trials import Trial


@dataclass
class StoryTally:
    """Counts by kind of damage."""

    stories: dict[str, int] = field(default_factory=dict)
    answerable: dict[str, int] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def add(self, trial: Trial) -> None:
        """Adds a story."""
        for counts, number in ((self.stories, 1), (self.answerable, trial.answerable), (self.named, trial.named)):
            counts[trial.kind] = counts.get(trial.kind, 0) + number
        self.wrong += [f"story {trial.seed}, {trial.kind}, {trial.style}: {words}" for words in trial.wrong]

    def share_named_undamaged(self) -> float:
        """The share of answered questions in whole logs."""
        return sum(self.named.get(kind, 0) for kind in UNDAMAGED) / max(1, sum(self.answerable.get(kind, 0) for kind in UNDAMAGED))

    def _percent(self, kind: str) -> float:
        return 100 * self.named[kind] / max(1, self.answerable[kind])

    def markdown(self) -> str:
        """A table for the page of results."""
        rows = [
            f"| {kind} | {self.stories[kind]:,} | {self.answerable[kind]:,} | {self._percent(kind):.0f} % |"
            for kind in KINDS
            if kind in self.stories
        ]
        text = (
            f"{sum(self.stories.values()):,} stories, {sum(self.answerable.values()):,} questions about sessions that the log has from "
            f"beginning to end before it was damaged, and as many others; {len(self.wrong)} wrong names. "
            f"In whole logs, {100 * self.share_named_undamaged():.1f} % of these questions were answered with a name."
        )
        return "\n".join([text, "", "| Damage | Stories | Questions | Named |", "|---|---:|---:|---:|", *rows])
