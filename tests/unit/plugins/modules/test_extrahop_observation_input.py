# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extrahop_observation reads the vendor's CSV like the vendor's script, and many other logs."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from support.vpn_logs import (
    HEADER,
    plain_row,
    plain_rows,
    received,
    sent_by_vendor_script,
    write_log,
)

ADDRESSES = "203.0.113.5,10.8.0.2"
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Auckland", "America/St_Johns"]
# Around the changes of 2023 and 2024 of each of these zones, but outside the hours that occur twice or not at all.
CHANGES = {
    "Europe/Berlin": [(datetime(2024, 3, 31, 2), datetime(2024, 3, 31, 3)), (datetime(2023, 10, 29, 2), datetime(2023, 10, 29, 3))],
    "America/New_York": [(datetime(2024, 3, 10, 2), datetime(2024, 3, 10, 3)), (datetime(2024, 11, 3, 1), datetime(2024, 11, 3, 2))],
    "Australia/Lord_Howe": [
        (datetime(2024, 10, 6, 2), datetime(2024, 10, 6, 2, 30)),
        (datetime(2024, 4, 7, 1, 30), datetime(2024, 4, 7, 2)),
    ],
    "Pacific/Auckland": [(datetime(2024, 9, 29, 2), datetime(2024, 9, 29, 3)), (datetime(2024, 4, 7, 2), datetime(2024, 4, 7, 3))],
}


def row_at(moment: datetime, addresses: str = ADDRESSES) -> str:
    return f"{addresses},{moment:%m/%d/%y %H:%M:%S}"


def timestamps(emulator) -> list[int]:
    return [one["timestamp"] for one in emulator.observations()]


class TestAsTheVendorsScript:
    """The same set of observations as the script of the vendor's guide, on the same file and in the same zone."""

    @pytest.fixture
    def ordinary(self, tmp_path):
        """Rows over several years, and up to a second before and after every special hour of the zones above."""
        moments = [datetime(2022, 1, 1) + timedelta(days=17 * step, seconds=8_641 * step) for step in range(60)]
        for changes in CHANGES.values():
            for start, end in changes:
                moments += [start - timedelta(seconds=1), end, end + timedelta(hours=1), start - timedelta(hours=3)]
        rows = [row_at(moment, f"203.0.113.{number},10.8.0.{number}") for number, moment in enumerate(moments, start=1)]
        return write_log(tmp_path / "openvpn.csv", *rows, rows[0], rows[3])

    @pytest.mark.parametrize("zone", ZONES)
    def test_in_the_zone_of_the_host(self, upload, emulator, ordinary, host_zone, zone):
        host_zone(zone)
        expected = {one for one in sent_by_vendor_script(ordinary) if not _is_special(one[2], zone)}
        run = upload(path=ordinary)
        assert run["timezone"] == zone
        assert len(expected) > 60
        assert expected <= received(emulator.observations())
        assert len(emulator.observations()) == run["counts"]["uploaded"] == run["counts"]["read"] - 2
        assert not upload(path=ordinary).changed

    @pytest.mark.parametrize("zone", ZONES)
    def test_with_the_zone_as_an_option_on_a_host_elsewhere(self, upload, emulator, ordinary, host_zone, zone):
        host_zone(zone)
        expected = {one for one in sent_by_vendor_script(ordinary) if not _is_special(one[2], zone)}
        host_zone("Asia/Tokyo")
        upload(path=ordinary, timezone=zone)
        assert expected <= received(emulator.observations())

    def test_with_the_header_in_another_order_and_more_columns(self, upload, emulator, tmp_path, host_zone):
        host_zone("America/New_York")
        rows = [f'alice,{row.split(",")[2]},"a, b",{row.split(",")[1]},{row.split(",")[0]}' for row in plain_rows(20)]
        path = write_log(tmp_path / "log.csv", *rows, header="Username,Start Time,Comment,VPN IP,Real IP")
        upload(path=path)
        assert received(emulator.observations()) == sent_by_vendor_script(path)


def _is_special(seconds: int, zone: str) -> bool:
    """True if this moment's wall-clock time occurs twice: mktime may take either, and the collection has a rule of its own."""
    wall = datetime.fromtimestamp(seconds, ZoneInfo(zone)).replace(tzinfo=None)
    first, second = (wall.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1))
    return first != second


