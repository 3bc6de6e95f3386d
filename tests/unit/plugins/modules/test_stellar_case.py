# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stellar_case: what it writes for which state, again, in check mode, for many cases, and on servers of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from support.stellar import Stellar

CREATED = 1_693_557_427_000
ID = f"{CREATED // 1000:x}c4d5e6f708192a3b"
CASE: dict[str, Any] = {
    "_id": ID,
    "ticket_id": 1042,
    "name": "Unusual login",
    "created_at": CREATED,
    "tags": ["old"],
    "comments": ["First."],
}
BEFORE = {"status": "New", "severity": "Medium", "assignee": None, "tags": ["old"], "comments": None}
PUT = {"method": "PUT"}
COMMENTS = {"method": "POST", "path_regex": "/comments"}


@pytest.fixture(autouse=True)
def case(stellar: Stellar) -> None:
    """A case of a past year is on the server."""
    stellar.emulator.add_cases(CASE)


def held(stellar: Stellar) -> dict[str, Any]:
    """The case as the server holds it."""
    return next(one for one in stellar.emulator.cases() if one["_id"] == ID)


def comments(stellar: Stellar) -> list[str]:
    """The comments that the server holds."""
    return [one["comment"] for one in held(stellar)["comments"]]


def writes(stellar: Stellar) -> list[tuple[str, str, Any]]:
    """The writes, in order: method, the path after `/cases`, body."""
    return [(one["method"], one["path"].partition("/cases")[2], one["body"]) for one in stellar.emulator.writes()]


CHANGES = [
    ({"status": "In Progress"}, {"status": "In Progress"}, {"status": "In Progress"}),
    ({"severity": "Critical"}, {"severity": "Critical"}, {"severity": "Critical"}),
    ({"assignee": "ann@example.com"}, {"assignee": "ann@example.com"}, {"assignee": "ann@example.com"}),
    ({"add_tags": ["a", "b"]}, {"tags": {"add": ["a", "b"]}}, {"tags": ["old", "a", "b"]}),
    ({"add_tags": ["a"], "remove_tags": ["old"]}, {"tags": {"add": ["a"], "delete": ["old"]}}, {"tags": ["a"]}),
    (
        {"status": "Resolved", "resolution": "Benign", "update_alerts": True},
        {"status": "Resolved", "resolution": "Benign", "update_alerts": True},
        {"status": "Resolved"},
    ),
]


@pytest.mark.parametrize(("options", "body", "after"), CHANGES)
@pytest.mark.parametrize("ref", [{"id": ID}, {"ticket_id": 1042}])
def test_change_again_check_mode_and_check_mode_again(
    stellar: Stellar, ref: dict[str, Any], options: dict[str, Any], body: dict[str, Any], after: dict[str, Any]
):
    planned = stellar.case(check_mode=True, diff=True, **ref, **options)
    assert stellar.emulator.writes() == []
    assert planned["endpoint"] is None
    done = stellar.case(diff=True, **ref, **options)
    assert planned.changed
    assert done.changed
    assert writes(stellar) == [("PUT", f"/{ID}", body)]
    assert (done["id"], done["ticket_id"], done["endpoint"]) == (ID, 1042, "put")
    assert done["before"] == BEFORE
    assert done["after"] == {**BEFORE, **after}
    assert done["diff"] == [{"before_header": f"case {ID}", "before": done["before"], "after_header": f"case {ID}", "after": done["after"]}]
    assert all(planned[name] == done[name] for name in ("before", "after", "diff", "id", "ticket_id"))
    for check_mode in (False, True):
        stellar.emulator.clear_requests()
        again = stellar.case(check_mode=check_mode, diff=True, **ref, **options)
        assert not again.changed
        assert again["before"] == again["after"] == done["after"]
        assert again["diff"] == []
        assert stellar.emulator.writes() == []


