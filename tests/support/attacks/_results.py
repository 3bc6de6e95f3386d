# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the numbers of the long attacks to tests/torture/RESULTS.md, one section for each attack."""

from __future__ import annotations

import fcntl
import platform
import re
import subprocess
import time
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "torture" / "RESULTS.md"
_HEAD = """\
<!--
Copyright (c) 2026, secops.xdr contributors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->

# Results of the long attacks

Written by `make torture`. Each section is from the last run of its attack; `make torture SEED=NUMBER` repeats it with the same seed. Below
each title are the seed, the machine, and the time it took.
"""
_SECTION = re.compile(r"<!-- begin (?P<name>\S+) -->\n.*?<!-- end (?P=name) -->\n", re.DOTALL)


class Results:
    """The page of results. Several processes may write to it at once."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.seed = seed

    def write(self, name: str, title: str, body: str, *, seconds: float) -> None:
        """Puts a section in its place, or in that of the one with the same name. Sections are in the order of their names.

        `body` is Markdown; `seconds` is how long the attack took.
        """
        lines = [f"<!-- begin {name} -->", f"## {title}", "", f"{self._circumstances()}; {seconds:,.0f} seconds.", "", body.strip("\n")]
        section = "\n".join([*lines, "", f"<!-- end {name} -->", ""])
        with self.path.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            sections = {found["name"]: found[0] for found in _SECTION.finditer(file.read())}
            sections[name] = section
            file.truncate(0)
            file.write("\n".join([_HEAD, *(sections[one] for one in sorted(sections))]))

    def _circumstances(self) -> str:
        return f"Seed {self.seed}; {_commit()}; Python {platform.python_version()}; {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC"


def _commit() -> str:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(RESULTS.parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", ":/plugins")
    return f"commit {git('rev-parse', '--short', 'HEAD')}{', with changes on top' if changed else ''}"
