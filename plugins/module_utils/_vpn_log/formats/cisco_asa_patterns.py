# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The texts of the messages of Cisco ASA and Firepower that are about VPN sessions."""

from __future__ import annotations

import re

MARKER = re.compile(r"%(?:ASA|FTD|PIX)-(?:[A-Za-z]\w*-)?\d-(\d{6})(?=:|\Z)", re.ASCII)
CUT_MARKER = re.compile(r"%(?:(?:ASA|FTD|PIX)(?:-[\w-]*)?|A|AS|F|FT|P|PI)?\Z", re.ASCII)
# Names are bounded, and end where their field ends: brackets belong to no name.
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
GROUP_USER_IP = re.compile(r"Group <[^<>]{0,300}> User <(?P<name>[^<>]{0,300})> IP <(?P<out>[^<>]*)> ", re.IGNORECASE)
OTHER_TEXT = re.compile(GROUP_USER_IP.pattern + r"(?!IPv|Addr)[^\W\d_]{3,}\b[^<>]*\.\Z", re.IGNORECASE)
"""The texts of 722051 if it assigns no address."""
DURATION = re.compile(r"(?:(\d{1,5})d ?)?(\d{1,5})h:(\d{1,2})m:(\d{1,2})s\Z", re.ASCII)
PORT = re.compile(r":\d{1,5}\Z", re.ASCII)
SESSION_STARTED = "113039"
"""It comes before an address is assigned."""
REFUSED = frozenset({"113005", "113006", "113015", "113021", "113029", "716039", "716023"})
KNOWN_OTHERS = re.compile(r"1(?:0[4-9]|1[1-9])\d{3}|113\d{3}|2\d{5}|3\d{5}|4\d{5}|6\d{5}|716\d{3}|722\d{3}|734\d{3}|8\d{5}")
"""Messages about connections, logins, accounting and the device itself: none of them assigns an address."""
NAMES_USER = re.compile(r"\buser(?:name)?\b\s*[<=:]?\s*\S", re.IGNORECASE)
INSIDE = re.compile(r"(?<![\d.])(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}(?![\d.])", re.ASCII)
