# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A million cases of the fuzz targets: bytes from a seed, from Hypothesis, and from atheris, which looks for new paths through the code."""

from __future__ import annotations

import importlib
import os
import random
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import hypothesis
import pytest

from support.environments import EnvironmentFailedError, environment

if TYPE_CHECKING:
    from support.attacks import Results

ROOT = Path(__file__).parents[2]
HYPOTHESIS_CASES = 2_000
RANDOM_CASES = {
    "addresses": 200_000,
    "answers": 15_000,
    "attribution": 10_000,
    "csv_rows": 20_000,
    "events": 200_000,
    "logs": 30_000,
    "timestamps": 150_000,
}
ATHERIS_CASES = {
    "addresses": 120_000,
    "answers": 10_000,
    "attribution": 5_000,
    "csv_rows": 10_000,
    "events": 200_000,
    "logs": 15_000,
    "timestamps": 120_000,
}
LONGEST_CASE_SECONDS = 5
MOST_MEGABYTES = 1024


class Ran(NamedTuple):
    """The inputs that a target has read, and how it ended."""

    name: str
    cases: int
    seconds: float
    remark: str


def test_bytes_from_a_seed_and_from_hypothesis(seed: int, results: Results):
    ran = [_from_seed(name, seed) for name in sorted(RANDOM_CASES)]
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    assert megabytes < MOST_MEGABYTES
    _write(results, "fuzz-seed", "Fuzzing with bytes from a seed", "Slowest case", ran, f"The process took {megabytes} MB at most.")


def test_bytes_from_atheris(seed: int, results: Results, tmp_path: Path):
    python = _python_with_atheris()
    ran = [_by_atheris(python, name, seed, tmp_path) for name in sorted(ATHERIS_CASES)]
    _write(results, "fuzz-coverage", "Fuzzing by coverage (atheris)", "Inputs kept because they took a new path", ran, "")


def test_every_target_takes_part():
    targets = set(importlib.import_module("support.fuzz.targets").TARGETS)
    assert targets == set(RANDOM_CASES) == set(ATHERIS_CASES)
    assert sum(RANDOM_CASES.values()) + sum(ATHERIS_CASES.values()) + HYPOTHESIS_CASES * len(targets) >= 1_000_000


def _from_seed(name: str, seed: int) -> Ran:
    target = importlib.import_module("support.fuzz.targets").TARGETS[name]
    began, slowest = time.monotonic(), 0.0
    choices = random.Random(f"{seed} {name}")
    for case in range(RANDOM_CASES[name]):
        data = choices.randbytes(choices.choice((10, 30, 100, 300, 1000)))
        before = time.process_time()
        try:
            target(data)
        except Exception as error:
            error.add_note(f"case {case} of {name}: {data.hex()}")
            raise
        slowest = max(slowest, time.process_time() - before)
    assert slowest < LONGEST_CASE_SECONDS, name

    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=HYPOTHESIS_CASES, database=None, deadline=None, derandomize=False)
    @hypothesis.given(hypothesis.strategies.binary(max_size=600))
    def run(data: bytes) -> None:
        target(data)

    run()
    return Ran(name, RANDOM_CASES[name] + HYPOTHESIS_CASES, time.monotonic() - began, f"{slowest * 1000:.0f} ms")


def _python_with_atheris() -> Path:
    """The interpreter of an environment with atheris, which is made if it has to be."""
    try:
        return environment("fuzz", "requirements.txt", "requirements-emulator.txt", "tests/torture/requirements-fuzz.txt") / "python"
    except EnvironmentFailedError as error:
        pytest.skip(f"atheris cannot be installed for Python {sys.version.split()[0]} here: {str(error).strip()[-300:]}")


def _by_atheris(python: Path, name: str, seed: int, folder: Path) -> Ran:
    began = time.monotonic()
    # It takes seeds of 32 bits, and 0 for none.
    command = [str(python), "-m", "support.fuzz", name, str(ATHERIS_CASES[name]), str(seed % (2**31) + 1), str(folder)]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "build" / "dev"), str(ROOT / "tests")))}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, errors="replace", check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, f"{name}: {output[-4000:]}"
    statistics = dict(re.findall(r"^stat::(\w+):\s+(\d+)", output, re.MULTILINE))
    assert int(statistics["number_of_executed_units"]) >= ATHERIS_CASES[name]
    assert int(statistics["new_units_added"]) > 0, f"{name}: no path was noticed, so nothing guided the fuzzer"
    return Ran(name, ATHERIS_CASES[name], time.monotonic() - began, statistics["new_units_added"])


def _write(results: Results, name: str, title: str, remark: str, ran: list[Ran], more: str) -> None:
    cases = sum(one.cases for one in ran)
    rows = [f"| {one.name} | {one.cases:,} | {one.seconds:.0f} | {one.remark} |" for one in ran]
    table = [f"| Target | Cases | Seconds | {remark} |", "|---|---:|---:|---:|", *rows]
    text = f"{cases:,} cases without a failure. {more}".strip()
    results.write(name, title, "\n".join([text, "", *table]), seconds=sum(one.seconds for one in ran))
