# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From events and answers to tags and comments: what is written, what is left alone, and why."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.secops.xdr.plugins.filter.attribution_outcome import attribution_outcome
from ansible_collections.secops.xdr.plugins.filter.attribution_plan import attribution_plan
from ansible_collections.secops.xdr.plugins.filter.attribution_questions import attribution_questions
from ansible_collections.secops.xdr.plugins.filter.attribution_summary import attribution_summary

TEXTS = {
    "tags": ["vpn_user:{username}"],
    "comment": "{ipaddr} was {username}, from {associated_ipaddr}. Session: {start} to {end}.",
    "ambiguous_comment": "{ipaddr} at {time}: {candidates}",
}


def event(identifier: str = "e1", **source: Any) -> dict[str, Any]:
    """An event as stellar_ser_event_info returns it."""
    values = {"event_name": "Port scan", "event_status": "New", "srcip": "10.8.3.7", "timestamp": 1717143300000, **source}
    return {"index": "aella-ser-1-", "id": identifier, "source": {name: value for name, value in values.items() if value is not None}}


def session(username: str = "jsmith", **values: Any) -> dict[str, Any]:
    """A session as vpn_session_info returns it."""
    return {
        "line": 2,
        "username": username,
        "ipaddr": "10.8.3.7",
        "associated_ipaddr": "203.0.113.9",
        "start": "2024-05-31T08:00:00Z",
        "end": "2024-05-31T09:00:00Z",
        "start_epoch": 1717142400,
        "end_epoch": 1717146000,
        **values,
    }


