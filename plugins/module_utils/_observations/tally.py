# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What a run did with each row: the promise that nothing is dropped in silence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._texts import shorten
from .._times.timestamps import format_iso8601
from .._vpn_log.rows import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._vpn_log.rows import Session, SessionBlock
    from .batch import ObservationBatch

LISTED_REJECTS = 20
LISTED_UPLOADS = 20
DUPLICATE = "duplicate"


@dataclass
class Tally:
    """Counts of a run; memory does not grow with the rows."""

    read: int = 0
    uploaded: int = 0
    already_uploaded: int = 0
    rejected: int = 0
    last_rejected_line: int = 0
    requests: int = 0
    sent_again: int = 0
    """Rows of requests that were answered, and that an earlier attempt may have brought as well."""
    outcome_unknown: bool = False
    swapped: int = 0
    first_swapped: str = ""
    skipped: dict[str, int] = field(default_factory=dict)
    rejected_rows: list[dict[str, Any]] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)

    def count(self, block: SessionBlock, on_reject: Callable[[Rejected], None]) -> None:
        """Rows that were read, and those of them that are no sessions."""
        self.read += block.rows_read
        for row in block.others:
            if isinstance(row, Rejected):
                self.reject(row)
                on_reject(row)
            else:
                self.skip(row.reason)

    def skip(self, reason: str, rows: int = 1) -> None:
        """Rows that are about no observation, or stand twice in the input."""
        if rows:
            self.skipped[reason] = self.skipped.get(reason, 0) + rows

    def reject(self, row: Rejected) -> None:
        """A row that cannot be understood; the first ones are listed."""
        self.rejected += 1
        self.last_rejected_line = row.line
        if len(self.rejected_rows) < LISTED_REJECTS:
            self.rejected_rows.append({"line": row.line, "reason": shorten(row.reason)})

    def note_swapped(self, where: str, session: Session) -> None:
        """An observation whose two addresses look as if they stood the wrong way round."""
        self.swapped += 1
        if not self.first_swapped:
            self.first_swapped = f"{where}: {session.ipaddr.text} and {session.associated_ipaddr.text}"

    def list_uploads(self, batch: ObservationBatch, divisor: int) -> None:
        """Keeps the first uploads for the diff; C(divisor) is what the milliseconds of their times were divided by."""
        room = LISTED_UPLOADS - len(self.uploads)
        for place in range(min(room, len(batch.keys))):
            since = format_iso8601(batch.keys[place][0] * divisor)
            self.uploads.append(f"{batch.ipaddrs[place]} is {batch.associated_ipaddrs[place]} since {since}")

    def counts(self) -> dict[str, Any]:
        """The result key C(counts)."""
        return {
            "read": self.read,
            "uploaded": self.uploaded,
            "already_uploaded": self.already_uploaded,
            "skipped": dict(sorted(self.skipped.items())),
            "rejected": self.rejected,
        }

    def diff(self) -> dict[str, str]:
        """Ansible's diff: nothing before, the first uploads after."""
        lines = list(self.uploads)
        if self.uploaded > len(lines):
            lines.append(f"and {self.uploaded - len(lines)} more")
        return {"before": "", "after": "".join(f"{line}\n" for line in lines)}
