# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make release-check`: name everything that keeps a checkout from being released, before its tag is pushed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]


def numbers(version: str) -> tuple[int, ...]:
    """The parts of a version, to compare it with another one."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def git(root: Path, *arguments: str) -> str:
    """The output of git; the text that git prints where it fails."""
    done = subprocess.run(["git", *arguments], cwd=root, check=False, capture_output=True, text=True)
    return (done.stdout or done.stderr).strip()


def wrong_version(version: str, tags: list[str]) -> Iterator[str]:
    """The faults of the version, and of tags at this commit."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f"galaxy.yml: version {version} is not of the form X.Y.Z; set the version that is released"
    for tag in tags:
        if tag != version:
            yield f"the tag {tag} differs from the version {version} in galaxy.yml; tags have no prefix"


def wrong_changelog(root: Path, version: str) -> Iterator[str]:
    """The faults of the changelog."""
    text = (root / "CHANGELOG.rst").read_text(encoding="utf-8")
    heads = re.findall(r"^v(\S+)\n=+$", text, re.MULTILINE)
    if heads[:1] != [version]:
        yield f"CHANGELOG.rst: the first version is {heads[0] if heads else 'missing'}, not {version}; run `make changelog`"
    releases: dict[str, Any] = yaml.safe_load((root / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))["releases"]
    if not releases.get(version, {}).get("changes", {}).get("release_summary"):
        yield f"changelogs/changelog.yaml: {version} has no release_summary; add it to a fragment"
    left = sorted(path.name for path in (root / "changelogs" / "fragments").glob("*.yml"))
    if left:
        yield f"changelogs/fragments: {len(left)} fragments are not in the changelog yet ({left[0]} …); run `make changelog`"


def wrong_version_added(root: Path, version: str) -> Iterator[str]:
    """The places that say that something comes with a later version."""
    for path in [*sorted((root / "plugins").rglob("*.py")), *sorted((root / "roles").rglob("argument_specs.yml"))]:
        for added in re.findall(r"^ *version_added: *[\"']?([\d.]+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            if numbers(added) > numbers(version):
                yield f"{path.relative_to(root)}: version_added {added} is later than {version}"


def wrong_figures(root: Path) -> Iterator[str]:
    """The faults of the measured figures: another run in the guide than in the results, or code that changed since."""
    results = (root / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    guide = (root / "docs" / "docsite" / "rst" / "guide_promises.rst").read_text(encoding="utf-8")
    measured = re.search(r"^- Collection: commit (\w+)\n- (\S+) ", results, re.MULTILINE)
    if not measured:
        yield "benchmarks/RESULTS.md: it names no commit; run `make bench`"
        return
    commit, day = measured.groups()
    if f"``make bench`` of {day} at commit {commit}," not in guide:
        yield f"guide_promises.rst: its figures are not those of {day} at commit {commit} in benchmarks/RESULTS.md"
    if changed := git(root, "diff", "--name-only", commit, "--", "plugins"):
        yield f"benchmarks/RESULTS.md: plugins changed since commit {commit} ({changed.splitlines()[0]} …); run `make bench`"


def problems(root: Path) -> list[str]:
    """Everything that has to be fixed before this checkout can be released."""
    version = str(yaml.safe_load((root / "galaxy.yml").read_text(encoding="utf-8"))["version"])
    found = [*wrong_version(version, git(root, "tag", "--points-at", "HEAD").split()), *wrong_changelog(root, version)]
    found += [*wrong_version_added(root, version), *wrong_figures(root)]
    if git(root, "status", "--porcelain"):
        found.append("there are changes that are not committed")
    return found


if __name__ == "__main__":
    found = problems(ROOT)
    print("\n".join(found) or "This checkout can be released.")
    sys.exit(bool(found))
