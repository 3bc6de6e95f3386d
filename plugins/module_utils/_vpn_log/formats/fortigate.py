# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Event logs of FortiGate: `tunnel-up` assigns an address, `tunnel-stats` is a sign of life, `tunnel-down` ends a session.

SSL VPN names the VPN address `tunnelip`, IPsec with mode config `assignip`. The first of the two `tunnel-up` events of an SSL login and
tunnels between sites have none. Three forms are read: `key=value`, CEF, and the CSV that FortiAnalyzer exports.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..._addresses import parse_endpoint
from ..._texts import quoted
from ..._times.timestamps import epoch_ms_to_milliseconds, iso8601_to_milliseconds
from ..csv_records import cells
from ..messages import event_fields, is_cut_event, messages_in, note_field
from ..reading import LineReader
from ..records import ALIVE, END, FAILED_LOGIN, NO_ADDRESS, OTHER_MESSAGE, REJECTED, SESSION_END, SKIPPED, START, Record
from ..syslog import count_program, is_cut_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..reading import Reading

_MARKER = re.compile(
    r'(?:(?<![\w"])logver=\d+ timestamp=\d+ (?:(?!logver=).){0,400}?)?(?<![\w"])date=\d{4}-\d\d-\d\d[ ,]+time='
    r'|CEF:\s?\d+\|Fortinet\||"itime=\d|\A\s*"date=\d{4}-|(?<![\w"=])time="?\d\d:\d\d:\d\d"?[ ,]+dev(?:name|id)=',
    re.ASCII,
)
_VPN_WORDS = re.compile(r"tunnel-(?:up|down|stats)|ssl-login-fail|ssl-new-con|tunnelip=|assignip=")
_PAIR = re.compile(
    r'\s*,?\s*(?P<name>[A-Za-z_][\w.-]*)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"(?=[\s,]|\Z)|(?P<bare>[^\s",]*)(?=[\s,]|\Z))', re.ASCII
)
_OTHER_TYPE = re.compile(r'(?<!\w)(?:type="?(?:traffic|utm|anomaly|voip|dns)"?|subtype="?(?!vpn\b)[a-z][a-z-]+"?)(?=[ ,])')
_OTHER_CEF = re.compile(r"(?<!\w)(?:FTNTFGTsubtype=(?!vpn\b)[a-z][a-z-]+(?= )|cat=(?:traffic|utm|anomaly|voip|dns|event:(?!vpn\b)))")
_TIME_FIELD = re.compile(r'(?<!\w)(?:FTNTFGT)?(eventtime|date|time|tz)=(?:"([^"]*)"|([^\s",]*))(?=[\s,])')
_NAMES = {
    "act": "action",
    "duser": "user",
    "deviceExternalId": "devid",
    "device_id": "devid",
    "rem_ip": "remip",
    "tunnel_ip": "tunnelip",
    "assigned_ip": "assignip",
    "tunnel_id": "tunnelid",
    "xauth_user": "xauthuser",
}
"""Other names of fields: those of CEF, and those of FortiOS before 5.0."""
_BEGINNINGS = ("tunnel-up", "ssl-new-con")
_OF_KEYS = ("negotiate", "install_sa", "delete_phase1_sa", "delete_ipsec_sa", "phase2-up", "phase2-down", "dpd")
"""Actions of IPsec tunnels that neither assign nor free an address."""
_KNOWN_OTHERS = re.compile(r"error|info|add|ssl-\w.*|auth-\w+|\Z")
_ACTION = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*\Z")
_EPOCH = re.compile(r"\d{10,19}\Z", re.ASCII)
_SECONDS = re.compile(r"\d{1,9}\Z", re.ASCII)
_ZONE = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d\d)?\Z", re.ASCII | re.IGNORECASE)
_DIGITS_OF_MS = 13
"""Digits of epoch milliseconds; seconds have 10 digits and nanoseconds 19 from 2001 to 2286."""
_NO_USER = ("", "N/A", "(null)")
_CUT_HEAD = re.compile(r"(?:<\d{1,3}>)?\s*(?:d|da|dat|date|date=[\d-]*(?:[ ,]+(?:t|ti|tim|time)?)?|devname=.*|devid=.*|logid=.*|\".*)\Z")
_CUT_BEFORE_ADDRESS = re.compile(r'\A[a-z]{0,8}=?"?(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:]+)"?[ ,]+"?[a-z_]+=', re.IGNORECASE)
"""The rest of a line whose beginning is lost. Rotation can cut the first line of a log; nobody has an address before it."""
_NOT_LAST = ("tunnelip", "assignip", "remip", "user", "xauthuser", "duration", "tunnelid")
_CUT = "the message is cut off or damaged"


