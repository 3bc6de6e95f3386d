# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extrahop_device: the device that is meant, tags that are made where missing, the watchlist, and lost answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from support.extrahop import Appliance
    from support.module_runs import ModuleRun

MODULE = "extrahop_device"
ID = 1904
ADDRESS = "10.8.3.7"
TAGS = f"devices/{ID}/tags"
NOBODY = {"field": "ipaddr", "operator": "=", "operand": "240.0.0.1"}
DAY_MS = 86_400_000


def set_up(appliance: Appliance, **fields: Any) -> None:
    """A device with these fields."""
    appliance.emulator.add_devices({"id": ID, "display_name": "laptop-7", "ipaddr4": ADDRESS, **fields})


def run(appliance: Appliance, **options: Any) -> ModuleRun:
    """Runs the module on that device."""
    return appliance.run(MODULE, id=ID, **options)


def held(appliance: Appliance) -> tuple[list[str], bool]:
    """The tags of the device, and if it is on the watchlist."""
    (one,) = [one for one in appliance.emulator.devices() if one["id"] == ID]
    return one["tags"], one["on_watchlist"]


CHANGES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], list[str]]] = [
    ({}, {"add_tags": ["vpn"]}, {"tags": ["vpn"], "watchlist": None}, ["vpn"]),
    ({"tags": ["b"]}, {"add_tags": ["c", "a", "b"]}, {"tags": ["a", "b", "c"], "watchlist": None}, ["a", "c"]),
    ({"tags": ["old", "kept"]}, {"remove_tags": ["old", "never"]}, {"tags": ["kept"], "watchlist": None}, []),
    ({"tags": ["old"]}, {"add_tags": ["new"], "remove_tags": ["old"]}, {"tags": ["new"], "watchlist": None}, ["new"]),
    ({}, {"watchlist": True}, {"tags": None, "watchlist": True}, []),
    ({"on_watchlist": True}, {"watchlist": False}, {"tags": None, "watchlist": False}, []),
    ({}, {"add_tags": ["vpn"], "watchlist": True}, {"tags": ["vpn"], "watchlist": True}, ["vpn"]),
]


@pytest.mark.parametrize(("fields", "options", "after", "created"), CHANGES)
@pytest.mark.parametrize("choice", [{"id": ID}, {"ipaddr": ADDRESS}, {"name": "LAPTOP-7"}])
def test_change_again_check_mode_and_check_mode_again(
    appliance: Appliance, choice: dict[str, Any], fields: dict[str, Any], options: dict[str, Any], after: dict[str, Any], created: list[str]
):
    set_up(appliance, **fields)
    planned = appliance.run(MODULE, check_mode=True, **choice, **options)

    done = appliance.four_times(MODULE, **choice, **options)

    assert (done["id"], done["after"]) == (ID, after)
    assert planned["created_tags"] == done["created_tags"] == created
    assert appliance.run(MODULE, **choice, **options)["created_tags"] == []
    assert [one["id"] for one in done["devices"]] == [ID]
    tags, watchlist = held(appliance)
    assert after["tags"] in (None, tags)
    assert after["watchlist"] in (None, watchlist)


def test_the_calls(appliance: Appliance):
    set_up(appliance, tags=["old"])
    appliance.emulator.add_devices({"id": 1, "tags": ["known"]})

    run(appliance, add_tags=["known", "new"], remove_tags=["old", "never"], watchlist=True)

    reads = [f"GET {TAGS}", f"GET devices/{ID}"]
    assert appliance.seen() == [*reads, "GET tags", "POST tags", "GET tags", f"POST {TAGS}", f"POST watchlist/device/{ID}", *reads]
    assert appliance.bodies() == [{"name": "new"}, {"assign": [2, 3], "unassign": [1]}, None]


def test_tags_that_exist_are_used(appliance: Appliance):
    set_up(appliance)
    appliance.emulator.add_devices({"id": 1, "tags": ["vpn"]})

    assert run(appliance, add_tags=["vpn"])["created_tags"] == []
    assert appliance.seen("write") == [f"POST {TAGS}"]
    assert appliance.emulator.tags() == ["vpn"]


def test_a_tag_is_never_deleted(appliance: Appliance):
    set_up(appliance, tags=["old"])

    run(appliance, remove_tags=["old"])

    assert (held(appliance)[0], appliance.emulator.tags()) == ([], ["old"])


def test_a_tag_in_another_case_stays_and_is_named(appliance: Appliance):
    set_up(appliance, tags=["VPN"])

    result = run(appliance, remove_tags=["vpn"])

    assert not result.changed
    assert any("does not have the tag 'vpn', but 'VPN'" in text for text in result.warnings)


# -- the right device -------------------------------------------------------------------------------------------------------


