# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Hours that a wall clock shows twice, because it goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._times.zones import Zone

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


def doubled_hours(zone: Zone | None, since: int, until: int) -> list[tuple[int, int]]:
    """The first and the last moment of each pair of such hours; none if no time was read without a zone. All in epoch milliseconds."""
    if zone is None or not zone.was_used:
        return []
    found = []
    day = since - since % _HOUR_MS
    offset = zone.offset_at(day // 1000)
    while day < until:
        next_day = min(day + _DAY_MS, until + _HOUR_MS)
        after = zone.offset_at(next_day // 1000)
        if after < offset:
            change = _change(zone, day // 1000, next_day // 1000)
            amount = offset - after
            found.append(((change - amount) * 1000, (change + amount) * 1000))
        day, offset = next_day, after
    return found


def _change(zone: Zone, before: int, after: int) -> int:
    """The second at which the offset changes between two times."""
    offset = zone.offset_at(before)
    while after - before > 1:
        middle = (before + after) // 2
        if zone.offset_at(middle) == offset:
            before = middle
        else:
            after = middle
    return after
