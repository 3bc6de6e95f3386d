# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The days with alerts, as a lane for each address that one of them names, with its sessions as bars. Times are in UTC."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from ipaddress import ip_address
from typing import Any

from .events import NOT_VPN
from .texts import one_line

Record = Mapping[str, Any]
_DAY = 86_400_000
_MOST_DAYS = 62
_MOST_LANES = 60
_COLOURS = 8


def milliseconds(text: str | None) -> int | None:
    """Epoch milliseconds from the ISO 8601 that modules return."""
    return None if not text else round(datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp() * 1000)


def shown_time(text: str | None) -> str:
    """A time as people read it; empty where there is none."""
    return "" if not text else str(text).replace("T", " ").replace("Z", "").partition(".")[0]


@dataclass(frozen=True)
class _Bar:
    """A session on its lane. C(is_open) is for one whose end the log does not tell."""

    session: Record
    start: int
    end: int
    is_open: bool


class Timeline:
    """What is drawn."""

    def __init__(self, alerts: Sequence[Record], sessions: Sequence[Record], log_end: int | None) -> None:
        placed = [alert for alert in alerts if alert["at"] is not None and alert["outcome"] != NOT_VPN and alert["ipaddr"]]
        self._alerts: dict[int, dict[str, list[Record]]] = {}
        for alert in placed:
            self._alerts.setdefault(alert["at"] // _DAY, {}).setdefault(alert["ipaddr"], []).append(alert)
        self.hits = {person["line"] for alert in placed for person in ([alert["session"]] if alert["session"] else alert["candidates"])}
        self.days_left = max(0, len(self._alerts) - _MOST_DAYS)
        latest = max([log_end or 0, *(alert["at"] for alert in placed)])
        self._bars = _bars_by_day(sessions, latest)

    def days(self) -> list[dict[str, Any]]:
        """The latest days with alerts, newest first."""
        return [self._day(day) for day in sorted(self._alerts, reverse=True)[:_MOST_DAYS]]

    def _day(self, day: int) -> dict[str, Any]:
        addresses = sorted(self._alerts[day], key=_address_order)
        return {
            "title": datetime.fromtimestamp(day * _DAY / 1000, tz=timezone.utc).strftime("%A, %d %B %Y"),
            "lanes": [self._lane(day, address) for address in addresses[:_MOST_LANES]],
            "lanes_left": max(0, len(addresses) - _MOST_LANES),
        }

    def _lane(self, day: int, address: str) -> dict[str, Any]:
        return {
            "label": address,
            "names": sorted({alert["session"]["username"] for alert in self._alerts[day][address] if alert["session"]}),
            "bars": [self._bar(day, stretch) for stretch in self._bars.get((day, address), ())],
            "marks": [
                {
                    "x": _percent(alert["at"] - day * _DAY),
                    "number": alert["number"],
                    "outcome": alert["outcome"],
                    "title": _mark_title(alert),
                }
                for alert in reversed(self._alerts[day][address])
            ],
        }

    def _bar(self, day: int, stretch: _Bar) -> dict[str, Any]:
        begin, end = max(stretch.start, day * _DAY), min(stretch.end, (day + 1) * _DAY)
        name = one_line(stretch.session["username"]) or "(no name)"
        until = shown_time(stretch.session["end"])[11:] or "not in the log"
        return {
            "x": _percent(begin - day * _DAY),
            "width": max(0.1, _percent(end - begin)),
            "name": name,
            "title": f"{name} from {stretch.session['associated_ipaddr']}, {shown_time(stretch.session['start'])[11:]} to {until}",
            "colour": zlib.crc32(name.encode()) % _COLOURS,
            "is_hit": stretch.session["line"] in self.hits,
            "is_open": stretch.is_open,
        }


def _bars_by_day(sessions: Sequence[Record], latest: int) -> dict[tuple[int, str], list[_Bar]]:
    """The bars on each lane of each day. A session without an end is drawn up to the next one of its address."""
    bars: dict[tuple[int, str], list[_Bar]] = {}
    next_starts: dict[str, int] = {}
    for session in reversed(sessions):
        address, start = session["ipaddr"], milliseconds(session["start"]) or 0
        end = milliseconds(session["end"])
        stretch = _Bar(session, start, max(start, next_starts.get(address, latest) if end is None else end), end is None)
        next_starts[address] = start
        first, last = stretch.start // _DAY, max(stretch.start, stretch.end - 1) // _DAY
        for day in range(first, min(last, first + _MOST_DAYS) + 1):
            bars.setdefault((day, address), []).append(stretch)
    return {place: found[::-1] for place, found in bars.items()}


def _percent(part: int) -> float:
    return round(part / _DAY * 100, 2)


def _mark_title(alert: Record) -> str:
    who = alert["session"]["username"] if alert["session"] else alert["label"]
    return f"{alert['time'][11:]} {alert['name']}: {who}"


def _address_order(text: str) -> tuple[int, int, str]:
    try:
        address = ip_address(text)
    except ValueError:
        return (9, 0, text)
    return (address.version, int(address), "")
