# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The results of an attribution in lines to print. What needs a person comes first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .outcomes import AMBIGUOUS, ATTRIBUTED, OUTCOMES, UNSETTLED
from .texts import one_line

Record = Mapping[str, Any]


def summary(result: Record, total: int, shown: int, *, is_plan: bool) -> list[str]:
    """One line for each outcome with its number; below it, the first events with that outcome and what would settle them."""
    counts = result["counts"]
    events = sum(1 for one in result["attributions"] if not one["part_of"])
    lines = [f"{events} open events with a source address"]
    if total > events:
        lines.append(f"{total - events} more were not looked at (see vpn_attribution_limit)")
    groups = dict.fromkeys(one["part_of"] for one in result["attributions"] if one["part_of"])
    if groups:
        lines.append(f"{counts['events'] - events} addresses in {len(groups)} open cases and detections")
    for name, outcome in OUTCOMES.items():
        found = [one for one in result["attributions"] if one["outcome"] == name]
        if found or outcome.is_always_counted:
            lines.append(f"{len(found)} {'would be ' if is_plan and name == ATTRIBUTED else ''}{outcome.counted}")
        if outcome.is_listed:
            lines += _listed(found, shown)
        if found and name in UNSETTLED:
            lines += [f"  {hint}" for hint in dict.fromkeys(one["settle"] for one in found) if hint]
    corrected = [one for one in result["attributions"] if one["removed_tags"] and (is_plan or one["changed"])]
    if corrected:
        lines.append(f"{len(corrected)} {'would be ' if is_plan else ''}corrected: the evidence no longer supports a tag of an earlier run")
        lines += [f"  {_place(one)}: {', '.join(map(one_line, one['removed_tags']))} removed" for one in corrected[:shown]]
    return lines


def _listed(attributions: Sequence[Record], shown: int) -> Iterator[str]:
    for found in attributions[:shown]:
        yield f"  {_place(found)}: {_answer(found)}"
    if len(attributions) > shown:
        yield f"  and {len(attributions) - shown} more"


def _place(found: Record) -> str:
    name = ", ".join(filter(None, [found["part_of"], one_line(found["event_name"])])) or one_line(found["id"])
    return f"{name}, {one_line(found['ipaddr']) or 'no address'} at {found['time'] or 'no time'}"


def _answer(found: Record) -> str:
    session = found["session"]
    if found["outcome"] == ATTRIBUTED and session:
        return (
            f"{one_line(session['username'] or '') or '(no name in the log)'} from {session['associated_ipaddr'] or 'an unknown address'}"
        )
    if found["outcome"] == AMBIGUOUS:
        names = dict.fromkeys(one_line(candidate["username"] or "") or "(no name in the log)" for candidate in found["candidates"])
        return " or ".join(names) if len(names) > 1 else f"{len(found['candidates'])} sessions of {next(iter(names), 'nobody')}"
    return one_line(found["reason"])
