# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extrahop_detection_info: the body of the search, pages, notes and participants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from support.extrahop import Appliance

MODULE = "extrahop_detection_info"
SEARCH = "POST detections/search"
HOUR_MS = 3_600_000


def ids(result: Any) -> list[int]:
    """The IDs of the detections in a result."""
    return [one["id"] for one in result["detections"]]


def test_one_detection(appliance: Appliance):
    appliance.emulator.add_detections({"id": 7, "title": "Rare SSH Port", "note": "x"}, {"id": 8})

    result = appliance.run(MODULE, id=7)

    assert (result.changed, result["total"], ids(result)) == (False, 1, [7])
    assert result["detections"][0]["source"]["title"] == "Rare SSH Port"
    assert result["detections"][0]["notes"] is None
    assert appliance.seen() == ["GET detections/7"]
    assert (appliance.run(MODULE, id=9)["detections"], appliance.run(MODULE, id=9)["total"]) == ([], 0)


CONDITIONS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"status": ["open", "new"]}, {"filter": {"status": [".none", "new"]}}),
    ({"resolution": ["none", "action_taken"]}, {"filter": {"resolution": [".none", "action_taken"]}}),
    ({"assignee": ["none", "me", "open"]}, {"filter": {"assignee": [".none", ".me", "open"]}}),
    ({"ticket_id": ["none", "me"]}, {"filter": {"ticket_id": [".none", "me"]}}),
    ({"types": ["none"], "categories": ["sec.attack"]}, {"filter": {"types": ["none"], "categories": ["sec.attack"]}}),
    ({"risk_score_min": 0, "filter": {"recommended": False}}, {"filter": {"risk_score_min": 0, "recommended": False}}),
    (
        {"since": "1700000000000", "until": "2023-11-15T00:00:00Z", "modified_since": "2023-11-15T01:00:00+01:00"},
        {"from": 1700000000000, "until": 1700006400000, "mod_time": 1700006400000},
    ),
    (
        {"sort": ["mod_time:desc", "id"]},
        {"sort": [{"field": "mod_time", "direction": "desc"}, {"field": "id", "direction": "asc"}]},
    ),
]


@pytest.mark.parametrize(("options", "body"), CONDITIONS)
def test_conditions_are_sent_in_the_words_of_the_api(appliance: Appliance, options: dict[str, Any], body: dict[str, Any]):
    assert appliance.run(MODULE, **options)["total"] == 0

    (request,) = appliance.emulator.requests()
    assert request["kind"] == "read"
    assert request["body"] == {**body, "limit": 1000, "offset": 0}


def test_what_the_conditions_find(appliance: Appliance):
    appliance.emulator.add_detections(
        {"id": 1, "status": None, "risk_score": 90, "type": "a", "mod_time": 1},
        {"id": 2, "status": "new", "risk_score": 80, "type": "b", "mod_time": 3, "assignee": "api"},
        {"id": 3, "status": "closed", "resolution": "action_taken", "ticket_id": "TK-1", "mod_time": 2},
    )

    def found(**options: Any) -> list[int]:
        return ids(appliance.run(MODULE, **options))

    assert found(status=["open", "new"], sort=["mod_time:desc"]) == [2, 1]
    assert found(sort=["mod_time:desc"]) == [2, 3, 1]
    assert found(resolution=["action_taken"]) == found(ticket_id=["TK-1"]) == [3]
    assert found(assignee=["me"]) == [2]
    assert found(assignee=["none"], risk_score_min=85) == [1]
    assert found(types=["b"], categories=["sec.attack"]) == [2]
    assert found(since="1h", sort=["id"]) == [1, 2, 3]
    assert found(until="24h") == []


@pytest.mark.parametrize("cap", [0, 1, 3])
def test_pages_are_read_until_one_is_empty(appliance: Appliance, cap: int):
    appliance.emulator.add_detections(*({"id": number} for number in range(1, 8)))
    appliance.emulator.configure(detection_page_cap=cap)

    result = appliance.run(MODULE, size=4, sort=["id"])

    assert (ids(result), result["total"]) == (list(range(1, 8)), 7)
    asked = [one["body"] for one in appliance.emulator.requests()]
    assert asked[0] == {"sort": [{"field": "id", "direction": "asc"}], "limit": 4, "offset": 0}
    assert asked[-1]["offset"] == 7


@pytest.mark.parametrize(("limit", "returned", "total"), [(3, 3, None), (6, 6, None), (7, 7, 7), (8, 7, 7)])
def test_a_limit_that_cuts_leaves_the_total_unknown(appliance: Appliance, limit: int, returned: int, total: int | None):
    appliance.emulator.add_detections(*({"id": number} for number in range(1, 8)))

    result = appliance.run(MODULE, limit=limit, size=5)

    assert (len(result["detections"]), result["total"]) == (returned, total)


def test_a_detection_that_moves_between_pages_is_returned_once(appliance: Appliance, monkeypatch: pytest.MonkeyPatch):
    appliance.emulator.add_detections(*({"id": number, "update_time": number} for number in range(1, 8)))
    held = appliance.emulator.emulator.extrahop.detections
    pages = []
    real = held.page

    def page(found: list[Any], offset: int, limit: int) -> list[Any]:
        pages.append(offset)
        if len(pages) == 2:
            held.add([{"id": 8, "update_time": 8}])
        return real(found, offset, limit)

    monkeypatch.setattr(held, "page", page)

    assert sorted(ids(appliance.run(MODULE, size=3))) == list(range(1, 8))


