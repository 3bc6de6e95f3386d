# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Uploads of a log: compared with the vendor's script, repeated, with new rows, of any length, and over a slow network."""

from __future__ import annotations

from shutil import copyfile
from statistics import median
from typing import TYPE_CHECKING

from _findings import Finding, Promise, Variant, alternately, of_minima, ratios
from _paths import BENCHMARKS
from _site import SOURCE

if TYPE_CHECKING:
    from pathlib import Path

    from _processes import Usage
    from _site import Site

MILLION = 1_000_000
_APPENDED = 1000
_BATCH = 1000


def against_script(site: Site) -> Finding:
    """(a) One million rows, against a plain script, with addresses that repeat."""
    rows = site.sized(MILLION)
    return _against_script(site, site.logs.of(rows), "repeating addresses", 0.40)


def against_script_all_different(site: Site) -> Finding:
    """(a) The same with addresses that are all different."""
    rows = site.sized(MILLION)
    return _against_script(site, site.logs.all_different(rows), "all addresses different", 0.45)


def _against_script(site: Site, log: Path, kind: str, bound: float) -> Finding:
    rows = site.sized(MILLION)
    command = [str(site.recorder), str(BENCHMARKS / "plain_script.py"), str(log), SOURCE]
    script = Variant("plain script: one request", rows=rows)
    task = Variant("`ansible-playbook` with one task", rows=rows)
    alternately(
        site.rounds,
        (script, lambda: site.measured(command, site.environment(), accepted=rows)),
        (task, lambda: site.upload(log, None, accepted=rows)),
    )
    promises = [
        Promise(f"(a) {kind}: the whole playbook run, of the script's time", of_minima(task.walls, script.walls), bound),
        Promise(f"(a) {kind}: peak of the module's process, MiB", [run.peak for run in task.runs], 80, form=".1f"),
    ]
    processor = min(run.cpu for run in task.runs) / min(run.cpu for run in script.runs)
    busy = 100 * median(ratios([run.cpu for run in task.runs], task.walls))
    note = (
        f"Processor time (user and system) is {processor:.2f} of the script's (minima). "
        f"The playbook run keeps one core busy for {busy:.0f} % of its time: reading, checking, recording and sending share one "
        "Python interpreter."
    )
    return Finding(f"(a) {rows:,} rows, {kind}, against a plain script", [script, task], promises, [note])


def again_and_grown(site: Site) -> Finding:
    """(b) The same upload again, (c) with rows appended, and both against a file of ten rows."""
    rows = site.sized(MILLION)
    log, ten = site.folder / "growing.csv", site.logs.of(10)
    copyfile(site.logs.of(rows), log)
    state, state_of_ten = site.new_state(), site.new_state()
    site.upload(log, state, accepted=rows)
    site.upload(ten, state_of_ten, accepted=10)
    length = rows

    def grown() -> Usage:
        nonlocal length
        site.logs.write(log, length, _APPENDED)
        length += _APPENDED
        return site.upload(log, state, accepted=_APPENDED)

    new_ten = Variant("ten rows, new", rows=10)
    ten_again = Variant("ten rows, again", rows=10)
    again = Variant(f"{rows:,} rows, again", rows=rows)
    appended = Variant(f"{_APPENDED:,} rows more", rows=_APPENDED)
    variants = alternately(
        site.at_least(5),
        (new_ten, lambda: site.upload(ten, None, accepted=10)),
        (ten_again, lambda: site.upload(ten, state_of_ten, accepted=0)),
        (again, lambda: site.upload(log, state, accepted=0)),
        (appended, grown),
    )
    promises = [
        Promise("(b) the same again, of the task on a new ten-row file", of_minima(again.walls, new_ten.walls), 1.3),
        Promise("(b) the same again, of the task on the same ten rows again", of_minima(again.walls, ten_again.walls), 1.3),
        Promise("(c) rows appended, of the task on a new ten-row file", of_minima(appended.walls, new_ten.walls), 1.5),
    ]
    return Finding("(b) the same again, (c) rows appended", variants, promises)


def by_length(site: Site) -> Finding:
    """(e) Ten million rows, beside one million."""
    few, many = site.sized(MILLION), site.sized(10 * MILLION)
    short, long = Variant(f"{few:,} rows", rows=few), Variant(f"{many:,} rows", rows=many)
    alternately(
        max(site.rounds // 4, 1),
        (short, lambda: site.upload(site.logs.of(few), None, accepted=few)),
        (long, lambda: site.upload(site.logs.of(many), None, accepted=many)),
    )
    slower = [seconds * few / many for seconds in long.walls]
    growth = ratios([run.peak for run in long.runs], [run.peak for run in short.runs])
    slopes = [(b - a) / (many - few) * 1e6 for a, b in zip(short.walls, long.walls, strict=True)]
    promises = [
        Promise("(e) time for each row, of that in the shorter log", of_minima(slower, short.walls), 1.15),
        Promise("(e) peak of the module's process, of that with the shorter log", growth, 1.1),
    ]
    notes = [f"Each further million rows takes {', '.join(f'{slope:.2f}' for slope in slopes)} s."]
    return Finding(f"(e) {many:,} rows", [short, long], promises, notes)


def slow_network(site: Site) -> Finding:
    """(f) 100 ms for each request, with one request at a time and with four."""
    rows = site.sized(MILLION // 10)
    log = site.logs.of(rows)
    site.control.configure(latency=0.1)
    one, four = Variant("`concurrency: 1`", rows=rows), Variant("`concurrency: 4`", rows=rows)

    def upload(concurrency: int) -> Usage:
        task = {"source": SOURCE, "path": str(log), "concurrency": concurrency, "batch_size": _BATCH}
        playbook = site.playbook("slow", [{"name": "Upload", "secops.xdr.extrahop_observation": task}])
        return site.measured(site.ansible(playbook), site.environment(), accepted=rows)

    variants = alternately(site.rounds, (one, lambda: upload(1)), (four, lambda: upload(4)))
    requests = -(-rows // _BATCH)
    note = (
        f"{requests} requests of {_BATCH} rows: {requests / 10:.1f} s of waiting with one at a time, {requests / 40:.1f} s with four. "
        f"Four at once took {1 / min(ratios(four.walls, one.walls)):.1f} times less at best."
    )
    return Finding(f"(f) {rows:,} rows at 100 ms a request", variants, [], [note])
