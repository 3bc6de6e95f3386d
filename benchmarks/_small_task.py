# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""(h) One small upload as a task, beside one `uri` task with the same request."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from _findings import Finding, Promise, Variant, alternately, ratios
from _paths import BENCHMARKS
from _processes import Usage, run
from _read_csv import uri_task
from _site import SOURCE

if TYPE_CHECKING:
    from _site import Site

_TASKS = 30
_START = 1_700_000_000
_PING, _URI, _MODULE = "ping", "uri", "extrahop_observation"


def small_upload(site: Site) -> Finding:
    """Many tasks in one play, in turns; and whole playbooks with a single task each."""
    tasks = 3 if site.is_quick else _TASKS
    plays = [_task_seconds(site, tasks) for _round in range(site.rounds)]
    lines = ["| task | seconds: median (min to max) |", "|---|---|"]
    pooled = {name: sorted(seconds for play in plays for seconds in play[name]) for name in (_PING, _URI, _MODULE)}
    for name, seconds in pooled.items():
        lines.append(f"| `{name}` | {_middle(seconds):.3f} ({seconds[0]:.3f} to {seconds[-1]:.3f}) |")
    in_play = [_middle(sorted(play[_MODULE])) / _middle(sorted(play[_URI])) for play in plays]
    variants = _whole_playbooks(site)
    promises = [
        Promise("(h) a task in a play, of a `uri` task: medians of each play", in_play, 1.15),
        Promise("(h) a whole playbook with one task, of one with a `uri` task", ratios(variants[2].walls, variants[1].walls), 1.15),
    ]
    title = f"(h) one small upload ({len(plays)} plays of {tasks} tasks each, in turns)"
    costs = (
        "What a task of the module takes beyond `uri` is the import of `requests` and of the module's own files, which Ansible ships as "
        "source and Python compiles again for each task; the upload itself takes little beside that."
    )
    notes = ["`ping` sends nothing: it shows what Ansible itself needs for a task.", costs]
    return Finding(title, variants, promises, notes, "\n".join(lines))


def _middle(ordered: list[float]) -> float:
    return ordered[len(ordered) // 2]


def _task(site: Site, name: str, number: int) -> dict[str, Any]:
    observation = {"ipaddr": f"10.8.0.{number % 250 + 1}", "associated_ipaddr": "203.0.113.9", "timestamp": _START + number}
    if name == _PING:
        return {"name": name, "ansible.builtin.ping": {}}
    if name == _URI:
        return {"name": name, **uri_task(site, [observation])}
    return {"name": name, "secops.xdr.extrahop_observation": {"source": SOURCE, "observations": [observation]}}


def _task_seconds(site: Site, tasks: int) -> dict[str, list[float]]:
    """How long each task of one play took, by what it is."""
    steps = [_task(site, name, number) for number in range(tasks) for name in (_PING, _URI, _MODULE)]
    with tempfile.NamedTemporaryFile(dir=site.folder, suffix=".jsonl") as times:
        environment = site.environment(
            ANSIBLE_CALLBACK_PLUGINS=str(BENCHMARKS / "callback_plugins"),
            ANSIBLE_CALLBACKS_ENABLED="task_times",
            BENCHMARK_TASK_TIMES=times.name,
        )
        run(site.ansible(site.playbook("tasks", steps), is_recorded=False), environment, site.folder)
        seconds: dict[str, list[float]] = defaultdict(list)
        for line in times:
            entry = json.loads(line)
            seconds[entry["name"]].append(entry["seconds"])
    print("  " + ", ".join(f"{name} {_middle(sorted(values)):.3f} s" for name, values in seconds.items()), flush=True)
    return seconds


def _whole_playbooks(site: Site) -> list[Variant]:
    state = site.new_state()
    number = 0

    def measured(name: str) -> Usage:
        nonlocal number
        number += 1
        playbook = site.playbook("single", [_task(site, name, number)])
        command = site.ansible(playbook, is_recorded=False)
        return site.measured(command, site.environment(state), accepted=int(name != _PING))

    measured(_MODULE)
    ping, uri, module = (Variant(f"playbook with one `{name}` task") for name in (_PING, _URI, _MODULE))
    return alternately(
        site.at_least(5),
        (ping, lambda: measured(_PING)),
        (uri, lambda: measured(_URI)),
        (module, lambda: measured(_MODULE)),
    )
