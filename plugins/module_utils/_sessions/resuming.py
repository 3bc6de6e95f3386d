# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Records the position up to which a log is in the history, and finds where the next run continues."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._errors import InputError
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
    """The content of a log up to `offset` is in the history. The log is recognised by its digest, whatever its file name is later."""

    key: str
    offset: int
    line: int
    sha256: str
    order: Order
    first: int | None
    high: int | None
    zone_used: bool = True
    """True if times without a zone were read."""
    is_complete: bool = False
    """True if the log now has nothing after this position."""

    @classmethod
    def of(cls, log: OpenLog, key: Sequence[Any], reading: LogReading, *, zone_used: bool) -> Progress | None:
        """The progress after a log was read; None if its position cannot be found again."""
        position = log.source.position()
        if position is None:
            return None
        text = _text(key)
        sha256 = position.sha256.hex()
        return cls(text, position.offset, position.line, sha256, reading.order, reading.first, reading.high, zone_used)

    @classmethod
    def read(cls, text: str) -> Progress | None:
        """Reads the JSON of `text`; None if it is invalid, so that the log is read again."""
        try:
            state = json.loads(text)
            order = Order(state["direction"], state["by_end"])
            return cls(
                state["key"],
                state["offset"],
                state["line"],
                state["sha256"],
                order,
                state["first"],
                state["high"],
                state.get("zone_used", True),
            )
        except (ValueError, KeyError, TypeError):
            return None

    def text(self) -> str:
        """Returns the JSON for the history."""
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
                "zone_used": self.zone_used,
            },
            sort_keys=True,
        )

    def span(self, gateway: str) -> CoverageSpan | None:
        """Returns the time span of the log, to join it with the next one. The history has it already."""
        return None if self.first is None or self.high is None else CoverageSpan(gateway, self.high, self.high)


def progress_in(log: OpenLog, key: Sequence[Any], positions: Iterable[LogPosition]) -> Progress | None:
    """The position of this log in the history, if it was read with the same options and has not changed since."""
    text = _text(key)
    read = [progress for progress in (Progress.read(position.state) for position in positions) if progress]
    digests = log.source.content.digests([progress.offset for progress in read])
    known = [progress for progress in read if digests.get(progress.offset, b"").hex() == progress.sha256]
    _check_zone(log, text, known)
    known = [progress for progress in known if progress.key == text]
    best = max(known, key=lambda progress: progress.offset, default=None)
    if best is None or not best.offset:
        return None
    is_complete = log.source.ends_at(best.offset)
    return Progress(**{**vars(best), "is_complete": is_complete})


def _check_zone(log: OpenLog, text: str, known: Iterable[Progress]) -> None:
    """Raises InputError if the same rows are in the history with other times."""
    own = json.loads(text)
    for progress in known:
        before = json.loads(progress.key)
        if progress.offset and progress.zone_used and before[:2] == own[:2] and before[2:4] != own[2:4]:
            raise InputError(
                f"path: {log.path} is in this history already, read with timezone {before[3]} and timestamp_format {before[2]!r}, and now "
                f"with {own[3]} and {own[2]!r}: every session would be in it at two times. Set both options as before; or, if they were "
                "wrong before, set `history` to a new one and take all logs again."
            )


def resumed_at(log: OpenLog, progress: Progress | None) -> LogStart | None:
    """The position to continue from; None for the beginning. A log that is not written oldest first has to be read as a whole."""
    repeated = log.reader.repeated_lines
    if progress is None or repeated is None or progress.order.direction != FORWARD:
        return None
    return LogStart(progress.offset, progress.line, repeated)


def _text(key: Sequence[Any]) -> str:
    return json.dumps(key, sort_keys=True, default=str)
