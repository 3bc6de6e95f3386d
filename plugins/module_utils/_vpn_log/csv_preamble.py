# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What precedes the header of a CSV log: the separator as Excel states it, type and comment lines, blank lines."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Callable

from .._errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .columns import CsvHeader

_STATED_DELIMITER = re.compile(r'"?sep=(.)"?\1*\Z', re.IGNORECASE)
_COMMENT = "#"


def stated_delimiter(head: Sequence[str]) -> str | None:
    """The separator that the first filled line states, as in `sep=;`; None if it states none."""
    first = next((line for line in head if line.strip()), "")
    match = _STATED_DELIMITER.match(first.strip(" \ufeff"))
    return match[1] if match and match[1] not in '"\r\n\0' else None


def header_in(
    numbers: Sequence[int],
    lines: list[str] | None,
    rows: list[list[str]],
    delimiter: str,
    header_of: Callable[[int, list[str]], CsvHeader],
) -> tuple[CsvHeader, int | None, int] | None:
    """The header, how many filled lines there are through it, and where the rows below it begin; None if it is not in this block.

    The number of lines is None if the header has several. Raises InputError if a line that should be the header is none.
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
