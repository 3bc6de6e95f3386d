# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs stories through the real modules."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from ansible_collections.secops.xdr.plugins.module_utils._sessions import ingest
from ansible_collections.secops.xdr.plugins.module_utils._sessions.history import StoredHistory
from ansible_collections.secops.xdr.plugins.modules import vpn_session, vpn_session_info

from support.module_runs import run_main
from support.story_trials import KINDS, UNDAMAGED, Modules, TrialRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ansible_collections.secops.xdr.plugins.module_utils._sessions.model import Evidence, Kept

    from support.story_judging import Trial


class _Killed(BaseException):
    """Ends a run at once, as `kill -9` does."""


def run_story(seed: int, folder: Path, kinds: Sequence[str]) -> Trial:
    """The story of this seed, in a separate folder, with one of these kinds of damage."""
    own = folder / f"story-{seed}"
    own.mkdir()
    try:
        return TrialRun(seed, own, MODULES, kinds).result()
    finally:
        shutil.rmtree(own)


def _ask(params: Mapping[str, Any]) -> Mapping[str, Any]:
    result = run_main(vpn_session_info.main, params)
    return {} if result.failed else result.values


def _take(params: Mapping[str, Any]) -> object:
    return run_main(vpn_session.main, params).values


def _take_killed(params: Mapping[str, Any], transactions: int) -> None:
    """Kills the run after so many transactions. Claims are kept in small portions, so that there are several."""
    left = [transactions]
    keep = StoredHistory.keep

    def keep_until_killed(history: StoredHistory, evidence: Evidence) -> Kept:
        if not left[0]:
            raise _Killed
        left[0] -= 1
        return keep(history, evidence)

    with (
        mock.patch.object(StoredHistory, "keep", keep_until_killed),
        mock.patch.object(ingest, "_CLAIMS_AT_ONCE", 3),
        contextlib.suppress(_Killed),
    ):
        run_main(vpn_session.main, params)


MODULES = Modules(_ask, _take, _take_killed)
"""The modules in this process."""


@dataclass
class StoryTally:
    """Counts by kind of damage."""

    stories: dict[str, int] = field(default_factory=dict)
    answerable: dict[str, int] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    undamaged: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of whole logs, by the kind of log: the questions about sessions in it, and how many of them were answered with a name."""

    def add(self, trial: Trial) -> None:
        """Adds a story."""
        for counts, number in ((self.stories, 1), (self.answerable, trial.answerable), (self.named, trial.named)):
            counts[trial.kind] = counts.get(trial.kind, 0) + number
        if trial.kind in UNDAMAGED:
            answerable, named = self.undamaged.get(trial.style, (0, 0))
            self.undamaged[trial.style] = answerable + trial.answerable, named + trial.named
        self.wrong += [f"story {trial.seed}, {trial.kind}, {trial.style}: {words}" for words in trial.wrong]

    def named_undamaged(self) -> dict[str, float]:
        """The share of answered questions in whole logs, by the kind of log."""
        return {style: named / answerable for style, (answerable, named) in self.undamaged.items() if answerable}

    def share_undamaged(self) -> float:
        """The share of answered questions in all whole logs; 1 without any."""
        if not self.undamaged:
            return 1.0
        return sum(named for _all, named in self.undamaged.values()) / max(1, sum(whole for whole, _named in self.undamaged.values()))

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
            f"In whole logs, {100 * self.share_undamaged():.1f} % of these questions were answered with a name"
        )
        least = min(self.named_undamaged().items(), key=lambda one: one[1], default=None)
        text += f" (least of all in those of {least[0]}: {100 * least[1]:.1f} %)." if least else "."
        return "\n".join([text, "", "| Damage | Stories | Questions | Named |", "|---|---:|---:|---:|", *rows])
