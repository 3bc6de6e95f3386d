# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Keeps track of logs: counts rows (each is a session, skipped with a reason, or rejected), collects warnings, and records the position up
to which a log is in the history, where the next run continues.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._errors import EmptyLogError, InputError, OtherFormatError
from .._texts import shorten
from .._vpn_log.reading import unknown_messages_text
from .._vpn_log.records import ALIVE, END, REJECTED, RESTART, SNAPSHOT, is_observation, is_skipped
from .._vpn_log.source import LogStart
from .._vpn_log.syslog import joined_counts
from .model import CoverageSpan
from .order import FORWARD, Order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .._module import Run
    from .._vpn_log.open_logs import OpenLog
    from .._vpn_log.options import LogOptions
    from .._vpn_log.records import Record, RecordBlock
    from .log_reading import LogReading
    from .model import LogPosition

LISTED_REJECTS = 20
_REASONS = {END: "session_end", SNAPSHOT: "other_message", RESTART: "other_message", ALIVE: "same_session"}


@dataclass
class RowTally:
    """Counts of one run; memory does not grow with the rows."""

    names_logs: bool = False
    """True if the rows come from several logs, so that rejected rows are listed with their log."""
    read: int = 0
    sessions: int = 0
    rejected: int = 0
    names_users: bool = False
    """True if a row of a session names its user."""
    skipped: dict[str, int] = field(default_factory=dict)
    rejected_rows: list[dict[str, Any]] = field(default_factory=list)
    _others: list[OtherFormatError] = field(default_factory=list)
    is_recognised: bool = False
    """True if a log has lines of its format."""
    other_programs: dict[str, int] = field(default_factory=dict)
    """Lines of other programs, by program."""

    def rows(self, log: OpenLog) -> Iterator[RecordBlock]:
        """The rows of a log, counted, block by block; raises InputError."""
        for block in log.reader.records():
            found = len(block.lines)
            self.read += found
            self.sessions += found
            self.names_users = self.names_users or any(block.usernames)
            for row in block.others:
                self._count(row, log.path)
            yield block
        self.other_programs = joined_counts([self.other_programs, log.reader.other_programs])

    def rows_or_none(self, log: OpenLog, run: Run) -> Iterator[RecordBlock]:
        """The same. A log without any is a warning, and so is one of several without a line of its format."""
        try:
            yield from self.rows(log)
        except EmptyLogError as error:
            run.warn(error.message)
        except OtherFormatError as error:
            if not self.names_logs:
                raise
            self._others.append(error)
        else:
            self.is_recognised = True

    def lists(self) -> dict[str, Any]:
        """The results about rows other than `counts`."""
        programs = {"other_programs": self.other_programs} if self.other_programs else {}
        return {"rejected_rows": self.rejected_rows, **programs}

    def counts(self) -> dict[str, Any]:
        """The first keys of the result `counts`."""
        return {"read": self.read, "skipped": dict(sorted(self.skipped.items())), "rejected": self.rejected}

    def check_recognised(self, run: Run) -> None:
        """Raises InputError if no log has a line of its format. If only some have none, warns: they may be short parts of a rotated log."""
        if self._others and not self.is_recognised:
            raise self._others[0]
        for error in self._others:
            run.warn(error.message)

    def check(self, options: LogOptions, advice: str) -> None:
        """Raises InputError if a row was rejected."""
        if self.rejected:
            first = self.rejected_rows[0]
            where = first.get("path") or options.paths[0]
            more = f" ({self.rejected} rows are invalid, see rejected_rows)" if self.rejected > 1 else ""
            raise InputError(f"{where}, line {first['line']}: {first['reason']}{more}. {advice}", rejected_rows=self.rejected_rows)

    def _count(self, record: Record, path: str) -> None:
        if record.kind == ALIVE and record.time is None:
            # The second record of a row that was counted already.
            return
        self.read += 1
        if is_observation(record):
            self.sessions += 1
            self.names_users = self.names_users or bool(record.username)
        elif record.kind == REJECTED or not is_skipped(record):
            self.rejected += 1
            if len(self.rejected_rows) < LISTED_REJECTS:
                row = {"line": record.line, "reason": shorten(record.reason or "")}
                self.rejected_rows.append({"path": path, **row} if self.names_logs else row)
        else:
            reason = record.reason or _REASONS.get(record.kind, "other_message")
            self.skipped[reason] = self.skipped.get(reason, 0) + 1


def log_warnings(options: LogOptions, logs: Sequence[OpenLog]) -> Iterator[str]:
    """The warnings about logs that are suspicious but readable."""
    if options.zone.was_used and not options.zone_is_given:
        yield (
            f"`timezone` is not set, and there are times without a zone. They were read in {options.zone.name}, the zone of this host. "
            "Set `timezone` to the zone of the gateway, or to `local` if this one is right."
        )
    for log in logs:
        yield from unknown_messages_text(log.path, log.reader.unknown_messages)


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
