# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns of times with one width, compared with the standard library row by row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._times.fixed_width import (
    SinceHour,
    characters,
    keys_of_hours,
    milliseconds_since_hours,
)
from ansible_collections.secops.xdr.plugins.module_utils._times.parsing import TimestampParser
from ansible_collections.secops.xdr.plugins.module_utils._times.zones import Zone

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

FORMATS = (
    "%m/%d/%y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d/%b/%Y:%I:%M:%S %p",
    "%b %d %Y %H:%M:%S",
    "%H:%M:%S %d/%m/%Y",
    "%d/%b/%Y:%H:%M:%S +0000",
    "%Y-%m-%d %H:%M:%S.%f",
)
OTHER_FORMATS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%z", "%H:%M:%S.%f %d.%m.%Y")
DAMAGE = st.sampled_from(["0", "9", "6", ":", " ", "\0", "\n", "é", "٣", "-", ""])
exact = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2060, 1, 1))
moments = exact.map(lambda moment: moment.replace(microsecond=0))


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


@hypothesis.given(st.sampled_from(["minutes", "seconds", "milliseconds", "microseconds"]), st.lists(exact, min_size=10, max_size=40))
def test_iso8601_is_read_with_any_precision(precision, walls):
    offset = timezone(timedelta(hours=5, minutes=30))
    texts = [wall.replace(tzinfo=offset).isoformat(timespec=precision) for wall in walls]
    expected = [milliseconds(datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)) for text in texts]
    assert TimestampParser("iso8601", Zone.named("UTC")).column(texts) == expected


@hypothesis.given(
    st.sampled_from(["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%z", "%H:%M:%S.%f %d.%m.%Y"]), st.lists(exact, min_size=10, max_size=40)
)
def test_other_forms_are_read(timestamp_format, walls):
    offset = timezone(timedelta(hours=-3) if "%z" in timestamp_format else timedelta())
    texts = [wall.replace(tzinfo=offset).strftime(timestamp_format) for wall in walls]
    read = [datetime.strptime(text, timestamp_format) for text in texts]
    expected = [milliseconds(wall.astimezone(UTC).replace(tzinfo=None) if wall.tzinfo else wall) for wall in read]
    assert TimestampParser(timestamp_format, Zone.named("UTC")).column(texts) == expected


@hypothesis.given(st.lists(moments, min_size=1, max_size=40))
def test_times_without_leading_zeros_are_read(walls):
    texts = list(map(without_zeros, walls))
    assert TimestampParser("%m/%d/%y %H:%M:%S", Zone.named("UTC")).column(texts) == list(map(milliseconds, walls))


@hypothesis.given(st.lists(moments, min_size=10, max_size=40), st.sets(st.integers(0, 9)))
def test_rows_without_a_time_do_not_change_the_others(walls, missing):
    texts = ["" if row in missing else format(wall, "%m/%d/%y %H:%M:%S") for row, wall in enumerate(walls)]
    expected = [None if row in missing else milliseconds(wall) for row, wall in enumerate(walls)]
    assert TimestampParser("%m/%d/%y %H:%M:%S", Zone.named("UTC")).column(texts) == expected


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
        ([":15", ":59"], [900_000, 3_540_000]),
        ([":15:57.250", ":15:57.999"], [957_250, 957_999]),
        ([":15:57.1", ":15:57.9"], [957_100, 957_900]),
        ([":00:00.000999", ":00:00.001001"], [0, 1]),
        ([":60:00"], None),
        ([":00:61"], None),
        ([":15:57", ":1a:00"], None),
        ([":15:57.25", ":15:57,25"], None),
        ([":15:57", "-15:57"], None),
    ],
)
def test_since_the_hour(texts, expected):
    sums = milliseconds_since_hours(characters(texts), SinceHour.found_in(texts[0], 0))
    assert sums is expected if expected is None else list(sums) == expected


@pytest.mark.parametrize("texts", [["", "123456789"], ["é"], ["12:00:00", "12:00:0\N{ARABIC-INDIC DIGIT ZERO}"], []])
def test_other_texts_have_no_columns(texts):
    assert characters(texts) == []


def test_rows_of_the_same_hour_have_the_same_key():
    texts = ["2025-09-01T08:15:57Z", "2025-09-01T08:00:00Z", "2025-09-01T09:15:57Z", "2025-09-11T08:15:57Z"]
    keys = keys_of_hours(characters(texts), SinceHour.found_in(texts[0], 13))
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_any_number_of_characters_may_vary():
    texts = ["abcdefgh:15:57i", "ABCDEFGH:15:57I", "abcdefgh:59:59i"]
    first, second, third = keys_of_hours(characters(texts), SinceHour.found_in(texts[0], 8))
    assert first == third != second
