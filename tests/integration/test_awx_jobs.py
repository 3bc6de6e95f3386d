# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job templates as AWX runs them: credentials rendered by their injectors, answers to the survey, and ansible-runner."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from emulator import RunningEmulator, Settings
from support.controller import Job, LaunchError, RunningController, launch

pytest_plugins = ["support.controller.fixtures", "support.postgresql.fixtures"]

UPLOAD, TAG, REPORT = "XDR: upload a VPN log", "XDR: tag incidents with VPN users", "XDR: report a finding"
KEEP, WHO = "XDR: add a VPN log to the session history", "XDR: who had this VPN address"
SECRETS = {
    # Characters with a special meaning in templates, shells, URLs and JSON.
    "api_key": "eh-key-{{ 7*7 }}-$(id)-'\"\\+/=%25",
    "client_secret": 'rx-secret-{% raw %}&=+/%41"',
    "stellar_api_key": "sc-key-{{ lookup('env','HOME') }}+/=%",
    "scoped_key": "sc-scoped-key-+/=%",
}
PASSWORD = "ledger password {{ 1 }} @:/+%'"
ROWS = "VPN IP,Real IP,Start Time,Username\n10.8.3.7,203.0.113.9,05/31/24 08:15:00,alice\n10.8.3.8,198.51.100.4,05/31/24 08:20:00,bob\n"
FINDING = {"finding_name": "Beaconing", "finding_id": "F-17", "finding_fields": '{"severity": 60, "custom_fields": {"srcip": "10.8.3.7"}}'}


@pytest.fixture
def emulator() -> Iterator[RunningEmulator]:
    with RunningEmulator(Settings(refresh_delay=0, **SECRETS)) as running:
        yield running


@pytest.fixture
def awx(applied_controller: RunningController, emulator: RunningEmulator, tmp_path: Path) -> RunningController:
    """A controller whose credentials lead to the emulator and to a ledger in a file."""
    authorities = Path(emulator.ca_path).read_text(encoding="utf-8")
    settings = emulator.emulator.settings
    fill(applied_controller, "XDR: ExtraHop", "ExtraHop API key", host=emulator.host, api_key=settings.api_key, ca_certificate=authorities)
    fill(
        applied_controller,
        "XDR: Stellar Cyber",
        "Stellar Cyber",
        host=emulator.host,
        username=settings.username,
        api_key=settings.stellar_api_key,
        ca_certificate=authorities,
    )
    fill(applied_controller, "XDR: ledger", "secops.xdr ledger", url=str(tmp_path / "ledger.sqlite3"))
    fill(applied_controller, "XDR: session history", "secops.xdr session history", url=str(tmp_path / "history.sqlite3"))
    return applied_controller


@pytest.fixture
def answers(tmp_path: Path) -> dict[str, Any]:
    """The path of the log and its time zone, as answers to the survey."""
    log = tmp_path / "vpn.csv"
    log.write_text(ROWS, encoding="utf-8")
    return {"vpn_log": str(log), "vpn_timezone": "UTC"}


def fill(controller: RunningController, name: str, kind: str, **inputs: Any) -> None:
    """Fill in a credential, as by hand."""
    credential = controller.named("credentials", name)
    credential |= {"credential_type": controller.named("credential_types", kind)["id"], "inputs": inputs}
    assert not list(controller.faults("credentials", credential))


def succeeded(job: Job) -> Job:
    """The job, which must have succeeded."""
    assert job.status == "successful", job.output
    return job


