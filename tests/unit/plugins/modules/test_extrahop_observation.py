# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extrahop_observation: each state as change, again, check mode, check mode again; counts, diff and the ways to send."""

from __future__ import annotations

import csv
import json
import os
import re
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.module_process import ModuleProcess
from support.vpn_logs import HEADER, plain_row, plain_rows, received, write_log

if TYPE_CHECKING:
    from support.module_runs import ModuleRun

ROWS = 7
TWO = [
    {"ipaddr": "10.8.3.7", "associated_ipaddr": "203.0.113.9", "timestamp": 1_717_143_300},
    {"ipaddr": "10.8.3.8", "associated_ipaddr": "203.0.113.10", "timestamp": "2024-05-31T08:15:00Z"},
]


def counts(read: int = 0, uploaded: int = 0, already_uploaded: int = 0, rejected: int = 0, **skipped: int) -> dict[str, Any]:
    return {"read": read, "uploaded": uploaded, "already_uploaded": already_uploaded, "skipped": skipped, "rejected": rejected}


def total(run: ModuleRun) -> int:
    one = run["counts"]
    return one["uploaded"] + one["already_uploaded"] + sum(one["skipped"].values()) + one["rejected"]


class TestEachState:
    @pytest.fixture(params=["path", "observations"])
    def given(self, request, log):
        return {"path": {"path": log}, "observations": {"observations": TWO}}[request.param]

    @pytest.fixture
    def rows(self, given):
        return ROWS if "path" in given else len(TWO)

    def test_change(self, upload, emulator, given, rows):
        run = upload(**given)
        assert run.changed
        assert run["counts"] == counts(read=rows, uploaded=rows)
        assert run["requests"] == len(emulator.writes()) == 1
        assert len(emulator.observations()) == rows

    def test_again(self, upload, emulator, given, rows):
        upload(**given)
        emulator.clear_requests()
        run = upload(**given)
        assert not run.changed
        assert run["counts"] == counts(read=rows, already_uploaded=rows)
        assert run["requests"] == 0
        assert emulator.requests() == []

    def test_check_mode(self, upload, emulator, given, rows):
        run = upload(**given, check_mode=True)
        assert run.changed
        assert run["counts"] == counts(read=rows, uploaded=rows)
        assert run["requests"] == 0
        assert emulator.requests() == []

    def test_check_mode_again(self, upload, emulator, given, rows):
        assert upload(**given, check_mode=True).changed, "a check records nothing"
        upload(**given)
        emulator.clear_requests()
        run = upload(**given, check_mode=True)
        assert not run.changed
        assert run["counts"] == counts(read=rows, already_uploaded=rows)
        assert emulator.requests() == []

    def test_check_mode_predicts_the_run_with_new_rows(self, upload, log):
        upload(path=log)
        with open(log, "a", encoding="utf-8") as file:
            file.write("\n".join([plain_row(100), plain_row(0), plain_row(101)]) + "\n")
        foretold = upload(path=log, check_mode=True, diff=True)
        done = upload(path=log, diff=True)
        for name in ("changed", "counts", "diff", "rejected_rows", "timestamp_unit", "timezone"):
            assert foretold[name] == done[name], name

    def test_check_mode_leaves_no_file(self, upload, log, tmp_path):
        before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
        upload(path=log, check_mode=True, rejects_path=str(tmp_path / "rejects.csv"))
        assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before


def test_the_request_is_the_one_of_the_vendors_guide(upload, emulator, extrahop):
    upload(observations=[TWO[0]])
    (request,) = emulator.requests()
    assert (request["method"], request["path"]) == ("POST", "/api/v1/observations/associatedipaddrs")
    assert request["headers"]["Authorization"] == f"ExtraHop apikey={extrahop['api_key']}"
    assert request["headers"]["Content-Type"] == request["headers"]["Accept"] == "application/json"
    assert request["body"] == {"observations": [TWO[0]], "source": "OpenVPN"}


@pytest.mark.parametrize("answer", ["empty", "text", "json"])
def test_a_202_is_accepted_whatever_its_body(upload, emulator, log, answer):
    emulator.configure(accepted_body=answer)
    assert upload(path=log)["counts"] == counts(read=ROWS, uploaded=ROWS)
    assert not upload(path=log).changed


class TestDiff:
    def test_shows_what_is_uploaded(self, upload):
        assert upload(observations=TWO, diff=True)["diff"] == {
            "before": "",
            "after": "10.8.3.7 is 203.0.113.9 since 2024-05-31T08:15:00Z\n10.8.3.8 is 203.0.113.10 since 2024-05-31T08:15:00Z\n",
        }

    def test_is_the_same_in_check_mode(self, upload):
        foretold = upload(observations=TWO, diff=True, check_mode=True)
        assert foretold["diff"] == upload(observations=TWO, diff=True)["diff"]

    def test_is_empty_the_second_time(self, upload):
        upload(observations=TWO)
        assert upload(observations=TWO, diff=True)["diff"] == {"before": "", "after": ""}

    def test_is_there_only_when_asked_for(self, upload):
        assert "diff" not in upload(observations=TWO)

    def test_does_not_grow_with_the_input(self, upload, tmp_path):
        path = write_log(tmp_path / "long.csv", *plain_rows(400))
        lines = upload(path=path, diff=True, check_mode=True)["diff"]["after"].splitlines()
        assert len(lines) == 21
        assert lines[-1] == "and 380 more"


