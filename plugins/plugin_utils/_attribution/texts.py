# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Templates of tags and comments, filled with values from logs. Values are inserted as text; nothing in them is ever evaluated."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

NO_END = "(no end in the log)"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_NOT_IN_A_TAG = re.compile(r"[^\w.@+-]+")
_TAG_CHARACTERS = 64
_SHOWN_CHARACTERS = 200
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Categories of characters that are invisible, control a terminal, or change the direction of the text around them."""


class AttributionError(ValueError):
    """The input is invalid; the text says what is wrong."""


def tag_name(username: str) -> str:
    """Returns the name in the form for tags: letters, digits and `. _ @ + -`; other characters become one underscore.

    Empty if there is no letter or digit.
    """
    name = _NOT_IN_A_TAG.sub("_", unicodedata.normalize("NFC", username))[:_TAG_CHARACTERS]
    return name if any(character.isalnum() for character in name) else ""


def one_line(text: str) -> str:
    """Returns the text on one line: invisible characters become escapes, and a long text is cut."""
    shown = "".join(
        _escaped(character) if unicodedata.category(character) in _UNSEEN else character for character in text[:_SHOWN_CHARACTERS]
    )
    return shown if len(text) <= _SHOWN_CHARACTERS else f"{shown}…"


def placeholders(template: str) -> list[str]:
    """Returns the names in braces."""
    return _PLACEHOLDER.findall(template)


def check_placeholders(what: str, template: str, known: Collection[str]) -> None:
    """Raises AttributionError if a template has a name in braces that is not known."""
    for name in placeholders(template):
        if name not in known:
            raise AttributionError(f"{what}: there is no {{{name}}}; there are {', '.join(f'{{{one}}}' for one in known)}.")


def filled(template: str, values: Mapping[str, str]) -> str:
    """Returns the template with its values. Names in braces within values are not replaced."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


def pattern_of(template: str, values: Mapping[str, str], *, open_names: Collection[str]) -> re.Pattern[str]:
    """Returns a pattern for the texts of a template with these values, and with any value for the open names."""
    position, parts = 0, []
    for found in _PLACEHOLDER.finditer(template):
        parts.append(re.escape(template[position : found.start()]))
        parts.append(".*" if found[1] in open_names else re.escape(values[found[1]]))
        position = found.end()
    parts.append(re.escape(template[position:]))
    return re.compile("".join(parts), re.DOTALL)


def reading_pattern(template: str) -> re.Pattern[str]:
    """Returns a pattern that reads the values from a text of a template. No value contains the fixed beginning of the template."""
    beginning = re.escape(template.partition("{")[0])
    parts = _PLACEHOLDER.split(template)
    values = [rf"(?P<{part}>(?:(?!{beginning}).)+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    return re.compile("".join(values), re.DOTALL)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
