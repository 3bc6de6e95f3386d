# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Converts single times (epoch numbers, ISO 8601) to epoch milliseconds, and reads durations. Other formats are in `parsing.py`.

All results are integers, in milliseconds since 1970-01-01 UTC; smaller fractions are cut off.
"""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .._errors import InputError
from .._texts import quoted
from .zones import Zone

if TYPE_CHECKING:
    from collections.abc import Sequence

EPOCH = "epoch"
EPOCH_MS = "epoch_ms"
ISO8601 = "iso8601"

EARLIEST_MS = 315_532_800_000
"""1980-01-01. Earlier times come from a clock that was never set, or are seconds that were taken for milliseconds."""
LATEST_MS = 4_102_444_800_000
"""2100-01-01. Later times are milliseconds that were taken for seconds, or invalid."""

_MIDDLE_YEAR = 2040
_YEARS_OF_ZONES = 100
_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?\s?(Z|[+-]\d\d(?::?\d\d)?|[A-Za-z]{1,5})?\Z", re.ASCII
)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)?\Z")
_EPOCH_NUMBER = re.compile(r"-?\d{1,20}(\.\d*)?\Z", re.ASCII)
_EPOCH_DIGITS = 20
_SECONDS_DIGITS = 9
_SECONDS = re.compile(rf"(\d{{1,{_SECONDS_DIGITS}}})(?:\.\d*)?\Z", re.ASCII)
_CLOCK = re.compile(r"(?:(\d{1,4})(?:d| days?,?)? )?(\d{1,5}):(\d\d):(\d\d)(?:\.\d*)?\Z", re.ASCII)
_NUMBER = re.compile(r"\s*(-?\d{1,20})(\.\d*)?\s*\Z", re.ASCII)
_SPAN = re.compile(r"\s*(\d{1,9})\s*([smhdw])\s*\Z", re.ASCII | re.IGNORECASE)
_MILLISECONDS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def epoch_to_milliseconds(text: str) -> int:
    """Epoch seconds, with or without a fraction, to milliseconds; raises ValueError."""
    return checked_range(_scaled(text, 3, "epoch seconds"), text, "; for milliseconds set timestamp_format to epoch_ms")


def epoch_ms_to_milliseconds(text: str) -> int:
    """Epoch milliseconds; raises ValueError."""
    return checked_range(_scaled(text, 0, "epoch milliseconds"), text, "; for seconds set timestamp_format to epoch")


def epoch_column(texts: Sequence[str], factor: int) -> list[int | None] | None:
    """The times of a column of epoch numbers, at once. `factor` turns them into milliseconds. None unless all are plain and plausible."""
    times = _whole_numbers(texts, _EPOCH_DIGITS, factor)
    return times if times and min(times) >= EARLIEST_MS and max(times) < LATEST_MS else None


def iso8601_to_milliseconds(text: str, zone: Zone) -> int:
    """An ISO 8601 date and time; `zone` is used where it has no offset. Raises ValueError."""
    match = _ISO.match(text.strip())
    if not match:
        raise ValueError(f"time {quoted(text)} is not ISO 8601 with a date and a time, such as 2024-05-31T08:15:00Z")
    fields = [int(field or 0) for field in match.groups()[:6]]
    microsecond = int((match.group(7) or "0").ljust(6, "0")[:6])
    try:
        moment = datetime(fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], microsecond)
        mark = match.group(8)
        if mark:
            moment = moment.replace(tzinfo=timezone(zone_offset(mark, moment, zone)))
    except ValueError as error:
        raise ValueError(f"time {quoted(text)}: {error}") from error
    return checked_range(moment_to_milliseconds(moment, zone), text)


def format_iso8601(milliseconds: int) -> str:
    """Epoch milliseconds as ISO 8601 in UTC, for people and results."""
    moment = datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_to_milliseconds(moment: datetime, zone: Zone) -> int:
    """Converts a local time to milliseconds; `zone` is used if it has no offset. Fractions of a millisecond are cut off."""
    fraction = moment.microsecond // 1000
    if moment.tzinfo is None and abs(moment.year - _MIDDLE_YEAR) > _YEARS_OF_ZONES:
        # Zones do not work in the first and the last year of the calendar; such times are out of range in every zone.
        moment = moment.replace(tzinfo=timezone.utc)
    if moment.tzinfo is None:
        return zone.epoch_seconds(moment) * 1000 + fraction
    # Not with timestamp(): it returns a float, which cannot represent every millisecond.
    since = moment.replace(microsecond=0) - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1000 + fraction


def checked_range(milliseconds: int, text: str, advice: str = "") -> int:
    """Returns the milliseconds if they are plausible in a log; raises ValueError otherwise.

    `text` is the source of the time, `advice` ends the message.
    """
    if EARLIEST_MS <= milliseconds < LATEST_MS:
        return milliseconds
    side = "before 1980" if milliseconds < EARLIEST_MS else "after 2099"
    raise ValueError(f"time {quoted(text)} is {side}, which no log can contain{advice}")


def zone_offset(mark: str, moment: datetime, zone: Zone) -> timedelta:
    """Returns the offset from UTC that is written next to a local time, as a number or as the name of a zone; raises ValueError."""
    match = _OFFSET.match(mark)
    if not match:
        return zone.offset_of(mark, moment)
    offset = timedelta(hours=int(match.group(2)), minutes=int(match.group(3) or 0))
    return -offset if match.group(1) == "-" else offset


def _scaled(text: str, digits: int, what: str) -> int:
    stripped = text.strip()
    if not _EPOCH_NUMBER.match(stripped):
        raise ValueError(f"time {quoted(text)} is not a number of {what}")
    whole, _point, fraction = stripped.partition(".")
    return int(whole + fraction[:digits].ljust(digits, "0"))


def duration_to_milliseconds(text: str) -> int | None:
    """Returns a duration in a log, cut to whole seconds: seconds, with or without a fraction, or `[days ]h:mm:ss`.

    None if it is not a duration.
    """
    stripped = text.strip()
    match = _SECONDS.match(stripped)
    if match:
        return int(match[1]) * 1000
    match = _CLOCK.match(stripped)
    if not match or int(match[3]) > 59 or int(match[4]) > 59:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000


def durations_to_milliseconds(texts: Sequence[str]) -> list[int | None]:
    """The same for a column: at once, if all are plain seconds."""
    return _whole_numbers(texts, _SECONDS_DIGITS, 1000) or list(map(duration_to_milliseconds, texts))


def _whole_numbers(texts: Sequence[str], digits: int, factor: int) -> list[Any] | None:
    """The numbers of a column, multiplied; None unless all are plain digits, and at most so many."""
    joined = "".join(texts)
    if joined.isascii() and joined.isdigit() and all(texts) and max(map(len, texts)) <= digits:
        return [int(text) * factor for text in texts]
    return None


def event_time(option: str, text: str) -> int:
    """Returns epoch milliseconds for an option. A time without an offset is in UTC, as for the server. Raises InputError."""
    number = _NUMBER.match(text)
    if not number:
        try:
            return iso8601_to_milliseconds(text, Zone.named("UTC"))
        except ValueError as error:
            raise InputError(f"{option}: {error}, and not a number of epoch milliseconds.") from error
    milliseconds = int(number.group(1))
    if EARLIEST_MS <= milliseconds < LATEST_MS:
        return milliseconds
    if EARLIEST_MS <= milliseconds * 1000 < LATEST_MS:
        raise InputError(f"{option}: {quoted(text)} looks like epoch seconds; give milliseconds ({milliseconds}000) or an ISO 8601 time.")
    raise InputError(f"{option}: {quoted(text)} is not a time between 1980 and 2099 in epoch milliseconds.")


def search_time(option: str, text: str) -> int:
    """Returns epoch milliseconds for a time limit of a search; a span before now (`24h`, `7d`) uses this host's clock.

    Raises InputError.
    """
    span = _SPAN.match(text)
    if not span:
        return event_time(option, text)
    milliseconds = int(time.time() * 1000) - int(span.group(1)) * _MILLISECONDS[span.group(2).lower()]
    if milliseconds < EARLIEST_MS:
        raise InputError(f"{option}: {quoted(text)} reaches back further than 1980.")
    return milliseconds
