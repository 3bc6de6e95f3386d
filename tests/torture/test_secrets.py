# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every awkward secret in every way to prove who calls, as an option and from the environment, in everything that a run can do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ansible_collections.secops.xdr.tests.integration.conftest import Appliance, Playground, appliance, running_appliance

from attacks import AWKWARD, KINDS, Results, SecretRun, run_secret_plays

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["appliance", "running_appliance"]

PATIENCE_SECONDS = 600
HEAD = [
    "| secret | given as | credential, play | tasks | failed, as they should | processes looked at | found |",
    "|---|---|---|---|---|---|---|",
]


def test_no_secret_shows_anywhere(appliance: Appliance, tmp_path: Path, results: Results):
    began = time.monotonic()
    rows: list[tuple[str, str, SecretRun]] = []
    for number, (name, secret) in enumerate(AWKWARD.items()):
        for kind in KINDS:
            from_environment = number % 2 == 1
            appliance.control.reset()
            folder = tmp_path / f"{number}-{kind}"
            folder.mkdir()
            playground = Playground(folder)
            playground.patience_seconds = PATIENCE_SECONDS
            given = "variable" if from_environment else "option"
            runs = run_secret_plays(
                playground, appliance.control, appliance.environment, kind, secret, from_environment=from_environment, thorough=True
            )
            rows += [(name, given, run) for run in runs]
    lines = [
        f"| {name} | {given} | {run.title} | {run.tasks} | {run.failed} of {run.expected_failures} | {run.processes} | {len(run.found)} |"
        for name, given, run in rows
    ]
    tasks = sum(run.tasks for _name, _given, run in rows)
    told = (
        f"{tasks} tasks at `-vvvv --diff`, in check mode, with `async`, and against servers that repeat the Authorization header. "
        "Looked for: the secret as it is and quoted for JSON, Python and URLs, in base64, in hexadecimal and in a Basic header. "
        "Looked at: what was printed, the log and the files of callbacks, async results, the ledger, temporary files, the command line of "
        "every process, and, where the secret was given as an option, its environment.\n"
    )
    results.write("secrets", "Secrets", "\n".join([told, *HEAD, *lines]), seconds=time.monotonic() - began)
    assert {run.title: run.found for _name, _given, run in rows if run.found} == {}
    assert [run.output for _name, _given, run in rows if run.failed != run.expected_failures] == []
