# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Counts the rows of logs: each is a session, skipped with a reason, or rejected. Collects warnings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._errors import EmptyLogError, InputError, OtherFormatError
from .._texts import shorten
from .._vpn_log.reading import unknown_messages_text
from .._vpn_log.records import ALIVE, END, REJECTED, RESTART, SNAPSHOT, is_observation, is_skipped
from .._vpn_log.syslog import joined_counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._module import Run
    from .._vpn_log.open_logs import OpenLog
    from .._vpn_log.options import LogOptions
    from .._vpn_log.records import Record, RecordBlock

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
