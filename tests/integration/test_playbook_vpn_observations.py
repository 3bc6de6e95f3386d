# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook secops.xdr.vpn_observations, run as people run it, against the emulator."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from emulator import RunningEmulator

from . import conftest

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = ROOT / "playbooks" / "vpn_observations.yml"
SAMPLE = ROOT / "playbooks" / "files" / "openvpn_access_server.csv"
SEED_LOG = "Real IP,VPN IP,Start Time\n203.0.113.9,10.8.3.7,05/31/24 08:15:00\n203.0.113.10,10.8.3.8,05/31/24 08:16:00\n"


class Playground(conftest.Playground):
    """A folder to run the playbook in, with an emulator of its own."""

    def __init__(self, folder: Path, commands: Path, emulator: RunningEmulator) -> None:
        super().__init__(folder, commands)
        self.emulator = emulator
        own = {"HOME": str(folder / "home"), "NO_PROXY": "127.0.0.1", "SECOPS_XDR_LEDGER": str(folder / "ledger.sqlite3")}
        self.environment |= emulator.environment() | own

    def upload(self, *arguments: str, **variables: Any) -> conftest.PlayRun:
        """Run the playbook with these variables."""
        return self.playbook("secops.xdr.vpn_observations", *arguments, **variables)

    def log(self, text: str, encoding: str = "utf-8") -> str:
        """Write a log and return its name, as seen from the folder of the run."""
        (self.folder / "vpn.csv").write_text(text, encoding=encoding)
        return "vpn.csv"

    @property
    def writes(self) -> int:
        """The number of uploads that the appliance received."""
        return len(self.emulator.writes())

    @property
    def held(self) -> set[tuple[str, str, int]]:
        """The observations of the appliance."""
        return {(row["ipaddr"], row["associated_ipaddr"], row["timestamp"]) for row in self.emulator.observations()}


@pytest.fixture
def playground(tmp_path: Path, playbook_commands: Path) -> Iterator[Playground]:
    (tmp_path / "home").mkdir()
    with RunningEmulator() as emulator:
        yield Playground(tmp_path, playbook_commands, emulator)


def sample_observations() -> set[tuple[str, str, int]]:
    """The content of the sample log, read without the collection."""
    hours = {"EDT": -4, "EST": -5}
    found = set()
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            written, _space, zone = str(row["Start Time"]).rpartition(" ")
            if row["Vpn Ip"] and row["Real Ip"] != "203.0.113.777" and not written.startswith("2025.11.31"):
                moment = datetime.strptime(written, "%Y.%m.%d %H:%M:%S").replace(tzinfo=timezone(timedelta(hours=hours[zone])))
                found.add((row["Vpn Ip"], row["Real Ip"], int(moment.timestamp())))
    return found


def test_without_a_variable_the_sample_log_is_uploaded_once(playground: Playground) -> None:
    first = playground.upload()
    assert first.status == 0, first.output
    assert first.recap("changed") == 1
    expected = sample_observations()
    assert playground.held == expected
    assert first.lines[:3] == ["4832 rows read", f"{len(expected)} uploaded", "0 already uploaded by earlier runs"]
    assert "4 rejected" in first.lines
    assert "line 1518: '203.0.113.777' is not an IP address" in first.lines
    assert any(line.startswith("line 2488: time '2025.11.31 08:14:02 EST'") for line in first.lines)
    assert any(line.startswith("line 4833: short row: 3 of 13 columns") for line in first.lines)
    assert {"444 skipped as failed_login", "216 skipped as other_service"} < set(first.lines)
    [unobserved] = [line for line in first.lines if line.startswith("7 VPN addresses that the appliance never observed")]
    assert unobserved.endswith("(" + ", ".join(f"10.8.200.{last}" for last in range(2, 9)) + ")")

    writes = playground.writes
    second = playground.upload()
    assert second.status == 0, second.output
    assert second.recap("changed") == 0
    assert second.lines[1:3] == ["0 uploaded", f"{len(expected) + 6} already uploaded by earlier runs, repeated observations included"]
    assert playground.writes == writes


def test_in_check_mode_it_says_what_would_be_uploaded_and_uploads_nothing(playground: Playground) -> None:
    run = playground.upload("--check", vpn_log=playground.log(SEED_LOG))
    assert run.status == 0, run.output
    assert run.recap("changed") == 1
    assert run.lines[:4] == ["2 rows read", "2 would be uploaded", "0 already uploaded by earlier runs", "0 rejected"]
    assert len(run.lines) == 5
    assert run.lines[4].startswith("Times without a zone were read in ")
    assert playground.writes == 0
    assert not (playground.folder / "ledger.sqlite3").exists()


