# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in messages."""

from __future__ import annotations

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._texts import counted, quoted, shorten

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")


class TestTexts:
    @hypothesis.given(st.text(max_size=2000))
    def test_what_is_shown_is_one_short_printable_line(self, text):
        for shown in (shorten(text), quoted(text)):
            assert "\n" not in shown
            assert "\x1b" not in shown
            assert len(shown) < 1500
            shown.encode()

    def test_short_texts_stay_as_they_are(self):
        assert shorten("Grüße, 東京") == "Grüße, 東京"
        assert quoted("10.8.0.2") == "'10.8.0.2'"

    @pytest.mark.parametrize(
        ("number", "nouns", "text"),
        [
            (1, ("row",), "1 row"),
            (0, ("row",), "0 rows"),
            (2, ("row",), "2 rows"),
            (1, ("row was", "rows were"), "1 row was"),
            (3, ("entry", "entries"), "3 entries"),
        ],
    )
    def test_numbers_with_their_nouns(self, number, nouns, text):
        assert counted(number, *nouns) == text
