# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time that events, cases and detections take: real tasks of ansible-playbook against an emulator in another process, and `uri`.

Run it with `.venv/bin/python benchmarks/stellar.py` after `make venv`; `--events 200` is a short run. It prints Markdown.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ansible.release

ROOT = Path(__file__).resolve().parents[1]
LATENCY = 0.05
CONCURRENCY = 8
URI_EVENTS = 20
REPEATS = 9
_TIME = re.compile(r"BENCHMARK (\w+) ([\d.]+) ([\d.]+)")
Task = dict[str, Any]


class Bench:
    """A running emulator and the playbooks that are timed against it."""

    def __init__(self, folder: Path, ready: dict[str, Any]) -> None:
        self._folder = folder
        self.host = ready["environment"]["STELLAR_HOST"]
        self._environment = {
            **os.environ,
            **ready["environment"],
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "dev"),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_CONFIG": str(ROOT / "tests" / "support" / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "LC_ALL": "C.UTF-8",
            "XDG_STATE_HOME": str(folder / "state"),
            "SSL_CERT_FILE": ready["ca_path"],
        }
        credentials = ready["environment"]
        self.uri = {
            "url_username": credentials["STELLAR_USERNAME"],
            "url_password": credentials["STELLAR_API_KEY"],
            "force_basic_auth": True,
            "method": "POST",
            "body_format": "json",
            "return_content": True,
        }

    def run(self, *tasks: tuple[str, Task]) -> list[tuple[str, float]]:
        """Runs named tasks one after the other, and returns the name and seconds of each, in order."""
        steps: list[Task] = []
        for number, (name, task) in enumerate(tasks):
            begun = f"begun_{number}"
            steps.append({"ansible.builtin.set_fact": {begun: "{{ now(fmt='%s.%f') }}"}})
            steps.append({"name": name, **task})
            message = f"BENCHMARK {name} {{{{ {begun} }}}} {{{{ now(fmt='%s.%f') }}}}"
            steps.append({"ansible.builtin.debug": {"msg": message}})
        play = [{"hosts": "localhost", "gather_facts": False, "tasks": steps}]
        playbook = self._folder / "playbook.json"
        playbook.write_text(json.dumps(play), encoding="utf-8")
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local", str(playbook)]
        command += ["-e", f"ansible_python_interpreter={sys.executable}"]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout[-4000:] + done.stderr[-4000:])
        return [(name, float(end) - float(start)) for name, start, end in _TIME.findall(done.stdout)]


@contextlib.contextmanager
def running_emulator(folder: Path, latency: float) -> Iterator[Bench]:
    """An emulator with this latency in seconds."""
    ready_file = folder / "ready.json"
    command = [sys.executable, "-m", "emulator", "--port", "0", "--ready-file", str(ready_file), "--set", f"latency={latency}"]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT / "tests")}, stdout=subprocess.DEVNULL)
    try:
        while not ready_file.exists():
            if process.poll() is not None:
                raise SystemExit("the emulator did not start")
            time.sleep(0.05)
        yield Bench(folder, json.loads(ready_file.read_text(encoding="utf-8")))
    finally:
        process.terminate()
        process.wait()


def event(number: int) -> dict[str, Any]:
    """One of many events."""
    return {
        "event_name": f"benchmark {number}",
        "event_source": "benchmark",
        "event_status": "New",
        "timestamp": 1619583462308 + number * 1000,
        "severity": number % 101,
    }


def many(bench: Bench, events: int) -> None:
    """Many events in one task, and a loop over `uri` for a smaller number."""
    insert = {"secops.xdr.stellar_ser_event": {"events": [event(number) for number in range(events)], "concurrency": CONCURRENCY}}
    update = {
        "status": "Closed",
        "comment": "Seen by the benchmark.",
        "add_tags": ["benchmark"],
        "concurrency": CONCURRENCY,
        "events": "{{ inserted.events | map('dict2items') | map('selectattr', 'key', 'in', ['index', 'id']) | map('items2dict') }}",
    }
    by_uri = {
        "ansible.builtin.uri": {**bench.uri, "url": f"https://{bench.host}/connect/api/v1/insert_ser", "body": "{{ item }}"},
        "loop": [event(number) for number in range(10_000, 10_000 + URI_EVENTS)],
        "loop_control": {"label": "{{ item.event_name }}"},
    }
    seconds = dict(
        bench.run(
            ("insert", {**insert, "register": "inserted"}),
            ("insert_again", insert),
            ("update", {"secops.xdr.stellar_ser_update": update}),
            ("update_again", {"secops.xdr.stellar_ser_update": update}),
            ("uri_loop", by_uri),
        )
    )
    an_item = seconds["uri_loop"] / URI_EVENTS
    row(f"insert {events} events, one task", seconds["insert"], events)
    row("the same task again", seconds["insert_again"], events)
    row(f"update {events} events (status, comment, tag; read before and after), one task", seconds["update"], events)
    row("the same task again", seconds["update_again"], events)
    row(f"insert {URI_EVENTS} events in a loop over `uri`", seconds["uri_loop"], URI_EVENTS)
    print(f"| the loop for {events} events, by proportion | {an_item * events:.0f} | {an_item * 1000:.1f} |")


