# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security events that go with the sample log: most came from addresses that somebody of the log had just then.

As a command, it prints them as JSON, for `python -m emulator --events FILE`.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

LOG = Path(__file__).resolve().parents[2] / "playbooks" / "files" / "openvpn_access_server.csv"
INDEX = "aella-ser-1763600000000-"
UTC_HOURS = {"EDT": -4, "EST": -5}
UNREADABLE = "203.0.113.777"
"""The outside address in a row of the sample log that cannot be read."""
DOUBTFUL = ("10.8.1.51", datetime(2025, 10, 24, 14, 40, tzinfo=timezone(timedelta(0))))
"""The VPN address and a time of that row: somebody had the address, and nobody can be named."""
FINDINGS = (
    ("Large upload to a new destination", 71),
    ("Internal port scan", 64),
    ("Many failed logins, then one that worked", 88),
    ("Command line download of a program", 77),
    ("Access to a file share at an unusual time", 41),
    ("Query for a domain of malware", 93),
    ("Remote desktop to a server of finance", 52),
)


class SampleSession(NamedTuple):
    """A session of the sample log."""

    username: str
    ipaddr: str
    associated_ipaddr: str
    start: datetime
    seconds: int

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    @property
    def middle(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds // 2)


def sample_sessions() -> Iterator[SampleSession]:
    """The sessions of the sample log, read without the collection."""
    with LOG.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            written, _space, zone = str(row["Start Time"]).rpartition(" ")
            outside = row["Real Ip"] or ""
            is_readable = outside.count(":") != 1 and outside != UNREADABLE and not written.startswith("2025.11.31")
            if row["Vpn Ip"] and row["Duration"] and is_readable:
                offset = timezone(timedelta(hours=UTC_HOURS[zone]))
                start = datetime.strptime(written, "%Y.%m.%d %H:%M:%S").replace(tzinfo=offset)
                yield SampleSession(row["Username"], row["Vpn Ip"], row["Real Ip"], start, int(row["Duration"]))


def sample_events() -> list[dict[str, Any]]:
    """The events, ready to be put into the emulator."""
    sessions = [session for session in sample_sessions() if session.seconds > 1800]
    latest = max(session.start for session in sessions)
    recent = [session for session in sessions if session.start > latest - timedelta(days=4)]
    events = [_event(session.ipaddr, session.middle) for session in recent[::30]]
    # One user who was noticed three times, in the same session and in another one.
    noticed = recent[-5]
    again = next(session for session in reversed(recent[:-5]) if session.username == noticed.username)
    events += [_event(noticed.ipaddr, noticed.start + timedelta(minutes=minutes)) for minutes in (7, 23)]
    events.append(_event(again.ipaddr, again.end - timedelta(minutes=1)))
    # Before the log; not a VPN address; without an address; closed; from a row of the log that cannot be read.
    first = min(sessions, key=lambda session: session.start)
    events.append(_event(first.ipaddr, first.start - timedelta(days=3)))
    events.append(_event("198.51.100.77", recent[0].middle))
    events.append(_event("", recent[1].middle))
    events.append(_event(recent[2].ipaddr, recent[2].middle, status="Closed"))
    events.append(_event(*DOUBTFUL))
    return [
        {"_index": INDEX, "_id": f"sample-{number:03}", "_source": {**event, **_finding(number)}}
        for number, event in enumerate(events, start=1)
    ]


def _event(address: str, moment: datetime, status: str = "New") -> dict[str, Any]:
    source = {"srcip": address} if address else {}
    return {**source, "event_status": status, "event_source": "sample", "timestamp": int(moment.timestamp() * 1000)}


def _finding(number: int) -> dict[str, Any]:
    name, score = FINDINGS[number * 3 % len(FINDINGS)]
    return {"event_name": name, "event_score": score - number % 7, "severity": score - number % 11}


if __name__ == "__main__":
    json.dump(sample_events(), sys.stdout, indent=1)
