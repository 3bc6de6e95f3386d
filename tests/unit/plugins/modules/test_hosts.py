# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules on unusual hosts: in FIPS mode, with little disk space, with an odd environment."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.secops.xdr.plugins.modules import vpn_session, vpn_session_info

from support.hosts import become_fips
from support.module_process import ModuleProcess
from support.module_runs import ModuleRun
from support.stellar import SEED_EVENT, SEED_TIME, Stellar
from support.vpn_logs import plain_rows, write_log

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
RunModule = Callable[..., ModuleRun]


class TestFipsMode:
    """Hosts without BLAKE2, MD5 and SHA-1."""

    def test_events_are_inserted_once(self, stellar: Stellar, monkeypatch: pytest.MonkeyPatch):
        become_fips(monkeypatch)
        first, second = stellar.insert(**SEED_EVENT), stellar.insert(**SEED_EVENT)

        assert (first.changed, second.changed) == (True, False)
        assert first.warnings == second.warnings == []
        assert stellar.update(index=first["index"], id=first["id"], comment="seen", add_tags=["vpn"]).changed

    def test_logs_are_uploaded_and_kept_once(self, upload, log, tmp_path: Path, run_module: RunModule, monkeypatch: pytest.MonkeyPatch):
        become_fips(monkeypatch)
        session = {"path": log, "timezone": "UTC", "history": str(tmp_path / "history.sqlite3")}

        assert [upload(path=log).changed for _run in range(2)] == [True, False]
        assert [run_module(vpn_session.main, session).changed for _run in range(2)] == [True, False]

    @pytest.mark.parametrize("check_mode", [False, True])
    def test_a_ledger_of_version_1_0_is_used_as_far_as_it_can_be_read(
        self, stellar: Stellar, monkeypatch: pytest.MonkeyPatch, check_mode: bool
    ):
        write_former_ledger(stellar)
        assert not stellar.insert(check_mode=check_mode, **SEED_EVENT).changed

        become_fips(monkeypatch)
        result = stellar.insert(check_mode=check_mode, **SEED_EVENT)

        assert result.changed
        (warning,) = result.warnings
        assert "FIPS mode" in warning
        assert "deleted there since" in warning

    def test_nothing_is_said_where_the_server_has_the_event(self, stellar: Stellar, monkeypatch: pytest.MonkeyPatch):
        stellar.insert(**SEED_EVENT)
        stellar.move_to_another_host()
        write_former_ledger(stellar)
        become_fips(monkeypatch)

        result = stellar.insert(**SEED_EVENT)

        assert not result.changed
        assert result.warnings == []


