# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check before a release finds each thing that is still to do, and nothing in a checkout that is ready."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.checks import release

FILES = {
    "galaxy.yml": "version: 1.1.0\n",
    "CHANGELOG.rst": "Notes\n=====\n\nv1.1.0\n======\n\nv1.0.0\n======\n",
    "changelogs/changelog.yaml": "releases: {1.1.0: {changes: {release_summary: New}}}\n",
    "plugins/modules/some.py": "version_added: 1.1.0\n",
    "roles/some/meta/argument_specs.yml": 'version_added: "1.0.0"\n',
}


def git(root: Path, *arguments: str) -> str:
    own = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *own, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Change")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that is ready to be released."""
    git(tmp_path, "init", "--quiet")
    write(tmp_path, FILES)
    commit = git(tmp_path, "rev-parse", "--short", "HEAD")
    write(
        tmp_path,
        {
            "benchmarks/RESULTS.md": f"- Collection: commit {commit}\n- 2026-11-25 13:14 UTC\n",
            "docs/docsite/rst/guide_promises.rst": f"From ``make bench`` of 2026-11-25 at commit {commit}, on two cores.\n",
        },
    )
    return tmp_path


def test_a_checkout_that_is_ready_has_no_problems(checkout: Path) -> None:
    git(checkout, "tag", "1.1.0")
    assert release.problems(checkout) == []


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("galaxy.yml", "version: 1.1.0-dev\n", "galaxy.yml: version 1.1.0-dev is not of the form X.Y.Z"),
        ("galaxy.yml", "version: 1.2.0\n", "CHANGELOG.rst: the first version is 1.1.0, not 1.2.0"),
        ("changelogs/changelog.yaml", "releases: {1.1.0: {changes: {}}}\n", "changelogs/changelog.yaml: 1.1.0 has no release_summary"),
        ("changelogs/fragments/new.yml", "bugfixes: []\n", "changelogs/fragments: 1 fragments are not in the changelog yet (new.yml"),
        ("plugins/modules/some.py", "  version_added: 1.10.0\n", "plugins/modules/some.py: version_added 1.10.0 is later than 1.1.0"),
        ("plugins/modules/some.py", "other = 1\n", "benchmarks/RESULTS.md: plugins changed since commit"),
        ("docs/docsite/rst/guide_promises.rst", "Old\n", "guide_promises.rst: its figures are not those of 2026-11-25"),
        ("benchmarks/RESULTS.md", "Nothing\n", "benchmarks/RESULTS.md: it names no commit"),
    ],
)
def test_what_is_still_to_do_is_named(checkout: Path, name: str, text: str, problem: str) -> None:
    write(checkout, {name: text})
    assert [found for found in release.problems(checkout) if found.startswith(problem)]


def test_a_tag_with_a_prefix_and_changes_that_are_not_committed_are_named(checkout: Path) -> None:
    git(checkout, "tag", "v1.1.0")
    (checkout / "galaxy.yml").write_text("version: 1.1.0\n# more\n", encoding="utf-8")
    assert release.problems(checkout) == [
        "the tag v1.1.0 differs from the version 1.1.0 in galaxy.yml; tags have no prefix",
        "there are changes that are not committed",
    ]
