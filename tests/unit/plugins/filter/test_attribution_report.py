# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary, the rows and the content of the page."""

from __future__ import annotations

import csv
import io
import json
from itertools import pairwise
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.secops.xdr.plugins.filter.attribution_plan import attribution_plan
from ansible_collections.secops.xdr.plugins.filter.attribution_report import attribution_report

from .test_attribution_plan import TEXTS, event, match, session

READ: dict[str, Any] = {
    "counts": {"read": 5, "sessions": 4, "selected": 0, "skipped": {"no_address": 1}, "rejected": 0},
    "rejected_rows": [],
}


def report(
    events: list[dict[str, Any]], answers: list[dict[str, Any]], read: dict[str, Any] | None = None, **options: Any
) -> dict[str, Any]:
    made: dict[str, Any] = attribution_report(attribution_plan(events, answers, **TEXTS), {**READ, **(read or {})}, **options)
    return made


def four_events() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    answers = [
        match(session("{{ x }}\n")),
        match(session()),
        match(None, session(), session("b", line=3), reason="ambiguous"),
        match(None, session(), reason="doubtful", doubts=["line 9 cannot be read"]),
    ]
    return [event(f"e{number}") for number in range(4)], answers


def test_the_summary_counts_everything_and_begins_with_what_needs_a_person() -> None:
    lines = report(*four_events(), total=9, shown=1, is_plan=True)["lines"]
    assert [line for line in lines if not line.startswith("  ")] == [
        "4 open events with a source address",
        "5 more were not looked at (see vpn_attribution_limit)",
        "1 doubtful, so nobody is named",
        "1 ambiguous, so nobody is named",
        "0 at a time that the logs do not cover",
        "2 would be attributed to their VPN users",
        "0 already attributed by earlier runs",
        "0 without a session in the log",
    ]
    doubtful = lines.index("1 doubtful, so nobody is named")
    assert lines[doubtful + 1] == "  Port scan, 10.8.3.7 at 2024-05-31T08:15:00Z: line 9 cannot be read"
    assert lines[doubtful + 2].startswith("  Look at the lines of the log")
    assert "  Port scan, 10.8.3.7 at 2024-05-31T08:15:00Z: {{ x }}\\n from 203.0.113.9" in lines
    assert "  Port scan, 10.8.3.7 at 2024-05-31T08:15:00Z: jsmith or b" in lines
    assert "  and 1 more" in lines


def test_the_summary_lists_corrections() -> None:
    planned = attribution_plan([event(event_tags=["vpn_user:bob"])], [match(session())], {"events": [{"changed": True}]}, **TEXTS)
    lines = attribution_report(planned, READ, lines_only=True)["lines"]
    assert lines[-2:] == [
        "1 corrected: the evidence no longer supports a tag of an earlier run",
        "  Port scan, 10.8.3.7 at 2024-05-31T08:15:00Z: vpn_user:bob removed",
    ]


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "|calc", "%x", "\r\n=1", '=HYPERLINK("http://x")', "\uff1d1"]


@pytest.mark.parametrize("name", FORMULAS)
def test_no_cell_is_a_formula(name: str) -> None:
    made = report([event(event_name=name, timestamp=1717143300000)], [match(session(name))])
    [row] = csv.DictReader(io.StringIO(made["csv"]))
    for cell in row.values():
        assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n", " ", "|", "%", "\uff1d")
    [same] = json.loads(made["json"])
    assert (same["username"], same["event_name"]) == (name, name)


def test_the_rows_of_csv_and_json_are_the_same_events() -> None:
    made = report(*four_events())
    rows, same = list(csv.DictReader(io.StringIO(made["csv"]))), json.loads(made["json"])
    assert [row["id"] for row in rows] == [row["id"] for row in same] == ["e0", "e1", "e2", "e3"]
    assert list(rows[0]) == list(same[0])
    assert same[3]["doubts"] == ["line 9 cannot be read"]
    assert same[3]["username"] is None
    assert rows[2]["candidates"] == "jsmith; b"


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("", ""),
        ("https://stellar.example.com/alerts?i={index}&a={id}", "https://stellar.example.com/alerts?i=aella-ser-1-&a=e%2F1%22%3E"),
        ("https://stellar.example.com/alerts/", "https://stellar.example.com/alerts/e%2F1%22%3E"),
    ],
)
def test_each_event_links_to_the_console(url: str, link: str) -> None:
    made = report([event('e/1">')], [match(session())], console_url=url)
    assert made["page"]["alerts"][0]["url"] == link
    assert json.loads(made["json"])[0]["url"] == link


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "stellar.example.com", "https://", "https://x/{user}", "https://x/ y", "data:text/html,x", "https://[x"]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(AnsibleFilterError, match="console_url: "):
        report([], [], console_url=url)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="there is no option colour; the options are style"):
        report([], [], colour="red")


def test_doubtful_events_come_first_with_what_would_settle_them() -> None:
    page = report(*four_events())["page"]
    assert [alert["label"] for alert in page["unsettled"]] == ["ambiguous", "doubtful"]
    assert all(alert["settle"] for alert in page["unsettled"])
    assert [alert["session"]["username"] for alert in page["alerts"]] == ["{{ x }}\\n", "jsmith"]
    assert [tile["label"] for tile in page["tiles"]][:2] == ["open events", "doubtful"]


