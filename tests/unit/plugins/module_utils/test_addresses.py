# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses are checked, in one form, and anything else is a ValueError that says why."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._addresses import (
    address_columns,
    is_inside,
    pack,
    packed_column,
    parse_address,
    parse_endpoint,
)

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

any_address = st.ip_addresses()


@pytest.mark.parametrize("text", ["", " ", "0.0.0.0", "::", "(null)", "0:0:0:0:0:0:0:0", "::ffff:0.0.0.0"])
def test_no_address(text):
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("10.8.0.2", "10.8.0.2"),
        (" 10.8.0.2\t", "10.8.0.2"),
        ("FD00:8:0:0::2", "fd00:8::2"),
        ("::FFFF:10.8.0.2", "10.8.0.2"),
        ("::ffff:0a08:0002", "10.8.0.2"),
        ("2001:db8::", "2001:db8::"),
        ("::1", "::1"),
    ],
)
def test_canonical_form(text, canonical):
    address = parse_address(text)
    assert address is not None
    assert address.text == canonical


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("10.0.0.1", True),
        ("172.16.0.1", True),
        ("172.31.255.255", True),
        ("172.32.0.1", False),
        ("192.168.1.1", True),
        ("192.169.1.1", False),
        ("100.64.0.1", True),
        ("100.128.0.1", False),
        ("169.254.9.9", True),
        ("127.0.0.1", True),
        ("203.0.113.9", False),
        ("198.51.100.1", False),
        ("8.8.8.8", False),
        ("fd00::1", True),
        ("fe80::1", True),
        ("::1", True),
        ("2001:db8::1", False),
        ("::ffff:10.0.0.1", True),
        ("::ffff:8.8.8.8", False),
    ],
)
def test_inside_networks_only(text, inside):
    address = parse_address(text)
    assert address is not None
    assert address.is_inside is inside


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("10.8.0", "is not an IP address"),
        ("10.8.0.2.3", "is not an IP address"),
        ("010.8.0.2", "is not an IP address"),
        ("10.8.0.256", "is not an IP address"),
        ("0x0a080002", "is not an IP address"),
        ("167837698", "is not an IP address"),
        ("\u0661\u0660.\u0668.\u0660.\u0662", "is not an IP address"),
        ("10.8.0.2:1194", "only 10.8.0.2 belongs here"),
        ("[fd00::2]:1194", "only fd00::2 belongs here"),
        ("[2001:db8::7%\x90_\xc3(:1194", "only 2001:db8::7 belongs here"),
        ("[fe80::1%eth0]:1194", "only fe80::1 belongs here"),
        ("[fd00::2]", "leave out the brackets"),
        ("10.8.0.0/24", "it seems to be a network"),
        ("fe80::1%eth0", "an interface name"),
        ("224.0.0.5", "not of a single device"),
        ("255.255.255.255", "not of a single device"),
        ("0.1.2.3", "not of a single device"),
        ("ff02::1", "not of a single device"),
        ("::ffff:224.0.0.5", "not of a single device"),
        ("vpn.example.com", "is not an IP address"),
        ("10.8.0.2\0", "is not an IP address"),
    ],
)
def test_reasons(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_address(text)
    assert packed_column([text]) == [None]


@hypothesis.given(any_address)
def test_every_address_is_recognised(address):
    """In any spelling; and two different ones never look the same in the ledger, alone or in pairs."""
    try:
        found = parse_address(str(address))
    except ValueError:
        return
    if found is None:
        assert int(address) == 0 or (address.version == 6 and address.ipv4_mapped)
        return
    assert parse_address(found.text) == found
    assert parse_address(str(address).upper()) == found
    assert parse_address(address.exploded) == found
    assert ipaddress.ip_address(found.text) == (getattr(address, "ipv4_mapped", None) or address)


@hypothesis.given(any_address, any_address, any_address, any_address)
def test_pairs_can_be_distinguished(one, two, three, four):
    try:
        parsed = [parse_address(str(address)) for address in (one, two, three, four)]
    except ValueError:
        return
    hypothesis.assume(None not in parsed)
    first, second = parsed[0].packed + parsed[1].packed, parsed[2].packed + parsed[3].packed
    assert (first == second) == (parsed[:2] == parsed[2:])


@hypothesis.given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_value_error(text):
    try:
        found = parse_address(text)
    except ValueError:
        found = None
    assert packed_column([text])[0] in (None, found and found.packed)


spellings = st.sampled_from([str, lambda address: address.exploded, lambda address: str(address).upper(), lambda address: f" {address}\t"])


@hypothesis.given(st.lists(st.tuples(any_address, spellings), max_size=30))
def test_any_spelling_in_a_column_becomes_canonical(rows):
    texts = [spelling(address) for address, spelling in rows]
    canonical, column = address_columns(texts)
    for (address, _spelling), text, known, packed in zip(rows, texts, canonical, column, strict=True):
        if packed is None:
            assert known == text
            assert address.packed[0] in (0, 255) or 224 <= address.packed[0] <= 255
        else:
            assert known == str(address)
            assert packed[-len(address.packed) :] == address.packed
            assert packed == parse_address(text).packed


@hypothesis.given(st.lists(st.one_of(any_address.map(str), st.sampled_from(["", "x", "10.8.0.2", "10.8.0.2:5"])), max_size=30))
def test_a_column_agrees_with_its_rows(texts):
    """Texts that a column leaves open are parsed alone; all others are in canonical form already."""
    for text, packed in zip(texts, packed_column(texts), strict=True):
        if packed is not None:
            address = parse_address(text)
            assert (address.text, address.packed) == (text, packed)
            assert pack(text) == packed
            assert is_inside(packed) == address.is_inside


@pytest.mark.parametrize("text", ["", "0.0.0.0", "::", "(null)", "(none)", "N/A", "n/a", "UNKNOWN", "-", " none ", "invalid-addr-5"])
def test_words_for_no_address(text):
    assert parse_address(text) is None
    assert packed_column([text, "10.8.0.2"]) == [None, bytes((10, 8, 0, 2))]


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
def test_what_comes_around_an_address_is_taken_off(text: str, address: str):
    found = parse_endpoint(text)
    assert found
    assert found.text == address


@pytest.mark.parametrize("text", ["", " ", "0.0.0.0", "::", "0.0.0.0:0", "[::]:0", "(null)", "(none)", "N/A", "n/a", "-"])
def test_words_for_no_endpoint(text: str):
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
def test_anything_else_is_no_endpoint(text: str):
    with pytest.raises(ValueError, match=r"address"):
        parse_endpoint(text)
