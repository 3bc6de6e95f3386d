# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extrahop_detection: what it writes for which state, again, in check mode, for many detections, and after lost answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._extrahop.detections import DetectionCalls

if TYPE_CHECKING:
    from support.extrahop import Appliance
    from support.module_runs import ModuleRun

MODULE = "extrahop_detection"
ID = 997222
EMPTY = {"status": "open", "resolution": "none", "assignee": "", "ticket_id": "", "note": None}
NOTE = "Seen at the gate.\nCalled Ann."


def set_up(appliance: Appliance, **fields: Any) -> None:
    """A detection with these fields."""
    appliance.emulator.add_detections({"id": ID, **fields})


def run(appliance: Appliance, **options: Any) -> ModuleRun:
    """Runs the module on that detection."""
    return appliance.run(MODULE, id=ID, **options)


def held(appliance: Appliance, *names: str) -> Any:
    """Fields of the detection on the server."""
    (one,) = [one for one in appliance.emulator.detections() if one["id"] == ID]
    return [one[name] for name in names]


CHANGES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({}, {"status": "closed", "resolution": "action_taken"}, {"status": "closed", "resolution": "action_taken"}),
    ({"status": "new"}, {"status": "open"}, {"status": None}),
    ({"status": "closed", "resolution": "action_taken"}, {"resolution": "none"}, {"resolution": None}),
    ({}, {"status": "new", "assignee": "sally", "ticket_id": "TK-16982"}, {"status": "new", "assignee": "sally", "ticket_id": "TK-16982"}),
    ({"assignee": "jim", "ticket_id": "TK-1"}, {"assignee": ""}, {"assignee": None, "ticket_id": "TK-1"}),
    ({"assignee": "jim", "ticket_id": "TK-1"}, {"ticket_id": ""}, {"ticket_id": None}),
    (
        {"status": "in_progress", "ticket_id": "TK-1"},
        {"status": "acknowledged", "assignee": ""},
        {"status": "acknowledged", "ticket_id": "TK-1"},
    ),
]


@pytest.mark.parametrize(("fields", "options", "body"), CHANGES)
def test_what_differs_is_sent_in_one_request(appliance: Appliance, fields: dict[str, Any], options: dict[str, Any], body: dict[str, Any]):
    set_up(appliance, **fields)

    assert run(appliance, **options).changed
    assert appliance.seen() == [f"GET detections/{ID}", f"PATCH detections/{ID}", f"GET detections/{ID}"]
    assert appliance.bodies() == [body]
    (write,) = appliance.emulator.writes()
    assert write["headers"]["Content-Type"] == write["headers"]["Accept"] == "application/json"
    assert write["headers"]["Authorization"].startswith("ExtraHop apikey=")


@pytest.mark.parametrize(("fields", "options"), [(fields, options) for fields, options, _body in CHANGES])
def test_change_again_check_mode_and_check_mode_again(appliance: Appliance, fields: dict[str, Any], options: dict[str, Any]):
    set_up(appliance, **fields)
    before = {**EMPTY, **fields}

    done = appliance.four_times(MODULE, id=ID, **options)

    assert done["before"] == before
    assert done["after"] == {**before, **options}
    assert done["id"] == ID
    assert done["diff"] == [
        {"before_header": f"detection {ID}", "before": before, "after_header": f"detection {ID}", "after": done["after"]}
    ]


def test_client_credentials_of_revealx_360(appliance: Appliance):
    set_up(appliance)
    settings = appliance.emulator.emulator.settings
    del appliance.connection["api_key"]

    assert run(appliance, client_id=settings.client_id, client_secret=settings.client_secret, status="closed").changed
    assert appliance.emulator.state["extrahop"]["token_calls"] == 1


# -- notes ------------------------------------------------------------------------------------------------------------------

