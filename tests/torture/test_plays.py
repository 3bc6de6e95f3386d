# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long uploads of real plays: warned in parts, run in the background, and cancelled there."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from ansible_collections.secops.xdr.tests.unit.support.vpn_logs import plain_rows, write_log

ROWS = 25_000
PATIENCE_SECONDS = 60
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


def test_warnings_of_the_first_part_are_shown(appliance, playground):
    """An upload of more than ten seconds is run in parts, and only the result of the last one is that of the task."""
    appliance.control.add_fault("reset_after", UPLOAD)
    assert playground.run(upload(appliance, playground, retries=0)).recap("failed") == 1
    appliance.control.configure(latency=0.6)
    run = playground.run(upload(appliance, playground))
    assert run.recap("ok") == 1, run.output
    assert "uploading" in run.output, "it was to take more than one part"
    assert "An earlier run ended while up to" in run.output
    assert len(appliance.control.observations()) == ROWS


def test_a_cancelled_job(appliance, playground):
    """The job of an `async` task is killed, as a cancelled one is; the next run completes the upload."""
    appliance.control.configure(latency=0.2)
    started = playground.run({**upload(appliance, playground), "async": 600, "poll": 0, "register": "job"})
    assert started.recap("failed") == 0, started.output
    wait_until(lambda: len(appliance.control.observations()) > 0)
    processes = processes_of(playground)
    assert processes
    for process in processes:
        os.kill(process, signal.SIGKILL)
    wait_until(lambda: not processes_of(playground))
    held = len(appliance.control.observations())
    assert held < ROWS, "it was to be cancelled amid its work"
    appliance.control.configure(latency=0.0)
    run = playground.run(upload(appliance, playground))
    assert (run.recap("ok"), run.recap("failed")) == (1, 0), run.output
    observations = appliance.control.state["extrahop"]["observations"]
    assert observations["distinct"] == ROWS
    assert not observations["duplicates"] or "may have received them twice" in run.output
    assert playground.run(upload(appliance, playground)).recap("changed") == 0
