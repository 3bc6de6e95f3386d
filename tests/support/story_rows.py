# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows that a gateway writes about a story, each with what it is about. Formats write them down; damage changes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.stories import Stay, Story

BEGIN = "begin"
SIGN = "sign"
FINISH = "finish"
FAILURE = "failure"
NOISE = "noise"
WHOLE = "whole"
"""One row for the whole stay."""


@dataclass(frozen=True)
class Row:
    """Something that a gateway writes at `at` (epoch seconds): the real time, whatever its clock shows."""

    at: int
    kind: str
    stay: Stay | None = None


def rows_of(story: Story, gateway: str, *, noise_every: int = 900) -> list[Row]:
    """The rows of a gateway that logs events, in the order of time. Rows before the beginning of the story are not in its log."""
    rows = [Row(at, NOISE) for at in range(story.begin, story.end + 1, noise_every)]
    for stay in story.stays:
        if stay.gateway != gateway:
            continue
        rows.append(Row(stay.start, BEGIN, stay))
        rows += [Row(at, SIGN, stay) for at in stay.signs]
        if not (stay.is_silent or stay.is_on):
            rows.append(Row(stay.end, FINISH, stay))
    rows += [Row(at, FAILURE) for name, at in story.failures if name == gateway]
    in_story = [row for row in rows if story.begin <= row.at <= story.end]
    return sorted(in_story, key=lambda row: (row.at, row.kind in (BEGIN, SIGN)))


def whole_rows_of(story: Story, gateway: str) -> list[Row]:
    """The rows of an export: a row for each stay of which the export knows the beginning."""
    own = [stay for stay in story.stays if stay.gateway == gateway and stay.start >= story.begin]
    return [Row(stay.start, WHOLE, stay) for stay in own]


def could_mean(rows: Sequence[Row], user: str, ipaddr: str, at: int, *, ends_name_users: bool = True) -> bool:
    """True if these rows are all true of another story, in which this user had the address.

    Where rows are lost without a trace, nobody can do better. The last row on the address gives it to this user, and no row after it
    belongs to a stay of somebody else that had begun by then.
    """
    own = sorted((row for row in rows if row.stay and row.stay.ipaddr == ipaddr), key=lambda row: row.at)
    before = [row for row in own if row.at <= at]
    after = next((row for row in own if row.at > at), None)
    has_it = bool(before) and before[-1].kind != FINISH and _is(before[-1], user)
    if after is None or after.kind in (BEGIN, WHOLE):
        return has_it
    if after.kind == FINISH and not ends_name_users:
        return has_it
    if _is(after, user):
        # A sign of life or an end can say since when.
        return True
    return has_it and after.stay is not None and after.stay.start > at


def _is(row: Row, user: str) -> bool:
    return row.stay is not None and row.stay.user.casefold() == user.casefold()
