# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Syslog of Cisco ASA and Firepower Threat Defense.

Addresses are assigned by 722051 (AnyConnect), 751025 (IKEv2), 713228 (IKEv1), 746012 (identity firewall) and 737026 (address pool).
Sessions end with 113019, 716002, 746013 and 737016. Severity and class differ from site to site, the number does not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..._texts import quoted
from ..endpoints import parse_endpoint
from ..line_reader import LineReader
from ..messages import messages_in
from ..records import ALIVE, END, REJECTED, SKIPPED, START, Record
from ..rows import FAILED_LOGIN, NO_ADDRESS, OTHER_MESSAGE, SAME_SESSION, SESSION_END
from ..syslog_times import SyslogTimes, is_cut_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..reading import Reading

    _Reader = Callable[["CiscoAsaParser", "_Message"], Sequence[Record]]

_MARKER = re.compile(r"%(?:ASA|FTD|PIX)-(?:[A-Za-z]\w*-)?\d-(\d{6})(?=:|\Z)", re.ASCII)
_CUT_MARKER = re.compile(r"%(?:(?:ASA|FTD|PIX)(?:-[\w-]*)?|A|AS|F|FT|P|PI)?\Z", re.ASCII)
# Names are bounded, and end where their field ends: brackets belong to no name.
_ASSIGNED = re.compile(
    r"Group (?:<[^<>]{0,300}>|[^<>]{0,300}?) User (?:<(?P<name>[^<>]{0,300})>|(?P<bare>[^<>]{0,300}?)) "
    r"IP (?:<(?P<out>[^<>]*)>|(?P<out_bare>[^<>\s]+)) (?:IPv4 )?Address (?:<(?P<in4>[^<>]*)>|(?P<in4_bare>[^<>\s]+))"
    r"(?: IPv6 address (?:<(?P<in6>[^<>]*)>|(?P<in6_bare>[^<>\s]+)))? assigned to session\.?(?:\s.*)?\Z",
    re.IGNORECASE,
)
_ASSIGNED_IKEV2 = re.compile(
    r"Local:\S+ Remote:(?P<out>\S+) Username:(?P<name>.{0,300}?) (?P<version>IKEv2 )?Group:.{0,300}? "
    r"IPv4 Address=(?P<in4>\S*) IPv6 address=(?P<in6>\S*) assigned to session\.?(?:\s.*)?\Z",
    re.IGNORECASE,
)
_ASSIGNED_IKEV1 = re.compile(
    r"Group = .{0,300}?, Username = (?P<name>.{0,300}?), IP = ?(?P<out>[^,\s]*),? "
    r"Assigned private IP address (?P<in4>\S+) to remote user\.?(?:\s.*)?\Z",
    re.IGNORECASE,
)
_MAPPING = re.compile(
    r"user-identity: (?:Add|Delete) IP-User mapping (?P<in4>\S+) - (?P<name>.{1,300}?) (?:Succeeded|Failed) - (?P<why>.*)\Z"
)
_POOL = re.compile(r"IPAA: (?:Session=0x[0-9a-f]+, )?Client assigned (?P<in4>\S+) from local pool(?: .*)?\Z", re.IGNORECASE)
_FREED = re.compile(
    r"IPAA: (?:Session=0x[0-9a-f]+, )?Freeing (?:local pool )?(?:.{0,100} )?address (?P<in4>[0-9a-f.:]+?)\.?\Z", re.IGNORECASE
)
_DISCONNECTED = re.compile(
    r"Group = .{0,300}?, Username = (?P<name>.{0,300}?), IP = ?(?P<out>[^,\s]*), "
    r"Session disconnected(?:\. Session Type: [^,]*, Duration: (?P<duration>[^,]*),.*|\..*|)\Z",
    re.IGNORECASE,
)
_GROUP_USER_IP = re.compile(r"Group <[^<>]{0,300}> User <(?P<name>[^<>]{0,300})> IP <(?P<out>[^<>]*)> ", re.IGNORECASE)
_OTHER_TEXT = re.compile(_GROUP_USER_IP.pattern + r"(?!IPv|Addr)[^\W\d_]{3,}\b[^<>]*\.\Z", re.IGNORECASE)
"""What 722051 says if it assigns no address."""
_DURATION = re.compile(r"(?:(\d{1,5})d ?)?(\d{1,5})h:(\d{1,2})m:(\d{1,2})s\Z", re.ASCII)
_PORT = re.compile(r":\d{1,5}\Z", re.ASCII)
_SESSION_STARTED = "113039"
"""It comes before an address is assigned."""
_REFUSED = frozenset({"113005", "113006", "113015", "113021", "113029", "716039", "716023"})
_KNOWN_OTHERS = re.compile(r"1(?:0[4-9]|1[1-9])\d{3}|113\d{3}|2\d{5}|3\d{5}|4\d{5}|6\d{5}|716\d{3}|722\d{3}|734\d{3}|8\d{5}")
"""Messages about connections, logins, accounting and the device itself: none of them assigns an address."""
_NAMES_USER = re.compile(r"\buser(?:name)?\b\s*[<=:]?\s*\S", re.IGNORECASE)
_INSIDE = re.compile(r"(?<![\d.])(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}(?![\d.])", re.ASCII)