class TestCounts:
    def test_every_row_is_one_of_them(self, upload, tmp_path):
        path = write_log(
            tmp_path / "mixed.csv",
            *plain_rows(5),
            plain_row(2),
            "203.0.113.5,,01/05/24 10:00:00",
            "0.0.0.0,10.8.0.9,01/05/24 10:00:00",
            "203.0.113.5,::,not a time",
            "",
            "203.0.113.5,10.8.0.9,not a time",
            "203.0.113.5,10.8.0.9:1194,01/05/24 10:00:00",
            "203.0.113.5",
        )
        upload(path=write_log(tmp_path / "before.csv", plain_row(0), plain_row(1)))
        run = upload(path=path, on_invalid="skip")
        assert run["counts"] == {
            "read": 12,
            "uploaded": 3,
            "already_uploaded": 2,
            "skipped": {"duplicate": 1, "no_address": 3},
            "rejected": 3,
        }
        assert total(run) == run["counts"]["read"]
        assert [row["line"] for row in run["rejected_rows"]] == [12, 13, 14]

    @pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 1000])
    @pytest.mark.parametrize("concurrency", [1, 4])
    def test_add_up_for_any_batch_size(self, upload, emulator, tmp_path, batch_size, concurrency):
        rows = [*plain_rows(9), plain_row(3), "203.0.113.5,,", "x", *plain_rows(5), plain_row(20)]
        path = write_log(tmp_path / "log.csv", *rows)
        options = {"path": path, "on_invalid": "skip", "batch_size": batch_size, "concurrency": concurrency}
        foretold = upload(**options, check_mode=True)
        run = upload(**options)
        assert run["counts"] == foretold["counts"] == counts(read=18, uploaded=10, rejected=1, no_address=1, duplicate=6)
        assert total(run) == 18
        assert emulator.state["extrahop"]["observations"]["duplicates"] == 0
        assert len(emulator.observations()) == 10
        again = upload(**options)
        assert not again.changed
        assert total(again) == 18

    @pytest.mark.parametrize("associated", ["", "0.0.0.0", "::", " "])
    @pytest.mark.parametrize("on_invalid", ["fail", "skip"])
    def test_rows_without_address_are_skipped_in_both_modes(self, upload, tmp_path, associated, on_invalid):
        path = write_log(tmp_path / "log.csv", f"{associated},10.8.0.2,01/05/24 10:00:00", f"203.0.113.5,{associated},", plain_row(1))
        assert upload(path=path, on_invalid=on_invalid)["counts"] == counts(read=3, uploaded=1, no_address=2)

    def test_observations_without_address_are_skipped(self, upload):
        item = {"associated_ipaddr": "203.0.113.5", "timestamp": 1_717_143_300}
        run = upload(observations=[{**item, "ipaddr": ""}, {**item, "ipaddr": "0.0.0.0"}, {**item, "ipaddr": None}])
        assert run["counts"] == counts(read=3, no_address=3)

    @pytest.mark.parametrize("value", [7, 3.5, True, [], {"address": "10.8.0.2"}])
    def test_an_address_that_is_no_text(self, upload, value):
        item = {"ipaddr": value, "associated_ipaddr": "203.0.113.5", "timestamp": 1_717_143_300}
        run = upload(observations=[item], on_invalid="skip")
        assert run["counts"] == counts(read=1, rejected=1)
        assert "ipaddr: " in run["rejected_rows"][0]["reason"]
        assert not run.changed

    def test_an_empty_list_is_nothing_to_do(self, upload, emulator):
        assert upload(observations=[])["counts"] == counts()
        assert emulator.requests() == []


class TestOnInvalid:
    BAD = ("203.0.113.5,10.8.0.9,not a time", "203.0.113.5,nowhere,01/05/24 10:00:00")

    def test_fail_sends_nothing_at_all(self, upload, emulator, tmp_path):
        path = write_log(tmp_path / "log.csv", *plain_rows(2500), *self.BAD)
        run = upload(path=path, batch_size=100)
        assert f"{path}, line 2502" in run.msg
        assert "not a time" in run.msg
        assert "2 rows" in run.msg
        assert "on_invalid" in run.msg
        assert emulator.requests() == []
        assert run["counts"]["rejected"] == 2
        assert [row["line"] for row in run["rejected_rows"]] == [2502, 2503]
        assert not run.changed

    def test_fail_decides_the_same_in_check_mode(self, upload, tmp_path):
        path = write_log(tmp_path / "log.csv", plain_row(0), *self.BAD)
        assert upload(path=path, check_mode=True).msg == upload(path=path).msg

    def test_skip_uploads_the_rest_and_lists_the_bad(self, upload, emulator, tmp_path):
        run = upload(path=write_log(tmp_path / "log.csv", plain_row(0), *self.BAD, plain_row(1)), on_invalid="skip")
        assert run["counts"] == counts(read=4, uploaded=2, rejected=2)
        assert [row["line"] for row in run["rejected_rows"]] == [3, 4]
        assert "not a time" in run["rejected_rows"][0]["reason"]
        assert "nowhere" in run["rejected_rows"][1]["reason"]
        assert len(emulator.observations()) == 2

    def test_only_the_first_twenty_are_listed(self, upload, tmp_path):
        run = upload(path=write_log(tmp_path / "log.csv", *["x,y,z"] * 30), on_invalid="skip")
        assert run["counts"]["rejected"] == 30
        assert [row["line"] for row in run["rejected_rows"]] == list(range(2, 22))

    def test_items_are_numbered_from_one(self, upload):
        run = upload(observations=[TWO[0], {**TWO[0], "ipaddr": "nowhere"}])
        assert "observations, item 2" in run.msg
        assert "'nowhere'" in run.msg


