# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""(h) A small upload as a task, and one that needs only the ledger, compared with a `uri` task with the same request."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from _findings import Finding, Promise, Variant, alternately, of_minima
from _read_csv import uri_task
from _site import SOURCE

if TYPE_CHECKING:
    from _processes import Usage
    from _site import Site

_TASKS = 12
_START = 1_700_000_000
_PING, _URI, _MODULE, _AGAIN = "ping", "uri", "extrahop_observation", "extrahop_observation, again"
_KINDS = (_PING, _URI, _MODULE, _AGAIN)


def small_upload(site: Site) -> Finding:
    """Many tasks in one play, in turns; and whole playbooks with a single task each."""
    tasks = 3 if site.is_quick else _TASKS
    steps = [_task(site, name, number) for number in range(tasks) for name in _KINDS]
    plays = [site.timed(site.playbook("tasks", steps), site.environment(), accepted=2 * tasks) for _round in range(site.rounds)]
    pooled = {name: [seconds for play in plays for kind, seconds in play.tasks if kind == name] for name in _KINDS}
    lines = ["| task | seconds: median (min to max) |", "|---|---|"]
    for name, seconds in pooled.items():
        lines.append(f"| `{name}` | {median(seconds):.3f} ({min(seconds):.3f} to {max(seconds):.3f}) |")
    variants = _whole_playbooks(site)
    _ping, uri, module, again = (variant.walls for variant in variants)
    promises = [
        Promise("(h) a task in a play, of a `uri` task", of_minima(pooled[_MODULE], pooled[_URI]), 1.15),
        Promise("(h) a task that the ledger alone decides, of a `uri` task", of_minima(pooled[_AGAIN], pooled[_URI]), 1.0),
        Promise("(h) a whole playbook with one task, of one with a `uri` task", of_minima(module, uri), 1.15),
        Promise("(h) a whole playbook that the ledger alone decides, of one with a `uri` task", of_minima(again, uri), 1.0),
    ]
    title = f"(h) one small upload ({len(plays)} plays of {tasks} tasks of each kind, in turns)"
    costs = (
        "What a task of the module takes beyond `ping` is the import of `requests`, if something is sent, and of the module's own files, "
        "which Ansible ships as source and Python compiles again for each task; the upload itself takes little beside that. "
        "A whole playbook also waits until Ansible has read and packed all files that the module may need, those of every log format "
        "among them; the next tasks of the play use that package again."
    )
    notes = ["`ping` sends nothing: it shows what Ansible itself needs for a task.", costs]
    return Finding(title, variants, promises, notes, "\n".join(lines))


def _task(site: Site, name: str, number: int) -> dict[str, Any]:
    observation = {"ipaddr": f"10.8.0.{number % 250 + 1}", "associated_ipaddr": "203.0.113.9", "timestamp": _START + number}
    if name == _PING:
        return {"name": name, "ansible.builtin.ping": {}}
    if name == _URI:
        return {"name": name, **uri_task(site, [observation])}
    return {"name": name, "secops.xdr.extrahop_observation": {"source": SOURCE, "observations": [observation]}}


def _whole_playbooks(site: Site) -> list[Variant]:
    state = site.new_state()
    number = 0

    def measured(name: str) -> Usage:
        nonlocal number
        number += name != _AGAIN
        playbook = site.playbook("single", [_task(site, name, number)])
        return site.measured(site.ansible(playbook, is_recorded=False), site.environment(state), accepted=int(name in (_URI, _MODULE)))

    measured(_MODULE)
    ping, uri, module, again = (Variant(f"playbook with one `{name}` task") for name in _KINDS)
    return alternately(
        site.at_least(5),
        (ping, lambda: measured(_PING)),
        (uri, lambda: measured(_URI)),
        (module, lambda: measured(_MODULE)),
        (again, lambda: measured(_AGAIN)),
    )
