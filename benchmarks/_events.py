# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""(i) What other benchmarks of this folder print: security events, sessions."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from _findings import Finding
from _paths import BENCHMARKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from _site import Site


def printed_by(script: str, title: str) -> Callable[[Site], Finding]:
    """A part that runs a script and takes over the Markdown that it prints."""

    def part(site: Site) -> Finding:
        path = BENCHMARKS / script
        if not path.exists():
            return Finding(title, notes=["Not measured: there is no such benchmark here."])
        if site.is_quick:
            return Finding(title, notes=[f"Not measured in a quick run; see `benchmarks/{script} --help`."])
        command = [sys.executable, str(path)]
        done = subprocess.run(command, env=site.environment(), stdout=subprocess.PIPE, text=True, check=False)
        print(done.stdout, flush=True)
        notes = [f"`{script}` ended with status {done.returncode}."] if done.returncode else []
        return Finding(title, notes=notes, markdown=done.stdout.strip())

    return part