class TestNothingOfUse:
    """If invalid rows are skipped, a run with the wrong format would always succeed."""

    @pytest.mark.parametrize("check_mode", [False, True])
    def test_is_reported(self, upload, tmp_path, check_mode):
        path = write_log(tmp_path / "log.csv", *["203.0.113.5,10.8.0.2,2024-01-05 10:00:00"] * 3)
        run = upload(path=path, on_invalid="skip", check_mode=check_mode)
        (warning,) = run.warnings
        assert warning.startswith(
            f"No row could be used, and nothing was uploaded: 3 rows were rejected. {path}, line 2: time '2024-01-05 10:00:00'"
        )
        assert not run.failed

    @pytest.mark.parametrize("rows", [[plain_row(0), "x,y,z"], [], [",,"]], ids=["one row", "no row", "no address"])
    def test_nothing_is_reported_of_other_logs(self, upload, tmp_path, rows):
        path = write_log(tmp_path / "log.csv", *rows)
        for _twice in range(2):
            assert not [warning for warning in upload(path=path, on_invalid="skip").warnings if "No row could be used" in warning]


class TestRejectsPath:
    def test_holds_line_reason_and_row(self, upload, tmp_path):
        rejects = tmp_path / "rejects.csv"
        path = write_log(tmp_path / "log.csv", plain_row(0), '"203.0.113.5",10.8.0.9,"not, a time"', "short")
        upload(path=path, on_invalid="skip", rejects_path=str(rejects))
        rows = list(csv.reader(rejects.read_text().splitlines()))
        assert rows[0] == ["line", "reason", "row"]
        assert rows[1][0] == "3"
        assert "not, a time" in rows[1][1]
        assert "203.0.113.5" in rows[1][2]
        assert rows[2][0] == "4"
        assert rows[2][2] == "short"

    def test_holds_more_than_the_result_lists(self, upload, tmp_path):
        rejects = tmp_path / "rejects.csv"
        upload(path=write_log(tmp_path / "log.csv", *["x,y,z"] * 300), on_invalid="skip", rejects_path=str(rejects))
        assert len(rejects.read_text().splitlines()) == 301

    def test_each_row_is_in_it_once_when_the_run_fails(self, upload, tmp_path):
        rejects = tmp_path / "rejects.csv"
        run = upload(path=write_log(tmp_path / "log.csv", plain_row(0), "x,y,z"), rejects_path=str(rejects))
        assert run.failed
        assert len(rejects.read_text().splitlines()) == 2

    def test_is_replaced_at_every_run(self, upload, tmp_path):
        rejects = tmp_path / "rejects.csv"
        rejects.write_text("line,reason,row\r\n7,from before,x\r\n")
        upload(path=write_log(tmp_path / "log.csv", plain_row(0)), rejects_path=str(rejects))
        assert rejects.read_text().splitlines() == ["line,reason,row"]

    @pytest.mark.parametrize("check_mode", [False, True])
    @pytest.mark.parametrize("content", ["precious", "Real IP,VPN IP,Start Time\n", "SQLite format 3\0"], ids=["text", "log", "ledger"])
    def test_takes_the_place_of_nothing_else(self, upload, emulator, log, tmp_path, content, check_mode):
        other = tmp_path / "other"
        other.write_text(content)
        run = upload(path=log, rejects_path=str(other), check_mode=check_mode)
        assert run.msg == f"rejects_path: {other} exists and is not a list of rejects; remove it, or give another name."
        assert other.read_text() == content
        assert not emulator.requests()

    @pytest.mark.parametrize("name", ["rejects.csv", "./folder/../rejects.csv", "link.csv"])
    @pytest.mark.parametrize("option", ["path", "ledger"])
    def test_it_is_not_another_file_of_the_task(self, upload, emulator, log, tmp_path, option, name):
        """Also where the log is an earlier list of rejects, and where there is no ledger yet."""
        rejects = tmp_path / "rejects.csv"
        (tmp_path / "folder").mkdir()
        (tmp_path / "link.csv").symlink_to(rejects)
        if option == "path":
            rejects.write_text("line,reason,row\n")
        run = upload(**{"path": log, "rejects_path": str(rejects), option: f"{tmp_path}/{name}"})
        assert run.msg == f"rejects_path: {rejects} is the file of `{option}`, which it would overwrite; give another name."
        assert rejects.exists() == (option == "path")
        assert not emulator.requests()

    def test_may_stand_where_a_link_leads_nowhere(self, upload, log, tmp_path):
        (tmp_path / "link").symlink_to(tmp_path / "nowhere")
        assert not upload(path=log, rejects_path=str(tmp_path / "link")).failed
        assert not (tmp_path / "nowhere").exists()

    def test_is_for_its_owner_only(self, upload, log, tmp_path):
        upload(path=log, rejects_path=str(tmp_path / "rejects.csv"))
        assert stat.S_IMODE((tmp_path / "rejects.csv").stat().st_mode) == 0o600

    def test_is_not_written_in_check_mode(self, upload, tmp_path):
        upload(path=write_log(tmp_path / "log.csv", "x,y,z"), on_invalid="skip", rejects_path=str(tmp_path / "r.csv"), check_mode=True)
        assert not (tmp_path / "r.csv").exists()

    @pytest.mark.parametrize("place", ["no-such-folder/rejects.csv", "."])
    def test_says_what_is_wrong_before_anything_is_sent(self, upload, emulator, log, tmp_path, place):
        run = upload(path=log, rejects_path=str(tmp_path / place))
        assert run.msg.startswith("rejects_path: ")
        assert str(tmp_path) in run.msg
        assert emulator.writes() == []
        assert not list(tmp_path.parent.glob("tmp*")), "a temporary file is left"


