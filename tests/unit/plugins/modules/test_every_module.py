# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards over all modules of the collection."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from ansible.module_utils.basic import AnsibleModule

from support.secret_options import check_secrets_of

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[4]
ROLES = ROOT / "roles"
TARGETS = ROOT / "tests" / "integration" / "targets"
TESTS = Path(__file__).parent
MODULES = sorted(path.stem for path in (TESTS.parents[3] / "plugins" / "modules").glob("[!_]*.py"))


def test_modules_are_found():
    assert "extrahop_observation" in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_tests(name: str):
    assert list(TESTS.glob(f"test_{name}*.py")), f"no test_{name}.py beside this file"


@pytest.mark.parametrize("name", [*MODULES, *(f"role_{path.name}" for path in ROLES.iterdir())])
def test_every_module_and_role_has_a_target_of_ansible_test(name: str):
    assert (TARGETS / name / "tasks" / "main.yml").is_file(), f"no tests/integration/targets/{name}"


def spec_of(name: str) -> Mapping[str, Any]:
    """The arguments that a module passes to AnsibleModule."""
    module = importlib.import_module(f"ansible_collections.secops.xdr.plugins.modules.{name}")
    seen: dict[str, Any] = {}

    def take(_module: AnsibleModule, argument_spec: Mapping[str, Any], **_more: Any) -> None:
        seen.update(argument_spec)
        raise SystemExit

    with patch.object(AnsibleModule, "__init__", take), pytest.raises(SystemExit):
        module.main()
    return seen


@pytest.mark.parametrize("name", MODULES)
def test_ansible_knows_every_secret(name: str):
    check_secrets_of(spec_of(name))
