# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The days with alerts: a lane for each address, with bars for its sessions and with doubtful times. Times are in UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from ipaddress import ip_address
from typing import Any

from .drawing import Bar, Look, Piece, looks, packed, percent
from .outcomes import AMBIGUOUS, DOUBTFUL, NOT_VPN
from .texts import one_line

Record = Mapping[str, Any]
DAY_MS = 86_400_000
NAMELESS = "(no name)"
_MOST_DAYS = 62
_MOST_LANES = 60
_SHORTEST_DOUBT_MS = 600_000
_LISTED_PEOPLE = 40


def milliseconds(text: str | None) -> int | None:
    """Epoch milliseconds from the ISO 8601 that modules return."""
    return None if not text else round(datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp() * 1000)


def shown_time(text: str | None) -> str:
    """Returns a time for people; empty if there is none."""
    return "" if not text else str(text).replace("T", " ").replace("Z", "").partition(".")[0]


def shown_name(session: Record) -> str:
    """Returns the name of a session's user."""
    return one_line(str(session.get("username") or "")) or NAMELESS


def session_key(session: Record) -> tuple[Any, ...]:
    """Returns a key for a session that is unique among logs and gateways."""
    return session.get("gateway"), session["ipaddr"], session["username"], session["start"], session["line"]


@dataclass(frozen=True)
class _Span:
    """A span that is doubtful or without a log. `ipaddr` None means every address."""

    since: int
    until: int
    kind: str
    title: str
    ipaddr: str | None = None