class TestSending:
    @pytest.mark.parametrize(("batch_size", "requests"), [(1, 7), (3, 3), (7, 1), (50_000, 1)])
    def test_batch_size_is_what_goes_into_a_request(self, upload, emulator, log, batch_size, requests):
        run = upload(path=log, batch_size=batch_size)
        assert run["requests"] == requests
        sizes = [len(one["body"]["observations"]) for one in emulator.writes()]
        assert sum(sizes) == ROWS
        assert max(sizes) == min(batch_size, ROWS)

    def test_known_rows_do_not_go_with_new_ones(self, upload, emulator, log):
        upload(path=log)
        emulator.clear_requests()
        with open(log, "a", encoding="utf-8") as file:
            file.write(plain_row(50) + "\n")
        assert upload(path=log)["counts"] == counts(read=8, uploaded=1, already_uploaded=7)
        (request,) = emulator.writes()
        assert len(request["body"]["observations"]) == 1

    def test_connections_are_kept_alive(self, upload, emulator, tmp_path):
        """One for each request under way, and one for what is prepared meanwhile."""
        upload(path=write_log(tmp_path / "log.csv", *plain_rows(30)), batch_size=1)
        assert len(emulator.writes()) == 30
        assert len({one["connection"] for one in emulator.writes()}) <= 2

    def test_concurrency_is_how_many_are_under_way(self, upload, emulator, tmp_path):
        path = write_log(tmp_path / "log.csv", *plain_rows(12))
        emulator.configure(latency=0.03)
        run = upload(path=path, batch_size=1, concurrency=4)
        assert run["counts"] == counts(read=12, uploaded=12)
        spans = [(one["time"], one["time"] + one["seconds"]) for one in emulator.writes()]
        most = max(sum(start <= moment < end for start, end in spans) for moment, _end in spans)
        assert 1 < most <= 4

    def test_force_sends_again_what_was_sent(self, upload, emulator, log):
        upload(path=log)
        foretold = upload(path=log, force=True, check_mode=True)
        run = upload(path=log, force=True)
        assert run["counts"] == foretold["counts"] == counts(read=ROWS, uploaded=ROWS)
        assert run.changed
        assert [one["times"] for one in emulator.observations()] == [2] * ROWS
        assert not upload(path=log).changed

    def test_force_sends_each_row_once(self, upload, emulator, tmp_path):
        path = write_log(tmp_path / "log.csv", *plain_rows(3), *plain_rows(3))
        upload(path=path)
        assert upload(path=path, force=True, batch_size=2)["counts"] == counts(read=6, uploaded=3, duplicate=3)
        assert [one["times"] for one in emulator.observations()] == [2] * 3

    def test_another_source_is_another_upload(self, upload, emulator, log):
        upload(path=log)
        assert upload(path=log, source="WireGuard")["counts"] == counts(read=ROWS, uploaded=ROWS)
        assert {one["source"] for one in emulator.observations()} == {"OpenVPN", "WireGuard"}

    @pytest.mark.parametrize("source", ['a "quoted" \\ name', "Zürich, 東京", "line\nbreak", "0"])
    def test_any_text_can_be_the_source(self, upload, emulator, source):
        upload(observations=TWO, source=source)
        assert {one["source"] for one in emulator.observations()} == {source}

    @pytest.mark.parametrize(("option", "value"), [("batch_size", 0), ("batch_size", 50_001), ("concurrency", 0), ("concurrency", 33)])
    def test_numbers_out_of_range_are_refused(self, upload, emulator, log, option, value):
        run = upload(path=log, **{option: value})
        assert run.msg.startswith(f"{option}: {value} is out of range")
        assert emulator.requests() == []


