# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extrahop_device_info: the rules of the search, pages, tags and the watchlist."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from support.extrahop import Appliance

MODULE = "extrahop_device_info"
DAY_MS = 86_400_000


def ids(result: Any) -> list[int]:
    """The IDs of the devices in a result."""
    return [one["id"] for one in result["devices"]]


def rule(field: str, operand: str) -> dict[str, str]:
    """A rule of the search."""
    return {"field": field, "operator": "=", "operand": operand}


def days_ago(days: int) -> int:
    """Epoch milliseconds."""
    return int(time.time() * 1000) - days * DAY_MS


@pytest.fixture(autouse=True)
def devices(appliance: Appliance) -> None:
    """Four devices, one of which was last active days ago."""
    # None of the addresses that belong to two devices.
    appliance.emulator.configure(shared_addresses=[])
    appliance.emulator.add_devices(
        {"id": 1, "display_name": "laptop-1", "ipaddr4": "10.8.3.1", "tags": ["vpn", "old"], "role": "pc"},
        {"id": 2, "display_name": "laptop-2", "ipaddr4": "10.8.3.2", "on_watchlist": True, "role": "pc"},
        {"id": 3, "display_name": "printer", "ipaddr4": "10.8.3.3", "tags": ["vpn"], "role": "printer", "on_watchlist": True},
        {
            "id": 4,
            "display_name": "gone",
            "ipaddr4": "10.8.3.4",
            "last_seen_time": int(time.time() * 1000) - 3 * DAY_MS,
            "on_watchlist": True,
        },
    )


def test_one_device(appliance: Appliance):
    result = appliance.run(MODULE, id=4, with_tags=True)

    assert (result.changed, result["total"], ids(result)) == (False, 1, [4])
    assert result["devices"][0]["source"]["display_name"] == "gone"
    assert result["devices"][0]["tags"] == []
    assert appliance.seen() == ["GET devices/4", "GET devices/4/tags"]
    assert (appliance.run(MODULE, id=9)["devices"], appliance.run(MODULE, id=9)["total"]) == ([], 0)


SEARCHES: list[tuple[dict[str, Any], dict[str, Any], list[int]]] = [
    ({}, {}, [1, 2, 3]),
    ({"ipaddr": ["10.8.3.1"]}, {"filter": rule("ipaddr", "10.8.3.1")}, [1]),
    (
        {"name": ["printer", "laptop-2"]},
        {"filter": {"operator": "or", "rules": [rule("name", "printer"), rule("name", "laptop-2")]}},
        [2, 3],
    ),
    (
        {"tags": ["vpn"], "filter": rule("role", "pc")},
        {"filter": {"operator": "and", "rules": [rule("tag", "vpn"), rule("role", "pc")]}},
        [1],
    ),
    ({"filter": {"field": "tag", "operator": "exists"}}, {"filter": {"field": "tag", "operator": "exists"}}, [1, 3]),
    ({"since": "1000000000000", "until": "1000000000001"}, {"active_from": 1000000000000, "active_until": 1000000000001}, []),
    ({"since": "1000000000000"}, {"active_from": 1000000000000}, [1, 2, 3, 4]),
]


@pytest.mark.parametrize(("options", "body", "found"), SEARCHES)
def test_conditions_are_rules_of_the_search(appliance: Appliance, options: dict[str, Any], body: dict[str, Any], found: list[int]):
    result = appliance.run(MODULE, **options)

    assert (ids(result), result["total"]) == (found, len(found))
    assert all(one["tags"] is None for one in result["devices"])
    first, *_more = appliance.emulator.requests()
    assert (first["kind"], first["body"]) == ("read", {**body, "limit": 1000, "offset": 0})


@pytest.mark.parametrize("cap", [0, 1, 2])
@pytest.mark.parametrize(("limit", "total"), [(2, None), (3, 3), (9, 3)])
def test_pages_are_read_until_one_is_empty(appliance: Appliance, cap: int, limit: int, total: int | None):
    appliance.emulator.configure(device_page_cap=cap)

    result = appliance.run(MODULE, limit=limit, size=2)

    assert (ids(result), result["total"]) == ([1, 2, 3][:limit], total)


@pytest.mark.parametrize(
    ("options", "found", "total"),
    [({}, [2, 3, 4], 3), ({"limit": 2}, [2, 3], None), ({"tags": ["vpn"]}, [3], 1), ({"since": "9d", "name": ["gone"]}, [4], 1)],
)
def test_the_watchlist(appliance: Appliance, options: dict[str, Any], found: list[int], total: int | None):
    result = appliance.run(MODULE, watchlist=True, **options)

    assert (ids(result), result["total"]) == (found, total)
    assert appliance.seen()[0] == "GET watchlist/devices"


def test_tags_of_each_device(appliance: Appliance):
    assert [one["tags"] for one in appliance.run(MODULE, with_tags=True)["devices"]] == [["old", "vpn"], [], ["vpn"]]


@pytest.mark.parametrize("name", ["ipaddr", "name", "tags"])
def test_an_empty_list_finds_nothing(appliance: Appliance, name: str):
    assert (appliance.run(MODULE, **{name: []})["devices"], appliance.seen()) == ([], [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ipaddr": ["10.8.3.1", "x"]}, "ipaddr[1]:"),
        ({"name": [" "]}, "name[0]: the text is empty"),
        ({"filter": {"field": "name"}}, "filter: a rule such as"),
        ({"since": "1h", "until": "2h"}, "since: this time is not before `until`"),
        ({"size": 0}, "size: 0 is out of range"),
        ({"id": 1, "watchlist": True}, "watchlist: it goes with a search"),
        ({"id": 1, "tags": ["vpn"]}, "mutually exclusive"),
        ({"ipaddr": [], "limit": 0}, "limit: 0 is out of range"),
    ],
)
def test_options_are_checked_before_anything_is_sent(appliance: Appliance, options: dict[str, Any], said: str):
    assert said in appliance.run(MODULE, **options).msg
    assert appliance.seen() == []


@pytest.mark.parametrize("name", ["id", "ipaddr", "tags", "filter", "since"])
def test_null_would_match_everything(appliance: Appliance, name: str):
    assert f"{name}: null was given, which would match every device" in appliance.run(MODULE, **{name: appliance.NULL}).msg
    assert appliance.seen() == []
