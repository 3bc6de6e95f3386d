# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual environments for tests whose packages conflict with those of other tests."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class EnvironmentFailedError(Exception):
    """pip could not install what is required. The text is what pip printed."""


def environment(name: str, *requirements: str) -> Path:
    """Return the bin folder of build/NAME/.venv, which has what these requirement files of the project list.

    It is made where it is missing or was made from other requirements; tests in other processes wait for it.
    """
    folder = ROOT / "build" / name / ".venv"
    made = folder / "made"
    folder.parent.mkdir(parents=True, exist_ok=True)
    wanted = "".join((ROOT / file).read_text(encoding="utf-8") for file in requirements)
    with (folder.parent / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_file() or made.read_text(encoding="utf-8") != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=True)
            files = [part for file in requirements for part in ("--requirement", str(ROOT / file))]
            command = [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "install", *files]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode:
                raise EnvironmentFailedError(done.stdout + done.stderr)
            made.write_text(wanted, encoding="utf-8")
    return folder / "bin"