def day_of(people: int, read: dict[str, Any] | None = None) -> dict[str, Any]:
    """The page for a day on which so many people had one address, a quarter of an hour each."""
    start = 1717113600000
    sessions = []
    for number in range(people):
        minute = number * 1400 // people
        times = {"start": f"2024-05-31T{minute // 60:02}:{minute % 60:02}:00Z", "end": f"2024-05-31T{minute // 60:02}:{minute % 60:02}:30Z"}
        sessions.append(session(f"person{number}", line=number, **times))
    listed = {"sessions": sessions, **(read or {})}
    made = report([event(timestamp=start + 1000)], [match(None, reason="doubtful")], listed)
    [day] = made["page"]["days"]
    return dict(day)


@pytest.mark.parametrize("people", [2, 9, 60, 200])
def test_two_people_of_one_day_never_look_the_same(people: int) -> None:
    [lane] = day_of(people)["lanes"]
    looks = [(segment["colour"], segment["pattern"], segment["number"]) for segment in lane["bars"]]
    assert len(lane["bars"]) == people
    assert len(set(looks)) == people
    if people <= 60:
        assert {number for _colour, _pattern, number in looks} == {0}, "colours and patterns are enough for sixty people"


def test_a_person_looks_the_same_on_all_days() -> None:
    sessions = [
        session("ann", line=1),
        session("bob", line=2),
        session("Ann", line=3, start="2024-06-01T08:00:00Z", end="2024-06-01T09:00:00Z"),
    ]
    events = [event(), event("e2", timestamp=1717143300000 + 86400000)]
    days = report(events, [match(reason="not_held")] * 2, {"sessions": sessions})["page"]["days"]
    looks = {segment["name"]: (segment["colour"], segment["pattern"]) for day in days for lane in day["lanes"] for segment in lane["bars"]}
    assert looks["Ann"] == looks["ann"] != looks["bob"]


@pytest.mark.parametrize("people", [2, 12])
def test_names_stand_beside_bars_that_are_too_short_and_overlap_nothing(people: int) -> None:
    [lane] = day_of(people)["lanes"]
    taken: dict[int, list[tuple[float, float]]] = {}
    for segment in lane["bars"]:
        assert segment["name"], "every segment has a name"
        label = (segment["name_x"], segment["name_x"] + 0.85 * len(segment["name"]))
        assert segment["is_inside"] or label[0] >= segment["x"] + segment["width"] or label[1] <= segment["x"]
        assert label[0] >= 0
        assert label[1] <= 100
        taken.setdefault(segment["track"], []).extend([(segment["x"], segment["x"] + segment["width"]), label])
    assert max(taken) < lane["tracks"]
    for spans in taken.values():
        ordered = sorted(spans)
        assert all(one[1] <= other[0] + 0.01 for one, other in pairwise(ordered))


def test_doubtful_times_and_times_without_a_log_are_drawn() -> None:
    doubt = {
        "gateway": None,
        "ipaddr": None,
        "since": "2024-05-31T06:00:00Z",
        "until": "2024-05-31T12:00:00Z",
        "line": 9,
        "reason": "line 9: cut",
    }
    coverage = [{"gateway": None, "since": "2024-05-30T00:00:00Z", "until": "2024-05-31T18:00:00Z"}]
    spans = day_of(2, {"doubts": [doubt], "coverage": coverage})["lanes"][0]["spans"]
    assert {"x": 25.0, "width": 25.0, "kind": "doubt", "title": "doubtful: line 9: cut"} in spans
    assert [span for span in spans if span["kind"] == "gap"] == [{"x": 75.0, "width": 25.0, "kind": "gap", "title": "not covered by a log"}]
    assert [span["kind"] for span in spans].count("doubt") == 2, "the time of the doubtful event itself is drawn too"


def test_a_doubtful_event_is_drawn_from_the_start_of_the_session_that_may_be_meant() -> None:
    page = report([event()], [match(None, session(), reason="doubtful", doubts=["line 9"])])["page"]
    [span] = page["days"][0]["lanes"][0]["spans"]
    assert span["x"] == pytest.approx(100 * 8 / 24, abs=0.01)
    assert span["x"] + span["width"] > 100 * 8.25 / 24


def test_a_history_without_rows_makes_a_page_too() -> None:
    made = report([event()], [match(session(gateway="vpn1"))], {"counts": {"selected": 0}, "rejected_rows": None})
    assert made["page"]["log"]["read"] is None
    assert made["page"]["alerts"][0]["session"]["gateway"] == "vpn1"


def test_sessions_with_unknown_parts_are_shown() -> None:
    unknown = session(start=None, end="2024-05-31T09:00:00Z", associated_ipaddr=None, start_epoch=None)
    page = report([event()], [match(unknown)])["page"]
    assert page["alerts"][0]["session"]["start"] == "not in the log"
    assert page["alerts"][0]["session"]["real"] == "an unknown address"


def test_lines_of_other_programs_are_counted() -> None:
    made = report([], [], {"counts": {"read": 9}, "other_programs": {"CRON": 2, "sshd\n": 7}})
    assert made["lines"][-1] == "Lines of other programs: sshd\\n 7, CRON 2"
    assert sorted(made["page"]["log"]["other_programs"]) == ["CRON: 2", "sshd\\n: 7"]
