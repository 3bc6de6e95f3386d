# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every awkward secret in every way to prove who calls, as an option and from the environment, in everything that a run can do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from ansible_collections.secops.xdr.tests.integration.conftest import Appliance, Playground, appliance, running_appliance

from support.attacks import AWKWARD, KINDS, Results, SecretRun, handed_out_token, run_secret_plays

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["appliance", "running_appliance"]

PATIENCE_SECONDS = 900
OWN_TOKEN = "a token of the server"
TOLD = (
    "With `-vvvv --diff`, in check mode, with `async`, and against servers that repeat the Authorization header. The secret is every kind "
    "of credential in turn (an access token is refused, unless it is one of the server's own); in each run there are also the password of "
    "a proxy that repeats it, in HTTPS_PROXY, and that of a ledger in PostgreSQL that is down, in `ledger`. "
    "Looked for: each secret as it is and quoted for JSON, Python and URLs, in base64, in hexadecimal and in a Basic header. "
    "Looked at: what was printed, the log and the files of callbacks, async results, the ledger, temporary files, the command line of "
    "every process, and its environment, but for what was given there.\n"
)
HEAD = ["| given as | credential, play | tasks | failed, as they should | processes looked at | found |", "|---|---|---|---|---|---|"]


def secret_runs(appliance: Appliance, folder: Path, kind: str, name: str, *, from_environment: bool) -> list[SecretRun]:
    """All plays with this secret, in a separate folder. The emulator refuses every access token but its own."""
    appliance.control.reset()
    folder.mkdir()
    playground = Playground(folder)
    playground.patience_seconds = PATIENCE_SECONDS
    secret = AWKWARD[name] if name in AWKWARD else handed_out_token(appliance.environment)
    return run_secret_plays(
        playground,
        appliance.control,
        appliance.environment,
        kind,
        secret,
        from_environment=from_environment,
        thorough=True,
        is_refused=kind == "access_token" and name in AWKWARD,
    )


@pytest.mark.parametrize("name", [*AWKWARD, OWN_TOKEN])
def test_no_secret_shows_anywhere(appliance: Appliance, tmp_path: Path, results: Results, name: str):
    began = time.monotonic()
    number = list(AWKWARD).index(name) if name in AWKWARD else 0
    wanted = [(kind, number % 2 == 1) for kind in KINDS] if name in AWKWARD else [("access_token", False), ("access_token", True)]
    rows: list[tuple[str, SecretRun]] = []
    for place, (kind, from_environment) in enumerate(wanted):
        runs = secret_runs(appliance, tmp_path / str(place), kind, name, from_environment=from_environment)
        rows += [("variable" if from_environment else "option", run) for run in runs]
    lines = [
        f"| {given} | {run.title} | {run.tasks} | {run.failed} of {run.expected_failures} | {run.processes} | {len(run.found)} |"
        for given, run in rows
    ]
    tasks = sum(run.tasks for _given, run in rows)
    body = "\n".join([f"{tasks} tasks. {TOLD}", *HEAD, *lines])
    results.write(f"secrets-{name.replace(' ', '-').lower()}", f"Secrets: {name}", body, seconds=time.monotonic() - began)
    assert {run.title: run.found for _given, run in rows if run.found} == {}
    assert [run.output for _given, run in rows if run.failed != run.expected_failures or run.unsaid] == []
