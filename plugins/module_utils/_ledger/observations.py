# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Stores the observations that were accepted, in any database.

A claim is a batch that is committed with its rows before they are sent; accepting it changes the state of the batch. So after a run was
killed, the ledger still has the rows whose outcome is unknown, and the run that sends them again can report them.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

from .._database.database import NumberedBytes
from .._errors import LedgerError
from .contract import ClaimedBatch
from .recorded import KEY_COLUMNS, Known, RecordedObservations, StoredCheckpoints
from .schema import ABANDONED, ACCEPTED, SENDING, UNCLEAR, Tables

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .._database.database import Database
    from .contract import ObservationKey

_ROWS_A_DELETE = 10_000
_SECONDS_A_DAY = 86_400
_WAIT_SECONDS = 3600.0
_POLL_SECONDS = 0.05
_FEW_KEYS = 100
"""So few are looked up first: if all of them are recorded, nothing is written, and the run does not wait for the disk."""
_DURABLE_EVERY_SECONDS = 1.0
"""After a power failure, a SQLite ledger has everything up to the last durable claim. To write each claim to the disk would be slow."""
_OLD = f"SELECT id FROM batch WHERE scope = ? AND noted_at < ? AND run <> ? AND state <> {SENDING}"


class _Borrowed(NamedTuple):
    """Keys of a claim that were in the ledger before."""

    unclear: Collection[ObservationKey]
    again: Collection[ObservationKey]
    """Accepted in an earlier run, and sent again with `force`."""


_NOTHING = _Borrowed((), ())


