# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The messages of Cisco ASA and Firepower, and the texts of those that are about VPN sessions."""

from __future__ import annotations

import re

from ..._texts import quoted
from ..syslog import STRUCTURED_DATA

MARKER = re.compile(r"%(?:ASA|FTD|PIX|FWSM|NGIPS)(?:<\w{1,20}>)?-(?:[A-Za-z]\w*-|-)?\d-(\d{6})(?=[:\s]|\Z)", re.ASCII)
CUT_MARKER = re.compile(r"%(?:(?:ASA|FTD|PIX|FWSM|NGIPS)(?:[<-][\w<>-]*)?|[A-Z]{0,4})\Z", re.ASCII)
RFC5424 = re.compile(r"<\d{1,3}>1 \S+ \S+ \Z", re.ASCII)
BEHIND_PROGRAM = re.compile(rf" \S+ \S+ {STRUCTURED_DATA}(?= |\Z)")
"""The fields after the program name: a relay can mistake the number of the message for the program."""
BEGINNING = re.compile(r"Group (?:<|=)|Local:\S|IPAA: |user-identity: |UAUTH: ", re.IGNORECASE)
OF_SESSION = re.compile(
    r"assigned to session|Assigned private IP address|, Session disconnected\b|IPAA: |IP-User mapping|Assigned IP=", re.IGNORECASE
)
"""Parts of messages about sessions. A line with both patterns but without a number has lost its number."""
END_OF_SESSION = re.compile(
    r"\bassigned to session\.?\Z|\bto remote user\.?\Z|, Session disconnected\. Session Type: |"
    r"Freeing (?:local pool )?address [0-9a-f.:]+\Z|Client assigned [0-9a-f.:]+ from |IP-User mapping .{1,400} VPN user\Z|, Assigned IP=",
    re.IGNORECASE,
)
"""The last parts of such messages. A line with one of them but without a number has lost its beginning."""
# Names have a maximum length and end with their field: they contain no brackets.
ASSIGNED = re.compile(
    r"Group (?:<[^<>]{0,300}>|[^<>]{0,300}?) User (?:<(?P<name>[^<>]{0,300})>|(?P<bare>[^<>]{0,300}?)) "
    r"IP (?:<(?P<out>[^<>]*)>|(?P<out_bare>[^<>\s]+)) (?:IPv4 )?Address (?:<(?P<in4>[^<>]*)>|(?P<in4_bare>[^<>\s]+))"
    r"(?: IPv6 address (?:<(?P<in6>[^<>]*)>|(?P<in6_bare>[^<>\s]+)))? assigned to session\.?(?:\s.*)?\Z",
    re.IGNORECASE,
)
ASSIGNED_IKEV2 = re.compile(
    r"Local:\S+ Remote:(?P<out>\S+) Username:(?P<name>.{0,300}?) (?P<version>IKEv2 )?Group:.{0,300}? "
    r"IPv4 Address=(?P<in4>\S*) IPv6 address=(?P<in6>\S*) assigned to session\.?(?:\s.*)?\Z",
    re.IGNORECASE,
)
ASSIGNED_IKEV1 = re.compile(
    r"Group = .{0,300}?, Username = (?P<name>.{0,300}?), IP = ?(?P<out>[^,\s]*),? "
    r"Assigned private IP address (?P<in4>\S+) to remote user\.?(?:\s.*)?\Z",
    re.IGNORECASE,
)
MAPPING = re.compile(
    r"user-identity: (?:Add|Delete) IP-User mapping (?P<in4>\S+) - (?P<name>.{1,300}?) (?:Succeeded|Failed) - (?P<why>.*)\Z"
)
POOL = re.compile(r"IPAA: (?:Session=0x[0-9a-f]+, )?Client assigned (?P<in4>\S+) from local pool(?: .*)?\Z", re.IGNORECASE)
FREED = re.compile(
    r"IPAA: (?:Session=0x[0-9a-f]+, )?Freeing (?:local pool )?(?:.{0,100} )?address (?P<in4>[0-9a-f.:]+?)\.?\Z", re.IGNORECASE
)
DISCONNECTED = re.compile(
    r"Group = .{0,300}?, Username = (?P<name>.{0,300}?), IP = ?(?P<out>[^,\s]*), "
    r"Session disconnected(?:\. Session Type: [^,]*, Duration: (?P<duration>[^,]*),.*|\..*|)\Z",
    re.IGNORECASE,
)
UAUTH = re.compile(r"UAUTH: Session=[^,]{0,50}, User=(?P<name>.{0,300}?), Assigned IP=(?P<in4>[^,\s]*), (?P<what>\S.*)\Z", re.IGNORECASE)
GROUP_USER_IP = re.compile(
    r"Group (?:<[^<>]{0,300}>|[^<>]{0,300}?) User (?:<(?P<name>[^<>]{0,300})>|(?P<bare>[^<>]{0,300}?)) "
    r"IP (?:<(?P<out>[^<>]*)>|(?P<out_bare>[^<>\s]+)) ",
    re.IGNORECASE,
)
OTHER_TEXT = re.compile(GROUP_USER_IP.pattern + r"(?!IPv|Addr)[^\W\d_]{3,}\b[^<>]*\.\Z", re.IGNORECASE)
"""The texts of 722051 if it assigns no address."""
DURATION = re.compile(r"(?:(\d{1,5})d ?)?(\d{1,5})h:(\d{1,2})m:(\d{1,2})s\Z", re.ASCII)
PORT = re.compile(r":\d{1,5}\Z", re.ASCII)
SESSION_STARTED = "113039"
"""This message comes before an address is assigned."""
REFUSED = frozenset({"113005", "113006", "113015", "113021", "113029", "716039", "716023"})
KNOWN_OTHERS = re.compile(r"1(?:0[4-9]|1[1-9])\d{3}|2\d{5}|3\d{5}|4\d{5}|6\d{5}|716\d{3}|722\d{3}|734\d{3}|8\d{5}")
"""Messages about connections, logins, accounting and the device itself: none of them assigns an address."""
NAMES_USER = re.compile(r"\buser(?:name)?\b\s*[<=:]?\s*\S", re.IGNORECASE)
INSIDE = re.compile(r"(?<![\d.])(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}(?![\d.])", re.ASCII)


class Message:
    """One message: its line, its number, the head before it and its text."""

    def __init__(self, line: int, text: str, match: re.Match[str]) -> None:
        self.line = line
        self.number = match[1]
        self.head = text[: match.start()]
        rest = text[match.end() :]
        program = BEHIND_PROGRAM.match(rest) if RFC5424.search(self.head) else None
        self.text = rest[program.end() if program else 0 :].lstrip(": ").rstrip()
        self.whole = text


def cut_off(message: Message) -> ValueError:
    return ValueError(f"the message {message.number} is cut off or has another form: {quoted(message.text)}")


def name_and_outside(message: Message, match: re.Match[str]) -> tuple[str, str]:
    """Returns the user and the outside address of a message, with or without brackets."""
    if match["bare"] and " IP " in f" {match['bare']} ":
        raise cut_off(message)
    name = match["bare"] if match["name"] is None else match["name"]
    return name, match["out_bare"] if match["out"] is None else match["out"]


def milliseconds(duration: str) -> int | None:
    """A duration such as `1d 19h:41m:14s`."""
    match = DURATION.match(duration.strip())
    if not match:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