def test_a_log_with_the_usual_columns_needs_its_path_only(playground: Playground) -> None:
    run = playground.upload(vpn_log=playground.log(SEED_LOG), vpn_timezone="America/New_York")
    assert run.status == 0, run.output
    assert playground.held == {("10.8.3.7", "203.0.113.9", 1717157700), ("10.8.3.8", "203.0.113.10", 1717157760)}
    assert {row["source"] for row in playground.emulator.observations()} == {"OpenVPN"}


def test_times_with_their_zone_are_not_said_to_be_read_in_another(playground: Playground) -> None:
    log = playground.log("VPN IP,Real IP,Start Time\n10.8.3.7,203.0.113.9,2024-05-31T08:15:00+02:00\n")
    run = playground.upload("--check", vpn_log=log, vpn_timestamp_format="iso8601")
    assert run.lines == ["1 row read", "1 would be uploaded", "0 already uploaded by earlier runs", "0 rejected"]


def test_every_variable_reaches_the_module(playground: Playground) -> None:
    playground.emulator.configure(timestamp_unit="milliseconds")
    log = (
        "Außen;Innen;Wann\n" + "".join(f"203.0.113.{last};10.8.3.{last};2024-05-31 08:15\n" for last in range(1, 6)) + "x;10.8.3.9;\n" * 30
    )
    variables = {
        "vpn_log": playground.log(log, "latin-1"),
        "vpn_log_format": "csv",
        "vpn_source": "Gateway 7",
        "vpn_columns": {"ipaddr": "Innen", "associated_ipaddr": "Außen", "timestamp": "Wann"},
        "vpn_timestamp_format": "%Y-%m-%d %H:%M",
        "vpn_timezone": "Europe/Berlin",
        "vpn_delimiter": ";",
        "vpn_encoding": "latin-1",
        "vpn_timestamp_unit": "milliseconds",
        "vpn_on_invalid": "skip",
        "vpn_rejects_path": "rejects.csv",
        "vpn_batch_size": 2,
        "vpn_concurrency": 2,
        "vpn_ledger": str(playground.folder / "other.sqlite3"),
        "vpn_ledger_retention": 30,
        "vpn_force": False,
        "vpn_check_devices": True,
        "vpn_metrics": "upload.prom",
    }
    run = playground.upload(**variables)
    assert run.status == 0, run.output
    assert playground.held == {(f"10.8.3.{last}", f"203.0.113.{last}", 1717136100000) for last in range(1, 6)}
    assert {row["source"] for row in playground.emulator.observations()} == {"Gateway 7"}
    assert playground.writes == 3
    assert any(request["path"] == "/api/v1/devices/search" for request in playground.emulator.requests())
    assert "30 rejected, the first 20 of them" in run.lines
    assert len((playground.folder / "rejects.csv").read_text(encoding="utf-8").splitlines()) == 31
    assert (playground.folder / "other.sqlite3").exists()
    assert not (playground.folder / "ledger.sqlite3").exists()
    metrics = (playground.folder / "upload.prom").read_text(encoding="utf-8")
    assert 'secops_xdr_upload_rows{source="Gateway 7",result="uploaded"} 5\n' in metrics
    assert 'secops_xdr_upload_rows{source="Gateway 7",result="rejected"} 30\n' in metrics
    modified = int((playground.folder / "vpn.csv").stat().st_mtime)
    assert f'secops_xdr_upload_log_modified_timestamp_seconds{{source="Gateway 7"}} {modified}\n' in metrics

    again = playground.upload(**{**variables, "vpn_force": True})
    assert again.status == 0, again.output
    assert again.recap("changed") == 1
    assert "5 uploaded" in again.lines


def test_null_and_blank_variables_are_not_set(playground: Playground) -> None:
    described = re.findall(r"^#   (vpn_\w+)  ", PLAYBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(described) > 15
    blank = dict(zip(described, [None, "", " "] * len(described), strict=False))
    run = playground.upload(**{**blank, "vpn_log": playground.log(SEED_LOG), "vpn_timezone": "UTC"})
    assert run.status == 0, run.output
    assert playground.held == {("10.8.3.7", "203.0.113.9", 1717143300), ("10.8.3.8", "203.0.113.10", 1717143360)}
    nothing = playground.upload(**dict.fromkeys(described))
    assert nothing.status == 0, nothing.output
    assert playground.held > sample_observations()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"vpn_log": "vpn.csv", "vpn_timezon": "UTC"},
            r"there is no variable vpn_timezon; did you mean vpn_timezone\? Nothing was read or sent",
        ),
        ({"vpn_log": "vpn.csv", "vpn_limit": "ten"}, r"vpn_limit: 'ten' is not a whole number"),
        ({"vpn_log": "vpn.csv", "vpn_observations_timezon": "UTC"}, r"did you mean vpn_observations_timezone\?"),
        ({"vpn_log": "vpn.csv", "vpn_paths": "vpn.csv"}, r"vpn_log and vpn_paths exclude each other"),
        ({"vpn_log": "missing.csv"}, r"path: there is no file \S+/missing\.csv on the host that runs the module\."),
        ({"vpn_log": "vpn.csv", "vpn_log_format": "excel"}, r"value of format must be one of: csv.*got: excel"),
        ({"vpn_log": "vpn.csv", "vpn_columns": {"ipaddr": "Inner"}}, r"columns\.ipaddr: \S+/vpn\.csv has no column 'Inner'"),
        ({"vpn_log": "vpn.csv", "vpn_on_invalid": "fail"}, r"vpn\.csv, line 4: 'x' is not an IP address\. Nothing was sent\."),
        ({"vpn_log": "vpn.csv", "vpn_timezone": "Mars/Olympus"}, r"timezone: 'Mars/Olympus' is not known"),
    ],
)
def test_what_is_wrong_is_said_by_the_module(playground: Playground, variables: dict[str, Any], message: str) -> None:
    playground.log(SEED_LOG + "x,10.8.3.9,05/31/24 08:17:00\n")
    run = playground.upload(**variables)
    assert run.status != 0
    assert re.search(message, run.output), run.output
    assert playground.writes == 0


