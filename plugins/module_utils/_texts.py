# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Texts from logs and servers, made fit for a message: short, on one line, and unable to steer a terminal."""

from __future__ import annotations

import re

SHOWN_CHARACTERS = 300
_QUOTED_CHARACTERS = 80
_RUN_OF_MARKS = re.compile("\0+")


def shorten(text: str, characters: int = SHOWN_CHARACTERS) -> str:
    """One printable line of at most so many characters."""
    # What is not printable steers terminals, or turns the direction in which the text around it is shown.
    marked = "".join(character if character.isprintable() else "\0" for character in text[: characters * 4])
    line = _RUN_OF_MARKS.sub(" ", marked).strip()
    return line if len(line) <= characters else f"{line[:characters]}…"


def quoted(text: str) -> str:
    """A value in quotes, with everything that is not printable written as an escape."""
    return repr(text) if len(text) <= _QUOTED_CHARACTERS else f"{text[:_QUOTED_CHARACTERS]!r}…"


def printable(text: str) -> str:
    """The text with everything that is not printable written as an escape. Names of files can contain anything."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else character.encode("unicode_escape").decode("ascii") for character in text)


def counted(number: float, one: str, many: str = "") -> str:
    """A number with its noun, and what follows it if that differs too: `1 row`, `2 rows`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def system_name(path: str) -> bytes:
    """The name of a file as the system knows it: UTF-8, whatever the locale of the process is."""
    return path.encode("utf-8", "surrogateescape")
