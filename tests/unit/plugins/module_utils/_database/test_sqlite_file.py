# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks by name in a file: who holds them, who waits, and what remains of them."""

from __future__ import annotations

import errno
import fcntl
import threading
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._database import sqlite_file
from ansible_collections.secops.xdr.plugins.module_utils._database.sqlite_file import FileLocks
from ansible_collections.secops.xdr.plugins.module_utils._errors import LedgerError

PATIENCE_SECONDS = 900.0


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.lock")


def opened(path: str, *, read_only: bool = False) -> closing[FileLocks]:
    return closing(FileLocks(path, "ledger", read_only=read_only))


def test_a_name_is_held_until_the_block_ends(path: str) -> None:
    with opened(path) as one, opened(path) as other, opened(path, read_only=True) as reader:
        for locks_of_anybody in (one, other, reader):
            assert not locks_of_anybody.is_held("a")
        with one.holding(["a", "b"]):
            for locks_of_anybody in (one, other, reader):
                assert locks_of_anybody.is_held("a")
                assert not locks_of_anybody.is_held("c")
        for locks_of_anybody in (one, other, reader):
            assert not locks_of_anybody.is_held("a")


def test_asking_does_not_release_what_oneself_holds(path: str) -> None:
    with opened(path) as one, opened(path) as other, one.holding(["a"]):
        assert one.is_held("a")
        assert other.is_held("a")


def test_closing_releases(path: str) -> None:
    with opened(path) as other:
        with opened(path) as one:
            context = one.holding(["a"])
            context.__enter__()
            assert other.is_held("a")
        assert not other.is_held("a")


def test_names_in_another_order_never_wait_for_each_other(path: str) -> None:
    names = [f"event {number}" for number in range(30)]
    done = threading.Event()
    with opened(path) as first, opened(path) as second:

        def take_turns() -> None:
            for _time in range(10):
                with second.holding(names[::-1]):
                    pass
            done.set()

        thread = threading.Thread(target=take_turns)
        thread.start()
        for _time in range(10):
            with first.holding(names):
                pass
        assert done.wait(PATIENCE_SECONDS)
        thread.join()


def test_the_same_names_twice_in_one_call(path: str) -> None:
    with opened(path) as one, one.holding(["a", "a"]):
        assert one.is_held("a")


def test_a_run_that_hangs_is_reported(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "WAIT_SECONDS", -1.0)
    with opened(path) as one, opened(path) as other, one.holding(["b"]):
        with (
            pytest.raises(LedgerError, match=r"^ledger: another run has been working with .*\.lock for over an hour"),
            other.holding(["a", "b"]),
        ):
            pass
        assert not one.is_held("a"), "what was taken before is given back"


def test_without_a_lock_file_nothing_is_held(path: str) -> None:
    with opened(path, read_only=True) as reader:
        assert not reader.is_held("a")
    assert not Path(path).exists()


def test_kernels_without_locks_of_descriptors(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_arguments: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(fcntl, "fcntl", refuses)
    with opened(path) as one:
        with one.holding(["a"]):
            assert one.is_held("a")
        assert not one.is_held("a")


def test_a_file_system_without_locks(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "fcntl", refuses)
    message = r"^ledger: .* cannot be locked: No locks available\. Set `ledger` to a file on a disk of this host"
    with opened(path) as one, pytest.raises(LedgerError, match=message), one.holding(["a"]):
        pass