APPENDED = [
    (None, "Called Ann.", "Called Ann."),
    ("", "Called Ann.", "Called Ann."),
    ("Seen at the gate.", "Called Ann.", NOTE),
    ("token refused", "token", "token refused\ntoken"),
    ("Seen at the gate.", "Seen at the", "Seen at the gate.\nSeen at the"),
    ("a\nx\nb", "a\nb", "a\nx\nb\na\nb"),
    ("a", "\n  a\nb \n", "a\na\nb"),
    ("Ann", "ann", "Ann\nann"),
]
STANDS = [(NOTE, "Called Ann."), (NOTE, NOTE), (f"x\n{NOTE}\ny", NOTE), ("  Called Ann.  \r\nx", "Called Ann.\n"), ("a\nb\na\nc", "a\nc")]


@pytest.mark.parametrize(("note", "text", "whole"), APPENDED)
def test_a_text_is_appended_to_what_is_there(appliance: Appliance, note: str | None, text: str, whole: str):
    set_up(appliance, note=note)

    done = appliance.four_times(MODULE, id=ID, note=text)

    assert held(appliance, "note") == [whole]
    assert (done["before"]["note"], done["after"]["note"]) == (note or "", whole)


@pytest.mark.parametrize(("note", "text"), STANDS)
def test_lines_that_stand_are_not_written_again(appliance: Appliance, note: str, text: str):
    set_up(appliance, note=note)

    assert not run(appliance, note=text).changed
    assert appliance.seen() == [f"GET detections/{ID}", f"GET detections/{ID}/notes"]


@pytest.mark.parametrize(
    ("note", "text", "request_sent"), [(NOTE, "New.", "PUT"), (None, "New.", "PUT"), (NOTE, "", "DELETE"), (NOTE, "Called Ann.", "PUT")]
)
def test_a_note_is_replaced_or_deleted(appliance: Appliance, note: str | None, text: str, request_sent: str):
    set_up(appliance, note=note)

    appliance.four_times(MODULE, id=ID, note=text, note_mode="replace")

    assert held(appliance, "note") == [text or None]
    set_up(appliance, note=note)
    appliance.emulator.clear_requests()
    run(appliance, note=text, note_mode="replace")
    assert appliance.seen("write") == [f"{request_sent} detections/{ID}/notes"]


def test_a_note_is_read_right_before_it_is_written_and_after_it(appliance: Appliance):
    set_up(appliance, note="Seen at the gate.", ticket_id="TK-1")

    run(appliance, note="Called Ann.", status="closed")

    reads = [f"GET detections/{ID}", f"GET detections/{ID}/notes"]
    assert appliance.seen() == [*reads, f"PUT detections/{ID}/notes", f"PATCH detections/{ID}", *reads]
    assert appliance.bodies() == [{"note": NOTE}, {"status": "closed", "ticket_id": "TK-1"}]


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "close_before", "close_after", "late"])
def test_a_lost_answer_to_a_note_writes_it_once(appliance: Appliance, fault: str):
    set_up(appliance, note="Seen at the gate.")
    appliance.emulator.add_fault(fault, {"method": "PUT"}, **({"seconds": 20} if fault == "late" else {}))

    assert run(appliance, note="Called Ann.", status="closed").changed
    assert held(appliance, "note", "status") == [NOTE, "closed"]