class TestCheckDevices:
    def test_returns_what_the_appliance_never_observed(self, upload, emulator):
        unknown = [{**TWO[0], "ipaddr": address} for address in ("10.8.200.9", "192.168.77.7", "10.8.200.9")]
        run = upload(observations=[*TWO, *unknown], check_devices=True)
        assert run["unobserved"] == ["10.8.200.9", "192.168.77.7"]
        assert emulator.state["extrahop"]["observations"]["ignored"] == 2

    def test_asks_in_check_mode_as_well(self, upload):
        foretold = upload(observations=[*TWO, {**TWO[0], "ipaddr": "10.8.200.9"}], check_devices=True, check_mode=True)
        assert foretold["unobserved"] == ["10.8.200.9"]

    def test_asks_about_rows_that_were_uploaded_before(self, upload):
        observations = [{**TWO[0], "ipaddr": "10.8.200.9"}]
        upload(observations=observations)
        run = upload(observations=observations, check_devices=True)
        assert run["unobserved"] == ["10.8.200.9"]
        assert not run.changed

    def test_is_not_asked_for_by_default(self, upload, emulator, log):
        assert "unobserved" not in upload(path=log)
        assert emulator.requests(kind="read") == []

    def test_an_address_may_belong_to_several_devices(self, upload, emulator):
        emulator.configure(shared_addresses=["10.8.3.7", "10.8.3.8"])
        assert upload(observations=TWO, check_devices=True)["unobserved"] == []

    @pytest.mark.parametrize("cap", [1, 7, 50])
    def test_an_appliance_may_answer_fewer_devices_than_asked_for(self, upload, emulator, tmp_path, cap):
        """Nobody documents whether device search caps `limit`; an address on a later page was observed all the same."""
        emulator.configure(device_page_cap=cap, shared_addresses=["10.8.0.1", "10.8.0.2"])
        path = write_log(tmp_path / "log.csv", *plain_rows(120), "203.0.113.5,10.8.200.9,01/05/24 10:00:00")
        assert upload(path=path, check_devices=True)["unobserved"] == ["10.8.200.9"]

    def test_more_devices_than_a_page_holds(self, upload, emulator, tmp_path):
        emulator.configure(shared_addresses=[f"10.8.0.{number}" for number in range(1, 251)])
        path = write_log(tmp_path / "log.csv", *plain_rows(250))
        assert upload(path=path, check_devices=True)["unobserved"] == []

    def test_an_appliance_that_gives_the_same_page_for_ever(self, upload, emulator):
        device = {"id": 1, "ipaddr4": "10.8.3.7", "ipaddr6": None}
        emulator.add_fault("status", {"kind": "read"}, status=200, times=None, body=[device])
        assert upload(observations=TWO, check_devices=True)["unobserved"] == ["10.8.3.8"]

    @pytest.mark.parametrize("body", [{}, "text", [1], {"devices": []}])
    def test_an_answer_of_another_shape_is_an_error(self, upload, emulator, body):
        emulator.add_fault("status", {"kind": "read"}, status=200, times=None, body=body)
        run = upload(observations=TWO, check_devices=True)
        assert "/api/v1/devices/search" in run.msg
        assert run["counts"]["uploaded"] == 2

    def test_ipv6(self, upload):
        observations = [{**TWO[0], "ipaddr": address} for address in ("FD00:8:0::7", "fd00:9::7")]
        assert upload(observations=observations, check_devices=True)["unobserved"] == ["fd00:9::7"]

    def test_ipv6_in_another_notation(self, upload, emulator):
        emulator.configure(exploded_ipv6=True)
        observations = [{**TWO[0], "ipaddr": address} for address in ("fd00:8::7", "fd00:9::7")]
        assert upload(observations=observations, check_devices=True)["unobserved"] == ["fd00:9::7"]

    def test_devices_that_were_active_long_ago(self, upload, emulator):
        emulator.configure(device_idle_days=400)
        unknown = {**TWO[0], "ipaddr": "10.8.200.9"}
        assert upload(observations=[*TWO, unknown], check_devices=True)["unobserved"] == ["10.8.200.9"]

    @pytest.mark.parametrize("seconds", [["10.8.3.7=10.8.3.8"], ["10.8.9.9=10.8.3.8", "10.8.9.9=10.8.3.7"], ["fd00:8::1=10.8.3.8"]])
    def test_addresses_that_a_device_does_not_show(self, upload, emulator, seconds):
        emulator.configure(second_addresses=seconds)
        unknown = [{**TWO[0], "ipaddr": f"10.8.200.{number}"} for number in range(1, 9)]
        run = upload(observations=[*TWO, *unknown], check_devices=True)
        assert run["unobserved"] == [f"10.8.200.{number}" for number in range(1, 9)]

    def test_unknown_addresses_do_not_cost_a_search_each(self, upload, emulator):
        unknown = [{**TWO[0], "ipaddr": f"10.8.200.{number}"} for number in range(1, 99)]
        assert len(upload(observations=[*TWO, *unknown], check_devices=True)["unobserved"]) == 98
        assert len(emulator.requests(kind="read")) <= 6

    def test_a_refused_search_does_not_hide_the_upload(self, upload, emulator):
        emulator.add_fault("status", {"kind": "read"}, status=403, times=None, body={"error_message": "no"})
        run = upload(observations=TWO, check_devices=True)
        assert "/api/v1/devices/search" in run.msg
        assert run["counts"] == counts(read=2, uploaded=2)
        assert run.changed
        assert not upload(observations=TWO).changed


SHOWN = {"shown": 2, "not_shown": 0, "unknown": 0, "first_not_shown": []}
UNKNOWN = {"shown": 0, "not_shown": 0, "unknown": 2, "first_not_shown": []}


