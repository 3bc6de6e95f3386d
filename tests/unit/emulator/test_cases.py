# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases of Stellar Cyber: each line of the contract, requests that a server would refuse, and each switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from emulator import RunningEmulator

ID = "64f1a2b3c4d5e6f708192a3b"
OLD = 1_693_557_427_000
PUT_CASE = ("PUT", f"cases/{ID}")


@pytest.fixture(autouse=True)
def case(emu: RunningEmulator) -> None:
    """An old case."""
    emu.add_cases({"_id": ID, "ticket_id": 7, "created_at": OLD, "tags": ["old"]})


def call(api: Any, method: str, path: str, **options: Any) -> Any:
    """One call below `/connect/api/v1`; gives status and JSON, or text."""
    answer = api.stellar(method, f"v1/{path}", **options)
    return answer.status_code, (answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.text)


def names(api: Any, query: str) -> list[str]:
    """The names of the cases of a list."""
    _status, answer = call(api, "GET", f"cases?{query}")
    return [one["name"] for one in answer["data"]["cases"]]


def test_a_case_has_what_clients_read(api: Any) -> None:
    status, answer = call(api, "GET", f"cases/{ID}")

    assert status == 200
    assert (answer["data"]["_id"], answer["data"]["ticket_id"], answer["data"]["status"]) == (ID, 7, "New")
    assert call(api, "GET", "cases/unknown")[0] == 404


def test_an_update_is_answered_with_the_case(api: Any, emu: RunningEmulator) -> None:
    status, answer = call(api, *PUT_CASE, json={"status": "Escalated", "tags": {"add": ["a"], "delete": ["old"]}})

    assert (status, answer["data"]["status"], answer["data"]["tags"]) == (200, "Escalated", ["a"])
    assert emu.cases()[0]["version"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"status": "escalated"},
        {"severity": "high"},
        {"priority": "High"},
        {"tags": ["a"]},
        {"tags": {}},
        {"tags": {"remove": ["a"]}},
        {"tags": {"add": []}},
        {"assignee": None},
        {"resolution": "Benign"},
        {"status": "New", "update_alerts": True},
        {"status": "Resolved", "resolution": "benign"},
        {"comment": "x"},
    ],
)
def test_an_update_that_no_server_is_known_to_take_is_refused(api: Any, emu: RunningEmulator, body: Any) -> None:
    assert call(api, *PUT_CASE, json=body)[0] == 400
    assert emu.cases()[0]["version"] == 1


def test_each_comment_is_kept(api: Any) -> None:
    for _time in range(2):
        assert call(api, "POST", f"cases/{ID}/comments", json={"comment": "Seen."}) == (200, "")

    _status, answer = call(api, "GET", f"cases/{ID}/comments")
    assert [set(one) for one in answer["data"]] == [{"_id", "case_id", "comment", "created_at", "user"}] * 2
    assert call(api, "POST", f"cases/{ID}/comments", json={"comment": "x", "more": 1})[0] == 400


def test_a_post_makes_a_case_on_newer_servers_and_updates_one_on_version_4_3(api: Any, emu: RunningEmulator) -> None:
    _status, answer = call(api, "POST", f"cases?id={ID}", json={"priority": "High"})
    assert answer["data"]["_id"] != ID
    assert len(emu.cases()) == 2

    emu.configure(case_post="updates", case_severity_field="priority")
    _status, answer = call(api, "POST", f"cases?id={ID}", json={"priority": "High"})
    assert (answer["data"]["_id"], answer["data"]["priority"]) == (ID, "High")
    assert call(api, "POST", f"cases?id={ID}", json={"severity": "High"})[0] == 400


def test_without_a_time_only_the_last_day_is_listed(api: Any, emu: RunningEmulator) -> None:
    emu.add_cases({"name": "today"})

    assert names(api, "limit=10") == ["today"]
    assert names(api, "FROM~created_at=0") == ["today", "Case"]
    assert names(api, "ticket_id=7") == ["Case"]
    assert names(api, "status=New&unknown=1") == ["today"]


@pytest.mark.parametrize("query", ["limit=501", "limit=0", "limit=x", "skip=-1", "order=up", "FROM~created_at=now"])
def test_a_list_that_no_server_is_known_to_give_is_refused(api: Any, query: str) -> None:
    assert call(api, "GET", f"cases?{query}")[0] == 400


def test_conditions_of_a_list(api: Any, emu: RunningEmulator) -> None:
    emu.clear_requests()
    emu.add_cases(
        {"name": "a", "status": "New", "tags": ["x"], "score": 10, "created_at": OLD + 1},
        {"name": "b", "status": "Resolved", "tags": ["x", "y"], "score": 90, "created_at": OLD + 2},
    )
    found = {
        "status=Resolved": ["b"],
        "status=New,Resolved": ["b", "a", "Case"],
        "NOT~status=New": ["b"],
        "tags=y": ["b"],
        "min_score=50": ["b", "Case"],
        "sort=score&order=asc": ["a", "Case", "b"],
        f"TO~created_at={OLD + 1}": ["a", "Case"],
        "limit=1&skip=1": ["a"],
    }
    assert {query: names(api, f"FROM~created_at=0&{query}") for query in found} == found


def test_alerts_come_fifty_at_a_time(api: Any, emu: RunningEmulator) -> None:
    emu.add_cases({"_id": "b" * 24, "alerts": [{"_index": "i", "_id": str(number), "_source": {}} for number in range(60)]})

    first, second = (call(api, "GET", f"cases/{'b' * 24}/alerts?limit=100&skip={skip}")[1]["data"]["docs"] for skip in (0, 50))

    assert (len(first), len(second), first[0]["_id"], second[0]["_id"]) == (50, 10, "0", "50")


def test_resolving_can_close_the_alerts(api: Any, emu: RunningEmulator) -> None:
    emu.add_cases({"_id": "b" * 24, "alerts": [{"_index": "i", "_id": "1", "_source": {"event_status": "New"}}]})

    call(api, "PUT", f"cases/{'b' * 24}", json={"status": "Resolved", "resolution": "Benign", "update_alerts": True})

    assert emu.cases()[1]["alerts"][0]["_source"]["event_status"] == "Closed"
    assert "resolution" not in emu.cases()[1]


def test_users_have_ids_and_addresses(api: Any, emu: RunningEmulator) -> None:
    _status, answer = call(api, "GET", "users")
    assert {"user_id", "email"} <= set(answer["data"][0])

    emu.configure(case_users_readable=False)
    assert call(api, "GET", "users")[0] == 403


def test_a_scoped_key_reads_the_cases_of_its_tenant(api: Any, emu: RunningEmulator) -> None:
    emu.configure(scoped_tenant="t1")
    emu.add_cases({"_id": "b" * 24, "cust_id": "t1"})
    key = {"Authorization": f"Bearer {emu.emulator.settings.scoped_key}"}
    login = {"Authorization": f"Bearer {api.token(auth=None, headers=key).json()['access_token']}"}

    own = api.send("GET", f"/connect/api/v1/cases/{'b' * 24}", headers=login)
    other = api.send("GET", f"/connect/api/v1/cases/{ID}", headers=login)

    assert (own.status_code, other.status_code) == (200, 403)
    assert "Tenant mismatch" in other.text


def test_nobody_reads_without_credentials(api: Any) -> None:
    assert api.send("GET", f"/connect/api/v1/cases/{ID}").status_code == 401
    assert api.send("PUT", f"/connect/api/v1/cases/{ID}", json={"status": "New"}).status_code == 401
