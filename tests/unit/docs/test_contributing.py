# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CONTRIBUTING.md, the Makefile, noxfile.py and the workflows name the same checks and versions."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
NOXFILE = (ROOT / "noxfile.py").read_text(encoding="utf-8")
WORKFLOWS = ROOT / ".github" / "workflows"
ROWS = dict(re.findall(r"^\| `make (\w+)` \| ([^|]+) \|", CONTRIBUTING, re.MULTILINE))


def workflow(name: str) -> dict[str, Any]:
    """A workflow of GitHub."""
    loaded: dict[str, Any] = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))
    return loaded


def cores() -> list[str]:
    """The versions of ansible-core in noxfile.py."""
    (table,) = re.findall(r"^CORES = (\{.*?^\})", NOXFILE, re.MULTILINE | re.DOTALL)
    return list(ast.literal_eval(table))


def test_make_test_runs_what_the_table_lists() -> None:
    (stages,) = re.findall(r"^STAGES := (.+)$", MAKEFILE, re.MULTILINE)
    assert list(ROWS) == stages.split()


@pytest.mark.parametrize("target", ROWS)
def test_a_target_runs_the_sessions_of_the_table(target: str) -> None:
    (recipe,) = re.findall(rf"^(?:[\w ]+ )?{target}\b[\w ]*: venv\n\t(.+)$", MAKEFILE, re.MULTILINE)
    sessions = recipe.partition("$(NOX) ")[2].partition(" -- ")[0].replace("$@", target)
    assert re.findall(r"`([\w-]+)`", ROWS[target]) == sessions.split()


def test_every_version_of_the_matrix_is_tested_on_github() -> None:
    assert workflow("nox.yml")["jobs"]["matrix"]["strategy"]["matrix"]["core"] == cores()


def test_no_version_of_ansible_core_is_left_out() -> None:
    minors = [int(core.removeprefix("2.")) for core in cores()]
    assert minors == list(range(minors[0], minors[-1] + 1))
    assert f'requires_ansible: ">={cores()[0]}.0"' in (ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8")
    for text in (CONTRIBUTING, (ROOT / "README.md").read_text(encoding="utf-8")):
        assert f"{cores()[0]} to {cores()[-1]}" in text


def test_every_workflow_is_described() -> None:
    described = re.findall(r"^\| `(\w+\.yml)` \|", CONTRIBUTING, re.MULTILINE)
    assert sorted(described) == sorted(path.name for path in WORKFLOWS.iterdir())


@pytest.mark.parametrize("name", ["nox.yml", "certification.yml"])
def test_all_checks_run_on_each_pull_request_and_every_week(name: str) -> None:
    loaded = workflow(name)
    assert {"pull_request", "schedule"} <= loaded["on"].keys()
    assert all(when["cron"].endswith("* * 1") for when in loaded["on"]["schedule"])
    assert all("if" not in job for job in loaded["jobs"].values())


def test_nothing_is_published_before_all_checks_have_passed() -> None:
    jobs = workflow("release.yml")["jobs"]
    assert jobs["check"]["uses"].endswith("/.github/workflows/nox.yml")
    assert set(jobs["galaxy"]["needs"]) == {"check", "build"}
    assert [jobs[name]["needs"] for name in ("release", "image")] == ["galaxy", "galaxy"]


TESTS_OF_FOLDERS = dict(re.findall(r"^\| `(_\w+)` \| (`(?:plugins|eda)/.+) \|$", CONTRIBUTING, re.MULTILINE))


def test_the_table_of_tests_has_every_folder() -> None:
    parents = [ROOT / "plugins" / name for name in ("module_utils", "plugin_utils")]
    assert sorted(TESTS_OF_FOLDERS) == sorted(path.name for parent in parents for path in parent.glob("_[a-z]*") if path.is_dir())


@pytest.mark.parametrize("folder", TESTS_OF_FOLDERS)
def test_the_tests_of_a_folder_exist(folder: str) -> None:
    for pattern in re.findall(r"`((?:tests|plugins|eda)/[\w*./]+)`", TESTS_OF_FOLDERS[folder]):
        start = ROOT if pattern.startswith("tests/") else ROOT / "tests" / "unit"
        found = list((start / pattern).glob("**/test_*.py")) if pattern.endswith("/") else list(start.glob(pattern))
        assert found, pattern


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`(plugins/[\w/]+\.py)`", CONTRIBUTING.partition("Tests are in these folders")[0])))
)
def test_the_files_of_the_table_of_topics_exist(path: str) -> None:
    assert (ROOT / path).is_file()
