# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every write against every fault of the network."""

from __future__ import annotations

import functools
import time

from support.attacks import LASTING_FAULTS, NETWORK_FAULTS, OPERATIONS, SERVER_OPERATIONS, legend, run_cells, table

AT_ONCE = 12
RESOURCES = {name: one for name, one in OPERATIONS.items() if name.startswith(("case: ", "detection: ", "device: "))}


def break_calls(ground, fault, call, times, skip):
    ground.relay.break_calls(fault, call, times=times, skip=skip)


def test_every_write_against_every_fault(results):
    others = {name: one for name, one in OPERATIONS.items() if name not in RESOURCES}
    check(results, others, "network", "The network: every write against every fault")


def test_every_write_to_cases_detections_and_devices_against_every_fault(results):
    check(results, RESOURCES, "network-cases", "Cases, detections and devices: every write against every fault")


def test_slow_and_rewriting_servers_against_every_fault(results):
    check(results, SERVER_OPERATIONS, "servers", "Slow and rewriting servers: writes against every fault")


def check(results, operations, section, title):
    started = time.monotonic()
    work = [
        (
            operation,
            f"{name}, {'once' if times else 'then always'}",
            functools.partial(break_calls, fault=fault, call=operation.call, times=times, skip=operation.skip),
        )
        for name, fault in NETWORK_FAULTS.items()
        for times in ((1, None) if name in LASTING_FAULTS else (1,))
        for operation in operations.values()
    ]
    cells = run_cells(work, AT_ONCE)
    flaws = [f"{cell.operation} / {cell.fault}: {cell.flaw}" for cell in cells if cell.flaw]
    found = f"{len(cells):,} cells, each three runs of a task; {len(flaws)} in which the module and the server disagree."
    slowest = max(cells, key=lambda cell: cell.seconds)
    body = [
        f"{found} The slowest took {slowest.seconds:.0f} seconds ({slowest.operation}, {slowest.fault}).",
        "",
        *legend(cells),
        "",
        table(cells),
        *(["", *(f"- {flaw}" for flaw in flaws)] if flaws else []),
    ]
    results.write(section, title, "\n".join(body), seconds=time.monotonic() - started)
    assert flaws == []
