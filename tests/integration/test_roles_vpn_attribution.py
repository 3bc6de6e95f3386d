# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role vpn_attribution in real plays: contents of logs are data, failures are reported, and nothing is written twice."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Appliance, Playground, PlayRun

HEADER = ["Username", "Real IP", "VPN IP", "Start Time"]
LOG_END = 1717199990
"""Ten seconds before the end of 31 May 2024, UTC, in epoch seconds."""
OMITTED = object()
"""A variable that is not given."""
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

    def play(self, *tasks: dict[str, Any]) -> PlayRun:
        """Runs other tasks."""
        return self._playground.run(*tasks)

    def variables(self, **variables: Any) -> dict[str, Any]:
        own = {f"vpn_attribution_{name}": value for name, value in variables.items()}
        basis = {
            "vpn_attribution_log": str(self.folder / "vpn.csv"),
            "vpn_attribution_timezone": "UTC",
            "vpn_attribution_complete_until": LOG_END,
        }
        return {name: value for name, value in {**basis, **own}.items() if value is not OMITTED}

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
    """The run, which must have succeeded without a warning."""
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
    # No name has a control character, so such a line is damaged and names nobody.
    named = [name for name in HOSTILE if name.isprintable()]
    assert site.comments() == [[name] if name in named else [] for name in HOSTILE]
    assert [len(tags) for tags in site.tags()] == [int(name in named) for name in HOSTILE]
    assert all(tag.startswith("vpn_user:") for tags in site.tags() for tag in tags)
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
    assert f"{len(named)} already attributed" in again.output


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
    assert "1 ambiguous, so nobody is named" in run.output
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
    message = f"{report} exists and is not a file" if way == "folder" else f"{report} is a VPN log that is read"
    assert message in " ".join(run.output.split())
    assert site.control.requests() == []
    assert log.read_bytes() == before
    assert way != "folder" or not list(report.iterdir())


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"log": "/missing/vpn.csv"}, "there is no file /missing/vpn.csv"),
        ({"tags": ["vpn_user:{user}"]}, "there is no {user}; there are {username}"),
        ({"tags": ["a", ["b"]]}, "vpn_attribution_tags: a list was given as an item of the list"),
        ({"comment": ["a"]}, "vpn_attribution_comment: a list was given; a single text is needed"),
        ({"ambiguous": "guess"}, "value of vpn_attribution_ambiguous must be one of: skip, comment"),
        ({"paths": "/var/log/*.csv"}, "vpn_attribution_log and vpn_attribution_paths exclude each other"),
        ({"console_url": "javascript:alert(1)"}, "vpn_attribution_console_url: 'javascript:alert(1)' is not a web address"),
        ({"on_invalid": "fail"}, "'x' is not an IP address"),
        ({"report_path": "/missing/report.html"}, "/missing is not a folder that this user may write to"),
    ],
)
def test_what_is_wrong_is_reported_before_anything_is_written(site: Site, variables: dict[str, Any], message: str) -> None:
    site.log(("jsmith", "203.0.113.9", "10.8.3.7", "08:00"), ("bad", "x", "10.8.3.8", "08:00"))
    site.alert("10.8.3.7", "08:15")
    run = site.run(**variables)
    assert run.status != 0
    assert message in run.output.replace("\n", " ")
    assert "Traceback" not in run.output
    assert site.writes == 0


def test_variables_take_what_modules_take(site: Site) -> None:
    """One text or a text with commas for a list; null and blank as if not given; one odd event stops no other."""
    site.log(("jsmith", "203.0.113.9", "10.8.3.7", "08:00"), ("x", "203.0.113.8", "10.8.3.9", "09:00"))
    site.alert("10.8.3.7", "08:15")
    for address in ("0.0.0.0", "fe80::1%eth0", "239.0.0.1", "no address"):
        site.alert(address, "08:15")
    site.alert("10.8.3.7", "08:15", timestamp=1717143300)
    given = {"tags": "vpn_user:{username}, vpn", "networks": "10.8.0.0/16", "statuses": "New,In Progress", "paths": None}
    run = succeeded(site.run(**given, limit=None, columns=None, on_invalid=None, report_path=None, query="", complete_until=LOG_END))
    assert site.tags() == [["vpn_user:jsmith", "vpn"], [], [], [], [], ["vpn_user:jsmith", "vpn"]]
    assert "4 without an address or a time" in run.output


def test_a_wrong_tag_of_an_earlier_run_is_corrected_once(site: Site) -> None:
    site.log(("eve", "203.0.113.8", "10.8.3.9", "07:00"), ("jsmith", "203.0.113.9", "10.8.3.7", "08:00"), ("", "", "10.8.3.9", "08:00"))
    site.alert("10.8.3.7", "08:15", event_tags=["vpn_user:bob", "checked"])
    site.alert("10.8.3.9", "08:15", event_tags=["vpn_user:eve", "vpn_users"])
    site.alert("10.8.3.7", "23:59", event_tags=["vpn_user:old"], timestamp=1717300000000)
    run = succeeded(site.run())
    assert site.tags() == [["checked", "vpn_user:jsmith"], ["vpn_users"], ["vpn_user:old"]]
    assert [comments[0].partition(".")[0] for comments in site.comments() if comments] == [
        "Correction: removed the tags vpn_user:bob",
        "Correction: removed the tags vpn_user:eve",
    ]
    assert "2 corrected" in run.output
    assert "1 doubtful, so nobody is named" in run.output
    assert succeeded(site.run()).recap("changed") == 0


