# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Syslog of Cisco ASA and Firepower Threat Defense.

Addresses are assigned by 722051 (AnyConnect), 751025 (IKEv2), 713228 (IKEv1), 746012 (identity firewall), 109201 (user authentication) and
737026 (address pool). Sessions end with 113019, 716002, 746013, 737016 and those of 109202 to 109213 that remove an entry. Messages are
recognised by their numbers: severity and class differ from site to site.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._addresses import parse_endpoint
from ..formats import cisco_asa_messages as patterns
from ..messages import messages_in
from ..reading import LineReader
from ..records import ALIVE, END, FAILED_LOGIN, NO_ADDRESS, OTHER_MESSAGE, REJECTED, SAME_SESSION, SESSION_END, SKIPPED, START, Record
from ..syslog import SyslogTimes, count_program, device_in, is_cut_head
from .cisco_asa_messages import Message, cut_off, milliseconds, name_and_outside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..reading import Reading

    _Reader = Callable[["CiscoAsaParser", "Message"], Sequence[Record]]

_MAX_HOLDERS = 50_000
_LONGEST_NAME = 300
_LEAST_TEXT = 12


class CiscoAsaParser:
    """Messages of one log."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self.unknown_messages: dict[str, int] = {}
        self.other_programs: dict[str, int] = {}
        self.holders: dict[str, str] = {}
        """The latest users of addresses, as far as they are kept."""
        self._times = SyslogTimes(reading.zone, reading.source.modified_ms)
        self._needs_every_time = reading.wants_usernames

    def records(self, number: int, line: str) -> Iterator[Record]:
        """The records of all messages on a line."""
        try:
            messages = messages_in(line, patterns.MARKER)
        except ValueError as error:
            self.has_recognised = True
            yield Record(number, REJECTED, str(error), text=line)
            return
        for text in messages:
            yield from self._message(number, text)

    def rest(self) -> Sequence[Record]:
        """Returns nothing: each line is complete."""
        return []

    def _message(self, number: int, text: str) -> Sequence[Record]:
        match = patterns.MARKER.search(text)
        if match is None:
            is_without_number = patterns.OF_SESSION.search(text) and patterns.BEGINNING.search(text)
            # Rotation can cut the first line of a log; nobody has an address before it.
            is_rest = number > 1 and patterns.END_OF_SESSION.search(text)
            if is_without_number or is_rest or patterns.CUT_MARKER.search(text) or is_cut_head(text):
                return [Record(number, REJECTED, _CUT, text=text)]
            count_program(self.other_programs, text)
            return [Record(number, SKIPPED, OTHER_MESSAGE)]
        self.has_recognised = True
        message = Message(number, text, match)
        read = _READERS.get(message.number)
        if read is None:
            return [self._other(message)]
        try:
            records = read(self, message)
            device = device_in(message.head) if self._needs_every_time else ""
            return [record._replace(device=device) for record in records] if device else records
        except ValueError as error:
            return [Record(number, REJECTED, str(error), text=text, time=self._time_or_none(message))]

    def _other(self, message: Message) -> Record:
        time = self._time_or_none(message) if self._needs_every_time else None
        if message.number in patterns.REFUSED:
            return Record(message.line, SKIPPED, FAILED_LOGIN, time=time)
        if message.number == patterns.SESSION_STARTED:
            return Record(message.line, SKIPPED, NO_ADDRESS, time=time)
        text = message.text
        is_known = patterns.KNOWN_OTHERS.match(message.number) is not None
        if not is_known and patterns.NAMES_USER.search(text) and patterns.INSIDE.search(text):
            self.unknown_messages[message.number] = self.unknown_messages.get(message.number, 0) + 1
        return Record(message.line, SKIPPED, OTHER_MESSAGE, time=time)

    def note_holder(self, name: str, ipaddrs: Sequence[str]) -> None:
        """Remembers to whom addresses were assigned."""
        if len(self.holders) > _MAX_HOLDERS:
            self.holders.clear()
        self.holders.update(dict.fromkeys(ipaddrs, name[:_LONGEST_NAME]))

    def time(self, message: Message) -> int:
        """The time of a message; raises ValueError."""
        return self._times.milliseconds(message.head)

    def _time_or_none(self, message: Message) -> int | None:
        try:
            return self.time(message)
        except ValueError:
            return None


class CiscoAsaReader(LineReader):
    """Reads the syslog of a gateway, directly or through a relay or collector."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, CiscoAsaParser, "a message of Cisco ASA or Firepower (%ASA-…, %FTD-…)")


_CUT = "the message is cut off"


def _assigned(parser: CiscoAsaParser, message: Message) -> Sequence[Record]:
    """Reads 722051. Other texts with this number do not assign an address."""
    match = patterns.ASSIGNED.match(message.text)
    if match:
        name, outside = name_and_outside(message, match)
        inside = [match[f"{field}{form}"] for field in ("in4", "in6") for form in ("", "_bare")]
        return _starts(parser, message, name, outside, inside)
    begins = "group".startswith(message.text[:5].casefold())
    if (begins or "assigned" in message.text) and not patterns.OTHER_TEXT.match(message.text):
        raise cut_off(message)
    return [Record(message.line, SKIPPED, OTHER_MESSAGE)]


