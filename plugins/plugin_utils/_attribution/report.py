# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The results of an attribution for people: the content of the report page, and the summary to print.

The template of the page only has to write and escape the values.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .outcomes import AMBIGUOUS, ATTRIBUTED, FAILED, NOT_VPN, OUTCOMES, UNSETTLED
from .rows import console_link
from .texts import one_line
from .timeline import Timeline, milliseconds, session_key, shown_name, shown_time

Record = Mapping[str, Any]
_SKIPPED = {
    "no_address": "the VPN address or the outside address is missing",
    "failed_login": "a login that failed",
    "other_service": "a web page or portal of the gateway",
    "other_message": "not about a session",
    "session_end": "the end of a session that another row began",
    "same_session": "another sign of life of a session",
    "never_connected": "a device that was not seen yet",
    "unfinished_line": "the last line has no line end yet",
}


@dataclass(frozen=True)
class PageOptions:
    """The options of the page. `limit` is the maximum number of rows of a table."""

    style: str = ""
    limit: int = 5000
    console_url: str = ""


def page(result: Record, sessions: Record, options: PageOptions) -> dict[str, Any]:
    """Returns the content of the page."""
    limit = options.limit
    alerts = [_alert(number, found, options.console_url) for number, found in enumerate(_by_time(result["attributions"]))]
    listed = _listed(result["attributions"], sessions.get("sessions") or ())
    timeline = Timeline(alerts, listed[:limit], sessions)
    unsettled = [alert for alert in alerts if alert["outcome"] in (*UNSETTLED, FAILED)]
    settled = [alert for alert in alerts if alert["outcome"] not in (*UNSETTLED, FAILED, NOT_VPN)]
    selected = (sessions.get("counts") or {}).get("selected") or 0
    return {
        "tiles": _tiles(result["counts"]),
        "days": timeline.days(),
        "days_left": timeline.days_left,
        "unsettled": unsettled[:limit],
        "unsettled_left": max(0, len(unsettled) - limit),
        "alerts": settled[:limit],
        "alerts_left": max(0, len(settled) - limit),
        "sessions": [_session(session, timeline.hits) for session in listed[:limit]],
        "sessions_left": max(0, max(selected, len(listed)) - limit),
        "log": _log(sessions),
        "style": options.style,
        "style_hash": base64.b64encode(hashlib.sha256(options.style.encode()).digest()).decode(),
    }


def _listed(attributions: Sequence[Record], sessions: Sequence[Record]) -> list[Record]:
    """Returns the listed sessions and those of alerts, which may have begun long before, by their start."""
    named = [session for found in attributions for session in ([found["session"]] if found["session"] else found["candidates"])]
    unique = {session_key(session): session for session in (*named, *sessions)}
    return sorted(unique.values(), key=lambda session: (session["start"] or "", session["line"] or 0))


def _by_time(attributions: Sequence[Record]) -> list[Record]:
    """Sorts alerts: newest first, those without a time last."""
    return sorted(attributions, key=lambda found: found["time"] or "", reverse=True)


def _tiles(counts: Record) -> list[dict[str, Any]]:
    tiles = [{"number": counts["events"], "label": "open events", "text": "looked at", "kind": "all"}]
    for name, outcome in OUTCOMES.items():
        if counts[name] or outcome.is_always_counted:
            tiles.append({"number": counts[name], "label": outcome.label, "text": outcome.meaning, "kind": name})
    return tiles


