# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Bytes of a log as lines of text, before anybody asks what the lines mean."""

from __future__ import annotations

import codecs

from .._errors import InputError
from .._texts import quoted

_CONTROLS = "\0\r\x0b\x0c\x1a"
_RESIDUES = ("#000", "#012", "#013", "#015")
_MOST_RESIDUES = 8
_OTHER_ENCODINGS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})
"""They are for names of hosts and for source code, and what they make of a text depends on where it is cut."""
_ASCII = bytes(range(128))


def through_filled_line(lines: list[str], number: int) -> list[str]:
    """The lines through this one of those that are not blank."""
    filled = 0
    for place, line in enumerate(lines, start=1):
        filled += bool(line.strip())
        if filled == number:
            return lines[:place]
    return lines


def clean(line: str) -> str:
    """The line without what writers and collectors leave at its end: carriage returns, NUL, and these written out as `#015`."""
    line = line.rstrip(_CONTROLS)
    for _attempt in range(_MOST_RESIDUES):
        if not line.endswith(_RESIDUES):
            break
        line = line[:-4].rstrip(_CONTROLS)
    return line


def has_overlong_line(block: bytes, most: int) -> bool:
    """A line is longer than `most` bytes: if so, it crosses one of the places that are so far apart."""
    for place in range(0, len(block), most):
        end = block.find(b"\n", place)
        if (len(block) if end < 0 else end) - (block.rfind(b"\n", 0, place) + 1) > most:
            return True
    return False


def checked_encoding(encoding: str) -> str:
    """The encoding; raises InputError where it is none that files are written in."""
    try:
        "".encode(encoding)
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        raise _unknown(encoding) from error
    if name.replace("_", "-") in _OTHER_ENCODINGS:
        raise _unknown(encoding)
    return encoding


def keeps_ascii(encoding: str) -> bool:
    """True if ASCII characters are single bytes, so that bytes can be split into lines before they are decoded."""
    try:
        return _ASCII.decode(encoding) == _ASCII.decode("ascii")
    except ValueError:
        return False


def _unknown(encoding: str) -> InputError:
    return InputError(f"encoding: {quoted(encoding)} is not a text encoding that Python knows; try utf-8, latin-1, cp1252 or utf-16.")