def test_a_comment_is_written_once_after_the_fields(stellar: Stellar):
    planned = stellar.case(check_mode=True, id=ID, status="Escalated", comment="Seen.")
    done = stellar.case(id=ID, status="Escalated", comment="Seen.")

    assert writes(stellar) == [("PUT", f"/{ID}", {"status": "Escalated"}), ("POST", f"/{ID}/comments", {"comment": "Seen."})]
    assert done["after"]["comments"] == planned["after"]["comments"] == ["First.", "Seen."]
    stellar.emulator.clear_requests()
    for check_mode in (False, True):
        assert not stellar.case(check_mode=check_mode, id=ID, comment="Seen.").changed
    assert stellar.emulator.writes() == []
    assert stellar.case(id=ID, comment="Seen.", comment_mode="always").changed
    assert comments(stellar) == ["First.", "Seen.", "Seen."]


def test_comments_are_read_only_where_a_comment_is_asked_for(stellar: Stellar):
    stellar.case(id=ID, status="Escalated")

    assert not stellar.emulator.requests(path=f"/connect/api/v1/cases/{ID}/comments")


def test_only_what_differs_is_written(stellar: Stellar):
    stellar.case(id=ID, status="Escalated", severity="Medium", comment="First.", add_tags=["old", "new"], remove_tags=["never"])

    assert writes(stellar) == [("PUT", f"/{ID}", {"status": "Escalated", "tags": {"add": ["new"]}})]


def test_a_resolved_case_gets_no_second_resolution_and_its_alerts_stay(stellar: Stellar):
    stellar.case(id=ID, status="Resolved", resolution="Benign")
    stellar.emulator.clear_requests()

    assert not stellar.case(id=ID, status="Resolved", resolution="True Positive", update_alerts=True).changed
    assert stellar.emulator.writes() == []


