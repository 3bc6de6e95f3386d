# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Prepares texts from logs and servers for messages: short, on one line, and without control characters for terminals."""

from __future__ import annotations

import re

SHOWN_CHARACTERS = 300
_QUOTED_CHARACTERS = 80
_RUN_OF_MARKS = re.compile("\0+")


def shorten(text: str, characters: int = SHOWN_CHARACTERS) -> str:
    """Returns one printable line of at most this many characters."""
    # Unprintable characters can control terminals or change the direction of the surrounding text.
    marked = "".join(character if character.isprintable() else "\0" for character in text[: characters * 4])
    line = _RUN_OF_MARKS.sub(" ", marked).strip()
    return line if len(line) <= characters else f"{line[:characters]}…"


def quoted(text: str) -> str:
    """Returns a value in quotes, with unprintable characters as escapes."""
    return repr(text) if len(text) <= _QUOTED_CHARACTERS else f"{text[:_QUOTED_CHARACTERS]!r}…"


def printable(text: str) -> str:
    """Returns the text with unprintable characters as escapes. File names can contain anything."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else character.encode("unicode_escape").decode("ascii") for character in text)


def counted(number: float, one: str, many: str = "") -> str:
    """Returns a number with its noun in the singular or plural: `1 row`, `2 rows`. `many` is for irregular plurals and longer phrases."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def system_name(path: str) -> bytes:
    """Returns the name of a file as the system knows it: in UTF-8, whatever the locale of the process."""
    return path.encode("utf-8", "surrogateescape")
