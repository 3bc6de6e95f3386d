# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""GlobalProtect events of PAN-OS: rows in the vendor's order, exports with a header, CEF, LEEF, Cortex, and SYSTEM events before 9.1.

A session appears in several events. Each successful event of a gateway with a VPN address says who had the address at that time.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from ..._addresses import parse_endpoint
from ..._texts import quoted
from ..._times.parsing import TimestampParser
from ..._times.timestamps import ISO8601, epoch_to_milliseconds
from ..._times.zones import Zone
from ..csv_records import cells
from ..formats import globalprotect_fields as fields
from ..messages import event_fields, is_cut_event, json_behind_head, messages_in, objects_in
from ..reading import LineReader
from ..records import ALIVE, END, FAILED_LOGIN, NO_ADDRESS, OTHER_MESSAGE, OTHER_SERVICE, REJECTED, SESSION_END, SKIPPED, START, Record
from ..syslog import count_program, is_cut_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..reading import Reading

_MARKER = re.compile(
    r'(?:\A|(?<=[,\t\s]))"?GLOBALPROTECT"?(?=,|\s*\Z)|(?<=,)"?SYSTEM"?,"?globalprotect"?(?=,)|(?:CEF|LEEF):\s?\d[^|]*\|Palo Alto Networks\|'
)
_OTHER_EVENT = re.compile(
    r"(?:CEF|LEEF):\s?[\d.]+\|Palo Alto Networks\|[^|]*\|[^|]*\|(?:[^|]*\|)?"
    r"(?:TRAFFIC|THREAT|CONFIG|HIPMATCH|USERID|AUTH\w*|DECRYPTION|SCTP|GTP|IPTAG|CORRELATION|URL|FILE|WILDFIRE)\|"
)
"""Events of other types, whose fields do not matter."""
_EVENT_HEAD = re.compile(r"(?:CEF|LEEF):\s?\d")
_CEF_FORMAT = "%b %d %Y %H:%M:%S"
_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S.%f",
    ISO8601,
    *(f"{_CEF_FORMAT}{fraction}{zone}" for fraction in ("", ".%f") for zone in ("", " %Z")),
)
_EPOCH = re.compile(r"[1-4]\d{9}(?:\d{3}(?:\d{3})?)?\Z", re.ASCII)
"""Epoch seconds, milliseconds or microseconds."""
_HIGH_RES = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)\Z", re.ASCII)
_NO_HIGH_RES = ("", "0", "1970-", "1969-")
_SECONDS = re.compile(r"[1-9]\d{0,8}\Z", re.ASCII)
_ENDS = ("gateway-logout", "gateway-config-release", "globalprotectgateway-logout-succ", "globalprotectgateway-config-release")
_BEGINNINGS = ("gateway-connected", "gateway-setup", "gateway-getconfig", "gateway-register", "gateway-config-succ", "gateway-regist")
_OTHER_SERVICES = ("portal-", "satellite-", "globalprotectportal-", "gateway-auth", "gateway-prelogin", "globalprotectgateway-auth")
_OFFSET_MS, _TOLERANCE_MS, _FARTHEST_MS = 900_000, 60_000, 52_200_000
"""Zones are multiples of 15 minutes apart, up to 14 hours."""
_MAX_SERIALS = 10_000
_KIND = re.compile(r'(?<=,)"?([A-Z]{4,20})"?,')
"""The type of a row of PAN-OS, such as TRAFFIC."""
_CLOCK = re.compile(r'(?<=,)"?(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)"?(?=,)', re.ASCII)


