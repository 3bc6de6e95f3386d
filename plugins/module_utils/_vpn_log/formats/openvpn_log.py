# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The log of an OpenVPN server, as a file, in syslog, or inside the log of Access Server.

`MULTI: Learn` assigns an address, and `MULTI: primary virtual IP` repeats it. A client instance that exits or restarts ends the session.
Its line contains no VPN address, only the client's name and its outside address with the port.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING

from ..._addresses import parse_endpoint
from ..._errors import InputError
from ..._texts import quoted
from ..messages import messages_in
from ..reading import LineReader
from ..records import ALIVE, END, NO_ADDRESS, OTHER_MESSAGE, REJECTED, RESTART, SAME_SESSION, SESSION_END, SKIPPED, START, Record
from ..syslog import SyslogTimes, count_program, is_cut_before_program
from .openvpn_log_lines import NO_CLIENT, Client, Instance, Line, client_of, is_part_of_message, line_of, time_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..reading import Reading

    _Handler = Callable[["OpenvpnLogParser", int, Line], Record]

_LEARN = "MULTI: Learn: "
_MARKER = re.compile(
    r"MULTI: (?P<what>Learn|Learn FAILED|Unlearn): |MULTI: (?P<primary>primary) virtual IP(?:v6)? for |"
    r"\bpeer \d+ \(.{0,300}\) (?P<floated>floated) from |"
    r"SIG[A-Z0-9]{2,5}\[[^\]]*\] received, (?P<instance>client-instance|process) |"
    r"(?P<broken>Connection reset, restarting|Inactivity timeout \(--ping-restart\), restarting)|"
    r"(?P<started>Initialization Sequence Completed)|openvpn server '(?P<pfsense>)"
)
_OWN_MESSAGES = re.compile(
    r"MULTI: |TLS: |VERIFY |MANAGEMENT: |Peer Connection Initiated with |Data Channel|Control Channel|PUSH: |SENT CONTROL |OpenVPN \d\.\d"
)
_LEARNED = re.compile(r"(?P<inside>[0-9A-Fa-f.:]+)(?P<mask>/\d{1,3})?(?P<vlan>@\S+)? -> (?P<client>.+)\Z")
_PRIMARY = re.compile(r"(?P<client>.+): (?P<inside>[0-9A-Fa-f.:]+)\Z")
_FLOATED = re.compile(r"(?P<old>\S+) to (?P<new>\S+)\Z")
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\Z", re.IGNORECASE)
_RECEIVED = re.compile(r"received, client-instance (?:exiting|restarting)\Z")
_BROKEN = re.compile(r"restarting(?: \[-?\d+\])?\Z")
_PFSENSE = re.compile(r"[^']*' user '(?P<name>.{0,300}?)' address '(?P<outside>[^']*)' - (?P<what>connecting|connected|disconnected)\Z")
_READABLE = re.compile(r"MULTI: (?:Learn|Unlearn): ([0-9A-Fa-f.:]+) ")
_MOST_CLIENTS = 50_000
_NO_TIME = "the line has no time; remove `suppress-timestamps` from the configuration of the server"