class TestReadBack:
    @pytest.fixture(params=["list", "object"], autouse=True)
    def form(self, request, emulator):
        emulator.configure(shown_observations_as=request.param)
        return request.param

    def test_change(self, upload):
        run = upload(observations=TWO, read_back=True)
        assert run["read_back"] == SHOWN
        assert run.changed
        assert not run.warnings

    def test_again_nothing_is_read(self, upload, emulator):
        upload(observations=TWO, read_back=True)
        emulator.clear_requests()
        run = upload(observations=TWO, read_back=True)
        assert run["read_back"] == {**SHOWN, "shown": 0}
        assert not run.changed
        assert emulator.requests() == []

    def test_check_mode_reads_nothing(self, upload, emulator):
        run = upload(observations=TWO, read_back=True, check_mode=True)
        assert "read_back" not in run
        assert emulator.requests() == []

    def test_check_mode_again_reads_nothing(self, upload, emulator):
        upload(observations=TWO)
        emulator.clear_requests()
        assert "read_back" not in upload(observations=TWO, read_back=True, check_mode=True)
        assert emulator.requests() == []

    def test_is_not_asked_for_by_default(self, upload, emulator):
        assert "read_back" not in upload(observations=TWO)
        assert emulator.requests(kind="read") == []

    def test_on_the_wire(self, upload, emulator):
        upload(observations=TWO[:1], read_back=True)
        search, ipaddrs = [one for one in emulator.requests(kind="read") if not one["body"] or not one["body"].get("offset")]
        assert (search["method"], search["path"]) == ("POST", "/api/v1/devices/search")
        assert search["body"]["filter"] == {"operator": "or", "rules": [{"field": "ipaddr", "operator": "=", "operand": "10.8.3.7"}]}
        assert search["body"]["active_from"] == 1
        assert ipaddrs["method"] == "GET"
        assert re.fullmatch(r"/api/v1/devices/\d+/ipaddrs", ipaddrs["path"])
        times = ipaddrs["query"]
        assert set(times) == {"from", "until"}
        assert int(times["from"]) < 1_717_143_300_000 < int(times["until"])

    @pytest.mark.parametrize("shown", ["later", "never"])
    def test_what_is_not_shown_is_listed_and_not_sent_again(self, upload, emulator, shown):
        emulator.configure(observations_shown=shown)
        run = upload(observations=TWO, read_back=True)
        listed = [{**one, "timestamp": "2024-05-31T08:15:00Z"} for one in TWO]
        assert run["read_back"] == {"shown": 0, "not_shown": 2, "unknown": 0, "first_not_shown": listed}
        assert run.changed
        assert len(emulator.writes()) == 1

    def test_another_address_is_not_the_one_that_was_uploaded(self, upload, emulator):
        device = {"id": 5, "ipaddr4": "10.8.3.7", "ipaddr6": None}
        emulator.add_fault("status", {"path": "/api/v1/devices/search"}, status=200, body=[device])
        emulator.add_fault("status", {"path_regex": "ipaddrs$", "method": "GET"}, status=200, body={"associated_ipaddrs": ["203.0.113.90"]})
        assert upload(observations=TWO[:1], read_back=True)["read_back"]["not_shown"] == 1

    def test_the_wrong_unit_shows(self, upload, emulator):
        emulator.configure(timestamp_unit="milliseconds", timestamp_strict=False)
        assert upload(observations=TWO, read_back=True)["read_back"]["not_shown"] == 2
        assert upload(observations=TWO, read_back=True, timestamp_unit="milliseconds")["read_back"] == SHOWN

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"observations_shown": "403"}, "403"),
            ({"observations_shown": "404"}, "404"),
            ({"shown_observations_as": "text"}, "a list of objects was expected"),
            ({"shown_observations_as": "list_without_them"}, "lists no associated addresses"),
            ({"extrahop_can_read": False}, "/api/v1/devices/search"),
        ],
    )
    def test_what_cannot_be_read_is_one_warning(self, upload, emulator, settings, said):
        emulator.configure(**settings)
        run = upload(observations=TWO, read_back=True)
        assert run["read_back"] == UNKNOWN
        (warning,) = run.warnings
        assert warning.startswith("read_back: ")
        assert said in warning
        assert run.changed
        assert run["counts"] == counts(read=2, uploaded=2)

    @pytest.mark.parametrize("body", [None, 7, "text", [None], [["203.0.113.9"]], {}, {"associated_ipaddrs": None}, "<html>sign in</html>"])
    def test_answers_of_other_shapes(self, upload, emulator, body):
        emulator.add_fault("status", {"path_regex": "ipaddrs$", "method": "GET"}, status=200, times=None, body=body)
        run = upload(observations=TWO, read_back=True)
        assert run["read_back"] == UNKNOWN
        assert len(run.warnings) == 1

    def test_a_failure_in_the_middle_keeps_what_was_read(self, upload, emulator):
        emulator.add_fault("status", {"path_regex": "ipaddrs$", "method": "GET"}, after=1, status=403, body={"error_message": "no"})
        assert upload(observations=TWO, read_back=True)["read_back"] == {"shown": 1, "not_shown": 0, "unknown": 1, "first_not_shown": []}

    @pytest.mark.parametrize("identifier", [None, "5", "../../x"])
    def test_a_device_without_a_number_is_not_asked(self, upload, emulator, identifier):
        device = {"id": identifier, "ipaddr4": "10.8.3.7"}
        emulator.add_fault("status", {"path": "/api/v1/devices/search"}, status=200, body=[device])
        assert upload(observations=TWO[:1], read_back=True)["read_back"]["unknown"] == 1
        assert [one for one in emulator.requests() if one["path"].endswith("ipaddrs") and one["method"] == "GET"] == []

    def test_an_address_that_no_device_has(self, upload):
        run = upload(observations=[*TWO, {**TWO[0], "ipaddr": "10.8.200.9"}], read_back=True)
        assert run["read_back"] == {**SHOWN, "unknown": 1}

    def test_ipv6_in_another_notation(self, upload, emulator):
        emulator.configure(exploded_ipv6=True)
        observation = {**TWO[0], "ipaddr": "fd00:8::7", "associated_ipaddr": "2001:DB8:0::9"}
        emulator.add_fault(
            "status", {"path_regex": "ipaddrs$", "method": "GET"}, status=200, body=[{"associated_ipaddrs": ["2001:0db8:0000::0009"]}]
        )
        assert upload(observations=[observation], read_back=True)["read_back"]["shown"] == 1

    def test_no_more_than_a_hundred_observations_and_devices(self, upload, emulator, tmp_path):
        path = write_log(tmp_path / "log.csv", *plain_rows(250))
        found = upload(path=path, read_back=True, batch_size=40)["read_back"]
        assert found["shown"] + found["not_shown"] + found["unknown"] == 100
        reads = emulator.requests(kind="read")
        assert len([one for one in reads if one["method"] == "GET"]) <= 100
        assert len(reads) <= 102

    def test_an_upload_that_fails_reads_nothing(self, upload, emulator):
        emulator.add_fault("status", {"kind": "write"}, status=403, body={"error_message": "no"})
        assert upload(observations=TWO, read_back=True).failed
        assert emulator.requests(kind="read") == []

    @pytest.mark.parametrize("where", ["search", "ipaddrs"])
    def test_secrets_in_a_refusal_are_not_shown(self, upload, emulator, extrahop, where):
        method = "POST" if where == "search" else "GET"
        emulator.add_fault("echo_authorization", {"path_regex": f"{where}$", "method": method}, status=403, times=None)
        run = upload(observations=TWO, read_back=True)
        assert run["read_back"] == UNKNOWN
        assert extrahop["api_key"] not in run.printed


