# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Times of events: epoch milliseconds, or ISO 8601; in searches also a span before now, such as `24h`."""

from __future__ import annotations

import re
import time

from .._errors import InputError
from .._texts import quoted
from .._times.timestamps import EARLIEST_MS, LATEST_MS, iso8601_to_milliseconds
from .._times.zones import Zone

_NUMBER = re.compile(r"\s*(-?\d{1,20})(\.\d*)?\s*\Z", re.ASCII)
_SPAN = re.compile(r"\s*(\d{1,9})\s*([smhdw])\s*\Z", re.ASCII | re.IGNORECASE)
_MILLISECONDS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


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
