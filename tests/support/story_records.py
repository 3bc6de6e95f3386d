# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories as records, without any text: what readers make of rows, with more or less in them, as formats differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import (
    ALIVE,
    END,
    REJECTED,
    RESTART,
    SNAPSHOT,
    START,
    Record,
)

from support.story_rows import BEGIN, FAILURE, FINISH, SIGN, WHOLE, Row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from support.stories import Stay, Story


@dataclass(frozen=True)
class Dialect:
    """The content of the rows of a kind of log."""

    name: str
    log_format: str = "cisco_asa"
    has_ends: bool = True
    end_has_address: bool = True
    end_has_duration: bool = False
    end_has_user: bool = True
    has_keys: bool = False
    has_signs: bool = False
    signs_have_start: bool = False
    tells_failures: bool = False
    is_export: bool = False
    is_snapshot: bool = False


DIALECTS = (
    Dialect("no ends", has_ends=False),
    Dialect("ends by user and duration", end_has_address=False, end_has_duration=True),
    Dialect("ends by address", log_format="strongswan"),
    Dialect("addresses are freed", end_has_user=False),
    Dialect("ends by key", log_format="openvpn_log", end_has_address=False, has_keys=True),
    Dialect("bare signs of life", log_format="globalprotect", has_signs=True),
    Dialect("signs with start", log_format="fortigate", has_signs=True, signs_have_start=True, end_has_duration=True),
    Dialect(
        "accounting",
        log_format="radius_detail",
        has_signs=True,
        signs_have_start=True,
        end_has_duration=True,
        has_keys=True,
        tells_failures=True,
    ),
    Dialect("export", log_format="csv", is_export=True),
    Dialect("snapshots", log_format="openvpn_status", is_snapshot=True),
)


def record(row: Row, dialect: Dialect, line: int) -> Record | None:
    """The record of a row; None where this kind of log has no such row."""
    stay, at = row.stay, row.at * 1000
    if row.kind == FAILURE:
        return Record(line, RESTART, "other_message", time=at) if dialect.tells_failures else None
    if stay is None:
        return Record(line, "skipped", "other_message", time=at)
    key = f"s{stay.number}" if dialect.has_keys else None
    if row.kind in (BEGIN, WHOLE):
        end = stay.end * 1000 if row.kind == WHOLE and not (stay.is_silent or stay.is_on) else None
        return Record(line, START, None, stay.user, stay.ipaddr, stay.outside, at, None, end, key)
    if row.kind == SIGN:
        since = stay.start * 1000 if dialect.signs_have_start else None
        return Record(line, ALIVE, None, stay.user, stay.ipaddr, stay.outside, at, since, None, key) if dialect.has_signs else None
    if row.kind == FINISH and dialect.has_ends:
        since = stay.start * 1000 if dialect.end_has_duration else None
        ipaddr = stay.ipaddr if dialect.end_has_address else None
        if not dialect.end_has_user:
            return Record(line, END, "session_end", "", ipaddr, None, at)
        return Record(line, END, "session_end", stay.user, ipaddr, stay.last_outside, at, since, None, key)
    return None


def snapshots(story: Story, gateway: str, random: Random) -> list[list[Record]]:
    """The snapshots that a status file shows every few minutes."""
    found = []
    every = random.choice((300, 900, 3600))
    for at in range(story.begin, story.end, every):
        shown = [Record(0, SNAPSHOT, "other_message", time=at * 1000)]
        shown += [
            Record(0, ALIVE, None, stay.user, stay.ipaddr, stay.outside, at * 1000, stay.start * 1000)
            for stay in stays_on(story.stays, at)
            if stay.gateway == gateway
        ]
        found.append(shown)
    return found


def spoiled(one: Record, random: Random) -> Record:
    """The rest of a row that is partly unreadable."""
    ipaddr = one.ipaddr if random.random() < 0.3 else None
    time = one.time if random.random() < 0.6 else None
    return Record(one.line, REJECTED, "it is cut off", ipaddr=ipaddr, time=time)


def moved(records: Sequence[Record], by: int) -> list[Record]:
    """The same rows by a clock that is wrong by so many milliseconds."""
    return [_moved(one, by) for one in records]


def _moved(one: Record, by: int) -> Record:
    def by_clock(time: int | None) -> int | None:
        return None if time is None else time + by

    return one._replace(time=by_clock(one.time), start=by_clock(one.start), end=by_clock(one.end))


def stays_on(stays: Sequence[Stay], at: int) -> list[Stay]:
    """Those that are active at this time."""
    return [stay for stay in stays if stay.start <= at < stay.end]
