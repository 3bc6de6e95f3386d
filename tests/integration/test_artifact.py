# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The artifact that users receive has the right files and nothing else, and works without the checkout.

galaxy-importer (the session build-import-check) reads the files; it does not know which files should not be there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest

from support.playbook_server import playbook_server

ROOT = Path(__file__).resolve().parents[2]
LARGEST_BYTES = 1_000_000
ALLOWED = (
    r"(CHANGELOG\.rst|CODE_OF_CONDUCT\.md|CONTRIBUTING\.md|COPYING|MAINTAINERS\.md|README\.md|REUSE\.toml|SECURITY\.md|FILES\.json|MANIFEST\.json)",
    r"LICENSES/[\w.-]+\.txt",
    r"(requirements|requirements-demo|requirements-emulator|meta/ee-(bindep|requirements))\.txt",
    r"changelogs/changelog\.yaml",
    r"docs/docsite/(\w+|extra-docs)\.yml",
    r"docs/docsite/rst/\w+\.rst",
    r"extensions/(awx/(data/|tasks/)?\w+\.yml|ee/execution-environment\.yml)",
    r"extensions/eda/(README\.md|rulebooks/\w+\.yml)",
    r"extensions/eda/plugins/event_source/(\w+\.py|credential_types/\w+/(input|injectors)\.yml|schemas/\w+\.json)",
    r"meta/(runtime|execution-environment)\.yml",
    r"playbooks/(\w+\.yml|tasks/\w+\.yml|files/\w+\.csv)",
    r"plugins/(action|doc_fragments|filter|modules|(module_utils|plugin_utils)(/_\w+(/formats)?)?)/\w+\.py",
    r"roles/\w+/(README\.md|(defaults|meta|tasks)/\w+\.yml|files/\w+\.css|templates/\w+\.(html|csv|json|prom)\.j2)",
    r"tests/(demo/(demo|sample_events)\.py|emulator/(README\.md|\w+\.py))",
)
"""The files that it may contain, by their full names. Anything else is a leftover: see build_ignore in galaxy.yml."""


def ansible(folder: Path, *command: str) -> str:
    """Run one of Ansible's commands where it knows no collection but those installed in this folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "EXTRAHOP_", "STELLAR_", "SECOPS_XDR_"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    own = {"PATH": path, "HOME": str(folder), "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, cwd=folder, env=kept | own, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact, built from the checkout."""
    folder = tmp_path_factory.mktemp("artifact")
    ansible(folder, "ansible-galaxy", "collection", "build", "--output-path", str(folder), str(ROOT))
    return next(folder.glob("secops-xdr-*.tar.gz"))


@pytest.fixture(scope="module")
def installed(artifact: Path) -> Path:
    """The folder in which the artifact alone is installed."""
    folder = artifact.parent
    where = ["--collections-path", str(folder / "collections")]
    ansible(folder, "ansible-galaxy", "collection", "install", "--offline", *where, str(artifact))
    return folder


def test_it_holds_what_belongs_to_it_and_nothing_else(artifact: Path):
    with tarfile.open(artifact) as archive:
        members = archive.getmembers()
    files = {member.name for member in members if member.isfile()}
    folders = {member.name for member in members if member.isdir()}
    assert [name for name in sorted(files) if not any(re.fullmatch(one, name) for one in ALLOWED)] == []
    assert [name for name in sorted(folders) if not any(file.startswith(f"{name}/") for file in files)] == []
    assert {member.name for member in members} == files | folders
    assert {(member.isdir(), f"{member.mode:o}", member.uid, member.gid) for member in members} == {
        (True, "755", 0, 0),
        (False, "644", 0, 0),
    }
    assert artifact.stat().st_size < LARGEST_BYTES


@pytest.mark.parametrize(
    "path",
    ["plugins/modules/extrahop_observation.py", "roles/vpn_attribution/templates/report.html.j2", "tests/emulator/__main__.py", "COPYING"],
)
def test_what_users_need_is_in_it(artifact: Path, path: str):
    with tarfile.open(artifact) as archive:
        assert archive.getmember(path).isfile()


def test_its_playbooks_are_found_by_their_names(installed: Path):
    ansible(installed, "ansible-galaxy", "collection", "verify", "--offline", "secops.xdr")
    names = sorted(f"secops.xdr.{path.stem}" for path in (ROOT / "playbooks").glob("*.yml"))
    assert names
    printed = ansible(installed, "ansible-playbook", "--syntax-check", "--inventory", "localhost,", *names)
    assert [name for name in names if name.partition("xdr.")[2] not in printed] == []


def test_the_demo_runs_without_the_checkout(installed: Path):
    """In an environment whose ansible-playbook starts faster, as that of this environment does."""
    demo = installed / "collections" / "ansible_collections" / "secops" / "xdr" / "tests" / "demo" / "demo.py"
    folder = installed / "venv"
    venv.create(folder, symlinks=True)
    libraries = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (libraries / "these.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    with playbook_server(str(installed / "collections")) as commands:
        shutil.copy(commands / "ansible-playbook", folder / "bin")
        printed = ansible(installed, str(folder / "bin" / "python"), str(demo))
    assert "The second run changed nothing." in printed
    assert str(ROOT) not in printed.replace(str(ROOT / ".venv"), "")
