# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dumps of WireGuard: peers, their addresses, and keys that are never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.log_reading import read_log
from support.mutants import records_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Written = Callable[..., Path]
KEYS = ["A" * 43 + "=", "B" * 43 + "="]
PEER = "\t".join(["wg0", *KEYS, "203.0.113.7:51820", "10.8.0.3/32", "1700000000", "1", "2", "off"]) + "\n"


def test_an_interface_of_amneziawg_is_no_peer(written: Written):
    interface = "\t".join(["wg0", *KEYS, "51820", "5", "50", "1000", "0", "0", "1", "2", "3", "4", "off"])
    records = records_of(written(f"{interface}\n{PEER}"), "wireguard")
    assert [one.kind for one in records] == ["snapshot", "alive"]


def test_a_peer_is_known_by_its_single_addresses(written: Written):
    log = PEER.replace("10.8.0.3/32", "10.8.0.3/32,fd00::3/128,10.99.0.0/16,fd99::/64")
    assert [one[1:4] for one in read_log(written(log), "wireguard").as_sessions()] == [
        ["", "10.8.0.3", "203.0.113.7"],
        ["", "fd00::3", "203.0.113.7"],
    ]


def test_a_dump_of_one_interface_has_no_name_of_it(written: Written):
    assert len(read_log(written(PEER.partition("\t")[2]), "wireguard").observations) == 1


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("1700000000", "0", "never_connected"),
        ("203.0.113.7:51820", "(none)", "no_address"),
        ("10.8.0.3/32", "(none)", "no_address"),
        ("10.8.0.3/32", "10.0.0.0/8", "no_address"),
    ],
)
def test_peers_without_a_session(written: Written, old: str, new: str, reason: str):
    assert read_log(written(PEER.replace(old, new)), "wireguard").reasons == [reason]


@pytest.mark.parametrize(
    "line",
    [
        PEER.replace("203.0.113.7:51820", KEYS[0]),
        PEER.replace("10.8.0.3/32", KEYS[0]),
        PEER.replace("1700000000", KEYS[0]),
        PEER[:60],
        PEER.replace("wg0\t", f"wg0\t{KEYS[0]}\t"),
        f"[Interface]\nPrivateKey = {KEYS[0]}\n",
    ],
)
def test_no_key_is_shown_of_a_line_that_cannot_be_used(written: Written, line: str):
    read = read_log(written(PEER + line), "wireguard")
    assert read.rejected
    assert not any("AAAA" in text or "BBBB" in text for text in map(repr, read.rejected))


def test_no_key_is_shown_of_a_line_that_is_no_text(written: Written):
    read = read_log(written(PEER.encode() + b"\xff" + PEER.encode()), "wireguard")
    assert [row.line for row in read.rejected] == [2]
    assert "AAAA" not in repr(read.rejected)
