# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The head of a syslog line: the host, the program and the time.

The text next to a time belongs to it: an offset, AM or PM, a zone, a year before or after. If it is not understood, there is no time.

A missing year is taken from the time when the file was last written to: it is the latest year in which the line is not more than a
day later than the file. A copy must keep the time of the file. A line with a year that is later than the file by more than a day is
not believed: a relay can put the new year on a line of 31 December.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from .._texts import quoted
from .._times.timestamps import iso8601_to_milliseconds
from .._times.zones import ABBREVIATION_HOURS, SHARED_ABBREVIATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._times.zones import Zone

STRUCTURED_DATA = r"(?:-|(?:\[(?:[^\]\\\"]|\\.|\"(?:[^\"\\]|\\.)*\")*\])+)"
"""The last part of an RFC 5424 header."""
_RFC5424 = re.compile(r"(?:\d{1,6} )?<\d{1,3}>1 \S+ \S+ (?P<program>[^\s-]\S*) ")
_TIME = (
    r"(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|(?:(?:19|20)\d\d )?[A-Z][a-z]{2} {1,2}\d{1,2} (?:(?:19|20)\d\d )?\d\d:\d\d:\d\d(?:[.,]\d+)?)"
)
_HEAD = re.compile(
    rf"(?:\d{{1,6}} )?(?:<\d{{1,3}}>)?{_TIME}(?:\t\w+\.\w+\t[^\t]*\t)?(?: [^\s:]+){{0,3}}? ?(?P<program>[A-Za-z_][\w.@/-]*)(?:\[\d+\])?: ",
    re.ASCII,
)
_LONGEST_PROGRAM = 60
_MOST_PROGRAMS = 1000
_SHOWN_PROGRAMS = 20
NO_PROGRAM = "(none)"
_WHOLE_HEAD = re.compile(rf"(?:\d{{1,6}} )?<\d{{1,3}}>\d \S+ (?P<host>\S+) \S+ \S+ \S+ {STRUCTURED_DATA} ?(?P<rest>.*)\Z", re.ASCII)
_PRIORITY_OF_HEAD = re.compile(r"<\d{1,3}>(?:\d (?=\S))?", re.ASCII)
_NAME = re.compile(r"(?=.*[A-Za-z]|\d+\.\d+\.\d+\.\d+\Z)[A-Za-z0-9_][\w.:/-]*\Z", re.ASCII)
_NO_NAME = re.compile(
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|[ap]m|z|utc.*|gmt.*|(?-i:[A-Z]{1,4}T)"
    r"|\d{4}-\d\d-\d\d.*|.*\d\d:\d\d:\d\d.*|\w+\.(?:emerg|alert|crit|critical|err|error|warn|warning|notice|info|debug))\Z",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_HEAD = 300


def count_program(counts: dict[str, int], line: str, program: str = "") -> None:
    """Counts a line of another program, under the name of the program if there is one."""
    match = None if program else (_RFC5424.match(line) or _HEAD.match(line))
    name = match["program"][:_LONGEST_PROGRAM] if match else program or NO_PROGRAM
    if name in counts or len(counts) < _MOST_PROGRAMS:
        counts[name] = counts.get(name, 0) + 1


def joined_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sums of several counts, those of the most frequent programs first."""
    sums: dict[str, int] = {}
    for counter in counts:
        for name, count in counter.items():
            sums[name] = sums.get(name, 0) + count
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN_PROGRAMS])


def device_in(head: str) -> str:
    """Returns the gateway that wrote a line, by the head of the line: the last word that is not part of a time, or the host of RFC 5424.

    In lower case; empty if there is none. A relay puts the lines of several gateways into one file, which may assign the same addresses.
    """
    relayed = _WHOLE_HEAD.match(head)
    if relayed:
        return device_in(relayed["rest"]) or device_in(relayed["host"])
    for word in reversed(_PRIORITY_OF_HEAD.sub("", head[-_LONGEST_HEAD:]).split()):
        name = word.rstrip(":,")
        if _NAME.match(name) and not _NO_NAME.match(name):
            return name.casefold()
    return ""


_MS_A_DAY = 86_400_000
_YEARS_LOOKED_AT = 9
"""Up to eight years lie between one 29 February and the next."""
_REMEMBERED = 20_000
_ISO = re.compile(r"(?<![\d:])\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?P<offset>Z(?![A-Za-z])|[+-]\d\d:?\d\d)?", re.ASCII)
_PLAIN = re.compile(
    r"(?:(?<![\d:])(?P<year_before>(?:19|20)\d\d) )?\b(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(?P<day>\d{1,2}),? "
    r"(?:(?P<year>\d{4}),? )?(?P<hour>\d\d):(?P<minute>[0-5]\d):(?P<second>[0-5]\d)(?:[.,]\d+)?(?!:?\d)",
    re.ASCII | re.IGNORECASE,
)
_HALF_OF_DAY = re.compile(r"\s?([AP])\.?M\b\.?", re.IGNORECASE)
_YEAR_BEHIND = re.compile(r"\s((?:19|20)\d\d)(?=\s|:|\Z)", re.ASCII)
_OFFSET = re.compile(r"\s?(Z|[+-]\d\d(?::?\d\d)?)(?=\s|:\s|:?\Z)", re.ASCII)
_BESIDE = re.compile(r"(?:\s+(?P<first>[^\s:]\S*?))?(?:\s+(?P<second>[^\s:]\S*?))?(?P<rest>(?:\s+[^\s:]\S*)*?)(?P<colon>\s*:?)\s*\Z")
_PROGRAM = re.compile(r".+\[\d+\]\Z", re.ASCII)
_NUMERIC_ZONE = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?\Z", re.ASCII | re.IGNORECASE)
_LETTERS = re.compile(r"[A-Za-z]+")
_NO_LETTER = re.compile(r"[\d_-]", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_BEGUN_MONTH = "|".join(sorted({month[:length] for month in _MONTHS for length in (1, 2, 3)}, key=len, reverse=True))
_CUT_HEAD = re.compile(
    rf"(?:<\d{{0,3}}>?)?\s*(?:(?:{_BEGUN_MONTH})(?: {{1,2}}\d{{0,2}}(?: (?:\d{{1,4}} ?)?(?:\d\d:){{0,2}}[\d.]*)?)?|\d{{4}}-[\d:.T+-]*Z?)?"
    r"(?:\s+\S*)?\s*:?\s*\Z",
    re.ASCII,
)
_LONGEST_HEAD = 120
_CUT_BEFORE_PROGRAM = re.compile(
    rf"(?:<\d{{0,3}}>?)?(?:1 )?(?:[A-Z]?[a-z]{{0,2}}\Z|(?:\d{{1,4}}|\d{{4}}-[\d-]{{0,5}}|\d{{4}}-\d\d-\d\dT[\d:.,]*(?:Z|[+-][\d:]*)?"
    rf"|(?:{'|'.join(_MONTHS)})(?: {{1,2}}\d{{0,2}}(?: (?:(?:19|20)\d\d )?[\d:.]*)?)?)(?: [^\s:]+){{0,2}} ?\Z)",
    re.ASCII,
)


def is_cut_head(line: str) -> bool:
    """True if the line has only a time, or the beginning of one, and perhaps a device name: its message is cut off."""
    return len(line) <= _LONGEST_HEAD and _CUT_HEAD.match(line) is not None


def is_cut_before_program(line: str) -> bool:
    """True if the line ends before the message of a program begins, so its program is unknown."""
    return _CUT_BEFORE_PROGRAM.match(line) is not None


class SyslogTimes:
    """Reads the time in the text before a message. `zone` is for times without a zone; `modified_ms` is the time of the file."""

    def __init__(self, zone: Zone, modified_ms: int) -> None:
        self._zone = zone
        self._latest = modified_ms + _MS_A_DAY
        self._hours: dict[tuple[str | None, ...], int] = {}

    def milliseconds(self, text: str) -> int:
        """The time in epoch milliseconds.

        A relay adds a second time: the time with a year counts, otherwise the last one, which is from the gateway. Raises ValueError.
        """
        plain = list(_PLAIN.finditer(text))
        iso = list(_ISO.finditer(text))
        own = next((match for match in reversed(plain) if _year_of(match, text)), None)
        if own is None and iso:
            return self._iso(iso[-1], text)
        if own is None and plain:
            own = plain[-1]
        if own is None:
            raise ValueError(f"there is no time before the message in {quoted(text)}")
        return self._plain(own, text)

    def _iso(self, match: re.Match[str], text: str) -> int:
        clock, beside = match.group(), text[match.end() :]
        if match["offset"]:
            return self._believed(iso8601_to_milliseconds(clock, self._zone), clock)
        if _HALF_OF_DAY.match(beside):
            raise ValueError(f"time {quoted(clock + beside)}: AM or PM next to a date in this form is not understood")
        return self._believed(self._in_zone(clock, _zone_beside(beside)), clock)

    def _plain(self, match: re.Match[str], text: str) -> int:
        beside = text[match.end() :]
        hour = int(match["hour"])
        half = _HALF_OF_DAY.match(beside)
        if half:
            if not 1 <= hour <= 12:
                raise ValueError(f"time {quoted(match.group() + beside)} has an hour that does not go with AM or PM")
            hour = hour % 12 + (12 if half[1].upper() == "P" else 0)
            beside = beside[half.end() :]
        year = match["year"] or match["year_before"]
        behind = None if year else _YEAR_BEHIND.match(beside)
        if behind:
            year, beside = behind[1], beside[behind.end() :]
        month, day = match["month"].title(), int(match["day"])
        clock = f"{_MONTHS.index(month) + 1:02d}-{day:02d} {hour:02d}"
        return self._in_hour(clock, year, _zone_beside(beside), f"{match['minute']}:{match['second']}")

    def _in_hour(self, clock: str, year: str | None, zone: str | None, rest: str) -> int:
        """Computes each hour once, because most lines share their hour with others."""
        key = (clock, year, zone)
        start = self._hours.get(key)
        if start is None:
            first, last = (self._exact(f"{clock}:{end}", year, zone) for end in ("00:00", "59:59"))
            if last - first != 3_599_000:
                return self._exact(f"{clock}:{rest}", year, zone)
            if len(self._hours) >= _REMEMBERED:
                self._hours.clear()
            start = self._hours[key] = first
        return start + (int(rest[:2]) * 60 + int(rest[3:])) * 1000

    def _exact(self, clock: str, year: str | None, zone: str | None) -> int:
        if year:
            return self._believed(self._in_zone(f"{year}-{clock}", zone), f"{year}-{clock}")
        self._zone.years_were_missing = True
        newest = int(self._year_of_latest())
        for guess in range(newest, newest - _YEARS_LOOKED_AT, -1):
            try:
                moment = self._in_zone(f"{guess}-{clock}", zone)
            except ValueError:
                # 29 February, or an invalid time, which fails in every year.
                continue
            if moment <= self._latest:
                return moment
        return self._in_zone(f"{newest - 1}-{clock}", zone)

    def _in_zone(self, clock: str, zone: str | None) -> int:
        """A time such as `2024-05-31 08:15:00`; raises ValueError."""
        if zone is None:
            return iso8601_to_milliseconds(clock, self._zone)
        offset = _NUMERIC_ZONE.match(zone)
        if offset:
            minutes = int(offset[2]) * 60 + int(offset[3] or 0)
            seconds = 60 * (-minutes if offset[1] == "-" else minutes)
        elif zone.upper() == "Z":
            seconds = 0
        else:
            moment = datetime.strptime(clock[:19].replace("T", " "), "%Y-%m-%d %H:%M:%S")
            seconds = int(self._zone.offset_of(_known_abbreviation(zone), moment).total_seconds())
        return iso8601_to_milliseconds(f"{clock}Z", self._zone) - seconds * 1000

    def _believed(self, moment: int, text: str) -> int:
        if moment > self._latest:
            raise ValueError(f"time {quoted(text)} is more than a day later than the file was last written to")
        return moment

    def _year_of_latest(self) -> int:
        # One year later, because the zone may be ahead of UTC on New Year's Eve.
        return 1971 + self._latest // (1461 * _MS_A_DAY // 4)


def _year_of(match: re.Match[str], text: str) -> str | None:
    """Returns the year before, in or after a time."""
    behind = _YEAR_BEHIND.match(text, match.end())
    return match["year"] or match["year_before"] or (behind[1] if behind else None)


def _zone_beside(beside: str) -> str | None:
    """The zone in what is between a time and its message: an offset or a word. None if there is only the name of a device or program.

    Of a single word, a zone has the colon at once behind it (`EST:`), a name does not (`gw7 :`), unless it can be no zone (`gw7:`). Of two
    words, the first is the zone if the gateway wrote both (`EST gw7 :`), and the name of a host if a relay did (`gw7 ASA:`), unless it is a
    zone that is known.
    """
    offset = _OFFSET.match(beside)
    if offset:
        return offset[1]
    match = _BESIDE.match(beside)
    if not match:
        raise ValueError(f"{quoted(beside.strip())} next to the time is not understood")
    first, second, colon = match["first"], match["second"], match["colon"]
    if first is None or _PROGRAM.match(first):
        return None
    if second is None:
        return first if colon == ":" and not _is_host(first) else None
    if _is_known(first) or (colon.startswith(" ") and not match["rest"] and not _is_host(first)):
        return first
    return None


def _is_host(word: str) -> bool:
    """True for names that cannot be zones: with a dot, an address, or with digits and unlike `EST5EDT` or `UTC+2`."""
    if "." in word or word.count(":") > 1:
        return True
    begun = _LETTERS.match(word)
    return begun is not None and _NO_LETTER.search(word) is not None and not _is_known(begun.group())


def _is_known(word: str) -> bool:
    """True if the word is a zone in a known form."""
    upper = _known_abbreviation(word)
    return upper in ABBREVIATION_HOURS or upper in SHARED_ABBREVIATIONS or _NUMERIC_ZONE.match(word) is not None


def _known_abbreviation(zone: str) -> str:
    """Returns an abbreviation in its common spelling: `PDT` for `PSTDST`, upper case for lower case."""
    upper = zone.upper()
    if len(upper) == 6 and upper.endswith("STDST"):
        return f"{upper[0]}DT"
    return upper if zone.islower() else zone