class TestClockChanges:
    """The documented rule: of a time that occurs twice the first is taken; one that does not occur is read as if clocks had not moved."""

    @pytest.mark.parametrize("given", ["option", "host"])
    @pytest.mark.parametrize(
        ("zone", "wall", "utc"),
        [
            # Clocks went back: the first of the two.
            ("Europe/Berlin", datetime(2023, 10, 29, 2, 30), datetime(2023, 10, 29, 0, 30)),
            ("America/New_York", datetime(2024, 11, 3, 1, 0), datetime(2024, 11, 3, 5, 0)),
            ("America/New_York", datetime(2024, 11, 3, 1, 59, 59), datetime(2024, 11, 3, 5, 59, 59)),
            ("America/New_York", datetime(2024, 11, 3, 2, 0), datetime(2024, 11, 3, 7, 0)),
            ("Australia/Lord_Howe", datetime(2024, 4, 7, 1, 45), datetime(2024, 4, 6, 14, 45)),
            # Clocks went forward: as if they had not yet.
            ("Europe/Berlin", datetime(2024, 3, 31, 2, 30), datetime(2024, 3, 31, 1, 30)),
            ("America/New_York", datetime(2024, 3, 10, 2, 0), datetime(2024, 3, 10, 7, 0)),
            ("America/New_York", datetime(2024, 3, 10, 2, 59, 59), datetime(2024, 3, 10, 7, 59, 59)),
            ("America/New_York", datetime(2024, 3, 10, 3, 0), datetime(2024, 3, 10, 7, 0)),
            ("Australia/Lord_Howe", datetime(2024, 10, 6, 2, 15), datetime(2024, 10, 5, 15, 45)),
        ],
    )
    def test_special_hours(self, upload, emulator, tmp_path, host_zone, given, zone, wall, utc):
        host_zone(zone if given == "host" else "Asia/Tokyo")
        path = write_log(tmp_path / "log.csv", row_at(wall))
        upload(path=path, timezone=None if given == "host" else zone)
        assert timestamps(emulator) == [int(utc.replace(tzinfo=ZoneInfo("UTC")).timestamp())]
        assert not upload(path=path, timezone=zone).changed

    def test_a_zone_beside_the_time_distinguishes_the_two(self, upload, emulator, tmp_path):
        path = write_log(tmp_path / "log.csv", *[f"{ADDRESSES},2024.11.03 01:30:00 {zone}" for zone in ("EDT", "EST")])
        upload(path=path, timestamp_format="%Y.%m.%d %H:%M:%S %Z", timezone="America/New_York")
        assert timestamps(emulator) == [1_730_611_800, 1_730_615_400]


