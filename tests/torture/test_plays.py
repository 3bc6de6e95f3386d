# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long uploads of real plays: warned in parts, run in the background, and cancelled there."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import time
from pathlib import Path

import pytest
from ansible_collections.secops.xdr.tests.integration.conftest import Playground

from support.vpn_logs import plain_rows, write_log

ROWS = 25_000
PATIENCE_SECONDS = 900
LATENCY_SECONDS = 0.2
CANCELLED = 5
UNDER_WAY = re.compile(r"up to (\d+) observations were on their way")
WAYS = {"in parts": {}, "in the background": {"async": 600, "poll": 1}}
UPLOAD = {"path": "/api/v1/observations/associatedipaddrs"}


def upload(appliance, playground, **options):
    variables = appliance.environment
    connection = {"host": variables["EXTRAHOP_HOST"], "api_key": variables["EXTRAHOP_API_KEY"], "ca_path": variables["EXTRAHOP_CA_PATH"]}
    log = write_log(playground.folder / "log.csv", *plain_rows(ROWS))
    return {"name": "Upload", "secops.xdr.extrahop_observation": {"source": "OpenVPN", "path": log, **connection, **options}}


def wait_until(is_true):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.02)


def processes_of(playground):
    """The processes that work for plays in this folder: the wrapper of a job, and the module below it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(playground.folder).encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def held_by(appliance):
    return appliance.control.state["extrahop"]["observations"]["distinct"]


@pytest.mark.parametrize(("way", "keywords"), WAYS.items(), ids=WAYS)
def test_warnings_of_the_first_part_are_shown(appliance, playground, results, way, keywords):
    """An upload of more than ten seconds is run in parts, and only the result of the last one is that of the task."""
    began = time.monotonic()
    appliance.control.add_fault("reset_after", UPLOAD)
    assert playground.run(upload(appliance, playground, retries=0)).recap("failed") == 1
    appliance.control.configure(latency=0.6)
    run = playground.run({**upload(appliance, playground), **keywords})
    assert run.recap("ok") == 1, run.output
    if not keywords:
        assert "uploading" in run.output, "it was to take more than one part"
    assert " ".join(run.output.split()).count("An earlier run ended while up to") == 1, run.output
    assert held_by(appliance) == ROWS
    told = f"{ROWS:,} rows after a run that was cut off: the warning of that run is shown once, and all rows are held."
    results.write(f"plays-{way.replace(' ', '-')}", f"Plays: a long upload {way}", told, seconds=time.monotonic() - began)


def cancel_and_complete(appliance, playground, moment):
    """Kills the job of an `async` task once so many rows are held, and runs the task again: (rows held, twice, told that they may be)."""
    appliance.control.configure(latency=LATENCY_SECONDS)
    started = playground.run({**upload(appliance, playground), "async": 600, "poll": 0, "register": "job"})
    assert started.recap("failed") == 0, started.output
    wait_until(lambda: held_by(appliance) >= moment)
    processes = processes_of(playground)
    assert processes
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    wait_until(lambda: not processes_of(playground))
    # What was on its way may still be carried out.
    time.sleep(3 * LATENCY_SECONDS)
    held = held_by(appliance)
    assert held < ROWS, "it was to be cancelled amid its work"
    appliance.control.configure(latency=0.0)
    run = playground.run(upload(appliance, playground))
    assert (run.recap("ok"), run.recap("failed")) == (1, 0), run.output
    observations = appliance.control.state["extrahop"]["observations"]
    # Ansible may break lines anywhere.
    warned = UNDER_WAY.search(" ".join(run.output.split()))
    told = int(warned[1]) if warned else 0
    assert observations["distinct"] == ROWS
    assert observations["duplicates"] <= told, run.output
    assert playground.run(upload(appliance, playground)).recap("changed") == 0
    return held, observations["duplicates"], told


def test_cancelled_jobs(appliance, tmp_path, results, seed):
    """The job of an `async` task is killed, as a cancelled one is, at different moments; the next run completes the upload."""
    began = time.monotonic()
    moments = [0, *sorted(random.Random(f"{seed} cancelled").sample(range(1000, ROWS - 5000, 1000), CANCELLED - 1))]
    lines = ["| cancelled at | rows held then | held in the end | twice | told that they may be |", "|---" * 5 + "|"]
    for number, moment in enumerate(moments):
        appliance.control.reset()
        folder = tmp_path / str(number)
        folder.mkdir()
        held, twice, told = cancel_and_complete(appliance, Playground(folder), moment)
        lines.append(f"| {moment:,} | {held:,} | {ROWS:,} | {twice:,} | {told:,} |")
    body = (
        f"Uploads of {ROWS:,} rows with `async`, each killed with all its processes, then run again, and a third time without any change."
    )
    results.write("plays-cancelled", "Plays: cancelled jobs", "\n".join([body, "", *lines]), seconds=time.monotonic() - began)
