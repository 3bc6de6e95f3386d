# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of each module is complete: options by group, the shortest example first, a sample for each result."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
MODULES = sorted((PLUGINS / "modules").glob("*.py"))
PARTS = ("DOCUMENTATION", "EXAMPLES", "RETURN")


def parts_of(path: Path) -> dict[str, Any]:
    """The YAML documents in a module or a documentation fragment, by the name of their variable."""
    named = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Assign)]
    texts = {node.targets[0].id: node.value for node in named if isinstance(node.targets[0], ast.Name)}
    return {name: yaml.safe_load(ast.literal_eval(texts[name])) for name in PARTS if name in texts}


def documentation_of(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The options and the notes of a module, with those of its fragments."""
    own = parts_of(path)["DOCUMENTATION"]
    options, notes = dict(own.get("options", {})), list(own.get("notes", []))
    for fragment in own["extends_documentation_fragment"]:
        _namespace, _name, file, *_variable = fragment.split(".")
        if file != "attributes":
            shared = parts_of(PLUGINS / "doc_fragments" / f"{file}.py")["DOCUMENTATION"]
            options |= shared["options"]
            notes += shared.get("notes", [])
    return options, notes


def leaves(results: dict[str, Any], where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each documented result that contains no others, with its name."""
    for name, result in results.items():
        if "contains" in result:
            yield from leaves(result["contains"], f"{where}{name}.")
        else:
            yield f"{where}{name}", result


def size(value: Any) -> int:
    """The number of values in an example."""
    if isinstance(value, (dict, list)):
        return sum(size(item) for item in (value.values() if isinstance(value, dict) else value))
    return 1


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.stem))
def test_each_option_is_in_one_group(path: Path) -> None:
    options, notes = documentation_of(path)
    groups = [note for note in notes if re.match(r"(Options|The option) for ", note)]
    assert len(groups) >= 2
    assert sorted(re.findall(r"O\((\w+)\)", " ".join(groups))) == sorted(options)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.stem))
def test_no_option_is_internal(path: Path) -> None:
    options, _notes = documentation_of(path)
    texts = {name: " ".join(option["description"]) for name, option in options.items()}
    internal = re.compile(r"\b(internal|private) (option|use)", re.IGNORECASE)
    assert not [name for name, text in texts.items() if name.startswith("_") or internal.search(text)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.stem))
def test_the_first_example_works_by_itself_and_none_is_shorter(path: Path) -> None:
    tasks = [task[f"secops.xdr.{path.stem}"] for task in parts_of(path)["EXAMPLES"] if f"secops.xdr.{path.stem}" in task]
    options, _notes = documentation_of(path)
    required = {name for name, option in options.items() if option.get("required")}
    assert required <= tasks[0].keys()
    connected = [task for task in tasks if "host" in task or "host" not in options]
    # A task that takes the result of another one does not work by itself.
    alone = [task for task in connected if not any("{{" in str(value) and "_key" not in str(value) for value in task.values())]
    assert alone[0] is tasks[0]
    assert min(map(size, alone)) == size(tasks[0])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.stem))
def test_each_result_has_a_sample(path: Path) -> None:
    results = parts_of(path)["RETURN"]
    assert [name for name, result in leaves(results) if "sample" not in result] == []
