# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshots of a story: who is connected at a moment, as OpenVPN and WireGuard show it."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.stories import Stay, Story

_CLIENT_HEADER = (
    "HEADER,CLIENT_LIST,Common Name,Real Address,Virtual Address,Virtual IPv6 Address,Bytes Received,Bytes Sent,"
    "Connected Since,Connected Since (time_t),Username,Client ID,Peer ID"
)


def status_file(story: Story, gateway: str, at: int) -> str:
    """OpenVPN's status file of version 2 at a moment."""

    def clock(moment: int) -> str:
        return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S},{moment}"

    on = [stay for stay in story.stays if stay.gateway == gateway and stay.start <= at < stay.end]
    clients = [_client(stay, clock(stay.start)) for stay in on]
    return "\n".join(
        [
            "TITLE,OpenVPN 2.5.1 x86_64-pc-linux-gnu",
            f"TIME,{clock(at)}",
            _CLIENT_HEADER,
            *clients,
            "HEADER,ROUTING_TABLE,Virtual Address,Common Name,Real Address,Last Ref,Last Ref (time_t)",
            "GLOBAL_STATS,Max bcast/mcast queue length,0",
            "END",
            "",
        ]
    )


def _client(stay: Stay, since: str) -> str:
    real = f"{stay.outside}:{20_000 + stay.number}"
    return f"CLIENT_LIST,{stay.user},{real},{stay.ipaddr},,9,9,{since},UNDEF,{stay.number},0"


HANDSHAKE = 120
"""Seconds between two handshakes of a peer that is connected."""


def wireguard_dump(story: Story, gateway: str, at: int) -> str:
    """The output of `wg show all dump`. A peer has its address until another one gets it, connected or not."""
    lines = [f"wg0\t{_key('private')}\t{_key('public')}\t51820\toff"]
    last = {stay.ipaddr: stay for stay in story.stays if stay.gateway == gateway and stay.start <= at}
    for ipaddr, stay in last.items():
        since = min(at, stay.end) - stay.start
        handshake = stay.start + since - since % HANDSHAKE
        lines.append(f"wg0\t{_key(stay.user)}\t(none)\t{stay.outside}:51820\t{ipaddr}/32\t{handshake}\t9\t9\toff")
    return "\n".join([*lines, ""])


def wireguard_peers(story: Story) -> dict[str, str]:
    """The users by their public keys."""
    return {_key(stay.user): stay.user for stay in story.stays}


def _key(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()
