# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides agree with the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_troubleshooting.rst"


def texts_of_the_code() -> str:
    """All texts in the code, one a line, with … for the values that are put into them."""
    # The messages of roles are in YAML.
    found = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "roles").glob("*/tasks/*.yml"))]
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(text.replace("\n", " ") for text in found)


def messages_of_the_guide() -> list[str]:
    """The text in double backquotes on a line that is followed by further indented text."""
    terms = re.findall(r"^( *)((?:``|\*).*``)\n(?=\1  \S)", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    return [message for _indent, term in terms for message in re.findall(r"``(.+?)``(?!`)", term)]


TEXTS = texts_of_the_code()


@pytest.mark.parametrize("message", messages_of_the_guide())
def test_every_message_of_the_troubleshooting_guide_is_one_that_the_code_has(message: str) -> None:
    pieces = [piece.strip(" ,") for piece in re.split(r"…|\b\d+\b", message)]
    pattern = "[^\n]*".join(re.escape(piece) for piece in pieces if len(piece) > 3)
    assert pattern, f"{message} holds nothing to look for"
    assert re.search(pattern, TEXTS), f"no text of plugins/ is like {message}"


def test_the_guide_has_messages() -> None:
    assert len(messages_of_the_guide()) > 30


@pytest.mark.parametrize("page", sorted(GUIDE.parent.glob("*.rst")), ids=lambda page: page.stem)
def test_filters_of_other_collections_name_their_collection(page: Path) -> None:
    filters = r"(?<![\w.])(keep_keys|remove_keys|json_query|read_csv|ipaddr|cidr_merge)\b"
    assert not re.findall(rf"(?:\| *|map\(')({filters})", page.read_text(encoding="utf-8"))
