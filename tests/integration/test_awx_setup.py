# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extensions/awx/apply.yml with the real modules of awx.awx, against as much of AWX's API as they use."""

from __future__ import annotations

from pathlib import Path

from support.controller import APPLIED, IMAGE, INPUTS, RunningController, apply_to

pytest_plugins = ["support.controller.fixtures"]


def test_everything_comes_in(applied_controller: RunningController, applied_output: str):
    assert {kind: len(items) for kind, items in applied_controller.items.items() if items} == {
        "organizations": 1,
        "credential_types": 4,
        "credentials": 3,
        "projects": 1,
        "inventories": 1,
        "hosts": 1,
        "execution_environments": 1,
        "job_templates": 3,
        "schedules": 1,
        "workflow_job_templates": 1,
        "workflow_job_template_nodes": 3,
    }
    assert applied_controller.named("credentials", "XDR: ExtraHop")["inputs"] == INPUTS
    assert INPUTS["client_secret"] not in applied_output
    (environment,) = applied_controller.items["execution_environments"].values()
    assert environment["image"] == IMAGE
    assert {one["execution_environment"] for one in applied_controller.items["job_templates"].values()} == {environment["id"]}


def test_once_and_no_input_is_replaced_or_shown(applied_controller: RunningController, tmp_path: Path):
    other = {**INPUTS, "client_secret": "made-up-secret-2"}
    again = apply_to(applied_controller, tmp_path, "-vvv", **{**APPLIED, "xdr_awx_inputs": {"extrahop": other}})
    assert "changed=0" in again, again
    assert applied_controller.writes == []
    assert "made-up-secret" not in again
    assert applied_controller.named("credentials", "XDR: ExtraHop")["inputs"] == INPUTS


def test_check_mode_says_what_differs(applied_controller: RunningController, tmp_path: Path):
    """Without inputs and image, as most people begin; the log is another one."""
    planned = apply_to(
        applied_controller, tmp_path, "--check", xdr_awx_vpn_log="/var/log/other.csv", xdr_awx_extrahop=APPLIED["xdr_awx_extrahop"]
    )
    assert "changed=2" in planned, planned
    assert applied_controller.writes == []


def test_what_comes_in_is_wired_together(applied_controller: RunningController):
    templates = {item["playbook"]: item for item in applied_controller.items["job_templates"].values()}
    attached = {
        playbook: {credential["name"] for credential in applied_controller.related("job_templates", item, "credentials")}
        for playbook, item in templates.items()
    }
    assert attached == {
        "playbooks/vpn_observations.yml": {"XDR: ExtraHop", "XDR: ledger"},
        "playbooks/incident_tagging.yml": {"XDR: ExtraHop", "XDR: Stellar Cyber", "XDR: ledger"},
        "playbooks/event_insert.yml": {"XDR: Stellar Cyber", "XDR: ledger"},
    }
    (schedule,) = applied_controller.items["schedules"].values()
    assert schedule["unified_job_template"] == templates["playbooks/vpn_observations.yml"]["id"]
    assert schedule["enabled"] is True
    step = applied_controller.named("workflow_job_template_nodes", "upload")
    order = [step]
    while following := applied_controller.related("workflow_job_template_nodes", step, "success_nodes"):
        (step,) = following
        order.append(step)
    playbooks = [applied_controller.items["job_templates"][one["unified_job_template"]]["playbook"] for one in order]
    assert playbooks == ["playbooks/vpn_observations.yml", "playbooks/event_insert.yml", "playbooks/incident_tagging.yml"]


def test_no_secret_is_in_extra_vars_or_surveys(applied_controller: RunningController):
    for credential_type in applied_controller.items["credential_types"].values():
        assert credential_type["injectors"].keys() == {"file", "env"}
        secret = {field["id"] for field in credential_type["inputs"]["fields"] if field.get("secret")}
        assert secret <= set(credential_type["inputs"]["required"]) | {"password"}
    for survey in applied_controller.surveys.values():
        assert all(question["type"] != "password" for question in survey["spec"])


def test_every_variable_of_a_survey_is_one_that_the_playbook_describes(applied_controller: RunningController):
    root = Path(__file__).resolve().parents[2]
    roles = (root / "roles" / "vpn_attribution" / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    for template in applied_controller.items["job_templates"].values():
        described = (root / template["playbook"]).read_text(encoding="utf-8")
        for question in applied_controller.surveys[template["id"]]["spec"]:
            variable = question["variable"]
            assert f"\n#   {variable} " in described or f"\n      {variable}:\n" in roles, variable


def test_every_environment_variable_is_documented(applied_controller: RunningController):
    root = Path(__file__).resolve().parents[2]
    documentation = "".join(path.read_text(encoding="utf-8") for path in (root / "plugins").rglob("*.py"))
    guides = "".join(path.read_text(encoding="utf-8") for path in (root / "docs" / "docsite" / "rst").glob("*.rst"))
    for credential_type in applied_controller.items["credential_types"].values():
        for variable in credential_type["injectors"]["env"]:
            assert f"E({variable})" in documentation or variable in guides, variable


def test_without_a_log_it_says_what_to_do(tmp_path: Path):
    with RunningController() as controller:
        output = apply_to(controller, tmp_path, succeeds=False)
        assert "Set xdr_awx_vpn_log" in output
        assert controller.writes == []
