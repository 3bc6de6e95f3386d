# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the artifact, look at what it holds, and import it as Galaxy and Automation Hub do.

With `--only-build FOLDER`, stop after the build and print the artifact's path.
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
EXPECTED = {
    "CHANGELOG.rst",
    "CONTRIBUTING.md",
    "COPYING",
    "FILES.json",
    "LICENSES",
    "MANIFEST.json",
    "README.md",
    "REUSE.toml",
    "SECURITY.md",
    "bindep.txt",
    "changelogs",
    "docs",
    "extensions",
    "meta",
    "playbooks",
    "plugins",
    "requirements.txt",
    "roles",
}
"""What may stand at the top of the artifact. Anything else is a leftover: see build_ignore in galaxy.yml."""


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
    """Return what is wrong with the artifact's size and content."""
    found = []
    size = artifact.stat().st_size
    if size >= LARGEST_BYTES:
        found.append(f"it has {size} bytes, and {LARGEST_BYTES} are too many")
    with tarfile.open(artifact) as archive:
        names = archive.getnames()
    found += [f"{top} does not belong to it" for top in sorted({name.split("/")[0] for name in names} - EXPECTED)]
    found += [f"{name} is a leftover" for name in names if re.search(r"(^|/)(__pycache__|\..*|.*\.pyc)(/|$)", name)]
    return found


def complaints(artifact: Path) -> list[str]:
    """Import the artifact and return the importer's errors and warnings."""
    settings = os.environ | {
        "GALAXY_IMPORTER_CONFIG": str(copy_tree.ROOT / "tests" / "galaxy-importer.cfg"),
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
    parser.add_argument("--only-build", type=Path, metavar="FOLDER")
    folder: Path | None = parser.parse_args().only_build
    if folder:
        print(build(folder))
        return 0
    artifact = build(FOLDER)
    print(f"Built {artifact.relative_to(copy_tree.ROOT)} ({artifact.stat().st_size // 1024} KiB)", flush=True)
    wrong = leftovers(artifact) + complaints(artifact)
    for line in wrong:
        print(f"The artifact is not fit to publish: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
