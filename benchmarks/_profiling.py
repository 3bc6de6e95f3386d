# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows where the time of an upload goes: reading alone, the functions of a long upload, and what a small task imports."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

from _findings import Finding, Promise, Variant, alternately
from _logs import KINDS
from _paths import BENCHMARKS
from _site import SOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from _processes import Usage
    from _site import Site

_ROWS = 1_000_000
_IMPORT = re.compile(r"^import time: +(\d+) \| +\d+ \| +(\S+)$", re.MULTILINE)
_GROUPS = {
    "Ansible": ("ansible.",),
    "this collection": ("ansible_collections.",),
    "`requests` and what it needs": ("requests", "urllib3", "charset_normalizer", "chardet", "idna", "certifi", "http.", "email", "ssl"),
}
_SMALL = {"source": SOURCE, "observations": [{"ipaddr": "10.8.0.1", "associated_ipaddr": "203.0.113.9", "timestamp": 1_700_000_000}]}


def reading_alone(site: Site) -> Finding:
    """Reading and checking a log without ledger and network."""
    rows = site.sized(_ROWS)
    command = [sys.executable, str(BENCHMARKS / "_reading.py"), str(site.logs.of(rows))]
    reading = Variant(f"{rows:,} rows", rows=rows)
    alternately(site.rounds, (reading, lambda: site.measured(command, _environment(site), accepted=0)))
    note = "The start of Python is part of it. With `on_invalid: fail`, an upload also keeps what it has checked in a temporary file."
    return Finding("Reading alone: one pass, no ledger, no network", [reading], [], [note])


def reading_other_kinds(site: Site) -> Finding:
    """Reading and checking logs in other forms, without ledger and network."""
    rows = site.sized(_ROWS // 5)
    command = [sys.executable, str(BENCHMARKS / "_reading.py")]
    usual, *others = (Variant(kind, rows=rows) for kind in KINDS)

    def read(kind: str) -> Usage:
        return site.measured([*command, str(site.logs.of_kind(kind, rows)), KINDS[kind][0]], _environment(site), accepted=0)

    alternately(site.rounds, *((variant, partial(read, variant.label)) for variant in (usual, *others)))
    slowest = max(others, key=lambda variant: min(run.cpu for run in variant.runs))
    slower = min(run.cpu for run in slowest.runs) / min(run.cpu for run in usual.runs)
    promise = Promise(f"(j) reading {rows:,} rows in the slowest other form ({slowest.label}), of the usual form", [slower], 3)
    return Finding(
        f"(j) Reading logs in other forms, {rows:,} rows each", [usual, *others], [promise], ["The start of Python is part of it."]
    )


def profile(site: Site) -> Finding:
    """The functions that take most of a long upload, and the imports of a small one."""
    rows = site.sized(_ROWS)
    command = [sys.executable, str(BENCHMARKS / "_profiled.py"), str(site.logs.of(rows)), SOURCE]
    functions = _output(command, _environment(site))
    payload, state = _payload(site), site.new_state()
    sending, ledger_alone = (_imports(payload, site.environment(state)) for _run in range(2))
    lines = ["| imports | ms, when something is sent | ms, when the ledger alone decides |", "|---|---|---|"]
    lines += [f"| {group} | {sending[group]:.0f} | {ledger_alone[group]:.0f} |" for group in sending]
    markdown = "\n".join([f"{rows:,} rows, repeating addresses:", "", functions.strip(), "", "One small task:", "", *lines])
    notes = ["Profiling slows everything down, so only the proportions count. Ansible ships source, which is compiled on import."]
    return Finding("Profile", notes=notes, markdown=markdown)


def _payload(site: Site) -> Path:
    """The file that Ansible makes of the module and runs."""
    temporary = site.folder / "kept"
    kept = {"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_REMOTE_TEMP": str(temporary)}
    playbook = site.playbook("kept", [{"name": "Upload", "secops.xdr.extrahop_observation": _SMALL}])
    site.measured(site.ansible(playbook, is_recorded=False), {**site.environment(), **kept}, accepted=1)
    return next(temporary.glob("*/AnsiballZ_*.py"))


def _imports(payload: Path, environment: Mapping[str, str]) -> dict[str, float]:
    """Milliseconds by what is imported."""
    done = subprocess.run([sys.executable, "-X", "importtime", str(payload)], env=environment, capture_output=True, text=True, check=True)
    sums = dict.fromkeys([*_GROUPS, "Python's own modules"], 0.0)
    for microseconds, name in _IMPORT.findall(done.stderr):
        group = next((group for group, starts in _GROUPS.items() if f"{name}.".startswith(starts)), "Python's own modules")
        sums[group] += int(microseconds) / 1000
    return sums


def _output(command: list[str], environment: Mapping[str, str]) -> str:
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def _environment(site: Site) -> dict[str, str]:
    return site.environment(PYTHONPATH=site.collections)
