# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLite files: their owner, refused files, creation, and full disks."""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
import stat
from contextlib import closing, contextmanager

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import LedgerError
from ansible_collections.secops.xdr.plugins.module_utils._ledger.contract import ObservationScope
from ansible_collections.secops.xdr.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.secops.xdr.plugins.module_utils._ledger.schema import LEDGER_SCHEMA

from support.ledger_process import LedgerProcess, create_together, key, ledger_processes
from support.obedient_root import modes_obeyed

SCOPE = ObservationScope("https://extrahop.example.com", "OpenVPN", "seconds")
KEYS = [(1_700_000_000 + number, bytes([10, 8, 0, number, 203, 0, 113, 1])) for number in range(5)]
DAMAGED = {
    "text": b"this is no database" * 100,
    "noise": random.Random(1).randbytes(8192),
    "only the head": b"SQLite format 3\0" + b"\xff" * 4096,
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "ledger.db"


@contextmanager
def observations(path, *, scope=SCOPE, force=False, read_only=False):
    with closing(open_ledger(str(path), read_only=read_only)) as ledger, ledger.observations(scope, force=force, run=None) as opened:
        yield opened


def accept(path, keys, **options):
    with observations(path, **options) as ledger:
        claim = ledger.claim(keys)
        ledger.accept(claim)
        return claim


def mode(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


class TestFile:
    @pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
    def test_is_for_its_owner_only(self, path, umask):
        before = os.umask(umask)
        try:
            with observations(path) as ledger:
                ledger.claim(KEYS)
                made = {one.name: mode(one) for one in path.parent.iterdir()}
        finally:
            os.umask(before)
        assert made["ledger.db"] == 0o600
        assert all(one & 0o077 == 0 for one in made.values()), made
        assert mode(path.parent) == 0o700

    def test_an_existing_folder_is_left_as_it_is(self, path):
        path.parent.mkdir(mode=0o755)
        os.chmod(path.parent, 0o755)
        accept(path, KEYS)
        assert mode(path.parent) == 0o755

    def test_a_symbolic_link_is_refused(self, path):
        path.parent.mkdir()
        target = path.parent / "target.db"
        path.symlink_to(target)
        for read_only in (False, True):
            with pytest.raises(LedgerError, match="symbolic link"):
                open_ledger(str(path), read_only=read_only)
        assert not target.exists()

    def test_a_link_in_place_of_the_lock_file_is_refused(self, path):
        path.parent.mkdir()
        victim = path.parent / "victim"
        (path.parent / "ledger.db.lock").symlink_to(victim)
        with pytest.raises(LedgerError, match="symbolic link"), observations(path):
            pass
        assert not victim.exists()

    @pytest.mark.parametrize("read_only", [False, True])
    def test_a_folder_is_refused(self, tmp_path, read_only):
        with pytest.raises(LedgerError, match=r"^ledger: "):
            open_ledger(str(tmp_path), read_only=read_only)

    @pytest.mark.parametrize("read_only", [False, True])
    def test_a_named_pipe_is_refused_and_not_waited_for(self, tmp_path, read_only):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(LedgerError, match=r"^ledger: "):
            open_ledger(str(tmp_path / "pipe"), read_only=read_only)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
    @pytest.mark.parametrize("read_only", [False, True])
    def test_a_file_of_another_user_is_refused(self, path, read_only):
        accept(path, KEYS)
        os.chown(path, 12_345, -1)
        with pytest.raises(LedgerError, match=r"belongs to another user \(id 12345\)"):
            open_ledger(str(path), read_only=read_only)

    def test_a_folder_without_permission(self, tmp_path):
        os.chmod(tmp_path, 0o500)
        with modes_obeyed(), pytest.raises(LedgerError, match="may write"):
            open_ledger(str(tmp_path / "ledger.db"), read_only=False)

    def test_a_file_where_a_folder_belongs(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(LedgerError, match=r"^ledger: .*SECOPS_XDR_LEDGER"):
            open_ledger(str(tmp_path / "file" / "ledger.db"), read_only=False)

    @pytest.mark.parametrize("read_only", [False, True])
    def test_a_database_of_something_else_is_refused_and_left_alone(self, tmp_path, read_only):
        path = tmp_path / "browser.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE bookmark (url TEXT)")
            connection.commit()
        before = path.read_bytes()
        path.chmod(0o644)
        with pytest.raises(LedgerError, match="not a ledger of this collection"):
            open_ledger(str(path), read_only=read_only)
        assert path.read_bytes() == before
        assert mode(path) == 0o644
        assert list(tmp_path.glob("*.db*")) == [path]

    def test_a_database_of_something_else_that_was_cut_off_is_refused(self, tmp_path):
        """It has a journal that has to be played back before anything can be read, as a ledger has that was killed at its birth."""
        other, left = tmp_path / "other.db", tmp_path / "left.db"
        with closing(sqlite3.connect(other, isolation_level=None)) as connection:
            connection.executescript("PRAGMA cache_size=5; CREATE TABLE bookmark (url TEXT); BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO bookmark VALUES (?)", [("x" * 1000,) for _row in range(500)])
            for suffix in ("", "-journal"):
                shutil.copy(f"{other}{suffix}", f"{left}{suffix}")
        before = left.read_bytes()
        with pytest.raises(LedgerError, match=r"left by a run that was killed while it wrote\. The next run that is not in check mode"):
            open_ledger(str(left), read_only=True)
        assert left.read_bytes() == before
        with pytest.raises(LedgerError, match="not a ledger of this collection"):
            open_ledger(str(left), read_only=False)

    @pytest.mark.parametrize("in_use", [False, True])
    def test_one_that_a_killed_run_has_just_created_is_used(self, path, tmp_path, in_use):
        """Everything in it, its mark too, is in the write-ahead log that the run left behind."""
        left = tmp_path / "left" / "ledger.db"
        left.parent.mkdir()
        with observations(path) as ledger:
            ledger.accept(ledger.claim(KEYS))
            for suffix in ("", "-wal", *(["-shm"] if in_use else [])):
                shutil.copy(f"{path}{suffix}", f"{left}{suffix}")
        assert left.read_bytes()[68:72] == bytes(4)
        assert accept(left, KEYS).already_uploaded == len(KEYS)

    @pytest.mark.parametrize("read_only", [False, True])
    def test_one_of_a_newer_version_is_refused_and_left_alone(self, path, read_only):
        accept(path, KEYS)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA user_version={LEDGER_SCHEMA.version + 1}")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = path.read_bytes()
        with pytest.raises(LedgerError, match=r"newer version of this collection.*Update the collection"):
            open_ledger(str(path), read_only=read_only)
        assert path.read_bytes() == before

    @pytest.mark.parametrize("read_only", [False, True])
    @pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
    def test_a_damaged_one_is_refused_and_left_alone(self, tmp_path, read_only, content):
        path = tmp_path / "ledger.db"
        path.write_bytes(content)
        path.chmod(0o640)
        with pytest.raises(LedgerError, match=r"^ledger: .*(damaged|cannot be used|not a ledger)"):
            open_ledger(str(path), read_only=read_only)
        assert path.read_bytes() == content
        assert mode(path) == 0o640
        assert list(tmp_path.glob("*.db*")) == [path]

    @pytest.mark.parametrize("read_only", [False, True])
    def test_damage_in_its_texts_is_reported(self, path, read_only):
        accept(path, KEYS)
        content = path.read_bytes()
        damaged = content.replace(b"KEY AUTOINCREMENT", b"KEY AUTOINCREM\xccNT")
        assert damaged != content
        path.write_bytes(damaged)
        with pytest.raises(LedgerError, match=r"^ledger: .*damaged"), observations(path, read_only=read_only):
            pass

    def test_damage_in_the_middle_is_reported(self, path):
        accept(path, [(number, bytes(8)) for number in range(20_000)])
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        content = bytearray(path.read_bytes())
        content[8192:-4096] = b"\xa5" * (len(content) - 8192 - 4096)
        path.write_bytes(content)
        with pytest.raises(LedgerError, match=r"^ledger: .*"):
            accept(path, [(number, bytes(8)) for number in range(0, 20_000, 50)])

    def test_an_empty_file_becomes_a_ledger(self, path):
        """A run that is killed right after it created the file leaves one."""
        path.parent.mkdir()
        path.touch(mode=0o600)
        accept(path, KEYS)
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA application_id").fetchone() == (LEDGER_SCHEMA.application_id,)

    @pytest.mark.parametrize("name", ["with space.db", "with?mark.db", "with#hash%20.db", "Zürich.db", "a'b\".db", "-dash.db", "file:x.db"])
    @pytest.mark.parametrize("read_only", [False, True])
    def test_any_file_name(self, tmp_path, name, read_only):
        accept(tmp_path / name, KEYS)
        assert (tmp_path / name).is_file()
        with observations(tmp_path / name, read_only=read_only) as ledger:
            assert ledger.claim(KEYS).already_uploaded == len(KEYS)

    def test_a_file_name_beyond_the_locale(self, tmp_path):
        process = LedgerProcess(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
        try:
            assert process.run("upload", str(tmp_path / "büro" / "löwe.db"), [1, 2]) == [1, 2]
            assert process.run("upload", str(tmp_path / "büro" / "löwe.db"), [1, 2]) == []
        finally:
            process.kill()
        assert (tmp_path / "büro" / "löwe.db").is_file()

    @pytest.mark.parametrize("location", ["mysql://host/db", "https://host/ledger", "sqlite:///tmp/x"])
    def test_other_urls_are_refused(self, location):
        with pytest.raises(LedgerError, match=r"^ledger: only a file or a postgresql:// URL"):
            open_ledger(location, read_only=False)

    def test_without_a_home(self, monkeypatch):
        monkeypatch.setenv("HOME", "relative")
        monkeypatch.delenv("XDG_STATE_HOME")
        with pytest.raises(LedgerError, match=r"no home directory.*SECOPS_XDR_LEDGER"):
            open_ledger(None, read_only=False)


class TestCheckMode:
    def test_creates_no_file(self, path):
        with observations(path, read_only=True) as ledger:
            claim = ledger.claim(KEYS)
            ledger.accept(claim)
        assert not path.parent.exists()

    def test_reads_and_changes_nothing(self, path):
        accept(path, KEYS[:3])
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = path.read_bytes()
        with observations(path, read_only=True) as ledger:
            claim = ledger.claim(KEYS)
            assert (claim.already_uploaded, list(claim.fresh)) == (3, [3, 4])
            ledger.accept(claim)
            assert ledger.claim(KEYS).duplicates == 2, "what the check would have sent is known within the check"
        assert path.read_bytes() == before

    def test_reads_beside_a_run_that_writes(self, path):
        with observations(path) as ledger:
            ledger.accept(ledger.claim(KEYS[:2]))
            with observations(path, read_only=True) as check:
                assert check.claim(KEYS).already_uploaded == 2


class TestLocation:
    @pytest.mark.parametrize(
        ("location", "expected"),
        [
            ("~/ledger.db", "home/ledger.db"),
            ("$HOME/ledger.db", "home/ledger.db"),
            ("${STATE_FOLDER}/a/../ledger.db", "state/ledger.db"),
        ],
    )
    def test_home_and_variables_are_expanded(self, tmp_path, monkeypatch, location, expected):
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setenv("STATE_FOLDER", str(tmp_path / "state"))
        accept(location, KEYS)
        assert (tmp_path / expected).is_file()

    @pytest.mark.parametrize(
        ("location", "words"),
        [
            ("ledger.db", "is a relative path"),
            ("./ledger.db", "is a relative path"),
            ("$NO_SUCH_VARIABLE/ledger.db", "contains a variable that is not set"),
            ("~no_such_user/ledger.db", "names a user or home directory that does not exist"),
            (":memory:", "a ledger in memory forgets everything"),
        ],
    )
    @pytest.mark.parametrize("read_only", [False, True])
    def test_what_would_be_another_file_each_time_is_refused(self, location, words, read_only):
        with pytest.raises(LedgerError, match=rf"^ledger: .*{words}"):
            open_ledger(location, read_only=read_only)

    def test_the_default_is_below_the_state_directory(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        with closing(open_ledger(None, read_only=False)) as ledger:
            assert ledger.where == str(tmp_path / "secops.xdr" / "ledger.sqlite3")

    def test_an_old_library_is_refused(self, path, monkeypatch):
        monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 24, 0))
        with pytest.raises(LedgerError, match=r"^ledger: this host's Python has SQLite .*, and 3\.25\.0 or later is needed"):
            open_ledger(str(path), read_only=False)


class TestManyProcesses:
    def test_eight_create_one_ledger_together(self, tmp_path):
        """The long version is in tests/torture."""
        with ledger_processes(8) as processes:
            for number in range(3):
                create_together(processes, str(tmp_path / f"{number}" / "ledger.db"))

    def test_check_mode_reads_while_others_create_it(self, path):
        with ledger_processes(8) as processes:
            for number, process in enumerate(processes):
                process.start("upload", str(path), [1, 2], number % 2 == 1)
            results = [process.result() for process in processes]
        assert all(isinstance(result, list) for result in results), results
        assert sorted(row for result in results[::2] for row in result) == [1, 2]

    def test_a_killed_run_is_known_to_be_dead(self, path):
        with ledger_processes(1) as (process,):
            process.run("claim", str(path), [1], [2, 3])
            with observations(path) as ledger:
                assert ledger.interrupted == 0, "it is alive"
            process.kill()
            with observations(path) as ledger:
                assert ledger.interrupted == 2
                claim = ledger.claim([key(number) for number in range(1, 6)])
                assert (list(claim.fresh), claim.already_uploaded, claim.unclear) == ([1, 2, 3, 4], 1, 2)


class TestFullDisk:
    """A limit on the size of files replaces the full disk."""

    def test_nothing_is_lost_and_what_is_sent_again_is_known(self, path):
        with ledger_processes(1) as (process,):
            accepted, claimed, message = process.run("fill", str(path), 400_000, 100)
        assert re.match(r"ledger: .*ledger\.db: the disk is full or cannot be written .*Free some space and run again", message)
        assert 0 < accepted <= claimed
        with observations(path) as ledger:
            batches = [ledger.claim([key(number * 100 + place) for place in range(100)]) for number in range(claimed)]
        assert [batch.already_uploaded for batch in batches[:accepted]] == [100] * accepted
        assert [batch.unclear for batch in batches[accepted:]] == [100] * (claimed - accepted)
