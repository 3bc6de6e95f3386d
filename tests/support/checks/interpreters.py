# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the Pythons of this machine that tests of module code can run on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 9)
NEWEST = (3, 15)


def available() -> dict[str, Path]:
    """Return the interpreters that can make virtual environments, by version ("3.9"), oldest first."""
    versions = [f"{OLDEST[0]}.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]
    found = {version: _find(version) for version in versions}
    return {version: path for version, path in found.items() if path}


def search_path(interpreters: dict[str, Path]) -> str:
    """Return a PATH on which each of the interpreters is the first of its version.

    What pyenv has may be hidden by a shim of the same name that refuses to run, so its folders come first.
    """
    folders = dict.fromkeys(str(path.parent) for path in interpreters.values())
    pyenv = _pyenv_root()
    first = [folder for folder in folders if pyenv and Path(folder).is_relative_to(pyenv)]
    return os.pathsep.join([str(Path(sys.executable).parent), *first, os.environ.get("PATH", os.defpath)])


def _find(version: str) -> Path | None:
    candidates = [f"python{version}"]
    root = _pyenv_root()
    if root:
        candidates += sorted(str(path) for path in root.glob(f"versions/{version}.*/bin/python{version}"))
    for candidate in candidates:
        path = _executable(candidate)
        if path:
            return path
    return None


def _executable(candidate: str) -> Path | None:
    """Return where a command's interpreter really lies; nothing where it is a shim of nothing, or without venv."""
    script = "import os, ensurepip, sys, venv; print(os.path.realpath(sys._base_executable))"
    try:
        done = subprocess.run([candidate, "-c", script], check=False, capture_output=True, text=True)
    except OSError:
        return None
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def _pyenv_root() -> Path | None:
    try:
        done = subprocess.run(["pyenv", "root"], check=False, capture_output=True, text=True)
    except OSError:
        return None
    return Path(done.stdout.strip()) if done.returncode == 0 else None