def test_several_devices_are_an_error_that_names_them(appliance: Appliance):
    set_up(appliance)
    set_up(appliance, id=1905, display_name="laptop-8")

    said = appliance.run(MODULE, ipaddr=ADDRESS, add_tags=["vpn"]).msg

    assert "ipaddr: 2 devices have the address 10.8.3.7: 1904 (laptop-7, 10.8.3.7); 1905 (laptop-8, 10.8.3.7)." in said
    assert "`match: all`" in said
    assert appliance.emulator.writes() == []


def test_all_of_several_devices(appliance: Appliance):
    set_up(appliance)
    set_up(appliance, id=1905, tags=["vpn"])
    set_up(appliance, id=1906, ipaddr4="10.8.3.8")

    result = appliance.run(MODULE, ipaddr=ADDRESS, match="all", add_tags=["vpn"])

    assert [(one["id"], one["changed"]) for one in result["devices"]] == [(1904, True), (1905, False)]
    assert "id" not in result
    assert [one["tags"] for one in appliance.emulator.devices()] == [["vpn"], ["vpn"], []]


def test_an_address_that_a_device_does_not_show(appliance: Appliance):
    appliance.emulator.configure(second_addresses=[f"{ADDRESS}=10.8.9.9"])

    result = appliance.run(MODULE, ipaddr="10.8.9.9", add_tags=["vpn"])

    assert (result.changed, result["after"]["tags"]) == (True, ["vpn"])
    assert [one["body"]["filter"] for one in appliance.emulator.requests(path="/api/v1/devices/search")][-1] == NOBODY


@pytest.mark.parametrize(
    "choice", [{"ipaddr": "10.8.3.8"}, {"name": "laptop"}, {"filter": {"field": "role", "operator": "=", "operand": "vpn"}}]
)
def test_a_server_that_does_not_restrict_a_search_changes_nothing(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch, choice: dict[str, Any]
):
    set_up(appliance)
    devices = appliance.emulator.emulator.extrahop.devices
    monkeypatch.setattr(devices, "_rule", lambda *_rule: lambda _device: True)

    result = appliance.run(MODULE, match="all", add_tags=["vpn"], **choice)

    assert "does not restrict the search" in result.msg or "no active device" in result.msg
    assert appliance.emulator.writes() == []


def test_only_whole_names_count(appliance: Appliance, monkeypatch: pytest.MonkeyPatch):
    set_up(appliance)
    set_up(appliance, id=1905, display_name="laptop-77", dns_name="laptop-7")
    set_up(appliance, id=1906, display_name="laptop-777")
    devices = appliance.emulator.emulator.extrahop.devices
    monkeypatch.setattr(devices, "_rule", lambda *_rule: lambda _device: True)

    result = appliance.run(MODULE, name="laptop-7", match="all", add_tags=["vpn"])

    assert [one["id"] for one in result["devices"]] == [1904, 1905]


def test_devices_by_a_rule(appliance: Appliance):
    set_up(appliance, role="pc")
    set_up(appliance, id=1905, role="printer")
    rule = {"field": "role", "operator": "=", "operand": "pc"}

    assert appliance.run(MODULE, filter=rule, watchlist=True)["id"] == ID
    searches = [one["body"]["filter"] for one in appliance.emulator.requests(path="/api/v1/devices/search")]
    assert searches[0] == rule
    assert searches[-1] == {"operator": "and", "rules": [rule, NOBODY]}


@pytest.mark.parametrize(("days", "since", "is_found"), [(0, None, True), (3, None, False), (3, "2d", False), (3, "4d", True)])
def test_the_search_finds_active_devices_only(appliance: Appliance, days: int, since: str | None, is_found: bool):
    set_up(appliance, last_seen_time=int(time.time() * 1000) - days * DAY_MS)

    result = appliance.run(MODULE, ipaddr=ADDRESS, since=since, add_tags=["vpn"])

    if is_found:
        assert result.changed
    else:
        assert (
            "ipaddr: there is no active device with the address 10.8.3.7. The search finds active devices only; set `since`" in result.msg
        )
    assert run(appliance, add_tags=["vpn"])["after"]["tags"] == ["vpn"]


def test_pages_of_devices(appliance: Appliance):
    for number in range(5):
        set_up(appliance, id=number + 1)
    appliance.emulator.configure(device_page_cap=2)

    result = appliance.run(MODULE, ipaddr=ADDRESS, match="all", watchlist=True)

    assert [one["id"] for one in result["devices"]] == [1, 2, 3, 4, 5]
    assert all(one["on_watchlist"] for one in appliance.emulator.devices())


