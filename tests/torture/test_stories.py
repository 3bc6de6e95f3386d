# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""20,000 stories of who had which address: written as logs, damaged, and asked through the real modules; some through the real role.
Nobody is named wrongly."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from support.story_roles import run_in_roles
from support.story_runs import StoryTally, run_story
from support.story_trials import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from ansible_collections.secops.xdr.tests.integration.conftest import Appliance, Playground

    from support.attacks import Results

STORIES = 20_000
WRITTEN_EVERY = 500
AT_ONCE = 10
LEAST_NAMED = 0.95
PLAYS = 40
STORIES_A_PLAY = 8
PATIENCE_SECONDS = 1800


def test_nobody_is_named_wrongly_in_any_story(tmp_path: Path, seed: int, results: Results):
    began = time.monotonic()
    tally = StoryTally()
    run = partial(run_story, folder=tmp_path, kinds=KINDS)
    # All cores take part. The page has what was reached, also if the run is ended early.
    with ProcessPoolExecutor() as pool:
        for number, trial in enumerate(pool.map(run, range(seed * STORIES, (seed + 1) * STORIES), chunksize=AT_ONCE), start=1):
            tally.add(trial)
            if number % WRITTEN_EVERY == 0:
                results.write("stories", "Who had this address", tally.markdown(), seconds=time.monotonic() - began)
    assert not tally.wrong, "\n".join(tally.wrong)
    assert {style: share for style, share in tally.named_undamaged().items() if share < LEAST_NAMED} == {}


def test_the_role_names_nobody_wrongly_in_any_story(playground: Playground, appliance: Appliance, seed: int, results: Results):
    began = time.monotonic()
    playground.environment.update(appliance.environment)
    playground.patience_seconds = PATIENCE_SECONDS

    def play(tasks: Sequence[Mapping[str, Any]]) -> None:
        done = playground.run(*map(dict, tasks))
        assert done.status == 0, done.output

    tally, random = StoryTally(), Random(seed)
    for number in range(PLAYS):
        kinds = {seed * STORIES + number * STORIES_A_PLAY + story: random.choice(KINDS) for story in range(STORIES_A_PLAY)}
        for trial in run_in_roles(kinds, playground.folder, appliance.control, play):
            tally.add(trial)
        appliance.control.reset()
        results.write("role-stories", "Who had this address, asked by the role", tally.markdown(), seconds=time.monotonic() - began)
        assert not tally.wrong, "\n".join(tally.wrong)
        assert tally.share_undamaged() >= LEAST_NAMED
