# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook secops.xdr.incident_tagging, run as people run it: from a VPN log to events that name the user."""

from __future__ import annotations

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from demo.sample_events import sample_events, sample_sessions

if TYPE_CHECKING:
    from .conftest import Appliance, Playground

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = ROOT / "playbooks" / "incident_tagging.yml"
SESSIONS = list(sample_sessions())


def attempt(playground: Playground, appliance: Appliance, *arguments: str, **variables: Any) -> tuple[str, int]:
    """Runs the playbook; returns what it printed and the status that it ended with. The environment of the playground goes first."""
    playground.environment = {
        **appliance.environment,
        "SECOPS_XDR_LEDGER": str(playground.folder / "ledger.sqlite3"),
        **playground.environment,
    }
    done = playground.playbook("secops.xdr.incident_tagging", *arguments, **variables)
    return done.output, done.status


def run(playground: Playground, appliance: Appliance, *arguments: str, **variables: Any) -> tuple[str, int]:
    """Runs the playbook, which must succeed; returns what it printed and how many tasks changed something."""
    output, status = attempt(playground, appliance, *arguments, **variables)
    assert status == 0, output
    assert "WARNING" not in output
    assert "DEPRECATED" not in output
    return output, sum(int(number) for number in re.findall(r"\bchanged=(\d+)", output))


def who_had(source: dict[str, Any]) -> set[tuple[str, str]]:
    """User and outside address of the sessions that an event falls into, found by looking at every session."""
    held = set()
    for session in SESSIONS:
        if (
            session.ipaddr == source.get("srcip")
            and session.start.timestamp() * 1000 <= source["timestamp"] <= session.end.timestamp() * 1000
        ):
            held.add((session.username, session.associated_ipaddr))
    return held


def stellar_writes(appliance: Appliance) -> int:
    """The number of writes that Stellar Cyber received."""
    return sum("update" in write["path"] or "security_events" in write["path"] for write in appliance.control.writes())


def test_without_a_variable_the_sample_events_name_their_users_once(playground: Playground, appliance: Appliance) -> None:
    appliance.control.add_events(*sample_events())
    output, changed = run(playground, appliance)
    assert changed == 2
    events = [event["_source"] for event in appliance.control.events()]
    named = 0
    for source in events:
        held = who_had(source) if source["event_status"] != "Closed" else set()
        assert len(held) < 2, "the sample events are to be clear"
        comments = [comment["comment"] for comment in source.get("comments", [])]
        assert source.get("event_tags", []) == [f"vpn_user:{user}" for user, _address in held]
        assert len(comments) == len(held)
        for (user, address), comment in zip(held, comments, strict=True):
            assert comment.startswith(f"VPN address {source['srcip']} was {user}, from {address}. Session: 2025-")
        named += len(held)
    assert named > 10
    assert f"{named} attributed to their VPN users" in output
    assert "1 doubtful, so nobody is named" in output
    assert "1 at a time that the logs do not cover" in output
    assert "1 without a session in the log" in output
    assert appliance.control.state["extrahop"]["observations"]["distinct"] > 4000

    writes = len(appliance.control.writes())
    output, changed = run(playground, appliance)
    assert changed == 0
    assert len(appliance.control.writes()) == writes
    assert f"{named} already attributed by earlier runs" in output


def test_in_check_mode_it_is_a_plan(playground: Playground, appliance: Appliance) -> None:
    appliance.control.add_events(*sample_events())
    output, changed = run(playground, appliance, "--check", "--diff", vpn_report="report.html")
    assert changed == 2
    assert re.search(r"\d+ would be attributed to their VPN users", output)
    assert re.search(r"\+ +\"vpn_user:", output)
    assert appliance.control.writes() == []
    assert not (playground.folder / "report.html").exists()


def test_the_variables_reach_both_halves(playground: Playground, appliance: Appliance) -> None:
    log = "Außen;Innen;Wann;Wer\n203.0.113.9;10.8.3.7;2024-05-31 10:00;jsmith\n203.0.113.10;10.8.3.7;2024-05-31 11:00;other\nx;y;z;a\n"
    (playground.folder / "vpn.csv").write_text(log, encoding="latin-1")
    appliance.control.add_events(
        {"event_name": "A", "event_status": "New", "event_score": 90, "srcip": "10.8.3.7", "timestamp": 1717143300000},
        {"event_name": "B", "event_status": "New", "event_score": 10, "srcip": "10.8.3.7", "timestamp": 1717143300000},
    )
    run(
        playground,
        appliance,
        vpn_log="vpn.csv",
        vpn_log_format="csv",
        vpn_columns={"ipaddr": "Innen", "associated_ipaddr": "Außen", "timestamp": "Wann", "username": "Wer"},
        vpn_timestamp_format="%Y-%m-%d %H:%M",
        vpn_timezone="Europe/Berlin",
        vpn_delimiter=";",
        vpn_encoding="latin-1",
        vpn_on_invalid="skip",
        vpn_source="Gateway 7",
        vpn_ledger="other.sqlite3",
        vpn_report="report.html",
        vpn_attribution_minimum_score=50,
        vpn_attribution_tags=["who:{username}", "vpn"],
        vpn_attribution_comment="{username} ({end})",
    )
    first, second = (event["_source"] for event in appliance.control.events())
    assert first["event_tags"] == ["who:jsmith", "vpn"]
    assert [comment["comment"] for comment in first["comments"]] == ["jsmith ((no end in the log))"]
    assert "event_tags" not in second
    assert {row["source"] for row in appliance.control.observations()} == {"Gateway 7"}
    assert len(appliance.control.observations()) == 2
    assert (playground.folder / "other.sqlite3").exists()
    assert "jsmith" in (playground.folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("report", "message", "arguments"),
    [
        ("missing/report.html", "missing is not a folder", ()),
        ("vpn.csv", "is a VPN log that is read", ()),
        ("vpn.csv", "is a VPN log that is read", ("--check",)),
        (".", "exists and is not a file", ()),
    ],
)
def test_a_report_that_cannot_be_written_stops_it_before_anything_is_sent(
    playground: Playground, appliance: Appliance, report: str, message: str, arguments: tuple[str, ...]
) -> None:
    log = playground.folder / "vpn.csv"
    log.write_text("Real IP,VPN IP,Start Time\n203.0.113.9,10.8.3.7,05/31/24 08:15:00\n", encoding="utf-8")
    before = log.read_bytes()
    output, status = attempt(playground, appliance, *arguments, vpn_log="vpn.csv", vpn_report=report)
    assert status != 0
    assert message in " ".join(output.split())
    assert "nothing was read or written" in " ".join(output.split())
    assert appliance.control.requests() == []
    assert log.read_bytes() == before