class GlobalProtectParser:
    """Events of one log."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self.unknown_messages: dict[str, int] = {}
        self.other_programs: dict[str, int] = {}
        self._path = reading.source.path
        self._zone = reading.zone
        self._needs_every_time = reading.wants_usernames
        self._times = [TimestampParser(timestamp_format, reading.zone) for timestamp_format in _FORMATS]
        self._times_in_utc = [TimestampParser(timestamp_format, Zone.named("UTC")) for timestamp_format in _FORMATS]
        self._order = fields.FieldOrder(None, self._path)
        self._with_high_res: set[str] = set()

    def records(self, number: int, line: str) -> Iterator[Record]:
        """Returns the records of a line: two for a client with an IPv4 and an IPv6 address, none for a header."""
        try:
            event = self._json_event(line)
            texts = [] if event else messages_in(line, _MARKER)
        except ValueError as error:
            self.has_recognised = True
            yield Record(number, REJECTED, str(error), text=line)
            return
        if event:
            yield from self._checked(number, event, line)
        for text in texts:
            yield from self._message(number, text)

    def rest(self) -> Sequence[Record]:
        """Returns nothing: each line is complete."""
        return []

    def _message(self, number: int, text: str) -> Sequence[Record]:
        is_marked = _MARKER.search(text) is not None
        if _OTHER_EVENT.search(text):
            self.has_recognised = True
            return [Record(number, SKIPPED, OTHER_MESSAGE)]
        try:
            if _EVENT_HEAD.search(text):
                named = event_fields(text)
                event = None if named is None else fields.named_event(named)
                if event is None and (not named or "|GLOBALPROTECT|" in text):
                    return [Record(number, REJECTED, "the row is cut off", text=text)]
            else:
                row = [cell.strip() for cell in cells(text)]
                if fields.is_header(row):
                    self.has_recognised = True
                    self._order = fields.FieldOrder(row, self._path)
                    return []
                event = self._order.event(row)
                if event is None and (
                    is_cut_head(text) or is_cut_event(text) or fields.is_cut_before_type(row) or self._is_rest(number, text)
                ):
                    return [Record(number, REJECTED, "the row is cut off", text=text)]
        except ValueError as error:
            if not is_marked and not fields.is_cut_before_type(text.split(",")) and not self._is_rest(number, text):
                count_program(self.other_programs, text)
                return [Record(number, SKIPPED, OTHER_MESSAGE)]
            self.has_recognised = True
            return [Record(number, REJECTED, str(error), text=text)]
        if event is None:
            kind = _KIND.search(text)
            count_program(self.other_programs, text, kind[1] if kind else "")
            return [Record(number, SKIPPED, OTHER_MESSAGE, time=self._time_in(text) if self._needs_every_time else None)]
        return self._checked(number, event, text)

    def _is_rest(self, number: int, text: str) -> bool:
        # Rotation can cut the first line of a log; nobody has an address before it.
        return number > 1 and fields.is_rest(text)

    def _time_in(self, text: str) -> int | None:
        """Returns the time of a row about something else: its second time, at which it was generated."""
        times = _CLOCK.findall(text)[:2]
        try:
            return self._times[0].milliseconds(times[-1]) if times else None
        except ValueError:
            return None

    def _json_event(self, line: str) -> fields.Event | None:
        """Returns the event of a JSON object with the fields, which may be nested in another object. Raises ValueError."""
        parsed = json_behind_head(line) if "{" in line else None
        events = map(fields.named_event, objects_in(parsed)) if parsed else iter(())
        return next((event for event in events if event), None)

    def _checked(self, number: int, event: fields.Event, text: str) -> Sequence[Record]:
        self.has_recognised = True
        try:
            return [record._replace(device=event.serial.casefold()) for record in self._records(number, event, text)]
        except ValueError as error:
            return [Record(number, REJECTED, str(error), time=self._time_or_none(event), text=text)]

    def _records(self, number: int, event: fields.Event, text: str) -> Sequence[Record]:
        status, name = event.status.lower(), event.event.lower()
        if status not in ("success", "failure", "failed"):
            raise ValueError(f"the status is {quoted(event.status)} and not success or failure: a value may contain a separator")
        ipaddrs = [address for address in (_address(event.private), _address(event.private6)) if address]
        time = self._time(event)
        if name.startswith(_ENDS) and status == "success":
            start = time - int(event.duration) * 1000 if _SECONDS.match(event.duration) else None
            return [
                Record(number, END, SESSION_END, event.user, ipaddr, _outside_or_none(event), time, start) for ipaddr in ipaddrs or (None,)
            ]
        if status != "success":
            return self._not_started(number, event, FAILED_LOGIN, ipaddrs if name.startswith("gateway-") else [], time)
        if not ipaddrs:
            return [Record(number, SKIPPED, NO_ADDRESS, time=time)]
        if name.startswith(_OTHER_SERVICES):
            return [Record(number, SKIPPED, OTHER_SERVICE, time=time)]
        if "gateway-" not in name:
            self.unknown_messages[event.event] = self.unknown_messages.get(event.event, 0) + 1
            return self._not_started(number, event, OTHER_MESSAGE, ipaddrs, time)
        kind = START if name.removeprefix("globalprotect").startswith(_BEGINNINGS) else ALIVE
        outside, reason = None, None
        try:
            outside = _outside(event)
            reason = None if outside else NO_ADDRESS
        except ValueError as error:
            reason = str(error)
        return [Record(number, kind, reason, event.user, ipaddr, outside, time, text=text if reason else "") for ipaddr in ipaddrs]

    def _not_started(self, number: int, event: fields.Event, reason: str, ipaddrs: list[str], time: int) -> Sequence[Record]:
        """Returns records for a row that is not an observation but may have taken these addresses."""
        if not ipaddrs:
            return [Record(number, SKIPPED, reason, time=time)]
        return [Record(number, START, reason, event.user, ipaddr, None, time) for ipaddr in ipaddrs]

    def _time(self, event: fields.Event) -> int:
        """Returns the high-resolution time, which has an offset, if it is plausible; otherwise the local time of the event."""
        high_res = event.high_res
        if high_res is None and event.serial in self._with_high_res:
            raise ValueError("the row ends before its high-resolution time, which other rows of this gateway have: it is cut off")
        if not high_res or high_res.startswith(_NO_HIGH_RES[1:]) or _EPOCH.match(event.time):
            return self._local(event)
        if high_res[0].isdigit() and not _HIGH_RES.match(high_res):
            raise ValueError(f"the high-resolution time {quoted(high_res)} is cut off or has another form")
        if not _HIGH_RES.match(high_res):
            return self._local(event)
        exact, as_utc = self._times[2].milliseconds(high_res), _first_that_fits(self._times_in_utc, event.time)
        apart = abs(exact - as_utc)
        if apart > _FARTHEST_MS or _TOLERANCE_MS < apart % _OFFSET_MS < _OFFSET_MS - _TOLERANCE_MS:
            return self._local(event)
        if event.serial and len(self._with_high_res) < _MAX_SERIALS:
            self._with_high_res.add(event.serial)
        return exact // 1000 * 1000

    def _local(self, event: fields.Event) -> int:
        if _EPOCH.match(event.time):
            return epoch_to_milliseconds(event.time[:10])
        text = f"{event.time} {event.zone}" if event.zone and event.time[:1].isalpha() and event.time[-1:].isdigit() else event.time
        return _first_that_fits(self._times, text) // 1000 * 1000

    def _time_or_none(self, event: fields.Event) -> int | None:
        try:
            return self._time(event)
        except ValueError:
            return None


class GlobalProtectReader(LineReader):
    """Reads syslog lines, with or without a header, and exports."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, GlobalProtectParser, "a GlobalProtect event of PAN-OS (a row of the type GLOBALPROTECT)")
        first_line = reading.source.first_line() or ""
        self.repeated_lines = int(fields.is_header([name.strip('"\r ') for name in first_line.split(",")]))


def _first_that_fits(parsers: Sequence[TimestampParser], text: str) -> int:
    for parser in parsers:
        with suppress(ValueError):
            return parser.milliseconds(text)
    return parsers[0].milliseconds(text)


def _outside(event: fields.Event) -> str | None:
    """Returns the public address; raises ValueError."""
    return _address(event.public) or _address(event.public6)


def _outside_or_none(event: fields.Event) -> str | None:
    try:
        return _outside(event)
    except ValueError:
        return None


def _address(text: str) -> str | None:
    address = parse_endpoint(text)
    return address.text if address else None
