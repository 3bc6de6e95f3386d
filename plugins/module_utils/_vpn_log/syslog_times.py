# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Times of syslog lines, which often have no year.

A missing year is taken from the time when the file was last written to: it is the latest year in which the line is not more than
a day later than the file. So December stands before January in a log that goes over New Year, and the day leaves room for zones
and clocks that differ. A log must not span a whole year, and a copy should keep the time of the file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .._texts import quoted
from .._times.parsing import TimestampParser
from .._times.timestamps import iso8601_to_milliseconds

if TYPE_CHECKING:
    from .._times.zones import Zone

_MS_A_DAY = 86_400_000
_YEARS_LOOKED_AT = 9
"""From one 29 February to the next takes up to eight years."""
_REMEMBERED = 20_000
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)
_PLAIN = re.compile(
    r"\b(?P<day>(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d{1,2}) (?:(?P<year>\d{4}) )?(?P<hour>\d\d)"
    r":(?P<minute>[0-5]\d):(?P<second>[0-5]\d)(?:\.\d+)?(?: (?P<zone>[A-Z]{1,5})(?=:))?",
    re.ASCII,
)


class SyslogTimes:
    """Reads the time before a message; C(zone) is for times that carry none, C(modified_ms) is the time of the file."""

    def __init__(self, zone: Zone, modified_ms: int) -> None:
        self._zone = zone
        self._latest = modified_ms + _MS_A_DAY
        self._parser = TimestampParser("%Y %b %d %H:%M:%S", zone)
        self._parser_with_zone = TimestampParser("%Y %b %d %H:%M:%S %Z", zone)
        self._hours: dict[tuple[str | None, ...], int] = {}

    def milliseconds(self, text: str) -> int:
        """The time in what stands before a message. Of two, as a relay leaves them, the one with a year, else the last: it is the
        gateway's own. Raises ValueError."""
        plain = list(_PLAIN.finditer(text))
        for match in reversed(plain):
            if match["year"]:
                return self._plain(match)
        iso = _ISO.findall(text)
        if iso:
            return iso8601_to_milliseconds(iso[-1], self._zone)
        if plain:
            return self._plain(plain[-1])
        raise ValueError(f"there is no time before the message in {quoted(text)}")

    def _plain(self, match: re.Match[str]) -> int:
        key = match.group("day", "year", "hour", "zone")
        start = self._hours.get(key)
        if start is None:
            first, last = self._exact(match, "00:00"), self._exact(match, "59:59")
            if last - first != 3_599_000:
                return self._exact(match, f"{match['minute']}:{match['second']}")
            if len(self._hours) >= _REMEMBERED:
                self._hours.clear()
            start = self._hours[key] = first
        return start + (int(match["minute"]) * 60 + int(match["second"])) * 1000

    def _exact(self, match: re.Match[str], minute_and_second: str) -> int:
        clock = f"{match['day']} {match['hour']}:{minute_and_second}"
        if match["year"]:
            return self._in_zone(f"{match['year']} {clock}", match["zone"])
        newest = int(self._year_of_latest())
        for year in range(newest, newest - _YEARS_LOOKED_AT, -1):
            try:
                moment = self._in_zone(f"{year} {clock}", match["zone"])
            except ValueError:
                # 29 February, or no time at all; the latter fails in every year.
                continue
            if moment <= self._latest:
                return moment
        raise ValueError(f"time {quoted(match.group())} is not a time of any year")

    def _in_zone(self, text: str, zone_name: str | None) -> int:
        if zone_name:
            try:
                return self._parser_with_zone.milliseconds(f"{text} {zone_name}")
            except ValueError:
                # The name of a host can stand where the name of a zone would.
                pass
        return self._parser.milliseconds(text)

    def _year_of_latest(self) -> int:
        # A year ahead, because the zone may be ahead of UTC on New Year's Eve.
        return 1971 + self._latest // (1461 * _MS_A_DAY // 4)
