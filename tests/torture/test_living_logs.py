# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads from logs that grow, rotate and change between runs, for long: a hundred thousand runs."""

from __future__ import annotations

import random

import pytest

from support.living_logs import tell_story

STORIES_A_TEST = 100
STEPS = 25


@pytest.mark.parametrize("hundred", range(40))
def test_every_row_arrives_once(tmp_path, hundred):
    for story in range(STORIES_A_TEST):
        folder = tmp_path / str(story)
        folder.mkdir()
        seed = hundred * STORIES_A_TEST + story
        try:
            tell_story(folder, random.Random(seed), STEPS)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
