# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads from logs that grow, rotate and change between runs: every row once, and none that was never in a log."""

from __future__ import annotations

import random

import pytest

from support.living_logs import tell_story


@pytest.mark.parametrize("seed", range(30))
def test_every_row_arrives_once(tmp_path, seed):
    tell_story(tmp_path, random.Random(seed), steps=8)
