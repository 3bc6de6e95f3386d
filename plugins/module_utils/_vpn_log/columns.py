# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Finds the header of a CSV log, and in the header the columns that options name.

A line such as `sep=;`, comments and blank lines may precede it.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Union

from .._addresses import parse_address
from .._errors import InputError
from .._texts import counted, quoted, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .options import LogColumns

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_STATED_DELIMITER = re.compile(r'"?sep=(.)"?\1*\Z', re.IGNORECASE)
_COMMENT = "#"
_USERNAME_COLUMNS = ("username", "user name", "user", "common name")
_SHOWN_NAMES_CHARACTERS = 500

ColumnChoice = Union[str, "tuple[str, ...]"]
"""One column, several columns joined by a space, or a pattern such as `{Month}/{Day}/{Year} {Time}`."""


def check_delimiter(delimiter: str) -> None:
    """Raises InputError if this cannot be a separator of columns."""
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise InputError(
            f"delimiter: {quoted(delimiter)} is not a valid separator; give one character, such as ',' or ';', or '\\t' for a tab."
        )


def width_reason(columns: int, width: int) -> str:
    """Returns the reason for rejecting a row whose number of columns differs from the header."""
    if columns < width:
        return f"short row: {columns} of {width} columns; it may be cut off"
    return f"long row: {counted(columns, 'column')}, the header has {width}; a value with a separator in it needs quotes"


@dataclass(frozen=True)
class ColumnText:
    """A text from the columns at these positions, joined by spaces or filled into a template; empty without columns."""

    places: tuple[int, ...]
    template: str | None = None

    def __call__(self, values: Sequence[str]) -> str:
        """The text of one row."""
        texts = [values[place] for place in self.places]
        return self.template.format(*texts) if self.template is not None else " ".join(texts)

    def column(self, columns: Sequence[Sequence[str]], rows: int) -> Sequence[str]:
        """The texts of many rows, given by column."""
        chosen = [columns[place] for place in self.places]
        if self.template is not None:
            return list(map(self.template.format, *chosen))
        if len(chosen) == 1:
            return chosen[0]
        return list(map(" ".join, zip(*chosen))) if chosen else [""] * rows


class CsvHeader:
    """The columns of a log, and the texts to read from a row."""

    def __init__(self, names: Sequence[str], path: str, columns: LogColumns) -> None:
        """Raises InputError if a column is missing, or if two columns have its name."""
        self._names = [name.strip() for name in names]
        self._path = path
        self.width = len(self._names)
        self.ipaddr = self._text_of("ipaddr", (columns.ipaddr,))
        self.associated_ipaddr = self._text_of("associated_ipaddr", (columns.associated_ipaddr,))
        self.timestamp = self._text_of("timestamp", columns.timestamp)
        self.end = None if columns.end is None else self._text_of("end", columns.end)
        self.duration = None if columns.duration is None else self._text_of("duration", (columns.duration,))
        self.username = self._username_of(columns.username)

    def is_repeated_in(self, values: Sequence[str]) -> bool:
        """True if this row names the columns again, as where exports were joined."""
        return [value.strip("\ufeff").strip() for value in values] == self._names

    def _index(self, option: str, name: str) -> int:
        """Returns the position of the column: by its exact name, otherwise ignoring case. Raises InputError."""
        places = self._places(name)
        if len(places) == 1:
            return places[0]
        if places:
            shown = " and ".join(str(place + 1) for place in places)
            raise InputError(
                f"columns.{option}: the header of {self._path} names the column {quoted(name)} more than once (columns {shown}). "
                "Rename one of them in the log, or choose another column."
            )
        if any(map(_is_address, self._names)):
            raise InputError(
                f"path: {self._path} has no line with the names of the columns: its first line is a row already. If rotation cut the log, "
                "let it keep this line in every part, or copy it from another part to the top of this one."
            )
        listed = ", ".join(quoted(name) for name in self._names)
        raise InputError(
            f"columns.{option}: {self._path} has no column {quoted(name)}. "
            f"Its first line names: {shorten(listed, _SHOWN_NAMES_CHARACTERS)}. "
            "Set `columns` to what the log calls them (and `delimiter`, if this is one name instead of several). "
            "If this line is a title and the names come later, remove it from the log."
        )

    def _text_of(self, option: str, choice: ColumnChoice) -> ColumnText:
        """Returns the text of one column, of several, or of a pattern; raises InputError."""
        if isinstance(choice, tuple):
            return ColumnText(tuple(self._index(option, name) for name in choice))
        if self._places(choice) or not _PLACEHOLDER.search(choice):
            return ColumnText((self._index(option, choice),))
        # Text and names in turn; braces in the text are literal.
        parts = _PLACEHOLDER.split(choice)
        template = "{}".join(text.replace("{", "{{").replace("}", "}}") for text in parts[::2])
        return ColumnText(tuple(self._index(option, name) for name in parts[1::2]), template)

    def _username_of(self, name: str | None) -> ColumnText:
        """Returns the text of the user name: of the column in the options, otherwise of one with a usual name; empty without either."""
        if name is not None:
            return ColumnText((self._index("username", name),))
        for usual in _USERNAME_COLUMNS:
            places = self._places(usual)
            if len(places) == 1:
                return ColumnText((places[0],))
        return ColumnText(())

    def _places(self, name: str) -> list[int]:
        exact = [place for place, own in enumerate(self._names) if own == name.strip()]
        if exact:
            return exact
        return [place for place, own in enumerate(self._names) if own.casefold() == name.strip().casefold()]


def _is_address(text: str) -> bool:
    try:
        return parse_address(text) is not None
    except ValueError:
        return False


def stated_delimiter(head: Sequence[str]) -> str | None:
    """Returns the separator in the first filled line, as in `sep=;`; None if there is none."""
    first = next((line for line in head if line.strip()), "")
    match = _STATED_DELIMITER.match(first.strip(" \ufeff"))
    return match[1] if match and match[1] not in '"\r\n\0' else None


def is_above_header(line: str) -> bool:
    """True if the line is a comment or states the separator."""
    return line.startswith(_COMMENT) or stated_delimiter([line]) is not None


def header_in(
    numbers: Sequence[int],
    lines: list[str] | None,
    rows: list[list[str]],
    delimiter: str,
    header_of: Callable[[int, list[str]], CsvHeader],
) -> tuple[CsvHeader, int | None, int] | None:
    """Returns the header, the number of filled lines up to it, and the position of the first row; None if it is not in this block. The
    number of lines is None if the header has several lines. Raises InputError if the line cannot be a header.
    """
    filled = 0
    for place in range(len(numbers)):
        values = rows[place] if lines is None else next(csv.reader([lines[place]], delimiter=delimiter), [])
        text = delimiter.join(values)
        if not text.strip():
            continue
        filled += 1
        if filled == 1 and _STATED_DELIMITER.match(text.strip(" \ufeff")):
            continue
        try:
            header = header_of(numbers[place], values)
        except InputError:
            if text.lstrip().startswith(_COMMENT):
                continue
            raise
        is_one_line = not any("\n" in value for value in values)
        return header, filled if is_one_line else None, place + 1
    return None
