# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""(i) Output of other benchmarks in this folder: security events, sessions."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from _findings import Finding
from _paths import BENCHMARKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from _site import Site


def printed_by(script: str, title: str, whole: Sequence[str], quick: Sequence[str]) -> Callable[[Site], Finding]:
    """A part that runs a script with these arguments, those of a quick run included, and takes over the Markdown that it prints."""

    def part(site: Site) -> Finding:
        command = [sys.executable, str(BENCHMARKS / script), *(quick if site.is_quick else whole)]
        done = subprocess.run(command, env=site.environment(), stdout=subprocess.PIPE, text=True, check=False)
        print(done.stdout, flush=True)
        notes = [f"`{script}` ended with status {done.returncode}."] if done.returncode else []
        return Finding(title, notes=notes, markdown=done.stdout.strip(), is_whole=not done.returncode)

    return part