def test_a_server_that_ignores_the_offset_is_an_error(appliance: Appliance, monkeypatch: pytest.MonkeyPatch):
    appliance.emulator.add_detections(*({"id": number} for number in range(1, 8)))
    held = appliance.emulator.emulator.extrahop.detections
    monkeypatch.setattr(held, "page", lambda found, _offset, limit: found[:limit])

    assert "the server ignores `offset`" in appliance.run(MODULE, size=3).msg
    assert ids(appliance.run(MODULE, size=3, limit=2)) == [1, 2]


@pytest.mark.parametrize(
    "options", [{"status": ["closed"]}, {"resolution": ["none"]}, {"assignee": ["sally"]}, {"ticket_id": ["TK-1"]}, {"types": ["a"]}]
)
def test_a_server_that_ignores_a_condition_is_an_error(appliance: Appliance, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]):
    fields = {"status": "new", "resolution": "action_taken", "assignee": "jim", "ticket_id": "T", "type": "b"}
    appliance.emulator.add_detections({"id": 7, **fields})
    held = appliance.emulator.emulator.extrahop.detections
    monkeypatch.setattr(held, "page", lambda _found, _offset, _limit: held.all())

    (name,) = options
    assert f"is not what `{name}` asks for" in appliance.run(MODULE, **options).msg


def test_an_assignee_in_another_case_fits(appliance: Appliance, monkeypatch: pytest.MonkeyPatch):
    appliance.emulator.add_detections({"id": 7, "assignee": "Sally"})
    held = appliance.emulator.emulator.extrahop.detections
    monkeypatch.setattr(held, "page", lambda _found, offset, _limit: held.all()[offset:])

    assert ids(appliance.run(MODULE, assignee=["sally"])) == [7]


def test_notes(appliance: Appliance):
    appliance.emulator.add_detections({"id": 1, "note": "Seen before."}, {"id": 2})

    result = appliance.run(MODULE, with_notes=True, sort=["id"])

    assert [one["notes"] for one in result["detections"]] == ["Seen before.", ""]
    appliance.emulator.configure(detection_tracking="internal")
    assert "Track detections from an external ticketing system" in appliance.run(MODULE, with_notes=True).msg


def test_participants_with_their_addresses(appliance: Appliance):
    appliance.emulator.add_devices({"id": 1904, "ipaddr4": "10.8.3.7", "ipaddr6": "FD00:8:0:0::7"})
    device = {"object_type": "device", "object_id": 1904, "role": "offender", "external": False, "id": 1}
    address = {
        "object_type": "ipaddr",
        "object_value": "203.0.113.9",
        "role": "victim",
        "external": True,
        "hostname": "c2.example",
        "id": 2,
    }
    gone = {"object_type": "device", "object_id": 5, "role": "victim", "external": False, "id": 3}
    appliance.emulator.add_detections({"id": 1, "participants": [device, address]}, {"id": 2, "participants": [device, gone]}, {"id": 3})

    result = appliance.run(MODULE, with_participants=True, sort=["id"])

    def shown(role: str, external: bool, device_id: int | None, ipaddrs: list[str], hostname: str | None = None) -> dict[str, Any]:
        about = {"role": role, "external": external, "device_id": device_id, "ipaddrs": ipaddrs}
        return {**about, "hostname": hostname, "username": None}

    offender = shown("offender", False, 1904, ["10.8.3.7", "fd00:8::7"])
    assert [one["participants"] for one in result["detections"]] == [
        [offender, shown("victim", True, None, ["203.0.113.9"], "c2.example")],
        [offender, shown("victim", False, 5, [])],
        [],
    ]
    assert sorted(one for one in appliance.seen() if one.startswith("GET devices")) == ["GET devices/1904", "GET devices/5"]
    assert all("participants" not in one for one in appliance.run(MODULE)["detections"])


@pytest.mark.parametrize("name", ["status", "assignee", "types"])
def test_an_empty_list_finds_nothing(appliance: Appliance, name: str):
    appliance.emulator.add_detections({"id": 1})

    assert (appliance.run(MODULE, **{name: []})["detections"], appliance.seen()) == ([], [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"assignee": [""]}, "assignee[0]: the text is empty; use `none`"),
        ({"types": ["a", " "]}, "types[1]: the text is empty."),
        ({"filter": {"status": ["new"]}}, "filter.status: use the option `status`."),
        ({"filter": {"recommended": None}}, "filter.recommended: null was given"),
        ({"risk_score_min": 101}, "risk_score_min: 101 is out of range"),
        ({"since": "yesterday"}, "since:"),
        ({"since": "1h", "until": "2h"}, "since: this time is not before `until`"),
        ({"sort": ["mod_time:down"]}, "sort[0]: 'mod_time:down' is not a field"),
        ({"size": 1001}, "size: 1001 is out of range"),
        ({"limit": 0}, "limit: 0 is out of range"),
        ({"id": 1, "status": ["new"]}, "mutually exclusive"),
        ({"status": ["Open"]}, "value of status must be one or more of"),
    ],
)
def test_options_are_checked_before_anything_is_sent(appliance: Appliance, options: dict[str, Any], said: str):
    assert said in appliance.run(MODULE, **options).msg
    assert appliance.seen() == []


@pytest.mark.parametrize("name", ["id", "types", "assignee", "filter", "since", "modified_since", "risk_score_min"])
def test_null_would_match_everything(appliance: Appliance, name: str):
    assert f"{name}: null was given, which would match every detection" in appliance.run(MODULE, **{name: appliance.NULL}).msg
    assert appliance.seen() == []


@pytest.mark.parametrize("body", ["[]", "{}", "null", "[1]", '[{"id": "x"}]', "<html></html>", ""])
def test_odd_answers(appliance: Appliance, body: str):
    appliance.emulator.add_fault("status", {"path": "/api/v1/detections/search"}, status=200, body=body)

    result = appliance.run(MODULE)

    if body == "[]":
        assert result["detections"] == []
    else:
        assert "POST /api/v1/detections/search" in result.msg
