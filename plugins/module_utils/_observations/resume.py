# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Finds the position at which reading of a log continues, from checkpoints in the ledger, and records new ones.

A log is recognized by its content, not by its name: by the SHA-256 of everything before the checkpoint. So a log that was renamed, copied
or compressed by rotation is recognized, and one with any change before the checkpoint is read from the start. The rows in the ledger
prevent uploads from being repeated.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

from .._ledger.contract import Checkpoint
from .._vpn_log.source import LogStart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._ledger.contract import ObservationLedger, ObservationScope
    from .._vpn_log.open_logs import OpenLog
    from .._vpn_log.options import LogOptions
    from .spool import Frame

_READ_BY = 2
"""Increased when a new version reads other rows from the same log, which is then read from the start once."""
_ANY_SIZE = 2**62
_SECONDS_BETWEEN = 5.0


class Checkpoints:
    """The checkpoints of one run's logs."""

    def __init__(self, ledger: ObservationLedger, options: LogOptions, logs: Sequence[OpenLog]) -> None:
        self._ledger = ledger
        key = json.dumps([_READ_BY, *options.key()], sort_keys=True).encode()
        self._reading = hashlib.sha256(key).digest()[:16]
        self._logs = logs
        self._kept: dict[int, Checkpoint] = {}
        self._reached: dict[int, Frame] = {}
        self._kept_at = time.monotonic()

    def resume(self, number: int, *, takes_rejected: bool) -> dict[str, Any] | None:
        """Makes a log continue at the furthest matching checkpoint, and returns the summary of the rows before it; None without a
        checkpoint.

        With `takes_rejected=False`, a log in which rows were rejected is read from the start, so that they are reported again.
        """
        source = self._logs[number].source
        found = self._ledger.checkpoints(self._reading, _ANY_SIZE if source.is_compressed else source.size)
        fitting = [(checkpoint, json.loads(checkpoint.summary)) for checkpoint in found]
        fitting = [(checkpoint, summary) for checkpoint, summary in fitting if _is_usable(summary, takes_rejected=takes_rejected)]
        digests = source.content.digests([checkpoint.offset for checkpoint, _summary in fitting])
        for checkpoint, summary in fitting:
            if digests.get(checkpoint.offset) != checkpoint.sha256:
                continue
            if summary["head"] is None and not source.ends_at(checkpoint.offset):
                continue
            source.start_at(LogStart(checkpoint.offset, checkpoint.line, summary["head"] or 0))
            self._kept[number] = checkpoint
            return dict(summary)
        return None

    def elsewhere(self, number: int) -> ObservationScope | None:
        """The earlier destination of this log, if it is a different one."""
        source = self._logs[number].source
        others = self._ledger.elsewhere(_ANY_SIZE if source.is_compressed else source.size)
        digests = source.content.digests([checkpoint.offset for _scope, checkpoint in others])
        return next((scope for scope, checkpoint in others if digests.get(checkpoint.offset) == checkpoint.sha256), None)

    def reach(self, frame: Frame) -> None:
        """Notes that all rows up to the end of this frame are done. Recorded every few seconds, and by save()."""
        if frame.position is None:
            return
        self._reached[frame.log] = frame
        if time.monotonic() - self._kept_at > _SECONDS_BETWEEN:
            self.save()

    def save(self) -> None:
        """Records the position in every log."""
        for number, frame in self._reached.items():
            position, before = frame.position, self._kept.get(number)
            if position is None or (before and before.sha256 == position.sha256):
                continue
            checkpoint = Checkpoint(self._reading, position.sha256, position.offset, position.line, frame.summary)
            self._ledger.remember(checkpoint, instead_of=before)
            self._kept[number] = checkpoint
        self._reached.clear()
        self._kept_at = time.monotonic()


def _is_usable(summary: Any, *, takes_rejected: bool) -> bool:
    if not isinstance(summary, dict) or "head" not in summary:
        return False
    if summary["rejected"] and not takes_rejected:
        return False
    # Rows that were in the future may be in the past by now.
    return summary["recheck_at"] is None or time.time() * 1000 < summary["recheck_at"]
