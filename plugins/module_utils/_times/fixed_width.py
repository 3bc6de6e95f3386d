# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads columns of times that all have the same width, character by character: each step handles one character of all rows."""

from __future__ import annotations

import re
import sys
from array import array
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

MOST_PADDING = 8
"""Times without leading zeros differ by a few characters."""
_SINCE_HOUR = re.compile(r":(\d\d)(?:(:\d\d)(?:[.,](\d{1,9}))?)?", re.ASCII)
_DIGITS = ((1, b"012345", 600_000), (2, b"0123456789", 60_000), (4, b"012345", 10_000), (5, b"0123456789", 1_000))
"""The place of each digit in `:15:57`, its valid characters, and its value in milliseconds."""
_DIGIT = re.compile(r"\d", re.ASCII)
_FRACTION_MS = (100, 10, 1)
_VALUES = bytes.maketrans(b"0123456789", bytes(range(10)))
_NUMBER_TYPES: dict[int, Literal["B", "H", "I", "Q"]] = {1: "B", 2: "H", 4: "I", 8: "Q"}


class SinceHour(NamedTuple):
    """Minutes, seconds and fraction in a time, such as `:15:57.250`, between two places."""

    start: int
    end: int
    text: str
    has_seconds: bool
    fraction: int
    """Number of digits after the point."""

    @classmethod
    def found_in(cls, text: str, start: int) -> SinceHour | None:
        """Those at this place; None if the text has something else there."""
        match = _SINCE_HOUR.match(text, start)
        return cls(start, match.end(), match[0], match[2] is not None, len(match[3] or "")) if match else None

    @property
    def first(self) -> str:
        """The same text for the beginning of the hour."""
        return _DIGIT.sub("0", self.text)

    @property
    def last(self) -> str:
        """The same text for the last minute or second of the hour."""
        return ":59:59" + self.first[6:] if self.has_seconds else ":59"

    @property
    def span_ms(self) -> int:
        """The milliseconds from `first` to `last`."""
        return 3_599_000 if self.has_seconds else 3_540_000

    def milliseconds(self) -> int | None:
        """The milliseconds since the hour; None if there are no so many minutes or seconds."""
        minutes, seconds = int(self.text[1:3]), int(self.text[4:6]) if self.has_seconds else 0
        fraction = self.text[7:10].ljust(3, "0") if self.fraction else "0"
        return (minutes * 60 + seconds) * 1000 + int(fraction) if minutes < 60 and seconds < 60 else None

    def digits(self) -> Iterator[tuple[int, bytes, int]]:
        """The place of each digit, its valid characters, and its value in milliseconds."""
        for place, valid, value in _DIGITS[: 4 if self.has_seconds else 2]:
            yield self.start + place, valid, value
        for number in range(self.fraction):
            yield self.end - self.fraction + number, b"0123456789", _FRACTION_MS[number] if number < len(_FRACTION_MS) else 0


def characters(texts: Sequence[str]) -> list[bytes]:
    """The first character of every text, then the second of every text, and so on. Shorter texts get spaces in front. Empty if the texts
    are not ASCII, or differ too much in length.
    """
    lengths = set(map(len, texts))
    width = max(lengths, default=0)
    if width - min(lengths, default=0) > MOST_PADDING:
        return []
    joined = "".join(texts if len(lengths) == 1 else [text.rjust(width) for text in texts])
    content = joined.encode() if joined.isascii() else b""
    return [content[place::width] for place in range(width)] if content else []


def milliseconds_since_hours(columns: Sequence[bytes], since: SinceHour) -> Sequence[int] | None:
    """The milliseconds since the hour in each row; None if a row does not have the same form."""
    rows = len(columns[0])
    total = 0
    marks = set(range(since.start, since.end))
    for place, valid, value in since.digits():
        marks.discard(place)
        if columns[place].translate(None, valid):
            return None
        # All rows are added at once, as one large number with four bytes for each row.
        spread = bytearray(4 * rows)
        spread[::4] = columns[place].translate(_VALUES)
        total += value * int.from_bytes(spread, "little")
    if any(columns[place] != since.text[place - since.start].encode() * rows for place in marks):
        return None
    sums = array("I", total.to_bytes(4 * rows, "little"))
    if sys.byteorder == "big":
        sums.byteswap()
    return sums


def keys_of_hours(columns: Sequence[bytes], since: SinceHour) -> Sequence[Hashable]:
    """A key for each row, the same for rows that differ only in what is since the hour."""
    rows = len(columns[0])
    varying = [column for column in [*columns[: since.start], *columns[since.end :]] if column.count(column[:1]) != rows]
    width = next((width for width in _NUMBER_TYPES if width >= len(varying)), 0)
    if not width:
        return list(zip(*varying))
    numbers = bytearray(width * rows)
    for number, column in enumerate(varying):
        numbers[number::width] = column
    return memoryview(numbers).cast(_NUMBER_TYPES[width]).tolist()