# -- what nobody documents, and faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"assignments": "said_part"},
        {"on_watchlist_shown": False},
        {"watchlist_status": 200},
        {"watchlist_status": 201},
        {"write_status": 200},
    ],
)
def test_servers_differ(appliance: Appliance, settings: dict[str, Any]):
    set_up(appliance, tags=["old"])
    appliance.emulator.configure(**settings)

    done = appliance.four_times(MODULE, id=ID, add_tags=["new"], remove_tags=["old"], watchlist=True)

    assert done["after"] == {"tags": ["new"], "watchlist": True}


@pytest.mark.parametrize(
    ("settings", "options", "said"),
    [
        ({"assignments": "part"}, {"add_tags": ["a", "b"]}, "did not carry out: tag a added. It answered with status 207"),
        ({"extrahop_ignore_writes": True}, {"add_tags": ["known"]}, "did not carry out: tag known added."),
        ({"extrahop_ignore_writes": True}, {"watchlist": True}, "did not carry out: on the watchlist."),
        ({"tag_names": "any_case"}, {"add_tags": ["Known"]}, "add_tags: ExtraHop has the tag 'known' and takes no second one"),
        ({"full_privileges": False}, {"watchlist": True}, "refused with status 403"),
    ],
)
def test_refusals_say_what_to_do(appliance: Appliance, settings: dict[str, Any], options: dict[str, Any], said: str):
    appliance.emulator.add_devices({"id": 1, "tags": ["known"]})
    set_up(appliance)
    appliance.emulator.configure(**settings)

    result = run(appliance, **options)

    assert said in result.msg
    assert result.changed == (result["before"] != result["after"])


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "close_before", "close_after", "late"])
@pytest.mark.parametrize("path", ["/api/v1/tags", "/api/v1/devices", "/api/v1/watchlist"])
def test_a_lost_answer_makes_one_tag_and_one_assignment(appliance: Appliance, path: str, fault: str):
    set_up(appliance)
    appliance.emulator.add_fault(fault, {"kind": "write", "path": path}, **({"seconds": 5} if fault == "late" else {}))

    result = run(appliance, add_tags=["vpn"], watchlist=True)

    assert result.changed
    assert result["after"] == {"tags": ["vpn"], "watchlist": True}
    assert (held(appliance), appliance.emulator.tags()) == ((["vpn"], True), ["vpn"])
    assert result["created_tags"] == ["vpn"]


def test_a_tag_that_somebody_else_makes_meanwhile_is_used(appliance: Appliance, monkeypatch: pytest.MonkeyPatch):
    set_up(appliance)
    devices = appliance.emulator.emulator.extrahop.devices
    listed = []
    real = devices.tag_list

    def tag_list() -> list[dict[str, Any]]:
        found = real()
        if not listed:
            devices.tag("vpn")
        listed.append(found)
        return found

    monkeypatch.setattr(devices, "tag_list", tag_list)

    result = run(appliance, add_tags=["vpn"])

    assert (result["after"]["tags"], result["created_tags"]) == (["vpn"], [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"id": ID}, "there is nothing to change"),
        ({"id": 7, "add_tags": ["a"]}, "id: there is no device 7"),
        ({"id": 7, "watchlist": True}, "id: there is no device 7"),
        ({"id": ID, "add_tags": ["a"], "remove_tags": ["a"]}, "the tag a is in `add_tags` and in `remove_tags`"),
        ({"id": ID, "add_tags": [" "]}, "add_tags[0]: the tag is empty"),
        ({"ipaddr": "10.8.3", "add_tags": ["a"]}, "ipaddr: "),
        ({"ipaddr": "0.0.0.0", "add_tags": ["a"]}, "ipaddr: '0.0.0.0' is not the address of a device."),
        ({"name": " ", "add_tags": ["a"]}, "name: the text is empty"),
        ({"filter": {}, "add_tags": ["a"]}, "filter: a rule such as"),
        ({"ipaddr": ADDRESS, "since": "soon", "add_tags": ["a"]}, "since:"),
        ({"add_tags": ["a"]}, "one of the following is required: id, ipaddr, name, filter"),
        ({"id": 1, "name": "x", "add_tags": ["a"]}, "mutually exclusive"),
    ],
)
def test_options_are_checked(appliance: Appliance, options: dict[str, Any], said: str):
    set_up(appliance)

    assert said in appliance.run(MODULE, **options).msg
    assert appliance.emulator.writes() == []


@pytest.mark.parametrize("body", ["{}", "[1]", '[{"name": "vpn"}]', '[{"id": "7", "name": "vpn"}]', '[{"id": 7}]', "<html></html>", ""])
@pytest.mark.parametrize("path", [f"/api/v1/{TAGS}", "/api/v1/tags"])
def test_odd_answers_change_nothing(appliance: Appliance, path: str, body: str):
    set_up(appliance)
    appliance.emulator.add_fault("status", {"path": path, "method": "GET"}, times=None, status=200, body=body)

    assert f"GET {path}" in run(appliance, add_tags=["vpn"]).msg
    assert appliance.emulator.writes() == []