class TestTimestampFormats:
    MOMENT = 1_717_143_300  # 2024-05-31 08:15:00 UTC

    @pytest.mark.parametrize(
        ("timestamp_format", "text"),
        [
            ("%m/%d/%y %H:%M:%S", "05/31/24 08:15:00"),
            ("%m/%d/%y %H:%M:%S", " 5/31/24 8:15:00 "),
            ("%Y-%m-%d %H:%M:%S", "2024-05-31 08:15:00"),
            ("%a %b %d %H:%M:%S %Y", "Fri May 31 08:15:00 2024"),
            ("%d/%b/%Y:%I:%M:%S %p", "31/May/2024:08:15:00 AM"),
            ("%Y.%m.%d %H:%M:%S %Z", "2024.05.31 04:15:00 EDT"),
            ("%Y.%m.%d %H:%M:%S %Z", "2024.05.31 10:15:00 CEST"),
            ("%Y-%m-%dT%H:%M:%S%z", "2024-05-31T10:15:00+0200"),
            ("%Y-%m-%d %H:%M:%S.%f", "2024-05-31 08:15:00.999"),
            ("%Y-%m-%d %H:%M", "2024-05-31 08:15"),
            ("epoch", "1717143300"),
            ("epoch", "1717143300.9"),
            ("epoch_ms", "1717143300999"),
            ("iso8601", "2024-05-31T08:15:00Z"),
            ("iso8601", "2024-05-31 08:15:00"),
            ("iso8601", "2024-05-31T10:15:00+02:00"),
            ("iso8601", "20240531T081500Z"),
            ("iso8601", "2024-05-31T03:15:00.5-05"),
        ],
    )
    def test_each(self, upload, emulator, tmp_path, timestamp_format, text):
        path = write_log(tmp_path / "log.csv", f'{ADDRESSES},"{text}"')
        run = upload(path=path, timestamp_format=timestamp_format, timezone="UTC")
        assert timestamps(emulator) == [self.MOMENT]
        assert run["timezone"] == "UTC"

    @pytest.mark.parametrize(
        ("timestamp", "timestamp_format"),
        [
            (1_717_143_300, None),
            (1_717_143_300.7, None),
            ("1717143300", None),
            ("2024-05-31T08:15:00Z", None),
            ("2024-05-31T10:15:00+02:00", None),
            ("2024-05-31 08:15:00", None),
            ("05/31/24 08:15:00", None),
            ("31.05.2024 08:15", "%d.%m.%Y %H:%M"),
            (1_717_143_300_123, "epoch_ms"),
            ("1717143300123", "epoch_ms"),
            ("2024-05-31T08:15:00Z", "epoch_ms"),
            (1_717_143_300, "iso8601"),
        ],
    )
    def test_of_observations(self, upload, emulator, timestamp, timestamp_format):
        item = {"ipaddr": "10.8.0.2", "associated_ipaddr": "203.0.113.5", "timestamp": timestamp}
        upload(observations=[item], timestamp_format=timestamp_format, timezone="UTC")
        assert timestamps(emulator) == [self.MOMENT]

    def test_abbreviations_are_understood_whatever_the_zone_of_the_host(self, upload, emulator, tmp_path, host_zone):
        host_zone("Asia/Tokyo")
        path = write_log(tmp_path / "log.csv", f"{ADDRESSES},2022.05.02 07:50:50 EDT", f"{ADDRESSES},2022.01.02 07:50:50 PST")
        upload(path=path, timestamp_format="%Y.%m.%d %H:%M:%S %Z")
        assert timestamps(emulator) == [1_651_492_250, 1_641_138_650]

    def test_month_names_are_english_whatever_the_language(self, upload, emulator, tmp_path, monkeypatch):
        monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
        path = write_log(tmp_path / "log.csv", f"{ADDRESSES},Tue Mar 05 10:00:00 2024")
        upload(path=path, timestamp_format="%a %b %d %H:%M:%S %Y", timezone="UTC")
        assert timestamps(emulator) == [1_709_632_800]


MONTH = [f"{day:02}/09/25" for day in range(1, 31)]
EARLY_DAYS = [f"{day:02}/{month:02}/25" for month in (8, 9, 10) for day in range(1, 12)]


class TestDayAndMonth:
    """Dates in another order than timestamp_format says, which goes unnoticed up to the 12th of a month."""

    @staticmethod
    def rows(dates: list[str]) -> list[str]:
        return [f"203.0.113.5,10.8.0.{place + 1},{date} 10:00:00" for place, date in enumerate(dates)]

    @pytest.mark.parametrize("on_invalid", ["fail", "skip"])
    @pytest.mark.parametrize("dates", [MONTH, MONTH[::-1], EARLY_DAYS, EARLY_DAYS[::-1], [*MONTH, "no date"]])
    def test_exchanged(self, upload, emulator, tmp_path, dates, on_invalid):
        run = upload(path=write_log(tmp_path / "log.csv", *self.rows(dates)), on_invalid=on_invalid)
        assert "Set timestamp_format to '%d/%m/%y %H:%M:%S'" in run.msg
        assert emulator.writes() == []

    @pytest.mark.parametrize(
        ("dates", "rejected"),
        [
            ([f"09/{day:02}/25" for day in range(1, 31)], 0),
            ([f"{month:02}/{day:02}/25" for month in (8, 9) for day in range(1, 12)], 0),
            (["09/03/25", "09/01/25", "09/02/25", "08/31/25"], 0),
            (["13/09/25"], 1),
            ([f"09/{day:02}/25" for day in range(1, 12)] + ["13/09/25"], 1),
        ],
    )
    def test_not_exchanged(self, upload, tmp_path, dates, rejected):
        run = upload(path=write_log(tmp_path / "log.csv", *self.rows(dates)), on_invalid="skip")
        assert (run["counts"]["uploaded"], run["counts"]["rejected"]) == (len(dates) - rejected, rejected)


