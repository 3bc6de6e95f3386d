# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role vpn_attribution in real plays: what logs hold is data, what failed is told, and nothing is written twice."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Appliance, Playground, PlayRun

HEADER = ["Username", "Real IP", "VPN IP", "Start Time"]
LOG_END = 1717199990
"""Ten seconds before the end of 31 May 2024, UTC, in epoch seconds."""
HOSTILE = [
    "{{ 7*7 }}",
    "{{ lookup('ansible.builtin.pipe', 'touch owned') }}",
    "{% set x = 1 %}{# #}",
    "['a', 'b']",
    '{"a": 1}',
    "<img src=x onerror=alert(1)>",
    "\x1b[2Jcleared",
    "two\nlines",
    'o\'neil "quoted" \\n',
    "CORP\\jsmith",
    "!unsafe x",
    "@/etc/passwd",
    "{username}",
    "yes",
    "1e5",
]


class Site:
    """A log, events, and plays with the role."""

    def __init__(self, playground: Playground, appliance: Appliance) -> None:
        self.folder = playground.folder
        self.control = appliance.control
        self._playground = playground
        playground.environment.update(appliance.environment)

    def log(self, *rows: tuple[str, str, str, str]) -> None:
        """Writes rows of user, outside address, VPN address and time on 31 May 2024, UTC."""
        with (self.folder / "vpn.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEADER, *((user, real, vpn, f"05/31/24 {time}:00") for user, real, vpn, time in rows)])
        # As if it had been written to until the end of that day.
        os.utime(self.folder / "vpn.csv", (LOG_END, LOG_END))

    def alert(self, address: str, time: str, **source: Any) -> None:
        """Adds an event at a time on that day."""
        hours, minutes = time.split(":")
        moment = 1717113600000 + (int(hours) * 60 + int(minutes)) * 60000
        name = f"alert {len(self.control.events())}"
        self.control.add_events({"event_name": name, "event_status": "New", "srcip": address, "timestamp": moment, **source})

    def run(self, *arguments: str, **variables: Any) -> PlayRun:
        """Runs the role and checks its result fact."""
        role = {"ansible.builtin.include_role": {"name": "secops.xdr.vpn_attribution"}, "vars": self.variables(**variables)}
        checked = {
            "ansible.builtin.assert": {"that": "vpn_attribution_result.counts.events == vpn_attribution_result.attributions | length"}
        }
        return self._playground.run(role, checked, arguments=arguments)

    def variables(self, **variables: Any) -> dict[str, Any]:
        own = {f"vpn_attribution_{name}": value for name, value in variables.items()}
        return {"vpn_attribution_log": str(self.folder / "vpn.csv"), "vpn_attribution_timezone": "UTC", **own}

    def tags(self) -> list[list[str]]:
        return [event["_source"].get("event_tags", []) for event in self.control.events()]

    def comments(self) -> list[list[str]]:
        return [[one["comment"] for one in event["_source"].get("comments", [])] for event in self.control.events()]

    @property
    def writes(self) -> int:
        return len(self.control.writes())


@pytest.fixture
def site(playground: Playground, appliance: Appliance) -> Site:
    return Site(playground, appliance)


def succeeded(run: PlayRun) -> PlayRun:
    """The run, which must have come to a good end without a warning."""
    assert run.status == 0, run.output
    assert "[WARNING]" not in run.output
    assert "DEPRECAT" not in run.output
    return run


def test_names_from_logs_are_data(site: Site) -> None:
    for number, name in enumerate(HOSTILE):
        hour = f"{number:02}"
        site.alert("10.8.3.7", f"{hour}:30", event_name=f"alert of {name}")
    site.log(
        *((name, "203.0.113.9", "10.8.3.7", f"{number:02}:00") for number, name in enumerate(HOSTILE)), ("end", "::", "10.8.3.7", "23:59")
    )
    run = succeeded(site.run("--diff", comment="{username}", report_path=str(site.folder / "report.html")))
    assert run.recap("changed") == 1
    written = [name.replace("\n", "\\n").replace("\x1b", "\\x1b") for name in HOSTILE]
    assert site.comments() == [[name] for name in written]
    assert all(len(tags) == 1 and tags[0].startswith("vpn_user:") for tags in site.tags())
    assert site.tags()[0] == ["vpn_user:_7_7_"]
    assert not (site.folder / "owned").exists()
    assert "\x1b" not in run.output
    report = site.folder / "report.html"
    assert report.stat().st_mode & 0o777 == 0o600
    page = report.read_text(encoding="utf-8")
    assert "{{ 7*7 }}" in page
    assert "<img" not in page

    writes = site.writes
    again = succeeded(site.run(comment="{username}", report_path=str(report)))
    assert again.recap("changed") == 0, "a report is no change"
    assert site.writes == writes
    assert f"{len(HOSTILE)} already attributed" in again.output


def test_the_conditions_choose_the_events(site: Site) -> None:
    site.log(("jsmith", "203.0.113.9", "10.8.3.7", "08:00"), ("other", "203.0.113.8", "10.9.3.7", "08:00"))
    site.alert("10.8.3.7", "08:15", event_score=90)
    site.alert("10.8.3.7", "08:15", event_score=10)
    site.alert("10.8.3.7", "08:15", event_score=90, event_status="In Progress")
    site.alert("10.8.3.7", "08:15", event_score=90, event_status="Closed")
    site.alert("10.8.3.7", "08:15", event_score=90, event_source="tests")
    site.alert("10.8.3.7", "07:15", event_score=90)
    site.alert("10.9.3.7", "08:15", event_score=90)
    run = succeeded(
        site.run(
            minimum_score=50,
            statuses=["New"],
            query="NOT event_source:tests",
            since="2024-05-31T08:00:00Z",
            until="2024-05-31T09:00:00Z",
            networks=["10.8.0.0/16"],
        )
    )
    assert [len(tags) for tags in site.tags()] == [1, 0, 0, 0, 0, 0, 0]
    assert "1 from addresses outside of the VPN networks" in run.output


def test_what_is_beyond_the_limit_is_said(site: Site) -> None:
    site.log(("jsmith", "203.0.113.9", "10.8.3.7", "08:00"))
    for minute in range(10, 15):
        site.alert("10.8.3.7", f"08:{minute}")
    assert "3 more were not looked at" in succeeded(site.run(limit=2)).output
    assert [len(tags) for tags in site.tags()] == [0, 0, 0, 1, 1]


def test_no_user_is_chosen_where_several_may_have_had_the_address(site: Site) -> None:
    site.log(("a", "203.0.113.9", "10.8.3.7", "08:00"), ("b", "203.0.113.8", "10.8.3.7", "08:00"))
    site.alert("10.8.3.7", "08:15")
    run = succeeded(site.run())
    assert site.writes == 0
    assert "1 ambiguous" in run.output
    assert "a or b" in run.output
    succeeded(site.run(ambiguous="comment"))
    assert site.tags() == [[]]
    assert len(site.comments()[0]) == 1
    assert "a from 203.0.113.9 since 2024-05-31T08:00:00Z; b from 203.0.113.8" in site.comments()[0][0]
    assert succeeded(site.run(ambiguous="comment")).recap("changed") == 0


def test_a_log_that_grows_brings_no_second_comment(site: Site) -> None:
    site.log(("jsmith", "203.0.113.9", "10.8.3.7", "08:00"))
    site.alert("10.8.3.7", "08:15")
    succeeded(site.run())
    site.log(("jsmith", "203.0.113.9", "10.8.3.7", "08:00"), ("other", "203.0.113.8", "10.8.3.7", "09:00"))
    site.alert("10.8.3.7", "09:15")
    assert succeeded(site.run()).recap("changed") == 1
    assert site.tags() == [["vpn_user:jsmith"], ["vpn_user:other"]]
    assert [len(comments) for comments in site.comments()] == [1, 1]


def test_one_failure_does_not_hide_the_others(site: Site) -> None:
    site.log(("jsmith", "203.0.113.9", "10.8.3.7", "08:00"))
    for minute in range(10, 13):
        site.alert("10.8.3.7", f"08:{minute}")
    refused = site.control.events()[1]["_id"]
    site.control.add_fault("status", {"kind": "write", "body_contains": refused}, status=400, body="made up", times=None)
    run = site.run(report_path=str(site.folder / "report.html"))
    assert run.status != 0
    assert "1 of 3 events failed" in run.output
    assert "1 failed" in run.output
    assert [len(tags) for tags in site.tags()] == [1, 0, 1]
    assert ">failed<" in (site.folder / "report.html").read_text(encoding="utf-8")
    site.control.clear_faults()
    assert succeeded(site.run()).recap("changed") == 1
    assert [len(comments) for comments in site.comments()] == [1, 1, 1]


def test_in_check_mode_nothing_is_written(site: Site) -> None:
    site.log(("jsmith", "203.0.113.9", "10.8.3.7", "08:00"))
    site.alert("10.8.3.7", "08:15")
    run = succeeded(site.run("--check", report_path=str(site.folder / "report.html")))
    assert run.recap("changed") == 1
    assert "1 would be attributed" in run.output
    assert site.writes == 0
    assert not (site.folder / "report.html").exists()


@pytest.mark.parametrize(("way", "arguments"), [("itself", ()), ("itself", ("--check",)), ("link", ()), ("hard link", ()), ("folder", ())])
def test_a_report_is_not_written_over_the_log_or_into_a_folder(site: Site, way: str, arguments: tuple[str, ...]) -> None:
    site.log(("jsmith", "203.0.113.9", "10.8.3.7", "08:00"))
    log, report = site.folder / "vpn.csv", site.folder / "report.html"
    before = log.read_bytes()
    if way == "itself":
        report = log
    elif way == "link":
        report.symlink_to(log)
    elif way == "hard link":
        report.hardlink_to(log)
    else:
        report.mkdir()
    run = site.run(*arguments, report_path=str(report))
    assert run.status != 0
    message = f"{report} is there and is no file" if way == "folder" else f"{report} is the VPN log"
    assert message in " ".join(run.output.split())
    assert site.control.requests() == []
    assert log.read_bytes() == before
    assert way != "folder" or not list(report.iterdir())


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"log": "/missing/vpn.csv"}, "there is no file /missing/vpn.csv"),
        ({"tags": ["vpn_user:{user}"]}, "there is no {user}; there are {username}"),
        ({"networks": ["10.8.0.1/16"]}, "has host bits set"),
        ({"ambiguous": "guess"}, "value of vpn_attribution_ambiguous must be one of: skip, comment"),
        ({"limit": "many"}, "vpn_attribution_limit"),
        ({"on_invalid": "fail"}, "'x' is not an IP address"),
        ({"report_path": "/missing/report.html"}, "/missing is no folder that this user may write to"),
        ({"report_path": "report.html"}, "report.html is no whole path; nothing was read or written"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(site: Site, variables: dict[str, Any], message: str) -> None:
    site.log(("jsmith", "203.0.113.9", "10.8.3.7", "08:00"), ("bad", "x", "10.8.3.8", "08:00"))
    site.alert("10.8.3.7", "08:15")
    run = site.run(**variables)
    assert run.status != 0
    assert message in run.output.replace("\n", " ")
    assert "Traceback" not in run.output
    assert site.writes == 0
