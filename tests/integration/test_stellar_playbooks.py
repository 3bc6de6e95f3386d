# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Stellar Cyber modules in real ansible-playbook runs against the emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator import RunningEmulator, Settings

from . import conftest
from .conftest import HOST_PYTHON

pytest_plugins = ["support.postgresql.fixtures"]

ROOT = Path(__file__).resolve().parents[2]
INDEX, ID = "aella-ser-1610496070892-", "7PW5SXcBlxPU3jFcFJ_s"
SEED_EVENT = {
    "event_name": "demo test",
    "detected_field": "my field test",
    "timestamp": 1619583462308,
    "event_status": "New",
    "event_source": "ActZero",
    "custom_fields": {"tryout": "test", "comments": "Test Comment"},
}
SEED_BODY = {**{name: value for name, value in SEED_EVENT.items() if name != "custom_fields"}, "tryout": "test", "comments": "Test Comment"}


class Playground(conftest.Playground):
    """A folder to run playbooks in, with an emulator of its own."""

    def __init__(self, folder: Path, commands: Path, emulator: RunningEmulator) -> None:
        super().__init__(folder, commands)
        self.emulator = emulator
        own = {"HOME": str(folder / "home"), "NO_PROXY": "127.0.0.1", "SECOPS_XDR_LEDGER": str(folder / "ledger.sqlite3")}
        self.environment |= emulator.environment() | own

    def tasks(self, *tasks: dict[str, Any], arguments: tuple[str, ...] = (), **play: Any) -> conftest.PlayRun:
        """Run a play with these tasks, and no inventory."""
        whole = [{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks), **play}]
        (self.folder / "playbook.json").write_text(json.dumps(whole), encoding="utf-8")
        return self.playbook("playbook.json", *arguments)


@pytest.fixture
def playground(tmp_path: Path, playbook_commands: Path) -> Iterator[Playground]:
    (tmp_path / "home").mkdir()
    with RunningEmulator(Settings(refresh_delay=0.2)) as emulator:
        yield Playground(tmp_path, playbook_commands, emulator)


def succeeded(run: conftest.PlayRun) -> conftest.PlayRun:
    """The run, which must have succeeded."""
    assert run.status == 0, run.output
    return run


SEED_UPDATES: list[dict[str, Any]] = [
    {"add_tags": ["You_Are_It"]},
    {"remove_tags": ["You_Are_It"]},
    {"status": "Closed", "comment": "Analysis complete."},
    {"status": "Closed", "comment": "Analysis complete", "add_tags": ["DevOps"]},
]


def test_the_examples_of_the_vendor_once_and_again(playground: Playground):
    playground.emulator.add_events({"_index": INDEX, "_id": ID, "_source": {"event_name": "Custom Event 2", "event_status": "New"}})
    insert = {"secops.xdr.stellar_ser_event": SEED_EVENT}
    updates = [{"secops.xdr.stellar_ser_update": {"index": INDEX, "id": ID, **one}} for one in SEED_UPDATES]

    first = succeeded(playground.tasks(insert, *updates))

    event = {"index": INDEX, "_id": ID}
    assert first.recap("changed") == 5
    assert [write["body"] for write in playground.emulator.writes()] == [
        SEED_BODY,
        {**event, "event_tag": {"op": "add", "tag": "You_Are_It"}},
        {**event, "event_tag": {"op": "delete", "tag": "You_Are_It"}},
        {**event, "status": "Closed", "comments": "Analysis complete."},
        {**event, "comments": "Analysis complete", "event_tag": {"op": "add", "tag": "DevOps"}},
    ]
    playground.emulator.clear_requests()
    # Adding the tag and removing it again is a change each time; all else is there.
    again = succeeded(playground.tasks(insert, *updates[2:]))
    assert again.recap("changed") == 0
    assert playground.emulator.writes() == []


def test_check_mode_and_diff(playground: Playground):
    playground.emulator.add_events({"_index": INDEX, "_id": ID, "_source": {"event_name": "Custom Event 2", "event_status": "New"}})
    tasks = [
        {"secops.xdr.stellar_ser_event": SEED_EVENT},
        {"secops.xdr.stellar_ser_update": {"index": INDEX, "id": ID, **SEED_UPDATES[3]}},
        {"secops.xdr.stellar_ser_event_info": {"index": INDEX, "id": ID}},
    ]

    planned = succeeded(playground.tasks(*tasks, arguments=("--check", "--diff")))

    assert planned.recap("changed") == 2
    assert playground.emulator.writes() == []
    assert not (playground.folder / "ledger.sqlite3").exists()
    for line in ('+    "event_name": "demo test"', '-    "status": "New"', '+    "status": "Closed"', '+        "DevOps"'):
        assert line in planned.output
    real = succeeded(playground.tasks(*tasks, arguments=("--diff",)))
    assert real.recap("changed") == 2


