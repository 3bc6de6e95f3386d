# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards over all modules of the collection."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MODULES = sorted(path.stem for path in (TESTS.parents[3] / "plugins" / "modules").glob("[!_]*.py"))


def test_modules_are_found():
    assert "extrahop_observation" in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_tests(name: str):
    assert list(TESTS.glob(f"test_{name}*.py")), f"no test_{name}.py beside this file"
