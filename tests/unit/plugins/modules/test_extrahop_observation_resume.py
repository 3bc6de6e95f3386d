# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extrahop_observation on a growing log: it reads only new rows, reports the counts of the whole log, and notices every change."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log import source as _source

from support.vpn_logs import plain_row, plain_rows, received, sent_by_vendor_script, write_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS = 40
BAD = "not an address,10.8.0.9,01/01/21 10:00:00"


@pytest.fixture
def read_bytes(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """The bytes that were read as lines since the last call. Bytes that are only compared with a checkpoint do not count."""
    total = [0]
    original = _source.LogFile._blocks

    def counted(self: Any) -> Iterator[bytes]:
        for block in original(self):
            total[0] += len(block)
            yield block

    monkeypatch.setattr(_source.LogFile, "_blocks", counted)

    def since_last_call() -> int:
        seen, total[0] = total[0], 0
        return seen

    return since_last_call


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return Path(write_log(tmp_path / "vpn.csv", *plain_rows(ROWS)))


def append(log: Path, *rows: str) -> None:
    with log.open("a") as file:
        file.write("".join(f"{row}\n" for row in rows))


def test_an_unchanged_log_is_not_read_again(upload, log, read_bytes):
    upload(path=str(log))
    assert read_bytes() > 0
    run = upload(path=str(log))
    assert read_bytes() == 0
    assert not run.changed
    assert run["counts"]["read"] == run["counts"]["already_uploaded"] == ROWS


def test_of_a_grown_log_only_the_new_rows_are_read(upload, log, emulator, read_bytes):
    upload(path=str(log))
    read_bytes()
    append(log, plain_row(ROWS), plain_row(ROWS + 1))
    run = upload(path=str(log))
    new_bytes = len(f"{plain_row(ROWS)}\n{plain_row(ROWS + 1)}\n")
    assert read_bytes() == new_bytes
    assert run["counts"] == {"read": ROWS + 2, "uploaded": 2, "already_uploaded": ROWS, "skipped": {}, "rejected": 0}
    assert len(emulator.observations()) == ROWS + 2
    assert upload(path=str(log))["counts"]["already_uploaded"] == ROWS + 2


def test_the_line_of_a_bad_new_row_is_that_of_the_whole_log(upload, log):
    upload(path=str(log))
    append(log, plain_row(ROWS), BAD)
    run = upload(path=str(log))
    assert run.failed
    assert f"line {ROWS + 3}:" in run["msg"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda rows: [plain_row(900 + place) for place in range(len(rows))], id="rotated"),
        pytest.param(lambda rows: rows[: len(rows) // 2], id="cut"),
        pytest.param(lambda rows: [*rows[:5], plain_row(950), *rows[6:]], id="rewritten in the middle"),
        pytest.param(lambda rows: [plain_row(960), *rows], id="new rows in front"),
    ],
)
def test_a_log_that_did_not_just_grow_is_read_from_the_start(upload, log, emulator, read_bytes, change):
    upload(path=str(log))
    read_bytes()
    rows = change(list(plain_rows(ROWS)))
    write_log(log, *rows)
    run = upload(path=str(log))
    assert read_bytes() >= log.stat().st_size
    assert run["counts"]["read"] == len(rows)
    assert emulator.state["extrahop"]["observations"]["duplicates"] == 0


def test_a_log_that_was_renamed_by_rotation_is_known_again(upload, log, read_bytes):
    upload(path=str(log))
    read_bytes()
    renamed = log.with_suffix(".1")
    log.rename(renamed)
    assert upload(path=str(renamed))["counts"]["already_uploaded"] == ROWS
    assert read_bytes() == 0


def test_rotation_under_the_same_name_loses_nothing(upload, log, emulator):
    upload(path=str(log))
    append(log, plain_row(ROWS))
    log.rename(log.with_suffix(".1"))
    write_log(log, plain_row(ROWS + 1))
    upload(path=str(log))
    upload(path=str(log.with_suffix(".1")))
    assert len(emulator.observations()) == ROWS + 2
    assert emulator.state["extrahop"]["observations"]["duplicates"] == 0


def test_counts_of_skipped_and_rejected_rows_are_those_of_the_whole_log(upload, log):
    write_log(log, *plain_rows(5), ",0.0.0.0,01/01/21 10:00:00", BAD, plain_row(0), *plain_rows(200)[5:])
    first = upload(path=str(log), on_invalid="skip")
    append(log, plain_row(300))
    again = upload(path=str(log), on_invalid="skip")
    assert first["counts"]["skipped"] == {"duplicate": 1, "no_address": 1}
    assert again["counts"] == {
        "read": first["counts"]["read"] + 1,
        "uploaded": 1,
        "already_uploaded": first["counts"]["uploaded"] + 1,
        "skipped": {"no_address": 1},
        "rejected": 1,
    }
    assert again["rejected_rows"] == first["rejected_rows"]


def test_a_row_that_was_let_pass_once_still_stops_a_strict_run(upload, log):
    write_log(log, BAD, *plain_rows(200))
    upload(path=str(log), on_invalid="skip")
    run = upload(path=str(log))
    assert run.failed
    assert "line 2:" in run["msg"]


def test_the_file_of_rejects_is_always_complete(upload, log, tmp_path):
    rejects = tmp_path / "rejects.csv"
    write_log(log, BAD, *plain_rows(200))
    for extra in (300, 301):
        upload(path=str(log), on_invalid="skip", rejects_path=str(rejects))
        assert rejects.read_text().count("not an address") >= 1
        append(log, plain_row(extra))


@pytest.mark.parametrize("option", [{"timezone": "Asia/Tokyo"}, {"timestamp_unit": "milliseconds"}, {"source": "another"}, {"force": True}])
def test_another_reading_of_the_same_log_begins_at_the_start(upload, log, emulator, option):
    emulator.configure(timestamp_unit="any")
    upload(path=str(log))
    assert upload(path=str(log), **option)["counts"]["uploaded"] == ROWS


def test_asking_for_devices_looks_at_every_address(upload, log, emulator):
    upload(path=str(log))
    write_log(log, *plain_rows(ROWS), "203.0.113.9,10.8.200.7,01/01/21 10:00:00")
    upload(path=str(log))
    assert upload(path=str(log), check_devices=True)["unobserved"] == ["10.8.200.7"]


def test_a_compressed_log_that_has_grown_is_recognized(upload, log, tmp_path, read_bytes):
    compressed = tmp_path / "vpn.csv.gz"
    compressed.write_bytes(gzip.compress(log.read_bytes(), mtime=0))
    upload(path=str(compressed))
    read_bytes()
    assert upload(path=str(compressed))["counts"]["already_uploaded"] == ROWS
    append(log, plain_row(ROWS))
    compressed.write_bytes(gzip.compress(log.read_bytes(), mtime=0))
    assert upload(path=str(compressed))["counts"] == {
        "read": ROWS + 1,
        "uploaded": 1,
        "already_uploaded": ROWS,
        "skipped": {},
        "rejected": 0,
    }


def test_check_mode_remembers_nothing(upload, log):
    upload(path=str(log), check_mode=True)
    assert upload(path=str(log))["counts"]["uploaded"] == ROWS


def test_a_run_that_fails_midway_leaves_its_place(upload, log, emulator, read_bytes, monkeypatch):
    """Rows that were accepted before the failure are neither sent nor read again."""
    monkeypatch.setattr(_source, "BLOCK_BYTES", 200)
    emulator.add_fault("status", {"path": "/api/v1/observations/associatedipaddrs"}, status=400, after=4, times=1)
    first = upload(path=str(log), batch_size=5)
    assert first.failed
    read_bytes()
    rest = upload(path=str(log), batch_size=5)
    assert 0 < read_bytes() < log.stat().st_size
    assert rest["counts"]["read"] == ROWS
    assert first["counts"]["uploaded"] + rest["counts"]["uploaded"] == ROWS
    assert emulator.state["extrahop"]["observations"]["duplicates"] == 0


@pytest.mark.parametrize("on_invalid", ["fail", "skip"])
def test_the_run_after_a_limit_sends_exactly_the_rest(upload, log, emulator, on_invalid):
    first = upload(path=str(log), limit=7, batch_size=5, on_invalid=on_invalid)
    assert first["counts"]["uploaded"] == 7
    assert first["counts"]["read"] == 7 + first["counts"]["skipped"]["over_limit"] == ROWS
    rest = upload(path=str(log), on_invalid=on_invalid)
    assert rest["counts"] == {"read": ROWS, "uploaded": ROWS - 7, "already_uploaded": 7, "skipped": {}, "rejected": 0}
    assert received(emulator.observations()) == sent_by_vendor_script(str(log))
    assert emulator.state["extrahop"]["observations"]["duplicates"] == 0


def test_a_limit_in_check_mode_is_that_of_the_run(upload, log, emulator):
    planned = upload(path=str(log), limit=7, check_mode=True)
    assert planned["counts"]["uploaded"] == 7
    assert upload(path=str(log), limit=7)["counts"] == planned["counts"]


def test_a_row_that_was_fixed_in_place_is_uploaded(upload, log, emulator):
    """The length of the log and the time of its last change stay the same."""
    write_log(log, BAD, *plain_rows(200))
    status = log.stat()
    assert upload(path=str(log), on_invalid="skip")["counts"]["rejected"] == 1
    log.write_text(log.read_text().replace("not an address", "203.0.113.199 "))
    os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))
    run = upload(path=str(log), on_invalid="skip")
    assert run["counts"]["uploaded"] == 1
    assert run["counts"]["rejected"] == 0


