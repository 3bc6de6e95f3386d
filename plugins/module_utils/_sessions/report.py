# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What C(vpn_session_info) does: one pass over the log, in which sessions are listed and questions are answered."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from .._errors import EmptyLogError, InputError, XdrError
from .._observations.tally import Tally
from .._times.timestamps import format_iso8601
from .._vpn_log.options import opened_log
from .options import SessionOptions
from .questions import SessionQuestions
from .selection import SessionSelection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._run import Run
    from .._vpn_log.reading import LogReader
    from .._vpn_log.rows import Rejected, Session, SessionBlock
    from .questions import Answer


_QUIET_MS = 24 * 3600 * 1000


def read_sessions(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs C(vpn_session_info) with its options and returns its result; raises XdrError."""
    options = SessionOptions.from_params(params)
    # Rows come and go by the million and form no cycles, so looking for those often is waste.
    gc.set_threshold(100_000)
    with opened_log(params, wants_usernames=True) as (source, reader):
        return SessionReport(options, run, source.path, source.modified_ms).result(reader)


class SessionReport:
    """One run of C(vpn_session_info)."""

    def __init__(self, options: SessionOptions, run: Run, path: str, modified_ms: int) -> None:
        self._options = options
        self._run = run
        self._path = path
        self._modified = modified_ms
        self._latest = 0
        self._is_snapshot = False
        self._tally = Tally()
        self._sessions = 0
        self._selection = SessionSelection(options)
        self._questions = SessionQuestions(options.questions or [])

    def result(self, reader: LogReader) -> dict[str, Any]:
        """The result keys of the module. An error carries the counts."""
        # What can only be read as a whole tells who is connected at the time of the file.
        self._is_snapshot = reader.repeated_lines is None
        try:
            self._read(reader)
        except XdrError as error:
            raise error.with_result(self._counted()) from error
        return {
            "changed": False,
            "sessions": [_session_result(session) for session in self._selection.sessions()],
            "matches": self._matches(),
            **self._counted(),
            "log_end": format_iso8601(self._end()),
            "timezone": self._options.zone_name,
        }

    def _read(self, reader: LogReader) -> None:
        try:
            for block in reader.blocks():
                self._look_at(block)
        except EmptyLogError as error:
            if not self._options.skips_invalid:
                raise
            self._run.warn(error.message)
        if self._tally.rejected and not self._options.skips_invalid:
            first = self._tally.rejected_rows[0]
            more = f" ({self._tally.rejected} rows cannot be used, see rejected_rows)" if self._tally.rejected > 1 else ""
            raise InputError(
                f"{self._path}, line {first['line']}: {first['reason']}{more}. "
                "Mend the log, or set `on_invalid: skip` to do without such rows and list them."
            )

    def _look_at(self, block: SessionBlock) -> None:
        self._tally.count(block, _ignore)
        if not len(block):
            return
        self._sessions += len(block)
        ends = [end for end in block.ends if end is not None]
        self._latest = max(self._latest, *block.starts, *ends)
        if self._options.questions:
            self._questions.look_at(block)
        if self._options.lists_sessions:
            self._selection.look_at(block)

    def _end(self) -> int:
        """Until when the log tells who had an address.

        A live log may be quiet for hours, so the time of the file counts; but a copy of an old log has a new time too, and nobody who
        stands in it without an end may be named for what happened months later.
        """
        if self._options.complete_until is not None:
            return self._options.complete_until
        is_live = self._is_snapshot or not self._latest or self._modified <= self._latest + _QUIET_MS
        return max(self._latest, self._modified) if is_live else self._latest

    def _matches(self) -> list[dict[str, Any]]:
        answers = self._questions.answers(self._end())
        return [
            {"ipaddr": asked.ipaddr.text, "timestamp": format_iso8601(asked.at), **_answer_result(answer)}
            for asked, answer in zip(self._options.questions or [], answers)
        ]

    def _counted(self) -> dict[str, Any]:
        counts = {
            "read": self._tally.read,
            "sessions": self._sessions,
            "selected": self._selection.selected,
            "skipped": dict(sorted(self._tally.skipped.items())),
            "rejected": self._tally.rejected,
        }
        return {"counts": counts, "rejected_rows": self._tally.rejected_rows}


def _answer_result(answer: Answer) -> dict[str, Any]:
    return {
        "session": _session_result(answer.session) if answer.session else None,
        "candidates": [_session_result(candidate) for candidate in answer.candidates],
        "ambiguous": len(answer.candidates) > 1,
        "reason": answer.reason,
    }


def _session_result(session: Session) -> dict[str, Any]:
    return {
        "line": session.line,
        "username": session.username,
        "ipaddr": session.ipaddr.text,
        "associated_ipaddr": session.associated_ipaddr.text,
        "start": format_iso8601(session.start),
        "end": None if session.end is None else format_iso8601(session.end),
        "start_epoch": session.start // 1000,
        "end_epoch": None if session.end is None else session.end // 1000,
    }


def _ignore(_row: Rejected) -> None:
    """There is no file of rejects here."""
