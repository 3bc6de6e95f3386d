# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The times in options: numbers, or texts in a format of their own or in ISO 8601."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .timestamps import iso8601_to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from .parsing import TimestampParser
    from .zones import Zone


class Moments:
    """Converts the times in options to epoch milliseconds. `number` reads an epoch number, `zone` is for texts without a zone."""

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
        """Created for the first text: tasks that use numbers do not need it."""
        if self._parser is None:
            from .parsing import TimestampParser

            self._parser = TimestampParser(self._format, self._zone)
        return self._parser