def test_a_row_of_the_future_is_looked_at_again_when_it_may_be_past(upload, log, monkeypatch):
    soon = time.time() + 3 * 86_400
    row = f"203.0.113.9,10.8.200.7,{time.strftime('%m/%d/%y %H:%M:%S', time.localtime(soon))}"
    write_log(log, row, *plain_rows(200))
    first = upload(path=str(log), on_invalid="skip")
    assert "more than a day in the future" in first["rejected_rows"][0]["reason"]
    assert upload(path=str(log), on_invalid="skip")["counts"]["rejected"] == 1
    monkeypatch.setattr(time, "time", lambda: soon)
    assert upload(path=str(log), on_invalid="skip")["counts"]["uploaded"] == 1


class TestUnfinishedLine:
    @pytest.fixture(autouse=True)
    def fresh_logs(self, monkeypatch):
        monkeypatch.setattr(_source, "FINISHED_AFTER_SECONDS", 120)

    def test_it_is_left_for_the_next_run(self, upload, log, emulator):
        with log.open("a") as file:
            file.write(plain_row(ROWS)[:-1])
        run = upload(path=str(log))
        assert run["counts"]["skipped"] == {"unfinished_line": 1}
        assert any("no line end yet" in text for text in run.warnings)
        append(log, plain_row(ROWS)[-1])
        assert upload(path=str(log))["counts"] == {"read": ROWS + 1, "uploaded": 1, "already_uploaded": ROWS, "skipped": {}, "rejected": 0}
        assert received(emulator.observations()) == sent_by_vendor_script(str(log))

    def test_after_two_minutes_it_counts(self, upload, log, emulator):
        log.write_text(log.read_text().rstrip("\n"))
        os.utime(log, (log.stat().st_atime, time.time() - 121))
        run = upload(path=str(log))
        assert run["counts"]["uploaded"] == ROWS
        assert run["counts"]["skipped"] == {}

    def test_a_quoted_value_that_is_being_written_stops_no_strict_run(self, upload, log):
        write_log(log, *[f'{row},""' for row in plain_rows(5)], header="Real IP,VPN IP,Start Time,Comment")
        with log.open("a") as file:
            file.write(f'{plain_row(5)},"two\n')
        assert upload(path=str(log))["counts"]["skipped"] == {"unfinished_line": 1}
        append(log, 'lines"')
        assert upload(path=str(log))["counts"]["uploaded"] == 1


