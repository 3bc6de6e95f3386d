# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real copy of the checkout under the folder names that Ansible's tools expect of a collection.

As a command, `copy_tree.py NAME COMMAND…` runs a command in the copy of that name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
COLLECTION = Path("ansible_collections") / "secops" / "xdr"
NEVER_COPIED = {".git", ".venv", "build", ".ansible", "__pycache__"}
"""What a checkout without git holds beside the project's files."""


@contextlib.contextmanager
def collection_copy(name: str, *, keep: frozenset[str] = frozenset()) -> Iterator[Path]:
    """Bring build/NAME/ansible_collections/secops/xdr up to date and hold it against other runs of make.

    Only what changed is copied, so that tools may keep their caches. `keep` names folders in the copy that stay
    although the checkout does not have them.
    """
    target = ROOT / "build" / name / COLLECTION
    target.mkdir(parents=True, exist_ok=True)
    with (ROOT / "build" / f"{name}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        files = set(project_files())
        for file in files:
            _copy(ROOT / file, target / file)
        _prune(target, files, keep)
        yield target


def project_files() -> list[Path]:
    """Return the files of the project, relative to its root: those git has, and new ones that it does not ignore."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        return _walked_files()
    return [Path(name) for name in listed if name and (ROOT / name).is_file()]


def _walked_files() -> list[Path]:
    found: list[Path] = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NEVER_COPIED]
        found += [(Path(folder) / name).relative_to(ROOT) for name in files]
    return found


def _copy(source: Path, target: Path) -> None:
    status = source.stat()
    if target.is_file():
        present = target.stat()
        if (present.st_size, present.st_mtime_ns, present.st_mode) == (
            status.st_size,
            status.st_mtime_ns,
            status.st_mode,
        ):
            return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _prune(target: Path, files: set[Path], keep: frozenset[str]) -> None:
    """Remove what the checkout no longer has, and folders that became empty."""
    for folder, _folders, names in os.walk(target, topdown=False):
        here = Path(folder)
        relative = here.relative_to(target)
        if any(relative.is_relative_to(kept) for kept in keep):
            continue
        for name in names:
            if relative / name not in files:
                (here / name).unlink()
        if here != target and not any(here.iterdir()):
            here.rmdir()


if __name__ == "__main__":
    with collection_copy(sys.argv[1]) as content:
        sys.exit(subprocess.run(sys.argv[2:], cwd=content, check=False).returncode)
