# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Parses times of logs by their format, to epoch milliseconds. The format is applied once per hour of log instead of once per row."""

from __future__ import annotations

import locale
import re
from collections import Counter
from datetime import datetime, timedelta, timezone
from itertools import compress
from operator import add
from typing import TYPE_CHECKING, NamedTuple, cast

from .._errors import InputError
from .._texts import quoted
from .fixed_width import MOST_PADDING, SinceHour, characters, keys_of_hours, milliseconds_since_hours
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
    from collections.abc import Callable, Hashable

    from .zones import Zone


_REMEMBERED = 20_000
_LONGEST_TIME = 200
"""Maximum length in characters: in a text of a hundred thousand words, the search for the zone would take too long."""
_HOUR_MS = 3_600_000
_EPOCH_FACTORS = {EPOCH: 1000, EPOCH_MS: 1}
_MARK = "\0"
"""Separates an hour from what is after it; no time contains it."""
_FEW = 8
"""So few times are read one by one in less time."""
_TIME_DIRECTIVES = re.compile(r"%[HIMSfcXTrR+]")
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
        self._parse = self._chosen()
        self._form = _form_of(timestamp_format)

    def milliseconds(self, text: str) -> int:
        """The time in epoch milliseconds."""
        known = self._by_hour(text)
        return self._parse(text) if known is None else known

    def column(self, texts: list[str]) -> list[int | None]:
        """Reads a whole column at once, with None for each text that must be read separately by `milliseconds`."""
        factor = _EPOCH_FACTORS.get(self.format)
        if factor and (times := epoch_column(texts, factor)):
            return times
        if self._form is None:
            return list(map(self._milliseconds_or_none, texts))
        together = self._together(texts) if len(texts) > _FEW else []
        return together or self._usual_together(texts)

    def _usual_together(self, texts: list[str]) -> list[int | None]:
        """Reads the times of about the most frequent length together, and the others one by one."""
        lengths = list(map(len, texts))
        usual = Counter(lengths).most_common(1)[0][0] if lengths else 0
        is_usual = [abs(length - usual) <= MOST_PADDING // 2 for length in lengths]
        together = self._together(list(compress(texts, is_usual))) if len(texts) > _FEW and not all(is_usual) else []
        read = iter(together)
        return [next(read) if together and usual_one else self._by_hour(text) for text, usual_one in zip(texts, is_usual)]

    def _together(self, texts: list[str]) -> list[int | None]:
        """Reads a column of times with the same width; empty if it is none."""
        columns = characters(texts)
        width = len(columns)
        # Texts that have been filled up are as long as the longest.
        since = self._since_hour(max(texts, key=len)) if 0 < width <= _LONGEST_TIME else None
        offsets = since and milliseconds_since_hours(columns, since)
        if since is None or offsets is None:
            return []
        hours = keys_of_hours(columns, since)
        samples = dict(zip(hours, texts))
        starts = {hour: self._start(text, since, width - len(text)) for hour, text in samples.items()}
        if None in starts.values():
            known = map(starts.__getitem__, hours)
            return [None if start is None else start + offset for start, offset in zip(known, offsets)]
        return list(map(add, map(cast("dict[Hashable, int]", starts).__getitem__, hours), offsets))

    def _by_hour(self, text: str) -> int | None:
        since = self._since_hour(text)
        start = since and self._start(text, since)
        if since is None or start is None:
            return None
        offset = since.milliseconds()
        return None if offset is None else start + offset

    def _since_hour(self, text: str) -> SinceHour | None:
        """Minutes, seconds and fraction in a time; None if it does not have them where the format says."""
        if self._form is None:
            return None
        place = -1
        for _colon in range(self._form.colons + 1):
            place = text.find(":", place + 1)
            if place < 0:
                return None
        since = SinceHour.found_in(text, place)
        return since if since and self._form.is_of(since) else None

    def _milliseconds_or_none(self, text: str) -> int | None:
        try:
            return self._parse(text)
        except ValueError:
            return None

    def _start(self, text: str, since: SinceHour, padding: int = 0) -> int | None:
        """The start of the hour of a time, in epoch milliseconds; None if times of this hour must be read separately, for example because
        the zone changes its offset within it. `padding` is how much further left the minutes are in this text.
        """
        before, after = text[: since.start - padding], text[since.end - padding :]
        hour = f"{before}{_MARK}{since.first}{after}"
        start = self._starts.get(hour)
        # A text that is too long is not worth remembering.
        if start is not None or len(hour) > _LONGEST_TIME:
            return start
        try:
            first, last = self._first_and_last(before, since, after)
        except ValueError:
            return None
        if last - first != since.span_ms:
            return None
        if len(self._starts) >= _REMEMBERED:
            self._starts.clear()
        self._starts[hour] = first
        return first

    def _first_and_last(self, before: str, since: SinceHour, after: str) -> tuple[int, int]:
        """The first and the last minute or second of an hour; raises ValueError."""
        day, hours = before[:-2], before[-2:]
        if "%H" in self.format and hours in _HOURS and "%z" not in self.format.lower():
            midnight, start = self._day(f"{day}00{since.first}{after}".strip())
            if start is not None:
                return start + int(hours) * _HOUR_MS, start + int(hours) * _HOUR_MS + since.span_ms
            first = midnight.replace(hour=int(hours))
            return self._checked(first, before), self._checked(first + timedelta(milliseconds=since.span_ms), before)
        return self._parse(f"{before}{since.first}{after}"), self._parse(f"{before}{since.last}{after}")

    def _day(self, text: str) -> tuple[datetime, int | None]:
        """Midnight, also in epoch milliseconds if the day has 24 hours: since 1980, no zone has changed its offset twice in a day."""
        known = self._days.get(text)
        if known is None:
            if len(self._days) >= _REMEMBERED:
                self._days.clear()
            # With its checks, which strptime() does not make.
            self._parse(text)
            midnight = datetime.strptime(text, self.format)
            known = self._days[text] = midnight, self._start_of_day(midnight, text)
        return known

    def _start_of_day(self, midnight: datetime, day: str) -> int | None:
        try:
            start, end = self._checked(midnight, day), self._checked(midnight.replace(hour=23, minute=59, second=59), day)
        except ValueError:
            return None
        return start if end - start == 24 * _HOUR_MS - 1000 else None

    def _checked(self, moment: datetime, text: str) -> int:
        return checked_range(moment_to_milliseconds(moment, self.zone), text)

    def _chosen(self) -> Callable[[str], int]:
        """Returns the function that reads a time of this format."""
        if self.format == EPOCH:
            return epoch_to_milliseconds
        if self.format == EPOCH_MS:
            return epoch_ms_to_milliseconds
        if self.format == ISO8601:
            return lambda text: iso8601_to_milliseconds(text, self.zone)
        _check_strptime_format(self.format)
        # Names of months in logs are English, whatever the language of the host.
        locale.setlocale(locale.LC_TIME, "C")
        return self._parse_by_format

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


class _Form(NamedTuple):
    """The place of the minutes in times of one format, after this many other colons, and what follows them; None if that varies."""

    colons: int
    has_seconds: bool | None
    has_fraction: bool | None

    def is_of(self, since: SinceHour) -> bool:
        """True if these minutes are followed by what the format says."""
        return self.has_seconds in (None, since.has_seconds) and self.has_fraction in (None, since.fraction > 0)


def _form_of(timestamp_format: str) -> _Form | None:
    """The place of the minutes in times of this format; None if it varies, or if they do not follow the hour."""
    if timestamp_format == ISO8601:
        return _Form(0, None, None)
    before, found, after = timestamp_format.partition("%H:%M")
    if not found:
        before, found, after = timestamp_format.partition("%I:%M")
    has_seconds = after.startswith(":%S")
    has_fraction = after.startswith((":%S.%f", ":%S,%f"))
    rest = after[len(":%S.%f" if has_fraction else ":%S" if has_seconds else "") :]
    others = before + rest
    if not found or "%%" in others or _TIME_DIRECTIVES.search(others) or "%z" in before or rest[:1] in (":", ".", ","):
        return None
    return _Form(before.count(":"), has_seconds, has_fraction)
