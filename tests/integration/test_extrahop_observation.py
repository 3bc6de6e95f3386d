# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extrahop_observation as a task of a real playbook, over HTTPS, against an emulator in another process."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

ROWS = ["203.0.113.9,10.8.3.7,05/31/24 08:15:00", "203.0.113.10,10.8.3.8,05/31/24 08:16:00", "203.0.113.11,,05/31/24 08:17:00"]


@pytest.fixture
def connection(appliance) -> dict[str, Any]:
    variables = appliance.environment
    return {"host": variables["EXTRAHOP_HOST"], "api_key": variables["EXTRAHOP_API_KEY"], "ca_path": variables["EXTRAHOP_CA_PATH"]}


@pytest.fixture
def log(playground) -> str:
    path = playground.folder / "log.csv"
    path.write_text("\n".join(["Real IP,VPN IP,Start Time", *ROWS, ""]), encoding="utf-8")
    return str(path)


ONE_DOCUMENT = """\
import json
from ansible.plugins.callback import CallbackBase
from ansible_collections.secops.xdr.plugins.action import extrahop_observation

DOCUMENTATION = "{name: one_document, type: stdout, short_description: Prints one JSON document, description: At the end}"
extrahop_observation._SECONDS_BETWEEN = 0.05

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "stdout", "one_document"

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.results = []

    def v2_runner_on_ok(self, result):
        self.results.append(getattr(result, "result", None) or result._result)

    def v2_playbook_on_stats(self, stats):
        self._display.display(json.dumps(self.results, default=str))
"""
"""A callback as ansible.posix.json is one, which makes lines about progress come at once."""


def task(register: str = "result", **options: Any) -> dict[str, Any]:
    return {"name": "Upload", "secops.xdr.extrahop_observation": {"source": "OpenVPN", **options}, "register": register}


def clean(output: str) -> bool:
    return "WARNING" not in output and "Traceback" not in output and "DEPRECAT" not in output


def test_upload_and_again(appliance, playground, connection, log):
    upload = task(**connection, path=log, timezone="America/New_York")
    check = {
        "ansible.builtin.assert": {
            "that": [
                "result.counts.read == 3",
                "result.counts.skipped.no_address == 1",
                "result.counts.uploaded + result.counts.already_uploaded == 2",
                "result.timezone == 'America/New_York'",
            ]
        }
    }
    first = playground.run(upload, check)
    assert (first.status, first.recap("changed")) == (0, 1), first.output
    assert clean(first.output), first.output
    assert [(one["ipaddr"], one["timestamp"]) for one in appliance.control.observations()] == [
        ("10.8.3.7", 1_717_157_700),
        ("10.8.3.8", 1_717_157_760),
    ]
    appliance.control.clear_requests()
    second = playground.run(upload, check)
    assert (second.status, second.recap("changed")) == (0, 0), second.output
    assert clean(second.output), second.output
    assert appliance.control.requests() == []


def test_check_mode_and_diff(appliance, playground, connection, log):
    run = playground.run(task(**connection, path=log, timezone="UTC"), arguments=("--check", "--diff"))
    assert (run.status, run.recap("changed")) == (0, 1), run.output
    assert "+10.8.3.7 is 203.0.113.9 since 2024-05-31T08:15:00Z" in run.output
    assert clean(run.output), run.output
    assert appliance.control.requests() == []
    playground.run(task(**connection, path=log, timezone="UTC"))
    again = playground.run(task(**connection, path=log, timezone="UTC"), arguments=("--check", "--diff"))
    assert again.recap("changed") == 0
    assert "10.8.3.7" not in again.output


def test_the_connection_once_for_several_tasks(appliance, playground, connection, log):
    item = {"ipaddr": "10.8.3.9", "associated_ipaddr": "203.0.113.12", "timestamp": "{{ 1717143300 }}"}
    run = playground.run(
        task(path=log, timezone="UTC"),
        task(observations=[item], source="WireGuard"),
        module_defaults={"group/secops.xdr.extrahop": connection},
    )
    assert (run.status, run.recap("changed")) == (0, 2), run.output
    assert {one["source"] for one in appliance.control.observations()} == {"OpenVPN", "WireGuard"}
    assert clean(run.output), run.output


