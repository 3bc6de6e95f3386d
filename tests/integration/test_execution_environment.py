# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-builder reads the requirements of the collection, and builds a context from the example of an execution environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str, folder: Path) -> str:
    """Run a program of this environment to a good end, and return what it printed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    settings = {**os.environ, "PATH": path, "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, cwd=folder, env=settings, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the requirement files that ansible-builder introspect writes."""
    folder = tmp_path_factory.mktemp("introspect")
    collection = folder / "collections" / "ansible_collections" / "secops" / "xdr"
    collection.mkdir(parents=True)
    # An image may hold only what runs, and what says which collection it is.
    for name in ("extensions", "galaxy.yml", "meta", "playbooks", "plugins", "roles"):
        (collection / name).symlink_to(ROOT / name)
    run("ansible-builder", "introspect", "--write-pip", "pip.txt", "--write-bindep", "bindep.txt", "collections", folder=folder)
    return folder


@pytest.mark.parametrize(("machine", "drivers"), [("x86_64", 1), ("aarch64", 1), ("s390x", 0), ("ppc64le", 0)])
def test_what_python_has_to_bring(written: Path, machine: str, drivers: int):
    lines = [line.partition("  # ")[0] for line in (written / "pip.txt").read_text(encoding="utf-8").splitlines() if line]
    requirements = [Requirement(line) for line in lines]
    chosen = [one for one in requirements if not one.marker or one.marker.evaluate({"platform_machine": machine})]
    assert sorted(one.name for one in chosen) == ["psycopg", "requests", "tzdata", "urllib3"]
    # A collection with an upper bound could not share an image with one that needs a later version.
    assert {part.operator for one in chosen for part in one.specifier} == {">="}
    # Elsewhere there are no ready-made ones, and the build would fail.
    assert sum("binary" in one.extras for one in chosen) == drivers


def test_the_same_is_asked_for_as_on_other_hosts(written: Path):
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert len(wanted) == 2
    found = (written / "pip.txt").read_text(encoding="utf-8")
    assert [line for line in wanted if line not in found] == []


def test_what_the_system_has_to_bring(written: Path):
    text = (written / "bindep.txt").read_text(encoding="utf-8")
    for platform in ("rpm", "dpkg"):
        assert re.search(rf"^tzdata \[platform:{platform}\]", text, re.MULTILINE)
    assert "platform:" in run("bindep", "--file", "bindep.txt", "--profiles", folder=written)


def test_the_example_makes_a_build_context(tmp_path: Path):
    example = ROOT / "extensions" / "ee" / "execution-environment.yml"
    run(
        "ansible-builder",
        "create",
        "--file",
        str(example),
        "--context",
        str(tmp_path / "context"),
        "--output-filename",
        "Containerfile",
        folder=tmp_path,
    )
    containerfile = (tmp_path / "context" / "Containerfile").read_text(encoding="utf-8")
    base = yaml.safe_load(example.read_text(encoding="utf-8"))["images"]["base_image"]["name"]
    assert f'EE_BASE_IMAGE="{base}"' in containerfile
    assert "introspect" in containerfile
    galaxy = yaml.safe_load((tmp_path / "context" / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    assert galaxy == {"collections": [{"name": "secops.xdr"}]}
