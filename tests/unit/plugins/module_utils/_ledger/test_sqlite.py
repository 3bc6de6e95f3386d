# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQLite ledger: whose file it is, which files it refuses, and what it knows again."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import stat
import threading
from contextlib import closing, contextmanager

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import LedgerError
from ansible_collections.secops.xdr.plugins.module_utils._ledger.contract import ObservationScope
from ansible_collections.secops.xdr.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.secops.xdr.plugins.module_utils._ledger.schema import LEDGER_SCHEMA

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

    def test_a_folder_that_is_there_is_left_as_it_is(self, path):
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

    def test_so_is_a_link_in_place_of_the_lock_file(self, path):
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
    def test_somebody_elses_is_refused(self, path, read_only):
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

    def test_a_database_that_was_cut_off_is_told_from_a_ledger(self, tmp_path):
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
    def test_one_that_a_killed_run_has_just_made_is_taken(self, path, tmp_path, in_use):
        """Everything in it, its mark too, stands in the write-ahead log that the run left behind."""
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
    def test_damage_in_its_texts_is_told(self, path, read_only):
        accept(path, KEYS)
        content = path.read_bytes()
        damaged = content.replace(b"KEY AUTOINCREMENT", b"KEY AUTOINCREM\xccNT")
        assert damaged != content
        path.write_bytes(damaged)
        with pytest.raises(LedgerError, match=r"^ledger: .*damaged"), observations(path, read_only=read_only):
            pass

    def test_damage_in_the_middle_is_told(self, path):
        accept(path, [(number, bytes(8)) for number in range(20_000)])
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        content = bytearray(path.read_bytes())
        content[8192:-4096] = b"\xa5" * (len(content) - 8192 - 4096)
        path.write_bytes(content)
        with pytest.raises(LedgerError, match=r"^ledger: .*"):
            accept(path, [(number, bytes(8)) for number in range(0, 20_000, 50)])

    def test_an_empty_file_becomes_a_ledger(self, path):
        """What a run leaves that is killed right after it has made the file."""
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
    def test_makes_no_file(self, path):
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


class TestKnowingAgain:
    def test_what_was_accepted(self, path):
        accept(path, KEYS[:3])
        claim = accept(path, KEYS)
        assert list(claim.fresh) == [3, 4]
        assert claim.already_uploaded == 3

    def test_what_was_released_is_new(self, path):
        with observations(path) as ledger:
            ledger.release(ledger.claim(KEYS))
        with observations(path) as ledger:
            assert ledger.interrupted == 0
            assert len(ledger.claim(KEYS).fresh) == len(KEYS)

    def test_what_was_neither_is_told_once(self, path):
        with observations(path) as ledger:
            ledger.claim(KEYS[:3])
        with observations(path) as ledger:
            assert ledger.interrupted == 3
            assert len(ledger.claim(KEYS).fresh) == len(KEYS), "it is sent again"
        with observations(path) as ledger:
            assert ledger.interrupted == 5

    def test_duplicates_within_a_batch_and_between_batches(self, path):
        with observations(path) as ledger:
            first = ledger.claim([*KEYS[:2], KEYS[0]])
            assert (list(first.fresh), first.duplicates) == ([0, 1], 1)
            # The first batch is still on its way.
            second = ledger.claim(KEYS[:3])
            assert (list(second.fresh), second.duplicates) == ([2], 2)
            ledger.accept(first)
            ledger.accept(second)
            assert ledger.claim(KEYS[:3]).duplicates == 3

    def test_force_knows_nothing_but_its_own(self, path):
        accept(path, KEYS)
        with observations(path, force=True) as ledger:
            claim = ledger.claim(KEYS)
            assert len(claim.fresh) == len(KEYS)
            ledger.accept(claim)
            assert ledger.claim(KEYS).duplicates == len(KEYS)
        assert accept(path, KEYS).already_uploaded == len(KEYS)

    @pytest.mark.parametrize(
        "other",
        [
            ObservationScope("https://other.example.com", "OpenVPN", "seconds"),
            ObservationScope("https://extrahop.example.com", "WireGuard", "seconds"),
            ObservationScope("https://extrahop.example.com", "OpenVPN", "milliseconds"),
        ],
    )
    def test_scopes_are_apart(self, path, other):
        accept(path, KEYS)
        assert accept(path, KEYS, scope=other).already_uploaded == 0
        assert accept(path, KEYS).already_uploaded == len(KEYS)

    @pytest.mark.parametrize("count", [1, 449, 450, 451, 2000])
    def test_batches_of_any_size_in_any_order(self, path, count):
        keys = [(number * 7919 % 100_003, bytes([number % 256, number // 256 % 256])) for number in range(count)]
        accept(path, keys)
        accept(path, [(number, b"other") for number in range(0, 100_003, 10)])
        assert accept(path, list(reversed(keys))).already_uploaded == count

    def test_times_far_apart_in_a_large_ledger(self, path):
        """More rows lie between the first and the last of the batch than are read at once."""
        accept(path, [(number, b"row") for number in range(5000)])
        claim = accept(path, [(0, b"row"), (4999, b"row"), (2500, b"row"), (2500, b"new"), (9999, b"row")])
        assert claim.already_uploaded == 3
        assert list(claim.fresh) == [3, 4]

    @pytest.mark.parametrize("timestamp", [0, 2**31, 4_102_444_799_999, 2**62])
    def test_any_time(self, path, timestamp):
        accept(path, [(timestamp, b"row")])
        assert accept(path, [(timestamp, b"row")]).already_uploaded == 1


class TestTogether:
    def test_threads_share_one(self, path):
        """Claims come from one thread, answers in any order from others."""
        with observations(path) as ledger:
            claims = [ledger.claim([(number, bytes([part])) for number in range(50)]) for part in range(8)]
            threads = [threading.Thread(target=ledger.accept, args=(claim,)) for claim in claims]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        with observations(path) as ledger:
            assert ledger.interrupted == 0
            assert ledger.claim([(number, bytes([part])) for part in range(8) for number in range(50)]).already_uploaded == 400