def test_the_connection_is_given_once_for_the_action_group(playground: Playground):
    connection = {
        "host": playground.environment.pop("STELLAR_HOST"),
        "username": playground.environment.pop("STELLAR_USERNAME"),
        "api_key": playground.environment.pop("STELLAR_API_KEY"),
        "ca_path": playground.environment.pop("STELLAR_CA_PATH"),
    }
    run = playground.tasks(
        {"secops.xdr.stellar_ser_event": SEED_EVENT, "register": "inserted"},
        {"secops.xdr.stellar_ser_update": {"index": "{{ inserted.index }}", "id": "{{ inserted.id }}", "status": "Closed"}},
        {"secops.xdr.stellar_ser_event_info": {"index": "{{ inserted.document_index }}", "id": "{{ inserted.id }}"}, "register": "found"},
        {"ansible.builtin.assert": {"that": ["found.events[0].source.event_status == 'Closed'", "found.total == 1"]}},
        module_defaults={"group/secops.xdr.stellar": connection},
        arguments=("-vvvv",),
    )

    assert succeeded(run).recap("changed") == 2
    assert connection["api_key"] not in run.output
    assert "eyJ" not in run.output


def test_many_hosts_at_once_insert_one_event(playground: Playground):
    playground.emulator.configure(latency=0.2, refresh_delay=30)
    hosts = ",".join(f"host{number}" for number in range(4)) + ","

    run = playground.tasks(
        {"secops.xdr.stellar_ser_event": SEED_EVENT},
        hosts="all",
        connection="local",
        vars={"ansible_python_interpreter": HOST_PYTHON},
        arguments=("--inventory", hosts, "--forks", "4"),
    )

    assert succeeded(run).recap("changed") == 1
    assert len(playground.emulator.events()) == 1
    assert len(playground.emulator.writes()) == 1


def test_hosts_that_share_a_database_insert_one_event(playground: Playground, database_url: str):
    """Each with a state directory of its own, within the time in which the server's search does not show the event."""
    playground.emulator.configure(latency=0.2, refresh_delay=30)
    hosts = ",".join(f"host{number}" for number in range(3)) + ","

    for changed in (1, 0):
        run = playground.tasks(
            {"secops.xdr.stellar_ser_event": {**SEED_EVENT, "ledger": database_url}},
            hosts="all",
            connection="local",
            vars={"ansible_python_interpreter": HOST_PYTHON},
            environment={"XDG_STATE_HOME": "{{ playbook_dir }}/{{ inventory_hostname }}"},
            arguments=("--inventory", hosts, "--forks", "3"),
        )
        assert succeeded(run).recap("changed") == changed
    assert len(playground.emulator.events()) == 1


def test_what_was_found_is_passed_on(playground: Playground):
    playground.emulator.add_events(*({"event_name": f"event {number}", "event_status": "New", "srcip": "10.8.3.7"} for number in range(5)))
    tasks = [
        {"secops.xdr.stellar_ser_event_info": {"filter": {"event_status": "New"}}, "register": "found"},
        {"secops.xdr.stellar_ser_update": {"events": "{{ found.events }}", "add_tags": ["vpn"], "comment": "Seen."}},
    ]

    succeeded(playground.tasks(*tasks))

    for event in playground.emulator.events():
        assert event["tags"] == ["vpn"]
        assert [one["comment"] for one in event["_source"]["comments"]] == ["Seen."]
    assert succeeded(playground.tasks(*tasks)).recap("changed") == 0


def test_cases_that_were_found_are_updated_once_with_their_alerts(playground: Playground):
    (alert,) = playground.emulator.add_events({"event_name": "x", "event_status": "New", "srcip": "10.8.3.7"})
    document = {"_index": alert["index"], "_id": alert["id"], "_source": {"srcip": "10.8.3.7"}}
    old = {"created_at": 1_693_557_427_000, "alerts": [document]}
    playground.emulator.add_cases(old, {"severity": "Low"}, {"status": "Resolved"})
    tasks = [
        {
            "secops.xdr.stellar_case_info": {"status": ["New", "In Progress"], "severity": "Medium", "with_alerts": True},
            "register": "found",
        },
        {
            "secops.xdr.stellar_case": {
                "cases": "{{ found.cases }}",
                "status": "In Progress",
                "assignee": "ann@example.com",
                "add_tags": ["vpn"],
                "comment": "Seen.",
            }
        },
        {"secops.xdr.stellar_ser_update": {"events": "{{ found.cases | map(attribute='alerts') | flatten }}", "add_tags": ["in-a-case"]}},
    ]

    planned = succeeded(playground.tasks(*tasks, arguments=("--check", "--diff")))
    assert '"assignee": "ann@example.com"' in planned.output
    assert not playground.emulator.writes()
    assert succeeded(playground.tasks(*tasks)).recap("changed") == 2
    first, *others = playground.emulator.cases()
    assert (first["status"], first["assignee"], first["tags"]) == ("In Progress", "ann@example.com", ["vpn"])
    assert [one["comment"] for one in first["comments"]] == ["Seen."]
    assert [(one["status"], one["comments"]) for one in others] == [("New", []), ("Resolved", [])]
    assert playground.emulator.events()[0]["tags"] == ["in-a-case"]
    assert succeeded(playground.tasks(*tasks)).recap("changed") == 0