class Colleague:
    """Somebody else, who writes a note of the detection right before or after this module does."""

    def __init__(self, appliance: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
        self.appliance = appliance
        self.writes: list[tuple[str, str]] = []
        real = DetectionCalls.replace_note

        def replace_note(calls: DetectionCalls, identifier: int, text: str) -> None:
            when, note = self.writes.pop(0) if self.writes else ("", "")
            if when == "instead":
                self._write(note)
                appliance.emulator.add_fault("close_before", {"method": "PUT"})
            try:
                real(calls, identifier, text)
            finally:
                if when == "after":
                    self._write(note)

        monkeypatch.setattr(DetectionCalls, "replace_note", replace_note)

    def _write(self, note: str) -> None:
        self.appliance.emulator.emulator.extrahop.detections.write_note(ID, note, "colleague")


@pytest.mark.parametrize(
    ("others", "whole"),
    [("Their text.", "Their text.\nCalled Ann."), ("Called Ann.\nTheirs.", "Called Ann.\nTheirs."), ("", "Called Ann.")],
)
def test_after_a_lost_answer_the_text_is_appended_to_what_others_wrote(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch, others: str, whole: str
):
    set_up(appliance, note="Seen at the gate.")
    Colleague(appliance, monkeypatch).writes.append(("instead", others))

    assert run(appliance, note="Called Ann.").changed
    assert held(appliance, "note") == [whole]


def test_what_others_wrote_behind_ours_is_kept(appliance: Appliance, monkeypatch: pytest.MonkeyPatch):
    set_up(appliance, note="Seen at the gate.")
    Colleague(appliance, monkeypatch).writes.append(("after", f"{NOTE}\nTheirs."))

    assert run(appliance, note="Called Ann.").changed
    assert held(appliance, "note") == [f"{NOTE}\nTheirs."]


def test_a_note_that_others_replaced_at_the_same_time_is_an_error(appliance: Appliance, monkeypatch: pytest.MonkeyPatch):
    set_up(appliance, note="Seen at the gate.")
    Colleague(appliance, monkeypatch).writes.append(("after", "Theirs."))

    assert "did not carry out: the note. Somebody else may have replaced the note" in run(appliance, note="Called Ann.").msg
    assert run(appliance, note="Called Ann.").changed
    assert held(appliance, "note") == ["Theirs.\nCalled Ann."]


# -- what nobody documents --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("note", [None, "Seen at the gate."])
@pytest.mark.parametrize("mode", ["append", "replace"])
@pytest.mark.parametrize("rewriting", [["lower"], ["signed"], ["strip_tags", "crlf"], ["lower", "collapse"], ["trim", "ascii"]])
def test_three_runs_write_a_note_once_however_the_server_rewrites_it(
    appliance: Appliance, note: str | None, mode: str, rewriting: list[str]
):
    set_up(appliance, note=note)
    appliance.emulator.configure(note_rewriting=rewriting)
    wanted = {"note": "Called <b>Ann</b>, the owner:\nshe moved a big archive at Caf\u00e9 Sol.", "note_mode": mode}

    runs = [run(appliance, **wanted) for _run in range(3)]

    assert [run.changed for run in runs] == [True, False, False]
    assert any("This server rewrites texts" in warning for warning in runs[0].warnings)
    assert not run(appliance, check_mode=True, **wanted).changed
    assert held(appliance, "note")[0].casefold().count("she moved a big archive") == 1


@pytest.mark.parametrize("others", ["", " Theirs, behind it."])
def test_a_server_that_joins_lines_gets_each_text_once(appliance: Appliance, others: str):
    set_up(appliance, note="Seen at the gate.")
    appliance.emulator.configure(note_rewriting=["collapse"])
    assert run(appliance, note="Called Ann\nat noon.").changed
    assert run(appliance, note="Closed by Bob.").changed
    if others:
        set_up(appliance, note=f"{held(appliance, 'note')[0]}{others}")

    assert not run(appliance, note="Called Ann\nat noon.").changed
    assert not run(appliance, note="Closed by Bob.").changed
    assert held(appliance, "note") == [f"Seen at the gate. Called Ann at noon. Closed by Bob.{others}"]


def test_a_joined_text_that_somebody_removed_is_written_again(appliance: Appliance):
    set_up(appliance, note="Seen at the gate.")
    appliance.emulator.configure(note_rewriting=["collapse"])
    assert run(appliance, note="Called Ann.").changed
    set_up(appliance, note="Seen at the gate.")

    assert run(appliance, note="Called Ann.").changed
    assert held(appliance, "note") == ["Seen at the gate. Called Ann."]


def test_a_rewritten_note_is_known_among_lines_that_others_add_and_missed_where_they_remove_it(appliance: Appliance):
    set_up(appliance, note="First.")
    appliance.emulator.configure(note_rewriting=["upper"])
    assert run(appliance, note="Called Ann\nat noon.").changed

    set_up(appliance, note="Theirs.\nCALLED ANN\nAT NOON.\nTheirs as well.")
    assert not run(appliance, note="Called Ann\nat noon.").changed
    assert run(appliance, note="Called Ann\nat noon.", note_mode="replace").changed
    set_up(appliance, note="Theirs.\nCALLED ANN\nTheirs as well.")
    assert run(appliance, note="Called Ann\nat noon.").changed


def test_a_rewritten_note_that_could_not_be_read_back_is_known_by_the_next_run(appliance: Appliance):
    set_up(appliance, note="First.")
    appliance.emulator.configure(note_rewriting=["lower"])
    appliance.emulator.add_fault("status", {"method": "GET", "path_regex": "/notes"}, status=500, times=20, after=1)
    assert "could not be read since" in run(appliance, note="Called ANN at noon.", retries=0).msg
    appliance.emulator.clear_faults()

    assert not run(appliance, note="Called ANN at noon.").changed
    assert held(appliance, "note") == ["first.\ncalled ann at noon."]


def test_a_longer_line_of_somebody_else_is_not_the_text(appliance: Appliance):
    set_up(appliance)
    assert run(appliance, note="The token of this user was seen").changed
    set_up(appliance, note="The token of this user was seen and refused")

    assert run(appliance, note="The token of this user was seen").changed


@pytest.mark.parametrize(
    "settings",
    [{"write_status": 200}, {"no_note": "404"}, {"no_note": "object"}, {"detection_tracking": "both"}, {"null_ticket": "refuse"}],
)
def test_servers_differ(appliance: Appliance, settings: dict[str, Any]):
    set_up(appliance)
    appliance.emulator.configure(**settings)

    done = appliance.four_times(MODULE, id=ID, status="closed", assignee="sally", note="Called Ann.")

    assert done["after"] == {**EMPTY, "status": "closed", "assignee": "sally", "note": "Called Ann."}


@pytest.mark.parametrize(
    ("settings", "options", "said"),
    [
        ({"detection_tracking": "internal"}, {"note": "x"}, "Track detections from an external ticketing system"),
        ({"detection_tracking": "internal"}, {"ticket_id": "TK-1"}, "Track detections from an external ticketing system"),
        ({"ticket_required": True}, {"status": "closed"}, "give `ticket_id`"),
        ({"null_ticket": "refuse"}, {"ticket_id": ""}, "null is not allowed"),
        ({"extrahop_ignore_writes": True}, {"status": "closed"}, f"accepted the update of {ID} and did not carry out: status closed."),
        ({"extrahop_ignore_writes": True}, {"note": "x"}, "did not carry out: the note."),
        ({"full_privileges": False}, {"status": "closed"}, "refused with status 403"),
    ],
)
def test_refusals_say_what_to_do(appliance: Appliance, settings: dict[str, Any], options: dict[str, Any], said: str):
    set_up(appliance, ticket_id="TK-0" if options.get("ticket_id") == "" else None)
    appliance.emulator.configure(**settings)

    result = run(appliance, **options)

    assert said in result.msg
    assert result["before"] is None or result["before"] == result["after"]
    assert not result.changed


# -- many, and accounts that may not read -----------------------------------------------------------------------------------


def test_many_detections_each_with_its_own_change(appliance: Appliance):
    appliance.emulator.add_detections(*({"id": number} for number in range(1, 5)))
    entries = [{"id": 1}, {"id": 2, "status": "closed"}, {"id": 99}, {"id": 4, "note": "Only here."}, {"id": 1, "assignee": "sally"}]

    result = appliance.run(MODULE, detections=entries, status="acknowledged")

    assert "1 of 5 detections failed; see failed_detections. The first is detections[2]: there is no detection 99" in result.msg
    assert [one["changed"] for one in result["detections"]] == [True, True, False, True, True]
    assert [(one["position"], one["id"], one["outcome_unknown"]) for one in result["failed_detections"]] == [(2, 99, False)]
    assert [one["status"] for one in appliance.emulator.detections()] == ["acknowledged", "closed", None, "acknowledged"]
    assert appliance.emulator.detections()[3]["note"] == "Only here."


def test_what_the_info_module_returns_can_be_given(appliance: Appliance):
    appliance.emulator.add_detections({"id": 1, "note": "x"}, {"id": 2})
    found = appliance.run("extrahop_detection_info", with_notes=True, with_participants=True)["detections"]

    assert appliance.run(MODULE, detections=found, status="closed").changed
    assert [one["status"] for one in appliance.emulator.detections()] == ["closed", "closed"]


@pytest.mark.parametrize("read_access", ["auto", "none"])
@pytest.mark.parametrize(
    ("options", "bodies"), [({"status": "open"}, [{"status": None}]), ({"note": "x", "note_mode": "replace"}, [{"note": "x"}])]
)
def test_without_reading_everything_is_written(
    appliance: Appliance, read_access: str, options: dict[str, Any], bodies: list[dict[str, Any]]
):
    set_up(appliance)
    appliance.emulator.configure(extrahop_can_read=False)

    result = run(appliance, read_access=read_access, **options)

    assert (result.changed, result["before"], result["after"]) == (True, None, None)
    assert appliance.bodies() == bodies
    assert any("may not read detections" in text for text in result.warnings) == (read_access == "auto")


@pytest.mark.parametrize(("read_access", "said"), [("none", "read_access: to append"), ("auto", "403"), ("required", "403")])
@pytest.mark.parametrize("check_mode", [False, True])
def test_to_append_the_note_must_be_read(appliance: Appliance, read_access: str, said: str, check_mode: bool):
    set_up(appliance, note="x")
    appliance.emulator.configure(extrahop_can_read=False)

    assert said in run(appliance, read_access=read_access, note="y", check_mode=check_mode).msg
    assert appliance.emulator.writes() == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"id": 1}, "there is nothing to change"),
        ({"detections": [{"id": 1, "status": "closed"}, {"id": 2}]}, "detections[1]: there is nothing to change"),
        ({"id": 1, "note": "  "}, "note: the text is empty"),
        ({"detections": [{"id": 1, "note": ""}]}, "detections[0].note: the text is empty"),
        ({"id": -1, "status": "closed"}, "id: -1 is out of range"),
        ({"id": "abc", "status": "closed"}, "id"),
        ({"status": "closed"}, "one of the following is required: detections, id"),
        ({"id": 1, "detections": [{"id": 1}], "status": "closed"}, "mutually exclusive"),
        ({"id": 1, "status": "Closed"}, "value of status must be one of"),
        ({"id": 1, "status": "closed", "concurrency": 0}, "concurrency: 0 is out of range"),
    ],
)
def test_options_are_checked_before_anything_is_sent(appliance: Appliance, options: dict[str, Any], said: str):
    assert said in appliance.run(MODULE, **options).msg
    assert appliance.seen() == []