class _Message:
    """One message: its line, its number, what is before it and its text."""

    def __init__(self, line: int, text: str, match: re.Match[str]) -> None:
        self.line = line
        self.number = match[1]
        self.head = text[: match.start()]
        self.text = text[match.end() :].removeprefix(":").strip()
        self.whole = text


class CiscoAsaParser:
    """Messages of one log."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self.unknown_messages: dict[str, int] = {}
        self._times = SyslogTimes(reading.zone, reading.source.modified_ms)
        self._needs_every_time = reading.wants_usernames

    def records(self, number: int, line: str) -> Iterator[Record]:
        """The records of all messages on a line."""
        try:
            messages = messages_in(line, _MARKER)
        except ValueError as error:
            self.has_recognised = True
            yield Record(number, REJECTED, str(error), text=line)
            return
        for text in messages:
            yield from self._message(number, text)

    def rest(self) -> Sequence[Record]:
        """Each line is complete in itself."""
        return []

    def _message(self, number: int, text: str) -> Sequence[Record]:
        match = _MARKER.search(text)
        if match is None:
            is_cut = _CUT_MARKER.search(text) is not None or is_cut_head(text)
            return [Record(number, REJECTED, _CUT, text=text) if is_cut else Record(number, SKIPPED, OTHER_MESSAGE)]
        self.has_recognised = True
        message = _Message(number, text, match)
        read = _READERS.get(message.number)
        if read is None:
            return [self._other(message)]
        try:
            return read(self, message)
        except ValueError as error:
            return [Record(number, REJECTED, str(error), text=text, time=self._time_or_none(message))]

    def _other(self, message: _Message) -> Record:
        time = self._time_or_none(message) if self._needs_every_time else None
        if message.number in _REFUSED:
            return Record(message.line, SKIPPED, FAILED_LOGIN, time=time)
        if message.number == _SESSION_STARTED:
            return Record(message.line, SKIPPED, NO_ADDRESS, time=time)
        if not _KNOWN_OTHERS.match(message.number) and _NAMES_USER.search(message.text) and _INSIDE.search(message.text):
            self.unknown_messages[message.number] = self.unknown_messages.get(message.number, 0) + 1
        return Record(message.line, SKIPPED, OTHER_MESSAGE, time=time)

    def time(self, message: _Message) -> int:
        """The time of a message; raises ValueError."""
        return self._times.milliseconds(message.head)

    def _time_or_none(self, message: _Message) -> int | None:
        try:
            return self.time(message)
        except ValueError:
            return None


class CiscoAsaReader(LineReader):
    """Reads the syslog of a gateway, as it is or as a relay or collector wrote it."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, CiscoAsaParser, "a message of Cisco ASA or Firepower (%ASA-…, %FTD-…)")


_CUT = "the message is cut off"


def _cut_off(message: _Message) -> ValueError:
    return ValueError(f"the message {message.number} is cut off or has another form: {quoted(message.text)}")


def _assigned(parser: CiscoAsaParser, message: _Message) -> Sequence[Record]:
    """722051. Other texts with this number assign nothing."""
    match = _ASSIGNED.match(message.text)
    if match:
        name = match["name"] if match["name"] is not None else match["bare"]
        if match["bare"] and " IP " in f" {match['bare']} ":
            raise _cut_off(message)
        outside = match["out"] if match["out"] is not None else match["out_bare"]
        inside = [match[f"{field}{form}"] for field in ("in4", "in6") for form in ("", "_bare")]
        return _starts(parser, message, name, outside, inside)
    if "Group".startswith(message.text[:5]) and not _OTHER_TEXT.match(message.text):
        raise _cut_off(message)
    return [Record(message.line, SKIPPED, OTHER_MESSAGE)]


