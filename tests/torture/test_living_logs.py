# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads from logs that grow, rotate and change between runs, for long: a hundred thousand runs."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from typing import TYPE_CHECKING

from support.living_logs import tell_story

if TYPE_CHECKING:
    from pathlib import Path

    from support.attacks import Results

STORIES = 3_750
STEPS = 25


def test_every_row_arrives_once(tmp_path: Path, seed: int, results: Results):
    began = time.monotonic()
    total, failures = Counter[str](), list[str]()
    for number in range(STORIES):
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            total += tell_story(folder, random.Random(f"{seed} {number}"), STEPS)
        except AssertionError as error:
            failures.append(f"story {number}: {error}")
        shutil.rmtree(folder)
    results.write("living-logs", "Logs that grow, rotate and change", _markdown(total, failures), seconds=time.monotonic() - began)
    assert failures == []


def _markdown(total: Counter[str], failures: list[str]) -> str:
    runs, rows = total.pop("runs"), total.pop("rows")
    head = (
        f"{STORIES:,} stories, {runs:,} uploads, {rows:,} rows that arrived. Stories in which a row arrived twice, was missing, had never "
        f"been in a log or was counted wrongly: {len(failures)}."
    )
    table = "\n".join(f"| {thing} | {times:,} |" for thing, times in sorted(total.items()))
    return f"{head}\n\n| What happened to the logs between uploads | Times |\n|---|---:|\n{table}\n"
