# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machine on which the figures were measured."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from _paths import ROOT

_PACKAGES = ("ansible-core", "ansible", "requests", "urllib3", "aiohttp", "psycopg")


def machine() -> list[str]:
    """Lines of text; nothing in them names the machine."""
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    versions = ", ".join(f"{name} {version}" for name in _PACKAGES if (version := _version(name)))
    one, five, fifteen = os.getloadavg()
    return [
        f"{_first('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores, {_memory():.0f} GiB of memory",
        f"{system}, Linux {platform.release()}, {platform.machine()}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}",
        f"Collection: {_commit()}",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; load averages at the start {one:.2f}, {five:.2f}, {fifteen:.2f}",
    ]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _first(path: str, name: str) -> str:
    found = re.search(rf"^{name}\s*:\s*(.*)$", Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else "unknown"


def _memory() -> float:
    return int(_first("/proc/meminfo", "MemTotal").split()[0]) / 1024 / 1024


def _commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False).stdout.strip()

    return f"commit {git('rev-parse', '--short', 'HEAD')}{', with changes on top' if git('status', '--porcelain', 'plugins') else ''}"
