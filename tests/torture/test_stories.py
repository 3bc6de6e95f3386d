# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""20,000 stories of who had which address: written as logs, damaged, and asked through the real modules. Nobody is named wrongly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from support.story_runs import StoryTally, run_story
from support.story_trials import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from support.attacks import Results

STORIES = 20_000
WRITTEN_EVERY = 500


def test_nobody_is_named_wrongly_in_any_story(tmp_path: Path, seed: int, results: Results):
    began = time.monotonic()
    tally = StoryTally()
    for number in range(STORIES):
        tally.add(run_story(seed * STORIES + number, tmp_path, KINDS))
        if (number + 1) % WRITTEN_EVERY == 0:
            results.write("stories", "Who had this address", tally.markdown(), seconds=time.monotonic() - began)
            assert tally.wrong == []
    assert {style: share for style, share in tally.named_undamaged().items() if share < 0.95} == {}
