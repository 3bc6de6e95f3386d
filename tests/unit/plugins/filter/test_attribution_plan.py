# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From events and answers to tags and comments: what is written, what is not changed, and why."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.secops.xdr.plugins.filter.attribution_plan import attribution_plan

TEXTS = {
    "tags": ["vpn_user:{username}"],
    "comment": "{ipaddr} was {username}, from {associated_ipaddr}. Session: {start} to {end}.",
    "ambiguous_comment": "{ipaddr} at {time}: {candidates}",
    "correction_comment": "Correction: removed {tags}. {reason}",
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
        "gateway": None,
        **values,
    }


def match(held: dict[str, Any] | None = None, *candidates: dict[str, Any], reason: str | None = None, doubts: Any = ()) -> dict[str, Any]:
    """An answer as vpn_session_info returns it."""
    found = list(candidates) or ([held] if held else [])
    return {"session": held, "candidates": found, "ambiguous": len(found) > 1, "reason": reason, "doubts": list(doubts)}


def questions(events: list[dict[str, Any]], **options: Any) -> Any:
    """The questions about these events."""
    return attribution_plan(events, **options)["questions"]


def plan_of(one: dict[str, Any], answer: dict[str, Any], **options: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The result for one event, and the updates."""
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
    ("reason", "outcome", "words"),
    [
        ("unknown_address", "no_session", "the log has no session with this address"),
        ("not_held", "no_session", "none at this time"),
        ("after_log_end", "not_covered", "the log ends before this time"),
        ("before_log_start", "not_covered", "the log starts after this time"),
        ("not_covered", "not_covered", "gap"),
        ("doubtful", "doubtful", "casts doubt"),
        ("invalid_question", "unusable", "cannot be looked up"),
        ("of a later version", "doubtful", "of a later version"),
    ],
)
def test_nobody_is_named_without_a_session(reason: str, outcome: str, words: str) -> None:
    found, updates = plan_of(event(), match(None, session(), reason=reason))
    assert found["outcome"] == outcome
    assert words in found["reason"]
    assert found["session"] is None
    assert updates == []


def test_doubts_are_the_reason_of_a_doubtful_event() -> None:
    found, updates = plan_of(event(), match(None, session(), reason="doubtful", doubts=["line 7: no time\x1b", "line 9: cut off"]))
    assert found["reason"] == "line 7: no time\\x1b; line 9: cut off"
    assert found["settle"]
    assert updates == []


@pytest.mark.parametrize(
    ("source", "outcome", "reason"),
    [
        ({"srcip": None}, "unusable", "srcip: the event has no address"),
        ({"srcip": "gateway\x1b"}, "unusable", "srcip: 'gateway\\x1b' is not an IP address"),
        ({"srcip": 7}, "unusable", "srcip: the event has no address"),
        ({"srcip": "0.0.0.0"}, "unusable", "srcip: '0.0.0.0' means that there is no address"),
        ({"srcip": "::"}, "unusable", "srcip: '::' means that there is no address"),
        ({"srcip": "fe80::1%eth0"}, "unusable", "srcip: 'fe80::1%eth0' contains an interface name"),
        ({"srcip": "239.1.1.1"}, "unusable", "srcip: '239.1.1.1' is an address of a network, a multicast group"),
        ({"srcip": "ff02::1"}, "unusable", "srcip: 'ff02::1' is a multicast address"),
        ({"srcip": "10.8.0.0/16"}, "unusable", "srcip: '10.8.0.0/16' is not an IP address"),
        ({"srcip": ["10.8.3.7", "10.8.3.9"]}, "unusable", "srcip: the event has several addresses (10.8.3.7, 10.8.3.9)"),
        ({"timestamp": None}, "unusable", "timestamp: the event has no time"),
        ({"timestamp": True}, "unusable", "timestamp: 'True' is not a time"),
        ({"timestamp": 10**30}, "unusable", "timestamp: '1"),
        ({"timestamp": 0}, "unusable", "timestamp: '0' is not a time"),
        ({"timestamp": [1717143300000]}, "unusable", "timestamp: '[1717143300000]' is not a time"),
        ({"timestamp": "yesterday"}, "unusable", "timestamp: 'yesterday' is not a time"),
        ({"srcip": "192.0.2.1"}, "not_vpn_address", "not in the VPN networks"),
    ],
)
def test_one_odd_event_stops_no_other(source: dict[str, Any], outcome: str, reason: str) -> None:
    events = [event(**source), event("e2")]
    assert questions(events, networks=["10.8.0.0/16"]) == [{"ipaddr": "10.8.3.7", "timestamp": "2024-05-31T08:15:00Z"}]
    planned = attribution_plan(events, [match(session())], networks=["10.8.0.0/16"], **TEXTS)
    found = planned["attributions"][0]
    assert found["outcome"] == outcome
    assert found["reason"].startswith(reason)
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
        # Between 1980 and 2099, no number is valid in both seconds and milliseconds.
        ({"timestamp": 1717143300}, {"ipaddr": "10.8.3.7", "timestamp": "2024-05-31T08:15:00Z"}),
        ({"srcip": ["10.8.3.9", "10.8.3.9"]}, {"ipaddr": "10.8.3.9", "timestamp": "2024-05-31T08:15:00Z"}),
        ({"srcip": "::ffff:10.8.3.7"}, {"ipaddr": "10.8.3.7", "timestamp": "2024-05-31T08:15:00Z"}),
        ({"srcip": "2001:DB8:0::1"}, {"ipaddr": "2001:db8::1", "timestamp": "2024-05-31T08:15:00Z"}),
    ],
)
def test_questions_are_asked_in_one_form(source: dict[str, Any], question: dict[str, str]) -> None:
    assert questions([event(**source)]) == [question]


def test_the_address_may_stand_in_another_field() -> None:
    events = [event(srcip=None, custom_ser_field={"client": {"ip": "10.8.3.8"}}), event(client={"ip": "10.8.3.9"})]
    assert [one["ipaddr"] for one in questions(events, address_field="client.ip")] == ["10.8.3.8", "10.8.3.9"]


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
        ({"networks": {"a": "10.8.0.0/16"}}, r"networks: a dictionary was given"),
        ({"networks": [["10.8.0.0/16"]]}, r"networks: a list was given as an item"),
        ({"tags": 7}, r"tags: a number \(7\) was given"),
        ({"tag": ["vpn"]}, r"there is no option tag; the options are tags, comment"),
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
    with pytest.raises(AnsibleFilterError, match="does not have the expected structure"):
        attribution_plan([{"id": "e1"}])


@pytest.mark.parametrize("tags", ["vpn_user:{username}", "vpn_user:{username}, vpn", ["vpn_user:{username}", "vpn"]])
def test_tags_are_one_text_a_text_with_commas_or_a_list(tags: Any) -> None:
    _found, updates = plan_of(event(), match(session()), tags=tags)
    assert updates[0]["add_tags"] == ["vpn_user:jsmith", "vpn"][: 1 + ("vpn" in str(tags)[9:])]


@pytest.mark.parametrize("networks", ["10.8.0.0/16", "192.0.2.0/24, 10.8.0.0/16", ["10.8.0.0/16"]])
def test_networks_are_one_text_a_text_with_commas_or_a_list(networks: Any) -> None:
    assert len(questions([event(), event(srcip="10.9.0.1")], networks=networks)) == 1


class TestCorrections:
    """A tag of an earlier run that the evidence no longer supports."""

    SESSION = match(session())
    OTHERS = ("vpn_user_checked", "vpn", "user:bob", "VPN_USER:bob")

    def corrected(self, answer: dict[str, Any], **options: Any) -> dict[str, Any]:
        tags = ["vpn_user:bob", *self.OTHERS]
        return plan_of(event(event_tags=tags), answer, **options)[1][0]

    def test_the_right_tag_replaces_the_wrong_one_and_a_comment_says_so(self) -> None:
        update = self.corrected(self.SESSION)
        assert update["remove_tags"] == ["vpn_user:bob"]
        assert update["add_tags"] == ["vpn_user:jsmith"]
        assert update["comment"] == (
            "Correction: removed vpn_user:bob. The VPN logs show another user for this address and time. "
            "10.8.3.7 was jsmith, from 203.0.113.9. Session: 2024-05-31T08:00:00Z to 2024-05-31T09:00:00Z."
        )

    @pytest.mark.parametrize("held", [SESSION, match(reason="not_held"), match(None, session(), reason="doubtful")])
    def test_the_second_run_changes_nothing(self, held: dict[str, Any]) -> None:
        update = self.corrected(held)
        tags = [*self.OTHERS, *update.get("add_tags", [])]
        assert plan_of(event(event_tags=tags, comments=[{"comment": update["comment"]}]), held)[1] == []

    @pytest.mark.parametrize(
        ("reason", "words"),
        [
            ("not_held", "The log has sessions with this address, but none at this time."),
            ("ambiguous", "More than one session may have had this address at this time."),
            ("doubtful", "Something in the log casts doubt on the answer."),
        ],
    )
    def test_a_name_that_the_log_does_not_allow_is_removed(self, reason: str, words: str) -> None:
        update = self.corrected(match(None, session(), reason=reason))
        assert update == {
            "index": "aella-ser-1-",
            "id": "e1",
            "remove_tags": ["vpn_user:bob"],
            "comment": f"Correction: removed vpn_user:bob. {words}",
        }

    @pytest.mark.parametrize("reason", ["before_log_start", "after_log_end", "not_covered", "unknown_address", "of a later version"])
    def test_a_log_that_says_nothing_about_the_time_removes_nothing(self, reason: str) -> None:
        assert plan_of(event(event_tags=["vpn_user:bob"]), match(reason=reason))[1] == []

    @pytest.mark.parametrize("tags", ["{username}", "vpn{username}", "vpn_user:bob", "{ipaddr}:{username}"])
    def test_without_a_prefix_of_its_own_nothing_is_removed(self, tags: str) -> None:
        held = event(event_tags=["bob", "vpnbob", "vpn_user:bob", "vpn_user:eve"])
        assert all("remove_tags" not in update for update in plan_of(held, self.SESSION, tags=tags)[1])

    def test_the_same_name_in_another_case_is_the_same_user(self) -> None:
        done = event(event_tags=["vpn_user:JSmith"])
        assert plan_of(done, self.SESSION, comment="")[1] == []

    def test_it_can_be_switched_off_and_the_comment_left_out(self) -> None:
        assert "remove_tags" not in self.corrected(self.SESSION, correct=False)
        assert self.corrected(match(reason="not_held"), correction_comment="") == {
            "index": "aella-ser-1-",
            "id": "e1",
            "remove_tags": ["vpn_user:bob"],
        }


def test_the_result_says_what_was_changed_and_what_failed() -> None:
    events = [event(f"e{number}") for number in range(4)]
    matches = [match(session())] * 3 + [match(reason="not_held")]
    update = {
        "events": [{"changed": True}, {"changed": False, "failed": True}, {"changed": False}],
        "failed_events": [{"position": 1, "reason": "there is no event e1"}],
    }
    result = attribution_plan(events, matches, update, **TEXTS)
    assert [one["outcome"] for one in result["attributions"]] == ["attributed", "failed", "already_attributed", "no_session"]
    assert [one["changed"] for one in result["attributions"]] == [True, False, False, False]
    assert result["attributions"][1]["reason"] == "there is no event e1"
    assert sum(result["counts"].values()) == 2 * result["counts"]["events"] == 8
    planned = attribution_plan(events, matches, **TEXTS)
    assert attribution_plan(events, matches, {"skipped": True, "changed": False}, **TEXTS) == planned


def test_answers_about_other_addresses_are_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="the answers are about other addresses"):
        attribution_plan([event()], [{**match(session()), "ipaddr": "10.8.3.8"}], **TEXTS)
