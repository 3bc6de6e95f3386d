# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Parses times of logs by their format, to epoch milliseconds. The format is applied once per hour of log instead of once per row."""

from __future__ import annotations

import locale
import re
from datetime import datetime, timezone
from functools import cache
from operator import add
from typing import TYPE_CHECKING, cast

from .._errors import InputError
from .._texts import quoted
from .fixed_width import MINUTES_AND_SECONDS, characters, milliseconds_of_hours, numbers_of_hours
from .timestamps import (
    EPOCH,
    EPOCH_MS,
    ISO8601,
    checked_range,
    epoch_column,
    epoch_ms_to_milliseconds,
    epoch_to_milliseconds,
    iso8601_to_milliseconds,
    moment_to_milliseconds,
    zone_offset,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .zones import Zone

    _Place = Callable[[str], int]

_REMEMBERED = 20_000
_LONGEST_TIME = 200
"""Maximum length in characters: in a text of a hundred thousand words, the search for the zone would take too long."""
_HOUR_MS = 3_600_000
_EPOCH_FACTORS = {EPOCH: 1000, EPOCH_MS: 1}
_MARK = "\0"
"""The placeholder in an hour for its minutes and seconds."""
_YEARS = ("%Y", "%y", "%G", "%c", "%x")
_NO_MATCH = "does not match format"
_HOURS = frozenset(f"{hour:02}" for hour in range(24))
_ONE_DIGIT = re.compile(r":\d(?!\d)", re.ASCII)
_ZONE = re.compile(r"[A-Za-z]+|(?<!\S)[+-]\d\d(?::?\d\d)?(?!\S)", re.ASCII)
"""The names of some zones are offsets: `-03` in Brazil, `+0545` in Nepal."""


class TimestampParser:
    """Reads times of one format; `zone` is for those that carry none.

    `milliseconds` raises ValueError with a reason that names the value and what was expected of it.
    """

    def __init__(self, timestamp_format: str, zone: Zone) -> None:
        self.format = timestamp_format
        self.zone = zone
        self._starts: dict[str, int] = {}
        self._days: dict[str, tuple[datetime, int | None]] = {}
        self._parse, self._place = self._chosen()

    def milliseconds(self, text: str) -> int:
        """The time in epoch milliseconds."""
        return self._parse(text)

    def column(self, texts: list[str]) -> list[int | None]:
        """Reads a whole column at once, with None for each text that must be read separately by `milliseconds`."""
        factor = _EPOCH_FACTORS.get(self.format)
        if factor and (times := epoch_column(texts, factor)):
            return times
        if self._place is None:
            return list(map(self._milliseconds_or_none, texts))
        return self._together(texts, self._place) or [self._by_hour(text, self._place) for text in texts]

    def _together(self, texts: list[str], place_in: _Place) -> list[int | None]:
        """Reads a column of times with the same width; empty if it is none."""
        columns = characters(texts)
        if not MINUTES_AND_SECONDS <= len(columns) <= _LONGEST_TIME:
            return []
        # Texts that have been filled up are as long as the longest.
        longest = max(texts, key=len)
        place = place_in(longest)
        if not 0 <= place <= len(columns) - MINUTES_AND_SECONDS:
            return []
        offsets, hours = milliseconds_of_hours(columns, place), numbers_of_hours(columns, place)
        if offsets is None or hours is None:
            return []
        width = len(columns)
        starts = {hour: self._start(_hour(text, place - width + len(text))) for hour, text in dict(zip(hours, texts)).items()}
        if None in starts.values():
            known = map(starts.__getitem__, hours)
            return [None if start is None else start + offset for start, offset in zip(known, offsets)]
        return list(map(add, map(cast("dict[int, int]", starts).__getitem__, hours), offsets))

    def _by_hour(self, text: str, place_in: _Place) -> int | None:
        place = place_in(text)
        offset = _milliseconds_of_hour().get(text[place : place + MINUTES_AND_SECONDS])
        start = self._start(_hour(text, place)) if offset is not None else None
        return None if start is None or offset is None else start + offset

    def _milliseconds_or_none(self, text: str) -> int | None:
        try:
            return self._parse(text)
        except ValueError:
            return None

    def _start(self, hour: str) -> int | None:
        """The start of an hour in epoch milliseconds; None if its times must be read separately, for example because the zone changes its
        offset within that hour.
        """
        start = self._starts.get(hour)
        # A text that contains the mark itself is not a time, and a text that is too long is not worth remembering.
        if start is not None or hour.count(_MARK) != 1 or len(hour) > _LONGEST_TIME:
            return start
        try:
            first, last = self._first_and_last(hour)
        except ValueError:
            return None
        if last - first != _HOUR_MS - 1000:
            return None
        if len(self._starts) >= _REMEMBERED:
            self._starts.clear()
        self._starts[hour] = first
        return first

    def _first_and_last(self, hour: str) -> tuple[int, int]:
        """The first and the last second of an hour; raises ValueError."""
        before, _mark, after = hour.partition(_MARK)
        day, hours = before[:-2], before[-2:]
        if self._place is _place_at_end and "%H" in self.format and hours in _HOURS and "%z" not in self.format.lower():
            midnight, start = self._day(day)
            if start is not None:
                return start + int(hours) * _HOUR_MS, start + (int(hours) + 1) * _HOUR_MS - 1000
            first = midnight.replace(hour=int(hours))
            last = first.replace(minute=59, second=59)
            return self._checked(first, hour), self._checked(last, hour)
        return self._parse(f"{before}:00:00{after}"), self._parse(f"{before}:59:59{after}")

    def _day(self, day: str) -> tuple[datetime, int | None]:
        """Midnight, also in epoch milliseconds if the day has 24 hours: since 1980, no zone has changed its offset twice in a day."""
        known = self._days.get(day)
        if known is None:
            if len(self._days) >= _REMEMBERED:
                self._days.clear()
            midnight = datetime.strptime(f"{day}00:00:00", self.format)
            known = self._days[day] = midnight, self._start_of_day(midnight, day)
        return known

    def _start_of_day(self, midnight: datetime, day: str) -> int | None:
        try:
            start, end = self._checked(midnight, day), self._checked(midnight.replace(hour=23, minute=59, second=59), day)
        except ValueError:
            return None
        return start if end - start == 24 * _HOUR_MS - 1000 else None

    def _checked(self, moment: datetime, text: str) -> int:
        return checked_range(moment_to_milliseconds(moment, self.zone), text)

    def _chosen(self) -> tuple[Callable[[str], int], _Place | None]:
        """Returns two functions for this format: one reads a time, the other finds its minutes and seconds, unless they can be
        anywhere.
        """
        if self.format == EPOCH:
            return epoch_to_milliseconds, None
        if self.format == EPOCH_MS:
            return epoch_ms_to_milliseconds, None
        if self.format == ISO8601:
            return lambda text: iso8601_to_milliseconds(text, self.zone), _place_in_iso8601
        _check_strptime_format(self.format)
        # Names of months in logs are English, whatever the language of the host.
        locale.setlocale(locale.LC_TIME, "C")
        return self._parse_by_format, _place_for(self.format)

    def _parse_by_format(self, text: str) -> int:
        stripped = text.strip()
        if len(stripped) > _LONGEST_TIME:
            raise ValueError(f"time {quoted(text)} is longer than any time")
        try:
            moment = self._with_abbreviation(stripped) if "%Z" in self.format else datetime.strptime(stripped, self.format)
        except ValueError as error:
            if _is_of_another_form(error):
                raise ValueError(f"time {quoted(text)} does not match timestamp_format {self.format!r}{self._hint(text)}") from error
            raise ValueError(f"time {quoted(text)}: {error}") from error
        if _ONE_DIGIT.search(stripped) and (":%M" in self.format or ":%S" in self.format):
            raise ValueError(f"time {quoted(text)} may be cut off: minutes and seconds have two digits")
        return self._checked(moment, text)

    def _hint(self, text: str) -> str:
        """Returns a hint at a format that would fit; empty if there is none."""
        try:
            iso8601_to_milliseconds(text, self.zone)
        except ValueError:
            return ""
        return "; it fits timestamp_format iso8601"

    def _with_abbreviation(self, text: str) -> datetime:
        """Python's %Z knows only the zones of the host, so the zone is removed first: the last word without which the text is a time."""
        without_zone = self.format.replace("%Z", "")
        reason = ValueError(_NO_MATCH)
        for word in reversed(list(_ZONE.finditer(text))):
            try:
                moment = datetime.strptime(text[: word.start()] + text[word.end() :], without_zone)
            except ValueError as error:
                reason = reason if _is_of_another_form(error) else error
                continue
            return moment.replace(tzinfo=timezone(zone_offset(word.group(), moment, self.zone)))
        raise reason


def _is_of_another_form(error: ValueError) -> bool:
    """True if a text does not have the form of its format. False if it has, but is not a valid time, such as the 31st of November."""
    return _NO_MATCH in str(error) or "unconverted data" in str(error)


def _check_strptime_format(timestamp_format: str) -> None:
    if "%" not in timestamp_format:
        raise InputError(
            f"timestamp_format: {timestamp_format!r} is neither a strptime format such as '%Y-%m-%d %H:%M:%S' "
            "nor epoch, epoch_ms or iso8601."
        )
    if not any(directive in timestamp_format.replace("%%", "") for directive in _YEARS):
        raise InputError(f"timestamp_format: {timestamp_format!r} has no year (%Y or %y), so its times would have no date.")
    try:
        datetime.strptime("", timestamp_format.replace("%Z", ""))
    except (ValueError, re.error) as error:
        if "does not match format" not in str(error):
            raise InputError(f"timestamp_format: {timestamp_format!r} cannot be used: {error}.") from error


def _place_for(timestamp_format: str) -> _Place | None:
    """Returns a function that finds minutes and seconds in times of this format, such as `:15:57`; None if they can be anywhere."""
    before, found, after = timestamp_format.partition("%H:%M:%S")
    if not found:
        before, found, after = timestamp_format.partition("%I:%M:%S")
    if not found or "%M" in before + after or "%S" in before + after:
        return None
    if not after:
        return _place_at_end
    return None if ":" in after or "%z" in after or "%f" in after else _place_at_last_colon


def _place_at_end(text: str) -> int:
    return max(len(text) - MINUTES_AND_SECONDS, 0)


def _place_at_last_colon(text: str) -> int:
    return max(text.rfind(":") - 3, 0)


def _place_in_iso8601(text: str) -> int:
    # A fraction of a second belongs to one row, not to the hour: such a time has no place.
    return len(text) if text[19:20] in (".", ",") else 13


def _hour(text: str, place: int) -> str:
    """The hour of a time, with its zone: all of the text but the minutes and seconds."""
    return f"{text[:place]}{_MARK}{text[place + MINUTES_AND_SECONDS :]}"


@cache
def _milliseconds_of_hour() -> dict[str, int]:
    """Returns a table of milliseconds since the start of the hour, by the text after it. Built on demand: most logs do not need it."""
    return {f":{second // 60:02}:{second % 60:02}": second * 1000 for second in range(3600)}