def forms(secret: str) -> Iterator[str]:
    """The forms of a secret in a file."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(json.dumps(secret)[1:-1])[1:-1]
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield repr(secret)[1:-1]
    for shift in range(3):
        # Without the characters at both ends, which depend on the text beside the secret.
        yield base64.b64encode(b"-" * shift + secret.encode()).decode()[4:-4]


def leaks(content: str) -> set[str]:
    """The secrets that are in this text, in any form."""
    return {secret for secret in (*SECRETS.values(), PASSWORD) if any(form in content for form in forms(secret))}


def assert_nothing_leaked(job: Job) -> None:
    """No secret is in what AWX stores or shows, nor in an artifact of the runner but its note of the environment that it started with."""
    assert not leaks(json.dumps(job.record) + json.dumps(job.events) + job.output)
    for folder in (job.node, job.kept):
        files = [path for path in (folder / "artifacts").rglob("*") if path.is_file()]
        assert files
        for path in files:
            content = path.read_text(encoding="utf-8", errors="surrogateescape")
            if path.name == "command":
                # For every credential of AWX; the file is for its owner only and goes with the folder when the job ends.
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
                noted = json.loads(content)
                noted["env"] = {name: value for name, value in noted["env"].items() if name not in job.environment}
                content = json.dumps(noted)
            assert not leaks(content), path
        for path in (folder / "env").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
            assert not leaks(path.read_text(encoding="utf-8")), path


def test_the_upload_once_and_again(awx: RunningController, emulator: RunningEmulator, answers: dict[str, Any], tmp_path: Path):
    first = succeeded(launch(awx, UPLOAD, answers, tmp_path / "first", verbosity=5))

    assert [row["ipaddr"] for row in emulator.observations()] == ["10.8.3.7", "10.8.3.8"]
    assert "2 uploaded" in first.output
    assert first.record["job_env"]["EXTRAHOP_API_KEY"] == "**********"
    assert first.record["job_env"]["EXTRAHOP_HOST"] == emulator.host
    assert_nothing_leaked(first)
    emulator.clear_requests()
    again = succeeded(launch(awx, UPLOAD, answers, tmp_path / "again"))
    assert "2 already uploaded" in again.output
    assert emulator.writes() == []


def test_check_mode(awx: RunningController, emulator: RunningEmulator, answers: dict[str, Any], tmp_path: Path):
    planned = succeeded(launch(awx, UPLOAD, answers, tmp_path / "job", check=True))
    assert "2 would be uploaded" in planned.output
    assert emulator.writes() == []


def test_the_upload_to_revealx_360(awx: RunningController, emulator: RunningEmulator, answers: dict[str, Any], tmp_path: Path):
    emulator.configure(extrahop_auth="oauth")
    settings = emulator.emulator.settings
    fill(
        awx,
        "XDR: ExtraHop",
        "ExtraHop RevealX 360",
        host=emulator.host,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        ca_certificate=Path(emulator.ca_path).read_text(encoding="utf-8"),
    )
    job = succeeded(launch(awx, UPLOAD, answers, tmp_path / "job", verbosity=5))
    assert len(emulator.observations()) == 2
    assert job.record["job_env"]["EXTRAHOP_CLIENT_SECRET"] == "**********"
    assert_nothing_leaked(job)


def test_the_ledger_in_a_database(
    awx: RunningController, emulator: RunningEmulator, answers: dict[str, Any], database_url: str, tmp_path: Path
):
    fill(awx, "XDR: ledger", "secops.xdr ledger", url=database_url, password=PASSWORD)
    for folder, said in (("first", "2 uploaded"), ("again", "2 already uploaded")):
        job = succeeded(launch(awx, UPLOAD, answers, tmp_path / folder, verbosity=5))
        assert said in job.output
        assert (job.record["job_env"]["SECOPS_XDR_LEDGER"], job.record["job_env"]["PGPASSWORD"]) == ("**********", "**********")
        assert_nothing_leaked(job)
    assert len(emulator.observations()) == 2


def test_a_finding_is_reported_once(awx: RunningController, emulator: RunningEmulator, tmp_path: Path):
    first = succeeded(launch(awx, REPORT, FINDING, tmp_path / "first", verbosity=5))

    (event,) = emulator.events()
    wanted = {"event_name": "Beaconing", "event_source": "AWX", "orig_id": "F-17", "severity": 60}
    assert event["_source"].items() >= wanted.items()
    assert_nothing_leaked(first)
    again = succeeded(launch(awx, REPORT, FINDING, tmp_path / "again"))
    assert "Already there" in again.output
    assert len(emulator.events()) == 1


def test_a_scoped_key_needs_no_user(awx: RunningController, emulator: RunningEmulator, tmp_path: Path):
    emulator.configure(scoped_key_can_read=True)
    fill(
        awx,
        "XDR: Stellar Cyber",
        "Stellar Cyber",
        host=emulator.host,
        username="",
        api_key=emulator.emulator.settings.scoped_key,
        auth_method="scoped_key",
        ca_certificate=Path(emulator.ca_path).read_text(encoding="utf-8"),
    )
    job = succeeded(launch(awx, REPORT, FINDING, tmp_path / "job"))
    assert len(emulator.events()) == 1
    assert_nothing_leaked(job)


def test_incidents_are_tagged(awx: RunningController, emulator: RunningEmulator, answers: dict[str, Any], tmp_path: Path):
    emulator.add_events(
        {"event_name": "Beaconing", "event_status": "New", "srcip": "10.8.3.7", "timestamp": 1717143600000, "event_score": 50}
    )
    first = succeeded(launch(awx, TAG, answers, tmp_path / "first", verbosity=5))

    assert emulator.events()[0]["tags"] == ["vpn_user:alice"]
    assert len(emulator.observations()) == 2
    assert_nothing_leaked(first)
    emulator.clear_requests()
    succeeded(launch(awx, TAG, answers, tmp_path / "again"))
    assert emulator.writes() == []


def test_who_had_an_address_is_known_after_the_log_is_gone(awx: RunningController, answers: dict[str, Any], tmp_path: Path):
    """Each job runs in a container of its own; what it learned is in the history."""
    given = {**answers, "vpn_gateway": "vpn-1", "vpn_networks": ""}
    assert "2 sessions added" in succeeded(launch(awx, KEEP, given, tmp_path / "first")).output
    Path(answers["vpn_log"]).unlink()
    question = {"ip": "10.8.3.7", "at": "2024-05-31 08:16:00", "vpn_timezone": "UTC"}
    job = succeeded(launch(awx, WHO, question, tmp_path / "who"))
    assert "alice, from 203.0.113.9" in job.output
    assert "gateway vpn-1" in job.output


def test_the_workflow(awx: RunningController, emulator: RunningEmulator, answers: dict[str, Any], tmp_path: Path):
    workflow = awx.named("workflow_job_templates", "XDR: report a finding and say who it was")
    given = {**json.loads(workflow["extra_vars"]), **answers, **FINDING}
    given["finding_fields"] = '{"custom_fields": {"srcip": "10.8.3.7"}, "timestamp": "2024-05-31T08:20:00Z"}'
    step: dict[str, Any] | None = awx.named("workflow_job_template_nodes", "upload")
    while step:
        template = awx.items["job_templates"][step["unified_job_template"]]
        succeeded(launch(awx, template["name"], given, tmp_path / step["identifier"], workflow=workflow["name"]))
        step = next(iter(awx.related("workflow_job_template_nodes", step, "success_nodes")), None)

    (event,) = emulator.events()
    assert event["tags"] == ["vpn_user:alice"]
    assert len(emulator.observations()) == 2


def test_the_certificate_is_checked_whatever_is_left_empty(
    awx: RunningController, emulator: RunningEmulator, answers: dict[str, Any], tmp_path: Path
):
    key = emulator.emulator.settings.api_key
    fill(awx, "XDR: ExtraHop", "ExtraHop API key", host=emulator.host, api_key=key)
    refused = launch(awx, UPLOAD, answers, tmp_path / "refused", verbosity=3)
    assert refused.status == "failed"
    assert "Set `ca_path` to the certificate authority that signed it" in refused.output
    assert emulator.requests() == []
    assert_nothing_leaked(refused)
    fill(awx, "XDR: ExtraHop", "ExtraHop API key", host=emulator.host, api_key=key, skip_verification=True)
    succeeded(launch(awx, UPLOAD, answers, tmp_path / "taken"))
    assert len(emulator.observations()) == 2


def test_a_refused_key_is_not_in_the_error(awx: RunningController, emulator: RunningEmulator, answers: dict[str, Any], tmp_path: Path):
    emulator.add_fault("echo_authorization", {"product": "extrahop"}, times=None, status=401)
    job = launch(awx, UPLOAD, answers, tmp_path / "job", verbosity=5)
    assert job.status == "failed"
    assert_nothing_leaked(job)


def test_answers_that_no_playbook_could_use_are_not_taken(awx: RunningController, tmp_path: Path):
    with pytest.raises(LaunchError, match="vpn_log"):
        launch(awx, UPLOAD, {}, tmp_path / "missing")
    with pytest.raises(LaunchError, match="too short"):
        launch(awx, UPLOAD, {"vpn_log": ""}, tmp_path / "empty")
    with pytest.raises(LaunchError, match="not allowed on launch"):
        launch(awx, UPLOAD, {"vpn_log": "/x", "ansible_connection": "ssh"}, tmp_path / "foreign")
    with pytest.raises(LaunchError, match="one of"):
        launch(awx, UPLOAD, {"vpn_log": "/x", "vpn_log_format": "docx"}, tmp_path / "choice")


def test_an_answer_is_never_a_template(awx: RunningController, emulator: RunningEmulator, tmp_path: Path):
    marker = tmp_path / "marker"
    trap = "{{ lookup('pipe', 'touch " + str(marker) + "') }}"
    finding = {"finding_name": trap, "finding_id": trap, "finding_source": trap, "finding_fields": json.dumps({"detected_field": trap})}
    succeeded(launch(awx, REPORT, finding, tmp_path / "job"))
    (event,) = emulator.events()
    assert (event["_source"]["event_name"], event["_source"]["detected_field"]) == (trap, trap)
    assert not marker.exists()
