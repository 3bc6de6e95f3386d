# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Counts of the rows of logs: each is a session, skipped with a reason, or rejected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._texts import shorten
from .._vpn_log.records import ALIVE, END, REJECTED, RESTART, SNAPSHOT, is_observation, is_skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .._vpn_log.records import Record

LISTED_REJECTS = 20
_REASONS = {END: "session_end", SNAPSHOT: "other_message", RESTART: "other_message", ALIVE: "same_session"}


@dataclass
class RowTally:
    """Counts of one run; memory does not grow with the rows."""

    names_logs: bool = False
    """The rows come from several logs, and rejected ones are listed with theirs."""
    read: int = 0
    sessions: int = 0
    rejected: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    rejected_rows: list[dict[str, Any]] = field(default_factory=list)

    def counted(self, records: Iterable[Record], path: str) -> Iterator[Record]:
        """The same rows, counted."""
        for record in records:
            self._count(record, path)
            yield record

    def counts(self) -> dict[str, Any]:
        """The first keys of the result `counts`."""
        return {"read": self.read, "skipped": dict(sorted(self.skipped.items())), "rejected": self.rejected}

    def _count(self, record: Record, path: str) -> None:
        if record.kind == ALIVE and record.time is None:
            # The second record of a row that was counted.
            return
        self.read += 1
        if is_observation(record):
            self.sessions += 1
        elif record.kind == REJECTED or not is_skipped(record):
            self.rejected += 1
            if len(self.rejected_rows) < LISTED_REJECTS:
                row = {"line": record.line, "reason": shorten(record.reason or "")}
                self.rejected_rows.append({"path": path, **row} if self.names_logs else row)
        else:
            reason = record.reason or _REASONS.get(record.kind, "other_message")
            self.skipped[reason] = self.skipped.get(reason, 0) + 1
