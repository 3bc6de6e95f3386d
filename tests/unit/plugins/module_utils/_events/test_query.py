# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries for exact values, and the comparison of what they find."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._events.query import (
    exact,
    in_parts,
    is_same,
    is_searchable,
    same_event,
    stored_value,
)


@pytest.mark.parametrize(
    ("value", "clause"),
    [
        ("plain", 'name:"plain"'),
        ('a "b" \\ c*', 'name:"a \\"b\\" \\\\ c*"'),
        (7, 'name:"7"'),
        (-1.5, 'name:"-1.5"'),
        (True, "name:true"),
        (False, "name:false"),
    ],
)
def test_a_value_is_taken_literally(value: Any, clause: str):
    assert exact("name", value) == clause


def test_custom_fields_are_looked_for_where_they_may_stand():
    assert same_event({"event_name": "a", "case": 5}) == '(event_name:"a" AND (case:"5" OR custom_ser_field.case:"5"))'


def test_what_cannot_be_searched_is_left_to_the_comparison():
    assert same_event({"event_name": "x" * 257, "orig_id": "", "a b": "c", "timestamp": 1}) == '(timestamp:"1")'
    assert not is_searchable("event_name", "")
    assert is_searchable("event_name", "x" * 256)


def test_parts_fit_into_a_url_and_leave_nothing_out():
    clauses = [f'(event_name:"{number} ü")' for number in range(500)]

    parts = list(in_parts(clauses, 300))

    assert [position for part in parts for position in part] == list(range(500))
    assert max(len(quote_plus(" OR ".join(clauses[position] for position in part))) for part in parts) <= 3800 - 300
    assert list(in_parts(["x" * 5000], 0)) == [[0]]
    assert list(in_parts([], 0)) == []


@pytest.mark.parametrize(
    ("source", "name", "value"),
    [
        ({"a": 1, "custom_ser_field": {"a": 2}}, "a", 1),
        ({"custom_ser_field": {"a": 2}}, "a", 2),
        ({"stellar": {"alert_time": 3}}, "stellar.alert_time", 3),
        ({"stellar.alert_time": 4}, "stellar.alert_time", 4),
        ({"custom_ser_field": "text"}, "a", None),
        ({"stellar": "text"}, "stellar.alert_time", None),
        ({}, "a", None),
    ],
)
def test_values_are_found_in_documents(source: dict[str, Any], name: str, value: Any):
    assert stored_value(source, name) == value


@pytest.mark.parametrize(
    ("wanted", "held", "same"),
    [
        (1, 1.0, True),
        (1, "1", True),
        (1, True, False),
        (True, True, True),
        (True, "true", False),
        ("a", "a", True),
        ("a", "A", False),
        ("1", 1, False),
        (1619583462308, 1619583462308, True),
        ("a", None, False),
    ],
)
def test_values_are_compared(wanted: Any, held: Any, same: bool):
    assert is_same(wanted, held) == same