def _assigned_ikev2(parser: CiscoAsaParser, message: _Message) -> Sequence[Record]:
    match = _ASSIGNED_IKEV2.match(message.text)
    if not match or " Group:" in match["name"] or (not match["version"] and " " in match["name"].strip()):
        raise _cut_off(message)
    outside = match["out"]
    if not outside.startswith("["):
        # IPv6 without brackets has the port behind its last colon as well.
        outside = _PORT.sub("", outside)
    return _starts(parser, message, match["name"], outside, [match["in4"], match["in6"]])


def _assigned_ikev1(parser: CiscoAsaParser, message: _Message) -> Sequence[Record]:
    match = _ASSIGNED_IKEV1.match(message.text)
    if not match or ", IP = " in match["name"]:
        raise _cut_off(message)
    return _starts(parser, message, match["name"], match["out"], [match["in4"]])


def _mapping(parser: CiscoAsaParser, message: _Message) -> Sequence[Record]:
    """746012 and 746013. They name no outside address; only those of VPN users are about sessions."""
    match = _MAPPING.match(message.text)
    if not match:
        raise _cut_off(message)
    if "VPN user" not in match["why"]:
        return [Record(message.line, SKIPPED, OTHER_MESSAGE)]
    if message.number == "746013":
        return [Record(message.line, END, SESSION_END, match["name"], _address(match["in4"]), time=parser.time(message))]
    return _starts(parser, message, match["name"], "", [match["in4"]])


def _pool(parser: CiscoAsaParser, message: _Message) -> Sequence[Record]:
    """737026: an address is taken from a pool, before the message that says for whom."""
    match = _POOL.match(message.text)
    if not match:
        raise _cut_off(message)
    return _starts(parser, message, "", "", [match["in4"]])


def _freed(parser: CiscoAsaParser, message: _Message) -> Sequence[Record]:
    match = _FREED.match(message.text)
    if not match:
        if not message.text.startswith("IPAA") or "reeing" in message.text:
            raise _cut_off(message)
        return [Record(message.line, SKIPPED, OTHER_MESSAGE)]
    return [Record(message.line, END, SESSION_END, ipaddr=_address(match["in4"]), time=parser.time(message))]


def _disconnected(parser: CiscoAsaParser, message: _Message) -> Sequence[Record]:
    """113019: it names no VPN address, and also ends tunnels between sites."""
    match = _DISCONNECTED.match(message.text)
    if not match or ", IP = " in match["name"]:
        raise _cut_off(message)
    end = parser.time(message)
    duration = _milliseconds(match["duration"] or "")
    start = None if duration is None else end - duration
    return [Record(message.line, END, SESSION_END, match["name"], None, _address(match["out"]), end, start)]


def _of_user(kind: str, reason: str) -> _Reader:
    """A reader of messages that name group, user and outside address and no VPN address."""

    def read(parser: CiscoAsaParser, message: _Message) -> Sequence[Record]:
        match = _GROUP_USER_IP.match(message.text)
        if not match:
            raise _cut_off(message)
        return [Record(message.line, kind, reason, match["name"], None, _address(match["out"]), parser.time(message))]

    return read


_READERS: dict[str, _Reader] = {
    "722051": _assigned,
    "751025": _assigned_ikev2,
    "713228": _assigned_ikev1,
    "746012": _mapping,
    "746013": _mapping,
    "737026": _pool,
    "737016": _freed,
    "113019": _disconnected,
    "716002": _of_user(END, SESSION_END),
    "722033": _of_user(ALIVE, SAME_SESSION),
    "722034": _of_user(ALIVE, SAME_SESSION),
    "716059": _of_user(ALIVE, SAME_SESSION),
}


def _starts(parser: CiscoAsaParser, message: _Message, name: str, outside: str, inside: Sequence[str | None]) -> Sequence[Record]:
    """A record for each VPN address, also if the outside address is missing or unreadable."""
    ipaddrs = [address for address in map(_address, inside) if address]
    if not ipaddrs:
        return [Record(message.line, SKIPPED, NO_ADDRESS)]
    start = parser.time(message)
    reason = None
    associated_ipaddr = None
    try:
        associated_ipaddr = _address(outside)
        reason = None if associated_ipaddr else NO_ADDRESS
    except ValueError as error:
        reason = str(error)
    return [
        Record(message.line, START, reason, name, ipaddr, associated_ipaddr, start, text=message.whole if reason else "")
        for ipaddr in ipaddrs
    ]


def _address(text: str | None) -> str | None:
    """The address in canonical form; None if there is none. Raises ValueError."""
    address = parse_endpoint(text or "")
    return address.text if address else None


def _milliseconds(duration: str) -> int | None:
    """A duration such as `1d 19h:41m:14s`."""
    match = _DURATION.match(duration.strip())
    if not match:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
