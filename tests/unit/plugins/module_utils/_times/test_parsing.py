# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of logs by their format, compared with zoneinfo."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._times.parsing import TimestampParser
from ansible_collections.secops.xdr.plugins.module_utils._times.timestamps import (
    epoch_to_milliseconds,
    iso8601_to_milliseconds,
)
from ansible_collections.secops.xdr.plugins.module_utils._times.zones import Zone

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

UTC = ZoneInfo("UTC")
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham", "America/St_Johns"]
FORMATS = [
    "%m/%d/%y %H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y.%m.%d %H:%M:%S %Z",
    "%Y-%m-%dT%H:%M:%S%z",
    "%a %b %d %H:%M:%S %Y",
    "%d/%b/%Y:%I:%M:%S %p",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%d %H:%M",
    "%H:%M:%S on %d.%m.%Y",
    "%H:%M:%S %d/%m/%y",
    "%S:%M:%H %Y-%j",
    "%Y%m%d%H%M%S",
    "%c",
    "%x %X",
    "%G-W%V-%u %H:%M:%S",
    "%%%Y %m %d %H:%M:%S",
    "epoch",
    "epoch_ms",
    "iso8601",
]

moments = st.datetimes(min_value=datetime(1980, 1, 2), max_value=datetime(2099, 12, 30))


def milliseconds(moment: datetime) -> int:
    """The exact number, by the standard library; a local time that is ambiguous in its zone is read as with PEP 495's fold=0."""
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(milliseconds=1)


class TestTable:
    @pytest.mark.parametrize("zone", ZONES)
    @pytest.mark.parametrize(
        "wall",
        [
            datetime(1980, 1, 2),
            datetime(1999, 12, 31, 23, 59, 59),
            datetime(2000, 2, 29, 12),
            datetime(2024, 2, 29, 23, 59, 59),
            datetime(2024, 3, 10, 2, 30),
            datetime(2024, 3, 31, 2, 30),
            datetime(2024, 4, 7, 1, 45),
            datetime(2024, 10, 27, 2, 30),
            datetime(2024, 11, 3, 1, 30),
            datetime(2038, 1, 19, 3, 14, 8),
            datetime(2068, 12, 31),
            datetime(2099, 12, 30, 23, 59, 59),
        ],
    )
    def test_each_format_gives_the_same_moment(self, zone, wall):
        expected = milliseconds(wall.replace(tzinfo=ZoneInfo(zone)))
        for timestamp_format in ("%Y-%m-%d %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%d/%b/%Y:%I:%M:%S %p", "%c", "%Y%m%d%H%M%S"):
            parser = TimestampParser(timestamp_format, Zone.named(zone))
            text = wall.strftime(timestamp_format)
            assert parser.milliseconds(text) == expected, text
            assert parser.column([text, text]) in ([expected] * 2, [None] * 2)
        assert iso8601_to_milliseconds(wall.isoformat(), Zone.named(zone)) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("01/01/68 00:00:00", datetime(2068, 1, 1)),
            ("12/31/99 23:59:59", datetime(1999, 12, 31, 23, 59, 59)),
            ("1/1/01 1:01:01", datetime(2001, 1, 1, 1, 1, 1)),
            ("\t01/02/03 04:05:06 ", datetime(2003, 1, 2, 4, 5, 6)),
        ],
    )
    def test_years_of_two_digits_are_those_of_posix(self, text, expected):
        parser = TimestampParser("%m/%d/%y %H:%M:%S", Zone.named("UTC"))
        assert parser.milliseconds(text) == milliseconds(expected.replace(tzinfo=UTC))

    @pytest.mark.parametrize(
        "text", ["", " ", "01/02/03", "13/01/24 00:00:00", "01/02/03 04:05:06 PM", "01/02/03 04:05:60", "\0", "01/02/24 24:00:00"]
    )
    def test_invalid_times_are_named(self, text):
        parser = TimestampParser("%m/%d/%y %H:%M:%S", Zone.named("UTC"))
        with pytest.raises(ValueError, match=r"^time '"):
            parser.milliseconds(text)
        assert parser.column([text]) == [None]

    def test_fractions_are_cut_off_not_rounded(self):
        parser = TimestampParser("%Y-%m-%d %H:%M:%S.%f", Zone.named("UTC"))
        assert parser.milliseconds("2024-01-01 00:00:00.999999") % 1000 == 999
        assert epoch_to_milliseconds("1717143300.9999") == 1_717_143_300_999
        assert iso8601_to_milliseconds("2024-05-31T08:15:00.9999Z", Zone.named("UTC")) == 1_717_143_300_999


