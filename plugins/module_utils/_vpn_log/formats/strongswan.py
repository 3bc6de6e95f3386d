# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""The log of charon, the daemon of strongSwan, from a file, from syslog or from the journal.

The line that assigns an address contains the user. Another line, before or after it, contains the outside address: `IKE_SA … established`.
They belong together if both name the same IKE_SA. Without it, the same thread must have written them for the same login or packet. If no
other line certainly belongs to it, the address counts as taken, and its outside address is unknown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..._addresses import parse_endpoint
from ..._errors import InputError
from ..._texts import quoted
from ..messages import messages_in
from ..reading import LineReader
from ..records import END, NO_ADDRESS, OTHER_MESSAGE, REJECTED, RESTART, SESSION_END, SKIPPED, START, Record
from ..syslog import count_program, is_cut_before_program
from .strongswan_lines import Assigned, CharonTimes, Line, Place, Sa, is_of, json_fields, line_of, own_message, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..reading import Reading

_MARKER = re.compile(
    r"assigning virtual IP |IKE_SA \S{1,100}\[\d{1,10}\] (?:established|rekeyed) between |deleting IKE_SA |lease \S{1,50} by '"
)
_ASSIGNED = re.compile(r"assigning virtual IP (?P<inside>[0-9A-Fa-f.:]+) to peer '(?P<name>.*)'\Z")
_OFFLINE = re.compile(r"lease (?P<inside>[0-9A-Fa-f.:]+) by '(?P<name>.*)' went offline\Z")
_SA = re.compile(
    r"(?:deleting )?IKE_SA (?P<connection>\S+)\[(?P<number>\d+)\] (?P<what>established |rekeyed |)between "
    r"[0-9A-Fa-f.:]+\[.*\]\.\.\.(?P<outside>[0-9A-Fa-f.:%\w]+)\[(?P<identity>.*)\]\Z"
)
_STARTING = re.compile(r"[Ss]tarting (?:IKE charon daemon|charon-\w+|strongSwan)")
_PACKET = re.compile(r"received packet: from |parsed \w+ (?:request|response) ")
_BEGINNINGS = ("assigning virtual IP ", "deleting IKE_SA ", "IKE_SA ", "lease ")
_CUT_MESSAGE = re.compile(r"IKE_SA (?!deleted\Z)\S*(?: [er][a-z]*(?: b[a-z]*)?)?\Z|lease \S*(?: (?:b(?:y ?)?)?)?\Z")
_REST = re.compile(r" to peer '.*'\Z| by '.*' went offline\Z")
"""The last part of a message about an address. Rotation can cut the first line of a log; nobody has an address before it."""
_READABLE = re.compile(r"(?:assigning virtual IP|lease) ([0-9A-Fa-f.:]+) ")
_CUT_PREFIX = re.compile(r"\d{0,3}(?:\[[A-Z]{0,3}\d?)?\]?(?: ?<[^<>]*>?)?\Z", re.ASCII)
_WINDOW_MS = 10_000
_WINDOW_LINES = 500
"""The maximum distance, in time and in lines, of the two lines about one client."""
_MOST_SAS = 50_000