class FortigateParser:
    """Messages of one log."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self.unknown_messages: dict[str, int] = {}
        self.other_programs: dict[str, int] = {}
        self._zone = reading.zone
        self._needs_every_time = reading.wants_usernames

    def records(self, number: int, line: str) -> Iterator[Record]:
        """The records of all messages on a line."""
        other = (_OTHER_CEF if "CEF:" in line else _OTHER_TYPE).search(line)
        if other and line.count("date=") + line.count("CEF:") == 1 and not _VPN_WORDS.search(line):
            # Most lines of a busy gateway are about traffic; reading all their fields would take ten times as long.
            self.has_recognised = True
            yield Record(number, SKIPPED, OTHER_MESSAGE, time=self._time_in(line) if self._needs_every_time else None)
            return
        try:
            messages = messages_in(line, _MARKER)
        except ValueError as error:
            self.has_recognised = True
            yield Record(number, REJECTED, str(error), text=line)
            return
        for text in messages:
            yield self._message(number, text)

    def rest(self) -> Sequence[Record]:
        """Returns nothing: each line is complete."""
        return []

    def _time_in(self, line: str) -> int | None:
        """Returns the time of a message whose other fields do not matter."""
        return self._time_or_none({name: quoted or bare for name, quoted, bare in _TIME_FIELD.findall(line)})

    def _message(self, number: int, text: str) -> Record:
        begin = _MARKER.search(text)
        if begin is None:
            is_rest = number > 1 and _CUT_BEFORE_ADDRESS.match(text)
            is_cut = is_rest or _VPN_WORDS.search(text) or _CUT_HEAD.match(text) or is_cut_head(text) or is_cut_event(text)
            if is_cut:
                return Record(number, REJECTED, _CUT, text=text)
            count_program(self.other_programs, text)
            return Record(number, SKIPPED, OTHER_MESSAGE)
        self.has_recognised = True
        try:
            fields = _fields_of(text, begin)
        except ValueError as error:
            return Record(number, REJECTED, str(error), text=text)
        try:
            return self._event(number, fields, text)._replace(device=_device(fields))
        except ValueError as error:
            return Record(number, REJECTED, str(error), time=self._time_or_none(fields), text=text)

    def _event(self, number: int, fields: Mapping[str, str], text: str) -> Record:
        action = fields.get("action", "")
        may_be_vpn = fields.get("type", "") in ("", "event") and fields.get("subtype", "") in ("", "vpn")
        last = next(reversed(list(fields)), "")
        if not action and (may_be_vpn or last in ("type", "subtype")):
            raise ValueError(f"{_CUT}: it has no action")
        if may_be_vpn and last == "action" and not text.rstrip().endswith('"'):
            raise ValueError(f"{_CUT}: it ends with the action")
        if action == "tunnel-down":
            _check_whole(fields, text)
            return self._end(number, fields)
        if action not in (*_BEGINNINGS, "tunnel-stats"):
            return self._other(number, fields, may_be_vpn=may_be_vpn)
        _check_whole(fields, text)
        ipaddr = _inside(fields)
        if ipaddr is None:
            time = self._time_or_none(fields) if self._needs_every_time else None
            return Record(number, SKIPPED, NO_ADDRESS, time=time)
        time = self._milliseconds(fields)
        reason, associated_ipaddr = None, None
        try:
            associated_ipaddr = _address(fields.get("remip", ""))
            reason = None if associated_ipaddr else NO_ADDRESS
        except ValueError as error:
            reason = str(error)
        kind = ALIVE if action == "tunnel-stats" else START
        start = self._start(fields, time) if kind == ALIVE else None
        text = text if reason else ""
        return Record(number, kind, reason, _username(fields), ipaddr, associated_ipaddr, time, start, session=_session(fields), text=text)

    def _other(self, number: int, fields: Mapping[str, str], *, may_be_vpn: bool) -> Record:
        """Reads a message that is not about a session. If it has a VPN address anyway, somebody else may have got the address."""
        action = fields.get("action", "")
        is_failure = action == "ssl-login-fail"
        reason = FAILED_LOGIN if is_failure else OTHER_MESSAGE
        ipaddr = _inside(fields) if may_be_vpn and action not in _OF_KEYS else None
        if ipaddr is None:
            return Record(number, SKIPPED, reason, time=self._time_or_none(fields) if self._needs_every_time else None)
        if not _ACTION.match(action):
            raise ValueError(f"{_CUT}: the action is {quoted(action)}")
        if not _KNOWN_OTHERS.match(action):
            self.unknown_messages[action] = self.unknown_messages.get(action, 0) + 1
        return Record(number, START if is_failure else SKIPPED, reason, _username(fields), ipaddr, None, self._milliseconds(fields))

    def _end(self, number: int, fields: Mapping[str, str]) -> Record:
        time = self._milliseconds(fields)
        return Record(
            number,
            END,
            SESSION_END,
            _username(fields),
            _inside(fields),
            _address(fields.get("remip", "")),
            time,
            self._start(fields, time),
            session=_session(fields),
        )

    def _start(self, fields: Mapping[str, str], time: int) -> int | None:
        """Returns the start of the session, from its duration so far in seconds."""
        duration = fields.get("duration", "")
        return time - int(duration) * 1000 if _SECONDS.match(duration) else None

    def _milliseconds(self, fields: Mapping[str, str]) -> int:
        """Reads `eventtime` in any of its units; without it, date, time and `tz`. Raises ValueError."""
        eventtime = fields.get("eventtime", "")
        if _EPOCH.match(eventtime):
            return epoch_ms_to_milliseconds(eventtime[:_DIGITS_OF_MS].ljust(_DIGITS_OF_MS, "0"))
        clock = f"{fields.get('date', '')}T{fields.get('time', '')}"
        return iso8601_to_milliseconds(clock + _offset(fields.get("tz", "")), self._zone)

    def _time_or_none(self, fields: Mapping[str, str]) -> int | None:
        try:
            return self._milliseconds(fields)
        except ValueError:
            return None


class FortigateReader(LineReader):
    """Reads event logs from syslog, log files and exports, with or without the header of a relay."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, FortigateParser, "an event of FortiGate (date=… time=… logid=…)")