def _assigned_ikev2(parser: CiscoAsaParser, message: Message) -> Sequence[Record]:
    match = patterns.ASSIGNED_IKEV2.match(message.text)
    if not match or " Group:" in match["name"] or (not match["version"] and " " in match["name"].strip()):
        raise cut_off(message)
    outside = match["out"]
    if not outside.startswith("["):
        # IPv6 without brackets may also have a port after its last colon.
        outside = patterns.PORT.sub("", outside)
    return _starts(parser, message, match["name"], outside, [match["in4"], match["in6"]])


def _assigned_ikev1(parser: CiscoAsaParser, message: Message) -> Sequence[Record]:
    match = patterns.ASSIGNED_IKEV1.match(message.text)
    if not match or ", IP = " in match["name"]:
        raise cut_off(message)
    return _starts(parser, message, match["name"], match["out"], [match["in4"]])


def _mapping(parser: CiscoAsaParser, message: Message) -> Sequence[Record]:
    """Reads 746012 and 746013. They contain no outside address, and only those of VPN users are about sessions. The name has a domain,
    which other messages may omit: after such a message about the same address, it is the same session.
    """
    match = patterns.MAPPING.match(message.text)
    if not match:
        raise cut_off(message)
    if "VPN user" not in match["why"]:
        return [Record(message.line, SKIPPED, OTHER_MESSAGE)]
    if message.number == "746013":
        return [Record(message.line, END, SESSION_END, ipaddr=_address(match["in4"]), time=parser.time(message))]
    return _held(parser, message, match["name"].removeprefix("LOCAL\\"), match["in4"])


def _user_authentication(parser: CiscoAsaParser, message: Message) -> Sequence[Record]:
    """Reads 109201 to 109213. They contain no outside address."""
    match = patterns.UAUTH.match(message.text)
    if not match or ", Assigned IP=" in match["name"]:
        raise cut_off(message)
    what = match["what"].lower()
    if what.startswith(("succeeded remov", "successfully remov", "removing")):
        return [Record(message.line, END, SESSION_END, match["name"], _address(match["in4"]), time=parser.time(message))]
    if what.startswith(("succeeded add", "succeeded updat", "succeeded increment")):
        return _held(parser, message, match["name"], match["in4"])
    if len(what) < _LEAST_TEXT:
        raise cut_off(message)
    return [Record(message.line, SKIPPED, OTHER_MESSAGE)]


def _held(parser: CiscoAsaParser, message: Message, name: str, inside: str) -> Sequence[Record]:
    """Reads a message that names the holder of an address: a sign of life if another message assigned it to the same user."""
    ipaddr = _address(inside)
    holder = parser.holders.get(ipaddr or "", "")
    if holder and name.rpartition("\\")[2].casefold() == holder.rpartition("\\")[2].casefold():
        return [Record(message.line, ALIVE, SAME_SESSION, holder, ipaddr, time=parser.time(message))]
    return _starts(parser, message, name, "", [inside])


def _pool(parser: CiscoAsaParser, message: Message) -> Sequence[Record]:
    """Reads 737026: an address is taken from a pool. A later message says for whom. The previous holder no longer has it."""
    match = patterns.POOL.match(message.text)
    if not match:
        raise cut_off(message)
    return [Record(message.line, END, NO_ADDRESS, ipaddr=_address(match["in4"]), time=parser.time(message))]


def _freed(parser: CiscoAsaParser, message: Message) -> Sequence[Record]:
    match = patterns.FREED.match(message.text)
    if not match:
        raise cut_off(message)
    return [Record(message.line, END, SESSION_END, ipaddr=_address(match["in4"]), time=parser.time(message))]


def _disconnected(parser: CiscoAsaParser, message: Message) -> Sequence[Record]:
    """Reads 113019. It contains no VPN address, and also ends tunnels between sites."""
    match = patterns.DISCONNECTED.match(message.text)
    if not match or ", IP = " in match["name"]:
        raise cut_off(message)
    end = parser.time(message)
    duration = milliseconds(match["duration"] or "")
    start = None if duration is None else end - duration
    return [Record(message.line, END, SESSION_END, match["name"], None, _address(match["out"]), end, start)]


def _of_user(kind: str, reason: str) -> _Reader:
    """Returns a reader of messages with group, user and outside address, but without a VPN address."""

    def read(parser: CiscoAsaParser, message: Message) -> Sequence[Record]:
        match = patterns.GROUP_USER_IP.match(message.text)
        if not match:
            raise cut_off(message)
        name, outside = name_and_outside(message, match)
        return [Record(message.line, kind, reason, name, None, _address(outside), parser.time(message))]

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
    **{str(number): _user_authentication for number in range(109201, 109214)},
}


def _starts(parser: CiscoAsaParser, message: Message, name: str, outside: str, inside: Sequence[str | None]) -> Sequence[Record]:
    """Yields a record for each VPN address, even if the outside address is missing or unreadable."""
    ipaddrs = [address for address in map(_address, inside) if address]
    if not ipaddrs:
        return [Record(message.line, SKIPPED, NO_ADDRESS)]
    start = parser.time(message)
    parser.note_holder(name, ipaddrs)
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
