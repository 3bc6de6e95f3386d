# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Detail files of RADIUS servers (FreeRADIUS, GNU Radius): accounting packets of VPN gateways, one record each.

A record is a line with the time, indented lines `Name = value`, and an empty line. A record is one row, with the number of its first line.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from ..._texts import quoted
from ..._times.timestamps import epoch_to_milliseconds, iso8601_to_milliseconds
from ..accounting import KINDS, Accounting, Packet, inside_addresses, outside_address, seconds_of
from ..reading import LineReader
from ..records import OTHER_MESSAGE, REJECTED, SKIPPED, Record
from ..syslog import SyslogTimes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..reading import Reading

_ATTRIBUTE = re.compile(
    r"\s+(?P<name>[A-Za-z][\w./-]*(?::\d{1,3})?)\s*(?::|\+)?=\s*"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\{.*\}|[A-Z][a-z]{2} [ \d]\d \d{4} \d\d:\d\d:\d\d \S+|[^\s\"'][^\s\"]*)?\s*\Z"
)
_INSIDE = re.compile(r"\s+Framed-IP(?:v6)?-Address = (\S+)\Z")
_TAG = re.compile(r":\d{1,3}\Z", re.ASCII)
_ESCAPED = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_CLOCK = re.compile(r"\d\d:\d\d|\d{9}", re.ASCII)
_EPOCH = re.compile(r"\d{9,11}(?:\.\d*)?\Z", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]", re.ASCII)
_REPEATED = ("Framed-IPv6-Address",)
"""A client can have several of these. For all others, a second one with a different value belongs to another record."""
_READ = (
    "User-Name",
    "Acct-Status-Type",
    "Acct-Session-Id",
    "Acct-Session-Time",
    "Acct-Delay-Time",
    "Framed-IP-Address",
    "Framed-IPv6-Address",
    "Calling-Station-Id",
    "Tunnel-Client-Endpoint",
    "Event-Timestamp",
    "Timestamp",
    "NAS-IP-Address",
    "NAS-IPv6-Address",
    "NAS-Identifier",
    "Client-IP-Address",
    "Packet-Src-IP-Address",
)
_GATEWAYS = ("NAS-IP-Address", "NAS-IPv6-Address", "NAS-Identifier", "Client-IP-Address", "Packet-Src-IP-Address")
_NO_GATEWAYS = ("", "0.0.0.0", "127.0.0.1", "::", "::1")
_MOST_LINES = 1000
"""Maximum number of lines in a record."""
_LOST = "\0"
"""A line that could not be read."""


class RadiusDetailParser:
    """Records of one file."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self.unknown_messages: dict[str, int] = {}
        self.other_programs: dict[str, int] = {}
        self._zone = reading.zone
        self._times = SyslogTimes(reading.zone, reading.source.modified_ms)
        self._accounting = Accounting()

    def records(self, number: int, line: str) -> Sequence[Record]:
        """Returns the records of a packet, which ends with an empty line unless it is cut off."""
        header, *lines = line.split("\n")
        time = None
        self.has_recognised = self.has_recognised or any(map(_ATTRIBUTE.match, lines))
        try:
            fields = _fields_of(header, lines)
            status = _first(fields, "Acct-Status-Type").lower()
            kind = KINDS.get(status, SKIPPED)
            if not status:
                _check_header(header)
                return [Record(number, SKIPPED, OTHER_MESSAGE, time=self._time_or_none(header, fields))]
            time = self._time(header, fields)
            return self._accounting.records(number, _packet(kind, time, fields))
        except ValueError as error:
            return [Record(number, REJECTED, str(error), ipaddr=_readable(lines), time=time, text=line.rstrip("\n"))]

    def rest(self) -> Sequence[Record]:
        """Returns nothing: the reader has already joined the lines of records."""
        return []

    def _time(self, header: str, fields: Mapping[str, Sequence[str]]) -> int:
        """Returns the time of the event at the gateway; without it, the time of arrival minus the delay at the gateway."""
        event = _first(fields, "Event-Timestamp")
        received = _first(fields, "Timestamp")
        try:
            if event:
                return self._event_time(event)
        except ValueError:
            # Names of months and zones are in the server's language; the time of receipt is a number.
            if not received:
                raise
        delay = 1000 * (seconds_of(_first(fields, "Acct-Delay-Time")) or 0)
        if received:
            return epoch_to_milliseconds(received) - delay
        return self._times.milliseconds(header) - delay

    def _event_time(self, text: str) -> int:
        if _EPOCH.match(text):
            return epoch_to_milliseconds(text)
        if _ISO.match(text):
            return iso8601_to_milliseconds(text, self._zone)
        # The colon marks the word after the time as its zone.
        return self._times.milliseconds(f"{text}:")

    def _time_or_none(self, header: str, fields: Mapping[str, Sequence[str]]) -> int | None:
        try:
            return self._time(header, fields)
        except ValueError:
            return None


class RadiusDetailReader(LineReader):
    """Reads detail files."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, RadiusDetailParser, "of a RADIUS server's detail file")

    def lines(self) -> Iterator[tuple[Sequence[int], list[str]]]:
        """Yields each record as one text, with the number of its first line; a complete record ends with an empty line."""
        source = self.reading.source
        waiting: list[str] = []
        first, last = 0, 0
        for block in source.blocks():
            numbers: list[int] = []
            records: list[str] = []
            for number, line in zip(block.numbers, block.lines):
                # A line of white space may be the beginning of a line that was cut off.
                is_blank = not line
                if waiting and number != last + 1:
                    waiting.append(_LOST)
                last = number
                if waiting and (is_blank or not line[0].isspace() or len(waiting) > _MOST_LINES):
                    numbers.append(first)
                    records.append("\n".join([*waiting, ""] if is_blank else waiting))
                    waiting = []
                if not is_blank:
                    first = first if waiting else number
                    waiting.append(line)
            source.lines_held_back = len(waiting)
            yield numbers, records
        source.lines_held_back = 0
        if waiting and source.is_finished:
            yield [first], ["\n".join(waiting)]
        elif waiting and source.position() is not None:
            source.leave_unfinished(first, "\n".join(waiting))
        source.lines_held_back = len(waiting)


def _readable(lines: Sequence[str]) -> str | None:
    """Returns the VPN address in an incomplete record, if its line is complete and the rest cannot be another record's."""
    if sum("Acct-Status-Type" in line for line in lines) > 1 or any(_CLOCK.search(line) and not _ATTRIBUTE.match(line) for line in lines):
        return None
    for line in lines[:-1]:
        match = _INSIDE.match(line)
        if match:
            with suppress(ValueError):
                return next(iter(inside_addresses([match[1]])), None)
    return None


def _check_header(header: str) -> None:
    """Raises ValueError if the first line of a record is no time: the lines above it, with the status, are lost."""
    if not _CLOCK.search(header) or "=" in header:
        raise ValueError(f"the record begins with {quoted(header)} instead of a time; its beginning is missing")


def _fields_of(header: str, lines: Sequence[str]) -> dict[str, list[str]]:
    """Returns the attributes that are needed, without tags; raises ValueError if the record is incomplete."""
    if header[:1].isspace():
        raise ValueError("the record has no line with the time before it; its beginning is missing")
    if not lines or lines == [""]:
        raise ValueError("the record has no attributes")
    fields: dict[str, list[str]] = {}
    for line in lines:
        match = _ATTRIBUTE.match(line)
        if not match and line:
            raise ValueError(f"the line {quoted(line.strip())} is not Name = value; it may be cut off")
        if match:
            _note(fields, _TAG.sub("", match["name"]), _unquoted(match["value"] or ""))
    if lines[-1]:
        raise ValueError("the record is cut off: there is no empty line after it")
    return fields


def _note(fields: dict[str, list[str]], name: str, value: str) -> None:
    if name not in _READ:
        return
    values = fields.setdefault(name, [])
    if value in values:
        return
    if values and name not in _REPEATED:
        raise ValueError(f"{name} occurs twice with different values: these may be parts of two records")
    values.append(value)


def _unquoted(value: str) -> str:
    """The text between the quotes, with escapes read: `\\"`, `\\\\` and bytes such as `\\303`."""
    if value[:1] not in "\"'" or not value:
        return value
    data = _ESCAPED.sub(_byte_of, value[1:-1].encode("utf-8", "surrogateescape"))
    return data.decode("utf-8", "replace")


def _byte_of(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([int(code, 8) & 255]) if len(code) == 3 else _CONTROLS.get(code, code)


def _packet(kind: str, time: int, fields: Mapping[str, Sequence[str]]) -> Packet:
    inside = [*fields.get("Framed-IP-Address", ()), *fields.get("Framed-IPv6-Address", ())]
    outside = [_first(fields, "Calling-Station-Id"), _first(fields, "Tunnel-Client-Endpoint")]
    return Packet(
        kind=kind,
        username=_first(fields, "User-Name"),
        ipaddrs=inside_addresses(inside),
        associated_ipaddr=outside_address(outside),
        time=time,
        seconds=seconds_of(_first(fields, "Acct-Session-Time")),
        gateway=next((value for value in (_first(fields, name) for name in _GATEWAYS) if value not in _NO_GATEWAYS), ""),
        session_id=_first(fields, "Acct-Session-Id"),
    )


def _first(fields: Mapping[str, Sequence[str]], name: str) -> str:
    return fields[name][0] if fields.get(name) else ""
