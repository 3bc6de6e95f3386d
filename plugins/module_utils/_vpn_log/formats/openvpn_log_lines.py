# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Splits a line of an OpenVPN server into its time, the client at its beginning, and the message."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import NamedTuple

from ..._texts import quoted
from ..._times.timestamps import format_iso8601
from ..syslog import STRUCTURED_DATA, device_in

_END_OF_MESSAGE = re.compile(
    r"(?:\A|[\s:])[0-9A-Fa-f.:]{7,} -> \S.*/\S+\Z|virtual IP(?:v6)? for .+: [0-9A-Fa-f.:]{7,}\Z|client-instance (?:exiting|restarting)\Z"
)
_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CTIME = rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) {_MONTH} [ \d]?\d \d\d:\d\d:\d\d \d{{4}}"
_OWN_TIME = re.compile(rf"\s*(?P<time>{_ISO}|{_CTIME})(?: us=\d{{1,6}})?(?:\s+(?P<rest>.*))?\Z", re.ASCII)
_EPOCH_TIME = re.compile(r"(?P<seconds>\d{10})\.\d{6} [0-9a-f]{1,8} (?P<rest>.*)\Z", re.ASCII)
_SYSLOG = re.compile(
    rf"(?:<\d{{1,3}}>)?\s*(?P<head>(?:\d{{4}} )?(?:{_MONTH} +\d{{1,2}}[ ,\d:]*\d|{_ISO})(?:\s+\S+){{0,6}}?)\s+"
    r"(?:[^\s\[\]:/]{1,64}\[\d{1,10}\]|[\w.@-]*(?:openvpn|ovpn)[\w.@-]*): ?(?P<rest>.*)\Z",
    re.ASCII,
)
_RFC5424 = re.compile(rf"(?:<\d{{1,3}}>)?1 (?P<head>\d{{4}}-\S+ \S+) \S+ \S+ \S+ {STRUCTURED_DATA} ?\ufeff?(?P<rest>.*)\Z")
_WRAPPED = re.compile(r"(?P<head>.*?)\[?OVPN \d+\]? OUT: (?P<quote>['\"])(?P<rest>.*)(?P=quote)\s*\Z")
_WRAPPING = re.compile(r"\bOVPN \d+\]? OUT: ")
_PROGRAM = re.compile(r"[\w.@-]*vpn[\w.@-]*(?:\[\d{1,10}\])?:", re.ASCII | re.IGNORECASE)
_OFFSET = re.compile(r"\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)(?!\d)", re.ASCII)
_CLIENT = re.compile(
    r"(?:(?P<name>.{1,300})/)?(?P<outside>(?:(?:udp|tcp)[46]?(?:-server|-client)?:)?(?:"
    r"(?P<ported>(?:\[[^\s\[\]]+\]|\d[\d.]*\d):\d{1,5})|\[AF_UNSPEC\]|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?:%\w{1,15}(?::\d{1,5})?)?))"
    r"(?: (?:rx-)?peer-id=\d+)?\Z",
    re.IGNORECASE | re.ASCII,
)
_NOT_IN_NAMES = re.compile(r"\d\d:\d\d:\d\d|MULTI:| -> |\bus=\d|:\d{1,5} ", re.ASCII)
_CLOCK = re.compile(r"\d\d:\d\d:\d\d", re.ASCII)
_WHOLE_CLOCK = re.compile(rf"(?:(?<![^\s>]){_MONTH} +\d{{1,2}}[ ,\d]* |(?<![^\s>])\d{{4}}-\d\d-\d\d[T ])\d\d:\d\d:\d\d", re.ASCII)
_CUT_TIME = re.compile(r"(?:\d{4}-[\d: T-]{0,14}|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?:[A-Z][a-z]{0,2}(?: [\d :]*)?)?)\Z", re.ASCII)
_POOL_ENTRY = re.compile(r"[^/]{1,200},(?:\d{1,3}\.){3}\d{1,3}(?:,[0-9A-Fa-f:]*)?\Z", re.ASCII)
"""A line of `IFCONFIG POOL LIST`, which the server writes when it starts."""
_NO_MESSAGE = re.compile(r"(?:[^\s/]{1,200}/?|(?:[^/:]{1,100}/)?[\[\dA-Fa-f][\[\]\dA-Fa-f.:]*|)\Z", re.ASCII)
_BEGINNINGS = (
    "MULTI: Learn: ",
    "MULTI: Unlearn: ",
    "MULTI: primary virtual IP for ",
    "MULTI: primary virtual IPv6 for ",
    "SIGTERM[",
    "SIGUSR1[",
    "SIGHUP[",
    "SIGINT[",
    "Connection reset, restarting",
)
"""The beginnings of messages about sessions."""
_BEHIND_CLIENT = re.compile(r"(?:[\d\]] |\A)(?P<begun>[A-Z][A-Za-z0-9: ,]*)\Z", re.ASCII)
_CUT_SIGNAL = re.compile(r"\bSIG[A-Z0-9]{3,4}\[[^\]]*(?:\](?: [a-z, -]*)?)?\Z", re.ASCII)
_NOT_LOGGED_IN = "UNDEF"


class Client(NamedTuple):
    """A client in messages: `name/address:port`. The name is empty if the server does not know it."""

    name: str
    outside: str
    session: str
    has_port: bool


