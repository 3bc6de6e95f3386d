# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What became of the events, in lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .events import (
    ALREADY_ATTRIBUTED,
    AMBIGUOUS,
    ATTRIBUTED,
    FAILED,
    NO_SESSION,
    NOT_VPN,
    UNUSABLE,
)
from .texts import one_line

Record = Mapping[str, Any]
_WORDS = {
    ATTRIBUTED: "attributed to their VPN users",
    ALREADY_ATTRIBUTED: "already attributed by earlier runs",
    AMBIGUOUS: "ambiguous",
    NO_SESSION: "without a session in the log",
    NOT_VPN: "from addresses outside of the VPN networks",
    UNUSABLE: "without an address or a time",
    FAILED: "failed",
}
_ALWAYS = (ATTRIBUTED, ALREADY_ATTRIBUTED, AMBIGUOUS, NO_SESSION)
_NOT_LISTED = (ALREADY_ATTRIBUTED, NOT_VPN)


def summary(result: Record, total: int, shown: int, *, is_plan: bool) -> list[str]:
    """One line for each outcome with its number, and below it the first events with that outcome."""
    counts = result["counts"]
    lines = [f"{counts['events']} open events with a source address"]
    if total > counts["events"]:
        lines.append(f"{total - counts['events']} more were not looked at (see vpn_attribution_limit)")
    for outcome, words in _WORDS.items():
        if counts[outcome] or outcome in _ALWAYS:
            lines.append(f"{counts[outcome]} {'would be ' if is_plan and outcome == ATTRIBUTED else ''}{words}")
        if outcome not in _NOT_LISTED:
            found = [one for one in result["attributions"] if one["outcome"] == outcome]
            lines += _listed(found, shown)
    return lines


def _listed(attributions: Sequence[Record], shown: int) -> Iterator[str]:
    for found in attributions[:shown]:
        yield f"  {_place(found)}: {_said(found)}"
    if len(attributions) > shown:
        yield f"  and {len(attributions) - shown} more"


def _place(found: Record) -> str:
    name = one_line(found["event_name"]) or one_line(found["id"])
    return f"{name}, {one_line(found['ipaddr']) or 'no address'} at {found['time'] or 'no time'}"


def _said(found: Record) -> str:
    session = found["session"]
    if found["outcome"] == ATTRIBUTED and session:
        return f"{one_line(session['username']) or '(no name in the log)'} from {session['associated_ipaddr']}"
    if found["outcome"] == AMBIGUOUS:
        names = dict.fromkeys(one_line(candidate["username"]) or "(no name in the log)" for candidate in found["candidates"])
        return " or ".join(names) if len(names) > 1 else f"{len(found['candidates'])} sessions of {next(iter(names), 'nobody')}"
    return one_line(found["reason"])
