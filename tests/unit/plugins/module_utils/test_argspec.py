# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options: their types, and the environment."""

from __future__ import annotations

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._argspec import ArgumentSpec, plain_text, whole_number, wrong_structures
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

SPEC = {
    "comment": {"type": "str"},
    "untyped": {},
    "path": {"type": "path"},
    "paths": {"type": "list", "elements": "path"},
    "tags": {"type": "list", "elements": "str"},
    "columns": {"type": "dict", "options": {"ipaddr": {"type": "str"}, "timestamp": {"type": "raw"}}},
    "events": {"type": "list", "elements": "dict", "options": {"name": {"type": "str"}, "tags": {"type": "list", "elements": "str"}}},
    "fields": {"type": "dict"},
}


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


class TestStructures:
    @pytest.mark.parametrize(
        ("given", "problem"),
        [
            ({"comment": ["a"]}, "comment: a list was given where a single text belongs"),
            ({"untyped": {"a": 1}}, "untyped: a dictionary was given where a single text belongs"),
            ({"path": ["/a"]}, "path: a list was given"),
            ({"paths": ["/a", {"b": 1}]}, "paths[1]: a dictionary was given"),
            ({"tags": ["a", ["b"]]}, "tags[1]: a list was given"),
            ({"columns": {"ipaddr": ["a", "b"]}}, "columns.ipaddr: a list was given"),
            ({"events": [{}, {"name": {"a": 1}}]}, "events[1].name: a dictionary was given"),
            ({"tags": "['a', 'b']"}, "tags: a text that looks like a list was given: \"['a', 'b']\". Give a list"),
            ({"tags": "[a, b]"}, "tags: a text that looks like a list was given"),
            ({"tags": ' ["a"] '}, "tags: a text that looks like a list was given"),
            ({"tags": "[]"}, "tags: a text that looks like a list was given"),
            ({"events": [{"tags": "[a,b]"}]}, "events[0].tags: a text that looks like a list was given"),
        ],
    )
    def test_wrong_ones_are_refused_by_name(self, given, problem):
        (message,) = wrong_structures(given, SPEC)
        assert message.startswith(problem)

    @pytest.mark.parametrize(
        "given",
        [
            {"comment": None, "path": "/a", "paths": ["/a"], "tags": ["a", "b"]},
            {"tags": "a, b", "paths": "/var/log/vpn[0-9],/b"},
            {"tags": "[VPN]"},
            {"tags": ["[a, b]"], "comment": "[a, b]"},
            {"columns": {"ipaddr": "VPN IP", "timestamp": ["Date", "Time"]}},
            {"fields": {"a": [1], "b": {"c": 1}}},
        ],
    )
    def test_right_ones_are_accepted(self, given):
        assert list(wrong_structures(given, SPEC)) == []