SWAPPED = {"ipaddr": "203.0.113.9", "associated_ipaddr": "10.8.3.7", "timestamp": 1_717_143_300}


class TestSwappedRoles:
    def test_a_warning_names_the_first(self, upload, tmp_path):
        path = write_log(tmp_path / "log.csv", plain_row(0), *["10.8.3.7,203.0.113.9,01/05/24 10:00:00"] * 2)
        (warning,) = upload(path=path).warnings
        assert f"{path}, line 3" in warning
        assert "203.0.113.9" in warning
        assert "10.8.3.7" in warning
        assert "swapped" in warning

    def test_check_mode_warns_as_well(self, upload):
        assert upload(observations=[SWAPPED], check_mode=True).warnings == upload(observations=[SWAPPED]).warnings != []

    @pytest.mark.parametrize(
        ("ipaddr", "associated_ipaddr"),
        [
            ("10.8.3.7", "203.0.113.9"),
            ("10.8.3.7", "192.168.1.1"),
            ("8.8.8.8", "203.0.113.9"),
            ("fd00:8::7", "2001:db8::1"),
            ("100.64.0.9", "10.0.0.1"),
        ],
    )
    def test_other_roles_are_legal(self, upload, ipaddr, associated_ipaddr):
        item = {"ipaddr": ipaddr, "associated_ipaddr": associated_ipaddr, "timestamp": 1_717_143_300}
        assert upload(observations=[item]).warnings == []


class TestDuplicates:
    def test_a_row_that_occurs_twice_is_sent_once(self, upload, emulator, tmp_path):
        path = write_log(tmp_path / "log.csv", plain_row(0), plain_row(0), plain_row(1), plain_row(0))
        assert upload(path=path)["counts"] == counts(read=4, uploaded=2, duplicate=2)
        assert [one["times"] for one in emulator.observations()] == [1, 1]

    def test_the_same_address_in_another_spelling_is_the_same(self, upload, emulator):
        item = {"associated_ipaddr": "203.0.113.9", "timestamp": 1_717_143_300}
        spellings = ["fd00:8::7", "FD00:8:0:0:0:0:0:7", " fd00:8::7 "]
        assert upload(observations=[{**item, "ipaddr": one} for one in spellings])["counts"] == counts(read=3, uploaded=1, duplicate=2)
        assert [one["ipaddr"] for one in emulator.observations()] == ["fd00:8::7"]

    def test_the_same_moment_in_another_zone_is_the_same(self, upload):
        times = ["2024-05-31T08:15:00Z", "2024-05-31T10:15:00+02:00", 1_717_143_300, 1_717_143_300.0]
        assert upload(observations=[{**TWO[0], "timestamp": one} for one in times])["counts"] == counts(read=4, uploaded=1, duplicate=3)


class TestUnits:
    def test_seconds_are_sent_unless_asked_otherwise(self, upload, emulator):
        run = upload(observations=[TWO[0]])
        assert run["timestamp_unit"] == "seconds"
        assert [one["timestamp"] for one in emulator.observations()] == [1_717_143_300]

    def test_milliseconds(self, upload, emulator):
        emulator.configure(timestamp_unit="milliseconds")
        run = upload(observations=[{**TWO[0], "timestamp": "2024-05-31T08:15:00.987Z"}], timestamp_unit="milliseconds")
        assert run["timestamp_unit"] == "milliseconds"
        assert [one["timestamp"] for one in emulator.observations()] == [1_717_143_300_987]

    def test_a_refused_unit_is_reported_with_the_servers_words(self, upload):
        run = upload(observations=[TWO[0]], timestamp_unit="milliseconds")
        assert "timestamp: 1717143300000 is not between" in run.msg
        assert run["counts"]["uploaded"] == 0

    def test_rows_of_one_unit_are_not_known_in_the_other(self, upload, emulator):
        emulator.configure(timestamp_unit="any")
        upload(observations=TWO)
        assert upload(observations=TWO, timestamp_unit="milliseconds")["counts"] == counts(read=2, uploaded=2)


