# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Times in options: epoch numbers, ISO 8601, times as the log beside them has them, and in searches spans such as `24h`."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from .._errors import InputError
from .._texts import quoted
from .timestamps import EARLIEST_MS, LATEST_MS, iso8601_to_milliseconds
from .zones import Zone

if TYPE_CHECKING:
    from collections.abc import Callable

    from .parsing import TimestampParser

_NUMBER = re.compile(r"\s*(-?\d{1,20})(\.\d*)?\s*\Z", re.ASCII)
_SPAN = re.compile(r"\s*(\d{1,9})\s*([smhdw])\s*\Z", re.ASCII | re.IGNORECASE)
_MILLISECONDS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


class Moments:
    """Reads them to epoch milliseconds; `number` reads an epoch number, `zone` is for texts that carry no zone."""

    def __init__(self, timestamp_format: str, zone: Zone, number: Callable[[str], int]) -> None:
        self._format = timestamp_format
        self._zone = zone
        self._number = number
        self._parser: TimestampParser | None = None

    def milliseconds(self, value: object) -> int:
        """Raises TypeError or ValueError with a reason."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self._number(repr(value))
        if not isinstance(value, str):
            raise TypeError(
                f"timestamp: a {type(value).__name__} was given; an epoch number or a text such as 2024-05-31T08:15:00Z belongs here"
            )
        try:
            return self._by_format().milliseconds(value)
        except ValueError as error:
            first_error = error
        if value.strip().lstrip("-").replace(".", "", 1).isdigit():
            return self._number(value)
        try:
            return iso8601_to_milliseconds(value, self._zone)
        except ValueError as error:
            raise first_error if "is not ISO 8601" in str(error) else error from None

    def _by_format(self) -> TimestampParser:
        """Made with the first text: tasks that give numbers do without it."""
        if self._parser is None:
            from .parsing import TimestampParser

            self._parser = TimestampParser(self._format, self._zone)
        return self._parser


def event_time(option: str, text: str) -> int:
    """Epoch milliseconds for an option. A time without an offset is in UTC, as the server itself takes it. Raises InputError."""
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
    """Epoch milliseconds for the bound of a search, by this host's clock for a span before now (`24h`, `7d`). Raises InputError."""
    span = _SPAN.match(text)
    if not span:
        return event_time(option, text)
    milliseconds = int(time.time() * 1000) - int(span.group(1)) * _MILLISECONDS[span.group(2).lower()]
    if milliseconds < EARLIEST_MS:
        raise InputError(f"{option}: {quoted(text)} reaches back further than 1980.")
    return milliseconds
