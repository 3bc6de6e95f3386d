# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Lines of charon, the daemon of strongSwan: time, thread, IKE_SA and message; and the state that joins lines about one client."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ..._texts import quoted
from ..._times.parsing import TimestampParser
from ..options import DEFAULT_TIMESTAMP_FORMAT
from ..syslog import SyslogTimes, device_in

if TYPE_CHECKING:
    from ..reading import Reading

_PREFIX = re.compile(
    r"(?:(?<!\S)(?P<thread>\d{2,3})\[(?P<group>[A-Z]{3})\d?\] )?(?:<(?:(?P<connection>[^<>]*)\|)?(?P<number>\d{1,10})> )?\Z", re.ASCII
)
_OWN = re.compile(
    r"(?<!\S)\d{2,3}\[(?:DMN|MGR|IKE|CHD|JOB|CFG|KNL|NET|ASN|ENC|TNC|IMC|IMV|PTS|TLS|APP|ESP|LIB)\d?\] (?:<[^<>]*> )?", re.ASCII
)
_PROGRAM = re.compile(r"(?:\A|(?<=\s))(?:charon(?:-\w+)?|ipsec|strongswan|swanctl)(?:\[\d+\])?: ?", re.ASCII)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = re.compile(r"\d\d:\d\d:\d\d", re.ASCII)
_WHOLE_CLOCK = re.compile(rf"(?<![^\s>])(?:{_MONTH} +\d{{1,2}}[ ,\d]* |\d{{4}}-\d\d-\d\d[T ])\d\d:\d\d:\d\d", re.ASCII)
_COMMAS = re.compile(r"(?:[A-Z][a-z]{2}, )?(\d{4}-\d\d-\d\d),? +(?=\d\d:)", re.ASCII)
_PRIORITY = re.compile(r"\A(?:\d{1,6} )?<\d{1,3}>(?:1 )?")
_JSON_TIMES = ("time", "@timestamp", "timestamp", "date")
_NO_TIME = "the line has no time; set `time_format` for the file in strongswan.conf, or log to syslog"


class Line(NamedTuple):
    """A line. `thread` and `number` (of the IKE_SA) are empty if the line does not have them."""

    clock: str
    thread: str
    connection: str
    number: str
    message: str
    text: str
    microseconds: int | None = None

    @property
    def device(self) -> str:
        """The host in the head of the line."""
        return device_in(self.clock)


def line_of(text: str, begin: int) -> Line:
    """Returns the parts of a line whose message begins at this position."""
    prefix = _PREFIX.search(text, 0, begin)
    head = text[: prefix.start()] if prefix else text[:begin]
    thread, connection, number = (prefix["thread"], prefix["connection"], prefix["number"]) if prefix else (None, None, None)
    return Line(_PROGRAM.sub("", head).strip(), thread or "", connection or "", number or "", text[begin:].rstrip(), text)


def own_message(text: str) -> int | None:
    """Returns the position of the message in a line of charon; None if the line is from another program."""
    own = list(_OWN.finditer(text)) or list(_PROGRAM.finditer(text))
    return own[-1].end() if own else None


def unwrapped(text: str, fields: dict[str, object]) -> Line | None:
    """Returns the line in a JSON object of charon or of the journal; None if it is in neither form."""
    message = fields.get("msg", fields.get("MESSAGE"))
    if not isinstance(message, str):
        return None
    stamp = str(fields.get("__REALTIME_TIMESTAMP", ""))
    return Line(
        # The journal adds an exact time, and the host, which belongs to the head of a line.
        str(fields.get("_HOSTNAME", "")) if stamp else next((str(fields[name]) for name in _JSON_TIMES if name in fields), ""),
        str(fields.get("thread", fields.get("THREAD", ""))),
        str(fields.get("ikesa-name", fields.get("IKE_SA_NAME", ""))),
        str(fields.get("ikesa-uniqueid", fields.get("IKE_SA_UNIQUE_ID", ""))),
        message.rstrip(),
        text,
        int(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) < 20 else None,
    )


def json_fields(text: str) -> dict[str, object] | None:
    """Returns the fields of a JSON object; None if the text is not an object."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


class CharonTimes:
    """Reads the times of lines, in the format of the option or in a usual one."""

    def __init__(self, reading: Reading) -> None:
        self._times = SyslogTimes(reading.zone, reading.source.modified_ms)
        form = reading.timestamp_format
        self._chosen = None if form == DEFAULT_TIMESTAMP_FORMAT else TimestampParser(form, reading.zone)

    def milliseconds(self, line: Line) -> int:
        """Epoch milliseconds, whole seconds; raises ValueError."""
        if line.microseconds is not None:
            return line.microseconds // 1_000_000 * 1000
        if not line.clock:
            raise ValueError(_NO_TIME)
        if self._chosen is not None:
            return self._chosen.milliseconds(line.clock) // 1000 * 1000
        clock = _COMMAS.sub(r"\1 ", _PRIORITY.sub("", line.clock))
        if len(_CLOCK.findall(clock)) != len(_WHOLE_CLOCK.findall(clock)) or len(clock) > 300:
            raise ValueError(
                f"the time in {quoted(line.clock)} is not understood; set `timestamp_format` to the `time_format` of strongSwan"
            )
        return self._times.milliseconds(clock) // 1000 * 1000

    def milliseconds_or_none(self, line: Line) -> int | None:
        """Returns the same, or None if there is no time."""
        try:
            return self.milliseconds(line)
        except ValueError:
            return None


class Place(NamedTuple):
    """The position of a line: its number, time and thread, and the packets that the thread had processed (None if not logged)."""

    line: int
    time: int
    thread: str
    packets: int | None


@dataclass
class Sa:
    """An IKE_SA, and the addresses that were assigned to its client."""

    connection: str
    number: str
    outside: str
    identity: str
    at: Place
    leases: list[tuple[str, str]] = field(default_factory=list)

    @property
    def session(self) -> str:
        """The key of the session, as messages write it."""
        return f"{self.connection}[{self.number}]"


class Assigned(NamedTuple):
    """An address that waits for the line with the outside address of its client."""

    at: Place
    line: Line
    username: str
    ipaddr: str


def is_of(sa: Sa, assigned: Assigned) -> bool:
    """True if the address was certainly assigned to the client of this IKE_SA."""
    line = assigned.line
    if line.number:
        return line.number == sa.number and line.connection in ("", sa.connection)
    if assigned.at.thread != sa.at.thread:
        return False
    is_same_packet = bool(sa.at.thread) and sa.at.packets is not None and assigned.at.packets == sa.at.packets
    has_another = any((":" in ipaddr) == (":" in assigned.ipaddr) for ipaddr, _name in sa.leases)
    return is_same_packet or (assigned.username == sa.identity and not has_another)
