# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Finds the columns that options name in the header that a log has."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, Union

from .._errors import InputError
from .._texts import quoted, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .options import LogColumns

    TextOf = Callable[[Sequence[str]], str]

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_USERNAME_COLUMNS = ("username", "user name", "user", "common name")
_SHOWN_NAMES_CHARACTERS = 500

ColumnChoice = Union[str, "tuple[str, ...]"]
"""One column, several whose texts are joined by a space, or a pattern such as C({Month}/{Day}/{Year} {Time})."""


class CsvHeader:
    """The columns of a log, and how to get what is needed from a row."""

    def __init__(self, names: Sequence[str], path: str, columns: LogColumns) -> None:
        """Raises InputError where a column is missing, or there are two of its name."""
        self._names = [name.strip() for name in names]
        self._path = path
        self.width = len(self._names)
        self.columns_needed = 0
        self.ipaddr: TextOf = itemgetter(self._index("ipaddr", columns.ipaddr))
        self.associated_ipaddr: TextOf = itemgetter(self._index("associated_ipaddr", columns.associated_ipaddr))
        self.timestamp = self._text_of("timestamp", columns.timestamp)
        self.username = self._username_of(columns.username)

    def _index(self, option: str, name: str) -> int:
        """Where the column stands: by its exact name, else without regard to case. Raises InputError."""
        places = self._places(name)
        if len(places) == 1:
            self.columns_needed = max(self.columns_needed, places[0] + 1)
            return places[0]
        if places:
            shown = " and ".join(str(place + 1) for place in places)
            raise InputError(
                f"columns.{option}: the header of {self._path} names the column {quoted(name)} more than once (columns {shown}). "
                "Rename one of them in the log, or choose another column."
            )
        listed = ", ".join(quoted(name) for name in self._names)
        raise InputError(
            f"columns.{option}: {self._path} has no column {quoted(name)}. "
            f"Its first line names: {shorten(listed, _SHOWN_NAMES_CHARACTERS)}. "
            "Set `columns` to what the log calls them (and `delimiter`, if this is one name instead of several)."
        )

    def _text_of(self, option: str, choice: ColumnChoice) -> TextOf:
        """How to get the text of a column, of several, or of a pattern from a row; raises InputError."""
        if isinstance(choice, tuple):
            return _joined([self._index(option, name) for name in choice])
        if self._places(choice) or not _PLACEHOLDER.search(choice):
            return itemgetter(self._index(option, choice))
        # Text and names in turn; a brace in the text is one, not a part of the template.
        parts = _PLACEHOLDER.split(choice)
        template = "{}".join(text.replace("{", "{{").replace("}", "}}") for text in parts[::2])
        indexes = [self._index(option, name) for name in parts[1::2]]
        return lambda values: template.format(*[values[index] for index in indexes])

    def _username_of(self, name: str | None) -> TextOf:
        """How to get the user's name; where no column is named, one of the usual names, else nothing."""
        if name is not None:
            return itemgetter(self._index("username", name))
        for usual in _USERNAME_COLUMNS:
            places = self._places(usual)
            if len(places) == 1:
                place = places[0]
                return lambda values: values[place] if place < len(values) else ""
        return _nothing

    def _places(self, name: str) -> list[int]:
        exact = [place for place, own in enumerate(self._names) if own == name.strip()]
        if exact:
            return exact
        return [place for place, own in enumerate(self._names) if own.casefold() == name.strip().casefold()]


def _nothing(_values: Sequence[str]) -> str:
    return ""


def _joined(indexes: list[int]) -> TextOf:
    return lambda values: " ".join([values[index] for index in indexes])
