# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the programs of a PostgreSQL server, and installs Debian's package where that can be done."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql")
_INSTALL_SECONDS = 600


class NoPostgresqlError(Exception):
    """There is no server on this host, and none can be installed; says why."""


def find_programs() -> Path:
    """The folder with `initdb` and `postgres`. Raises NoPostgresqlError."""
    found = _found()
    if found is None:
        _install()
        found = _found()
    if found is None:
        raise NoPostgresqlError("the package postgresql is installed, but `initdb` and `postgres` were not found")
    return found


def _found() -> Path | None:
    versions = sorted(_DEBIAN.glob("*/bin"), key=_version, reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        versions.append(Path(on_path).resolve().parent)
    return next((folder for folder in versions if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", folder.parent.name))


def _install() -> None:
    if shutil.which("apt-get") is None:
        raise NoPostgresqlError("no PostgreSQL server was found (initdb, postgres), and this host has no apt-get to install one")
    if os.geteuid() != 0:
        raise NoPostgresqlError("no PostgreSQL server was found, and only root can install it: apt-get install postgresql")
    lock = Path(tempfile.gettempdir()) / "secops-xdr-apt.lock"
    # Tests run in several processes, and apt-get takes one at a time.
    with lock.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if _found() is None and _apt_get("install", "--yes", "--no-install-recommends", "postgresql").returncode:
            _apt_get("update")
            installed = _apt_get("install", "--yes", "--no-install-recommends", "postgresql")
            if installed.returncode:
                raise NoPostgresqlError(f"apt-get cannot install postgresql: {installed.stdout[-500:]}")


def _apt_get(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", "--quiet", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=_INSTALL_SECONDS,
    )
