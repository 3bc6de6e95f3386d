# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Time zones by name and by abbreviation, with the same results on every host.

Two hours a year are special. A time that occurs twice, when clocks go back, is read as the first of the two. A time that does not occur,
when clocks go forward, is read with the offset before the change. PEP 495 calls this `fold=0`. A zone abbreviation beside the time (`EDT`
or `EST`) settles the first case.
"""

from __future__ import annotations

import os
import re
import time
from datetime import datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING

from .._errors import InputError
from .._texts import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAY = 86_400
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(0?[1-9]|1[0-4])(?::?00)?\Z", re.IGNORECASE)
_ZONEINFO_FOLDER = "zoneinfo/"

# Hours east of UTC, as the IANA database abbreviates zones today.
ABBREVIATION_HOURS: dict[str, float] = {
    "UTC": 0,
    "UT": 0,
    "GMT": 0,
    "Z": 0,
    "WET": 0,
    "WEST": 1,
    "CET": 1,
    "CEST": 2,
    "EET": 2,
    "EEST": 3,
    "MSK": 3,
    "NST": -3.5,
    "NDT": -2.5,
    "ADT": -3,
    "EST": -5,
    "EDT": -4,
    "CDT": -5,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "AKST": -9,
    "AKDT": -8,
    "HST": -10,
    "HDT": -9,
    "CHST": 10,
    "WAT": 1,
    "CAT": 2,
    "SAST": 2,
    "EAT": 3,
    "IDT": 3,
    "PKT": 5,
    "WIB": 7,
    "WITA": 8,
    "WIT": 9,
    "HKT": 8,
    "JST": 9,
    "KST": 9,
    "AWST": 8,
    "ACST": 9.5,
    "ACDT": 10.5,
    "AEST": 10,
    "AEDT": 11,
    "NZST": 12,
    "NZDT": 13,
}
SHARED_ABBREVIATIONS = {
    "AST": "the Atlantic and Arabia",
    "BST": "Britain and Bangladesh",
    "CST": "North America, China and Cuba",
    "IST": "India, Ireland and Israel",
    "MST": "North America and Malaysia",
    "SST": "Samoa and Singapore",
}
"""Abbreviations of several zones: only an option can decide between them."""


def _zone_advice(name: str) -> str:
    """Returns a suggestion for an unknown name."""
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    known = {_plain(zone): zone for zone in sorted(available_timezones())}
    if not known:
        return "no time zones are installed there: install the package tzdata."
    offset = _OFFSET.match(name.strip())
    if offset:
        return f"did you mean Etc/GMT{'-' if offset[1] == '+' else '+'}{int(offset[2])}? In these names, the sign is reversed."
    places = [zone for zone in known if "/" in zone]
    cities = [zone for zone in places if zone.rpartition("/")[2] == _plain(name)]
    for alike in (*known.keys() & {_plain(name)}, *cities, *get_close_matches(_plain(name), places, 1, 0.8)):
        return f"did you mean {known[alike]}?"
    return "give an IANA name such as Europe/Berlin or America/New_York. If the name is right, install the package tzdata there."


def _plain(zone: str) -> str:
    """Returns the name of a zone in a form that ignores case and separators."""
    return zone.strip().casefold().replace(" ", "_").replace("-", "_")


class Zone:
    """The zone of times that do not contain one."""

    def __init__(self, name: str, rules: tzinfo | None, *, is_chosen: bool = True) -> None:
        self.name = name
        self.is_chosen = is_chosen
        """True if an option names this zone, so that it decides the meaning of ambiguous abbreviations."""
        self._rules = rules
        self.was_used = False
        """True if a time without a zone was read."""
        self.years_were_missing = False
        """True if a time without a year was read."""

    @classmethod
    def named(cls, name: str) -> Zone:
        """A zone by its IANA name, `UTC` among them; raises InputError."""
        if name.upper() in ("UTC", "Z"):
            return cls("UTC", timezone.utc)
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            return cls(name, ZoneInfo(name))
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise InputError(f"timezone: {quoted(name)} is not known on the host that runs the module; {_zone_advice(name)}") from error

    @classmethod
    def of_host(cls, *, is_chosen: bool = False) -> Zone:
        """The zone of the host that runs the module."""
        return cls(_host_zone_name(), None, is_chosen=is_chosen)

    def epoch_seconds(self, moment: datetime) -> int:
        """Seconds since 1970-01-01 UTC for a wall-clock time without a zone (see the top of this file for the special hours)."""
        self.was_used = True
        whole = moment.replace(microsecond=0, tzinfo=self._rules, fold=0)
        try:
            return int(whole.timestamp())
        except (OverflowError, OSError) as error:
            raise ValueError("a year that no clock shows") from error

    def offset_at(self, seconds: int) -> int:
        """Seconds east of UTC at a time in epoch seconds."""
        offset = datetime.fromtimestamp(seconds, self._rules).astimezone(self._rules).utcoffset()
        return int(offset.total_seconds()) if offset else 0

    def doubled_hours(self, since: int, until: int) -> Iterator[tuple[int, int]]:
        """The first and the last moment of each pair of hours that the clocks of this zone show twice, in epoch milliseconds.

        None if every time so far contained its zone.
        """
        day = since // 1000
        while self.was_used and day < until // 1000:
            next_day = min(day + _DAY, until // 1000 + 3600)
            amount = self.offset_at(day) - self.offset_at(next_day)
            if amount > 0:
                change = self._change(day, next_day)
                yield (change - amount) * 1000, (change + amount) * 1000
            day = next_day

    def _change(self, before: int, after: int) -> int:
        """The second at which the offset changes between two times."""
        offset = self.offset_at(before)
        while after - before > 1:
            middle = (before + after) // 2
            if self.offset_at(middle) == offset:
                before = middle
            else:
                after = middle
        return after

    def offset_of(self, abbreviation: str, moment: datetime) -> timedelta:
        """The offset from UTC that an abbreviation beside this wall-clock time means; raises ValueError.

        The abbreviations of the zone itself come first, then ABBREVIATION_HOURS. An abbreviation of several zones is understood only if
        an option chose the zone.
        """
        name = abbreviation.upper()
        for fold in (0, 1) if self.is_chosen or name not in SHARED_ABBREVIATIONS else ():
            offset, own_name = self._offset_and_name(moment.replace(tzinfo=self._rules, fold=fold))
            if offset is not None and own_name is not None and own_name.upper() == name:
                return offset
        if name in ABBREVIATION_HOURS:
            return timedelta(hours=ABBREVIATION_HOURS[name])
        if name in SHARED_ABBREVIATIONS:
            raise ValueError(
                f"the zone {quoted(abbreviation)} is used in {SHARED_ABBREVIATIONS[name]}; "
                "set `timezone` to the IANA name of the one that is meant"
            )
        raise ValueError(f"the zone {quoted(abbreviation)} is not known; known are {', '.join(sorted(ABBREVIATION_HOURS))}")

    def _offset_and_name(self, local: datetime) -> tuple[timedelta | None, str | None]:
        """Returns offset and name of the zone at a local time; nothing at both ends of the calendar."""
        try:
            aware = local if self._rules else local.astimezone()
            return aware.utcoffset(), aware.tzname()
        except (OverflowError, OSError, ValueError):
            return None, None


def _host_zone_name() -> str:
    """The IANA name if the host knows it, else its abbreviations."""
    variable = os.environ.get("TZ", "").lstrip(":")
    if variable:
        return variable.rpartition(_ZONEINFO_FOLDER)[2]
    target = os.path.realpath("/etc/localtime")
    if _ZONEINFO_FOLDER in target:
        return target.rpartition(_ZONEINFO_FOLDER)[2]
    return "/".join(dict.fromkeys(time.tzname))
