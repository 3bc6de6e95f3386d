# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's part for inserted events, in SQLite."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from ansible_collections.secops.xdr.plugins.module_utils._ledger.event_record import EventRecord
from ansible_collections.secops.xdr.plugins.module_utils._ledger.file import NamedLocks
from ansible_collections.secops.xdr.plugins.module_utils._ledger.sqlite import SqliteLedger

HERE, THERE = "https://stellar.example.com", "https://other.example.com"
KEYS = [number.to_bytes(16, "big") for number in range(2000)]
RECORD = EventRecord(answered=True, index="alias", id="id", document_index="index")


def test_intents_and_answers_are_kept_for_each_server(tmp_path: Path):
    path = str(tmp_path / "ledger")
    with closing(SqliteLedger(path, read_only=False)) as ledger:
        events = ledger.events(HERE)
        events.intend(KEYS)
        events.record(KEYS[1], RECORD)
        events.forget([KEYS[2]])
    with closing(SqliteLedger(path, read_only=False)) as ledger:
        known = ledger.events(HERE).look_up(KEYS)
        assert len(known) == len(KEYS) - 1
        assert known[KEYS[0]] == EventRecord(answered=False)
        assert known[KEYS[1]] == RECORD
        assert KEYS[2] not in known
        assert ledger.events(THERE).look_up(KEYS) == {}


def test_an_answered_event_can_become_an_intent_again(tmp_path: Path):
    with closing(SqliteLedger(str(tmp_path / "ledger"), read_only=False)) as ledger:
        events = ledger.events(HERE)
        events.record(KEYS[0], RECORD)
        events.intend([KEYS[0]])
        assert events.look_up(KEYS) == {KEYS[0]: EventRecord(answered=False)}


def test_read_only_sees_what_is_there_and_changes_nothing(tmp_path: Path):
    path = str(tmp_path / "ledger")
    with closing(SqliteLedger(path, read_only=False)) as ledger:
        ledger.events(HERE).record(KEYS[0], RECORD)
    with closing(SqliteLedger(path, read_only=True)) as ledger:
        events = ledger.events(HERE)
        with events.alone_with(KEYS):
            events.intend([KEYS[0], KEYS[1]])
        # What this run noted comes before what is kept.
        assert events.look_up(KEYS) == dict.fromkeys(KEYS[:2], EventRecord(answered=False))
    with closing(SqliteLedger(path, read_only=False)) as ledger:
        assert ledger.events(HERE).look_up(KEYS) == {KEYS[0]: RECORD}


def test_no_text_of_an_event_is_kept(tmp_path: Path):
    path = str(tmp_path / "ledger")
    with closing(SqliteLedger(path, read_only=False)) as ledger:
        ledger.events(HERE).record(KEYS[0], RECORD)
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(event)")]
    assert columns == ["endpoint", "key", "answered", "alias", "id", "document_index", "noted_at"]


def test_several_names_are_locked_in_one_order(tmp_path: Path):
    """Two holders that name the same locks in another order never wait for each other."""
    first, second = NamedLocks(str(tmp_path / "ledger")), NamedLocks(str(tmp_path / "ledger"))
    names = [f"event {number}" for number in range(100)]
    done = threading.Event()

    def take_turns() -> None:
        for _time in range(20):
            with second.held(*reversed(names)):
                pass
        done.set()

    thread = threading.Thread(target=take_turns)
    thread.start()
    for _time in range(20):
        with first.held(*names):
            pass
    assert done.wait(30)
    thread.join()
    first.close()
    second.close()