def many_cases(bench: Bench, cases: int) -> None:
    """Many cases in one task."""
    url = f"https://{bench.host}/_emulator/cases"
    seed = {"ansible.builtin.uri": {"url": url, "method": "POST", "body_format": "json", "body": [{} for _case in range(cases)]}}
    fields = {"status": "In Progress", "severity": "High", "add_tags": ["benchmark"]}
    shared = {"cases": "{{ made.json.cases }}", "concurrency": CONCURRENCY}
    update = {"secops.xdr.stellar_case": {**shared, **fields}}
    comment = {"secops.xdr.stellar_case": {**shared, **fields, "status": "Escalated", "comment": "Seen by the benchmark."}}
    tasks = (("seed", {**seed, "register": "made"}), ("update", update), ("update_again", update), ("comment", comment))
    seconds = dict(bench.run(*tasks))
    row(f"update {cases} cases (status, severity, tag; read before and after), one task", seconds["update"], cases)
    row("the same task again", seconds["update_again"], cases)
    row(f"update {cases} cases (status, comment; read before and after), one task", seconds["comment"], cases)


def many_detections(bench: Bench, detections: int) -> None:
    """Many detections in one task."""
    numbers = range(1, detections + 1)
    url = f"https://{bench.host}/_emulator/detections"
    seed = {"ansible.builtin.uri": {"url": url, "method": "POST", "body_format": "json", "body": [{"id": number} for number in numbers]}}
    shared = {"host": bench.host, "detections": [{"id": number} for number in numbers], "concurrency": CONCURRENCY}
    update = {"secops.xdr.extrahop_detection": {**shared, "status": "acknowledged", "note": "Seen by the benchmark."}}
    seconds = dict(bench.run(("seed", seed), ("update", update), ("update_again", update)))
    row(f"update {detections} detections (status, note; read before and after), one task", seconds["update"], detections)
    row("the same task again", seconds["update_again"], detections)


def row(what: str, seconds: float, events: int) -> None:
    """One line of the table."""
    print(f"| {what} | {seconds:.2f} | {seconds / events * 1000:.1f} |")


def single(bench: Bench) -> None:
    """One update with token, read, write and read again, compared with one `uri` task that only writes."""
    bench.run(("insert", {"secops.xdr.stellar_ser_event": event(20_000), "register": "inserted"}))
    tasks: list[tuple[str, Task]] = [("insert", {"secops.xdr.stellar_ser_event": event(20_000), "register": "inserted"})]
    for number in range(REPEATS):
        wanted = {"index": "{{ inserted.index }}", "id": "{{ inserted.id }}", "status": ("Closed", "New")[number % 2]}
        body = {"index": "{{ inserted.index }}", "_id": "{{ inserted.id }}", "status": "In Progress"}
        url = f"https://{bench.host}/connect/api/update_ser"
        tasks.append(("uri", {"ansible.builtin.uri": {**bench.uri, "url": url, "body": body}}))
        tasks.append(("module", {"secops.xdr.stellar_ser_update": wanted}))
    times = bench.run(*tasks)
    by_uri, by_module = (statistics.median(seconds for name, seconds in times if name == wanted) for wanted in ("uri", "module"))
    print(f"| one `uri` task (one request) | {by_uri:.3f} | 1.00 |")
    print(f"| one `stellar_ser_update` task (token, read, write, read) | {by_module:.3f} | {by_module / by_uri:.2f} |")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1000)
    events = parser.parse_args().events
    print(f"Python {platform.python_version()}, ansible-core {ansible.release.__version__}, {os.cpu_count()} CPUs.\n")
    print(f"Each request takes {LATENCY * 1000:.0f} ms, `concurrency: {CONCURRENCY}`:\n")
    print("| what | seconds | ms each |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, running_emulator(Path(folder), LATENCY) as bench:
        many(bench, events)
        many_cases(bench, events)
        many_detections(bench, events)
    print(f"\nRequests without delay, medians of {REPEATS}:\n")
    print("| what | seconds | of `uri` |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, running_emulator(Path(folder), 0.0) as bench:
        single(bench)


if __name__ == "__main__":
    main()
