# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extensions/awx/apply.yml with the real modules of awx.awx, against as much of AWX's API as they use."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.yaml.loader import AnsibleLoader
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.readers import READERS

from support.controller import APPLIED, IMAGE, INPUTS, RunningController, apply_to, modules_of_awx

pytest_plugins = ["support.controller.fixtures"]

ROOT = Path(__file__).resolve().parents[2]
LISTED_IN = {
    "controller_execution_environments": "xdr_awx_environments",
    "controller_notifications": "xdr_awx_notifications",
    "controller_roles": "xdr_awx_roles",
}
"""The lists that are used only if a variable asks for them."""
KEYS_OF_INFRA = {
    variable: set(keys.split())
    for variable, keys in {
        "controller_credential_types": "name description kind inputs injectors state",
        "controller_credentials": "name description organization credential_type inputs update_secrets user team state",
        "controller_execution_environments": "name description organization image credential pull state",
        "controller_hosts": "name description inventory enabled variables state",
        "controller_inventories": "name description organization kind host_filter input_inventories instance_groups variables state",
        "controller_notifications": "name description organization notification_type notification_configuration messages state",
        "controller_projects": "name description organization scm_type scm_url scm_branch scm_clean scm_update_on_launch credential state",
        "controller_roles": "role roles user users team teams job_template job_templates workflow workflows organization state",
        "controller_schedules": "name description organization unified_job_template rrule extra_data enabled inventory limit state",
        "controller_templates": "name description organization project playbook inventory credentials execution_environment job_type "
        "limit verbosity extra_vars ask_job_type_on_launch ask_diff_mode_on_launch ask_verbosity_on_launch ask_limit_on_launch "
        "allow_simultaneous survey_enabled survey_spec notification_templates_started notification_templates_success "
        "notification_templates_error labels state",
        "controller_workflows": "name description organization extra_vars inventory limit allow_simultaneous survey_enabled survey_spec "
        "notification_templates_started notification_templates_success notification_templates_error workflow_nodes "
        "simplified_workflow_nodes labels state",
    }.items()
}


def chosen(output: str) -> str:
    """The collection that the playbook chose, in its output at -v."""
    return "".join(re.findall(r'"xdr_modules": "([\w.]+)"', output))


def test_everything_comes_in(applied_controller: RunningController, applied_output: str):
    assert {kind: len(items) for kind, items in applied_controller.items.items() if items} == {
        "organizations": 1,
        "teams": 1,
        "roles": 6,
        "credential_types": 5,
        "credentials": 4,
        "notification_templates": 2,
        "projects": 1,
        "inventories": 1,
        "hosts": 1,
        "execution_environments": 1,
        "job_templates": 5,
        "schedules": 2,
        "workflow_job_templates": 1,
        "workflow_job_template_nodes": 3,
    }
    assert applied_controller.named("credentials", "XDR: ExtraHop")["inputs"] == INPUTS
    assert "made-up-secret" not in applied_output
    assert "awx.awx" in chosen(applied_output)
    (environment,) = applied_controller.items["execution_environments"].values()
    assert environment["image"] == IMAGE
    assert {one["execution_environment"] for one in applied_controller.items["job_templates"].values()} == {environment["id"]}


def test_once_and_nothing_of_the_administrator_is_replaced_or_shown(applied_controller: RunningController, tmp_path: Path):
    """A schedule that was switched on by hand stays on, and inputs stay."""
    for schedule in applied_controller.items["schedules"].values():
        assert schedule["enabled"] is False
        schedule["enabled"] = True
    other = {**INPUTS, "client_secret": "made-up-secret-2"}
    again = apply_to(applied_controller, tmp_path, "-vvv", **{**APPLIED, "xdr_awx_inputs": {"extrahop": other}})
    assert "changed=0" in again, again
    assert applied_controller.writes == []
    assert "made-up-secret" not in again
    assert applied_controller.named("credentials", "XDR: ExtraHop")["inputs"] == INPUTS


def test_check_mode_says_what_differs(applied_controller: RunningController, tmp_path: Path):
    """Without inputs, image, teams and notifications, as most people begin; log and decision about the schedules are others."""
    others = {"xdr_awx_vpn_log": "/var/log/other.csv", "xdr_awx_schedule_enabled": True}
    kept = {name: APPLIED[name] for name in ("xdr_awx_extrahop", "xdr_awx_vpn_timezone")}
    planned = apply_to(applied_controller, tmp_path, "--check", **others, **kept)
    # Both schedules, and the workflow with its copy of the answers.
    assert planned.count("changed: [localhost]") == 3, planned
    assert applied_controller.writes == []