def test_unpaired_surrogates_are_replaced(appliance: Appliance):
    set_up(appliance)

    entry = {"id": ID, "note": "caf\udce9", "assignee": "s\udce9", "ticket_id": "t\udce9"}
    assert appliance.run(MODULE, detections=[entry]).changed

    assert held(appliance, "note", "assignee", "ticket_id") == ["caf\ufffd", "s\ufffd", "t\ufffd"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *((f"/api/v1/detections/{ID}", body) for body in ("[]", "null", '{"id": 5}', "{}", "<html></html>", "")),
        *((f"/api/v1/detections/{ID}/notes", body) for body in ("[]", "5", '{"note": 5}', '{"note": ["x"]}', "<html></html>")),
    ],
)
def test_odd_answers_change_nothing(appliance: Appliance, path: str, body: str):
    set_up(appliance, note="x")
    appliance.emulator.add_fault("status", {"path_regex": f"{path}$", "method": "GET"}, times=None, status=200, body=body)

    assert f"GET {path}" in run(appliance, note="y", status="closed").msg
    assert appliance.emulator.writes() == []


@pytest.mark.parametrize("fields", [{"status": "escalated"}, {"assignee": 5}, {"ticket_id": ["T"]}, {"participants": "none"}])
def test_values_that_nobody_documents_are_shown_as_they_are(appliance: Appliance, fields: dict[str, Any]):
    set_up(appliance, **fields)

    result = run(appliance, resolution="action_taken")

    assert result.changed
    assert appliance.bodies() == [{"resolution": "action_taken"}]
    for name in result["before"].keys() & fields.keys():
        assert result["before"][name] == str(fields[name])
