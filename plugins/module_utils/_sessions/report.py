# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Runs `vpn_session_info`: lists sessions and answers questions, from logs in one pass or from a history."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, Any

from .._errors import XdrError
from .._times.timestamps import EARLIEST_MS, LATEST_MS, format_iso8601
from .._vpn_log.open_logs import opened_logs
from .evidence import MemoryEvidence
from .log_reading import Before, LogReading
from .model import CoverageSpan, LogFacts
from .options import LogTask, SessionOptions
from .progress import RowTally, log_warnings
from .questions import AMBIGUOUS, answers, window
from .validity import joined_spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .._module import Run
    from .._vpn_log.open_logs import OpenLog
    from .evidence import AddressEvidence, ClaimWindow, EvidenceSource
    from .model import AddressClaim, Doubt
    from .questions import Answer


MAX_LISTED_DOUBTS = 500
STALE_MS = 3_600_000
"""A log that a gateway is writing is rarely silent for longer."""


def read_sessions(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `vpn_session_info` with its options and returns its result; raises XdrError."""
    options = SessionOptions.from_params(params)
    # Millions of rows are created and freed without reference cycles, so frequent garbage collection is a waste.
    gc.set_threshold(100_000)
    return _of_history(options) if options.logs is None else _of_logs(options, options.logs, run)


def _of_logs(options: SessionOptions, logs: LogTask, run: Run) -> dict[str, Any]:
    windows = [window(question, options.rules) for question in options.questions if not question.problem]
    memory = MemoryEvidence(windows, options.wanted)
    tally = RowTally()
    try:
        _read_logs(logs, run, memory, tally)
    except XdrError as error:
        raise error.with_result(_counted(tally, 0)) from error
    if options.wanted and options.wanted.users and tally.sessions and not tally.names_users:
        run.warn(
            "`users`: no session of the log names a user, so the list is empty. Set `columns.username` to the column with the names (csv, "
            "json_lines), or `peers` (wireguard)."
        )
    result = _result(options, memory)
    selected = result.pop("selected")
    return {**result, **_counted(tally, selected), "timezone": options.zone_name}


def _of_history(options: SessionOptions) -> dict[str, Any]:
    from .history_access import history_to_ask

    with history_to_ask(options.history) as history:
        result = _result(options, history)
    selected = result.pop("selected")
    return {**result, "counts": {"selected": selected}, "timezone": options.zone_name}


def _result(options: SessionOptions, evidence: EvidenceSource) -> dict[str, Any]:
    listed = evidence.listed(options.wanted) if options.wanted else None
    spans = evidence.spans()
    source = _WithDoubts(evidence)
    found = list(answers(source, options.questions, options.rules))
    return {
        "changed": False,
        "sessions": [session_result(claim) for claim in listed.claims] if listed else [],
        "selected": listed.selected if listed else 0,
        "matches": [
            {"ipaddr": asked.ipaddr, "timestamp": asked.timestamp, **_answer_result(answer)} for asked, answer in zip(options.asked, found)
        ],
        "coverage": [
            {"gateway": span.gateway or None, "since": format_iso8601(span.since), "until": format_iso8601(span.until)} for span in spans
        ],
        "doubts": [_doubt_result(doubt) for doubt in source.doubts],
        "log_end": format_iso8601(max(span.until for span in spans)) if spans else None,
    }


def _read_logs(task: LogTask, run: Run, memory: MemoryEvidence, tally: RowTally) -> None:
    """Reads all logs into `memory`, and counts their rows in `tally`. Raises InputError."""
    with opened_logs(task.options) as logs:
        tally.names_logs = len(logs) > 1
        before = Before()
        spans: list[CoverageSpan | None] = []
        for log in logs:
            label = os.path.basename(log.path) if len(logs) > 1 else ""
            facts = LogFacts("", label, log.modified_ms, task.tolerance_ms, task.options.zone, is_followed=log is not logs[-1])
            reading = LogReading(facts, task.options.format, before, memory.addresses)
            span: CoverageSpan | None = None
            for fact in reading.facts(tally.rows_or_none(log, run) if task.skips_invalid else tally.rows(log)):
                if isinstance(fact, CoverageSpan):
                    span = fact
                else:
                    memory.add(fact)
            spans.append(span)
            before = Before(reading.open_claims, latest=reading.shown_last)
        for claim in before.open_claims:
            memory.add(claim)
        for warning in (*log_warnings(task.options, logs), *_stale(task, logs)):
            run.warn(warning)
    for joined in joined_spans([log.path for log in logs], spans, task.complete_until):
        memory.add(joined)
    tally.check_recognised(run)
    if not task.skips_invalid:
        tally.check(
            task.options,
            "Fix the log, or set `on_invalid: skip`: such rows then make doubtful what they may have changed, and nothing else.",
        )


def _stale(task: LogTask, logs: Sequence[OpenLog]) -> Iterator[str]:
    """Returns a warning if `complete_until` covers a time in which nothing was written."""
    newest = max(logs, key=lambda log: log.modified_ms)
    if task.complete_until is not None and task.complete_until - newest.modified_ms > STALE_MS:
        yield (
            f"`complete_until`: {newest.path} was last written to at {format_iso8601(newest.modified_ms)}, but the task says that it is "
            f"complete until {format_iso8601(task.complete_until)}. If the gateway no longer writes to it, or its transfer stopped, "
            "answers about the time in between name who was connected last. Check that this log is still written to."
        )


class _WithDoubts:
    """Evidence that remembers which doubts were used."""

    def __init__(self, source: EvidenceSource) -> None:
        self._source = source
        self._seen: dict[Doubt, None] = {}
        self.spans = source.spans
        self.networks = source.networks
        self.listed = source.listed

    @property
    def doubts(self) -> list[Doubt]:
        """The first ones, by time."""
        return sorted(self._seen, key=lambda doubt: (doubt.since, doubt.line))

    def around(self, windows: Sequence[ClaimWindow]) -> Iterator[AddressEvidence]:
        """See EvidenceSource."""
        for evidence in self._source.around(windows):
            for doubt in evidence.doubts:
                if len(self._seen) < MAX_LISTED_DOUBTS:
                    self._seen[doubt] = None
            yield evidence


def _doubt_result(doubt: Doubt) -> dict[str, Any]:
    return {
        "gateway": doubt.gateway or None,
        "ipaddr": doubt.ipaddr,
        "since": format_iso8601(max(doubt.since, EARLIEST_MS)),
        "until": format_iso8601(min(doubt.until, LATEST_MS)),
        "line": doubt.line or None,
        "reason": doubt.words,
    }


def _counted(tally: RowTally, selected: int) -> dict[str, Any]:
    counts = {**tally.counts(), "sessions": tally.sessions, "selected": selected}
    return {"counts": counts, **tally.lists()}


def _answer_result(answer: Answer) -> dict[str, Any]:
    return {
        "session": session_result(answer.session) if answer.session else None,
        "candidates": [session_result(candidate) for candidate in answer.candidates],
        "ambiguous": answer.reason == AMBIGUOUS,
        "reason": answer.reason,
        "doubts": list(answer.doubts),
    }


def session_result(claim: AddressClaim) -> dict[str, Any]:
    """Returns a session in the form of results. Its end is null unless it is in the log."""
    end = claim.end if claim.has_known_end else None
    return {
        "line": claim.line,
        "username": claim.username,
        "ipaddr": claim.ipaddr,
        "associated_ipaddr": claim.associated_ipaddr or None,
        "start": None if claim.starts_unknown else format_iso8601(claim.start),
        "end": None if end is None else format_iso8601(end),
        "start_epoch": None if claim.starts_unknown else claim.start // 1000,
        "end_epoch": None if end is None else end // 1000,
        "gateway": claim.gateway or None,
    }
