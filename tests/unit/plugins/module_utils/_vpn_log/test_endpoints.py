# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses as gateways write them."""

from __future__ import annotations

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._addresses import parse_endpoint


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("203.0.113.7:30517", "203.0.113.7"),
        ("udp4:203.0.113.7:38392", "203.0.113.7"),
        ("tcp4-server:203.0.113.7:443", "203.0.113.7"),
        ("UDP:203.0.113.7:443", "203.0.113.7"),
        ("2001:DB8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:51820", "2001:db8::7"),
        ("udp6:[2001:db8::7]:1194", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:1194", "203.0.113.7"),
    ],
)
def test_what_stands_around_an_address_is_taken_off(text: str, address: str):
    found = parse_endpoint(text)
    assert found
    assert found.text == address


@pytest.mark.parametrize("text", ["", " ", "0.0.0.0", "::", "0.0.0.0:0", "[::]:0", "(null)", "(none)", "N/A", "n/a", "-"])
def test_words_for_none(text: str):
    assert parse_endpoint(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "gateway.example.com",
        "203.0.113.7:",
        "203.0.113.7:x",
        "203.0.113.256:1",
        "[2001:db8::7",
        "[2001:db8::7]x",
        "[2001:db8::7]:x",
        "224.0.0.1:1",
    ],
)
def test_anything_else_is_no_address(text: str):
    with pytest.raises(ValueError, match=r"address"):
        parse_endpoint(text)
