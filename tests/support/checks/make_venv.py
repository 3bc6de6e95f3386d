# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a virtual environment from requirement files, or do nothing where it already answers to them.

Runs on every Python that a virtual environment is made for (3.9 and later), with the standard library alone.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

STAMP = "requirements.sha256"
LOCKS = Path(__file__).resolve().parents[3] / "build"


def fingerprint(requirements: list[Path]) -> str:
    """Return a digest that changes with the interpreter and with the content of a requirement file."""
    digest = hashlib.sha256(f"{sys.base_prefix} {sys.version}".encode())
    for path in requirements:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_current(folder: Path, wanted: str) -> bool:
    """Tell whether the environment was finished from the same requirements and still runs."""
    stamp = folder / STAMP
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        return False
    return subprocess.run([str(folder / "bin" / "python"), "-c", ""], check=False).returncode == 0


def build(folder: Path, requirements: list[Path]) -> None:
    """Create the environment anew and install the requirements into it."""
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    # Twice quiet: errors are shown, but not what the pip configuration of a machine makes pip remark on.
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--quiet", "--disable-pip-version-check"]
    files = [argument for path in requirements for argument in ("--requirement", str(path))]
    subprocess.run([*pip, "install", "--no-compile", *files], check=True)
    subprocess.run([*pip, "check"], check=True)
    # pip would compile on one core. What some packages hold is for other Pythons, and does not compile at all.
    compiler = [str(folder / "bin" / "python"), "-m", "compileall", "-qq", "-j", "0", str(folder / "lib")]
    subprocess.run(compiler, check=False, stdout=subprocess.DEVNULL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("requirements", type=Path, nargs="+")
    arguments = parser.parse_args()
    folder: Path = arguments.folder

    wanted = fingerprint(arguments.requirements)
    LOCKS.mkdir(exist_ok=True)
    # Two calls of make at once would otherwise build the same folder under each other's feet.
    with (LOCKS / f"{str(folder).replace('/', '-')}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_current(folder, wanted):
            return 0
        print(f"Making {folder} with Python {sys.version.split()[0]} (once; a minute or two)", flush=True)
        try:
            build(folder, arguments.requirements)
        except subprocess.CalledProcessError as error:
            print(f"{folder} could not be made: pip ended with status {error.returncode}.", file=sys.stderr)
            return 1
        (folder / STAMP).write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
