# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Records how far logs were read, in any database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .contract import Checkpoint, ObservationScope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._database.database import Database
    from .schema import Tables

_MOST_CHECKPOINTS = 1000
"""Kept for one scope. Rotation makes new logs all the time, and many hosts may share a ledger."""
_COLUMNS = "reading, sha256, end_offset, line, summary"


class StoredCheckpoints:
    """The checkpoints of one scope; see ObservationLedger."""

    def __init__(self, database: Database, tables: Tables, scope: int) -> None:
        self._database = database
        self._table = tables.checkpoint
        self._scope = scope

    def checkpoints(self, reading: bytes, size: int) -> Sequence[Checkpoint]:
        """The checkpoints with these reading options at or before offset `size`, the furthest first."""
        rows = self._database.run(
            f"SELECT {_COLUMNS} FROM {self._table} AS c WHERE scope = ? AND reading = ? AND end_offset <= ?"
            " ORDER BY end_offset DESC, id DESC",
            (self._scope, reading, size),
        )
        return [Checkpoint(*row) for row in rows]

    def elsewhere(self, size: int) -> Sequence[tuple[ObservationScope, Checkpoint]]:
        """The checkpoints of all other scopes at or before offset `size`, the furthest first."""
        rows = self._database.run(
            f"SELECT s.endpoint, s.source, s.timestamp_unit, {_COLUMNS} FROM {self._table} AS c JOIN scope AS s ON s.id = c.scope"
            " WHERE c.scope <> ? AND end_offset <= ? ORDER BY end_offset DESC, c.id DESC LIMIT ?",
            (self._scope, size, _MOST_CHECKPOINTS),
        )
        return [(ObservationScope(*row[:3]), Checkpoint(*row[3:])) for row in rows]

    def remember(self, checkpoint: Checkpoint, *, instead_of: Checkpoint | None = None) -> None:
        """Records a checkpoint and removes the one that it replaces; the oldest of many make room."""
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
        self._database.insert_new("checkpoint", {"scope": self._scope}, _COLUMNS.split(", "), [row])
        self._database.run(
            "DELETE FROM checkpoint WHERE scope = ?"
            " AND id <= (SELECT id FROM checkpoint WHERE scope = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (self._scope, self._scope, _MOST_CHECKPOINTS),
        )
