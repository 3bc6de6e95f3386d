# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Records how far a log was added to the history, and where the next run continues."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._vpn_log.source import LogStart
from .model import CoverageSpan
from .order import FORWARD, Order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .._vpn_log.open_logs import OpenLog
    from .log_reading import LogReading
    from .model import LogPosition


@dataclass(frozen=True)
class Progress:
    """The content of a log up to `offset` is in the history. It is known again by its digest, whatever the file is called by then."""

    key: str
    offset: int
    line: int
    sha256: str
    order: Order
    first: int | None
    high: int | None
    is_complete: bool = False
    """The log has nothing after it now."""

    @classmethod
    def of(cls, log: OpenLog, key: Sequence[Any], reading: LogReading) -> Progress | None:
        """The progress after a log was read; None if its end cannot be found again."""
        position = log.source.position()
        if position is None:
            return None
        text = _text(key)
        return cls(text, position.offset, position.line, position.sha256.hex(), reading.order, reading.first, reading.high)

    @classmethod
    def read(cls, text: str) -> Progress | None:
        """Reads what `text` returned; None if it is not understood, so the log is read again."""
        try:
            state = json.loads(text)
            order = Order(state["direction"], state["by_end"])
            return cls(state["key"], state["offset"], state["line"], state["sha256"], order, state["first"], state["high"])
        except (ValueError, KeyError, TypeError):
            return None

    def text(self) -> str:
        """JSON for the history."""
        return json.dumps(
            {
                "key": self.key,
                "offset": self.offset,
                "line": self.line,
                "sha256": self.sha256,
                "direction": self.order.direction,
                "by_end": self.order.by_end,
                "first": self.first,
                "high": self.high,
            },
            sort_keys=True,
        )

    def span(self, gateway: str) -> CoverageSpan | None:
        """The time that the log covers, to join it with the next one. The history has it already."""
        return None if self.first is None or self.high is None else CoverageSpan(gateway, self.high, self.high)


def progress_in(log: OpenLog, key: Sequence[Any], positions: Iterable[LogPosition]) -> Progress | None:
    """The position of this log in the history, if it was read with the same options and has not changed since."""
    text = _text(key)
    read = [progress for progress in (Progress.read(position.state) for position in positions) if progress and progress.key == text]
    digests = log.source.content.digests([progress.offset for progress in read])
    known = [progress for progress in read if digests.get(progress.offset, b"").hex() == progress.sha256]
    best = max(known, key=lambda progress: progress.offset, default=None)
    if best is None or not best.offset:
        return None
    is_complete = log.source.ends_at(best.offset)
    return Progress(**{**vars(best), "is_complete": is_complete})


def resumed_at(log: OpenLog, progress: Progress | None) -> LogStart | None:
    """The position to continue from; None for the beginning. A log that is not written oldest first has to be read as a whole."""
    repeated = log.reader.repeated_lines
    if progress is None or repeated is None or progress.order.direction != FORWARD:
        return None
    return LogStart(progress.offset, progress.line, repeated)


def _text(key: Sequence[Any]) -> str:
    return json.dumps(key, sort_keys=True, default=str)
