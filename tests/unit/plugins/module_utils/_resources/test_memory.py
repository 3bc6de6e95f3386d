# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes of several threads, in a ledger that is slow."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import LedgerError
from ansible_collections.secops.xdr.plugins.module_utils._resources.memory import Notes

from support.waiting import PATIENCE_SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.secops.xdr.plugins.module_utils._ledger.contract import RewriteLedger


class SlowLedger:
    """Keeps what is noted. The first transaction lasts until `go_on` is set; later ones fail if the ledger is full."""

    def __init__(self, *, is_full: bool = False) -> None:
        self.transactions: list[dict[bytes, bytes]] = []
        self.has_begun = threading.Event()
        self.go_on = threading.Event()
        self._is_full = is_full

    def note(self, entries: Mapping[bytes, bytes]) -> None:
        """Adds entries."""
        if not self.has_begun.is_set():
            self.has_begun.set()
            assert self.go_on.wait(PATIENCE_SECONDS)
        elif self._is_full:
            raise LedgerError("The disk is full.")
        self.transactions.append(dict(entries))


def noted(ledger: SlowLedger) -> list[BaseException | None]:
    """Notes 1 to 6 in threads while 0 is being written; returns how each of the seven ended."""
    notes = Notes(cast("RewriteLedger", ledger))
    with ThreadPoolExecutor(7) as threads:
        first = threads.submit(notes.note, {b"0": b""})
        assert ledger.has_begun.wait(PATIENCE_SECONDS)
        others = [threads.submit(notes.note, {str(number).encode(): b""}) for number in range(1, 7)]
        wait_until(lambda: len(notes._next.entries) == 6)
        ledger.go_on.set()
        return [one.exception(PATIENCE_SECONDS) for one in (first, *others)]


def test_what_comes_while_a_note_is_written_is_one_transaction():
    ledger = SlowLedger()
    assert noted(ledger) == [None] * 7
    assert ledger.transactions == [{b"0": b""}, {str(number).encode(): b"" for number in range(1, 7)}]


def test_each_thread_learns_that_its_note_was_not_written():
    ledger = SlowLedger(is_full=True)
    first, *others = noted(ledger)
    assert first is None
    assert [str(one) for one in others] == ["The disk is full."] * 6


@pytest.mark.parametrize("number", [1, 3])
def test_notes_one_after_the_other(number: int):
    ledger = SlowLedger()
    ledger.go_on.set()
    notes = Notes(cast("RewriteLedger", ledger))
    for one in range(number):
        notes.note({bytes([one]): b"x"})
    assert ledger.transactions == [{bytes([one]): b"x"} for one in range(number)]
