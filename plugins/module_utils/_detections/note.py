# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The text of a note, which ExtraHop replaces as a whole, so that a text is appended to what is there."""

from __future__ import annotations

from dataclasses import dataclass

from .._argspec import plain_text, whole_characters
from .._resources.texts import has_letters, normal, resembles, same_letters

APPEND = "append"
REPLACE = "replace"


@dataclass(frozen=True)
class Note:
    """A text that a note must contain as whole consecutive lines, or, with `is_whole`, that it must consist of (empty: no note)."""

    text: str
    is_whole: bool

    def is_in(self, note: str) -> bool:
        """True if a note matches. White space around the text and around its lines does not count."""
        wanted, lines = lines_of(self.text), lines_of(note)
        if self.is_whole:
            return wanted == lines
        return any(lines[start : start + len(wanted)] == wanted for start in range(len(lines) - len(wanted) + 1))

    def rewritten_in(self, before: str, after: str) -> list[str]:
        """Returns the lines that the server seems to have made of the text: they are new and resemble it. Empty if there are none."""
        old = [] if self.is_whole else lines_of(before)
        lines = lines_of(after)
        is_behind = len(lines) > len(old) and all(one == other or resembles(one, other) for one, other in zip(old, lines))
        new = lines[len(old) :] if is_behind else []
        candidates = [new] if self.is_whole else [new[: len(lines_of(self.text))], new]
        return next((one for one in candidates if one and resembles(self.text, "\n".join(one))), [])

    def merged(self, note: str) -> str:
        """Returns the note to send. It begins with the current note, except with `replace`."""
        return self.text if self.is_whole or not note.strip() else f"{note}\n{self.text}"

    def is_joined_in(self, before: str, after: str) -> bool:
        """True if the server joined the lines of the note that was sent: they are all there, in one line with the earlier ones."""
        return not self.is_whole and same_letters(self.merged(before), after) and not same_letters(before, after)

    def is_part_of(self, note: str) -> bool:
        """True if a note contains the text anywhere, as on servers that join lines."""
        return has_letters(self.text, note)


def note_of(option: str, text: str, mode: str) -> Note:
    """Checks the text of an option; raises InputError."""
    if mode == REPLACE:
        return Note(whole_characters(text) if text.strip() else "", is_whole=True)
    return Note(plain_text(option, text).strip(), is_whole=False)


def lines_of(text: str) -> list[str]:
    """Returns the lines of a text without common changes of servers, such as white space around them."""
    return [normal(line) for line in text.strip().splitlines()]
