# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same logs, read by parsers that others have written."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import openvpn_status
import pytest

from support.log_reading import began, read_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Written = Callable[..., Path]

_NAMES = ("ann", "bob", "carl.jones", "dora@example.com", "eve-phone")


def status_file(chance: random.Random) -> str:
    """A status file of version 1 with clients, their routes and networks behind them."""
    began = datetime(2024, 10, 14, 8, tzinfo=UTC)
    clients, routes = [], []
    for number in range(chance.randint(1, 40)):
        name = chance.choice(_NAMES)
        real = f"{IPv4Address(0xCB007100 + chance.randrange(256))}:{1024 + number}"
        since = began + timedelta(seconds=chance.randrange(3600))
        clients.append(f"{name},{real},{chance.randrange(10**9)},{chance.randrange(10**9)},{since:%a %b %d %H:%M:%S %Y}")
        if chance.random() < 0.9:
            routes.append(f"{IPv4Address(0x0A080002 + number)},{name},{real},{began:%a %b %d %H:%M:%S %Y}")
    return "\n".join(
        [
            "OpenVPN CLIENT LIST",
            f"Updated,{began + timedelta(hours=1):%a %b %d %H:%M:%S %Y}",
            "Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since",
            *clients,
            "ROUTING TABLE",
            "Virtual Address,Common Name,Real Address,Last Ref",
            *routes,
            "GLOBAL STATS",
            "Max bcast/mcast queue length,0",
            "END",
            "",
        ]
    )


@pytest.mark.parametrize("seed", range(20))
def test_openvpn_status_reads_the_same(written: Written, seed: int):
    text = status_file(random.Random(seed))
    theirs = openvpn_status.parse_status(text)
    since = {str(client.real_address): client.connected_since for client in theirs.client_list.values()}
    expected = {
        (
            route.common_name,
            str(route.virtual_address),
            str(route.real_address.host),
            int(since[str(route.real_address)].replace(tzinfo=UTC).timestamp()) * 1000,
        )
        for route in theirs.routing_table.values()
    }
    ours = {(row.username, row.ipaddr, row.associated_ipaddr, began(row)) for row in read_log(written(text), "openvpn_status").observations}
    assert ours == expected