class StrongswanParser:
    """Lines of one log."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self.unknown_messages: dict[str, int] = {}
        self.other_programs: dict[str, int] = {}
        self._source = reading.source
        self._times = CharonTimes(reading)
        self._sas: dict[str, Sa] = {}
        self._recent: list[Sa] = []
        self._waiting: list[Assigned] = []
        self._packets: dict[str, int] = {}
        self._has_times = self._lacks_times = False

    def records(self, number: int, line: str) -> Iterator[Record]:
        """Returns the records of a line, and those of earlier lines that it completes."""
        yield from self._given_up(number, None)
        fields = json_fields(line) if line.startswith("{") else None
        wrapped = unwrapped(line, fields) if fields is not None else None
        if wrapped is not None and own_message(wrapped.message) is None:
            yield from self._read(number, wrapped)
        else:
            try:
                messages = messages_in(line, _MARKER)
            except ValueError as error:
                self.has_recognised = True
                yield Record(number, REJECTED, str(error), text=line)
                messages = []
            for text in messages:
                match = _MARKER.search(text)
                begin = match.start() if match else own_message(text)
                parts = line_of(text, len(text) if begin is None else begin)
                outer = unwrapped(line, fields) if fields is not None else None
                if outer is not None and not parts.clock:
                    parts = parts._replace(clock=outer.clock, microseconds=outer.microseconds)
                if begin is not None:
                    yield from self._read(number, parts)
                elif number > 1 and _REST.search(text):
                    yield Record(number, REJECTED, "the beginning of the message is missing", text=text)
                elif is_cut_before_program(text):
                    yield Record(number, REJECTED, "the line is cut off before its message", text=text)
                else:
                    count_program(self.other_programs, text)
                    yield Record(number, SKIPPED, OTHER_MESSAGE)
        self._source.lines_held_back = len(self._waiting) + len(self._recent)

    def rest(self) -> Iterator[Record]:
        """Returns addresses for which no outside address was found. Raises InputError if no line has a time."""
        yield from map(_without_outside, self._waiting)
        self._waiting = []
        if self._lacks_times and not self._has_times:
            raise InputError(
                f"path: no line about a client in {self._source.path} has a time. Set `time_format` for this file in strongswan.conf, "
                "for example to %Y-%m-%d %H:%M:%S, or let charon log to syslog."
            )

    def _read(self, number: int, line: Line) -> Iterator[Record]:
        self.has_recognised = True
        if not _MARKER.match(line.message):
            yield self._other(number, line)
            return
        time = self._times.milliseconds_or_none(line)
        self._has_times = self._has_times or time is not None
        self._lacks_times = self._lacks_times or time is None
        try:
            place = Place(number, self._times.milliseconds(line), line.thread, self._packets.get(line.thread))
            yield from (record if record.device else record._replace(device=line.device) for record in self._known(place, line))
        except ValueError as error:
            readable = _READABLE.match(line.message)
            ipaddr = _address_or_none(readable[1]) if readable else None
            yield Record(number, REJECTED, str(error), ipaddr=ipaddr, time=time, text=line.text)

    def _known(self, place: Place, line: Line) -> Iterator[Record]:
        yield from self._given_up(place.line, place.time)
        assigned = _ASSIGNED.match(line.message)
        if assigned:
            yield from self._assigned(Assigned(place, line, assigned["name"], _address(assigned["inside"])))
            return
        offline = _OFFLINE.match(line.message)
        if offline:
            yield Record(place.line, END, SESSION_END, offline["name"], _address(offline["inside"]), time=place.time)
            return
        sa = _SA.match(line.message)
        if line.message.startswith("deleting IKE_SA after "):
            yield Record(place.line, SKIPPED, OTHER_MESSAGE, time=place.time)
            return
        if not sa:
            raise ValueError(f"the message {quoted(line.message)} is cut off or has another form")
        if line.number and line.number != sa["number"] and not sa["what"].startswith("rekeyed"):
            raise ValueError(f"the line is of the IKE_SA {line.number} and is about {sa['number']}; these may be parts of two lines")
        found = Sa(sa["connection"], sa["number"], sa["outside"], sa["identity"], place)
        if sa["what"].startswith("established"):
            yield from self._established(found)
        elif sa["what"]:
            yield self._rekeyed(found)
        else:
            yield from self._deleted(found)

    def _other(self, number: int, line: Line) -> Record:
        """Handles a line about something else; remembers what it says about its thread."""
        message = line.message
        is_cut = not message or any(text.startswith(message) for text in _BEGINNINGS) or _CUT_MESSAGE.match(message)
        if is_cut or _CUT_PREFIX.match(message) or (number > 1 and _REST.search(message)):
            return Record(number, REJECTED, "the message is cut off", time=self._times.milliseconds_or_none(line), text=line.text)
        if _PACKET.match(message) and line.thread:
            self._packets[line.thread] = self._packets.get(line.thread, 0) + 1
        time = self._times.milliseconds_or_none(line)
        if _STARTING.match(message) and time is not None:
            self._sas, self._recent, self._packets = {}, [], {}
            return Record(number, RESTART, OTHER_MESSAGE, time=time)
        return Record(number, SKIPPED, OTHER_MESSAGE, time=time)

    def _assigned(self, assigned: Assigned) -> Iterator[Record]:
        # Numbers restart with charon, so only a recent `established` counts.
        fitting = [sa for sa in self._recent if is_of(sa, assigned)]
        if len(fitting) == 1:
            yield self._start(fitting[0], assigned)
        else:
            self._waiting.append(assigned)

    def _established(self, sa: Sa) -> Iterator[Record]:
        """A client is connected, which supplies the outside address of waiting addresses."""
        if len(self._sas) >= _MOST_SAS:
            self._sas.clear()
        known = self._sas.get(sa.number)
        if known and (known.session, known.outside, known.identity) == (sa.session, sa.outside, sa.identity):
            # The program that starts charon can write lines of charon a second time.
            sa.leases.extend(known.leases)
        self._sas[sa.number] = sa
        self._recent = [*(recent for recent in self._recent if recent.session != sa.session), sa]
        yield Record(sa.at.line, SKIPPED, OTHER_MESSAGE, time=sa.at.time)
        fitting = [assigned for assigned in self._waiting if is_of(sa, assigned)]
        families = [":" in ipaddr for ipaddr in {assigned.ipaddr for assigned in fitting}]
        if len(set(families)) < len(families) and not all(assigned.line.number for assigned in fitting):
            # Two devices of one user, which cannot be distinguished.
            return
        for assigned in fitting:
            self._waiting.remove(assigned)
            yield self._start(sa, assigned)

    def _start(self, sa: Sa, assigned: Assigned) -> Record:
        sa.leases.append((assigned.ipaddr, assigned.username))
        reason, outside, at = None, None, assigned.at
        try:
            address = parse_endpoint(sa.outside)
            outside, reason = (address.text, None) if address else (None, NO_ADDRESS)
        except ValueError as error:
            reason = str(error)
        line, text = assigned.line, assigned.line.text if reason else ""
        return Record(
            at.line, START, reason, assigned.username, assigned.ipaddr, outside, at.time, session=sa.session, text=text, device=line.device
        )

    def _rekeyed(self, new: Sa) -> Record:
        """A new IKE_SA has the addresses of an old one, which is deleted next."""
        for old in list(self._sas.values()):
            if (old.connection, old.outside, old.identity) == (new.connection, new.outside, new.identity):
                new.leases.extend(old.leases)
        self._sas[new.number] = new
        return Record(new.at.line, SKIPPED, OTHER_MESSAGE, time=new.at.time)

    def _deleted(self, gone: Sa) -> Iterator[Record]:
        """The addresses of the IKE_SA are free, unless another one has them too: a client logs in again before it leaves."""
        line, time = gone.at.line, gone.at.time
        sa = self._sas.pop(gone.number, None)
        self._recent = [recent for recent in self._recent if recent is not sa]
        if sa is None or not sa.leases:
            yield Record(line, END, SESSION_END, "", None, _address_or_none(gone.outside), time, session=gone.session)
            return
        held = {lease for other in self._sas.values() for lease in other.leases}
        leases = [lease for lease in dict.fromkeys(sa.leases) if lease not in held]
        for ipaddr, username in leases:
            yield Record(line, END, SESSION_END, username, ipaddr, _address_or_none(sa.outside), time, session=sa.session)
        if not leases:
            yield Record(line, SKIPPED, OTHER_MESSAGE, time=time)

    def _given_up(self, number: int, time: int | None) -> Iterator[Record]:
        """Returns addresses that have waited too long; earlier IKE_SAs no longer count for new lines."""

        def is_old(at: Place) -> bool:
            return number - at.line > _WINDOW_LINES or (time is not None and abs(time - at.time) > _WINDOW_MS)

        if self._waiting or self._recent:
            yield from (_without_outside(assigned) for assigned in self._waiting if is_old(assigned.at))
            self._waiting = [assigned for assigned in self._waiting if not is_old(assigned.at)]
            self._recent = [sa for sa in self._recent if not is_old(sa.at)]


class StrongswanReader(LineReader):
    """Reads the log of charon."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, StrongswanParser, "of charon, the daemon of strongSwan")


def _without_outside(assigned: Assigned) -> Record:
    line = assigned.line
    session = f"{line.connection}[{line.number}]" if line.number else None
    return Record(
        assigned.at.line, START, NO_ADDRESS, assigned.username, assigned.ipaddr, None, assigned.at.time, session=session, device=line.device
    )


def _address(text: str) -> str:
    """The address in canonical form; raises ValueError."""
    address = parse_endpoint(text)
    if address is None:
        raise ValueError(f"{quoted(text)} is not a VPN address")
    return address.text


def _address_or_none(text: str) -> str | None:
    try:
        return _address(text)
    except ValueError:
        return None
