# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns of times with one width, compared with the standard library row by row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._times.fixed_width import characters, milliseconds_of_hours, numbers_of_hours
from ansible_collections.secops.xdr.plugins.module_utils._times.parsing import TimestampParser
from ansible_collections.secops.xdr.plugins.module_utils._times.zones import Zone

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

FORMATS = ("%m/%d/%y %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d/%b/%Y:%I:%M:%S %p", "%b %d %Y %H:%M:%S", "%H:%M:%S %d/%m/%Y")
DAMAGE = st.sampled_from(["0", "9", "6", ":", " ", "\0", "\n", "é", "٣", "-", ""])
moments = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2060, 1, 1)).map(lambda moment: moment.replace(microsecond=0))


def milliseconds(moment: datetime) -> int:
    """The time in epoch milliseconds, if it is in UTC."""
    return (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def without_zeros(moment: datetime) -> str:
    """As spreadsheets write times."""
    return f"{moment.month}/{moment.day}/{moment:%y} {moment.hour}:{moment:%M:%S}"


@hypothesis.given(st.sampled_from(FORMATS), st.lists(moments, min_size=1, max_size=40))
def test_all_rows_of_one_width_are_read(timestamp_format, walls):
    texts = [wall.strftime(timestamp_format) for wall in walls]
    assert TimestampParser(timestamp_format, Zone.named("UTC")).column(texts) == list(map(milliseconds, walls))


@hypothesis.given(st.lists(moments, min_size=1, max_size=40))
def test_times_without_leading_zeros_are_read(walls):
    texts = list(map(without_zeros, walls))
    assert TimestampParser("%m/%d/%y %H:%M:%S", Zone.named("UTC")).column(texts) == list(map(milliseconds, walls))


@hypothesis.given(st.sampled_from(FORMATS), st.lists(moments, min_size=2, max_size=20), st.data())
def test_damage_in_one_row_changes_no_other(timestamp_format, walls, data):
    texts = [wall.strftime(timestamp_format) for wall in walls]
    row = data.draw(st.integers(0, len(texts) - 1))
    place = data.draw(st.integers(0, len(texts[row]) - 1))
    texts[row] = texts[row][:place] + data.draw(DAMAGE) + texts[row][place + 1 :]
    parser = TimestampParser(timestamp_format, Zone.named("UTC"))
    column = parser.column(texts)
    try:
        expected = {None, parser.milliseconds(texts[row])}
    except ValueError:
        expected = {None}
    assert column[row] in expected
    assert column[:row] + column[row + 1 :] == list(map(milliseconds, walls[:row] + walls[row + 1 :]))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([":15:57", ":59:59", ":00:00"], [957_000, 3_599_000, 0]),
        ([":60:00"], None),
        ([":00:61"], None),
        ([":1a:00"], None),
        ([":15.57"], None),
        ([":15:57", "-15:57"], None),
    ],
)
def test_minutes_and_seconds(texts, expected):
    sums = milliseconds_of_hours(characters(texts), 0)
    assert sums is expected if expected is None else list(sums) == expected


@pytest.mark.parametrize("texts", [["", "123456789"], ["é"], ["12:00:00", "12:00:0\N{ARABIC-INDIC DIGIT ZERO}"], []])
def test_other_texts_have_no_columns(texts):
    assert characters(texts) == []


def test_rows_of_the_same_hour_have_the_same_number():
    texts = ["2025-09-01T08:15:57Z", "2025-09-01T08:00:00Z", "2025-09-01T09:15:57Z", "2025-09-11T08:15:57Z"]
    numbers = numbers_of_hours(characters(texts), 13)
    assert numbers[0] == numbers[1]
    assert len(set(numbers)) == 3


def test_more_than_eight_varying_characters_are_too_many():
    assert numbers_of_hours(characters(["abcdefgh:15:57i", "ABCDEFGH:15:57I"]), 8) is None
