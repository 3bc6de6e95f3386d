# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ExtraHop's detections, devices, tags and watchlist: every line of their contract, and strict checks of what is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from emulator import RunningEmulator

ID = 7


@pytest.fixture(autouse=True)
def held(emu: RunningEmulator) -> None:
    """A detection with a note, and a device with a tag."""
    emu.add_detections({"id": ID, "note": "first"})
    emu.add_devices({"id": ID, "ipaddr4": "10.8.3.7", "display_name": "laptop-7", "tags": ["old"]})


def test_a_detection_is_updated(api: Any, emu: RunningEmulator) -> None:
    body = {"status": "closed", "resolution": "action_taken", "assignee": "sally", "ticket_id": "TK-1"}

    assert api.extrahop("PATCH", f"detections/{ID}", json=body).status_code == 204
    assert body.items() <= api.extrahop("GET", f"detections/{ID}").json().items()
    assert api.extrahop("PATCH", f"detections/{ID}", json=dict.fromkeys(body)).status_code == 204
    assert {emu.detections()[0][name] for name in body} == {None}


def test_a_note_is_replaced_as_a_whole(api: Any) -> None:
    path = f"detections/{ID}/notes"
    assert api.extrahop("GET", path).json().keys() == {"author", "note", "update_time"}

    assert api.extrahop("PUT", path, json={"note": "second"}).status_code == 204
    assert api.extrahop("GET", path).json()["note"] == "second"
    assert api.extrahop("DELETE", path).status_code == 204
    assert api.extrahop("GET", path).json() is None


def test_tags_and_the_watchlist(api: Any) -> None:
    made = api.extrahop("POST", "tags", json={"name": "new"})
    assert (made.status_code, made.headers["Location"]) == (201, "/api/v1/tags/2")
    assert api.extrahop("POST", "tags", json={"name": "new"}).status_code == 422
    assert api.extrahop("POST", f"devices/{ID}/tags", json={"assign": [2], "unassign": [1]}).status_code == 204
    assert [one["name"] for one in api.extrahop("GET", f"devices/{ID}/tags").json()] == ["new"]
    assert api.extrahop("POST", f"devices/{ID}/tags", json={"assign": [9]}).status_code == 207

    for method, is_watched in (("POST", True), ("DELETE", False)):
        assert api.extrahop(method, f"watchlist/device/{ID}").status_code == 204
        assert api.extrahop("GET", f"devices/{ID}").json()["on_watchlist"] is is_watched
        assert [one["id"] for one in api.extrahop("GET", "watchlist/devices").json()] == [ID] * is_watched


@pytest.mark.parametrize(
    ("call", "body", "status"),
    [
        ("PATCH detections/7", {}, 400),
        ("PATCH detections/7", {"status": "Closed"}, 400),
        ("PATCH detections/7", {"status": ".none"}, 400),
        ("PATCH detections/7", {"assignee": ""}, 400),
        ("PATCH detections/7", {"ticket_id": 5}, 400),
        ("PATCH detections/7", {"note": "x"}, 400),
        ("PATCH detections/8", {"status": "new"}, 404),
        ("PUT detections/7/notes", {"note": None}, 400),
        ("PUT detections/7/notes", {"text": "x"}, 400),
        ("POST detections/search", {"filter": {"status": ["open"]}}, 400),
        ("POST detections/search", {"filter": {"status": ".none"}}, 400),
        ("POST detections/search", {"from": "1"}, 400),
        ("POST detections/search", {"sort": ["mod_time"]}, 400),
        ("POST detections/search", {"limit": 20_001}, 400),
        ("POST tags", {"name": " "}, 400),
        ("POST tags", {"name": "x", "id": 5}, 400),
        ("POST devices/7/tags", {"assign": ["old"]}, 400),
        ("POST devices/7/tags", {}, 400),
        ("POST devices/8/tags", {"assign": [1]}, 404),
        ("POST watchlist/device/8", None, 404),
        ("PUT detections/7", {"status": "new"}, 405),
    ],
)
def test_what_is_wrong_is_refused(api: Any, emu: RunningEmulator, call: str, body: Any, status: int) -> None:
    before = (emu.detections(), emu.devices(), emu.tags())
    method, _space, path = call.partition(" ")

    assert api.extrahop(method, path, json=body).status_code == status
    assert (emu.detections(), emu.devices(), emu.tags()) == before


def test_reads_and_writes_are_distinguished(api: Any, emu: RunningEmulator) -> None:
    for method, path, body in (("GET", "", None), ("PATCH", "", {"status": "new"}), ("GET", "/notes", None), ("DELETE", "/notes", None)):
        api.extrahop(method, f"detections/{ID}{path}", json=body)

    assert [one["kind"] for one in emu.requests()] == ["read", "write", "read", "write"]
