# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles describe the variables that they have, hand on the defaults of the modules, and escape what they write into pages."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.secops.xdr.plugins.filter.role_options import role_options

ROOT = Path(__file__).resolve().parents[3]
ROLES = [path.name for path in sorted((ROOT / "roles").iterdir())]
OF_A_RUN = {
    "vpn_attribution": {
        *("found", "sessions", "questions", "days", "needs_timeline", "plan", "update", "result", "report", "wording"),
        *("options", "specs", "defaults", "given", "rules", "places"),
        *("cases", "detections", "cases_written", "notes_written"),
    },
    "vpn_observations": {
        *("result", "listed", "lines_uploaded", "lines_skipped", "lines_rejected", "lines_unobserved", "lines_zone", "lines_others"),
        *("options", "specs", "defaults", "given", "rules", "places", "files", "written", "repeated"),
    },
    "vpn_sessions": {"result", "options", "specs", "defaults", "given", "rules", "places"},
}
"""The variables that a role sets itself."""


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def described(role: str) -> dict[str, dict[str, Any]]:
    """The variables of a role, as ansible-doc shows them."""
    options: dict[str, dict[str, Any]] = loaded(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    return {name.removeprefix(f"{role}_"): option for name, option in options.items()}


def module_options(name: str) -> dict[str, dict[str, Any]]:
    """The options of a module, with those of the log that it shares with others."""
    found: dict[str, dict[str, Any]] = {}
    for path in (ROOT / "plugins" / "doc_fragments" / "vpn_log.py", ROOT / "plugins" / "modules" / f"{name}.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
                found.update(yaml.safe_load(ast.literal_eval(node.value))["options"])
    return found


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_described_and_used(role: str) -> None:
    texts = [path.read_text(encoding="utf-8") for part in ("tasks", "templates") for path in (ROOT / "roles" / role).glob(f"{part}/*")]
    used = {name for text in texts for name in re.findall(rf"\b{role}_(\w+)", text)}
    used |= {name for text in texts for name in re.findall(rf"\b{role}_options\.(\w+)", text)}
    assert used - OF_A_RUN[role] - {"problem"} == set(described(role))


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_that_are_described(role: str) -> None:
    """Ansible refuses null for a variable with a default in the spec if it is no text; the description says such a default."""
    defaults = loaded(ROOT / "roles" / role / "defaults" / "main.yml")
    options = described(role)
    expected = {f"{role}_{name}": option["default"] for name, option in options.items() if "default" in option}
    assert {name: defaults[name] for name in expected} == expected
    for variable in set(defaults) - set(expected):
        option, value = options[variable.removeprefix(f"{role}_")], defaults[variable]
        words = " ".join(option["description"])
        shown = (
            [str(item) for item in value] if isinstance(value, list) else [str(value).lower() if isinstance(value, bool) else str(value)]
        )
        assert all(text in words for text in shown), variable


@pytest.mark.parametrize(
    ("role", "module"),
    [("vpn_observations", "extrahop_observation"), ("vpn_attribution", "vpn_session_info"), ("vpn_sessions", "vpn_session")],
)
def test_defaults_are_those_of_the_module(role: str, module: str) -> None:
    of_the_role, of_the_module = described(role), module_options(module)
    # Bad rows are shown by the roles; without a retention, nothing is removed.
    differ = {"source", "on_invalid", "ledger_retention", "limit", "since", "until"}
    for name in set(of_the_role) & set(of_the_module) - differ:
        if "default" in of_the_role[name]:
            assert of_the_role[name]["default"] == of_the_module[name]["default"], name


def test_the_playbook_passes_on_the_defaults_of_the_role() -> None:
    """Ansible refuses null and blank for numbers and flags of a role, so the playbook repeats their defaults."""
    [play] = loaded(ROOT / "playbooks" / "vpn_observations.yml")
    [passed_on] = [task["vars"] for task in play["tasks"] if "ansible.builtin.include_role" in task]
    defaults = loaded(ROOT / "roles" / "vpn_observations" / "defaults" / "main.yml")
    assert {name.removeprefix("vpn_observations_") for name in passed_on} - {"upload_is_sample"} == set(described("vpn_observations"))
    for name, option in described("vpn_observations").items():
        if option["type"] in ("int", "bool") and name != "check_devices":
            value = re.fullmatch(
                rf"{{{{ (\w+) if vpn_options\.{name} is none else vpn_options\.{name} }}}}", passed_on[f"vpn_observations_{name}"]
            )
            assert value, name
            assert yaml.safe_load(value[1]) == defaults[f"vpn_observations_{name}"], name


@pytest.mark.parametrize("role", ROLES)
def test_variables_that_a_role_sets_are_not_taken_for_misspelt_ones(role: str) -> None:
    spec = {f"{role}_{name}": option for name, option in described(role).items()}
    made = role_options({}, spec, {}, role=role, defined=[f"{role}_{name}" for name in OF_A_RUN[role]])
    assert made["problem"] == ""


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("vpn_observations_timezon", "vpn_observations_timezone"),
        ("vpn_observations_path", "vpn_observations_paths"),
        ("vpn_observations_time_zone", "vpn_observations_timezone"),
        ("vpn_attribution_network", "vpn_attribution_networks"),
        ("vpn_attribution_Tags", "vpn_attribution_tags"),
        ("vpn_sessions_retentoin", "vpn_sessions_retention"),
    ],
)
def test_a_misspelt_variable_is_refused(variable: str, meant: str) -> None:
    role = "_".join(variable.split("_")[:2])
    spec = {f"{role}_{name}": option for name, option in described(role).items()}
    made = role_options({}, spec, {}, role=role, defined=[variable, f"{role}_of_the_site"])
    assert made["problem"].startswith(f"there is no variable {variable}; did you mean {meant}? Nothing was read or sent.")


def test_every_value_on_a_page_is_escaped() -> None:
    template = (ROOT / "roles" / "vpn_attribution" / "templates" / "report.html.j2").read_text(encoding="utf-8")
    values = re.findall(r"\{\{(.*?)\}\}", template, re.DOTALL)
    assert len(values) > 50
    literal = re.compile(r"\s*'[^']*' if [\w.]+\s*\Z")
    bare = [value.strip() for value in values if not re.search(r"\| e\s*-?\Z", value) and not literal.match(value)]
    # The style sheet comes with the role; a macro escapes what it is given.
    assert sorted(set(bare)) == ["event(alert)", "page.style", "person(alert.session)", "person(who)", "written(alert)"]
