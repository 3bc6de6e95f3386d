# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories asked through the real modules."""

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
    """The story of this seed, in a folder of its own, with one of these kinds of damage."""
    own = folder / "story"
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    return TrialRun(seed, own, Modules(_ask, _take, _take_killed), kinds).result()


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