class Timeline:
    """The content of the timeline."""

    def __init__(self, alerts: Sequence[Record], sessions: Sequence[Record], read: Record) -> None:
        placed = [alert for alert in alerts if alert["at"] is not None and alert["outcome"] != NOT_VPN and alert["ipaddr"]]
        self._alerts: dict[int, dict[str, list[Record]]] = {}
        for alert in placed:
            self._alerts.setdefault(alert["at"] // DAY_MS, {}).setdefault(alert["ipaddr"], []).append(alert)
        self.hits = {person["key"] for alert in placed for person in ([alert["session"]] if alert["session"] else alert["candidates"])}
        self.days_left = max(0, len(self._alerts) - _MOST_DAYS)
        latest = max([milliseconds(read.get("log_end")) or 0, *(alert["at"] for alert in placed)])
        self._pieces = _pieces_by_day(sessions, latest)
        self._spans = [*_doubts(read.get("doubts") or ()), *_disputed(placed), *_gaps(read.get("coverage") or (), self._alerts)]
        self._looks = looks(self._people(day) for day in self._alerts)

    def days(self) -> list[dict[str, Any]]:
        """The latest days with alerts, newest first."""
        return [self._day(day) for day in sorted(self._alerts, reverse=True)[:_MOST_DAYS]]

    def _people(self, day: int) -> list[str]:
        names = {shown_name(piece.session) for address in self._alerts[day] for piece in self._pieces.get((day, address), ())}
        return sorted(names - {NAMELESS}, key=str.casefold)

    def _day(self, day: int) -> dict[str, Any]:
        addresses = sorted(self._alerts[day], key=_address_order)
        people = self._people(day)
        return {
            "title": datetime.fromtimestamp(day * DAY_MS / 1000, tz=timezone.utc).strftime("%A, %d %B %Y"),
            "lanes": [self._lane(day, address) for address in addresses[:_MOST_LANES]],
            "lanes_left": max(0, len(addresses) - _MOST_LANES),
            "people": [{"name": name, **_look_result(self._looks[name.casefold()])} for name in people[:_LISTED_PEOPLE]],
            "people_left": max(0, len(people) - _LISTED_PEOPLE),
        }

    def _lane(self, day: int, address: str) -> dict[str, Any]:
        begin = day * DAY_MS
        bars, tracks = packed(self._pieces.get((day, address), ()), begin, shown_name)
        return {
            "label": address,
            "names": sorted({alert["session"]["username"] for alert in self._alerts[day][address] if alert["session"]}),
            "tracks": tracks,
            "bars": [self._bar(segment) for segment in bars],
            "spans": [_span_result(span, begin) for span in self._spans_of(begin, address)],
            "marks": [
                {"x": percent(alert["at"] - begin), "number": alert["number"], "outcome": alert["outcome"], "title": _mark_title(alert)}
                for alert in reversed(self._alerts[day][address])
            ],
        }

    def _spans_of(self, begin: int, address: str) -> list[_Span]:
        return [
            span
            for span in self._spans
            if span.ipaddr in (None, address) and span.since < begin + DAY_MS and max(span.until, span.since + 1) > begin
        ]

    def _bar(self, segment: Bar) -> dict[str, Any]:
        session = segment.piece.session
        name, is_hit = shown_name(session), session_key(session) in self.hits
        until = shown_time(session["end"]) or "an end that is not in the log"
        outside = one_line(str(session.get("associated_ipaddr") or "an unknown address"))
        return {
            "x": segment.x,
            "width": segment.width,
            "track": segment.track,
            "name": segment.label,
            "name_x": segment.label_x,
            "is_inside": segment.is_inside,
            "title": f"{name} from {outside}, {shown_time(session['start'])} to {until}",
            **_look_result(self._looks.get(name.casefold(), Look(0, 0))),
            "is_nameless": name == NAMELESS,
            "is_hit": is_hit,
            "is_light": is_hit and segment.is_inside and name != NAMELESS,
            "is_open": segment.piece.is_open,
        }


def _pieces_by_day(sessions: Sequence[Record], latest: int) -> dict[tuple[int, str], list[Piece]]:
    """Returns the sessions of each address on each day. A session without an end is drawn up to the next session of its address."""
    pieces: dict[tuple[int, str], list[Piece]] = {}
    next_starts: dict[str, int] = {}
    for session in reversed(sessions):
        address, end = session["ipaddr"], milliseconds(session["end"])
        start = milliseconds(session["start"])
        start = (end or latest) if start is None else start
        piece = Piece(session, start, max(start, next_starts.get(address, latest) if end is None else end), end is None)
        next_starts[address] = start
        first, last = piece.start // DAY_MS, max(piece.start, piece.end - 1) // DAY_MS
        for day in range(first, min(last, first + _MOST_DAYS) + 1):
            pieces.setdefault((day, address), []).append(piece)
    return {place: found[::-1] for place, found in pieces.items()}


def _doubts(doubts: Iterable[Record]) -> list[_Span]:
    """Yields the doubts that the module found in the logs."""
    found = []
    for doubt in doubts:
        since, until = milliseconds(doubt.get("since")), milliseconds(doubt.get("until"))
        if since is not None and until is not None:
            found.append(_Span(since, until, "doubt", f"doubtful: {one_line(str(doubt.get('reason')))}", doubt.get("ipaddr")))
    return found


def _disputed(alerts: Sequence[Record]) -> list[_Span]:
    """Yields, for each doubtful alert, the time from the start of its latest candidate to the alert."""
    spans = {}
    for alert in alerts:
        if alert["outcome"] not in (DOUBTFUL, AMBIGUOUS):
            continue
        starts = [start for start in (candidate["at"] for candidate in alert["candidates"]) if start is not None and start <= alert["at"]]
        since = max([*starts, alert["at"] - DAY_MS]) if starts else alert["at"] - _SHORTEST_DOUBT_MS
        span = _Span(since, alert["at"] + _SHORTEST_DOUBT_MS, "doubt", f"{alert['label']}: {alert['reason']}", alert["ipaddr"])
        spans[span.since, span.until, span.ipaddr] = span
    return list(spans.values())


def _gaps(coverage: Sequence[Record], days: Iterable[int]) -> list[_Span]:
    """Yields the times of these days that no log covers; nothing if the coverage is unknown."""
    times = [(milliseconds(span.get("since")), milliseconds(span.get("until"))) for span in coverage]
    covered = sorted((since, until) for since, until in times if since is not None and until is not None)
    spans = []
    for day in days if covered else ():
        reached = day * DAY_MS
        for since, until in covered:
            if since >= (day + 1) * DAY_MS or until <= reached:
                continue
            if since > reached:
                spans.append(_Span(reached, since, "gap", "not covered by a log"))
            reached = max(reached, until)
        if reached < (day + 1) * DAY_MS:
            spans.append(_Span(reached, (day + 1) * DAY_MS, "gap", "not covered by a log"))
    return spans


def _span_result(span: _Span, begin: int) -> dict[str, Any]:
    since, until = max(span.since, begin), min(span.until, begin + DAY_MS)
    return {"x": percent(since - begin), "width": max(0.4, percent(until - since)), "kind": span.kind, "title": span.title}


def _look_result(look: Look) -> dict[str, int]:
    return {"colour": look.colour, "pattern": look.pattern, "number": look.number}


def _mark_title(alert: Record) -> str:
    who = alert["session"]["username"] if alert["session"] else alert["label"]
    return f"{alert['time'][11:]} {alert['name']}: {who}"


def _address_order(text: str) -> tuple[int, int, str]:
    try:
        address = ip_address(text)
    except ValueError:
        return (9, 0, text)
    return (address.version, int(address), "")
