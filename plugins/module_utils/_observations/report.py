# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reports what a run did with each row: its counts, its warnings, and how far a long upload is. Nothing is dropped silently."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._errors import RequestError
from .._texts import counted, shorten
from .._times.timestamps import format_iso8601
from .._vpn_log.records import UNFINISHED_LINE
from .observed import Observations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .._ledger.contract import Ledger, ObservationScope
    from .._vpn_log.open_logs import OpenLog
    from .._vpn_log.options import LogOptions
    from .observed import ObservedRows
    from .sender import BatchOutcome

LISTED_REJECTS = 20
LISTED_UPLOADS = 20
KEPT_UPLOADS = 100
DUPLICATE = "duplicate"
OVER_LIMIT = "over_limit"
PROGRESS_VARIABLE = "XDR_UPLOAD_PROGRESS"
"""The environment variable with the file for progress.

The action plugin creates the file, and can read it only if the module runs on the same host.
"""
CHECKING = "checking"
UPLOADING = "uploading"
_SECONDS_BETWEEN = 1.0
_OLD_LOG_MS = 86_400_000


@dataclass
class RowCounts:
    """The numbers of rows by result; memory does not grow with the rows."""

    read: int = 0
    rejected: int = 0
    last_rejected_line: int = 0
    recheck_at: int | None = None
    skipped: dict[str, int] = field(default_factory=dict)
    rejected_rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, rows: ObservedRows) -> None:
        """Counts these rows and lists the first rejected ones."""
        self.read += rows.read
        for reason, number in rows.skipped.items():
            self.skip(reason, number)
        if rows.recheck_at is not None:
            self.recheck_at = rows.recheck_at if self.recheck_at is None else min(self.recheck_at, rows.recheck_at)
        if rows.rejected:
            self.rejected += len(rows.rejected)
            self.last_rejected_line = rows.rejected[-1].line
            room = LISTED_REJECTS - len(self.rejected_rows)
            self.rejected_rows += [{"line": row.line, "reason": shorten(row.reason)} for row in rows.rejected[: max(room, 0)]]

    def add_summary(self, summary: Mapping[str, Any]) -> None:
        """Counts the rows before a checkpoint."""
        self.read += summary["read"]
        self.rejected += summary["rejected"]
        self.rejected_rows += summary["rejected_rows"][: LISTED_REJECTS - len(self.rejected_rows)]
        self.recheck_at = summary["recheck_at"]
        for reason, number in summary["skipped"].items():
            self.skip(reason, number)

    def skip(self, reason: str, rows: int) -> None:
        """Counts rows that are skipped for this reason."""
        if rows:
            self.skipped[reason] = self.skipped.get(reason, 0) + rows

    def summary(self) -> dict[str, Any]:
        """The counts for a checkpoint."""
        return {
            "read": self.read,
            "skipped": dict(self.skipped),
            "rejected": self.rejected,
            "rejected_rows": list(self.rejected_rows),
            "recheck_at": self.recheck_at,
        }


@dataclass
class Tally:
    """The counts of a run."""

    rows: RowCounts = field(default_factory=RowCounts)
    uploaded: int = 0
    already_uploaded: int = 0
    requests: int = 0
    sent_again: int = 0
    """Rows that an earlier attempt of the same request may have brought as well."""
    unclear: int = 0
    """Rows that an earlier run may have brought as well."""
    outcome_unknown: bool = False
    swapped: int = 0
    first_swapped: str = ""
    first_rejected: str = ""
    first: Observations = field(default_factory=Observations)
    """The first uploads."""

    def add_summary(self, summary: Mapping[str, Any]) -> None:
        """Counts the rows before a checkpoint. Rows that were uploaded, and duplicates of them, now count as already uploaded."""
        self.rows.add_summary(summary)
        self.already_uploaded += summary["read"] - summary["rejected"] - sum(summary["skipped"].values())

    def note_swapped(self, rows: ObservedRows, where: Callable[[int], str]) -> None:
        """Notes observations whose two addresses seem to be swapped."""
        self.swapped += rows.swapped
        if rows.first_swapped and not self.first_swapped:
            line, ipaddr, associated_ipaddr = rows.first_swapped
            self.first_swapped = f"{where(line)}: {ipaddr} and {associated_ipaddr}"

    def add_outcome(self, outcome: BatchOutcome) -> None:
        """Counts the result of one batch."""
        self.uploaded += outcome.uploaded
        self.requests += outcome.requests
        self.sent_again += outcome.sent_again
        self.unclear += outcome.unclear
        if isinstance(outcome.error, RequestError) and outcome.error.outcome_unknown:
            self.outcome_unknown = True

    def left_to_send(self) -> int:
        """The number of rows that were read but not processed yet."""
        return self.rows.read - self.rows.rejected - sum(self.rows.skipped.values()) - self.uploaded - self.already_uploaded

    def count_over_limit(self) -> None:
        """All other rows that were read were left for the next run."""
        self.rows.skip(OVER_LIMIT, self.left_to_send())

    def keep_first(self, observations: Observations) -> None:
        """Keeps these uploads if they are among the first."""
        if len(self.first) < KEPT_UPLOADS:
            self.first = self.first.followed_by(observations.cut(0, KEPT_UPLOADS - len(self.first)))

    def counts(self) -> dict[str, Any]:
        """The result key `counts`."""
        return {
            "read": self.rows.read,
            "uploaded": self.uploaded,
            "already_uploaded": self.already_uploaded,
            "skipped": dict(sorted(self.rows.skipped.items())),
            "rejected": self.rows.rejected,
        }

    def diff(self, divisor: int) -> dict[str, str]:
        """Ansible's diff: nothing before, the first uploads after. `divisor` is what the milliseconds of their times were divided by."""
        first = self.first
        lines = [
            f"{first.ipaddrs[place]} is {first.associated_ipaddrs[place]} since {format_iso8601(first.timestamps[place] * divisor)}"
            for place in range(min(len(first), LISTED_UPLOADS))
        ]
        if self.uploaded > len(lines):
            lines.append(f"and {self.uploaded - len(lines)} more")
        return {"before": "", "after": "".join(f"{line}\n" for line in lines)}