def _fields_of(text: str, begin: re.Match[str]) -> dict[str, str]:
    """Returns the fields of a message; raises ValueError if it is incomplete or has a field twice."""
    named = event_fields(text[begin.start() :])
    if named is not None:
        fields: dict[str, str] = {}
        for name, value in named.items():
            name = name.removeprefix("FTNTFGT").removeprefix("ad.")
            note_field(fields, _NAMES.get(name, name), value)
        return fields
    if text.lstrip().startswith('"'):
        return _cells(text.strip())
    return _pairs(text, begin.start())


def _pairs(text: str, place: int) -> dict[str, str]:
    """Yields `key=value` pairs, quoted or not, separated by spaces or commas."""
    fields: dict[str, str] = {}
    text = text.rstrip()
    while place < len(text):
        match = _PAIR.match(text, place)
        if not match:
            raise ValueError(f"{_CUT} at {quoted(text[place:].strip())}")
        bare = match["bare"]
        note_field(fields, _NAMES.get(match["name"], match["name"]), bare if match["quoted"] is None else match["quoted"])
        place = match.end()
    return fields


def _cells(text: str) -> dict[str, str]:
    """Reads the CSV of FortiAnalyzer: each cell is `key=value`, with doubled quotes."""
    fields: dict[str, str] = {}
    for cell in cells(text):
        if not cell:
            continue
        name, equals, value = cell.partition("=")
        if not equals or not name.replace("_", "").isalnum():
            raise ValueError(f"{_CUT}: the cell {quoted(cell)} is not key=value")
        value = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
        if '"' in value.replace('\\"', ""):
            raise ValueError(f"{_CUT}: the cell {quoted(cell)} has a quote that is not closed")
        note_field(fields, name, value)
    return fields


def _check_whole(fields: Mapping[str, str], text: str) -> None:
    """Raises ValueError if the message may be cut off within an address: gateways write other fields after addresses."""
    last = next(reversed(list(fields)), "")
    # A closing quote, or another field about the same side, shows that the last value is complete.
    is_closed = text.rstrip().endswith('"') or any(name in fields for name in ("user", "group", "msg") if name != last)
    if last in _NOT_LAST and not is_closed:
        raise ValueError(f"{_CUT}: it ends with {last}, so its value may be incomplete")


def _inside(fields: Mapping[str, str]) -> str | None:
    return _address(fields.get("tunnelip", "")) or _address(fields.get("assignip", ""))


def _address(text: str) -> str | None:
    """The address in canonical form; None if there is none. Raises ValueError."""
    address = parse_endpoint(text)
    return address.text if address else None


def _device(fields: Mapping[str, str]) -> str:
    return (fields.get("devid") or fields.get("devname") or "").casefold()


def _session(fields: Mapping[str, str]) -> str | None:
    tunnel = fields.get("tunnelid", "")
    return f"{fields.get('devid', '')}|{tunnel}" if tunnel not in ("", "0") else None


def _username(fields: Mapping[str, str]) -> str:
    """Returns the user. For an IPsec dial-up, this is the XAuth user, because `user` is the peer there."""
    for name in ("xauthuser", "user"):
        if fields.get(name, "") not in _NO_USER:
            return fields[name]
    return ""


def _offset(zone: str) -> str:
    """Returns `tz` as an ISO 8601 offset; empty if there is none. Raises ValueError if it is not understood."""
    if not zone:
        return ""
    match = _ZONE.match(zone)
    if not match:
        raise ValueError(f"the time zone tz={quoted(zone)} is not understood")
    return f"{match[1]}{int(match[2]):02d}{match[3] or '00'}"
