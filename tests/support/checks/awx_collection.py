# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put the collection awx.awx where Ansible of this environment finds it, or do nothing where it is there.

It is a small part of the package `ansible`, which pip can download; the rest of that package is not kept.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "ansible==12.3.0"
PREFIX = "ansible_collections/awx/awx/"
LOCK = Path(__file__).resolve().parents[3] / "build" / "awx_collection.lock"


def fetch(packages: Path) -> None:
    """Download the package and keep the collection in this folder."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--quiet", "--quiet", "--disable-pip-version-check"]
        # The Python version is that of the package; the collection itself runs on older ones, too.
        which = ["--no-deps", "--only-binary", ":all:", "--python-version", "3.11"]
        subprocess.run([*pip, "download", *which, "--dest", folder, PACKAGE], check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            manifest = PREFIX + "MANIFEST.json"
            wheel.extractall(packages, [name for name in wheel.namelist() if name.startswith(PREFIX) and name != manifest])
            # Last, because it says that the rest is there.
            wheel.extract(manifest, packages)


def main() -> int:
    packages = Path(sysconfig.get_paths()["purelib"])
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (packages / PREFIX / "MANIFEST.json").is_file():
            print(f"Fetching awx.awx from {PACKAGE} (once)", flush=True)
            fetch(packages)
    return 0


if __name__ == "__main__":
    sys.exit(main())
