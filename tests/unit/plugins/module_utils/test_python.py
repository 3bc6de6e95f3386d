# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With a Python that is too old, every module gives a message instead of a traceback."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest
from ansible_collections.secops.xdr.plugins import module_utils
from ansible_collections.secops.xdr.plugins.module_utils import _python

PLUGINS = Path(next(iter(module_utils.__path__))).parent
MODULES = sorted(PLUGINS.glob("modules/*.py"))


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 8, 18)])
def test_what_an_old_python_is_reported(monkeypatch, capsys, version):
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(SystemExit) as end:
        _python.require_python()
    result = json.loads(capsys.readouterr().out)
    assert end.value.code == 1
    assert result["failed"] is True
    assert "needs Python 3.9 or later" in result["msg"]
    assert f"this is {'.'.join(map(str, version))} at {sys.executable}" in result["msg"]
    assert "ansible_python_interpreter" in result["msg"]


def test_a_new_one_is_reported_nothing(capsys):
    _python.require_python()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("path", [*MODULES, PLUGINS / "module_utils" / "_python.py"], ids=lambda path: path.stem)
def test_an_old_python_gets_as_far_as_the_question(path):
    """It can parse the file, and checks its version before it imports anything else. ansible-core 2.16 manages hosts with Python 2.7."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 6))
    assert text.isascii(), "Python 2 refuses other characters"
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in functions if node.returns or any(one.annotation for one in node.args.args)] == []
    assert not any(isinstance(node, (ast.JoinedStr, ast.AnnAssign, ast.Nonlocal)) for node in ast.walk(tree))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    if path in MODULES:
        assert imports[0].module == "module_utils._python"
        asked = next(place for place, node in enumerate(tree.body) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
        assert tree.body.index(imports[0]) < asked < tree.body.index(imports[1])
    else:
        assert imports == []
