# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases and detections: one comment or note names all users, doubtful ones as doubtful, and nothing is repeated."""

from __future__ import annotations

import html
from typing import Any

import pytest
from ansible_collections.secops.xdr.plugins.filter.attribution_plan import attribution_plan

EIGHT = 1717142400000
"""2024-05-31T08:00:00Z"""
TEXTS = {
    "tags": ["vpn_user:{username}"],
    "comment": "VPN address {ipaddr} was {username}, from {associated_ipaddr}. Session: {start} to {end}.",
    "correction_comment": "Correction: removed the tags {tags}. {reason}",
    "networks": ["10.8.0.0/16"],
}
ANN = "VPN address 10.8.3.7 was ann, from 198.51.100.7. Session: 2024-05-31T07:00:00Z to (no end in the log)."
BOB = "VPN address 10.8.3.8 was bob, from 198.51.100.8. Session: 2024-05-31T07:00:00Z to 2024-05-31T09:00:00Z."
DOUBT = "VPN address 10.8.3.9 at 2024-05-31T08:00:00Z: nobody is named, since the evidence is doubtful."


def session(user: str, last: int, end: str | None = None) -> dict[str, Any]:
    return {
        "username": user,
        "ipaddr": f"10.8.3.{last}",
        "associated_ipaddr": f"198.51.100.{last}",
        "start": "2024-05-31T07:00:00Z",
        "end": end,
        "gateway": "gw",
        "line": last,
    }


ANSWERS = {
    "10.8.3.7": {"session": session("ann", 7)},
    "10.8.3.8": {"session": session("bob", 8, "2024-05-31T09:00:00Z")},
    "10.8.3.9": {"session": None, "reason": "doubtful", "doubts": ["line 12 cannot be read"]},
    "10.8.3.10": {"session": None, "reason": "not_held"},
    "10.8.3.11": {"session": None, "reason": "after_log_end"},
    "10.8.3.12": {"session": None, "reason": "ambiguous", "candidates": [session("ann", 12), session("bob", 12)]},
}


def case(*lasts: int, comments: tuple[str, ...] = (), tags: tuple[str, ...] = ()) -> dict[str, Any]:
    alerts = [
        {"index": "aella-ser-1", "id": f"e{last}", "source": {"srcip": f"10.8.3.{last}", "timestamp": EIGHT, "event_name": "Login"}}
        for last in lasts
    ]
    source = {"name": "Odd logins", "tags": list(tags)}
    return {"id": "c1", "ticket_id": 42, "source": source, "comments": [{"comment": text} for text in comments], "alerts": alerts}


def detection(*participants: dict[str, Any], note: str = "", **source: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "source": {"title": "Odd SSH", "start_time": EIGHT, "end_time": None, "risk_score": 60, **source},
        "notes": note,
        "participants": list(participants),
    }


