# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Looks up the records of one scope in any database: observations, and the checkpoints of logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._database.database import marks, matching, parts
from .contract import Checkpoint, ObservationScope
from .schema import ACCEPTED, SENDING, UNCLEAR, Tables

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .._database.database import Database
    from .contract import ObservationKey

KEY_COLUMNS = ("timestamp", "addresses")
_MEANINGS = _MINE, _ACCEPTED, _UNCLEAR, _SENDING = "mine", "accepted", "unclear", "sending"
_RANGE_FACTOR = 4
_IDS_A_STATEMENT = 500
_PATIENCE_WITH_RANGES = 3
_TRY_RANGES_AGAIN = 50
_MOST_CHECKPOINTS = 1000
"""Maximum number of checkpoints for one scope: each rotation adds one, and many hosts may share a ledger."""
_CHECKPOINT = "reading, sha256, end_offset, line, summary"


class Known(NamedTuple):
    """The known keys, grouped by their meaning for one run. `sending` are those that other runs are sending right now."""

    mine: frozenset[ObservationKey] = frozenset()
    accepted: frozenset[ObservationKey] = frozenset()
    unclear: frozenset[ObservationKey] = frozenset()
    sending: frozenset[ObservationKey] = frozenset()
    batches: frozenset[int] = frozenset()
    """The batches of the keys in `sending`."""

    @property
    def keys(self) -> frozenset[ObservationKey]:
        """All of them."""
        return self.mine.union(self.accepted, self.unclear, self.sending)


class RecordedObservations:
    """Looks up observations of one scope for one run."""

    def __init__(self, database: Database, tables: Tables, scope: int, run: int) -> None:
        self._database = database
        self._tables = tables
        self._scope = scope
        self._run = run
        self._settled: dict[int, tuple[int, int]] = {}
        self._useless_ranges = 0

    def look_up(self, keys: Collection[ObservationKey], *, except_batch: int = 0) -> Known:
        """Returns the records of the keys. Rows of one batch can be left out."""
        found = {key: batch for key, batch in self._batches_of(keys).items() if key in keys and batch != except_batch}
        meanings = self._meanings(set(found.values()))
        by_meaning = {meaning: frozenset(key for key, batch in found.items() if meanings[batch] == meaning) for meaning in _MEANINGS}
        sending = frozenset(batch for batch, meaning in meanings.items() if meaning == _SENDING)
        return Known(**by_meaning, batches=sending)

    def still_sending(self, batches: Collection[int]) -> bool:
        """True if live runs are still sending some of these batches."""
        return any(self._meaning(*kind) == _SENDING for kind in self._kinds(batches).values())

    def is_alive(self, run: int) -> bool:
        """True if this run is still alive."""
        return self._database.is_held(run_name(run))

    def _meanings(self, batches: Collection[int]) -> dict[int, str]:
        """Returns the meaning of each batch. One that changes meanwhile counts as being sent, so that the caller looks again."""
        kinds = self._kinds(batches)
        meanings = {batch: self._meaning(*kind) for batch, kind in kinds.items()}
        # A run that is no longer alive may have accepted or released its batch after the batch was read.
        ended = [batch for batch, (_run, state) in kinds.items() if state == SENDING and meanings[batch] == _UNCLEAR]
        meanings.update({batch: _SENDING for batch, kind in self._kinds(ended).items() if kind != kinds[batch]})
        return meanings

    def _meaning(self, run: int, state: int) -> str:
        if run == self._run and state != UNCLEAR:
            return _MINE
        if state == ACCEPTED:
            return _ACCEPTED
        return _SENDING if state == SENDING and self.is_alive(run) else _UNCLEAR

    def _kinds(self, batches: Collection[int]) -> dict[int, tuple[int, int]]:
        """Returns run and state of each batch. A missing batch has just expired; it was accepted."""
        unsettled = [batch for batch in batches if batch not in self._settled]
        kinds = dict.fromkeys(unsettled, (0, ACCEPTED))
        for some in parts(unsettled, _IDS_A_STATEMENT):
            rows = self._database.run(f"SELECT id, run, state FROM {self._tables.batch} AS b WHERE id IN ({marks(len(some))})", some)
            kinds.update({number: (run, state) for number, run, state in rows})
        self._settled.update({number: kind for number, kind in kinds.items() if kind[1] == ACCEPTED})
        return {batch: self._settled.get(batch) or kinds[batch] for batch in batches}

    def _batches_of(self, keys: Collection[ObservationKey]) -> dict[ObservationKey, int]:
        """Returns the batch of each recorded key, and possibly of other keys.

        Logs are usually in the order of time, so the rows recorded between the first and the last time of a batch are mostly those of the
        batch. If there are many more, as with logs that are not in order, the keys are looked up one by one.
        """
        if self._useless_ranges < _PATIENCE_WITH_RANGES:
            limit = _RANGE_FACTOR * len(keys) + 100
            rows = self._database.run(
                f"SELECT timestamp, addresses, batch FROM {self._tables.observation} AS o"
                " WHERE scope = ? AND timestamp BETWEEN ? AND ? LIMIT ?",
                (self._scope, min(keys)[0], max(keys)[0], limit),
            )
            if len(rows) < limit:
                self._useless_ranges = 0
                return {(timestamp, addresses): batch for timestamp, addresses, batch in rows}
        self._useless_ranges = (self._useless_ranges + 1) % _TRY_RANGES_AGAIN
        select = f"SELECT kept.timestamp, kept.addresses, kept.batch FROM {self._tables.observation}"
        rows = matching(self._database, select, {"scope": self._scope}, KEY_COLUMNS, list(keys))
        return {(timestamp, addresses): batch for timestamp, addresses, batch in rows}