class TestEventInsert:
    """The playbook secops.xdr.event_insert."""

    NAME = "secops.xdr.event_insert"

    def test_without_a_variable_it_inserts_the_example_once(self, playground: Playground):
        planned = succeeded(playground.playbook(self.NAME, "--check"))
        assert "The event would be inserted." in planned.output
        first = succeeded(playground.playbook(self.NAME))
        assert first.recap("changed") == 1
        assert "Inserted: index aella-ser-" in first.output
        assert [write["body"] for write in playground.emulator.writes()] == [SEED_BODY]
        again = succeeded(playground.playbook(self.NAME))
        assert again.recap("changed") == 0
        assert f"id {playground.emulator.events()[0]['_id']}" in again.output

    def test_a_finding_is_the_same_by_its_id(self, playground: Playground):
        finding = {"finding_name": "Open share", "finding_source": "scanner", "finding_id": "F-17", "finding_fields": {"severity": 60}}
        assert succeeded(playground.playbook(self.NAME, **finding)).recap("changed") == 1
        assert succeeded(playground.playbook(self.NAME, **finding)).recap("changed") == 0
        (event,) = playground.emulator.events()
        assert event["_source"].items() >= {"event_name": "Open share", "orig_id": "F-17", "severity": 60}.items()

    def test_a_finding_is_the_same_by_its_time(self, playground: Playground):
        finding = {"finding_name": "Open share", "finding_time": "2024-05-31T08:15:00Z", "finding_status": "Closed"}
        assert succeeded(playground.playbook(self.NAME, **finding)).recap("changed") == 1
        assert succeeded(playground.playbook(self.NAME, **finding)).recap("changed") == 0

    def test_a_finding_that_nothing_distinguishes_from_others_is_refused(self, playground: Playground):
        run = playground.playbook(self.NAME, finding_name="Open share")
        assert run.status
        assert "Set finding_id or finding_time" in run.output
        assert playground.emulator.writes() == []

    @pytest.mark.parametrize("variables", [{}, {"finding_nmae": "Open share"}], ids=["none", "misspelled"])
    def test_the_example_goes_to_no_server_in_use(self, playground: Playground, variables: dict[str, str]):
        playground.environment["STELLAR_HOST"] = "stellar.invalid"
        run = playground.playbook(self.NAME, **variables)
        assert run.status
        assert "Set finding_name to what was found. Nothing was read or sent." in run.output
        assert "Insert the event" not in run.output

    def test_a_finding_without_a_name_is_not_taken_for_the_example(self, playground: Playground):
        run = playground.playbook(self.NAME, finding_nmae="Open share", finding_id="F-17")
        assert run.status
        assert "Set finding_name to what was found: other variables of a finding are set" in run.output
        assert playground.emulator.writes() == []

    def test_the_path_of_the_ledger_is_seen_from_where_the_command_is_given(self, playground: Playground):
        run = playground.playbook(self.NAME, finding_name="Open share", finding_id="F-17", finding_ledger="findings.sqlite")
        assert succeeded(run).recap("changed") == 1
        assert (playground.folder / "findings.sqlite").is_file()
        assert not (ROOT / "playbooks" / "findings.sqlite").exists()

    @pytest.mark.parametrize("fields", ["severity=60", "- severity", "{severity: 60", 60, ["severity"]])
    def test_fields_that_are_no_dictionary_are_refused(self, playground: Playground, fields: Any):
        run = playground.playbook(self.NAME, finding_name="Open share", finding_id="F-17", finding_fields=fields)
        assert run.status
        assert "finding_fields must be a dictionary of options" in run.output
        assert playground.emulator.requests() == []

    @pytest.mark.parametrize("fields", ["", "---", '{"severity": 60}'])
    def test_fields_may_be_a_text(self, playground: Playground, fields: str):
        run = playground.playbook(self.NAME, finding_name="Open share", finding_id="F-17", finding_fields=fields)
        assert succeeded(run).recap("changed") == 1
