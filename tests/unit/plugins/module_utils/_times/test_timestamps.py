# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Epoch numbers and ISO 8601 times, compared with datetime."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._times.timestamps import (
    EARLIEST_MS,
    LATEST_MS,
    epoch_ms_to_milliseconds,
    epoch_to_milliseconds,
    format_iso8601,
    iso8601_to_milliseconds,
)
from ansible_collections.secops.xdr.plugins.module_utils._times.zones import Zone

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

UTC = ZoneInfo("UTC")
MOMENTS = st.datetimes(min_value=datetime(1980, 1, 2), max_value=datetime(2099, 12, 30))


def milliseconds(moment: datetime) -> int:
    """The exact number, by the standard library."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


class TestEpoch:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("315532800", EARLIEST_MS),
            ("1717143300", 1_717_143_300_000),
            (" 1717143300. ", 1_717_143_300_000),
            ("4102444799.999", LATEST_MS - 1),
        ],
    )
    def test_seconds(self, text, expected):
        assert epoch_to_milliseconds(text) == expected

    @pytest.mark.parametrize(
        "text", ["315532799", "4102444800", "-1717143300", "0", "1717143300000", "", "1e9", "0x1", "١٧١٧١٤٣٣٠٠", "1 7", "nan", "inf"]
    )
    def test_invalid_seconds(self, text):
        with pytest.raises(ValueError, match=r"^time "):
            epoch_to_milliseconds(text)

    def test_milliseconds(self):
        assert epoch_ms_to_milliseconds("1717143300123") == 1_717_143_300_123
        assert epoch_ms_to_milliseconds("1717143300123.9") == 1_717_143_300_123

    @pytest.mark.parametrize(("text", "advice"), [("1717143300", r"set timestamp_format to epoch$"), ("17171433000000", r"after 2099")])
    def test_invalid_milliseconds(self, text, advice):
        with pytest.raises(ValueError, match=advice):
            epoch_ms_to_milliseconds(text)

    @hypothesis.given(st.integers(EARLIEST_MS, LATEST_MS - 1))
    def test_every_millisecond_is_held_exactly(self, number):
        assert epoch_ms_to_milliseconds(str(number)) == number
        assert epoch_to_milliseconds(f"{number // 1000}.{number % 1000:03}") == number
        assert format_iso8601(number) == datetime.fromtimestamp(number // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class TestIso8601:
    @pytest.mark.parametrize(
        ("text", "utc"),
        [
            ("2024-05-31T08:15:00Z", "08:15"),
            ("2024-05-31t08:15:00z", None),
            ("2024-05-31 08:15:00+00:00", "08:15"),
            ("2024-05-31T10:15:00+02:00", "08:15"),
            ("2024-05-31T10:15:00+0200", "08:15"),
            ("2024-05-31T10:15:00+02", "08:15"),
            ("2024-05-31T02:45:00-05:30", "08:15"),
            ("20240531T081500Z", "08:15"),
            ("20240531T0815Z", "08:15"),
            ("2024-05-31 08:15", "06:15"),
            ("2024-05-31T08:15:00,5", "06:15"),
            ("2024-05-31 04:15:00 EDT", "08:15"),
            ("2024-05-31", None),
            ("2024-05-31T08", None),
            ("2024-W22-5T08:15", None),
            ("2024-02-30T08:15", None),
            ("2024-05-31T08:15:00+25:00", None),
            ("2024-05-31T08:15:61Z", None),
            ("now", None),
        ],
    )
    def test_forms(self, text, utc):
        zone = Zone.named("Europe/Berlin")
        if utc is None:
            with pytest.raises(ValueError, match=r"^time "):
                iso8601_to_milliseconds(text, zone)
        else:
            expected = datetime.fromisoformat(f"2024-05-31 {utc}:00").replace(tzinfo=UTC)
            assert iso8601_to_milliseconds(text, zone) // 1000 * 1000 == milliseconds(expected)

    @hypothesis.given(MOMENTS, st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata"]), st.integers(-14 * 60, 14 * 60))
    def test_offsets(self, wall, zone, minutes):
        sign = "-" if minutes < 0 else "+"
        text = f"{wall.isoformat()}{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
        expected = milliseconds(wall.replace(tzinfo=UTC)) - minutes * 60_000
        hypothesis.assume(EARLIEST_MS <= expected < LATEST_MS)
        assert iso8601_to_milliseconds(text, Zone.named(zone)) == expected
