# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost of a session history: keeping a million sessions, and answering one question and thousands, in time and memory.

Run it with `.venv/bin/python benchmarks/history.py` after `make venv`; `--quick` is a short run, `--postgresql` measures a database too.
It prints Markdown, and its exit status says whether the bounds are held. The first table takes a log into a history with the module
vpn_session, again without a change, and for comparison uploads the same log with extrahop_observation to the emulator. The second measures
the history alone, without a log. Each measurement is made in a separate process, and the best one counts. Limits apply to processor time,
which depends less on other programs. With PostgreSQL, the server's time is added.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _paths import BENCHMARKS, ROOT

from emulator import RunningEmulator, Settings
from support.postgresql import RunningPostgresql, find_programs

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE_SECONDS = 0.05
THOUSANDS_SECONDS = 2.0
MANY = 5_000
HIGHEST_MIB = 100
HIGHEST_RATIO = 1.0
"""Taking a log into a history takes no longer than its upload, by the clock."""
JUDGED_SESSIONS = 100_000
"""With fewer, the start of the modules counts for more than the log."""


def measured(task: str, *arguments: Any, **options: Any) -> dict[str, Any]:
    """Runs one task in a separate process; `options` are those of a module."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "build" / "dev"), str(ROOT / "tests")])}
    command = [sys.executable, str(BENCHMARKS / "_history_task.py"), task, *map(str, arguments)]
    done = subprocess.run(command, input=json.dumps(options), env=environment, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def modules_table(sessions: int, repeats: int, with_postgresql: bool) -> bool:
    """Prints what the modules need for one log; returns whether the bounds are held."""
    print(f"A log of {sessions:,} sessions through the modules; times of the processor, and in brackets by the clock\n")
    print("| run | the log | again, unchanged | peak memory |\n|---|---|---|---|")
    emulator = RunningEmulator(Settings(refresh_delay=0.0))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        emulator.start()
        opened.callback(emulator.stop)
        log = {"path": write_log(Path(folder, "vpn.csv"), sessions), "timestamp_format": "epoch"}
        to = {"host": emulator.environment()["EXTRAHOP_HOST"], "api_key": emulator.environment()["EXTRAHOP_API_KEY"], "source": "VPN"}
        to["ca_path"] = emulator.environment()["EXTRAHOP_CA_PATH"]
        uploads = []
        for number in range(repeats):
            options = {**log, **to, "ledger": str(Path(folder, f"ledger-{number}.sqlite3"))}
            uploads.append([measured("module", "extrahop_observation", **options) for _time in range(2)])
        held, ratios = True, []
        upload = _best_row("upload (extrahop_observation)", uploads)
        for kind, location in locations(folder, with_postgresql, opened):
            runs = []
            for number in range(repeats if kind == "SQLite" else 1):
                options = {**log, "columns": {"duration": "Seconds"}, "gateway": "vpn1", "history": f"{location}{number or ''}"}
                runs.append([measured("module", "vpn_session", **options) for _time in range(2)])
            taken = _best_row(f"history (vpn_session, {kind})", runs)
            held = held and max(run["mib"] for pair in runs for run in pair) <= HIGHEST_MIB
            ratios.append(f"into {kind} in {taken / upload:.2f} times the time of the upload")
            held = held and (kind != "SQLite" or taken <= HIGHEST_RATIO * upload or sessions < JUDGED_SESSIONS)
    print(f"\n{'; '.join(ratios)} (bound for SQLite: {HIGHEST_RATIO})\n".replace("into", "Into", 1))
    return held


def _best_row(title: str, runs: list[list[dict[str, Any]]]) -> float:
    """Prints the best runs as a row; returns the shortest time of a first one by the clock."""
    first, again = (min((pair[place] for pair in runs), key=lambda run: run["processor"]) for place in range(2))
    mib = max(run["mib"] for pair in runs for run in pair)
    print(f"| {title} | {_shown(first)} | {_shown(again)} | {mib:.0f} MiB |", flush=True)
    return min(float(pair[0]["seconds"]) for pair in runs)


def write_log(path: Path, sessions: int) -> str:
    """A log of sessions with their lengths, on 4,000 addresses."""
    dice = random.Random(3)
    with path.open("w", encoding="utf-8") as log:
        log.write("Username,Real IP,VPN IP,Start Time,Seconds\n")
        for number in range(sessions):
            user, inside = dice.randrange(5_000), number % 4_000
            row = f"user{user},203.0.113.{user % 250 + 1},10.8.{inside // 250}.{inside % 250 + 1},{1_700_000_000 + 7 * number}"
            log.write(f"{row},{dice.randrange(60, 28_000)}\n")
    return str(path)


def locations(folder: str, with_postgresql: bool, opened: ExitStack) -> Iterator[tuple[str, str]]:
    """The kinds of history and where they are."""
    yield "SQLite", str(Path(folder, "sessions.sqlite3"))
    if with_postgresql:
        server = opened.enter_context(RunningPostgresql(find_programs(), is_durable=True))
        yield "PostgreSQL", server.create_database("history")


def table(sessions: int, repeats: int, with_postgresql: bool) -> bool:
    """Prints a row for each kind of history; returns whether the bounds are held."""
    print(f"{sessions:,} sessions on 4,000 addresses of 3 gateways; times of this process, and in brackets by the clock\n")
    print("| history | keeping | one question | 5,000 questions | named | peak memory |\n|---|---|---|---|---|---|")
    held = True
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        for kind, location in locations(folder, with_postgresql, opened):
            kept = measured("keep", location, sessions)
            one = [measured("ask", location, sessions, 1) for _time in range(repeats)]
            many = [measured("ask", location, sessions, MANY) for _time in range(repeats)]
            one_best, many_best = (min(runs, key=lambda run: run["processor"]) for runs in (one, many))
            mib = max(run["mib"] for run in (kept, *one, *many))
            held = held and one_best["processor"] <= ONE_SECONDS and many_best["processor"] <= THOUSANDS_SECONDS and mib <= HIGHEST_MIB
            print(
                f"| {kind} | {_shown(kept)} | {_shown(one_best)} | {_shown(many_best)} | {many_best['named']:,} | {mib:.0f} MiB |",
                flush=True,
            )
    bounds = f"one question {ONE_SECONDS * 1000:.0f} ms, 5,000 questions {THOUSANDS_SECONDS:.0f} s, {HIGHEST_MIB} MiB"
    print(f"\nBounds ({bounds}): {'held' if held else 'NOT held'}")
    return held


def _shown(run: dict[str, Any]) -> str:
    return f"{run['processor']:.3f} s ({run['seconds']:.3f} s)"


def main() -> int:
    """Prints a table; the exit status says whether the bounds are held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the sessions, once: to see that it works")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    sessions, repeats = (options.sessions // 100, 1) if options.quick else (options.sessions, options.repeats)
    tables = [part(sessions, repeats, options.postgresql) for part in (modules_table, table)]
    return 0 if all(tables) else 1


if __name__ == "__main__":
    sys.exit(main())
