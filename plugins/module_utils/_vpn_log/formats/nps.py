# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Accounting of Windows: the logs of Network Policy Server and of Routing and Remote Access (RRAS).

Two forms are read. Database-compatible logs are CSV without a header, with the values in a fixed order. DTS-compliant logs have an
`<Event>` with named elements on each line. The times of both are in the server's local time.
"""

from __future__ import annotations

import csv
import html
import re
from typing import TYPE_CHECKING

from ..._texts import quoted
from ..._times.timestamps import iso8601_to_milliseconds
from ..accounting import KINDS, Accounting, Packet, inside_addresses, outside_address, seconds_of
from ..messages import unwrapped
from ..reading import LineReader
from ..records import FAILED_LOGIN, OTHER_MESSAGE, REJECTED, SKIPPED, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..reading import Reading

_ROW = re.compile(r'\ufeff?"[^"]{0,300}","(?:IAS|RAS|NPS)",', re.IGNORECASE)
_EVENT = re.compile(r"\ufeff?<Event>")
_MARKER = re.compile(r"<Event>|" + _ROW.pattern, re.IGNORECASE)
_HEAD = re.compile(r"(?:<\d{1,3}>)?[^\"<>\ufeff]+(?=\"|<Event>)")
"""The head that a collector writes before a row or event."""
_ELEMENT = re.compile(r"\s*<(?P<name>[A-Za-z][\w.-]*)(?: data_type=\"\d{1,2}\")?>(?P<value>[^<>]*)</(?P=name)>")
_EVENT_END = re.compile(r"\s*</Event>\s*")
_WIDTHS = (60, 66)
"""The columns of a row: those that Microsoft lists, with and without those about proxy policies and clients."""
_PLACES = {
    "Computer-Name": 0,
    "Date": 2,
    "Time": 3,
    "Packet-Type": 4,
    "User-Name": 5,
    "Full-Name": 6,
    "Calling-Station-Id": 8,
    "Framed-IP-Address": 10,
    "NAS-Identifier": 11,
    "NAS-IP-Address": 12,
    "Client-IP-Address": 15,
    "Acct-Status-Type": 31,
    "Acct-Delay-Time": 32,
    "Acct-Session-Id": 35,
    "Acct-Session-Time": 37,
    "Tunnel-Client-Endpt": 46,
}
_GATEWAYS = ("NAS-IP-Address", "NAS-IPv6-Address", "NAS-Identifier", "Client-IP-Address", "Computer-Name")
_NO_GATEWAYS = ("", "0.0.0.0", "127.0.0.1", "::", "::1")
_CLOCK = re.compile(r"(\d\d)/(\d\d)/(\d{4}) (\d\d:\d\d:\d\d)(?:\.\d{1,7})?\Z", re.ASCII)
_PACKET_TYPE = re.compile(r"\d{1,3}\Z", re.ASCII)
_REFUSED = "3"
_MS_A_DAY = 86_400_000
_CUT = "the event is cut off or damaged"


class NpsParser:
    """Lines of one log."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self.unknown_messages: dict[str, int] = {}
        self.other_programs: dict[str, int] = {}
        self._zone = reading.zone
        self._latest = reading.source.modified_ms + _MS_A_DAY
        self._accounting = Accounting()

    def records(self, number: int, line: str) -> Iterator[Record]:
        """The records of a row, or of the events of a line."""
        try:
            texts = [_without_head(text) for text in unwrapped(line, _MARKER)]
        except ValueError as error:
            texts, reason = [line], str(error)
        else:
            reason = "the line is neither a row of a database-compatible log nor an <Event>"
        for text in texts:
            if _EVENT.match(text):
                *events, rest = text.split("</Event>")
                for event in [*(f"{event}</Event>" for event in events), *([rest] if rest.strip() else [])]:
                    yield from self._read(number, event)
            elif _ROW.match(text):
                yield from self._read(number, text)
            else:
                yield Record(number, REJECTED, reason, text=line)

    def rest(self) -> Sequence[Record]:
        """Returns nothing: each line is complete."""
        return []

    def _read(self, number: int, text: str) -> Sequence[Record]:
        self.has_recognised = True
        time = None
        try:
            fields = _event_of(text) if _EVENT.match(text) else _row_of(text)
            time = self._time(fields)
            status = fields.get("Acct-Status-Type", "").lower()
            kind = KINDS.get(status, SKIPPED)
            if fields.get("Packet-Type") == _REFUSED:
                return [Record(number, SKIPPED, FAILED_LOGIN, time=time)]
            if not status or fields.get("Packet-Type", "4") != "4":
                return [Record(number, SKIPPED, OTHER_MESSAGE, time=time)]
            return self._accounting.records(number, _packet(kind, time, fields))
        except ValueError as error:
            return [Record(number, REJECTED, str(error), time=time, text=text)]

    def _time(self, fields: Mapping[str, str]) -> int:
        """Returns the time of arrival minus the delay at the gateway; raises ValueError."""
        text = fields.get("Timestamp", "")
        match = _CLOCK.match(text)
        if not match:
            raise ValueError(f"time {quoted(text)} is not mm/dd/yyyy hh:mm:ss")
        month, day, year, clock = match.groups()
        time = iso8601_to_milliseconds(f"{year}-{month}-{day} {clock}", self._zone)
        if time > self._latest:
            raise ValueError(f"time {quoted(text)} is more than a day later than the file was last written to")
        return time - 1000 * (seconds_of(fields.get("Acct-Delay-Time", "")) or 0)