class Progress:
    """Writes the progress of the upload, at most once a second."""

    def __init__(self) -> None:
        self._path = os.environ.get(PROGRESS_VARIABLE, "")
        self._next_at = 0.0

    def report(self, phase: str, rows: int, done: int, total: int) -> None:
        """Reports that `done` of `total` units are done; a total of 0 is unknown."""
        if not self._path or time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + _SECONDS_BETWEEN
        with suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_TRUNC)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(json.dumps({"phase": phase, "rows": rows, "done": done, "total": total}))


def warnings_of_ledger(ledger: Ledger, interrupted: int, logs: Sequence[OpenLog], *, check_mode: bool) -> Iterator[str]:
    """The warnings about earlier runs."""
    if interrupted and not check_mode:
        yield (
            f"An earlier run ended while up to {_were(interrupted)} on their way, and their outcome was never known. "
            "They are sent again if they are in this input; the appliance may have received them twice."
        )
    if ledger.is_new and logs and time.time() * 1000 - min(log.modified_ms for log in logs) > _OLD_LOG_MS:
        yield (
            f"Nothing is recorded yet in the ledger {ledger.where}, although the log is older than a day. "
            "If it was uploaded before with another ledger, set `ledger` to that one; rows are sent again otherwise."
        )


def warnings_of_other_scope(before: ObservationScope | None, now: ObservationScope, path: str) -> Iterator[str]:
    """Returns the warning that the same log was uploaded before with another appliance, source or unit of time."""
    if before is None or before == now:
        return
    names = ("appliance", "source", "timestamp_unit")
    changes = [f"{name} {old!r} (now {new!r})" for name, old, new in zip(names, before, now) if old != new]
    yield f"{path} was uploaded before with {', '.join(changes)}. These are different observations, so its rows are sent again."


def warnings_of_sent_again(tally: Tally, interrupted: int) -> Iterator[str]:
    """Returns the warning about observations whose first attempt got no clear answer, in this run or an earlier one."""
    if tally.unclear and not interrupted:
        yield (
            f"{_were(tally.unclear)} sent again because the outcome of an earlier run is unknown; the appliance may have "
            "received them twice."
        )
    if tally.sent_again:
        yield f"{_were(tally.sent_again)} sent again after an attempt without a clear answer; the appliance may have received them twice."


def warnings_of_input(tally: Tally, logs: Sequence[OpenLog], log: LogOptions) -> Iterator[str]:
    """Returns the warnings about input that is suspicious but usable."""
    if tally.swapped:
        yield (
            f"{counted(tally.swapped, 'observation')} with a public ipaddr and a private associated_ipaddr (first: {tally.first_swapped}). "
            "They may be swapped: ipaddr is the VPN address inside, associated_ipaddr the one on "
            "the internet. The appliance accepts swapped ones and ignores them."
        )
    rows = tally.rows
    # A run that continues without rejected rows succeeds, even if a wrong format or encoding makes all of them invalid.
    if rows.rejected and tally.first_rejected and not (tally.uploaded + tally.already_uploaded + rows.skipped.get(DUPLICATE, 0)):
        rejected = counted(rows.rejected, "row was", "rows were")
        yield f"No row could be used, and nothing was uploaded: {rejected} rejected. {tally.first_rejected}"
    if rows.skipped.get(UNFINISHED_LINE):
        paths = " or ".join(one.path for one in logs)
        yield (
            f"The last line of {paths} has no line end yet, so it may be unfinished. It was left for the next run. "
            "It is read without a line end once nothing was written to the file for two minutes."
        )
    if logs:
        from .._vpn_log.reading import unknown_messages_text
    for one in logs:
        yield from unknown_messages_text(one.path, one.reader.unknown_messages)
    if log.zone.was_used and not log.zone_is_given:
        yield (
            f"`timezone` is not set, and there are times without a zone. They were read in {log.zone.name}, the zone of this host. "
            "Set `timezone` to the zone of the gateway, or to `local` if this one is right."
        )


def other_programs(logs: Sequence[OpenLog]) -> dict[str, dict[str, int]]:
    """The result key `other_programs`, if other programs wrote to the logs."""
    from .._vpn_log.syslog import joined_counts

    programs = joined_counts(log.reader.other_programs for log in logs)
    return {"other_programs": programs} if programs else {}


def _were(number: int) -> str:
    return counted(number, "observation was", "observations were")
