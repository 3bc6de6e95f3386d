# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays and tasks of README and guides have a valid syntax; some are run unchanged, and do what the guides say."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import yaml

from support.pages import PAGES, ROOT, blocks

from .conftest import COLLECTIONS, Appliance, Playground, PlayRun

ELSEWHERE = {
    "community/general/plugins/modules/mail.py": "",
    "community/general/plugins/modules/read_csv.py": "",
    "infra/aap_configuration/roles/dispatch/tasks/main.yml": "[]",
}
"""Files of other collections that examples name. Their content is not looked at."""


def play_of_a_guide(guide: str, name: str) -> dict[str, Any]:
    """The play of that name in a guide."""
    text = (ROOT / "docs" / "docsite" / "rst" / f"guide_{guide}.rst").read_text(encoding="utf-8")
    [block] = re.findall(rf"^(  - name: {re.escape(name)}\n(?:    .*\n|\n)+)", text, re.MULTILINE)
    [play] = yaml.safe_load(textwrap.dedent(block))
    return dict(play)


def playbooks_of_the_pages(folder: Path) -> list[str]:
    """Writes each block with plays or tasks into a file, tasks as a play; returns their names."""
    names = []
    for page in PAGES:
        for number, block in enumerate(blocks(page, "yaml", "yaml+jinja")):
            items = yaml.safe_load(block)
            if not isinstance(items, list) or any("rules" in item for item in items):
                continue
            is_play = any({"hosts", "ansible.builtin.import_playbook"} & set(item) for item in items)
            names.append(f"{page.parent.name}-{page.stem}-{number}.yml")
            text = block if is_play else f"- hosts: localhost\n  tasks:\n{textwrap.indent(block, '    ')}"
            (folder / names[-1]).write_text(text, encoding="utf-8")
    return names


def test_every_play_and_task_of_the_pages_has_a_valid_syntax(playground: Playground) -> None:
    for path, text in ELSEWHERE.items():
        file = playground.folder / "elsewhere" / "ansible_collections" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    playground.environment["ANSIBLE_COLLECTIONS_PATH"] = f"{COLLECTIONS}:{playground.folder / 'elsewhere'}"
    names = playbooks_of_the_pages(playground.folder)
    assert len(names) > 25

    done = playground.playbook("--syntax-check", *names)

    assert done.status == 0, done.output
    assert re.findall(r"^playbook: (.+)$", done.stdout, re.MULTILINE) == names


def test_a_task_with_an_unknown_key_is_found(playground: Playground) -> None:
    done = playground.run({"secops.xdr.stellar_ser_event_info": {}, "registers": "found"}, arguments=("--syntax-check",))
    assert done.status != 0
    assert "registers" in done.output


def run(playground: Playground, play: dict[str, Any], *arguments: str) -> PlayRun:
    """A run that takes host and credentials from the environment instead of from the play."""
    done = playground.run(*play["tasks"], arguments=arguments, hosts=play["hosts"], name=play["name"])
    assert done.status == 0, done.output
    return done


def test_from_a_finding_to_a_closed_event(appliance: Appliance, playground: Playground) -> None:
    playground.environment.update(appliance.environment)
    appliance.control.configure(refresh_delay=0)
    report = play_of_a_guide("stellar_events", "Report a finding and start work on it")
    close = play_of_a_guide("stellar_events", "Close what the scanner reported")

    assert [run(playground, report).recap("changed") for _time in range(2)] == [2, 0]
    [event] = appliance.control.events()
    assert event["_source"]["event_status"] == "In Progress"
    assert event["tags"] == ["scanner"]

    assert [run(playground, close).recap("changed") for _time in range(2)] == [1, 0]
    [event] = appliance.control.events()
    assert event["_source"]["event_status"] == "Closed"
    assert [comment["comment"] for comment in event["_source"]["comments"]] == [
        "Ticket 4711 was opened.",
        "Today's scan no longer finds it.",
    ]


def test_from_open_detections_to_tagged_devices(appliance: Appliance, playground: Playground) -> None:
    playground.environment.update(appliance.environment)
    device = {"object_type": "device", "role": "offender", "external": False}
    appliance.control.add_devices({"id": 7, "ipaddr4": "10.8.3.7", "tags": ["laptop"]}, {"id": 8, "ipaddr4": "10.8.3.8"})
    appliance.control.add_detections(
        {"id": 1, "participants": [{**device, "object_id": 7}, {**device, "role": "victim", "object_id": 8}]},
        {"id": 2, "status": "new", "risk_score": 90, "participants": [{**device, "object_id": 7}]},
        {"id": 3, "risk_score": 30, "participants": [{**device, "object_id": 8}]},
    )
    play = play_of_a_guide("extrahop_detections", "Take over what was detected last night")

    assert run(playground, play, "--check", "--diff").recap("changed") == 2
    assert appliance.control.writes() == []
    assert [run(playground, play).recap("changed") for _time in range(2)] == [2, 0]
    assert [(one["status"], one["assignee"]) for one in appliance.control.detections()] == [
        ("in_progress", "sally"),
        ("in_progress", "sally"),
        (None, None),
    ]
    assert [(one["tags"], one["on_watchlist"]) for one in appliance.control.devices()] == [(["laptop", "night-shift"], True), ([], False)]
