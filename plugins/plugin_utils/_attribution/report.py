# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What the report of an attribution shows, put together so that its template only has to write it down and escape it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
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
from .timeline import Timeline, milliseconds, shown_time

Record = Mapping[str, Any]
_OUTCOMES = {
    ATTRIBUTED: ("attributed", "found now, and written to the event"),
    ALREADY_ATTRIBUTED: ("already said", "the event said so before"),
    AMBIGUOUS: ("ambiguous", "several sessions had the address"),
    NO_SESSION: ("no session", "nobody had the address then"),
    FAILED: ("failed", "the event could not be updated"),
    UNUSABLE: ("not usable", "without an address or a time"),
    NOT_VPN: ("not VPN", "outside of the VPN networks"),
}
_SKIPPED = {
    "no_address": "the VPN address or the outside address is missing",
    "failed_login": "somebody was not let in",
    "other_service": "a web page or portal of the gateway",
    "other_message": "about something else than a session",
    "session_end": "the end of a session that another row began",
    "same_session": "another sign of life of a session",
    "never_connected": "a device that was not seen yet",
}


def report(result: Record, sessions: Record, style: str, limit: int) -> dict[str, Any]:
    """Everything on the page; C(limit) bounds the rows of a table."""
    alerts = [_alert(number, found) for number, found in enumerate(_by_time(result["attributions"]))]
    listed = _listed(result["attributions"], sessions.get("sessions") or ())
    timeline = Timeline(alerts, listed[:limit], milliseconds(sessions.get("log_end")))
    return {
        "tiles": _tiles(result["counts"]),
        "days": timeline.days(),
        "days_left": timeline.days_left,
        "alerts": [alert for alert in alerts if alert["outcome"] != NOT_VPN][:limit],
        "alerts_left": max(0, sum(alert["outcome"] != NOT_VPN for alert in alerts) - limit),
        "sessions": [_session(session, timeline.hits) for session in listed[:limit]],
        "sessions_left": max(0, max(sessions["counts"]["selected"], len(listed)) - limit),
        "log": _log(sessions),
        "style": style,
        "style_hash": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    }


def _listed(attributions: Sequence[Record], sessions: Sequence[Record]) -> list[Record]:
    """The sessions that were asked for, and those that alerts fall into, which may have begun long before; by their start."""
    named = [session for found in attributions for session in ([found["session"]] if found["session"] else found["candidates"])]
    by_line = {session["line"]: session for session in (*named, *sessions)}
    return sorted(by_line.values(), key=lambda session: (session["start"], session["line"]))


def _by_time(attributions: Sequence[Record]) -> list[Record]:
    """Newest first, those without a time last."""
    return sorted(attributions, key=lambda found: found["time"] or "", reverse=True)


def _tiles(counts: Record) -> list[dict[str, Any]]:
    tiles = [{"number": counts["events"], "label": "open events", "text": "looked at", "kind": "all"}]
    for outcome, (label, text) in _OUTCOMES.items():
        if counts[outcome] or outcome in (ATTRIBUTED, ALREADY_ATTRIBUTED, AMBIGUOUS, NO_SESSION):
            tiles.append({"number": counts[outcome], "label": label, "text": text, "kind": outcome})
    return tiles


def _alert(number: int, found: Record) -> dict[str, Any]:
    session = found["session"] or {}
    return {
        "number": number,
        "id": one_line(found["id"]),
        "index": one_line(found["index"]),
        "name": one_line(found["event_name"]) or "(no name)",
        "score": found["event_score"],
        "ipaddr": one_line(found["ipaddr"]),
        "at": milliseconds(found["time"]),
        "time": shown_time(found["time"]),
        "outcome": found["outcome"],
        "label": _OUTCOMES[found["outcome"]][0],
        "reason": one_line(found["reason"]),
        "session": _person(session) if session else None,
        "candidates": [] if session else [_person(candidate) for candidate in found["candidates"]],
        "tags": [one_line(tag) for tag in found["tags"]],
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
        "line": session["line"],
        "username": one_line(session["username"]) or "(no name)",
        "real": session["associated_ipaddr"],
        "start": start,
        # The day is said once.
        "end": (end[11:] if end[:10] == start[:10] else end) or "not in the log",
    }


def _session(session: Record, hits: set[int]) -> dict[str, Any]:
    return {**_person(session), "ipaddr": session["ipaddr"], "is_hit": session["line"] in hits}


def _log(sessions: Record) -> dict[str, Any]:
    counts = sessions["counts"]
    rejected = [{"line": row["line"], "reason": one_line(row["reason"])} for row in sessions["rejected_rows"]]
    return {
        "read": counts["read"],
        "sessions": counts["sessions"],
        "skipped": [
            {"number": number, "reason": one_line(reason), "text": _SKIPPED.get(reason, "")}
            for reason, number in sorted(counts["skipped"].items())
        ],
        "rejected": counts["rejected"],
        "rejected_rows": rejected,
        "rejected_left": counts["rejected"] - len(rejected),
        "end": shown_time(sessions.get("log_end")),
    }
