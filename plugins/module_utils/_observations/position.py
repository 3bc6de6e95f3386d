# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Going on where an earlier run ended, in a log that only grows.

A log is known again by its content, not by its name: by a fingerprint of what was read of it. So a log that was renamed by rotation is
known, and one that was rotated, cut or rewritten under the same name is not; when in doubt it is read from the start, and the rows in
the ledger keep them from being sent twice. Counts are those of the whole log in either case.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from .._ledger.contract import Checkpoint
from .._vpn_log.start import LogStart
from .tally import DUPLICATE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._ledger.contract import ObservationLedger
    from .._vpn_log.source import LogFile
    from .input import ObservationInput
    from .tally import Tally

_DIGEST_BYTES = 16
_CANDIDATES = 8
_UNSETTLED_LINES = 100
"""A row that cannot be used so near to the end may become whole when the log grows (a quoted field over several lines does)."""
_READING_OPTIONS = ("format", "columns", "timestamp_format", "delimiter", "encoding")


class LogResumption:
    """The position of one log in one run's ledger."""

    def __init__(self, log: LogFile, rows_in: ObservationInput, ledger: ObservationLedger, params: Mapping[str, Any]) -> None:
        self._log = log
        self._repeated_lines = rows_in.repeated_lines
        self._ledger = ledger
        options = [rows_in.zone_name, *[params[name] for name in _READING_OPTIONS]]
        self._reading = hashlib.blake2b(json.dumps(options, sort_keys=True).encode(), digest_size=_DIGEST_BYTES).digest()
        self._fingerprint = log.fingerprint(log.size)
        self._found: Checkpoint | None = None
        self.start: LogStart | None = None

    def resume(self, tally: Tally, *, takes_rejected: bool) -> bool:
        """Sets log and tally to where an earlier run ended, and says whether there is nothing to read behind it.

        With C(takes_rejected=False), a log in which rows were rejected is read from the start, so that they are seen again.
        """
        for position in self._ledger.checkpoints(self._reading, self._log.size)[:_CANDIDATES]:
            is_unchanged = position.offset == self._log.size
            summary = json.loads(position.summary)
            can_go_on = bool(summary["is_whole"]) and self._repeated_lines is not None
            if not (is_unchanged or can_go_on) or (summary["rejected"] and not takes_rejected):
                continue
            if self._log.fingerprint(position.offset) == position.sha256:
                self._found = position
                _add_summary(tally, summary)
                if not is_unchanged:
                    self.start = LogStart(position.offset, position.line, self._repeated_lines or 0)
                    self._log.start_at(self.start)
                return is_unchanged
        return False

    def remember(self, tally: Tally) -> None:
        """Records that the log was read to its end and everything in it was dealt with."""
        if not self._log.ends_with_line_break or not tally.read or (self._found and self._found.offset == self._log.size):
            return
        if self._log.fingerprint(self._log.size) != self._fingerprint:
            # Somebody wrote into the log while it was read; what was read is not what stands there now.
            return
        is_settled = not tally.last_rejected_line or tally.last_rejected_line <= self._log.line - _UNSETTLED_LINES
        position = Checkpoint(
            reading=self._reading,
            sha256=self._fingerprint,
            offset=self._log.size,
            line=self._log.line,
            summary=json.dumps({**_summary(tally), "is_whole": is_settled}),
        )
        self._ledger.remember(position, instead_of=self._found)


def _summary(tally: Tally) -> dict[str, Any]:
    return {
        "read": tally.read,
        "skipped": {reason: rows for reason, rows in tally.skipped.items() if reason != DUPLICATE},
        "rejected": tally.rejected,
        "rejected_rows": tally.rejected_rows,
    }


def _add_summary(tally: Tally, summary: Mapping[str, Any]) -> None:
    """Everything that was uploaded or stood twice is uploaded already by now, as it would be if it were read again."""
    tally.read += summary["read"]
    tally.rejected += summary["rejected"]
    tally.rejected_rows.extend(summary["rejected_rows"])
    for reason, rows in summary["skipped"].items():
        tally.skip(reason, rows)
    tally.already_uploaded += summary["read"] - summary["rejected"] - sum(summary["skipped"].values())
