# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads from logs that grow, rotate and change between runs, for long: a hundred thousand runs."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from support.living_logs import tell_story

if TYPE_CHECKING:
    from pathlib import Path

    from support.attacks import Results

STORIES = 3_750
STEPS = 25
WRITTEN_EVERY = 250


def test_every_row_arrives_once(tmp_path: Path, seed: int, results: Results):
    began = time.monotonic()
    total, failures = Counter[str](), list[str]()
    # All stories on all cores; what was reached is on the page even if the run is ended early.
    with ProcessPoolExecutor() as pool:
        for number, (happened, failure) in enumerate(pool.map(partial(_told, tmp_path, seed), range(STORIES)), start=1):
            total += happened
            failures += failure
            if number % WRITTEN_EVERY == 0 or number == STORIES:
                markdown = _markdown(number, total, failures)
                results.write("living-logs", "Logs that grow, rotate and change", markdown, seconds=time.monotonic() - began)
    assert failures == []


def _told(parent: Path, seed: int, number: int) -> tuple[Counter[str], list[str]]:
    """The course of one story, and its failure, if it failed."""
    folder = parent / str(number)
    folder.mkdir()
    try:
        return tell_story(folder, random.Random(f"{seed} {number}"), STEPS), []
    except AssertionError as error:
        return Counter(), [f"story {number}: {error}"]
    finally:
        shutil.rmtree(folder)


def _markdown(stories: int, total: Counter[str], failures: list[str]) -> str:
    happened = total - Counter({name: total[name] for name in ("runs", "rows")})
    head = (
        f"{stories:,} stories, {total['runs']:,} uploads, {total['rows']:,} rows that arrived. Stories in which a row arrived twice, was "
        f"missing, had never been in a log or was counted wrongly: {len(failures)}."
    )
    table = "\n".join(f"| {thing} | {times:,} |" for thing, times in sorted(happened.items()))
    return f"{head}\n\n| What happened to the logs between uploads | Times |\n|---|---:|\n{table}\n"
