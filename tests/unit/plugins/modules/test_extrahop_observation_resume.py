# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extrahop_observation on a log that grows: it costs what is new, it tells the counts of the whole, and it is never fooled."""

from __future__ import annotations

import gzip
import json
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
    """How many bytes were read as lines since the last call: a fingerprint is read another way."""
    total = [0]
    original = _source.LogFile._blocks

    def counted(self: Any) -> Iterator[bytes]:
        place = self._start.offset if self._start else 0
        for block in original(self):
            total[0] += self.bytes_read - place
            place = self.bytes_read
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
    assert read_bytes() == 2 * new_bytes, "once to check them, once to send them"
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


def test_a_last_line_without_a_line_break_is_read_again_when_it_has_grown(upload, log, emulator):
    with log.open("a") as file:
        file.write(plain_row(ROWS)[:-1])
    cut_short = upload(path=str(log))["counts"]["uploaded"]
    with log.open("a") as file:
        file.write(plain_row(ROWS)[-1:] + "\n")
    run = upload(path=str(log))
    assert run["counts"]["read"] == ROWS + 1
    assert sent_by_vendor_script(str(log)) <= received(emulator.observations())
    assert cut_short >= ROWS


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


def test_a_compressed_log_is_known_again_only_when_it_is_unchanged(upload, log, tmp_path, read_bytes):
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


class TestInParts:
    """The option that the action plugin sets: a part ends after its time, and the next one goes on."""

    @pytest.fixture(autouse=True)
    def small_blocks(self, monkeypatch):
        monkeypatch.setattr(_source, "BLOCK_BYTES", 200)

    @pytest.fixture
    def upload_in_parts(self, upload):
        def run_all(**options: Any) -> tuple[Any, list[dict[str, Any]]]:
            """The last result, and the progress that was told before."""
            told: list[dict[str, Any]] = []
            state = None
            for _part in range(1000):
                part = {"seconds": 0.0} if state is None else {"seconds": 0.0, "state": state}
                result = upload(**options, slice=part)
                if "slice" not in result.values:
                    return result, told
                # The state goes through Ansible as JSON.
                state = json.loads(json.dumps(result["slice"]["state"]))
                told.append(result["slice"]["progress"])
            pytest.fail("an upload in parts never ended")

        return run_all

    @pytest.mark.parametrize("on_invalid", ["fail", "skip"])
    def test_results_are_those_of_one_run(self, upload, upload_in_parts, log, emulator, tmp_path, on_invalid):
        write_log(log, *plain_rows(ROWS), plain_row(3), ",0.0.0.0,01/01/21 10:00:00")
        in_parts, told = upload_in_parts(path=str(log), on_invalid=on_invalid)
        seen = emulator.observations()
        emulator.reset()
        at_once = upload(path=str(log), on_invalid=on_invalid, ledger=str(tmp_path / "another.sqlite3"))
        assert in_parts["counts"] == at_once["counts"]
        assert in_parts.changed == at_once.changed
        assert len(seen) == len(emulator.observations()) == ROWS
        assert len(told) > 3
        assert [one["phase"] for one in told] == sorted(one["phase"] for one in told)
        assert {one["phase"] for one in told} == ({"uploading"} if on_invalid == "skip" else {"checking", "uploading"})

    def test_again_in_parts_there_is_nothing_to_tell(self, upload_in_parts, log, emulator):
        upload_in_parts(path=str(log))
        emulator.clear_requests()
        run, told = upload_in_parts(path=str(log))
        assert (run.changed, told, emulator.requests()) == (False, [], [])

    def test_a_bad_row_in_a_later_part_stops_before_anything_is_sent(self, upload_in_parts, log, emulator):
        append(log, BAD)
        run, told = upload_in_parts(path=str(log))
        assert run.failed
        assert f"line {ROWS + 2}:" in run["msg"]
        assert {one["phase"] for one in told} == {"checking"}
        assert emulator.writes() == []

    def test_rejects_of_all_parts_are_listed_and_written(self, upload_in_parts, log, tmp_path):
        rejects = tmp_path / "rejects.csv"
        write_log(log, BAD, *plain_rows(ROWS), BAD)
        run, _told = upload_in_parts(path=str(log), on_invalid="skip", rejects_path=str(rejects))
        assert [row["line"] for row in run["rejected_rows"]] == [2, ROWS + 3]
        assert len(rejects.read_text().splitlines()) == 3

    def test_a_log_that_grows_meanwhile_is_read_to_where_it_ended_at_first(self, upload, log):
        first = upload(path=str(log), slice={"seconds": 0.0})
        append(log, plain_row(ROWS))
        last = upload(path=str(log), slice={"seconds": 60.0, "state": first["slice"]["state"]})
        assert last["counts"]["read"] == ROWS
        assert upload(path=str(log))["counts"]["uploaded"] == 1

    def test_a_log_that_is_replaced_meanwhile_is_told(self, upload, log):
        first = upload(path=str(log), slice={"seconds": 0.0})
        write_log(log, *[plain_row(900 + place) for place in range(ROWS)])
        last = upload(path=str(log), slice={"seconds": 60.0, "state": first["slice"]["state"]})
        assert last.failed
        assert "was replaced or rewritten while it was read" in last["msg"]

    def test_a_wrong_state_is_told(self, upload, log):
        run = upload(path=str(log), slice={"seconds": 1.0, "state": {"phase": "checking"}})
        assert run.failed
        assert "slice: this option is for the action plugin" in run["msg"]

    def test_a_byte_order_mark_does_not_move_the_parts(self, upload_in_parts, log):
        log.write_bytes(b"\xef\xbb\xbf" + log.read_bytes())
        run, _told = upload_in_parts(path=str(log))
        assert run["counts"]["uploaded"] == ROWS