@pytest.mark.parametrize("left_out", ["EXTRAHOP_API_KEY", "EXTRAHOP_CLIENT_ID"])
def test_the_connection_from_the_environment(appliance, playground, log, left_out):
    variables = {name: value for name, value in appliance.environment.items() if name.startswith("EXTRAHOP_") and name != left_out}
    playground.environment.update(variables)
    run = playground.run(task(path=log))
    assert (run.status, run.recap("changed")) == (0, 1), run.output
    assert len(appliance.control.requests(kind="token")) == (left_out == "EXTRAHOP_API_KEY")


@pytest.mark.parametrize("verbosity", ["", "-vvvv"])
def test_a_failure_shows_its_message_and_nothing_secret(appliance, playground, connection, log, verbosity):
    key = "a-key-that-nobody-may-see"
    appliance.control.add_fault("echo_authorization", times=None, status=401)
    arguments = (verbosity,) if verbosity else ()
    run = playground.run(task(**{**connection, "api_key": key}, path=log), arguments=arguments)
    assert run.status == 2, run.output
    assert "was refused with status 401" in run.output
    assert "Check the credentials" in run.output
    assert "Traceback" not in run.output
    assert key not in run.output
    assert base64.b64encode(key.encode()).decode() not in run.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "/nowhere/log.csv"}, "path: there is no file /nowhere/log.csv"),
        ({"path": "LOG", "observations": []}, "mutually exclusive"),
        ({}, "one of the following is required: "),
        ({"path": "LOG", "timezone": "Mars/Olympus"}, "timezone: 'Mars/Olympus' is not known"),
        ({"observations": "a text"}, ""),
    ],
)
def test_bad_input_shows_its_message_and_nothing_secret(appliance, playground, connection, log, options, message):
    options = {name: log if value == "LOG" else value for name, value in options.items()}
    run = playground.run(task(**connection, **options), arguments=("-vvvv",))
    assert run.status == 2, run.output
    assert message in run.output
    assert "Traceback" not in run.output
    assert connection["api_key"] not in run.output
    assert appliance.control.requests() == []


def test_nothing_secret_at_the_highest_verbosity(appliance, playground, log):
    variables = appliance.environment
    oauth = {
        "host": variables["EXTRAHOP_HOST"],
        "ca_path": variables["EXTRAHOP_CA_PATH"],
        "client_id": variables["EXTRAHOP_CLIENT_ID"],
        "client_secret": variables["EXTRAHOP_CLIENT_SECRET"],
    }
    run = playground.run(task(**oauth, path=log, check_devices=True), arguments=("-vvvv", "--diff"))
    assert (run.status, run.recap("changed")) == (0, 1), run.output
    token = appliance.control.writes()[0]["headers"]["Authorization"].removeprefix("Bearer ")
    assert variables["EXTRAHOP_CLIENT_SECRET"] not in run.output
    assert token not in run.output


def test_a_warning_reaches_the_user(appliance, playground, connection):
    item = {"ipaddr": "203.0.113.12", "associated_ipaddr": "10.8.3.9", "timestamp": 1_717_143_300}
    run = playground.run(task(**connection, observations=[item]))
    assert run.status == 0
    assert "They may be swapped" in " ".join(run.output.split())


def test_in_the_background(appliance, playground, connection, log):
    """With async, as long uploads are run."""
    run = playground.run({**task(**connection, path=log), "async": 60, "poll": 1})
    assert (run.status, run.recap("changed")) == (0, 1), run.output
    assert len(appliance.control.observations()) == 2


def test_lines_about_progress_leave_a_json_document_on_standard_output_alone(appliance, playground, connection, log):
    (playground.folder / "callbacks").mkdir()
    (playground.folder / "callbacks" / "one_document.py").write_text(ONE_DOCUMENT, encoding="utf-8")
    playground.environment |= {"ANSIBLE_CALLBACK_PLUGINS": str(playground.folder / "callbacks"), "ANSIBLE_STDOUT_CALLBACK": "one_document"}
    appliance.control.add_fault("delay", seconds=2, match={"kind": "write"})
    run = playground.run(task(**connection, path=log, timezone="UTC", batch_size=1))
    assert run.status == 0, run.output
    [result] = json.loads(run.stdout)
    assert result["counts"]["uploaded"] == 2
    assert "localhost: uploading, " in run.stderr
