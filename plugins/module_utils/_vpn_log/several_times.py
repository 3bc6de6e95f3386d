# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Times of a log that writes them in one of several ways, depending on its version or settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._times.parsing import TimestampParser


class SeveralTimes:
    """Like one TimestampParser, for the usual format first and then the others."""

    def __init__(self, parsers: Sequence[TimestampParser]) -> None:
        self._usual = parsers[0]
        self._others = parsers[1:]

    def milliseconds(self, text: str) -> int:
        """The time in epoch milliseconds; raises ValueError with the reason of the usual format."""
        try:
            return self._usual.milliseconds(text)
        except ValueError as error:
            reason = error
        for parser in self._others:
            try:
                return parser.milliseconds(text)
            except ValueError:
                continue
        raise reason

    def column(self, texts: list[str]) -> list[int | None]:
        """A whole column at once, with None for every text that needs a look of its own."""
        times = self._usual.column(texts)
        for parser in self._others:
            if None not in times:
                break
            missing = [place for place, moment in enumerate(times) if moment is None]
            for place, moment in zip(missing, parser.column([texts[place] for place in missing])):
                times[place] = moment
        return times
