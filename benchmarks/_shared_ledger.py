# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""(g) Concurrent runs on one PostgreSQL ledger, over logs that overlap, with one of them killed midway."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from _findings import Finding, Promise, Variant
from _processes import Usage
from _site import SOURCE

from support.postgresql import NoPostgresqlError, RunningPostgresql, find_programs

if TYPE_CHECKING:
    from pathlib import Path

    from _processes import Process
    from _site import Site

_ROWS = 100_000
_SHARE = 0.6
"""Each run reads so much of all rows; they begin evenly spread over the rest."""
_PATIENCE = 600.0
_KEY_VARIABLE = "EXTRAHOP_API_KEY"
_CLIENT_VARIABLES = ("EXTRAHOP_CLIENT_ID", "EXTRAHOP_CLIENT_SECRET")


@dataclass
class Outcome:
    """The observations that arrived from several runs."""

    usage: Usage
    twice: int
    lost: int
    under_way: int


def shared_ledger(site: Site) -> Finding:
    """Two and four runs. The one that is killed logs in as another client, so that its requests can be distinguished."""
    finding = Finding("(g) runs at once on one PostgreSQL ledger, one killed midway")
    try:
        programs = find_programs()
    except NoPostgresqlError as error:
        finding.notes.append(f"Not measured: {error}.")
        return finding
    site.control.configure(keep="distinct", journal_size=100_000, journal_bodies=1 << 30, latency=0.01)
    with RunningPostgresql(programs, is_durable=True) as server:
        version = server.execute("SHOW server_version")[0][0]
        for runs in (2, 4):
            rows = site.sized(_ROWS)
            variant = Variant(f"{runs} runs, one killed", rows=rows)
            outcomes = [_measured(site, server.create_database(f"bench_{runs}_{number}"), runs, rows) for number in range(site.rounds)]
            variant.runs = [outcome.usage for outcome in outcomes]
            finding.variants.append(variant)
            twice, lost, under_way = ([float(getattr(one, what)) for one in outcomes] for what in ("twice", "lost", "under_way"))
            finding.promises.append(Promise(f"(g) {runs} runs: rows sent twice by runs that ended well", [max(twice)], 0, form=".0f"))
            finding.promises.append(Promise(f"(g) {runs} runs: rows lost", [max(lost)], 0, form=".0f"))
            finding.notes.append(
                f"{runs} runs: at most {max(under_way):.0f} rows were under way in the run that was killed, and were "
                "sent again by another one, because nobody could know that they had arrived."
            )
    finding.notes.append(
        f"PostgreSQL {version}, with its defaults for durability. Each run reads {_SHARE:.0%} of {rows:,} rows; 10 ms a request. "
        "The time is that from the start of all until the end of the last, and of the job of the killed one when it is run again. "
        "Rows lost are those that had not arrived after that."
    )
    return finding


def _measured(site: Site, ledger: str, runs: int, rows: int) -> Outcome:
    logs = [_window(site, rows, run, runs) for run in range(runs)]
    wanted = {line for log in logs for line in log.read_text(encoding="ascii").splitlines()[1:]}
    site.control.reset(keep_settings=True)
    begun = time.monotonic()
    killed, *others = (site.start_upload(log, ledger, _without(number)) for number, log in enumerate(logs))
    _kill_midway(site, killed, len(wanted) // 3)
    usages = [killed.wait()[1]]
    for process in others:
        status, usage = process.wait()
        usages.append(usage)
        if status:
            raise SystemExit(process.output.read_text(encoding="utf-8", errors="replace")[-4000:])
    status, usage = site.start_upload(logs[0], ledger, _CLIENT_VARIABLES).wait()
    usages.append(usage)
    twice, under_way = _sent_twice(site.control.requests(kind="write"))
    lost = len(wanted) - int(site.control.state["extrahop"]["observations"]["distinct"])
    total = Usage(time.monotonic() - begun, sum(one.cpu for one in usages), max(one.peak for one in usages))
    print(f"  {runs} runs: {total.wall:.2f} s, {twice} twice, {lost} lost, {under_way} under way when killed", flush=True)
    return Outcome(total, twice, lost, under_way)


def _without(number: int) -> tuple[str, ...]:
    return (_KEY_VARIABLE,) if number == 0 else _CLIENT_VARIABLES


def _window(site: Site, rows: int, run: int, runs: int) -> Path:
    path = site.folder / f"window-{rows}-{runs}-{run}.csv"
    if not path.exists():
        size = int(rows * _SHARE)
        site.logs.write(path, (rows - size) * run // (runs - 1), size)
    return path


def _kill_midway(site: Site, process: Process, accepted: int) -> None:
    """Kills the module when this number of observations has arrived, some of them from it."""
    deadline = time.monotonic() + _PATIENCE
    while site.accepted < accepted or not process.module_pids:
        if time.monotonic() > deadline or process.popen.poll() is not None:
            raise SystemExit("the run that was to be killed did not get far enough")
        time.sleep(0.005)
    os.kill(process.module_pids[-1], signal.SIGKILL)


def _sent_twice(requests: list[dict[str, Any]]) -> tuple[int, int]:
    """Rows that arrived twice from successful runs, and rows that arrived from the killed run and from another one."""
    by_others: Counter[tuple[Any, ...]] = Counter()
    by_killed: set[tuple[Any, ...]] = set()
    for request in requests:
        if request["body"]["source"] != SOURCE or not request["worked"]:
            continue
        rows = [tuple(row.values()) for row in request["body"]["observations"]]
        headers = {name.lower(): value for name, value in request["headers"].items()}
        if headers["authorization"].startswith("Bearer"):
            by_killed.update(rows)
        else:
            by_others.update(rows)
    return sum(times - 1 for times in by_others.values()), len(by_killed.intersection(by_others))