class Line(NamedTuple):
    """A line: the text of its time (empty if it has none), the client at its beginning, and the text after the marker."""

    time: str
    prefix: str
    match: re.Match[str]
    message: str
    text: str
    outer: str
    """Text of another program before the line, such as the head of syslog; empty if the server wrote the line itself."""

    @property
    def device(self) -> str:
        """The host in the head of the line."""
        return device_in(_PROGRAM.sub("", self.outer))


NO_CLIENT = Client("", "", "", has_port=False)


class Instance:
    """The addresses of a client, and the networks behind it."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.networks: list[IPv4Network | IPv6Network] = []

    def is_behind(self, ipaddr: str) -> bool:
        """True if the address belongs to a device in a network behind the client."""
        address = ip_address(ipaddr)
        return any(address in network for network in self.networks)


def client_of(text: str) -> Client:
    """Parses a client; raises ValueError."""
    match = _CLIENT.match(text.strip())
    if not match or _NOT_IN_NAMES.search(match["name"] or ""):
        raise ValueError(f"{quoted(text)} is not a client as name/address:port; the line may be cut off or contain parts of two messages")
    name = match["name"] or ""
    session = f"{name}/{match['outside']}" if name else match["outside"]
    return Client("" if name == _NOT_LOGGED_IN else name, match["outside"], session, match["ported"] is not None)


def line_of(text: str, marker: re.Match[str]) -> Line:
    """The parts of a line. `marker` is the match of a text that every message about a client contains.

    Raises ValueError if the message is wrapped and the wrapper is cut off, or if two heads were joined.
    """
    whole = _WRAPPED.match(text) if _WRAPPING.search(text, 0, marker.start()) else None
    if whole:
        head, message = text[whole.start("rest") : marker.start()], text[marker.end() : whole.end("rest")]
        time, prefix, outer = _opened(head, whole["head"])
    elif _WRAPPING.search(text, 0, marker.start()):
        raise ValueError("the message is cut off: the quote behind OUT: is not closed")
    else:
        message = text[marker.end() :]
        time, prefix, outer = _opened(text[: marker.start()], "")
    return Line(time, prefix, marker, message.rstrip(), text, outer)


def time_of(text: str) -> str:
    """Returns the text of the time of any line; empty if it has none. Raises ValueError."""
    whole = _WRAPPED.match(text)
    return _opened(whole["rest"], whole["head"])[0] if whole else _opened(text, "")[0]


def is_part_of_message(number: int, text: str) -> bool:
    """True if the beginning or the end of the line is lost, so that it may be about a session. `number` is the number of the line."""
    # Rotation can cut the first line of a log; nobody has an address before it.
    is_rest = number > 1 and _END_OF_MESSAGE.search(text) is not None
    return is_rest or _ends_within_message(text) or _is_without_message(text)


def _ends_within_message(text: str) -> bool:
    """True if the line is cut off before its kind is clear, so that it may be about a session."""
    begins = [0, *(match.start() for match in _WHOLE_CLOCK.finditer(text)), len(text)]
    # The text before a second time may be the beginning of a message that was cut off.
    return any(_is_begun(text[begin:end].rstrip()) for begin, end in zip(begins, begins[1:]))


def _is_begun(text: str) -> bool:
    match = _BEHIND_CLIENT.search(text)
    is_begun = match is not None and any(beginning.startswith(match["begun"]) for beginning in _BEGINNINGS)
    return is_begun or _CUT_SIGNAL.search(text) is not None


def _is_without_message(text: str) -> bool:
    """True if the line ends within its time or client, so that its content is unknown."""
    if _CUT_TIME.match(text):
        return True
    syslog = _RFC5424.match(text) or _SYSLOG.match(text)
    own = _OWN_TIME.match(syslog["rest"] if syslog else text)
    if syslog and "vpn" not in text[: syslog.start("rest")].lower():
        return False
    if not own and not syslog:
        return False
    rest = (own["rest"] or "") if own else (syslog["rest"] if syslog else "")
    return _NO_MESSAGE.match(rest.strip()) is not None and _POOL_ENTRY.match(rest.strip()) is None


def _opened(head: str, wrapping: str) -> tuple[str, str, str]:
    """Splits the text before the message: the time, the client's prefix, and the text that another program wrote before both."""
    rest, outer = head, wrapping
    syslog = None if wrapping else (_RFC5424.match(head) or _SYSLOG.match(head))
    if syslog:
        outer, rest = syslog["head"], syslog["rest"]
    if len(_CLOCK.findall(outer)) != len(_WHOLE_CLOCK.findall(outer)):
        raise ValueError(f"the time in {quoted(outer)} is made of parts of two lines")
    epoch = _EPOCH_TIME.match(rest)
    if epoch:
        return format_iso8601(int(epoch["seconds"]) * 1000), epoch["rest"].strip(), outer
    inner = ""
    own = _OWN_TIME.match(rest)
    while own:
        if _OFFSET.search(inner) is None:
            inner = own["time"]
        rest = own["rest"] or ""
        own = _OWN_TIME.match(rest)
    # A collector's time with an offset is exact; the server's time has no offset.
    return outer if _OFFSET.search(outer) or not inner else inner, rest.strip(), outer
