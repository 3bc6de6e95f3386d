# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options: their types, and the environment."""

from __future__ import annotations

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._argspec import ArgumentSpec, plain_text, whole_number
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")


class TestOptions:
    @pytest.mark.parametrize("text", ["OpenVPN", "[draft] OpenVPN", "{not a dict}", "[", "[1", "(1, 2)", "123", "[" * 5000])
    def test_a_text_is_a_text(self, text):
        assert plain_text("source", text) == text

    @pytest.mark.parametrize("text", ["['one', 'two']", "{'user': 'jsmith'}"])
    def test_a_text_that_looks_like_a_list_is_a_text(self, text):
        assert plain_text("source", text) == text

    def test_half_a_character_is_replaced(self):
        assert plain_text("source", "a\ud83d") == "a\ufffd"

    @pytest.mark.parametrize("value", [0, -1, 11])
    def test_ranges(self, value):
        assert whole_number("batch_size", 1, 1, 10) == 1
        assert whole_number("batch_size", 10, 1, 10) == 10
        with pytest.raises(InputError, match=rf"^batch_size: {value} is out of range; give a whole number from 1 to 10"):
            whole_number("batch_size", value, 1, 10)

    def test_parts_are_put_together_without_changing_them(self):
        one = ArgumentSpec({"a": {}}, required_one_of=[("a", "b")], required_by={"a": ("b",)})
        other = ArgumentSpec({"b": {}}, mutually_exclusive=[("a", "b")], required_if=[("a", 1, ("b",))], required_together=[("a", "b")])
        both = one.merged_with(other).to_kwargs()
        assert both == {
            "argument_spec": {"a": {}, "b": {}},
            "required_one_of": [("a", "b")],
            "required_together": [("a", "b")],
            "required_if": [("a", 1, ("b",))],
            "required_by": {"a": ("b",)},
            "mutually_exclusive": [("a", "b")],
        }
        assert one.options == {"a": {}}