def match(held: dict[str, Any] | None = None, *candidates: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    """An answer as vpn_session_info returns it."""
    found = list(candidates) or ([held] if held else [])
    return {"session": held, "candidates": found, "ambiguous": len(found) > 1, "reason": reason}


def plan_of(one: dict[str, Any], answer: dict[str, Any], **options: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What is found for one event, and the updates."""
    planned = attribution_plan([one], [answer], **{**TEXTS, **options})
    return planned["attributions"][0], planned["updates"]


def test_a_session_becomes_a_tag_and_a_comment() -> None:
    found, updates = plan_of(event(), match(session()))
    assert found["outcome"] == "attributed"
    assert updates == [
        {
            "index": "aella-ser-1-",
            "id": "e1",
            "add_tags": ["vpn_user:jsmith"],
            "comment": "10.8.3.7 was jsmith, from 203.0.113.9. Session: 2024-05-31T08:00:00Z to 2024-05-31T09:00:00Z.",
        }
    ]


@pytest.mark.parametrize("field", ["event_tags", "event_tag", "tags"])
def test_an_event_that_says_so_already_is_left_alone(field: str) -> None:
    done = event(
        **{field: [{"tag": "vpn_user:jsmith"}]},
        comments=[{"comment": "10.8.3.7 was jsmith, from 203.0.113.9. Session: 2024-05-31T08:00:00Z to 2024-05-31T09:00:00Z."}],
    )
    found, updates = plan_of(done, match(session()))
    assert found["outcome"] == "already_attributed"
    assert updates == []


def test_a_session_that_has_ended_since_is_not_commented_on_again() -> None:
    running = session(end=None)
    _found, first = plan_of(event(), match(running))
    assert first[0]["comment"].endswith("2024-05-31T08:00:00Z to (no end in the log).")
    commented = event(event_tags=["vpn_user:jsmith"], comments=[{"comment": first[0]["comment"]}])
    assert plan_of(commented, match(session()))[1] == []


def test_a_tag_that_is_missing_is_written_without_the_comment_that_stands() -> None:
    _found, first = plan_of(event(), match(session()))
    commented = event(comments=[{"comment": first[0]["comment"]}])
    assert plan_of(commented, match(session()))[1] == [{"index": "aella-ser-1-", "id": "e1", "add_tags": ["vpn_user:jsmith"]}]


def test_the_comment_about_another_session_does_not_count() -> None:
    _found, first = plan_of(event(), match(session()))
    commented = event(event_tags=["vpn_user:jsmith"], comments=[{"comment": first[0]["comment"]}])
    later = session(start="2024-05-31T08:10:00Z")
    assert "comment" in plan_of(commented, match(later))[1][0]


HOSTILE = [
    ("{{ 7*7 }}", "vpn_user:_7_7_"),
    ("{% for x in y %}", "vpn_user:_for_x_in_y_"),
    ("{username}{ipaddr}", "vpn_user:_username_ipaddr_"),
    ("<img src=x onerror=alert(1)>", "vpn_user:_img_src_x_onerror_alert_1_"),
    ('o\'neil "q"', "vpn_user:o_neil_q_"),
    ("CORP\\jsmith", "vpn_user:CORP_jsmith"),
    ("j.smith+vpn@example.com", "vpn_user:j.smith+vpn@example.com"),
    ("Jörg Müller", "vpn_user:Jörg_Müller"),
    ("李雷", "vpn_user:李雷"),
    ("a\u202egnp.exe", "vpn_user:a_gnp.exe"),
    ("!unsafe", "vpn_user:_unsafe"),
]


@pytest.mark.parametrize(("username", "tag"), HOSTILE)
def test_a_name_is_cleaned_in_tags_and_stays_as_it_is_in_comments(username: str, tag: str) -> None:
    _found, updates = plan_of(event(), match(session(username)))
    assert updates[0]["add_tags"] == [tag]
    written = username.replace("\u202e", "\\u202e")
    assert updates[0]["comment"].startswith(f"10.8.3.7 was {written}, from 203.0.113.9.")


def test_what_cannot_be_seen_is_written_as_escapes_in_comments() -> None:
    _found, updates = plan_of(event(), match(session("a\nAnalyst: benign\x1b[2J\u2028\udcff\u200b")))
    assert "\\nAnalyst: benign\\x1b[2J\\u2028\\udcff\\u200b, from" in updates[0]["comment"]
    assert updates[0]["comment"].isprintable()


def test_long_names_are_cut() -> None:
    _found, updates = plan_of(event(), match(session("x" * 1000)))
    assert updates[0]["add_tags"] == ["vpn_user:" + "x" * 64]
    assert "x" * 200 + "…, from" in updates[0]["comment"]


@pytest.mark.parametrize("username", ["", "***", "\x00"])
def test_without_a_name_there_is_a_comment_and_no_tag_that_needs_it(username: str) -> None:
    _found, updates = plan_of(event(), match(session(username)), tags=["vpn_user:{username}", "vpn"])
    assert updates[0]["add_tags"] == ["vpn"]
    assert "from 203.0.113.9" in updates[0]["comment"]
    assert username or "(no name in the log)" in updates[0]["comment"]


def test_no_user_is_chosen_where_several_had_the_address() -> None:
    answer = match(None, session(), session("other", line=3), reason="ambiguous")
    found, updates = plan_of(event(), answer, ambiguous_comment="")
    assert found["outcome"] == "ambiguous"
    assert [one["username"] for one in found["candidates"]] == ["jsmith", "other"]
    assert updates == []


def test_the_candidates_can_be_named_in_a_comment_once() -> None:
    answer = match(None, *(session(f"user{number}", line=number) for number in range(7)), reason="ambiguous")
    _found, updates = plan_of(event(), answer)
    assert updates[0]["comment"].startswith("10.8.3.7 at 2024-05-31T08:15:00Z: user0 from 203.0.113.9 since 2024-05-31T08:00:00Z; user1")
    assert updates[0]["comment"].endswith("; and 2 more")
    assert "add_tags" not in updates[0]
    assert plan_of(event(comments=[{"comment": updates[0]["comment"]}]), answer)[1] == []


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("unknown_address", "the log has no session with this address"),
        ("not_held", "none at this time"),
        ("after_log_end", "the log ends before this time"),
    ],
)
def test_events_without_a_session_are_listed_with_the_reason(reason: str, words: str) -> None:
    found, updates = plan_of(event(), match(reason=reason))
    assert found["outcome"] == "no_session"
    assert words in found["reason"]
    assert updates == []


@pytest.mark.parametrize(
    ("source", "outcome", "reason"),
    [
        ({"srcip": None}, "unusable", "srcip: it has none"),
        ({"srcip": "gateway\x1b"}, "unusable", "srcip: 'gateway\\x1b' is no address"),
        ({"srcip": 7}, "unusable", "srcip: it has none"),
        ({"timestamp": None}, "unusable", "timestamp: no time in epoch milliseconds"),
        ({"timestamp": True}, "unusable", "timestamp: no time in epoch milliseconds"),
        ({"timestamp": 10**30}, "unusable", "timestamp: no time in epoch milliseconds"),
        ({"srcip": "192.0.2.1"}, "not_vpn_address", "not in the VPN networks"),
    ],
)
def test_events_that_cannot_be_asked_about_are_told_apart(source: dict[str, Any], outcome: str, reason: str) -> None:
    events = [event(**source), event("e2")]
    assert attribution_questions(events, networks=["10.8.0.0/16"]) == [{"ipaddr": "10.8.3.7", "timestamp": "2024-05-31T08:15:00Z"}]
    planned = attribution_plan(events, [match(session())], networks=["10.8.0.0/16"], **TEXTS)
    assert (planned["attributions"][0]["outcome"], planned["attributions"][0]["reason"]) == (outcome, reason)
    assert [update["id"] for update in planned["updates"]] == ["e2"]
    assert planned["counts"] == {**dict.fromkeys(planned["counts"], 0), "events": 2, outcome: 1, "attributed": 1}


@pytest.mark.parametrize(
    ("source", "question"),
    [
        ({"timestamp": 1717143300123}, {"ipaddr": "10.8.3.7", "timestamp": "2024-05-31T08:15:00.123Z"}),
        ({"timestamp": "1717143300000"}, {"ipaddr": "10.8.3.7", "timestamp": "2024-05-31T08:15:00Z"}),
        ({"timestamp": "2024-05-31T10:15:00+02:00"}, {"ipaddr": "10.8.3.7", "timestamp": "2024-05-31T08:15:00Z"}),
        # As Python reads it from 3.11 on only.
        ({"timestamp": "2024-05-31T10:15:00.5+0200"}, {"ipaddr": "10.8.3.7", "timestamp": "2024-05-31T08:15:00.500Z"}),
        ({"srcip": ["10.8.3.9", "10.8.3.7"]}, {"ipaddr": "10.8.3.9", "timestamp": "2024-05-31T08:15:00Z"}),
        ({"srcip": "2001:DB8:0::1"}, {"ipaddr": "2001:db8::1", "timestamp": "2024-05-31T08:15:00Z"}),
    ],
)
def test_questions_are_asked_in_one_form(source: dict[str, Any], question: dict[str, str]) -> None:
    assert attribution_questions([event(**source)]) == [question]


def test_the_address_may_stand_in_another_field() -> None:
    events = [event(srcip=None, custom_ser_field={"client": {"ip": "10.8.3.8"}}), event(client={"ip": "10.8.3.9"})]
    assert [one["ipaddr"] for one in attribution_questions(events, address_field="client.ip")] == ["10.8.3.8", "10.8.3.9"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tags": ["{user}"]}, r"tags: there is no \{user\}; there are \{username\}, \{ipaddr\}"),
        ({"comment": "{candidates}"}, r"comment: there is no \{candidates\}"),
        (
            {"ambiguous_comment": "{username}"},
            r"ambiguous_comment: there is no \{username\}; there are \{ipaddr\}, \{time\}, \{candidates\}",
        ),
        ({"networks": ["10.8.0.1/16"]}, r"networks: .*has host bits set; give networks such as 10\.8\.0\.0/16"),
        ({"networks": ["vpn"]}, r"networks: 'vpn' does not appear to be"),
    ],
)
def test_what_is_wrong_is_said(options: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        attribution_plan([event()], [match(session())], **{**TEXTS, **options})


@pytest.mark.parametrize("answers", [[], [match(session()), match(session())]])
def test_answers_to_other_questions_are_refused(answers: list[dict[str, Any]]) -> None:
    with pytest.raises(AnsibleFilterError, match=r"(fewer|more) answers than questions"):
        attribution_plan([event()], answers, **TEXTS)


def test_what_has_another_form_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="has not the form it should have"):
        attribution_questions([{"id": "e1"}])


def test_the_outcome_says_what_was_changed_and_what_failed() -> None:
    planned = attribution_plan([event(f"e{number}") for number in range(4)], [match(session())] * 3 + [match(reason="not_held")], **TEXTS)
    update = {
        "events": [{"changed": True}, {"changed": False, "failed": True}, {"changed": False}],
        "failed_events": [{"position": 1, "reason": "there is no event e1"}],
    }
    result = attribution_outcome(planned, update)
    assert [one["outcome"] for one in result["attributions"]] == ["attributed", "failed", "already_attributed", "no_session"]
    assert [one["changed"] for one in result["attributions"]] == [True, False, False, False]
    assert result["attributions"][1]["reason"] == "there is no event e1"
    assert sum(result["counts"].values()) == 2 * result["counts"]["events"] == 8
    assert attribution_outcome(planned, {"skipped": True, "changed": False})["counts"] == planned["counts"]


def test_the_summary_counts_everything_and_lists_the_first() -> None:
    events = [event(f"e{number}") for number in range(4)]
    answers = [
        match(session("{{ x }}\n")),
        match(session()),
        match(None, session(), session("b", line=3), reason="ambiguous"),
        match(reason="not_held"),
    ]
    lines = attribution_summary(attribution_plan(events, answers, **TEXTS), total=9, shown=1, is_plan=True)
    assert lines == [
        "4 open events with a source address",
        "5 more were not looked at (see vpn_attribution_limit)",
        "2 would be attributed to their VPN users",
        "  Port scan, 10.8.3.7 at 2024-05-31T08:15:00Z: {{ x }}\\n from 203.0.113.9",
        "  and 1 more",
        "0 already attributed by earlier runs",
        "1 ambiguous",
        "  Port scan, 10.8.3.7 at 2024-05-31T08:15:00Z: jsmith or b",
        "1 without a session in the log",
        "  Port scan, 10.8.3.7 at 2024-05-31T08:15:00Z: the log has sessions with this address, and none at this time",
    ]
