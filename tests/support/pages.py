# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages for users, and the code blocks in them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))
README = ROOT / "README.md"
PAGES = [README, *GUIDES, ROOT / "docs" / "site" / "index.rst", *sorted((ROOT / "roles").glob("*/README.md"))]


def blocks(page: Path, *kinds: str) -> list[str]:
    """The blocks of these kinds in a page, without their indentation."""
    text, wanted = page.read_text(encoding="utf-8"), "|".join(re.escape(kind) for kind in kinds)
    if page.suffix == ".md":
        return re.findall(rf"^```(?:{wanted})\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    found = re.findall(rf"^( *)\.\. code-block:: (?:{wanted})\n\n((?:\1 +.*\n|\n)+)", text, re.MULTILINE)
    return [textwrap.dedent(block).strip("\n") + "\n" for _indent, block in found]


def examples(page: Path) -> list[Any]:
    """The YAML examples of a page."""
    return [yaml.safe_load(block) for block in blocks(page, "yaml", "yaml+jinja")]


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Every dictionary in an example."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from mappings(item)
