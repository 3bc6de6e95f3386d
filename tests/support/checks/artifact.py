# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the artifact, look at what it holds, and import it as Galaxy and Automation Hub do.

With `--install FOLDER`, build it there and install it below FOLDER/collections, and do no more.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import copy_tree

FOLDER = copy_tree.ROOT / "build" / "artifact"
LARGEST_BYTES = 1_000_000
ALLOWED = (
    r"(CHANGELOG\.rst|CONTRIBUTING\.md|COPYING|README\.md|REUSE\.toml|SECURITY\.md|FILES\.json|MANIFEST\.json|LICENSES/[\w.-]+\.txt)",
    r"(bindep|requirements|requirements-demo|requirements-emulator|meta/ee-requirements)\.txt",
    r"changelogs/changelog\.yaml",
    r"docs/docsite/(\w+|extra-docs)\.yml",
    r"docs/docsite/rst/guide_\w+\.rst",
    r"extensions/(awx/(data/|tasks/)?\w+\.yml|ee/execution-environment\.yml)",
    r"extensions/eda/(README\.md|credential_types/\w+/\w+\.yml|plugins/event_source/\w+\.py|rulebooks/\w+\.yml)",
    r"meta/(runtime|execution-environment)\.yml",
    r"playbooks/(\w+\.yml|tasks/\w+\.yml|files/\w+\.csv)",
    r"plugins/(action|doc_fragments|filter|modules|(module_utils|plugin_utils)(/_\w+(/formats)?)?)/\w+\.py",
    r"roles/\w+/(README\.md|(defaults|meta|tasks)/\w+\.yml|files/\w+\.css|templates/\w+\.html\.j2)",
    r"tests/(demo/(demo|sample_events)\.py|emulator/(README\.md|\w+\.py))",
)
"""What files the artifact may hold, by their whole names. Anything else is a leftover: see build_ignore in galaxy.yml."""


def build(folder: Path) -> Path:
    """Build the artifact from a copy of the checkout, alone in this folder, and return its path."""
    shutil.rmtree(folder, ignore_errors=True)
    with copy_tree.collection_copy("package") as content:
        command = ["ansible-galaxy", "collection", "build", "--output-path", str(folder), str(content)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode or done.stderr:
        sys.exit(f"{done.stdout}{done.stderr}The artifact could not be built without a complaint.")
    return next(folder.glob("secops-xdr-*.tar.gz"))


def leftovers(artifact: Path) -> list[str]:
    """Return what is wrong with the artifact's size, content and modes."""
    found = []
    size = artifact.stat().st_size
    if size >= LARGEST_BYTES:
        found.append(f"it has {size} bytes, and {LARGEST_BYTES} are too many")
    with tarfile.open(artifact) as archive:
        members = archive.getmembers()
    folders = {member.name for member in members if member.isdir()}
    files = {member.name for member in members if member.isfile()}
    found += [f"{member.name} is neither a file nor a folder" for member in members if member.name not in folders | files]
    found += [f"{name} does not belong to it" for name in sorted(files) if not any(re.fullmatch(one, name) for one in ALLOWED)]
    found += [f"{name} is an empty folder" for name in sorted(folders) if not any(file.startswith(f"{name}/") for file in files)]
    for member in members:
        wanted = 0o755 if member.isdir() else 0o644
        if member.mode != wanted or (member.uid, member.gid) != (0, 0):
            found.append(f"{member.name} has mode {member.mode:o} and owner {member.uid}:{member.gid}, not {wanted:o} and 0:0")
    return found


def install(artifact: Path, collections: Path) -> None:
    """Install the artifact and nothing else into this folder, which is made anew, with the Ansible of this environment."""
    shutil.rmtree(collections, ignore_errors=True)
    command = ["ansible-galaxy", "collection", "install", "--offline", "--collections-path", str(collections), str(artifact)]
    # Where a collection of this name is found already, for instance the checkout's, nothing would be installed.
    settings = os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(collections)}
    done = subprocess.run(command, check=False, env=settings, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode or done.stderr:
        sys.exit(f"{done.stdout}{done.stderr}The artifact could not be installed without a complaint.")


def complaints(artifact: Path) -> list[str]:
    """Import the artifact and return the importer's errors and warnings."""
    settings = os.environ | {
        "GALAXY_IMPORTER_CONFIG": str(copy_tree.ROOT / "tests" / "support" / "galaxy-importer.cfg"),
        "GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP": str(copy_tree.ROOT / "build" / "home" / "importer"),
    }
    # A process of its own writes its result into the folder that it runs in.
    done = subprocess.run(
        [sys.executable, "-m", "galaxy_importer.main", str(artifact)],
        check=False,
        cwd=artifact.parent,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(done.stdout, end="", flush=True)
    found = [line for line in done.stdout.splitlines() if re.match(r"\W*(CRITICAL|ERROR|WARNING)", line)]
    if done.returncode:
        found.append(f"galaxy-importer ended with status {done.returncode}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--install", type=Path, metavar="FOLDER")
    folder: Path | None = parser.parse_args().install
    artifact = build(folder / "artifact" if folder else FOLDER)
    print(f"Built {os.path.relpath(artifact)} ({artifact.stat().st_size // 1024} KiB)", flush=True)
    if folder:
        install(artifact, folder / "collections")
        print(f"Installed it into {os.path.relpath(folder / 'collections')}", flush=True)
        return 0
    wrong = leftovers(artifact) + complaints(artifact)
    for line in wrong:
        print(f"The artifact is not fit to publish: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
