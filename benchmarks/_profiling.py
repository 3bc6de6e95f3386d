# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Profiles an upload: the module's own `main` under cProfile, and reading alone.

Only the reading thread is profiled; the time it waits for the sending threads shows as waiting for a lock.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from _findings import Finding, Variant, alternately
from _paths import BENCHMARKS
from _site import SOURCE

if TYPE_CHECKING:
    from _site import Site

_ROWS = 1_000_000
_PROFILED = f"""
import cProfile, contextlib, pstats, sys
from ansible.module_utils.testing import patch_module_args
from ansible_collections.secops.xdr.plugins.modules.extrahop_observation import main

profile = cProfile.Profile()
with patch_module_args({{"source": {SOURCE!r}, "path": sys.argv[1]}}), contextlib.suppress(SystemExit):
    profile.runcall(main)
pstats.Stats(profile).sort_stats("tottime").print_stats(30).sort_stats("cumulative").print_stats(40)
"""


def show_profile(site: Site, rows: int) -> None:
    """Prints the profile of an upload."""
    subprocess.run([sys.executable, "-c", _PROFILED, str(site.logs.of(rows))], env=_environment(site), check=True)


def reading_alone(site: Site) -> Finding:
    """Reading and checking a log without ledger and network."""
    rows = site.sized(_ROWS)
    command = [sys.executable, str(BENCHMARKS / "_reading.py"), str(site.logs.of(rows))]
    reading = Variant(f"{rows:,} rows", rows=rows)
    alternately(site.rounds, (reading, lambda: site.measured(command, _environment(site), accepted=0)))
    note = "The start of Python is part of it. With `on_invalid: fail`, an upload also keeps what it has checked in a temporary file."
    return Finding("Reading alone: one pass, no ledger, no network", [reading], [], [note])


def _environment(site: Site) -> dict[str, str]:
    return site.environment(PYTHONPATH=site.collections)
