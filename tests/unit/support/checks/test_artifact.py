# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check of the artifact finds in one that is not fit to publish."""

from __future__ import annotations

import importlib
import io
import random
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Leftovers = Callable[..., list[str]]

CHECKS = Path(__file__).resolve().parents[4] / "tests" / "support" / "checks"


@pytest.fixture
def leftovers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Leftovers]:
    """What is found in an artifact of one file."""
    monkeypatch.syspath_prepend(str(CHECKS))
    artifact = importlib.import_module("artifact")

    def find(name: str, *, mode: int = 0o644, owner: int = 0, kind: bytes = tarfile.REGTYPE, content: bytes = b"") -> list[str]:
        member = tarfile.TarInfo(name)
        member.mode, member.uid, member.type, member.size = mode, owner, kind, len(content)
        with tarfile.open(tmp_path / "artifact.tar.gz", "w:gz") as archive:
            archive.addfile(member, io.BytesIO(content))
        found: list[str] = artifact.leftovers(tmp_path / "artifact.tar.gz")
        return found

    yield find
    for module in ("artifact", "copy_tree"):
        sys.modules.pop(module, None)


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "requirements-demo.txt",
        "plugins/modules/extrahop_observation.py",
        "plugins/module_utils/_vpn_log/csv_reader.py",
        "roles/vpn_attribution/templates/report.html.j2",
        "tests/demo/demo.py",
        "tests/emulator/__main__.py",
    ],
)
def test_what_belongs_to_it(leftovers: Leftovers, name: str):
    assert leftovers(name) == []


@pytest.mark.parametrize(
    "name",
    [
        "Makefile",
        "README.md.orig",
        ".gitignore",
        "plugins/modules/.extrahop_observation.py.swp",
        "plugins/modules/__pycache__/extrahop_observation.cpython-311.pyc",
        "plugins/modules/extrahop_observation.py~",
        "changelogs/fragments/1.0.0.yml",
        "docs/site/conf.py",
        "tests/unit/conftest.py",
        "tests/demo/sample_log.py",
        "tests/emulator/state.json",
        "extensions/molecule/default/molecule.yml",
        "roles/vpn_attribution/files/ledger.sqlite3",
    ],
)
def test_what_does_not(leftovers: Leftovers, name: str):
    assert leftovers(name) == [f"{name} does not belong to it"]


@pytest.mark.parametrize(("mode", "owner"), [(0o666, 0), (0o600, 0), (0o755, 0), (0o4644, 0), (0o644, 1000)])
def test_modes_and_owners(leftovers: Leftovers, mode: int, owner: int):
    (found,) = leftovers("README.md", mode=mode, owner=owner)
    assert "README.md has mode" in found


def test_links(leftovers: Leftovers):
    assert "README.md is neither a file nor a folder" in leftovers("README.md", kind=tarfile.SYMTYPE)


def test_a_folder_with_nothing_in_it(leftovers: Leftovers):
    assert leftovers("plugins/lookup", kind=tarfile.DIRTYPE, mode=0o755) == ["plugins/lookup is an empty folder"]


def test_its_size(leftovers: Leftovers):
    (found,) = leftovers("README.md", content=random.Random(1).randbytes(1_000_000))
    assert "are too many" in found