class NpsReader(LineReader):
    """Reads logs of Network Policy Server and of Routing and Remote Access."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, NpsParser, "of a log of Network Policy Server in database-compatible or DTS-compliant format")


def _without_head(text: str) -> str:
    head = _HEAD.match(text)
    return text[head.end() :] if head and _MARKER.match(text, head.end()) else text


def _row_of(text: str) -> dict[str, str]:
    """Returns the values of a row by position; raises ValueError if the row is incomplete."""
    try:
        values = next(csv.reader([text.removeprefix("\ufeff")], strict=True))
    except csv.Error as error:
        raise ValueError(f"the row is cut off or not CSV: {error}") from error
    if len(values) not in _WIDTHS:
        known = " or ".join(map(str, _WIDTHS))
        raise ValueError(f"the row has {len(values)} columns instead of {known}: it is cut off, or a value with a comma is not in quotes")
    fields = {name: values[place] for name, place in _PLACES.items()}
    for name, value in fields.items():
        if '"' in value or value != value.strip():
            raise ValueError(f"{name} is {quoted(value)}: a quote or a blank does not belong there")
    _check_packet_type(fields["Packet-Type"])
    return {**fields, "Timestamp": f"{fields['Date']} {fields['Time']}"}


def _event_of(text: str) -> dict[str, str]:
    """Returns the elements of an event; raises ValueError if the event is incomplete."""
    begin = _EVENT.match(text)
    place = begin.end() if begin else 0
    fields: dict[str, str] = {}
    element = _ELEMENT.match(text, place)
    while element:
        value = html.unescape(element["value"]).strip()
        if fields.get(element["name"], value) != value and element["name"] in (*_PLACES, "Timestamp"):
            raise ValueError(f"{element['name']} occurs twice with different values: these may be parts of two events")
        fields.setdefault(element["name"], value)
        place = element.end()
        element = _ELEMENT.match(text, place)
    if not _EVENT_END.fullmatch(text, place):
        raise ValueError(f"{_CUT} at {quoted(text[place:])}")
    _check_packet_type(fields.get("Packet-Type", "4"))
    return fields


def _check_packet_type(text: str) -> None:
    if not _PACKET_TYPE.match(text):
        raise ValueError(f"the packet type {quoted(text)} is not a number")


def _packet(kind: str, time: int, fields: Mapping[str, str]) -> Packet:
    gateway = next((fields[name] for name in _GATEWAYS if fields.get(name, "") not in _NO_GATEWAYS), "")
    return Packet(
        kind=kind,
        username=fields.get("User-Name") or fields.get("Full-Name", ""),
        ipaddrs=inside_addresses(fields.get(name, "") for name in ("Framed-IP-Address", "Framed-IPv6-Address")),
        associated_ipaddr=outside_address(fields.get(name, "") for name in ("Calling-Station-Id", "Tunnel-Client-Endpt")),
        time=time,
        seconds=seconds_of(fields.get("Acct-Session-Time", "")),
        gateway=gateway,
        session_id=fields.get("Acct-Session-Id", ""),
    )
