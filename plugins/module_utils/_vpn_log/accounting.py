# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""RADIUS accounting from any server: the records of a packet.

A session is found by its number at its gateway (NAS). Packets are repeated, and their times are cut to seconds. So a start that is computed
from a duration counts as the known start if they differ by a few seconds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .._addresses import parse_endpoint
from .records import ALIVE, END, NO_ADDRESS, OTHER_MESSAGE, RESTART, SESSION_END, SKIPPED, START, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KINDS = {
    "start": START,
    "1": START,
    "stop": END,
    "2": END,
    "interim-update": ALIVE,
    "interim update": ALIVE,
    "alive": ALIVE,
    "3": ALIVE,
    "accounting-on": RESTART,
    "7": RESTART,
    "accounting-off": RESTART,
    "8": RESTART,
}
"""The meaning of the values of Acct-Status-Type, in lower case."""
_MOST_SESSIONS = 50_000
_SAME_START_MS = 5000
_SECONDS = re.compile(r"\d{1,9}\Z", re.ASCII)
_PORT = re.compile(r"([0-9A-Fa-f.:]+)\[\d{1,5}\]\Z", re.ASCII)
_ASSIGNED_LATER = ("255.255.255.254", "255.255.255.255")
"""RFC 2865: the gateway or the client chooses an address."""


class Packet(NamedTuple):
    """An accounting packet; its kind is SKIPPED if it is unknown.

    `time` is in epoch milliseconds, `seconds` is the length of the session so far.
    """

    kind: str
    username: str
    ipaddrs: Sequence[str]
    associated_ipaddr: str | None
    time: int
    seconds: int | None
    gateway: str
    session_id: str


class Accounting:
    """The packets of one log."""

    def __init__(self) -> None:
        self._starts: dict[str, int] = {}

    def records(self, number: int, packet: Packet) -> list[Record]:
        """The records of a packet: one for each VPN address, or one."""
        return [record._replace(device=packet.gateway.casefold()) for record in self._of(number, packet)]

    def _of(self, number: int, packet: Packet) -> list[Record]:
        if packet.kind == RESTART:
            return [Record(number, RESTART, OTHER_MESSAGE, time=packet.time, session=f"{packet.gateway}|")]
        session = f"{packet.gateway}|{packet.session_id}" if packet.session_id else None
        if packet.kind == SKIPPED:
            return _unknown(number, packet, session)
        start = self._start(packet, session)
        if packet.kind == END:
            return [
                Record(number, END, SESSION_END, packet.username, ipaddr, packet.associated_ipaddr, packet.time, start, session=session)
                for ipaddr in packet.ipaddrs or (None,)
            ]
        if not packet.ipaddrs:
            return [Record(number, SKIPPED, NO_ADDRESS, packet.username, time=packet.time, session=session)]
        reason = None if packet.associated_ipaddr else NO_ADDRESS
        return [
            Record(
                number,
                packet.kind,
                reason,
                packet.username,
                ipaddr,
                packet.associated_ipaddr,
                packet.time,
                start if packet.kind == ALIVE else None,
                session=session,
            )
            for ipaddr in packet.ipaddrs
        ]

    def _start(self, packet: Packet, session: str | None) -> int | None:
        """Returns the start of the session, as far as it follows from this packet or earlier ones."""
        start = None if packet.seconds is None else packet.time - packet.seconds * 1000
        if packet.kind == START:
            start = packet.time
        known = self._starts.get(session or "")
        if known is not None and (start is None or abs(known - start) <= _SAME_START_MS):
            start = known
        if session is None:
            return start
        if packet.kind == END:
            self._starts.pop(session, None)
        elif start is not None:
            if len(self._starts) >= _MOST_SESSIONS:
                self._starts.clear()
            self._starts[session] = start
        return start


def _unknown(number: int, packet: Packet, session: str | None) -> list[Record]:
    """Returns records that make the addresses of a packet of an unknown kind doubtful."""
    common = (OTHER_MESSAGE, packet.username)
    records = [Record(number, SKIPPED, *common, ipaddr, time=packet.time, session=session) for ipaddr in packet.ipaddrs]
    return records or [Record(number, SKIPPED, *common, time=packet.time)]


def inside_addresses(texts: Iterable[str]) -> list[str]:
    """Returns the VPN addresses, each once; raises ValueError for a text that is not an address."""
    found = [parse_endpoint(text) for text in texts if text not in _ASSIGNED_LATER]
    return list(dict.fromkeys(address.text for address in found if address))


def outside_address(texts: Iterable[str]) -> str | None:
    """Returns the first text that is an address, possibly with a port; telephone numbers and MAC addresses are ignored."""
    for text in texts:
        with_port = _PORT.match(text.strip())
        try:
            address = parse_endpoint(with_port[1] if with_port else text)
        except ValueError:
            continue
        if address:
            return address.text
    return None


def seconds_of(text: str) -> int | None:
    """A number of seconds; None if there is none. Raises ValueError."""
    if not text:
        return None
    if not _SECONDS.match(text):
        raise ValueError(f"{text!r} is not a number of seconds")
    return int(text)