class TestFullDisk:
    """Nothing that cannot be written is passed over, and the message says that the disk is full."""

    def test_the_list_of_rejects(self, upload, emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        log = write_log(tmp_path / "vpn.csv", *plain_rows(3), "jsmith,203.0.113.9,10.8.0.x,05/31/24 08:00:00")
        options = {"path": log, "on_invalid": "skip", "rejects_path": str(tmp_path / "rejects.csv")}
        make_file = tempfile.mkstemp

        def on_full_disk(*args, **keywords):
            descriptor, name = make_file(*args, **keywords)
            os.close(descriptor)
            return os.open("/dev/full", os.O_WRONLY), name

        with monkeypatch.context() as patch:
            patch.setattr("tempfile.mkstemp", on_full_disk)
            run = upload(**options)
        assert run.msg.startswith(f"rejects_path: {tmp_path}/rejects.csv cannot be written: No space left on device.")
        assert run["counts"]["rejected"] == 1

        again = upload(**options)
        assert again["counts"]["uploaded"] + run["counts"]["uploaded"] == 3
        assert len(emulator.observations()) == 3
        assert "10.8.0.x" in Path(options["rejects_path"]).read_text(encoding="utf-8")

    def test_the_checked_rows(self, upload, emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        log = write_log(tmp_path / "vpn.csv", *plain_rows(3))
        monkeypatch.setattr("ansible_collections.secops.xdr.plugins.module_utils._observations.spool._IN_MEMORY", 0)
        monkeypatch.setattr("tempfile.mkstemp", lambda: (os.open("/dev/full", os.O_RDWR), write_log(tmp_path / "unlinked")))
        run = upload(path=log)
        assert run.msg.startswith("The checked rows do not fit into the temporary folder ")
        assert "(No space left on device). Nothing was sent." in run.msg
        assert emulator.observations() == []

    @pytest.mark.parametrize("mixed", [True, False])
    def test_a_log_that_must_be_put_in_order(self, tmp_path: Path, run_module: RunModule, monkeypatch: pytest.MonkeyPatch, mixed: bool):
        rows = plain_rows(40)
        log = write_log(tmp_path / "vpn.csv", *sorted(rows, key=lambda row: rows.index(row) * 7 % 40 if mixed else -rows.index(row)))
        monkeypatch.setattr("tempfile.TemporaryFile", partial(Path("/dev/full").open, "w+b"))
        run = run_module(vpn_session_info.main, {"path": log, "timezone": "UTC"})
        assert run.msg.startswith("The rows of the log, which are put in order first, do not fit into the temporary folder ")
        assert "(No space left on device). Make room, or set TMPDIR" in run.msg

    def test_each_store_says_what_the_next_run_does(self, upload, log, run_module: RunModule, monkeypatch: pytest.MonkeyPatch):
        def is_full(*_args, **_options):
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr("ansible_collections.secops.xdr.plugins.module_utils._database.sqlite.SqliteDatabase._found_version", is_full)
        uploaded = upload(path=log, ledger=str(Path(log).parent / "new.sqlite3"))
        kept = run_module(vpn_session.main, {"path": log, "timezone": "UTC", "history": str(Path(log).parent / "new2.sqlite3")})

        assert "the disk is full" in uploaded.msg
        assert "is sent again with a warning" in uploaded.msg
        assert "the disk is full" in kept.msg
        assert "the log is read on from there" in kept.msg


class TestAsciiLocale:
    """Python takes file names and variables for ASCII there, and what is UTF-8 in them for bytes that it cannot read."""

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for name, value in {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}.items():
            monkeypatch.setenv(name, value)
        (tmp_path / "büro").mkdir()
        return tmp_path / "büro"

    def test_options(self, extrahop, folder: Path):
        log, authority = folder / "lög.csv", folder / "cä.pem"
        write_log(log, *plain_rows(7))
        shutil.copy(extrahop["ca_path"], authority)
        options = {**extrahop, "path": str(log), "timezone": "UTC", "ledger": str(folder / "lédger.sqlite3"), "ca_path": str(authority)}
        options = {**options, "on_invalid": "skip", "rejects_path": str(folder / "rejécts.csv")}

        assert [ModuleProcess("extrahop_observation", options).result().changed for _run in range(2)] == [True, False]
        assert {"lédger.sqlite3", "rejécts.csv"} <= {path.name for path in folder.iterdir()}

    def test_logs_of_every_module(self, extrahop, folder: Path):
        key, other = "A" * 43 + "=", "B" * 43 + "="
        (folder / "wg-ä.dump").write_text(
            f"wg0\t{key}\t{other}\t51820\toff\nwg0\t{key}\t(none)\t203.0.113.9:4500\t10.8.0.9/32\t1704448800\t1\t2\toff\n"
        )
        (folder / "schlüssel").write_text(f"{key} Jürgen\n", encoding="utf-8")
        logs = {"paths": [str(folder / "w?-ä.d*")], "format": "wireguard", "peers": str(folder / "schlüssel"), "timezone": "UTC"}

        assert ModuleProcess("extrahop_observation", {**extrahop, **logs}).result().changed
        assert ModuleProcess("vpn_session", {**logs, "gateway": "gw", "history": str(folder / "sitzungen-ß.sqlite3")}).result().changed
        (session,) = ModuleProcess("vpn_session_info", logs).result()["sessions"]
        assert (session["username"], session["ipaddr"], session["associated_ipaddr"]) == ("Jürgen", "10.8.0.9", "203.0.113.9")

    def test_variables(self, extrahop, folder: Path, monkeypatch: pytest.MonkeyPatch):
        authority = folder / "cä.pem"
        shutil.copy(extrahop.pop("ca_path"), authority)
        log = write_log(folder / "vpn.csv", *plain_rows(7))
        monkeypatch.setenv("EXTRAHOP_CA_PATH", str(authority))
        monkeypatch.setenv("SECOPS_XDR_LEDGER", str(folder / "lédger.sqlite3"))

        options = {**extrahop, "path": log, "timezone": "UTC"}
        assert [ModuleProcess("extrahop_observation", options).result().changed for _run in range(2)] == [True, False]
        assert (folder / "lédger.sqlite3").is_file()

    def test_a_variable_that_is_not_utf8(self, upload, log, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(os.environb, b"EXTRAHOP_API_KEY", b"k\xe9y of this test")
        assert "api_key: the value contains a character that is not UTF-8" in upload(path=log, api_key=None).msg


class TestHome:
    def test_a_blank_variable_counts_as_not_set(self, upload, log, emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        """Python takes a blank HOME for `/`, so root would get a ledger of its own there and send everything again."""
        monkeypatch.delenv("XDG_STATE_HOME")
        monkeypatch.setattr("pwd.getpwuid", lambda _user: SimpleNamespace(pw_dir=str(tmp_path / "home")))
        assert upload(path=log).changed
        monkeypatch.setenv("HOME", "")
        assert not upload(path=log).changed
        assert not upload(path=log, ledger="~/.local/state/secops.xdr/ledger.sqlite3").changed

    def test_a_user_without_an_entry_in_the_password_file(self, upload, log, monkeypatch: pytest.MonkeyPatch):
        """Containers of controllers run with any user id."""

        def unknown(user: int):
            raise KeyError(user)

        monkeypatch.delenv("XDG_STATE_HOME")
        monkeypatch.delenv("HOME")
        monkeypatch.setattr("pwd.getpwuid", unknown)
        assert upload(path=log).msg == (
            "ledger: this user has no home directory to keep the ledger in; set `ledger` or SECOPS_XDR_LEDGER to a file."
        )
        assert "~/ledger.sqlite3 names a user or home directory that does not exist" in upload(path=log, ledger="~/ledger.sqlite3").msg


@pytest.mark.parametrize(
    ("variable", "value", "option"),
    [
        ("EXTRAHOP_TIMEOUT", "30s", "argument 'timeout' is of type str"),
        ("EXTRAHOP_TIMEOUT", "None", "argument 'timeout' is of type str"),
        ("EXTRAHOP_RETRIES", "-1", "retries: -1 is negative"),
        ("EXTRAHOP_VALIDATE_CERTS", "maybe", "argument 'validate_certs' is of type str"),
        ("EXTRAHOP_HOST", "https://appliance/path", "host: 'appliance/path' has a path"),
        ("SECOPS_XDR_LEDGER", "ledger.sqlite3", "ledger: ledger.sqlite3 is a relative path"),
    ],
)
def test_a_wrong_variable_is_named(upload, log, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, option: str):
    """The task does not have the option that the message is about."""
    monkeypatch.setenv(variable, value)
    msg = upload(path=log, **({"host": None} if variable == "EXTRAHOP_HOST" else {})).msg
    assert msg.startswith(option)
    assert msg.endswith(f" The value comes from the environment variable {variable}.")


def test_a_wrong_option_blames_no_variable(upload, log, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXTRAHOP_RETRIES", "2")
    assert "EXTRAHOP_RETRIES" not in upload(path=log, retries=-1).msg
    assert "EXTRAHOP_RETRIES" not in upload(path=log, timeout=0).msg


def write_former_ledger(stellar: Stellar) -> None:
    """A ledger of version 1.0 that has the event of the vendor's script. Its keys are BLAKE2 digests of the fields in `unique_by`."""
    unique = {"event_name": "demo test", "event_source": "ActZero", "timestamp": SEED_TIME}
    key = hashlib.blake2b(json.dumps(sorted(unique.items())).encode(), digest_size=16).digest()
    os.close(os.open(stellar.ledger, os.O_CREAT, 0o600))
    with closing(sqlite3.connect(stellar.ledger)) as connection:
        connection.executescript((FIXTURES / "ledger_1_0_sqlite.sql").read_text(encoding="utf-8"))
        values = (stellar.emulator.url, key, 1, "aella-ser-1", "x", None, SEED_TIME // 1000)
        connection.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        connection.commit()
