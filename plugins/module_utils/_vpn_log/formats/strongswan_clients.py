# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Tracks the clients of a strongSwan gateway, and which lines about them belong together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .strongswan_lines import Line


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
    """The address was certainly assigned to the client of this IKE_SA."""
    line = assigned.line
    if line.number:
        return line.number == sa.number and line.connection in ("", sa.connection)
    if assigned.at.thread != sa.at.thread:
        return False
    is_same_packet = bool(sa.at.thread) and sa.at.packets is not None and assigned.at.packets == sa.at.packets
    has_another = any((":" in ipaddr) == (":" in assigned.ipaddr) for ipaddr, _name in sa.leases)
    return is_same_packet or (assigned.username == sa.identity and not has_another)