class TestSeveralLogs:
    @pytest.fixture
    def rotated(self, tmp_path):
        """Three logs of the same gateway, the oldest compressed."""
        write_log(tmp_path / "vpn.csv.2", *plain_rows(10))
        (tmp_path / "vpn.csv.2.gz").write_bytes(gzip.compress((tmp_path / "vpn.csv.2").read_bytes()))
        (tmp_path / "vpn.csv.2").unlink()
        write_log(tmp_path / "vpn.csv.1", *plain_rows(10, 10))
        write_log(tmp_path / "vpn.csv", *plain_rows(10, 20))
        return str(tmp_path / "vpn.csv*")

    def test_they_are_read_as_one_log_in_order(self, upload, emulator, rotated):
        run = upload(paths=[rotated], batch_size=7)
        assert run["counts"]["uploaded"] == 30
        times = [one["timestamp"] for one in emulator.observations()]
        assert times == sorted(times)
        assert not upload(paths=[rotated]).changed

    def test_a_file_that_two_patterns_find_is_read_once(self, upload, rotated, tmp_path):
        (tmp_path / "link.csv").symlink_to(tmp_path / "vpn.csv")
        assert upload(paths=[rotated, str(tmp_path / "*.csv"), str(tmp_path / "vpn.csv.1")])["counts"]["read"] == 30

    def test_a_pattern_without_a_match_is_an_error(self, upload, tmp_path):
        assert "matches" in upload(paths=[str(tmp_path / "*.log")]).msg

    def test_a_new_empty_log_beside_full_ones_is_no_error(self, upload, rotated, tmp_path):
        write_log(tmp_path / "vpn.csv.0")
        assert upload(paths=[rotated])["counts"]["uploaded"] == 30


def test_the_same_appliance_spelled_differently_is_one(upload, log, extrahop, emulator):
    upload(path=str(log))
    for host in (f"{extrahop['host']}/", extrahop["host"].replace("localhost", "LOCALHOST")):
        assert not upload(path=str(log), host=host).changed


def test_another_source_for_the_same_log_is_mentioned(upload, log):
    upload(path=str(log))
    run = upload(path=str(log), source="another")
    assert any("uploaded before with source 'OpenVPN' (now 'another')" in text for text in run.warnings)
