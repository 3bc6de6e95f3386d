# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CSV reader: every line is accounted for and nothing crashes, whatever the file contains."""

from __future__ import annotations

import contextlib
import csv
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._times.zones import Zone
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log import source as _source
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.csv_reader import CsvReader
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.options import LogColumns, LogOptions
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.reading import Reading
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.source import LogFile

if TYPE_CHECKING:
    from pathlib import Path

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

HEADER = "Real IP,VPN IP,Start Time,Comment"
GOOD = "203.0.113.5,10.8.0.2,01/05/24 10:00:00,"
ODD_ROWS = [
    GOOD,
    "",
    "short",
    ",,,",
    f'{GOOD}"quoted, text"',
    "a,b,c,d",
    f'{GOOD}"open',
    "\r",
    '""',
    "é,ü,ß,\0",
]


def options_for(encoding: str, delimiter: str) -> LogOptions:
    """The usual options."""
    return LogOptions((), "csv", LogColumns(), "%m/%d/%y %H:%M:%S", Zone.named("UTC"), True, delimiter, encoding)


def read(path: Path, content: bytes, encoding: str = "utf-8", delimiter: str = ",") -> tuple[list[int], list[tuple[int, str]]]:
    """The lines of the sessions, and those of other rows with their reasons."""
    path.write_bytes(content)
    with LogFile(str(path), encoding) as source:
        reading = Reading(source, options_for(encoding, delimiter), wants_usernames=False)
        sessions: list[int] = []
        others: list[tuple[int, str]] = []
        for block in CsvReader(reading).records():
            sessions += block.lines
            others += [(row.line, str(row.reason)) for row in block.others]
        return sessions, others


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("reader") / "log.csv"


@pytest.fixture(params=[48, 1000, _source.BLOCK_BYTES])
def block_bytes(request, monkeypatch):
    """Lines that fall on every kind of boundary."""
    monkeypatch.setattr(_source, "BLOCK_BYTES", request.param)
    return request.param


def lines_of(*rows: str) -> bytes:
    return "".join(f"{row}\n" for row in (HEADER, *rows)).encode()


class TestEveryLineIsAccountedFor:
    @hypothesis.given(st.lists(st.sampled_from(ODD_ROWS)))
    def test_rows_of_all_kinds(self, path, rows):
        try:
            sessions, others = read(path, lines_of(*rows))
        except InputError:
            assert not [row for row in rows if row.strip()], "an error for the whole file only where there is no row"
            return
        found = [*sessions, *[line for line, _reason in others]]
        assert len(found) == len(set(found)), "a line was taken twice"
        assert set(found) <= set(range(2, len(rows) + 2))
        for number, row in enumerate(rows, start=2):
            if row == GOOD:
                assert number in found, "a quote that was opened above took a whole row"

    @pytest.mark.parametrize(
        ("damaged", "others"),
        [
            ('"203.0.113.7', [2]),
            ('203.0.113.7,10.8.0.7,"01/05', [2]),
            (f'{GOOD}"open', [2]),
            (f'{GOOD}"open\nshort', [2, 3]),
        ],
    )
    @pytest.mark.parametrize("below", [f"{GOOD}end", f'{GOOD}"end"', f'{GOOD}end"', GOOD.replace("203.0.113.5", '"203.0.113.5"')])
    def test_a_quote_opened_by_damage_takes_no_row(self, path, damaged, others, below):
        sessions, rejected = read(path, lines_of(damaged, GOOD, below, GOOD))
        below_damage = 2 + len(others)
        assert sessions == list(range(below_damage, below_damage + 3))
        assert [line for line, _reason in rejected] == others
        assert rejected[0][1] == "a quote is opened and not closed"

    @hypothesis.given(st.lists(st.sampled_from([GOOD, "short", ",,,", "a,b,c,d"]), min_size=1))
    def test_without_quotes_each_line_is_a_row(self, path, rows):
        sessions, others = read(path, lines_of(*rows))
        assert sorted([*sessions, *[line for line, _reason in others]]) == list(range(2, len(rows) + 2))
        assert sessions == [number for number, row in enumerate(rows, start=2) if row == GOOD]

    @hypothesis.given(st.binary(max_size=400))
    def test_arbitrary_bytes(self, path, content):
        for encoding in ("utf-8", "latin-1", "utf-16"):
            with contextlib.suppress(InputError):
                read(path, content, encoding)

    @hypothesis.given(st.binary(max_size=400))
    def test_arbitrary_bytes_below_a_header(self, path, content):
        try:
            sessions, others = read(path, lines_of(GOOD) + content)
        except InputError:
            pytest.fail("one good row makes it a log")
        assert sessions[0] == 2
        count = content.count(b"\n") + (not content.endswith(b"\n") and bool(content))
        assert all(2 < line <= 2 + count for line in [*sessions[1:], *[line for line, _reason in others]])

    @hypothesis.given(values=st.lists(st.lists(st.text("ab,\"\n\r ;'é", max_size=6), min_size=4, max_size=4), max_size=12))
    def test_output_of_the_csv_module_is_read_correctly(self, path, values, tmp_path_factory):
        """Fields with quotes, delimiters and line breaks in them, as any CSV writer writes them."""
        width = max(map(len, values), default=0)
        rows = [["203.0.113.5", "10.8.0.2", "01/05/24 10:00:00", *row, *[""] * (width - len(row))] for row in values]
        target = tmp_path_factory.getbasetemp() / "written.csv"
        with target.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
            writer.writerow([*HEADER.split(",")[:3], *map(str, range(width))])
            writer.writerows(rows)
        if not rows:
            return
        sessions, others = read(path, target.read_bytes())
        assert len(sessions) == len(rows), others