class OpenvpnLogParser:
    """Lines of one log. Remembers the addresses of each client, to recognise the second of two messages about the same address."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self.unknown_messages: dict[str, int] = {}
        self.other_programs: dict[str, int] = {}
        self._path = reading.source.path
        self._times = SyslogTimes(reading.zone, reading.source.modified_ms)
        self._clients: dict[str, Instance] = {}
        self._has_times = self._lacks_times = False

    def records(self, number: int, line: str) -> Iterator[Record]:
        """The records of all messages on a line."""
        try:
            messages = messages_in(line, _MARKER)
        except ValueError as error:
            self.has_recognised = True
            yield Record(number, REJECTED, str(error), text=line)
            return
        for text in messages:
            yield self._message(number, text)

    def rest(self) -> Sequence[Record]:
        """Returns nothing: each line is complete. Raises InputError if the server wrote no times."""
        if self._lacks_times and not self._has_times:
            raise InputError(
                f"path: no line about a client in {self._path} has a time. Remove `suppress-timestamps` from the configuration of the "
                "OpenVPN server, or let it log to syslog."
            )
        return []

    def _message(self, number: int, text: str) -> Record:
        match = _MARKER.search(text)
        if match is None:
            return self._other(number, text)
        self.has_recognised = True
        line = None
        try:
            line = line_of(text, match)
            return self._known(number, line)._replace(device=line.device)
        except ValueError as error:
            readable = _READABLE.match(text, match.start())
            ipaddr = _address_or_none(readable[1]) if readable else None
            return Record(number, REJECTED, str(error), ipaddr=ipaddr, time=self._time_or_none(line), text=text)

    def _known(self, number: int, line: Line) -> Record:
        match = line.match
        if match["what"] or match["primary"]:
            return _HANDLERS[match["what"] or match["primary"]](self, number, line)
        if match["floated"]:
            return self._floated(number, line)
        if match["started"] or match["instance"] == "process":
            return self._process(number, line)
        if match["pfsense"] is not None:
            return self._pfsense(number, line)
        return self._end(number, line)

    def _other(self, number: int, text: str) -> Record:
        if is_part_of_message(number, text) or is_cut_before_program(text):
            return Record(number, REJECTED, "the message is cut off", time=self._time_in(text), text=text)
        if _OWN_MESSAGES.search(text):
            self.has_recognised = True
        else:
            count_program(self.other_programs, text)
        return Record(number, SKIPPED, OTHER_MESSAGE, time=self._time_in(text))

    def _time_in(self, text: str) -> int | None:
        try:
            return self._times.milliseconds(time_of(text))
        except ValueError:
            return None

    def learned(self, number: int, line: Line) -> Record:
        """An address was assigned to a client, or a network or device behind it was noted."""
        match = _LEARNED.match(line.message)
        if not match:
            raise ValueError(f"the message {quoted(_LEARN + line.message)} is cut off or has another form")
        client = self._confirmed(line, match["client"])
        time = self._time(line)
        if match["vlan"] or _MAC.match(match["inside"]):
            return Record(number, SKIPPED, NO_ADDRESS, client.name, time=time)
        instance = self._instance(client.session)
        if match["mask"]:
            instance.networks.append(ip_network(match["inside"] + match["mask"], strict=False))
            return Record(number, SKIPPED, NO_ADDRESS, client.name, time=time)
        ipaddr = _address(match["inside"])
        if ipaddr is None or instance.is_behind(ipaddr):
            return Record(number, SKIPPED, NO_ADDRESS, client.name, time=time)
        instance.addresses.append(ipaddr)
        return self._start(number, line, client, ipaddr)

    def primary(self, number: int, line: Line) -> Record:
        """The server repeats an address that it has learned."""
        match = _PRIMARY.match(line.message)
        if not match:
            raise ValueError(f"the message {quoted('MULTI: primary virtual IP for ' + line.message)} is cut off or has another form")
        client, ipaddr = self._confirmed(line, match["client"]), _address(match["inside"])
        instance = self._instance(client.session)
        if ipaddr is None:
            return Record(number, SKIPPED, NO_ADDRESS, client.name, time=self._time(line))
        if ipaddr in instance.addresses:
            time, outside = self._time(line), _address_or_none(client.outside)
            return Record(number, ALIVE, SAME_SESSION, client.name, ipaddr, outside, time, session=client.session)
        if any((":" in known) == (":" in ipaddr) for known in instance.addresses):
            raise ValueError(f"the address {ipaddr} is not the one that the server learned for this client; the line may be cut off")
        instance.addresses.append(ipaddr)
        return self._start(number, line, client, ipaddr)

    def unlearned(self, number: int, line: Line) -> Record:
        """An address was withdrawn from a client."""
        match = _LEARNED.match(line.message)
        if not match:
            raise ValueError(f"the message {quoted('MULTI: Unlearn: ' + line.message)} is cut off or has another form")
        client, time = self._confirmed(line, match["client"]), self._time(line)
        if match["mask"] or match["vlan"] or _MAC.match(match["inside"]):
            return Record(number, SKIPPED, OTHER_MESSAGE, client.name, time=time)
        outside = _address_or_none(client.outside)
        return Record(number, END, SESSION_END, client.name, _address(match["inside"]), outside, time, session=client.session)

    def refused(self, number: int, line: Line) -> Record:
        """The server could not assign the address."""
        return Record(number, SKIPPED, NO_ADDRESS, time=self._time(line))

    def _end(self, number: int, line: Line) -> Record:
        message = line.match.group() + line.message
        if not (_RECEIVED.search(message) or _BROKEN.search(message)):
            raise ValueError(f"the message {quoted(message)} is cut off or has another form")
        # The server writes the client's name in brackets before some messages.
        prefix = line.prefix.rpartition(" [")[0] if line.prefix.endswith("]") and " [" in line.prefix else line.prefix
        if not prefix or prefix.startswith("["):
            return Record(number, SKIPPED, OTHER_MESSAGE, time=self._time_or_none(line))
        client = client_of(prefix)
        shorter = client.session.partition(" ")[2]
        if client.session not in self._clients and shorter in self._clients:
            raise ValueError(f"{quoted(prefix)} is not understood: {quoted(shorter)} is a client, what is before it is not its name")
        time = self._time(line)
        self._clients.pop(client.session, None)
        return Record(number, END, SESSION_END, client.name, None, _address_or_none(client.outside), time, session=client.session)

    def _floated(self, number: int, line: Line) -> Record:
        """A client continues from another outside address; the key of its session changes."""
        match = _FLOATED.match(line.message)
        if not match or not line.prefix:
            return Record(number, SKIPPED, OTHER_MESSAGE, time=self._time_or_none(line))
        old, outside = client_of(line.prefix), match["new"].replace("[AF_INET]", "").replace("[AF_INET6]", "")
        new = client_of(line.prefix.removesuffix(old.outside) + outside)
        time, associated_ipaddr = self._time(line), _address(outside)
        instance = self._clients.pop(old.session, None)
        if instance is None or len(instance.addresses) != 1:
            return Record(number, ALIVE, SAME_SESSION, new.name, None, associated_ipaddr, time, session=new.session)
        self._clients[new.session] = instance
        return Record(number, ALIVE, None, new.name, instance.addresses[0], associated_ipaddr, time, session=new.session)

    def _process(self, number: int, line: Line) -> Record:
        """The server ended or began. In syslog, other servers may write to the same log, and it is not certain whose sessions ended."""
        time = self._time_or_none(line)
        if line.outer or line.prefix or time is None:
            return Record(number, SKIPPED, OTHER_MESSAGE, time=time)
        self._clients.clear()
        return Record(number, RESTART, OTHER_MESSAGE, time=time)

    def _pfsense(self, number: int, line: Line) -> Record:
        """A message of a pfSense script. It contains no VPN address."""
        match = _PFSENSE.match(line.message)
        if not match:
            raise ValueError(f"the message {quoted(line.message)} is cut off or has another form")
        time = self._time(line)
        if match["what"] != "disconnected":
            return Record(number, SKIPPED, NO_ADDRESS, match["name"], time=time)
        session = f"{match['name']}/{match['outside']}" if re.search(r":\d+\Z", match["outside"]) else None
        return Record(number, END, SESSION_END, match["name"], None, _address_or_none(match["outside"]), time, session=session)

    def _start(self, number: int, line: Line, client: Client, ipaddr: str) -> Record:
        time, reason, associated_ipaddr = self._time(line), None, None
        try:
            associated_ipaddr = _address(client.outside)
            reason = None if associated_ipaddr else NO_ADDRESS
        except ValueError as error:
            reason = str(error)
        text = line.text if reason else ""
        return Record(number, START, reason, client.name, ipaddr, associated_ipaddr, time, session=client.session, text=text)

    def _confirmed(self, line: Line, text: str) -> Client:
        """Returns the client of a message. Raises ValueError if the line begins with a different client."""
        client = client_of(text)
        before = client_of(line.prefix) if line.prefix else NO_CLIENT
        if line.prefix and (before.outside != client.outside or before.name not in ("", client.name)):
            raise ValueError(f"the line begins with the client {quoted(line.prefix)} and is about {quoted(text)}")
        if not line.prefix and not client.has_port:
            raise ValueError(f"the client {quoted(text)} has no port, so the line may be cut off")
        return client

    def _instance(self, session: str) -> Instance:
        if session not in self._clients and len(self._clients) >= _MOST_CLIENTS:
            self._clients.clear()
        return self._clients.setdefault(session, Instance())

    def _time(self, line: Line) -> int:
        """Returns the time of a line; raises ValueError."""
        if not line.time:
            self._lacks_times = True
            raise ValueError(_NO_TIME)
        time = self._times.milliseconds(line.time)
        self._has_times = True
        return time

    def _time_or_none(self, line: Line | None) -> int | None:
        try:
            return self._times.milliseconds(line.time) if line and line.time else None
        except ValueError:
            return None


_HANDLERS: dict[str, _Handler] = {
    "Learn": OpenvpnLogParser.learned,
    "Learn FAILED": OpenvpnLogParser.refused,
    "Unlearn": OpenvpnLogParser.unlearned,
    "primary": OpenvpnLogParser.primary,
}


class OpenvpnLogReader(LineReader):
    """Reads the log of an OpenVPN server."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, OpenvpnLogParser, "a message of an OpenVPN server")


def _address(text: str) -> str | None:
    """The address in canonical form; None if there is none. Raises ValueError."""
    address = parse_endpoint(text)
    return address.text if address else None


def _address_or_none(text: str) -> str | None:
    try:
        return _address(text)
    except ValueError:
        return None
