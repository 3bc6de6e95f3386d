# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions of Ansible in texts from logs and servers are data in real plays: in results, facts, loops, messages and writes."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Appliance, Playground, PlayRun

GOOD = ("203.0.113.5", "10.8.0.2", "05/31/24 08:00:00")


@pytest.fixture
def owned(playground: Playground) -> Path:
    """The file that is there once an expression was evaluated."""
    return playground.folder / "owned"


@pytest.fixture
def traps(owned: Path) -> list[str]:
    """Expressions in the notations of Jinja, and what YAML and Ansible take for more than a text."""
    command = f"lookup('ansible.builtin.pipe', 'touch {owned}')"
    return [
        f"{{{{ {command} }}}}",
        f"{{% if {command} %}}{{% endif %}}",
        f"!unsafe {{{{ {command} }}}}",
        f"#jinja2: x\n{{{{ {command} }}}}",
    ]


def write_log(path: Path, *rows: tuple[str, str, str, str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("Real IP", "VPN IP", "Start Time", "Username"), *rows])


def succeeded(run: PlayRun) -> PlayRun:
    assert run.status == 0, run.output
    assert "\x1b" not in run.output
    return run


def test_what_modules_return_is_data(playground: Playground, appliance: Appliance, owned: Path, traps: list[str]) -> None:
    write_log(playground.folder / "vpn.csv", *((*GOOD, trap) for trap in traps))
    playground.environment.update(appliance.environment)
    session = "{{ item.username }}"
    appliance.control.add_events(*({"event_name": trap, "event_status": "New", "timestamp": 1, trap: trap} for trap in traps))
    run = playground.run(
        {"secops.xdr.vpn_session_info": {"path": "vpn.csv", "timezone": "UTC"}, "register": "read"},
        {
            "ansible.builtin.set_fact": {
                "names": "{{ read.sessions | map(attribute='username') }}",
                "first": "{{ read.sessions[0].username }}",
            }
        },
        {"ansible.builtin.debug": {"msg": "{{ first }} {{ names }} {{ read }}"}},
        {"ansible.builtin.copy": {"content": "{{ names | to_json }}", "dest": "names.json"}},
        {
            "secops.xdr.stellar_ser_event": {
                "event_name": session,
                "event_source": session,
                "event_status": "New",
                "timestamp": "2024-05-31T08:00:00Z",
            },
            "loop": "{{ read.sessions }}",
            "loop_control": {"label": session},
        },
        # A search sees what was written a moment ago once the index is refreshed.
        {
            "secops.xdr.stellar_ser_event_info": {"query": "*"},
            "register": "found",
            "until": f"found.events | length == {2 * len(traps)}",
            "delay": 1,
            "retries": 30,
        },
        {"ansible.builtin.debug": {"msg": "{{ found.events }}", "verbosity": 0}, "when": "found.events[0].source.event_name is defined"},
        {"secops.xdr.stellar_ser_update": {"events": "{{ found.events }}", "comment": "{{ first }}", "add_tags": "{{ names }}"}},
        arguments=("-vvv", "--diff"),
    )
    succeeded(run)
    assert not owned.exists()
    assert json.loads((playground.folder / "names.json").read_text(encoding="utf-8")) == traps
    events = appliance.control.events()
    assert [event["_source"]["event_name"] for event in events] == [*traps, *traps]
    for event in events:
        assert [one["comment"] for one in event["_source"]["comments"]] == traps[:1]
        assert event["tags"] == traps


@pytest.mark.parametrize("column", ["address", "time"])
def test_rows_that_cannot_be_used_are_data(
    playground: Playground, appliance: Appliance, owned: Path, traps: list[str], column: str
) -> None:
    """The role that uploads a log shows them, in its summary and where it fails."""
    playground.environment.update(appliance.environment)
    texts = [*traps, "\x1b[2Jcleared", "<b>"]
    rows = [(text, *GOOD[1:], "x") if column == "address" else (*GOOD[:2], text, "x") for text in texts]
    write_log(playground.folder / "vpn.csv", (*GOOD, "alice"), *rows)
    for on_invalid in ("skip", "fail"):
        variables: dict[str, Any] = {
            "vpn_observations_log": str(playground.folder / "vpn.csv"),
            "vpn_observations_timezone": "UTC",
            "vpn_observations_on_invalid": on_invalid,
            "vpn_observations_source": column,
        }
        role = {"ansible.builtin.include_role": {"name": "secops.xdr.vpn_observations"}, "vars": variables}
        run = playground.run(role, arguments=("-vvv",))
        assert (run.status == 0) == (on_invalid == "skip"), run.output
        assert "\x1b" not in run.output
        assert "touch" in run.output
        assert not owned.exists()
    assert len(appliance.control.observations()) == 1