class TestBlocks:
    def test_lines_over_block_boundaries(self, path, block_bytes):
        rows = [f"{GOOD}{'x' * (number % 37)}" for number in range(300)]
        assert read(path, lines_of(*rows)) == (list(range(2, 302)), [])

    def test_quoted_fields_over_block_boundaries(self, path, block_bytes):
        rows = [f'{GOOD}"two\nlines, ""{number}"""' for number in range(200)]
        sessions, others = read(path, lines_of(*rows))
        assert sessions == list(range(2, 402, 2))
        assert others == []

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8", "latin-1"])
    def test_characters_over_block_boundaries(self, path, block_bytes, encoding):
        content = lines_of(*[f"{GOOD}äöü{'é' * (number % 5)}" for number in range(300)]).decode().encode(encoding)
        assert read(path, content, encoding) == (list(range(2, 302)), [])

    @pytest.mark.parametrize("bad", [b"\xff\xfe\xfd", b"a\x80b"])
    def test_undecodable_lines_keep_their_numbers(self, path, block_bytes, bad):
        good = GOOD.encode()
        lines = [HEADER.encode(), *[bad if number % 7 == 0 else good for number in range(2, 102)], b""]
        sessions, others = read(path, b"\n".join(lines))
        assert [line for line, _reason in others] == [number for number in range(2, 102) if number % 7 == 0]
        assert sessions == [number for number in range(2, 102) if number % 7]
        assert all("is not utf-8" in reason for _line, reason in others)


class TestMonsters:
    def test_a_line_without_end_is_one_reject_and_not_held(self, path, monkeypatch):
        content = lines_of(GOOD) + b"x" * 30_000_000 + b"\n" + f"{GOOD}\n".encode()
        path.write_bytes(content)
        tracemalloc.start()
        try:
            sessions, others = read(path, content)
            _now, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert sessions == [2, 4]
        assert [line for line, _reason in others] == [3]
        assert "longer than" in others[0][1]
        assert most < 10_000_000

    def test_a_line_without_end_at_the_end(self, path):
        sessions, others = read(path, lines_of(GOOD) + b"x" * 5_000_000)
        assert sessions == [2]
        assert [line for line, _reason in others] == [3]

    def test_a_file_that_is_one_line(self, path):
        with pytest.raises(InputError, match="line 1: the line is longer than"):
            read(path, b"x" * 5_000_000)

    def test_ten_thousand_columns(self, path):
        header = ",".join([f"column {number}" for number in range(10_000)] + HEADER.split(","))
        row = "," * 10_000 + GOOD
        sessions, others = read(path, f"{header}\n{row}\n{row[5:]}\n".encode())
        assert sessions == [2]
        assert "short row: 9999 of 10004 columns" in others[0][1] or "short row" in others[0][1]

    def test_a_million_quotes(self, path):
        sessions, others = read(path, lines_of(GOOD, '"' * 60_001, *[f'{GOOD}"open'] * 200, GOOD))
        assert sessions[0] == 2
        assert sessions[-1] == 204
        assert {line for line, _reason in others} <= set(range(3, 204))

    def test_memory_does_not_grow_with_the_log(self, path):
        most = []
        for rows in (30_000, 120_000):
            path.write_bytes(lines_of(*[GOOD] * rows))
            with LogFile(str(path), "utf-8") as source:
                reading = Reading(source, options_for("utf-8", ","), wants_usernames=False)
                tracemalloc.start()
                try:
                    assert sum(len(block.lines) for block in CsvReader(reading).records()) == rows
                    most.append(tracemalloc.get_traced_memory()[1])
                finally:
                    tracemalloc.stop()
        assert most[1] < most[0] * 1.5

    def test_nul_bytes_are_accounted_for(self, path):
        sessions, others = read(path, lines_of(GOOD, f"{GOOD}\0", "203.0.113.5,10.8.0.2\0,01/05/24 10:00:00,", GOOD))
        assert 2 in sessions
        assert 5 in sessions
        assert sorted([*sessions, *[line for line, _reason in others]]) == [2, 3, 4, 5]
        assert 4 not in sessions


class TestTwoPasses:
    def test_both_read_the_same_although_the_log_grows(self, path):
        path.write_bytes(lines_of(*[GOOD] * 10))
        with LogFile(str(path), "utf-8") as source:
            reading = Reading(source, options_for("utf-8", ","), wants_usernames=False)
            reader = CsvReader(reading)
            first = sum(len(block.lines) for block in reader.records())
            with path.open("ab") as file:
                file.write(f"{GOOD}\n".encode() * 5)
            second = sum(len(block.lines) for block in reader.records())
        assert first == second == 10

    def test_both_read_the_same_although_the_name_is_given_to_another(self, path, tmp_path):
        log = tmp_path / "log.csv"
        log.write_bytes(lines_of(*[GOOD] * 10))
        with LogFile(str(log), "utf-8") as source:
            reader = CsvReader(Reading(source, options_for("utf-8", ","), wants_usernames=False))
            log.rename(tmp_path / "log.csv.1")
            log.write_bytes(lines_of(GOOD))
            assert sum(len(block.lines) for block in reader.records()) == 10