class TestFormats:
    @pytest.mark.parametrize("timestamp_format", ["", "YYYY-MM-DD", "%H:%M:%S", "%Y %Q", "%Y %", "%Y %Y", "%%Y %d", "%d.%m."])
    def test_invalid_formats_are_refused(self, timestamp_format):
        with pytest.raises(InputError, match=r"^timestamp_format: "):
            TimestampParser(timestamp_format, Zone.named("UTC"))

    @hypothesis.given(st.text("%YymdHMSjUWzZGVubBpIfacxX0 -:/.Tq", max_size=12), st.text(max_size=20))
    def test_any_format_is_refused_or_works(self, timestamp_format, text):
        try:
            parser = TimestampParser(timestamp_format, Zone.named("Europe/Berlin"))
        except InputError:
            return
        _milliseconds_or_reason(parser, text)


def _milliseconds_or_reason(parser: TimestampParser, text: str) -> int | None:
    """None where it is refused; anything but a ValueError fails the test."""
    try:
        return parser.milliseconds(text)
    except ValueError:
        return None


@pytest.fixture(scope="module", params=FORMATS)
def parser(request) -> TimestampParser:
    return TimestampParser(request.param, Zone.named("America/New_York"))


a_few = hypothesis.settings(max_examples=hypothesis.settings.default.max_examples // 3)


class TestAnyText:
    """Whatever is in a log: a time, or a ValueError with a reason; and a column gives what its rows would."""

    @a_few
    @hypothesis.given(st.text(max_size=40))
    def test_arbitrary(self, parser, text):
        found = _milliseconds_or_reason(parser, text)
        assert parser.column([text]) in ([found], [None])

    @a_few
    @hypothesis.given(st.text("0123456789:/-.,TZ+ EDSTPMapr\0", max_size=32))
    def test_almost_times(self, parser, text):
        found = _milliseconds_or_reason(parser, text)
        assert parser.column([text]) in ([found], [None])

    @a_few
    @hypothesis.given(st.lists(st.tuples(moments, st.sampled_from(["EST", "EDT", "UTC", "CEST", ""])), max_size=8), st.data())
    def test_a_column_agrees_with_its_rows(self, parser, rows, data):
        texts = [_written(wall, parser.format, zone) for wall, zone in rows]
        texts = [_scratched(text, data) for text in texts]
        column = parser.column(texts)
        assert len(column) == len(texts)
        for place, text in enumerate(texts):
            if column[place] is not None:
                assert column[place] == parser.milliseconds(text), text

    @pytest.mark.parametrize("timestamp_format", ["%m/%d/%y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "iso8601"])
    def test_the_usual_formats_are_read_by_column(self, timestamp_format):
        """The quick way must be taken at all."""
        parser = TimestampParser(timestamp_format, Zone.named("America/New_York"))
        for month in (1, 6, 12):
            wall = datetime(2024, month, 15, 13, 59, 7)
            expected = milliseconds(wall.replace(tzinfo=ZoneInfo("America/New_York")))
            assert parser.column([_written(wall, timestamp_format, "")] * 2) == [expected] * 2

    @a_few
    @hypothesis.given(moments, st.integers(0, 3))
    def test_around_clock_changes(self, wall, hours):
        """Whole hours are remembered; those in which clocks change must not be."""
        for change in (datetime(2024, 3, 10, 1), datetime(2024, 11, 3, 0), datetime(2024, 4, 7, 1), datetime(2024, 10, 6, 1)):
            moment = change + timedelta(hours=hours, minutes=wall.minute, seconds=wall.second)
            for zone in ("America/New_York", "Australia/Lord_Howe"):
                one = TimestampParser("%Y-%m-%d %H:%M:%S", Zone.named(zone))
                text = moment.strftime(one.format)
                expected = milliseconds(moment.replace(tzinfo=ZoneInfo(zone)))
                assert one.milliseconds(text) == expected
                assert one.column([text]) in ([expected], [None])


def _written(wall: datetime, timestamp_format: str, zone: str) -> str:
    if timestamp_format == "epoch":
        return str(milliseconds(wall.replace(tzinfo=UTC)) // 1000)
    if timestamp_format == "epoch_ms":
        return str(milliseconds(wall.replace(tzinfo=UTC)))
    if timestamp_format == "iso8601":
        return wall.isoformat() + ("Z" if zone == "UTC" else "")
    return wall.strftime(timestamp_format.replace("%Z", zone).replace("%z", "+0200"))


def _scratched(text: str, data) -> str:
    """The text, or nearly."""
    if not text or data.draw(st.booleans()):
        return text
    place = data.draw(st.integers(0, len(text) - 1))
    return text[:place] + data.draw(st.sampled_from(["", "0", " ", ":", "9", "x", "\0"])) + text[place + 1 :]


class TestHostZone:
    @pytest.mark.parametrize("zone", [zone for zone in ZONES if zone != "UTC"])
    def test_agrees_with_the_named_zone(self, host_zone, zone):
        """Except for its name, a host in Berlin reads like timezone=Europe/Berlin."""
        host_zone(zone)
        host, named = (TimestampParser("%Y-%m-%d %H:%M:%S", one) for one in (Zone.of_host(), Zone.named(zone)))
        for year in (1999, 2024, 2037):
            for day in range(0, 365, 3):
                text = (datetime(year, 1, 1, 1, 59) + timedelta(days=day)).strftime(host.format)
                assert host.milliseconds(text) == named.milliseconds(text), text

    @pytest.mark.parametrize("timestamp_format", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S %Z", "iso8601"])
    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
    @pytest.mark.parametrize("year", ["0001", "9999", "1901", "2500"])
    def test_years_at_the_edge(self, host_zone, zone, timestamp_format, year):
        host_zone(zone)
        for one in (Zone.of_host(), Zone.named(zone)):
            parser = TimestampParser(timestamp_format, one)
            for day in ("01-01 00:00:00", "12-31 23:59:59"):
                for mark in ("", " EST", " CEST", " XYZ"):
                    with pytest.raises(ValueError, match=year):
                        parser.milliseconds(f"{year}-{day}{mark}")


@pytest.mark.parametrize(
    ("text", "hours_to_utc"),
    [
        ("2024.10.14 08:00:01 -03", 3),
        ("2024.10.14 08:00:01 +04", -4),
        ("2024.10.14 08:00:01 +0545", -5.75),
        ("2024.10.14 08:00:01 UTC", 0),
        ("2024.10.14 08:00:01 -3", None),
        ("2024.10.14 08:00:01 -030", None),
        ("2024.10.14 08:00:01", None),
    ],
)
def test_a_zone_may_have_an_offset_for_a_name(text, hours_to_utc):
    parser = TimestampParser("%Y.%m.%d %H:%M:%S %Z", Zone.named("Europe/Berlin"))
    if hours_to_utc is None:
        assert parser.column([text]) == [None]
        with pytest.raises(ValueError, match="does not match timestamp_format"):
            parser.milliseconds(text)
        return
    local = datetime(2024, 10, 14, 8, 0, 1, tzinfo=UTC) + timedelta(hours=hours_to_utc)
    expected = int(local.timestamp()) * 1000
    assert parser.milliseconds(text) == expected
    assert parser.column([text]) == [expected]