def metrics(path: Path) -> dict[str, float]:
    """The values of a metrics file, without the time of the run, which must be a recent one."""
    text = path.read_text(encoding="utf-8")
    values = {name: float(value) for name, value in re.findall(r"^(\w+(?:\{[^\n]*\})?) ([\d.]+)$", text, re.MULTILINE)}
    [last] = [value for name, value in values.items() if "_last_success_" in name]
    assert path.stat().st_mtime - 600 < last < path.stat().st_mtime + 2
    helped, typed = (re.findall(rf"^# {word} (\w+) ", text, re.MULTILINE) for word in ("HELP", "TYPE"))
    assert helped == typed == list(dict.fromkeys(name.partition("{")[0] for name in values))
    return {name: value for name, value in values.items() if "_last_success_" not in name}


def test_the_history_answers_when_the_log_is_gone(site: Site) -> None:
    site.log(("jsmith", "203.0.113.9", "10.8.3.7", "08:00"), ("other", "203.0.113.8", "10.8.3.8", "09:00"))
    site.alert("10.8.3.7", "08:15")
    history = str(site.folder / "sessions.sqlite3")
    gateway = {"vpn_sessions_log": str(site.folder / "vpn.csv"), "vpn_sessions_timezone": "UTC", "vpn_sessions_gateway": "vpn1"}
    keep = {
        "ansible.builtin.include_role": {"name": "secops.xdr.vpn_sessions"},
        "vars": {
            **gateway,
            "vpn_sessions_history": history,
            "vpn_sessions_networks": "10.8.0.0/16",
            "vpn_sessions_metrics_path": str(site.folder / "sessions.prom"),
        },
    }
    assert succeeded(site.play(keep)).recap("changed") == 1
    assert metrics(site.folder / "sessions.prom") == {
        'secops_xdr_history_sessions{gateway="vpn1",result="added"}': 2,
        'secops_xdr_history_sessions{gateway="vpn1",result="updated"}': 0,
        'secops_xdr_history_rejected_rows{gateway="vpn1"}': 0,
        'secops_xdr_history_covered_until_timestamp_seconds{gateway="vpn1"}': 1717146000,
    }
    assert succeeded(site.play(keep)).recap("changed") == 0
    (site.folder / "vpn.csv").unlink()
    files = {f"{kind}_path": str(site.folder / f"report.{kind}") for kind in ("csv", "json")}
    url = "https://stellar.example.com/alerts/{id}"
    run = site.run(
        log=OMITTED,
        complete_until=OMITTED,
        history=history,
        gateways="vpn1",
        report_path=str(site.folder / "report.html"),
        console_url=url,
        metrics_path=str(site.folder / "attribution.prom"),
        **files,
    )
    succeeded(run)
    shown = metrics(site.folder / "attribution.prom")
    assert {name: number for name, number in shown.items() if number} == {'secops_xdr_attribution_events{outcome="attributed"}': 1}
    assert 'secops_xdr_attribution_events{outcome="doubtful"}' in shown
    assert site.tags() == [["vpn_user:jsmith"]]
    [row] = json.loads((site.folder / "report.json").read_text(encoding="utf-8"))
    [same] = csv.DictReader(io.StringIO((site.folder / "report.csv").read_text(encoding="utf-8")))
    assert (row["username"], row["gateway"], row["changed"]) == ("jsmith", "vpn1", True)
    assert (same["username"], same["changed"]) == ("jsmith", "true")
    page = (site.folder / "report.html").read_text(encoding="utf-8")
    assert f'href="https://stellar.example.com/alerts/{row["id"]}"' in page
    assert "the session history" in page


def test_a_history_with_a_password_shows_it_nowhere(site: Site) -> None:
    site.alert("10.8.3.7", "08:15")
    run = site.run("-vvvv", log=OMITTED, complete_until=OMITTED, history="postgresql://user:pass-4711@127.0.0.1:1/none")
    assert run.status != 0
    assert "pass-4711" not in run.output


def test_cases_and_detections_get_one_comment_and_one_note(site: Site) -> None:
    site.log(("jsmith", "203.0.113.9", "10.8.3.7", "08:00"), ("ann", "203.0.113.8", "10.8.3.8", "08:00"), ("?", "", "10.8.3.9", "08:00"))
    for address in ("10.8.3.7", "10.8.3.8", "10.8.3.9"):
        site.alert(address, "08:15")
    site.control.add_cases({"name": "Odd logins", "status": "New", "tags": ["urgent"], "alerts": site.control.events()})
    site.control.add_detections(
        {
            "title": "Odd SSH",
            "start_time": 1717143300000,
            "end_time": 1717143360000,
            "participants": [{"object_type": "ipaddr", "object_value": "10.8.3.7", "role": "offender", "external": False}],
        }
    )
    options = {"targets": "cases, detections", "networks": "10.8.0.0/16"}
    run = succeeded(site.run("--check", **options))
    assert site.writes == 0
    run = succeeded(site.run(**options))
    assert "5 addresses in 2 open cases and detections" in run.output, run.output
    [case] = site.control.cases()
    assert sorted(case["tags"]) == ["urgent", "vpn_user:ann", "vpn_user:jsmith"]
    [comment] = [one["comment"] for one in case["comments"]]
    lines = comment.splitlines()
    assert [line.split(",")[0] for line in lines[:2]] == ["VPN address 10.8.3.7 was jsmith", "VPN address 10.8.3.8 was ann"]
    assert lines[2:] == ["VPN address 10.8.3.9 at 2024-05-31T08:15:00Z: nobody is named, since the evidence is doubtful."]
    [detection] = site.control.detections()
    assert detection["note"].startswith("VPN address 10.8.3.7 was jsmith, from 203.0.113.9.")
    assert site.tags() == [[], [], []]
    assert succeeded(site.run(**options)).recap("changed") == 0