class TestLedgerOption:
    def test_by_default_it_lies_in_the_users_state_folder(self, upload, log):
        upload(path=log)
        ledger = Path(os.environ["XDG_STATE_HOME"]) / "secops.xdr" / "ledger.sqlite3"
        assert stat.S_IMODE(ledger.stat().st_mode) == 0o600
        assert stat.S_IMODE(ledger.parent.stat().st_mode) == 0o700

    def test_without_state_folder_it_lies_below_the_home(self, upload, log, monkeypatch):
        monkeypatch.delenv("XDG_STATE_HOME")
        upload(path=log)
        assert (Path(os.environ["HOME"]) / ".local/state/secops.xdr/ledger.sqlite3").is_file()

    def test_a_relative_state_folder_does_not_count(self, upload, log, monkeypatch):
        """As the XDG specification has it."""
        monkeypatch.setenv("XDG_STATE_HOME", "relative")
        upload(path=log)
        assert (Path(os.environ["HOME"]) / ".local/state/secops.xdr/ledger.sqlite3").is_file()

    def test_the_environment_names_one(self, upload, log, tmp_path, monkeypatch):
        monkeypatch.setenv("SECOPS_XDR_LEDGER", str(tmp_path / "from-environment.db"))
        upload(path=log)
        assert (tmp_path / "from-environment.db").is_file()
        assert not Path(os.environ["XDG_STATE_HOME"]).exists()

    def test_the_option_comes_first(self, upload, log, tmp_path, monkeypatch):
        monkeypatch.setenv("SECOPS_XDR_LEDGER", str(tmp_path / "from-environment.db"))
        upload(path=log, ledger=str(tmp_path / "new" / "from-option.db"))
        assert (tmp_path / "new" / "from-option.db").is_file()
        assert not (tmp_path / "from-environment.db").exists()

    def test_a_tilde_is_the_home(self, upload, log):
        upload(path=log, ledger="~/here.db")
        assert (Path(os.environ["HOME"]) / "here.db").is_file()

    def test_another_ledger_knows_nothing(self, upload, log, tmp_path):
        upload(path=log)
        assert upload(path=log, ledger=str(tmp_path / "other.db"))["counts"] == counts(read=ROWS, uploaded=ROWS)

    def test_it_holds_no_secret(self, upload, log, extrahop, tmp_path):
        upload(path=log, ledger=str(tmp_path / "ledger.db"))
        for path in tmp_path.glob("ledger.db*"):
            assert extrahop["api_key"].encode() not in path.read_bytes()

    def test_its_name_is_shown(self, upload, log, tmp_path):
        """A path is no secret; Ansible takes it for one where the option's name looks like it."""
        folder = tmp_path / "a-folder-of-this-name"
        folder.mkdir()
        assert str(folder) in upload(path=log, ledger=str(folder)).msg


def test_two_runs_at_once_on_one_ledger_send_nothing_twice(upload, emulator, tmp_path, extrahop):
    """Each in a separate process, as Ansible runs them; the second waits for the first."""
    path = write_log(tmp_path / "log.csv", *plain_rows(200))
    emulator.configure(latency=0.01)
    options = {**extrahop, "path": path, "batch_size": 10, "timezone": "UTC"}
    both = [ModuleProcess("extrahop_observation", options) for _number in range(2)]
    runs = [one.result() for one in both]
    assert [run.failed for run in runs] == [False, False]
    assert sorted(run["counts"]["uploaded"] for run in runs) == [0, 200]
    assert emulator.state["extrahop"]["observations"]["accepted"] == 200
    assert [run.warnings for run in runs] == [[], []]


def test_the_file_as_it_was_when_the_run_began(upload, emulator, tmp_path):
    """Rows that are appended meanwhile are left for the next run."""
    path = write_log(tmp_path / "log.csv", *plain_rows(30))
    emulator.configure(latency=0.02)
    stop = threading.Event()

    def append() -> None:
        number = 100
        with open(path, "a", encoding="utf-8") as file:
            while not stop.wait(0.005):
                file.write(plain_row(number) + "\n")
                file.flush()
                number += 1

    writer = threading.Thread(target=append)
    writer.start()
    try:
        run = upload(path=path, batch_size=5)
    finally:
        stop.set()
        writer.join()
    assert total(run) == run["counts"]["read"]
    upload(path=path)
    expected = Path(path).read_text().count("\n") - 1
    assert len(emulator.observations()) == emulator.state["extrahop"]["observations"]["accepted"] == expected


def test_the_result_has_what_the_documentation_promises(upload, log):
    run = upload(path=log, timezone="America/New_York")
    for name in ("changed", "counts", "requests", "rejected_rows", "timestamp_unit", "timezone"):
        assert name in run, name
    assert run["timezone"] == "America/New_York"
    assert json.loads(json.dumps(run.values)) == run.values


def test_a_header_in_any_case(upload, emulator, tmp_path):
    path = write_log(tmp_path / "log.csv", *plain_rows(2), header=HEADER.upper())
    upload(path=path)
    assert len(received(emulator.observations())) == 2