def _alert(number: int, found: Record, console_url: str) -> dict[str, Any]:
    session = found["session"]
    return {
        "number": number,
        "id": one_line(str(found["id"])),
        "index": one_line(found["index"]),
        "url": console_link(console_url, found),
        "name": ", ".join(filter(None, [found["part_of"], one_line(found["event_name"])])) or "(no name)",
        "score": found["event_score"],
        "ipaddr": one_line(found["ipaddr"]),
        "at": milliseconds(found["time"]),
        "time": shown_time(found["time"]),
        "outcome": found["outcome"],
        "label": OUTCOMES[found["outcome"]].label,
        "reason": one_line(found["reason"]),
        "settle": one_line(found["settle"]),
        "doubts": [one_line(words) for words in found["doubts"]],
        "session": _person(session) if session else None,
        "candidates": [] if session else [_person(candidate) for candidate in found["candidates"]],
        "tags": [one_line(tag) for tag in found["tags"]],
        "removed_tags": [one_line(tag) for tag in found["removed_tags"]],
        "comment": one_line(found["comment"]) if found["changed"] else "",
        "written": _written(found),
    }


def _written(found: Record) -> str:
    if found["outcome"] == FAILED:
        return "changed in part" if found["changed"] else "not written"
    return "written by this run" if found["changed"] else ""


def _person(session: Record) -> dict[str, Any]:
    start, end = shown_time(session["start"]), shown_time(session["end"])
    return {
        "key": session_key(session),
        "at": milliseconds(session["start"]),
        "line": session["line"],
        "username": shown_name(session),
        "real": one_line(str(session.get("associated_ipaddr") or "")) or "an unknown address",
        "start": start or "not in the log",
        # The end shows the day only if it differs from that of the start.
        "end": (end[11:] if end[:10] == start[:10] else end) or "not in the log",
        "gateway": one_line(str(session.get("gateway") or "")),
    }


def _session(session: Record, hits: set[Any]) -> dict[str, Any]:
    return {**_person(session), "ipaddr": session["ipaddr"], "is_hit": session_key(session) in hits}


def _log(sessions: Record) -> dict[str, Any]:
    counts = sessions.get("counts") or {}
    rejected = [{"line": row["line"], "reason": one_line(row["reason"])} for row in sessions.get("rejected_rows") or ()]
    return {
        "read": counts.get("read"),
        "sessions": counts.get("sessions"),
        "skipped": [
            {"number": number, "reason": one_line(reason), "text": _SKIPPED.get(reason, "")}
            for reason, number in sorted((counts.get("skipped") or {}).items())
        ],
        "other_programs": [f"{one_line(name)}: {number}" for name, number in (sessions.get("other_programs") or {}).items()],
        "rejected": counts.get("rejected") or 0,
        "rejected_rows": rejected,
        "rejected_left": (counts.get("rejected") or 0) - len(rejected),
        "end": shown_time(sessions.get("log_end")),
        "coverage": [
            {"gateway": one_line(str(span.get("gateway") or "")), "since": shown_time(span["since"]), "until": shown_time(span["until"])}
            for span in (sessions.get("coverage") or ())[:100]
            if span.get("since") and span.get("until")
        ],
    }


def summary(result: Record, sessions: Record, total: int, shown: int, *, is_plan: bool) -> list[str]:
    """Returns one line for each outcome with its number, followed by the first events with that outcome and what would settle them."""
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
            lines += _first_lines(found, shown)
        if found and name in UNSETTLED:
            lines += [f"  {hint}" for hint in dict.fromkeys(one["settle"] for one in found) if hint]
    corrected = [one for one in result["attributions"] if one["removed_tags"] and (is_plan or one["changed"])]
    if corrected:
        lines.append(f"{len(corrected)} {'would be ' if is_plan else ''}corrected: the evidence no longer supports a tag of an earlier run")
        lines += [f"  {_place(one)}: {', '.join(map(one_line, one['removed_tags']))} removed" for one in corrected[:shown]]
    programs = sorted((sessions.get("other_programs") or {}).items(), key=lambda item: (-item[1], item[0]))
    if programs:
        lines.append(f"Lines of other programs: {', '.join(f'{one_line(name)} {number}' for name, number in programs)}")
    return lines


def _first_lines(attributions: Sequence[Record], shown: int) -> Iterator[str]:
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
