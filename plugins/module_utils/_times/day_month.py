# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Finds logs in whose dates day and month are in a different order than the format says.

A wrong order goes unnoticed up to the 12th of a month. Uploads cannot be withdrawn, so no row may be used until the order is certain.
"""

from __future__ import annotations

from itertools import compress, repeat
from operator import floordiv, ne
from typing import TYPE_CHECKING, cast

from .._errors import InputError
from .parsing import TimestampParser

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DAY_MS = 86_400_000
"""Logs are not in perfect order; for example, sessions may be written when they end."""


class DayMonthCheck:
    """Follows the times of one log, read both as the format says and with day and month exchanged."""

    def __init__(self, parser: TimestampParser) -> None:
        exchanged = _exchanged(parser.format)
        self._parser = None if exchanged is None else TimestampParser(exchanged, parser.zone)
        self._format = parser.format
        self._exchanged_format = exchanged
        self._given = _Order()
        self._exchanged = _Order()
        self._unfit = 0
        self._first_unfit = ""
        self.is_settled = exchanged is None
        """True if a time fits only the given order, or if the format has no day and month to exchange."""

    def look_at(self, texts: Sequence[str], times: Sequence[int | None]) -> None:
        """Adds the next texts and their times; None for a text that does not fit the format."""
        if self.is_settled or self._parser is None:
            return
        chosen = list(_one_of_each_day(texts, times))
        column = self._parser.column([text for text, _time in chosen])
        for (text, time), known in zip(chosen, column):
            exchanged = self._read_exchanged(text) if known is None else known
            if time is not None and exchanged is None:
                self.is_settled = True
                return
            if exchanged is None:
                continue
            self._exchanged.add(exchanged)
            if time is None:
                self._unfit += 1
                self._first_unfit = self._first_unfit or text
            else:
                self._given.add(time)

    def check(self, path: str) -> None:
        """Raises InputError if the times fit, or are in order, only with day and month exchanged."""
        if self.is_settled or not self._given.count or not self._exchanged.is_in_order:
            return
        if self._unfit:
            problem = f"does not fit all times (not {self._first_unfit.strip()!r}, for example)"
        elif not self._given.is_in_order:
            problem = "fits, but gives times that jump back and forth"
        else:
            return
        raise InputError(
            f"timestamp_format: {self._format!r} {problem} in {path}, while with day and month exchanged all times fit and are in order. "
            f"Nothing was sent. Set timestamp_format to {self._exchanged_format!r}, or correct the times if the format is right."
        )

    def _read_exchanged(self, text: str) -> int | None:
        """The time with day and month exchanged; None if the text does not fit then."""
        if self._parser is None:
            return None
        try:
            return self._parser.milliseconds(text)
        except ValueError:
            return None


def _one_of_each_day(texts: Sequence[str], times: Sequence[int | None]) -> Iterable[tuple[str, int | None]]:
    """Returns the first of consecutive rows with the same date, and all rows that do not fit the format."""
    if None in times:
        dates = [None if time is None else time // _DAY_MS for time in times]
        looked_at = [date is None or date != previous for date, previous in zip(dates, [None, *dates])]
        return zip(compress(texts, looked_at), compress(times, looked_at))
    known = cast("Sequence[int]", times)
    if known and min(known) // _DAY_MS == max(known) // _DAY_MS:
        return [(texts[0], known[0])]
    days = list(map(floordiv, known, repeat(_DAY_MS)))
    changes = [True, *map(ne, days[1:], days)]
    return zip(compress(texts, changes), compress(known, changes))


class _Order:
    """Times in the order of the log: rising, falling or neither, with a day of tolerance."""

    def __init__(self) -> None:
        self.count = 0
        self._highest = self._lowest = 0
        self._rises = self._falls = True

    def add(self, time: int) -> None:
        """The next time."""
        self.count += 1
        if self.count == 1:
            self._highest = self._lowest = time
        self._rises = self._rises and time >= self._highest - _DAY_MS
        self._falls = self._falls and time <= self._lowest + _DAY_MS
        self._highest = max(self._highest, time)
        self._lowest = min(self._lowest, time)

    @property
    def is_in_order(self) -> bool:
        """The times rise or fall."""
        return self._rises or self._falls


def _exchanged(timestamp_format: str) -> str | None:
    """Returns the format with day and month exchanged; None if it does not contain both as numbers."""
    if "%d" not in timestamp_format or "%m" not in timestamp_format:
        return None
    return timestamp_format.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
