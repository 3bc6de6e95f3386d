# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cells the matrix of versions has, for the Pythons that a machine has."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def matrix(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "support" / "checks"))
    yield importlib.import_module("matrix")
    for module in ("matrix", "copy_tree", "interpreters"):
        sys.modules.pop(module, None)


def shown(matrix: Any, line: str, *found: str) -> list[tuple[str, str, str]]:
    """Stage, Python of the control node, and Python of the managed host; those that are missing have neither."""
    (core,) = [one for one in matrix.CORES if one.line == line]
    return [(cell.stage, cell.python, cell.host_python) for cell in matrix.cells(core, {version: Path(version) for version in found})]


def test_the_oldest_and_the_newest_python_of_each_side(matrix: Any):
    assert shown(matrix, "2.16", "3.9", "3.10", "3.11", "3.12", "3.13") == [
        ("sanity", "3.12", "-"),
        ("unit", "3.10", "-"),
        ("unit", "3.12", "-"),
        ("modules", "3.12", "3.9"),
        ("integration", "3.12", "3.9"),
    ]


def test_one_python_is_tested_once(matrix: Any):
    assert shown(matrix, "2.21", "3.9", "3.12") == [
        ("sanity", "3.12", "-"),
        ("unit", "3.12", "-"),
        ("modules", "3.12", "3.9"),
        ("integration", "3.12", "3.9"),
    ]


def test_a_host_that_is_no_older_than_the_control_node_has_no_tests_of_its_own(matrix: Any):
    assert ("modules", "-", "-") in shown(matrix, "2.16", "3.10", "3.12")
    assert ("integration", "3.12", "3.10") in shown(matrix, "2.16", "3.10", "3.12")


def test_a_version_without_a_python_is_skipped_with_a_word(matrix: Any, capsys: pytest.CaptureFixture[str]):
    core = matrix.CORES[0]
    outcomes = [matrix.run(cell, {"3.9": Path("3.9")}, []) for cell in matrix.cells(core, {"3.9": Path("3.9")})]
    assert [one.cell.stage for one in outcomes] == list(matrix.STAGES)
    assert {one.word for one in outcomes} == {"skipped: none of Python 3.10, 3.11, 3.12 is installed"}
    assert matrix.table(outcomes).endswith("0 passed, 0 failed, 4 skipped")
    assert "none of Python 3.10, 3.11, 3.12 is installed" in capsys.readouterr().out


def test_what_is_left_out_is_there_and_named(matrix: Any):
    for path, why in matrix.LEFT_OUT.items():
        assert (ROOT / path).is_file()
        assert path in matrix.table([])
        assert why in matrix.table([])


def test_it_begins_where_the_collection_does(matrix: Any):
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert runtime["requires_ansible"] == f">={matrix.CORES[0].first}"


def test_its_tools_are_those_of_make_test(matrix: Any):
    lines = (ROOT / "requirements-test.txt").read_text(encoding="utf-8").splitlines()
    found = matrix.required("requirements-test.txt", matrix.TOOLS | matrix.PLAY_TOOLS)
    assert len(found) == len(matrix.TOOLS | matrix.PLAY_TOOLS)
    assert set(found) <= set(lines)
    with pytest.raises(SystemExit, match="no line for nothing-of-this-name"):
        matrix.required("requirements-test.txt", {"nothing-of-this-name"})