class TestColumns:
    @pytest.fixture
    def expected(self):
        return {("10.8.0.2", "203.0.113.5", int(datetime(2001, 1, 1, 10, 10, 10, tzinfo=timezone(timedelta(0))).timestamp()))}

    @pytest.mark.parametrize(
        ("header", "row", "columns"),
        [
            # The vendor's tip: the time over four columns.
            ("Month,Day,Year,Time,VPN IP,Real IP", "01,01,01,10:10:10,10.8.0.2,203.0.113.5", {"timestamp": "{Month}/{Day}/{Year} {Time}"}),
            ("Date,Time,VPN IP,Real IP", "01/01/01,10:10:10,10.8.0.2,203.0.113.5", {"timestamp": ["Date", "Time"]}),
            ("date,TIME,vpn ip,REAL IP", "01/01/01,10:10:10,10.8.0.2,203.0.113.5", {"timestamp": ["Date", "Time"]}),
            ("date,TIME,vpn ip,REAL IP", "01/01/01,10:10:10,10.8.0.2,203.0.113.5", {"timestamp": "{Date} {Time}"}),
            ("a,b,c", "10.8.0.2,203.0.113.5,01/01/01 10:10:10", {"ipaddr": "a", "associated_ipaddr": "b", "timestamp": "c"}),
            ("a, b ,c", "10.8.0.2, 203.0.113.5 ,01/01/01 10:10:10", {"ipaddr": "a", "associated_ipaddr": "b", "timestamp": "c"}),
            # An exact match comes before one in another case.
            ("real ip,Real IP,VPN IP,Start Time", "198.51.100.1,203.0.113.5,10.8.0.2,01/01/01 10:10:10", {}),
            ("START TIME,VPN IP,Real IP", "01/01/01 10:10:10,10.8.0.2,203.0.113.5", None),
            # A name with braces is a name where the log has it.
            ("{Time},VPN IP,Real IP", "01/01/01 10:10:10,10.8.0.2,203.0.113.5", {"timestamp": "{Time}"}),
            # Duplicates of a column that nobody needs.
            ("x,x,VPN IP,Real IP,Start Time", "1,2,10.8.0.2,203.0.113.5,01/01/01 10:10:10", None),
        ],
    )
    def test_each(self, upload, emulator, tmp_path, expected, header, row, columns):
        path = write_log(tmp_path / "log.csv", row, header=header)
        upload(path=path, columns=columns, timezone="UTC")
        assert received(emulator.observations()) == expected

    @pytest.mark.parametrize(
        ("header", "row", "reason"),
        [
            ("VPN IP,Real IP,Start Time,Comment", "10.8.0.2,203.0.113.5,01/01/01 10:10:10", "short row: 3 of 4 columns"),
            ("VPN IP,Real IP,Start Time", "10.8.0.2,203.0.113.5,01/01/01 10:10:10,and,more", "long row: 5 columns"),
            ("User,LAN,VPN IP,Real IP,Start Time", "Doe, John,192.168.1.6,10.8.0.2,203.0.113.5,01/01/01 10:10:10", "long row: 6 columns"),
            ("VPN IP,Real IP,Start Time", "10.8.0.2,203.0.113.5,01/01/01 10:10:1", "two digits"),
            ("VPN IP,Real IP,Start Time", "10.8.0.2,10.8.0.2,01/01/01 10:10:10", "both addresses are 10.8.0.2"),
        ],
    )
    def test_rows_that_may_be_cut_or_shifted_are_rejected(self, upload, emulator, tmp_path, header, row, reason):
        path = write_log(tmp_path / "log.csv", row, header=header)
        run = upload(path=path, timezone="UTC", on_invalid="skip")
        assert reason in run["rejected_rows"][0]["reason"]
        assert emulator.observations() == []

    @pytest.mark.parametrize("pattern", ["{Date}} {Time}", "{{Date} {Time}", "{Date} {Time} {", "}{Date} {Time}", "{Date!r} {Time}"])
    def test_stray_braces_in_a_pattern_do_not_end_in_a_traceback(self, upload, tmp_path, pattern):
        path = write_log(tmp_path / "log.csv", "01/01/01,10:10:10,10.8.0.2,203.0.113.5", header="Date,Time,VPN IP,Real IP")
        assert "timestamp" in upload(path=path, columns={"timestamp": pattern}).msg

    def test_braces_beside_the_columns_are_text(self, upload, emulator, tmp_path, expected):
        path = write_log(tmp_path / "log.csv", "01/01/01,10:10:10,10.8.0.2,203.0.113.5", header="Date,Time,VPN IP,Real IP")
        upload(path=path, columns={"timestamp": "{Date} }{Time}"}, timestamp_format="%m/%d/%y }%H:%M:%S", timezone="UTC")
        assert received(emulator.observations()) == expected


