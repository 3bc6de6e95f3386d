# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Counts what a run did with each row: the promise that nothing is dropped in silence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._errors import RequestError
from .._texts import shorten
from .._times.timestamps import format_iso8601

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .batch import Observations
    from .observed import ObservedRows
    from .sender import BatchOutcome

LISTED_REJECTS = 20
LISTED_UPLOADS = 20
DUPLICATE = "duplicate"
OVER_LIMIT = "over_limit"


@dataclass
class RowCounts:
    """Rows by what they are; memory does not grow with their number."""

    read: int = 0
    rejected: int = 0
    last_rejected_line: int = 0
    recheck_at: int | None = None
    skipped: dict[str, int] = field(default_factory=dict)
    rejected_rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, rows: ObservedRows) -> None:
        """Counts these rows; the first rejected ones are listed."""
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
        """Rows that are left out for this reason."""
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
    uploads: list[str] = field(default_factory=list)

    def add_summary(self, summary: Mapping[str, Any]) -> None:
        """Counts the rows before a checkpoint. Those that were uploaded, or were there twice, are uploaded already by now."""
        self.rows.add_summary(summary)
        self.already_uploaded += summary["read"] - summary["rejected"] - sum(summary["skipped"].values())

    def note_swapped(self, rows: ObservedRows, where: Callable[[int], str]) -> None:
        """Observations whose two addresses look as if they were the wrong way round."""
        self.swapped += rows.swapped
        if rows.first_swapped and not self.first_swapped:
            line, ipaddr, associated_ipaddr = rows.first_swapped
            self.first_swapped = f"{where(line)}: {ipaddr} and {associated_ipaddr}"

    def add_outcome(self, outcome: BatchOutcome) -> None:
        """Counts what came of one batch."""
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

    def list_uploads(self, observations: Observations, divisor: int) -> None:
        """Keeps the first uploads for the diff; `divisor` is what the milliseconds of their times were divided by."""
        room = LISTED_UPLOADS - len(self.uploads)
        for place in range(min(room, len(observations))):
            since = format_iso8601(observations.timestamps[place] * divisor)
            self.uploads.append(f"{observations.ipaddrs[place]} is {observations.associated_ipaddrs[place]} since {since}")

    def counts(self) -> dict[str, Any]:
        """The result key `counts`."""
        return {
            "read": self.rows.read,
            "uploaded": self.uploaded,
            "already_uploaded": self.already_uploaded,
            "skipped": dict(sorted(self.rows.skipped.items())),
            "rejected": self.rows.rejected,
        }

    def diff(self) -> dict[str, str]:
        """Ansible's diff: nothing before, the first uploads after."""
        lines = list(self.uploads)
        if self.uploaded > len(lines):
            lines.append(f"and {self.uploaded - len(lines)} more")
        return {"before": "", "after": "".join(f"{line}\n" for line in lines)}