def run_name(run: int) -> str:
    """Returns the name that a run holds while it is alive."""
    return f"run {run}"


class StoredCheckpoints:
    """The checkpoints of one scope; see ObservationLedger."""

    def __init__(self, database: Database, tables: Tables, scope: int) -> None:
        self._database = database
        self._table = tables.checkpoint
        self._scope = scope

    def checkpoints(self, reading: bytes, size: int) -> Sequence[Checkpoint]:
        """The checkpoints with these reading options at or before offset `size`, the furthest first."""
        rows = self._database.run(
            f"SELECT {_CHECKPOINT} FROM {self._table} AS c WHERE scope = ? AND reading = ? AND end_offset <= ?"
            " ORDER BY end_offset DESC, id DESC",
            (self._scope, reading, size),
        )
        return [Checkpoint(*row) for row in rows]

    def elsewhere(self, size: int) -> Sequence[tuple[ObservationScope, Checkpoint]]:
        """The checkpoints of all other scopes at or before offset `size`, the furthest first."""
        rows = self._database.run(
            f"SELECT s.endpoint, s.source, s.timestamp_unit, {_CHECKPOINT} FROM {self._table} AS c JOIN scope AS s ON s.id = c.scope"
            " WHERE c.scope <> ? AND end_offset <= ? ORDER BY end_offset DESC, c.id DESC LIMIT ?",
            (self._scope, size, _MOST_CHECKPOINTS),
        )
        return [(ObservationScope(*row[:3]), Checkpoint(*row[3:])) for row in rows]

    def remember(self, checkpoint: Checkpoint, *, instead_of: Checkpoint | None = None) -> None:
        """Records a checkpoint and removes the one that it replaces; if there are too many, the oldest are removed."""
        self._database.atomically(lambda: self._remember(checkpoint, instead_of))

    def forget(self, checkpoint: Checkpoint) -> None:
        """Removes a checkpoint that is no longer valid."""
        self._database.run(
            "DELETE FROM checkpoint WHERE scope = ? AND reading = ? AND sha256 = ? AND end_offset = ?",
            (self._scope, checkpoint.reading, checkpoint.sha256, checkpoint.offset),
        )

    def _remember(self, checkpoint: Checkpoint, instead_of: Checkpoint | None) -> None:
        self.forget(checkpoint)
        if instead_of:
            self.forget(instead_of)
        row = (checkpoint.reading, checkpoint.sha256, checkpoint.offset, checkpoint.line, checkpoint.summary)
        self._database.insert_new("checkpoint", {"scope": self._scope}, _CHECKPOINT.split(", "), [row])
        self._database.run(
            "DELETE FROM checkpoint WHERE scope = ?"
            " AND id <= (SELECT id FROM checkpoint WHERE scope = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (self._scope, self._scope, _MOST_CHECKPOINTS),
        )
