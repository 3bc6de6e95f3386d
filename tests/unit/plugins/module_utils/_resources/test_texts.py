# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that come back from a server, compared with what was written."""

from __future__ import annotations

import html

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._resources.texts import Spelling, digest, normal, resembles, spellings, tag_key
from hypothesis import given
from hypothesis import strategies as st

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="&"))


@given(PLAIN)
def test_escapes_white_space_and_line_ends_make_no_difference(text: str):
    for rewritten in (html.escape(text), html.escape(html.escape(text)), f" {text}\n", text.replace(" ", "  "), text.replace("\n", "\r\n")):
        assert normal(rewritten) == normal(text)


@given(PLAIN)
def test_case_always_does(text: str):
    if text.upper() != text.lower() and normal(text.upper()) != normal(text.lower()):
        assert not Spelling({}).same(b"", text.upper(), text.lower())


@given(PLAIN, PLAIN)
def test_what_was_learned_is_the_same_and_nothing_else(written: str, held: str):
    spelling = Spelling({}).knowing({tag_key(written): digest(held)})

    assert spelling.same(tag_key(written), written, held)
    assert spelling.same(tag_key(written), written, held + "x") == (normal(written) == normal(held + "x"))


@pytest.mark.parametrize("length", [255, 256, 500, 1000, 1024, 2000, 4096])
def test_a_text_that_was_cut_at_a_usual_length(length: int):
    text = "x" * (length + 1)
    assert Spelling({}).same(b"", text, text[:length])
    assert not Spelling({}).same(b"", text + "yz", text[: length - 7])
    assert not Spelling({}).same(b"", "y" + text, text[:length])


@pytest.mark.parametrize(
    ("written", "held", "similar"),
    [("VPN", "vpn", True), ("a b", "a_b", True), ("a", "b", False), ("", "", True), ("!", "?", False), ("x" * 30, "x" * 25, True)],
)
def test_what_a_server_may_have_made_of_a_text(written: str, held: str, similar: bool):
    assert resembles(written, held) is similar


def test_the_spellings_that_are_searched_for():
    assert list(spellings("plain")) == ["plain"]
    assert set(spellings('a  & "b"')) >= {'a  & "b"', 'a & "b"', "a  &amp; &quot;b&quot;"}