def test_a_resolution_that_the_case_shows_is_compared(stellar: Stellar):
    stellar.emulator.configure(case_shows_resolution=True)
    first = stellar.case(id=ID, status="Resolved", resolution="Benign")
    assert first["after"]["resolution"] == "Benign"
    stellar.emulator.clear_requests()

    done = stellar.case(id=ID, status="Resolved", resolution="True Positive", update_alerts=True)

    assert (done["before"]["resolution"], done["after"]["resolution"]) == ("Benign", "True Positive")
    assert writes(stellar) == [("PUT", f"/{ID}", {"status": "Resolved", "resolution": "True Positive"})]
    assert not stellar.case(id=ID, status="Resolved", resolution="True Positive").changed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"id": ID}, "there is nothing to change"),
        ({"id": ID, "resolution": "Benign"}, "only together with `status: Resolved`"),
        ({"id": ID, "status": "New", "update_alerts": True}, "the status here is New"),
        ({"id": ID, "add_tags": ["a"], "remove_tags": ["a"]}, "in `add_tags` and in `remove_tags`"),
        ({"id": ID, "add_tags": [" "]}, "add_tags[0]: the tag is empty"),
        ({"id": ID, "comment": " "}, "comment: the text is empty"),
        ({"id": ID, "assignee": " "}, "assignee: the text is blank"),
        ({"id": "../alerts", "status": "New"}, "cannot be the ID of a case"),
        ({"ticket_id": -1, "status": "New"}, "is not the number of a case"),
        ({"ticket_id": 1, "status": "New", "read_access": "none"}, "Give its `id`"),
        ({"id": ID, "status": "New", "concurrency": 33}, "concurrency: 33 is out of range"),
        ({"cases": [{"status": "New"}]}, "cases[0]: give the `id` or the `ticket_id`"),
        ({"cases": [{"id": ID, "status": "New"}], "resolution": "Benign"}, "cases[0].resolution"),
        ({"id": ID, "status": "new"}, "value of status must be one of"),
        ({"id": ID, "ticket_id": 1042, "status": "New"}, "mutually exclusive"),
        ({"status": "New"}, "one of the following is required"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(stellar: Stellar, options: dict[str, Any], message: str):
    assert message in stellar.case(**options).msg
    assert stellar.seen() == []


class TestAssignees:
    """A case may show an email address, a user ID or a display name."""

    @pytest.mark.parametrize("shown", ["as_given", "email", "user_id"])
    @pytest.mark.parametrize("wanted", ["ann@example.com", "ANN@example.com"])
    def test_the_same_user_is_recognised_in_every_form(self, stellar: Stellar, shown: str, wanted: str):
        stellar.emulator.configure(case_assignee_shown=shown)
        assert stellar.case(id=ID, assignee=wanted).changed
        stellar.emulator.clear_requests()

        for check_mode in (False, True):
            assert not stellar.case(id=ID, assignee="ann@example.com", check_mode=check_mode).changed
        assert stellar.emulator.writes() == []

    def test_a_name_that_the_users_do_not_have_is_a_warning_and_no_second_change(self, stellar: Stellar):
        stellar.emulator.configure(case_assignee_shown="name")
        assert stellar.case(id=ID, assignee="ann@example.com").changed

        again = stellar.case(id=ID, assignee="ann@example.com")

        assert not again.changed
        assert any("the list of users does not name both" in warning for warning in again.warnings)

    def test_users_are_read_once_and_only_if_they_are_needed(self, stellar: Stellar):
        added = stellar.emulator.add_cases(*({"assignee": f"{2:032x}"} for _case in range(5)))
        stellar.case(id=ID, assignee="ann@example.com")
        assert not stellar.emulator.requests(path="/connect/api/v1/users")

        assert not stellar.case(cases=[{"id": one["id"]} for one in added], assignee="ann@example.com").changed
        assert len(stellar.emulator.requests(path="/connect/api/v1/users")) == 1

    def test_users_that_cannot_be_read_are_a_warning(self, stellar: Stellar):
        stellar.emulator.configure(case_assignee_shown="user_id", case_users_readable=False)

        result = stellar.case(id=ID, assignee="ann@example.com")

        assert result.changed
        assert any("the list of users could not be read" in warning for warning in result.warnings)

    def test_another_user_takes_over_and_nobody_does(self, stellar: Stellar):
        stellar.case(id=ID, assignee="ann@example.com")
        assert stellar.case(id=ID, assignee="bob@example.com")["after"]["assignee"] == "bob@example.com"
        assert stellar.case(id=ID, assignee="", check_mode=True)["after"]["assignee"] is None

        assert stellar.case(id=ID, assignee="")["after"]["assignee"] is None
        assert not stellar.case(id=ID, assignee="").changed

    @pytest.mark.parametrize(("setting", "message"), [("ignored", "did not carry out: no assignee"), ("refused", "unknown user")])
    def test_a_server_that_does_not_unassign_is_reported(self, stellar: Stellar, setting: str, message: str):
        stellar.case(id=ID, assignee="ann@example.com")
        stellar.emulator.configure(case_unassign=setting)

        result = stellar.case(id=ID, assignee="")

        assert message in result.msg
        assert not result.changed


class TestManyCases:
    """Several cases in one task."""

    def test_each_has_its_values_or_those_beside_the_list(self, stellar: Stellar):
        added = stellar.emulator.add_cases(*({} for _case in range(20)))
        cases: list[dict[str, Any]] = [{"id": one["id"]} for one in added]
        cases[3] = {"ticket_id": added[3]["ticket_id"], "status": "Cancelled", "comment": "Mine."}

        result = stellar.case(cases=cases, status="Escalated", add_tags=["all"], concurrency=8)

        assert [one["id"] for one in result["cases"]] == [one["id"] for one in added]
        assert [one["ticket_id"] for one in result["cases"]] == [one["ticket_id"] for one in added]
        assert [one["after"]["status"] for one in result["cases"]] == ["Escalated"] * 3 + ["Cancelled"] + ["Escalated"] * 16
        assert result["cases"][3]["after"]["comments"] == ["Mine."]
        assert stellar.emulator.state["stellar"]["token_calls"] == 1
        stellar.emulator.clear_requests()
        assert not stellar.case(cases=cases, status="Escalated", add_tags=["all"], concurrency=8).changed
        assert stellar.emulator.writes() == []

    def test_what_the_info_module_returns_can_be_passed_on(self, stellar: Stellar):
        found = stellar.cases(with_comments=True, with_alerts=True)

        assert stellar.case(cases=found["cases"], add_tags=["seen"]).changed

    def test_the_same_case_by_id_and_by_number_gets_a_comment_once(self, stellar: Stellar):
        result = stellar.case(cases=[{"id": ID}, {"ticket_id": 1042}, {"id": ID}], comment="Seen.", concurrency=8)

        assert [one["changed"] for one in result["cases"]] == [True, False, False]
        assert comments(stellar) == ["First.", "Seen."]

    def test_one_failure_stops_no_other_case(self, stellar: Stellar):
        missing = "64f1a2b3c4d5e6f708192a3c"

        result = stellar.case(cases=[{"ticket_id": 7}, {"id": ID}, {"id": missing}], status="Escalated")

        assert result.msg.startswith("2 of 3 cases failed; see failed_cases. The first is cases[0]: no such case: there is no case with ")
        assert result.changed
        assert [(one["position"], one["id"], one["ticket_id"], one["outcome_unknown"]) for one in result["failed_cases"]] == [
            (0, None, 7, False),
            (2, missing, None, False),
        ]
        assert [one["changed"] for one in result["cases"]] == [False, True, False]

    def test_a_number_that_belongs_to_another_case_is_an_error(self, stellar: Stellar):
        assert "has the number 1042, and not the `ticket_id` 7" in stellar.case(cases=[{"id": ID, "ticket_id": 7}], status="New").msg

    def test_no_cases_are_no_work(self, stellar: Stellar):
        assert not stellar.case(cases=[], status="New").changed
        assert stellar.seen() == []


class TestOldServers:
    """Versions 4.3 to 5.1 may not read a case by its ID, and 4.3 updates by a call that makes a case on newer servers."""

    @pytest.mark.parametrize("status", [404, 405])
    def test_a_case_is_found_in_the_list_by_the_time_in_its_id(self, stellar: Stellar, status: int):
        stellar.emulator.configure(case_get_available=False, missing_path_status=status)
        stellar.emulator.add_cases(*({"created_at": CREATED + number} for number in range(600)))

        result = stellar.case(id=ID, status="Escalated")

        assert (result["after"]["status"], result["endpoint"]) == ("Escalated", "put")
        assert not stellar.case(ticket_id=1042, status="Escalated").changed

    def test_a_case_with_a_number_is_found_by_it_whatever_its_id_is(self, stellar: Stellar):
        stellar.emulator.configure(case_get_available=False)
        stellar.emulator.add_cases({"_id": "an-id-of-another-kind", "ticket_id": 5})

        assert stellar.case(ticket_id=5, status="Escalated", comment="Seen.").changed
        assert not stellar.case(cases=[{"id": "an-id-of-another-kind", "ticket_id": 5}], status="Escalated", comment="Seen.").changed
        assert "no such case" in stellar.case(cases=[{"id": "another-id", "ticket_id": 5}], status="New").msg

    @pytest.mark.parametrize("status", [404, 405])
    def test_version_4_3_is_recognised(self, stellar: Stellar, status: int):
        stellar.emulator.configure(
            case_get_available=False,
            case_put_available=False,
            case_post="updates",
            case_severity_field="priority",
            missing_path_status=status,
        )
        stellar.emulator.add_cases({**CASE, "priority": "Low"})

        result = stellar.case(id=ID, status="Escalated", severity="High", comment="Seen.")

        assert result["endpoint"] == "post"
        assert writes(stellar)[1:] == [
            ("POST", "", {"status": "Escalated", "priority": "High"}),
            ("POST", f"/{ID}/comments", {"comment": "Seen."}),
        ]
        assert (result["before"]["severity"], result["after"]["severity"]) == ("Low", "High")
        assert not stellar.case(id=ID, status="Escalated", severity="High").changed

    @pytest.mark.parametrize("settings", [{"case_put_available": False}, {"case_put_available": False, "case_get_available": True}])
    @pytest.mark.parametrize("read_access", ["auto", "none"])
    def test_no_case_is_made_on_a_guess(self, stellar: Stellar, settings: dict[str, Any], read_access: str):
        stellar.emulator.configure(**settings)

        assert "was refused with status 404" in stellar.case(id=ID, status="Escalated", read_access=read_access).msg
        assert len(stellar.emulator.cases()) == 1

    def test_no_case_is_made_for_one_that_was_just_removed_and_is_still_listed(self, stellar: Stellar):
        stellar.emulator.add_cases({})
        for method in ("GET", "PUT"):
            stellar.emulator.add_fault("status", {"method": method, "path_regex": f"/cases/{ID}"}, status=404, times=None)

        assert "was refused with status 404" in stellar.case(id=ID, status="Escalated").msg
        assert len(stellar.emulator.cases()) == 2

    def test_no_case_is_made_where_reading_by_id_is_missing_and_nothing_was_read(self, stellar: Stellar):
        stellar.emulator.configure(case_get_available=False, case_put_available=False)

        assert "set `endpoint: post`" in stellar.case(id=ID, status="Escalated", read_access="none").msg
        assert len(stellar.emulator.cases()) == 1

    def test_a_server_that_makes_a_case_of_it_is_reported_and_left_alone(self, stellar: Stellar):
        cases = [{"id": one["id"]} for one in stellar.emulator.add_cases({}, {}, {})]

        result = stellar.case(cases=cases, status="Escalated", endpoint="post", concurrency=1)

        assert "created the new case" in result.msg
        assert "set `endpoint` to `put`" in result.msg
        assert len(stellar.emulator.cases()) == 5

    def test_a_missing_case_is_reported_as_such(self, stellar: Stellar):
        stellar.emulator.configure(case_get_available=False)

        assert "there is no case 64f1a2b3c4d5e6f708192a3c" in stellar.case(id="64f1a2b3c4d5e6f708192a3c", status="New").msg
        assert "there is no case 1042" in stellar.case(id="1042", status="New").msg


class TestServersThatDiffer:
    """If the behaviour of a server is not documented, the module finds out or reports it."""

    def test_a_number_that_the_server_ignores_changes_no_other_case(self, stellar: Stellar):
        stellar.emulator.configure(case_ignored_arguments=["ticket_id"])
        stellar.emulator.add_cases({})

        assert "the server ignored the argument" in stellar.case(ticket_id=1042, status="Escalated").msg
        assert stellar.emulator.writes() == []

    def test_two_cases_with_one_number_are_an_error(self, stellar: Stellar):
        stellar.emulator.add_cases({"ticket_id": 1042})

        assert "several cases have the number 1042" in stellar.case(ticket_id=1042, status="Escalated").msg

    @pytest.mark.parametrize(
        "setting", [{"ignore_writes": True}, {"tag_op_noop": True}, {"case_tag_delete": "adds"}, {"case_tag_delete": "ignored"}]
    )
    def test_what_the_server_accepts_and_does_not_do_is_an_error(self, stellar: Stellar, setting: dict[str, Any]):
        stellar.emulator.configure(**setting)

        result = stellar.case(id=ID, add_tags=["new"], remove_tags=["old"])

        left = "tag old removed" if "case_tag_delete" in setting else "tag new added, tag old removed"
        assert f"did not carry out: {left}." in result.msg

    @pytest.mark.parametrize("form", ["case", "text", "empty"])
    @pytest.mark.parametrize("comment_form", ["empty", "json"])
    def test_every_form_of_answer_is_taken(self, stellar: Stellar, form: str, comment_form: str):
        stellar.emulator.configure(case_update_answer=form, case_comment_answer=comment_form)

        assert stellar.case(id=ID, status="Escalated", comment="Seen.").changed

    def test_tags_that_the_server_takes_only_one_way_are_an_error(self, stellar: Stellar):
        stellar.emulator.configure(case_tags_together=False)

        assert "either add or delete" in stellar.case(id=ID, add_tags=["new"], remove_tags=["old"]).msg
        assert stellar.case(id=ID, add_tags=["new"]).changed
        assert stellar.case(id=ID, remove_tags=["old"]).changed

    def test_a_comment_that_comes_back_escaped_is_the_same(self, stellar: Stellar):
        stellar.emulator.configure(comment_rewriting=["escape", "collapse"])

        assert stellar.case(id=ID, comment="a <b>  c").changed
        assert not stellar.case(id=ID, comment="a <b>  c").changed

    @pytest.mark.parametrize("rewriting", [["lower", "cut_short"], ["signed"], ["strip_tags"], ["reversed"]])
    def test_three_runs_write_one_comment_and_one_tag_however_the_server_rewrites_them(self, stellar: Stellar, rewriting: list[str]):
        stellar.emulator.configure(comment_rewriting=rewriting, tag_rewriting=["upper"])
        wanted = {"id": ID, "comment": "Seen at the gate by <b>Ann</b>, who called the owner of the host.", "add_tags": ["new"]}

        runs = [stellar.case(**wanted) for _run in range(3)]

        assert [run.changed for run in runs] == [True, False, False]
        assert len(comments(stellar)) == 2
        assert runs[0]["after"]["tags"] == ["old", "NEW"]
        assert any("This server rewrites texts" in warning for warning in runs[0].warnings)
        assert not stellar.case(check_mode=True, **wanted).changed
        assert stellar.case(**{**wanted, "comment": "Another one."}).changed

    def test_a_rewritten_comment_that_could_not_be_read_back_is_known_by_the_next_run(self, stellar: Stellar):
        stellar.emulator.configure(comment_rewriting=["lower"])
        stellar.emulator.add_fault("status", {"method": "GET", "path_regex": "/comments"}, status=500, times=20, after=1)
        assert "could not be read since" in stellar.case(id=ID, comment="Seen at the GATE.", retries=0).msg
        stellar.emulator.clear_faults()

        assert not stellar.case(id=ID, comment="Seen at the GATE.").changed
        assert len(comments(stellar)) == 2

    @pytest.mark.parametrize("is_shown", [True, False])
    def test_a_description_is_written_once_also_by_a_server_that_does_not_show_it(self, stellar: Stellar, is_shown: bool):
        stellar.emulator.configure(case_shows_description=is_shown)
        planned = stellar.case(check_mode=True, id=ID, description="Two countries.", comment="Seen.")
        assert stellar.emulator.writes() == []

        runs = [stellar.case(id=ID, description="Two  countries.\n") for _run in range(3)]

        assert [planned.changed, *(run.changed for run in runs)] == [True, True, False, False]
        assert writes(stellar) == [("PUT", f"/{ID}", {"description": "Two  countries.\n"})]
        assert runs[0]["after"].get("description") == ("Two  countries.\n" if is_shown else None)
        assert any("does not show the description" in warning for warning in runs[0].warnings) is not is_shown
        assert stellar.case(id=ID, description="").changed
        assert stellar.case(id=ID, description="Two countries.").changed
        assert [body for _method, _path, body in writes(stellar)[1:]] == [{"description": ""}, {"description": "Two countries."}]
        stellar.move_to_another_host()
        assert stellar.case(id=ID, description="Two countries.").changed is not is_shown

    def test_a_description_that_is_shown_and_not_taken_is_an_error(self, stellar: Stellar):
        stellar.emulator.configure(case_shows_description=True)
        assert stellar.case(id=ID, description="Old.").changed
        stellar.emulator.configure(ignore_writes=True)

        assert "did not carry out: the description" in stellar.case(id=ID, description="New.").msg

    def test_null_for_a_list_means_that_it_is_empty(self, stellar: Stellar):
        stellar.emulator.add_fault("status", {"method": "GET", "path_regex": "/comments"}, times=1, status=200, body='{"data": null}')
        stellar.emulator.add_fault(
            "status", {"method": "GET", "path_regex": "/alerts"}, times=None, status=200, body='{"data": {"docs": null}}'
        )

        assert stellar.case(id=ID, comment="Seen.").changed
        assert stellar.cases(id=ID, with_alerts=True)["cases"][0]["alerts"] == []

    def test_without_comments_and_tags_no_ledger_is_opened(self, stellar: Stellar):
        assert stellar.case(id=ID, status="Escalated", ledger="/dev/null/ledger").changed
        assert "/dev/null" in stellar.case(id=ID, comment="Seen.", ledger="/dev/null/ledger").msg


class TestOutcomes:
    """Unclear outcomes, refusals, and accounts that may not read."""

    @pytest.mark.parametrize("action", ["reset_after", "close_after", "truncate", "garbage", "empty"])
    @pytest.mark.parametrize("mode", ["once", "always"])
    def test_a_comment_that_arrived_without_an_answer_is_not_sent_again(self, stellar: Stellar, action: str, mode: str):
        stellar.emulator.add_fault(action, COMMENTS)

        assert stellar.case(id=ID, comment="Seen.", comment_mode=mode).changed
        assert comments(stellar) == ["First.", "Seen."]

    @pytest.mark.parametrize("action", ["reset_before", "close_before"])
    def test_a_comment_that_got_lost_is_sent_again_after_looking(self, stellar: Stellar, action: str):
        stellar.emulator.add_fault(action, COMMENTS)

        assert stellar.case(id=ID, status="Escalated", comment="Seen.").changed
        assert comments(stellar) == ["First.", "Seen."]

    def test_fields_are_simply_sent_again(self, stellar: Stellar):
        stellar.emulator.add_fault("status", PUT, status=503, times=2)

        assert stellar.case(id=ID, status="Escalated", comment="Seen.").changed
        assert [one[0] for one in writes(stellar)] == ["PUT", "PUT", "PUT", "POST"]

    def test_a_refused_comment_does_not_hide_what_was_done_before(self, stellar: Stellar):
        stellar.emulator.add_fault("status", COMMENTS, status=400, times=None, body="comment refused")

        result = stellar.case(id=ID, status="Escalated", comment="Seen.")

        assert "comment refused" in result.msg
        assert result.changed
        assert result["after"]["status"] == "Escalated"

    def test_a_comment_is_not_waited_for_if_it_was_never_sent(self, stellar: Stellar):
        stellar.emulator.add_fault("html", PUT, times=None)

        result = stellar.case(id=ID, status="Escalated", comment="Seen.")

        assert "does not show: status Escalated, the comment" in result.msg
        assert result["outcome_unknown"]
        assert stellar.clock.slept < 15
        assert comments(stellar) == ["First."]

    def test_an_account_that_may_not_read_writes_and_warns(self, stellar: Stellar):
        stellar.emulator.configure(right_to_read=False)

        result = stellar.case(id=ID, status="Escalated", comment="Seen.")

        assert result.changed
        assert (result["before"], result["after"]) == (None, None)
        assert any("may not read cases" in warning for warning in result.warnings)
        assert held(stellar)["status"] == "Escalated"
        assert "status 403" in stellar.case(id=ID, status="New", read_access="required").msg
        assert "give the `id`" in stellar.case(ticket_id=1042, status="New").msg

    def test_an_unclear_comment_that_cannot_be_looked_for_is_reported(self, stellar: Stellar):
        stellar.emulator.add_fault("reset_after", COMMENTS)

        result = stellar.case(id=ID, comment="Seen.", read_access="none")

        assert result["outcome_unknown"]
        assert "a comment would be written a second time" in result.msg
        assert comments(stellar) == ["First.", "Seen."]

    @pytest.mark.parametrize("own_first", [True, False])
    def test_a_case_of_another_tenant_says_nothing_about_the_right_to_read(self, stellar: Stellar, own_first: bool):
        mine, other = (
            {"id": one["id"]} for one in stellar.emulator.add_cases({"cust_id": "mine", "comments": ["Seen."]}, {"cust_id": "x"})
        )
        stellar.emulator.configure(scoped_tenant="mine")
        stellar.connection.update(auth_method="scoped_key", api_key=stellar.emulator.emulator.settings.scoped_key, username=None)

        result = stellar.case(cases=[mine, other] if own_first else [other, mine], comment="Seen.", concurrency=1)

        assert "Tenant mismatch" in result.msg
        assert not result.changed
        assert stellar.emulator.writes() == []