def test_paths_are_seen_from_where_the_command_is_given(playground: Playground) -> None:
    (playground.folder / "kept").mkdir()
    playground.log(SEED_LOG + "x,10.8.3.9,05/31/24 08:17:00\n")
    before = sorted((ROOT / "playbooks").rglob("*"))
    for uploaded in (2, 0):
        run = playground.upload(vpn_log="./vpn.csv", vpn_ledger="kept/ledger.sqlite", vpn_rejects_path="~/rejects.csv")
        assert run.status == 0, run.output
        assert f"{uploaded} uploaded" in run.lines
    assert (playground.folder / "kept" / "ledger.sqlite").is_file()
    assert (playground.folder / "home" / "rejects.csv").is_file()
    assert sorted((ROOT / "playbooks").rglob("*")) == before


def test_without_credentials_it_says_which_variables_to_set(playground: Playground) -> None:
    for name in [name for name in playground.environment if name.startswith("EXTRAHOP_") and name != "EXTRAHOP_HOST"]:
        del playground.environment[name]
    run = playground.upload(vpn_log=playground.log(SEED_LOG))
    assert run.status != 0
    assert "EXTRAHOP_API_KEY" in run.output


@pytest.mark.parametrize(
    ("host", "variables", "arguments"),
    [("extrahop.invalid", {"vpn_lgo": "vpn.csv"}, ()), ("localhost.invalid", {}, ("--check",)), ("", {}, ())],
    ids=["misspelled", "none", "no host"],
)
def test_the_sample_log_goes_to_no_appliance_in_use(
    playground: Playground, host: str, variables: dict[str, str], arguments: tuple[str, ...]
) -> None:
    playground.environment["EXTRAHOP_HOST"] = host
    run = playground.upload(*arguments, **variables)
    assert run.status != 0
    assert "Set vpn_log to the VPN log. Nothing was read or sent." in run.output
    assert "Upload the observations" not in run.output


def test_the_sample_log_goes_to_an_emulator_by_another_name(playground: Playground) -> None:
    port = playground.environment["EXTRAHOP_HOST"].rpartition(":")[2]
    playground.environment["EXTRAHOP_HOST"] = f"https://LOCALHOST:{port}/"
    run = playground.upload("--check")
    assert run.status == 0, run.output
    assert "4832 rows read" in run.lines


def test_the_head_of_the_playbook_describes_the_variables_that_it_has() -> None:
    head, _line, tasks = PLAYBOOK.read_text(encoding="utf-8").partition("\n- name:")
    described = re.findall(r"^#   (vpn_\w+) +\w", head, re.MULTILINE)
    declared = re.findall(r"^          (vpn_\w+): {", tasks, re.MULTILINE)
    used = {f"vpn_{name}" for name in re.findall(r"\bvpn_options\.(\w+)", tasks)} | {"vpn_ledger"}
    assert sorted(described) == sorted(declared) == sorted(used)


def test_the_sample_log_is_what_its_generator_makes() -> None:
    made = subprocess.run([sys.executable, str(ROOT / "tests" / "demo" / "sample_log.py")], check=True, capture_output=True).stdout
    assert made == SAMPLE.read_bytes()


def test_the_sample_log_names_nobody_and_no_real_network() -> None:
    networks = r"203\.0\.113\.\d+|198\.51\.100\.\d+|192\.0\.2\.\d+|2001:db8:[0-9a-f:]+"
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert re.fullmatch(networks, row["Real Ip"] or "192.0.2.1"), row
            assert re.fullmatch(r"10\.8\.(1|2|200)\.\d+", row["Vpn Ip"] or "10.8.1.1"), row
