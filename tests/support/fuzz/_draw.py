# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the bytes that a fuzzer chooses into choices, so that one target serves every fuzzer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_ItemT = TypeVar("_ItemT")
_MOST_REPEATED = 40
TELLING = (
    *("", " ", "\t", "\r", "\n", "\r\n", "\0", '"', '""', "'", "\\", ",", ";", ":", "::", "[", "]", "{", "}", "<", ">", "%", "=", "/"),
    *("../", "?", "#", "%2f", "%00", "{{ 7*7 }}", "{% raw %}", "*", ") OR (", " AND NOT ", "\x1b[2J", "\x7f", "\u202e", "\u2028"),
    *("\ufeff", "\ud800", "\U0001f512", "é", "0", "-1", "1e999", "nan", "٣", "0.0.0.0", "10.8.0.2", "203.0.113.5", "2001:db8::1"),
    *("::ffff:10.8.0.3", "fe80::1%eth0", "ff02::1", "224.0.0.1", "255.255.255.255", "010.8.0.2", "10.8.0.2:1194", "[2001:db8::1]:443"),
    *("1717143300", "1717143300000", "99999999999999999999", "2024-05-31T08:15:00Z", "2024-02-30 00:00:00", "05/31/24 08:15:00"),
    *("Jan  1 00:00:00", "Feb 29 23:59:60", "EDT", "+99:99", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"),
)
"""Texts that have a meaning somewhere on the way from a log or a server to a request, a message or a page."""


class Draw:
    """Derives choices from bytes; when these are used up, every choice is the first one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    @property
    def has_more(self) -> bool:
        """True if there are bytes left."""
        return self._place < len(self._data)

    def number(self, most: int) -> int:
        """A number from 0 to `most`."""
        width = max(1, (most.bit_length() + 7) // 8)
        return int.from_bytes(self._taken(width), "big") % (most + 1)

    def flag(self, one_in: int = 2) -> bool:
        """True once in this number of times."""
        return self.number(255) % one_in == one_in - 1

    def pick(self, choices: Sequence[_ItemT]) -> _ItemT:
        """One of the choices."""
        return choices[self.number(len(choices) - 1)]

    def raw(self, most: int) -> bytes:
        """At most this many bytes."""
        return self._taken(self.number(most))

    def text(self, most: int = 12) -> str:
        """A text: any bytes read as UTF-8 or Latin-1, or something telling, or some of these together."""
        kind = self.number(3)
        if kind == 0:
            return self.pick(TELLING)
        if kind == 1:
            return self.raw(most).decode("utf-8", "surrogateescape")
        if kind == 2:
            return self.raw(most).decode("latin-1")
        return "".join(self.text(most // 2) for _time in range(self.number(3))) if most > 1 else ""

    def mutated(self, text: str) -> str:
        """The text with some pieces of it replaced, taken out or repeated."""
        for _time in range(self.number(3)):
            place = self.number(max(0, len(text) - 1))
            end = place + self.number(6)
            piece = self.text() if self.flag() else text[place:end] * self.number(_MOST_REPEATED)
            text = text[:place] + piece + text[end:]
        return text

    def json(self, depth: int = 3) -> Any:
        """Any value that JSON has, and those that Python's parser takes beyond: NaN, Infinity, lone surrogates, huge numbers."""
        kind = self.number(9)
        if kind < 3:
            return self.text()
        if kind == 3:
            return self.pick((None, True, False))
        if kind == 4:
            return self.pick((0, 1, -1, 0.0, -0.0, 1.5, 2**53, 2**63, -(2**64), 10**400, 1e308, float("inf"), float("nan"), 1717143300000))
        if kind == 5:
            return self.number(2**32 - 1)
        if not depth:
            return None
        if kind in (6, 7):
            return [self.json(depth - 1) for _item in range(self.number(3))]
        return {self.text(): self.json(depth - 1) for _item in range(self.number(3))}

    def _taken(self, length: int) -> bytes:
        taken = self._data[self._place : self._place + length]
        self._place += length
        return taken