class StoredObservations:
    """The observations of one scope during one run; see ObservationLedger."""

    def __init__(self, database: Database, tables: Tables, scope: int, run: int, *, force: bool) -> None:
        self.run = run
        self.interrupted = 0
        self._database = database
        self._scope = scope
        self._force = force
        self._recorded = RecordedObservations(database, tables, scope, run)
        self._looks_first = False
        self._durable_until = 0.0
        """By time.monotonic(); the first claim with rows to send is durable."""
        self._borrowed: dict[int, _Borrowed] = {}
        self._clock = database.now() - time.monotonic()
        stored = StoredCheckpoints(database, tables, scope)
        self.checkpoints = stored.checkpoints
        self.remember = stored.remember
        self.forget = stored.forget
        self.elsewhere = stored.elsewhere

    def look_up(self, keys: Collection[ObservationKey]) -> Known:
        """The records of these keys."""
        return self._recorded.look_up(keys)

    def report_interrupted(self) -> None:
        """Sets `interrupted` to the rows that earlier runs left without a known outcome and that no run has reported yet."""
        self.interrupted = self._database.atomically(self._taken_note_of)

    def claim(self, keys: Sequence[ObservationKey]) -> ClaimedBatch:
        """Claims the keys that must be sent. Waits while another run that is alive is sending one of them."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while keys:
            try:
                with self._database.durably() if time.monotonic() >= self._durable_until else nullcontext():
                    batch, borrowed = self._database.atomically(lambda: self._claim(keys))
            except _BeingSentError as error:
                self._wait(error.batches, deadline)
                continue
            # Only after the transaction has ended: an attempt that is repeated must leave nothing here.
            if borrowed.unclear or borrowed.again:
                self._borrowed[batch.batch] = borrowed
            if batch.fresh and time.monotonic() >= self._durable_until:
                self._durable_until = time.monotonic() + _DURABLE_EVERY_SECONDS
            return batch
        return ClaimedBatch(keys, ())

    def accept(self, batch: ClaimedBatch) -> None:
        """Records that the appliance accepted the batch."""
        if not batch.batch:
            return
        borrowed = self._borrowed.get(batch.batch, _NOTHING)
        if borrowed.again:
            self._database.atomically(lambda: self._accept(batch.batch, borrowed.again))
        else:
            self._accept(batch.batch, ())
        # Only now, so that no claim in between takes the keys for those of an earlier run.
        self._borrowed.pop(batch.batch, None)

    def release(self, batch: ClaimedBatch) -> None:
        """Gives up a batch that was certainly not carried out: its keys are as they were before the claim."""
        if batch.batch:
            unclear = self._borrowed.get(batch.batch, _NOTHING).unclear
            self._database.atomically(lambda: self._release(batch, unclear))
            self._borrowed.pop(batch.batch, None)

    def abandon(self, batch: ClaimedBatch) -> None:
        """Gives up a batch whose outcome is unknown. Other runs may claim its keys, and see them as unclear."""
        if batch.batch:
            self._database.run("UPDATE batch SET state = ? WHERE id = ?", (ABANDONED, batch.batch))

    def expire(self, days: int) -> None:
        """Removes what was recorded more than `days` days ago, in the order of time and in small transactions."""
        old = (self._scope, self._now() - days * _SECONDS_A_DAY, self.run)
        start, last = self._database.run(f"SELECT min(first_timestamp), max(last_timestamp) FROM batch WHERE id IN ({_OLD})", old)[0]
        while start is not None:
            beyond = self._database.run(
                "SELECT timestamp FROM observation WHERE scope = ? AND timestamp BETWEEN ? AND ? ORDER BY timestamp LIMIT 1 OFFSET ?",
                (self._scope, start, last, _ROWS_A_DELETE),
            )
            end = beyond[0][0] if beyond else last
            delete = f"DELETE FROM observation WHERE scope = ? AND timestamp BETWEEN ? AND ? AND batch IN ({_OLD})"
            self._database.run(delete, (self._scope, start, end, *old))
            start = end + 1 if beyond else None
        self._database.run(f"DELETE FROM batch WHERE unreported = 0 AND id IN ({_OLD})", old)

    def _claim(self, keys: Sequence[ObservationKey]) -> tuple[ClaimedBatch, _Borrowed]:
        """Makes one attempt, in a transaction.

        Keys are inserted directly, and looked up only if some of them exist already or occur twice.
        """
        number = inserted = 0
        if not self._looks_first and len(keys) > _FEW_KEYS:
            number = self._new_batch(keys, SENDING, len(keys))
            inserted = self._insert(number, keys)
            if inserted == len(keys):
                return ClaimedBatch(keys, range(len(keys)), batch=number), _NOTHING
        known = self._recorded.look_up(set(keys), except_batch=number)
        missing = sorted(set(keys).difference(known.keys))
        if missing and not number:
            number = self._new_batch(keys, SENDING, len(missing))
            inserted = self._insert(number, missing)
        if known.batches or inserted < len(missing):
            # Other runs are sending some of them, or have given some up in the meantime.
            raise _BeingSentError(known.batches)
        self._looks_first = bool(known.keys)
        return self._taken(keys, number, missing, known)

    def _taken(
        self, keys: Sequence[ObservationKey], number: int, missing: Collection[ObservationKey], known: Known
    ) -> tuple[ClaimedBatch, _Borrowed]:
        """Takes over rows of the ledger that this run must send; returns the claim and the rows that it took over."""
        under_way = {key for borrowed in list(self._borrowed.values()) for key in borrowed.again}
        again = known.accepted.difference(under_way) if self._force else frozenset()
        fresh = known.unclear.union(missing, again) if known.keys else missing
        # With `force`, nothing counts as uploaded: rows that were accepted and are not sent again are under way already.
        uploaded = frozenset() if self._force else known.accepted
        if not fresh:
            if number:
                self._database.run("DELETE FROM batch WHERE id = ?", (number,))
            return _claimed(ClaimedBatch(keys, ()), fresh, uploaded), _NOTHING
        if known.unclear or again:
            number = number or self._new_batch(fresh, SENDING, 0)
            self._move(known.unclear, number)
        self._database.run("UPDATE batch SET unreported = ? WHERE id = ?", (len(fresh), number))
        batch = ClaimedBatch(keys, (), unclear=len(known.unclear), batch=number)
        return _claimed(batch, fresh, uploaded), _Borrowed(known.unclear, again)

    def _accept(self, batch: int, again: Collection[ObservationKey]) -> None:
        self._move(again, batch)
        self._database.run("UPDATE batch SET state = ?, unreported = 0 WHERE id = ?", (ACCEPTED, batch))

    def _release(self, batch: ClaimedBatch, unclear: Collection[ObservationKey]) -> None:
        keys = batch.fresh_keys
        if unclear:
            self._move(unclear, self._new_batch(unclear, UNCLEAR, 0))
        self._database.run(
            "DELETE FROM observation WHERE scope = ? AND timestamp BETWEEN ? AND ? AND batch = ?",
            (self._scope, min(keys)[0], max(keys)[0], batch.batch),
        )
        self._database.run("DELETE FROM batch WHERE id = ?", (batch.batch,))

    def _taken_note_of(self) -> int:
        rows = self._database.run("SELECT id, run, state, unreported FROM batch WHERE scope = ? AND unreported > 0", (self._scope,))
        ended = [(number, unreported) for number, run, state, unreported in rows if state != SENDING or not self._recorded.is_alive(run)]
        for number, _unreported in ended:
            self._database.run(
                f"UPDATE batch SET unreported = 0, state = CASE state WHEN {ACCEPTED} THEN {ACCEPTED} ELSE {UNCLEAR} END WHERE id = ?",
                (number,),
            )
        return sum(unreported for _number, unreported in ended)

    def _new_batch(self, keys: Collection[ObservationKey], state: int, unreported: int) -> int:
        timestamps = keys.numbers if isinstance(keys, NumberedBytes) else [key[0] for key in keys]
        values = {
            "scope": self._scope,
            "run": self.run,
            "state": state,
            "unreported": unreported,
            "first_timestamp": min(timestamps),
            "last_timestamp": max(timestamps),
            "noted_at": self._now(),
        }
        return self._database.insert("batch", values)

    def _insert(self, batch: int, keys: Sequence[ObservationKey]) -> int:
        return self._database.insert_new("observation", {"scope": self._scope, "batch": batch}, KEY_COLUMNS, keys)

    def _move(self, keys: Collection[ObservationKey], batch: int) -> None:
        """Moves rows of the ledger to another batch."""
        if keys:
            self._database.run_many(
                "UPDATE observation SET batch = ? WHERE scope = ? AND timestamp = ? AND addresses = ?",
                [(batch, self._scope, *key) for key in sorted(keys)],
            )

    def _wait(self, batches: Collection[int], deadline: float) -> None:
        """Waits until no live run is sending any of the batches."""
        while self._recorded.still_sending(batches):
            if time.monotonic() > deadline:
                raise LedgerError(
                    f"ledger: {self._database.where}: another run has been sending some of these rows for over an hour. "
                    "Find the hanging run and stop it."
                )
            time.sleep(_POLL_SECONDS)

    def _now(self) -> int:
        return int(self._clock + time.monotonic())


class _BeingSentError(Exception):
    """Stops an attempt to claim, because other runs are sending some of the keys."""

    def __init__(self, batches: Collection[int]) -> None:
        super().__init__()
        self.batches = batches


def _claimed(batch: ClaimedBatch, fresh: Collection[ObservationKey], uploaded: Collection[ObservationKey]) -> ClaimedBatch:
    """Returns the claim: the first position of each fresh key, and the reasons why the others are not sent."""
    if len(fresh) == len(batch.keys):
        return batch._replace(fresh=range(len(batch.keys)))
    positions: list[int] = []
    left = set(fresh)
    already_uploaded = 0
    for position, key in enumerate(batch.keys):
        if key in left:
            left.discard(key)
            positions.append(position)
        else:
            already_uploaded += key in uploaded
    duplicates = len(batch.keys) - len(positions) - already_uploaded
    return batch._replace(fresh=positions, already_uploaded=already_uploaded, duplicates=duplicates)
