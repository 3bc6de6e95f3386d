# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Never a wrong name, whatever happened to the log. Some stories of each kind of damage; tests/torture has 20,000."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from support.story_runs import run_story
from support.story_trials import KINDS, UNDAMAGED

if TYPE_CHECKING:
    from pathlib import Path

STORIES = 4
LEAST_NAMED = 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_named_wrongly(tmp_path: Path, kind: str):
    trials = [run_story(seed, tmp_path, [kind]) for seed in range(STORIES)]
    assert [trial.wrong for trial in trials if trial.wrong] == []


def test_most_questions_are_answered_in_whole_logs(tmp_path: Path):
    """In whole logs, at least 95 % of the questions about sessions in them are answered."""
    answerable: dict[str, int] = defaultdict(int)
    named: dict[str, int] = defaultdict(int)
    for seed in range(40):
        trial = run_story(seed, tmp_path, UNDAMAGED)
        answerable[trial.kind] += trial.answerable
        named[trial.kind] += trial.named
    assert sum(answerable.values()) > 200
    assert sum(named.values()) >= LEAST_NAMED * sum(answerable.values())
