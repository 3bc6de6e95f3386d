# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reference page of an event source, which antsibull-docs has no kind of page for."""

from __future__ import annotations

import ast
import json
import textwrap
from pathlib import Path
from typing import Any

import yaml
from antsibull_docs_parser.parser import Context, parse
from antsibull_docs_parser.rst import to_rst_plain


def plugin_text(path: Path, name: str) -> str:
    """Return what a plugin assigns to DOCUMENTATION, EXAMPLES or RETURN."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == name for target in node.targets):
            return str(ast.literal_eval(node.value))
    raise LookupError(f"{path} has no {name}")


def event_source_page(path: Path, collection: str) -> str:
    """Return the page of an event source in reStructuredText."""
    documentation = yaml.safe_load(plugin_text(path, "DOCUMENTATION"))
    title = f"{collection}.{path.stem} event source -- {documentation['short_description']}"
    parts = [
        f".. _ansible_collections.{collection}.{path.stem}_event_source:",
        f"{title}\n{'=' * len(title)}",
        _items(documentation["description"]),
        "How to run it, and what it promises, is in :ref:`the guide <ansible_collections.secops.xdr.docsite.guide_event_driven>`.",
        _section("Requirements", _items(documentation["requirements"])),
        _section("Parameters", _options(documentation["options"])),
        _section("Notes", _items(documentation["notes"])),
        _section("Examples", ".. code-block:: yaml+jinja\n\n" + textwrap.indent(plugin_text(path, "EXAMPLES").strip(), "    ")),
    ]
    return "\n\n".join(parts) + "\n"


def _section(title: str, body: str) -> str:
    return f"{title}\n{'-' * len(title)}\n\n{body}"


def _markup(text: str) -> str:
    """Turn the markup of Ansible's documentation into reStructuredText."""
    return to_rst_plain(parse(text, Context()))


def _items(texts: list[str]) -> str:
    return "\n".join(f"* {_markup(text)}" for text in texts)


def _options(options: dict[str, dict[str, Any]]) -> str:
    rows = [".. list-table::\n   :header-rows: 1\n   :widths: 25 75\n", "   * - Parameter\n     - Comments"]
    for name, option in options.items():
        kind = f"list of {option['elements']}" if option["type"] == "list" else option["type"]
        first = f"**{name}**\n\n{kind}{', required' if option.get('required') else ''}"
        told = [_markup(text) for text in option["description"]]
        if "choices" in option:
            told.append("**Choices:** " + ", ".join(f"``{choice}``" for choice in option["choices"]))
        if "default" in option:
            told.append(f"**Default:** ``{_as_yaml(option['default'])}``")
        rows.append(f"   * - {_indented(first)}\n     - {_indented(chr(10).join(f'{line}{chr(10)}' for line in told).strip())}")
    return "\n".join(rows)


def _as_yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _indented(text: str) -> str:
    return textwrap.indent(text, " " * 7).lstrip()