@pytest.mark.parametrize("name", ["EXTRAHOP_HOST", "STELLAR_HOST"])
def test_the_sample_log_reaches_no_product_in_use(playground: Playground, appliance: Appliance, name: str) -> None:
    playground.environment[name] = "product.invalid"
    output, status = attempt(playground, appliance, vpn_lgo="vpn.csv")
    assert status != 0
    assert "Set vpn_log to the VPN log. Nothing was read or sent." in output
    assert f"only if {name} is on the" in output
    assert appliance.control.requests() == []


def live_log(playground: Playground, appliance: Appliance) -> Path:
    """A log whose last line is a minute old, as the file is, and an event of now from the address in it."""
    now = time.time()
    log = playground.folder / "live.csv"
    began = time.strftime("%m/%d/%y %H:%M:%S", time.gmtime(now - 60))
    log.write_text(f"Username,Real IP,VPN IP,Start Time\nearlier,203.0.113.8,10.8.3.7,{began}\n", encoding="utf-8")
    os.utime(log, (now - 60, now - 60))
    appliance.control.add_events({"event_name": "A", "event_status": "New", "srcip": "10.8.3.7", "timestamp": int(now * 1000)})
    return log


def test_a_live_log_is_complete_up_to_the_start(playground: Playground, appliance: Appliance) -> None:
    variables = {"vpn_log": str(live_log(playground, appliance)), "vpn_timezone": "UTC"}
    output, _changed = run(playground, appliance, **variables)
    assert "1 at a time that the logs do not cover" in output
    # What comes after the start of the playbook may not be in the log.
    run(playground, appliance, "--check", **variables, vpn_log_delay="")
    ahead = {"event_name": "B", "event_status": "New", "srcip": "10.8.3.7", "timestamp": int(time.time() + 600) * 1000}
    appliance.control.add_events(ahead)
    run(playground, appliance, **variables, vpn_log_delay=0)
    assert [event["tags"] for event in appliance.control.events()] == [["vpn_user:earlier"], []]


def test_a_line_that_comes_late_into_a_live_log_counts(playground: Playground, appliance: Appliance) -> None:
    log = live_log(playground, appliance)
    late = "late,203.0.113.9,10.8.3.7," + time.strftime("%m/%d/%y %H:%M:%S", time.gmtime(time.time() - 30))
    with ThreadPoolExecutor() as pool:
        running = pool.submit(run, playground, appliance, vpn_log=str(log), vpn_timezone="UTC", vpn_log_delay=5)
        while not appliance.control.writes() and not running.done():
            time.sleep(0.1)
        with log.open("a", encoding="utf-8") as file:
            file.write(late + "\n")
        running.result()
    assert [event["tags"] for event in appliance.control.events()] == [["vpn_user:late"]]


@pytest.mark.parametrize("delay", ["soon", -1, "1.5", 99999, "5\n5"])
def test_a_delay_that_is_no_number_of_seconds_is_refused(playground: Playground, appliance: Appliance, delay: Any) -> None:
    output, status = attempt(playground, appliance, vpn_log=str(live_log(playground, appliance)), vpn_log_delay=delay)
    assert status != 0
    assert "is not a whole number of seconds below 10000" in " ".join(output.split())
    assert appliance.control.requests() == []


def test_extrahop_can_be_left_out_and_may_then_be_anywhere(playground: Playground, appliance: Appliance) -> None:
    playground.environment["EXTRAHOP_HOST"] = "product.invalid"
    appliance.control.add_events(*sample_events()[:1])
    _output, changed = run(playground, appliance, vpn_upload=False)
    assert changed == 1
    assert appliance.control.requests(path="/api/") == []
    assert stellar_writes(appliance) >= 1


def test_the_head_of_the_playbook_describes_the_variables_that_it_has() -> None:
    head, _line, tasks = PLAYBOOK.read_text(encoding="utf-8").partition("\n- name:")
    described = set(re.findall(r"^#   (vpn_\w+) +\S", head, re.MULTILINE))
    assert described == set(re.findall(r"^ +(vpn_\w+): \{", tasks, re.MULTILINE))
