# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays of the guides, run unchanged, do what the guides say."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import yaml

from .conftest import ROOT, Appliance, Playground, PlayRun


def play_of_a_guide(guide: str, name: str) -> dict[str, Any]:
    """The play of that name in a guide."""
    text = (ROOT / "docs" / "docsite" / "rst" / f"guide_{guide}.rst").read_text(encoding="utf-8")
    [block] = re.findall(rf"^(  - name: {re.escape(name)}\n(?:    .*\n|\n)+)", text, re.MULTILINE)
    [play] = yaml.safe_load(textwrap.dedent(block))
    return dict(play)


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