def test_what_comes_in_is_wired_together(applied_controller: RunningController):
    templates = {item["playbook"]: item for item in applied_controller.items["job_templates"].values()}
    attached = {
        playbook: {credential["name"] for credential in applied_controller.related("job_templates", item, "credentials")}
        for playbook, item in templates.items()
    }
    assert attached == {
        "playbooks/vpn_observations.yml": {"XDR: ExtraHop", "XDR: ledger"},
        "playbooks/vpn_sessions.yml": {"XDR: session history"},
        "playbooks/who.yml": {"XDR: session history"},
        "playbooks/incident_tagging.yml": {"XDR: ExtraHop", "XDR: Stellar Cyber", "XDR: ledger"},
        "playbooks/event_insert.yml": {"XDR: Stellar Cyber", "XDR: ledger"},
    }
    scheduled = {schedule["unified_job_template"] for schedule in applied_controller.items["schedules"].values()}
    assert scheduled == {templates[f"playbooks/{name}.yml"]["id"] for name in ("vpn_observations", "vpn_sessions")}
    for role in applied_controller.items["roles"].values():
        assert [team["name"] for team in applied_controller.related("roles", role, "teams")] == ["SOC"], role["of"]
    for kind in ("job_templates", "workflow_job_templates"):
        for item in applied_controller.items[kind].values():
            told = applied_controller.related(kind, item, "notification_templates_error")
            assert [one["name"] for one in told] == ["XDR: mail", "XDR: chat"], item["name"]
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


def test_nobody_is_asked_about_a_log_without_its_time_zone(applied_controller: RunningController):
    """A default would be wrong for most logs, and would name the wrong people."""
    asked = {
        template["playbook"]: {question["variable"]: question for question in applied_controller.surveys[number]["spec"]}
        for number, template in applied_controller.items["job_templates"].items()
    }
    for playbook in ("vpn_observations", "vpn_sessions", "incident_tagging", "who"):
        question = asked[f"playbooks/{playbook}.yml"]["vpn_timezone"]
        assert question["required"] is True
        assert "default" not in question


def test_every_format_can_be_chosen(applied_controller: RunningController):
    for survey in applied_controller.surveys.values():
        for question in survey["spec"]:
            if question["variable"] == "vpn_log_format":
                assert sorted(question["choices"]) == sorted(READERS)


def test_infra_aap_configuration_reads_all_that_the_files_say():
    """The variables and keys are those that the roles of that collection hand to the modules; what they do not know would be lost."""
    found: dict[str, Any] = {}
    for path in sorted((ROOT / "extensions" / "awx" / "data").glob("*.yml")):
        found |= yaml.load(path.read_text(encoding="utf-8"), Loader=AnsibleLoader)
    lists = {name: found.get(LISTED_IN.get(name, name)) for name in found if name.startswith("controller_")}
    assert lists.keys() == KEYS_OF_INFRA.keys()
    for name, entries in lists.items():
        assert entries
        for entry in entries:
            assert entry.keys() - KEYS_OF_INFRA[name] == set(), name


@pytest.mark.parametrize("installed", ["", "ansible.controller"])
def test_the_collection_that_is_installed_does_the_work(tmp_path: Path, installed: str):
    folder = tmp_path / "collections"
    folder.mkdir()
    if installed:
        place = folder / "ansible_collections" / "ansible" / "controller"
        shutil.copytree(modules_of_awx(), place)
        manifest = json.loads((place / "MANIFEST.json").read_text(encoding="utf-8"))
        manifest["collection_info"] |= {"namespace": "ansible", "name": "controller"}
        (place / "MANIFEST.json").write_text(json.dumps(manifest), encoding="utf-8")
    only = {"ANSIBLE_COLLECTIONS_PATH": str(folder), "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"}
    with RunningController() as controller:
        # The controller does not accept the token, so the first module fails.
        output = apply_to(controller, tmp_path, "-v", succeeds=False, environment={**only, "CONTROLLER_OAUTH_TOKEN": "other"}, **APPLIED)
    if installed:
        assert installed in chosen(output)
        assert "TASK [Bring in credential types]" in output
    else:
        assert "Neither ansible.controller nor awx.awx is installed. Install" in output


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


@pytest.mark.parametrize("missing", ["xdr_awx_vpn_log", "xdr_awx_vpn_timezone"])
def test_without_log_or_time_zone_it_says_what_to_do(tmp_path: Path, missing: str):
    given = {name: value for name, value in APPLIED.items() if name != missing}
    with RunningController() as controller:
        output = apply_to(controller, tmp_path, succeeds=False, **given)
        assert f"Set {missing} to" in output
        assert controller.writes == []
