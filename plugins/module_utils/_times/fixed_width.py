# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads columns of times that all have the same width, character by character: each step handles one character of all rows."""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTES_AND_SECONDS = len(":15:57")
_MOST_PADDING = 8
"""Times without leading zeros differ by a few characters."""
_WEIGHTS_MS = ((1, b"012345", 600_000), (2, b"0123456789", 60_000), (4, b"012345", 10_000), (5, b"0123456789", 1_000))
"""The place of each digit in `:15:57`, what it may be, and how much it counts."""
_VALUES = bytes.maketrans(b"0123456789", bytes(range(10)))
_NUMBER_TYPES: dict[int, Literal["B", "H", "I", "Q"]] = {1: "B", 2: "H", 4: "I", 8: "Q"}


def characters(texts: Sequence[str]) -> list[bytes]:
    """The first character of every text, then the second of every text, and so on. Shorter texts get spaces in front. Empty if the texts
    are not ASCII, or differ too much in length.
    """
    lengths = set(map(len, texts))
    width = max(lengths, default=0)
    if width - min(lengths, default=0) > _MOST_PADDING:
        return []
    joined = "".join(texts if len(lengths) == 1 else [text.rjust(width) for text in texts])
    return [joined.encode()[place::width] for place in range(width)] if joined.isascii() else []


def milliseconds_of_hours(columns: Sequence[bytes], place: int) -> Sequence[int] | None:
    """The milliseconds since the hour, from `:15:57` at this place of each row; None if a row has something else there."""
    rows = len(columns[0])
    if not columns[place] == columns[place + 3] == b":" * rows:
        return None
    total = 0
    for digit, valid, weight in _WEIGHTS_MS:
        column = columns[place + digit]
        if column.translate(None, valid):
            return None
        # All rows are added at once, as one large number with four bytes for each row.
        spread = bytearray(4 * rows)
        spread[::4] = column.translate(_VALUES)
        total += weight * int.from_bytes(spread, "little")
    sums = array("I", total.to_bytes(4 * rows, "little"))
    if sys.byteorder == "big":
        sums.byteswap()
    return sums


def numbers_of_hours(columns: Sequence[bytes], place: int) -> Sequence[int] | None:
    """A number for each row, the same for rows that differ only in the minutes and seconds at this place. None if too many characters
    vary.
    """
    rows = len(columns[0])
    varying = [column for column in [*columns[:place], *columns[place + MINUTES_AND_SECONDS :]] if column.count(column[:1]) != rows]
    width = next((width for width in _NUMBER_TYPES if width >= len(varying)), 0)
    if not width:
        return None
    numbers = bytearray(width * rows)
    for number, column in enumerate(varying):
        numbers[number::width] = column
    return memoryview(numbers).cast(_NUMBER_TYPES[width]).tolist()