def plan(cases: Any = (), detections: Any = (), answers: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    given = {**TEXTS, "cases": cases, "detections": detections, **more}
    questions = attribution_plan([], **given)["questions"]
    matches = [{"ipaddr": asked["ipaddr"], "reason": None, **{**ANSWERS, **(answers or {})}[asked["ipaddr"]]} for asked in questions]
    made: dict[str, Any] = attribution_plan([], matches, **given)
    return made


def test_a_case_gets_one_comment_with_all_users_and_their_tags() -> None:
    planned = plan([case(7, 8, 7, 9, 10)])
    assert planned["case_updates"] == [
        {"id": "c1", "comment": f"{ANN}\n{BOB}\n{DOUBT}", "add_tags": ["vpn_user:ann", "vpn_user:bob"]},
    ]
    assert [one["outcome"] for one in planned["attributions"]] == ["attributed", "attributed", "attributed", "doubtful", "no_session"]
    assert {one["part_of"] for one in planned["attributions"]} == {"case 42, Odd logins"}


@pytest.mark.parametrize(
    "rewritten", [str, html.escape, lambda text: " ".join(text.split()), lambda text: text.replace("\n", "\r\n") + " "]
)
def test_what_a_case_has_already_is_not_written_again(rewritten: Any) -> None:
    """Also if the server rewrote the text, and if the session ended since."""
    held = rewritten(f"{ANN}\n{BOB}\n{DOUBT}")
    answers = {"10.8.3.7": {"session": session("ann", 7, "2024-05-31T10:00:00Z")}}
    planned = plan([case(7, 8, 9, comments=("looked at", held), tags=("vpn_user:ann", "vpn_user:bob"))], answers=answers)
    assert planned["case_updates"] == []
    assert [one["outcome"] for one in planned["attributions"]] == ["already_attributed", "already_attributed", "doubtful"]


def test_only_new_users_are_added_when_a_case_grows() -> None:
    planned = plan([case(7, 8, comments=(ANN,), tags=("vpn_user:ann",))])
    assert planned["case_updates"] == [{"id": "c1", "comment": BOB, "add_tags": ["vpn_user:bob"]}]


def test_a_name_that_contains_another_is_another() -> None:
    longer = ANN.replace("10.8.3.7", "110.8.3.7").replace("was ann", "was joann")
    assert plan([case(7, comments=(longer,))])["case_updates"][0]["comment"] == ANN
    assert plan([case(7, comments=(ANN.replace("ann", "ann2"),))])["case_updates"][0]["comment"].splitlines()[-1] == ANN


def test_a_doubtful_address_that_is_settled_later_is_named() -> None:
    settled = {"10.8.3.9": {"session": session("eve", 9)}}
    [update] = plan([case(9, comments=(DOUBT,))], answers=settled)["case_updates"]
    assert update["comment"].startswith("VPN address 10.8.3.9 was eve, from 198.51.100.9.")


@pytest.mark.parametrize(("lasts", "is_removed"), [((7, 10), True), ((7, 9), True), ((7, 11), False), ((7, 99), False)])
def test_an_own_tag_is_removed_only_if_the_logs_cover_every_alert(lasts: tuple[int, ...], is_removed: bool) -> None:
    answers = {"10.8.3.99": {"session": None, "reason": "unknown_address"}}
    [update] = plan([case(*lasts, tags=("vpn_user:mallory", "urgent"))], answers=answers)["case_updates"]
    assert update.get("remove_tags") == (["vpn_user:mallory"] if is_removed else None)
    assert ("Correction: removed the tags vpn_user:mallory." in update["comment"]) is is_removed


NOT_ANN = "Correction: the VPN logs do not support that VPN address 10.8.3.7 was ann at 2024-05-31T08:00:00Z."
EVE = ANN.replace("was ann", "was eve")
NOT_EVE = NOT_ANN.replace("was ann", "was eve")


def test_a_note_corrects_itself_when_the_log_was_corrected_and_once_only() -> None:
    eve = {"10.8.3.7": {"session": session("eve", 7)}}
    note = f"Theirs.\n{ANN}"
    first, back = f"{NOT_ANN}\n{EVE}", f"{NOT_EVE}\n{ANN}"
    again = [f"Corrected again ({number}):\n" for number in (2, 2, 3)]
    for user, expected in ((eve, first), (None, back), (eve, again[0] + first), (None, again[1] + back), (eve, again[2] + first)):
        assert expected not in note
        held = detection({"ipaddrs": ["10.8.3.7"]}, note=note)
        assert plan(detections=[held], answers=user)["detection_updates"] == [{"id": 7, "note": expected}]
        note = f"{note}\n{expected}"
        held = detection({"ipaddrs": ["10.8.3.7"]}, note=note)
        assert plan(detections=[held], answers=user)["detection_updates"] == []
        assert plan(detections=[detection({"ipaddrs": ["10.8.3.7"]}, note=" ".join(note.split()))], answers=user)["detection_updates"] == []


@pytest.mark.parametrize(
    ("last", "answer", "line"),
    [
        (7, {"session": None, "reason": "not_held"}, NOT_ANN),
        (7, {"session": None, "reason": "doubtful", "doubts": ["x"]}, f"{NOT_ANN}\n{DOUBT.replace('3.9', '3.7')}"),
        (7, {"session": None, "reason": "after_log_end"}, None),
        (8, {"session": None, "reason": "not_held"}, None),
    ],
)
def test_a_note_is_corrected_only_where_the_logs_cover_the_time_and_the_address(
    last: int, answer: dict[str, Any], line: str | None
) -> None:
    planned = plan(detections=[detection({"ipaddrs": [f"10.8.3.{last}"]}, note=ANN)], answers={f"10.8.3.{last}": answer})
    assert planned["detection_updates"] == ([{"id": 7, "note": line}] if line else [])


def test_a_session_of_another_time_is_not_corrected() -> None:
    earlier = ANN.replace("to (no end in the log)", "to 2024-05-31T07:30:00Z")
    planned = plan(detections=[detection({"ipaddrs": ["10.8.3.7"]}, note=earlier)], answers={"10.8.3.7": {"session": session("eve", 7)}})
    assert planned["detection_updates"] == [{"id": 7, "note": EVE}]


def test_a_wrong_name_leaves_a_case_although_the_logs_do_not_cover_another_alert() -> None:
    held = case(7, 11, comments=(ANN,), tags=("vpn_user:ann", "vpn_user:zoe"))
    answers = {"10.8.3.7": {"session": session("eve", 7)}}
    [update] = plan([held], answers=answers)["case_updates"]
    assert (update["add_tags"], update["remove_tags"]) == (["vpn_user:eve"], ["vpn_user:ann"])
    assert update["comment"].splitlines()[1:] == [NOT_ANN, EVE]
    again = case(7, 11, comments=(ANN, update["comment"]), tags=("vpn_user:eve", "vpn_user:zoe"))
    assert plan([again], answers=answers)["case_updates"] == []


def test_comments_that_come_newest_first_are_read_in_the_order_of_their_times() -> None:
    held = case(7, tags=("vpn_user:eve",))
    held["comments"] = [{"comment": f"{NOT_ANN}\n{EVE}", "created_at": 2}, {"comment": ANN, "created_at": 1}]
    assert plan([held], answers={"10.8.3.7": {"session": session("eve", 7)}})["case_updates"] == []


def test_without_corrections_the_new_name_is_written_alone() -> None:
    held = detection({"ipaddrs": ["10.8.3.7"]}, note=ANN)
    planned = plan(detections=[held], answers={"10.8.3.7": {"session": session("eve", 7)}}, correct=False)
    assert planned["detection_updates"] == [{"id": 7, "note": EVE}]


@pytest.mark.parametrize("lasts", [(), (99,)])
def test_a_case_of_which_nothing_can_be_looked_up_keeps_its_tags(lasts: tuple[int, ...]) -> None:
    held = case(*lasts, tags=("vpn_user:ann",))
    for alert in held["alerts"]:
        alert["source"]["srcip"] = None
    assert plan([held])["case_updates"] == []


def test_a_detection_is_asked_about_at_its_start_and_its_end() -> None:
    """The address changed hands in between: both are named, each with the time of the session."""
    given = {**TEXTS, "detections": [detection({"ipaddrs": ["10.8.3.7"], "external": False}, end_time=EIGHT + 3_600_000)]}
    asked = attribution_plan([], **given)["questions"]
    assert [one["timestamp"] for one in asked] == ["2024-05-31T08:00:00Z", "2024-05-31T09:00:00Z"]
    matches = [{"ipaddr": "10.8.3.7", "session": session(user, 7)} for user in ("ann", "bob")]
    [update] = attribution_plan([], matches, **given)["detection_updates"]
    assert update == {"id": 7, "note": ANN + "\n" + ANN.replace("ann", "bob")}


@pytest.mark.parametrize(
    ("participant", "outcome"),
    [
        ({"ipaddrs": ["10.8.3.7"], "external": False}, "attributed"),
        ({"ipaddrs": ["192.0.2.1", "10.8.3.7"], "external": False}, "attributed"),
        ({"ipaddrs": ["10.8.3.7", "10.8.3.8"], "external": False}, "unusable"),
        ({"ipaddrs": ["192.0.2.1"], "external": None}, "not_vpn_address"),
        ({"ipaddrs": [], "external": False}, "unusable"),
        ({"ipaddrs": ["10.8.3.7"], "external": False, "device_id": 1904}, "unusable"),
        ({"ipaddrs": ["10.8.3.7"], "external": True}, None),
        ({"ipaddrs": ["not an address"], "external": False}, "unusable"),
    ],
)
def test_participants_are_asked_about_if_they_have_one_vpn_address(participant: dict[str, Any], outcome: str | None) -> None:
    planned = plan(detections=[detection(participant)])
    assert [one["outcome"] for one in planned["attributions"]] == ([outcome] if outcome else [])
    assert bool(planned["detection_updates"]) is (outcome == "attributed")


def test_a_note_keeps_what_others_wrote_and_gets_a_line_once() -> None:
    planned = plan(detections=[detection({"ipaddrs": ["10.8.3.7"]}, note=f"Called the user.\n{ANN}")])
    assert planned["detection_updates"] == []
    assert [one["outcome"] for one in planned["attributions"]] == ["already_attributed"]


def test_results_of_the_modules_become_outcomes() -> None:
    cases = [case(7), {**case(8), "id": "c2"}]
    result = plan(
        cases, case_update={"cases": [{"changed": True}, {"changed": False}], "failed_cases": [{"position": 1, "reason": "HTTP 403"}]}
    )
    assert [(one["outcome"], one["changed"]) for one in result["attributions"]] == [("attributed", True), ("failed", False)]
    assert result["attributions"][1]["reason"] == "HTTP 403"


def test_without_a_comment_nothing_but_tags_is_written() -> None:
    planned = plan([case(7, 9)], [detection({"ipaddrs": ["10.8.3.7"]})], comment="")
    assert planned["case_updates"] == [{"id": "c1", "add_tags": ["vpn_user:ann"]}]
    assert planned["detection_updates"] == []
