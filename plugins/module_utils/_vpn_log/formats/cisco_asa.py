# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Syslog of Cisco ASA and Firepower: 722051 gives out an address, 113019 ends a session.

Both name the user and the outside address; only 722051 names the VPN address. Severities and what stands before the message differ
from site to site, so a message is found by its number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..._texts import quoted
from ..endpoints import endpoint_book
from ..line_reader import LineReader
from ..rows import (
    FAILED_LOGIN,
    NO_ADDRESS,
    OTHER_MESSAGE,
    Rejected,
    Session,
    Skipped,
)
from ..session_ends import SessionEnd
from ..syslog_times import SyslogTimes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..reading import Reading
    from ..session_ends import LoggedRow

_MESSAGE = re.compile(r"%(?:ASA|FTD)-(?:[A-Za-z]\w*-)?\d-(\d{6}):", re.ASCII)
# Names are bounded, so that a line that was made to be hard to match is not.
_ASSIGNED = re.compile(
    r"Group <.{0,300}?> User <(.{0,300}?)> IP <([^<>]*)> IPv4 Address <([^<>]*)> IPv6 address <([^<>]*)> assigned", re.IGNORECASE
)
_DISCONNECTED = re.compile(
    r"Username = (.{0,300}?), IP = ([^,]+), Session disconnected(?:\. Session Type: [^,]*, Duration: ([^,]*),)?", re.IGNORECASE
)
_DURATION = re.compile(r"(?:(\d{1,5})d ?)?(\d{1,5})h:(\d{1,2})m:(\d{1,2})s\Z", re.ASCII)
_ADDRESS_ASSIGNED = "722051"
_SESSION_DISCONNECTED = "113019"
_SESSION_STARTED = "113039"
_LOGINS_REFUSED = frozenset({"113005", "113006", "113015", "716039"})


class CiscoAsaParser:
    """Messages of one log."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self._addresses = endpoint_book()
        self._times = SyslogTimes(reading.zone, reading.source.modified_ms)

    def rows(self, number: int, line: str) -> Sequence[LoggedRow]:
        """One row; two for a client with an IPv4 and an IPv6 address."""
        message = _MESSAGE.search(line)
        if message is None:
            return [Skipped(number, OTHER_MESSAGE)]
        self.has_recognised = True
        kind = message[1]
        try:
            if kind == _ADDRESS_ASSIGNED:
                return self._sessions(number, line, message)
            if kind == _SESSION_DISCONNECTED:
                return [self._end(number, line, message)]
        except ValueError as error:
            return [Rejected(number, str(error), line)]
        if kind in _LOGINS_REFUSED:
            return [Skipped(number, FAILED_LOGIN)]
        return [Skipped(number, NO_ADDRESS if kind == _SESSION_STARTED else OTHER_MESSAGE)]

    def rest(self) -> Sequence[LoggedRow]:
        """Each line stands for itself."""
        return []

    def _sessions(self, number: int, line: str, message: re.Match[str]) -> Sequence[LoggedRow]:
        fields = _ASSIGNED.search(line, message.end())
        if not fields:
            raise _cut_off(message, line)
        username, outside, *inside = fields.groups()
        associated_ipaddr = self._addresses.lookup(outside)
        ipaddrs = [ipaddr for ipaddr in map(self._addresses.lookup, inside) if ipaddr]
        if associated_ipaddr is None or not ipaddrs:
            return [Skipped(number, NO_ADDRESS)]
        start = self._times.milliseconds(line[: message.start()])
        return [Session(number, username, ipaddr, associated_ipaddr, start, None) for ipaddr in ipaddrs]

    def _end(self, number: int, line: str, message: re.Match[str]) -> LoggedRow:
        fields = _DISCONNECTED.search(line, message.end())
        if not fields:
            raise _cut_off(message, line)
        username, outside, duration = fields.groups()
        end = self._times.milliseconds(line[: message.start()])
        return SessionEnd(number, username, None, self._addresses.lookup(outside), end, _milliseconds(duration or ""))


class CiscoAsaReader(LineReader):
    """Reads the syslog of a gateway, as it is or as a relay wrote it down."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, CiscoAsaParser, "a message of Cisco ASA or Firepower (%ASA-…, %FTD-…)")


def _milliseconds(duration: str) -> int | None:
    """A duration such as C(1d 19h:41m:14s)."""
    match = _DURATION.match(duration.strip())
    if not match:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000


def _cut_off(message: re.Match[str], line: str) -> ValueError:
    return ValueError(f"the message {message[1]} is cut off or not as it should be: {quoted(line[message.end() :].strip())}")