class TestFiles:
    @pytest.fixture
    def expected(self, tmp_path, host_zone):
        host_zone("Europe/Berlin")
        return sent_by_vendor_script(write_log(tmp_path / "plain.csv", *plain_rows(5)))

    def test_a_tab_as_quotes_leave_it(self, upload, tmp_path):
        """Single quotes of YAML and of the shell pass on a backslash and a t."""
        rows = [row.replace(",", "\t") for row in (HEADER, *plain_rows(3))]
        path = write_log(tmp_path / "tabs.csv", *rows[1:], header=rows[0])
        assert upload(path=path, delimiter="\\t")["counts"]["uploaded"] == 3
        assert not upload(path=path, delimiter="\t").changed

    def test_delimiters(self, upload, emulator, tmp_path, expected):
        for delimiter in (";", "\t", "|", " "):
            rows = [delimiter.join(f'"{value}"' for value in row.split(",")) for row in (HEADER, *plain_rows(5))]
            path = write_log(tmp_path / "log.csv", *rows[1:], header=rows[0])
            assert not upload(path=path, delimiter=delimiter, source=f"by {ord(delimiter)}").failed
        assert received(emulator.observations()) == expected
        assert len(emulator.observations()) == 4 * len(expected)

    @pytest.mark.parametrize(
        ("encoding", "written"),
        [
            ("utf-8", "utf-8"),
            ("utf-8", "utf-8-sig"),
            ("utf-8-sig", "utf-8-sig"),
            ("UTF-16", "utf-16"),
            ("utf-16-le", "utf-16-le"),
            ("utf-16-be", "utf-16-be"),
            ("utf-32", "utf-32"),
            ("latin-1", "latin-1"),
            ("cp1252", "cp1252"),
            ("ascii", "ascii"),
        ],
    )
    @pytest.mark.parametrize("compressed", [False, True])
    def test_encodings(self, upload, emulator, tmp_path, expected, encoding, written, compressed):
        name = "" if written == "ascii" else "Müller"
        rows = [f"{row},{name}" for row in plain_rows(5)]
        path = Path(write_log(tmp_path / "log.csv", *rows, header=f"{HEADER},Username", encoding=written))
        if compressed:
            path.write_bytes(gzip.compress(path.read_bytes()))
        run = upload(path=str(path), encoding=encoding)
        assert received(emulator.observations()) == expected
        assert run["counts"]["read"] == 5

    def test_the_same_rows_in_another_encoding_are_the_same_rows(self, upload, tmp_path):
        upload(path=write_log(tmp_path / "one.csv", *plain_rows(5)))
        assert not upload(path=write_log(tmp_path / "other.csv", *plain_rows(5), encoding="utf-16"), encoding="utf-16").changed

    @pytest.mark.parametrize("ending", ["\r\n", "\n"])
    @pytest.mark.parametrize("last", [True, False])
    def test_line_endings(self, upload, emulator, tmp_path, expected, ending, last):
        path = tmp_path / "log.csv"
        path.write_bytes((ending.join([HEADER, *plain_rows(5)]) + (ending if last else "")).encode())
        upload(path=str(path))
        assert received(emulator.observations()) == expected

    @pytest.mark.parametrize("ending", ["\n", "\r\n"])
    def test_quoted_fields_may_go_over_several_lines(self, upload, emulator, tmp_path, expected, ending):
        rows = [f'"first{ending}second, ""quoted""{ending}{ending}last",{row}' for row in plain_rows(5)]
        path = tmp_path / "log.csv"
        path.write_bytes(ending.join([f"Comment,{HEADER}", *rows, "x,203.0.113.5,10.8.0.2,bad", ""]).encode())
        run = upload(path=str(path), on_invalid="skip")
        assert received(emulator.observations()) == expected
        assert run["counts"]["read"] == 6
        assert [row["line"] for row in run["rejected_rows"]] == [2 + 5 * 4]

    def test_blank_lines_are_no_rows(self, upload, tmp_path):
        path = write_log(tmp_path / "log.csv", "", plain_row(0), "", "", plain_row(1), "")
        assert upload(path=path)["counts"]["read"] == 2

    @pytest.mark.parametrize("repeated", [HEADER, f"\ufeff{HEADER}", '"Real IP","VPN IP", Start Time'])
    def test_a_header_that_is_repeated_is_no_row(self, upload, tmp_path, repeated):
        path = write_log(tmp_path / "log.csv", plain_row(0), repeated, plain_row(1))
        assert upload(path=path)["counts"]["read"] == 2

    def test_blank_lines_above_the_header(self, upload, tmp_path):
        path = write_log(tmp_path / "log.csv", HEADER, plain_row(0), header="\n")
        assert upload(path=path)["counts"]["uploaded"] == 1

    def test_a_quote_that_is_not_closed_costs_its_own_line_only(self, upload, emulator, tmp_path, expected):
        path = write_log(tmp_path / "log.csv", *plain_rows(3), '203.0.113.5,"10.8.0.2,01/05/24 10:00:00', *plain_rows(2, start=3))
        run = upload(path=path, on_invalid="skip")
        assert received(emulator.observations()) == expected
        assert [row["line"] for row in run["rejected_rows"]] == [5]
        assert "quote" in run["rejected_rows"][0]["reason"]

    def test_undecodable_bytes_cost_their_own_line_only(self, upload, emulator, tmp_path, expected):
        path = tmp_path / "log.csv"
        lines = [HEADER, *plain_rows(3), "203.0.113.5,10.8.0.2,\xff\xfe", *plain_rows(2, start=3)]
        path.write_bytes("\n".join(lines).encode("latin-1"))
        run = upload(path=str(path), on_invalid="skip")
        assert received(emulator.observations()) == expected
        assert [row["line"] for row in run["rejected_rows"]] == [5]

    def test_ipv6_and_ipv4_in_ipv6(self, upload, emulator, tmp_path):
        path = write_log(
            tmp_path / "log.csv",
            "2001:DB8::5,fd00:8::2,01/05/24 10:00:00",
            "::ffff:203.0.113.5,::ffff:10.8.0.2,01/05/24 10:00:00",
        )
        upload(path=path)
        assert {one[:2] for one in received(emulator.observations())} == {("fd00:8::2", "2001:db8::5"), ("10.8.0.2", "203.0.113.5")}

    def test_a_relative_path_and_a_tilde(self, upload, tmp_path, monkeypatch):
        write_log(tmp_path / "home" / "log.csv", *plain_rows(2))
        monkeypatch.chdir(tmp_path)
        assert upload(path="~/log.csv")["counts"]["uploaded"] == 2
        assert upload(path="home/log.csv")["counts"]["already_uploaded"] == 2

    def test_a_link_to_a_log_is_followed(self, upload, tmp_path):
        write_log(tmp_path / "log.csv", *plain_rows(2))
        (tmp_path / "current").symlink_to("log.csv")
        assert upload(path=str(tmp_path / "current"))["counts"]["uploaded"] == 2

    def test_many_rows(self, upload, emulator, tmp_path):
        """Over several blocks of the reader and many batches."""
        rows = plain_rows(20_000)
        path = write_log(tmp_path / "log.csv", *rows[:10_000], "bad,row,here", *rows[10_000:], rows[5])
        run = upload(path=path, on_invalid="skip", concurrency=3)
        assert run["counts"] == {"read": 20_002, "uploaded": 20_000, "already_uploaded": 0, "skipped": {"duplicate": 1}, "rejected": 1}
        assert [row["line"] for row in run["rejected_rows"]] == [10_002]
        assert emulator.state["extrahop"]["observations"]["distinct"] == 20_000
        assert upload(path=path, on_invalid="skip")["counts"]["already_uploaded"] == 20_001
