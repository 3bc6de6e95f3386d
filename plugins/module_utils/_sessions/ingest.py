# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""The work of `vpn_session`: adds the sessions of logs to the history and continues where the last run ended.

Claims are kept as they come. What a later run depends on (open sessions, doubts, what is covered, the position) is kept together at the
end of each log, so a run that is killed leaves nothing that the next one would misunderstand: it reads the same rows again.
"""

from __future__ import annotations

import gc
import os
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .._errors import EmptyLogError, InputError
from .._times.timestamps import format_iso8601
from .._vpn_log.open_logs import opened_logs
from .clock import LogFacts
from .history_opening import opened_history
from .ingest_options import IngestOptions
from .log_reading import SNAPSHOT_FORMATS, LogReading
from .log_warnings import log_warnings
from .logs import joined_spans
from .model import AddressClaim, CoverageSpan, Doubt, Evidence, GatewayNetworks, Kept, LogPosition
from .resuming import Progress, progress_in, resumed_at
from .tally import RowTally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .._module import Run
    from .._vpn_log.open_logs import OpenLog
    from .._vpn_log.records import Record
    from .model import SessionHistory

_CLAIMS_AT_ONCE = 5000
_MAX_DOUBTS = 20_000
_DAY_MS = 86_400_000
_LISTED_GAPS = 20
_UNFINISHED_LINE = "unfinished_line"


def take_sessions(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `vpn_session` with its options and returns its result; raises XdrError."""
    options = IngestOptions.from_params(params)
    gc.set_threshold(100_000)
    if not options.skips_invalid:
        _check_rows(options)
    with opened_history(options.history, check_mode=run.check_mode) as history:
        tally = RowTally()
        totals = _Totals()
        try:
            _take_logs(options, run, history, tally, totals)
        except InputError as error:
            raise error.with_result(_counted(tally, totals)) from error
        if options.networks is not None:
            totals.add_change(history.set_networks(GatewayNetworks(options.gateway, options.networks)))
        if options.retention_days:
            totals.add_forgotten(history.forget(int(time.time() * 1000) - options.retention_days * _DAY_MS))
        return {
            "changed": totals.changed,
            **_counted(tally, totals),
            "coverage": _coverage(options.gateway, history.spans()),
            "timezone": options.logs.zone.name,
        }


class _Totals:
    """The changes of all transactions of a run."""

    def __init__(self) -> None:
        self.kept = Kept()
        self.forgotten = 0
        self.changed = False

    def add(self, kept: Kept) -> None:
        own = self.kept
        self.kept = Kept(own.added + kept.added, own.updated + kept.updated, own.unchanged + kept.unchanged)
        self.changed = self.changed or kept.changed

    def add_change(self, changed: bool) -> None:
        self.changed = self.changed or changed

    def add_forgotten(self, claims: int) -> None:
        self.forgotten = claims
        self.changed = self.changed or claims > 0


@dataclass(frozen=True)
class _LogResult:
    """The state at the end of a log, for the next one."""

    span: CoverageSpan | None
    open_claims: Sequence[AddressClaim]


@dataclass
class _Batch:
    """Facts of one log that are not kept yet."""

    claims: list[AddressClaim] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    span: CoverageSpan | None = None


def _take_logs(options: IngestOptions, run: Run, history: SessionHistory, tally: RowTally, totals: _Totals) -> None:
    positions = history.positions(options.gateway)
    shown_last = max((span.until for span in history.spans() if span.gateway == options.gateway and span.of_snapshots), default=None)
    since = (shown_last or 0) if options.logs.format in SNAPSHOT_FORMATS else 0
    known = list(history.open_claims(options.gateway, since))
    with opened_logs(options.logs) as logs:
        tally.names_logs = len(logs) > 1
        result = _LogResult(None, known)
        spans: list[CoverageSpan | None] = []
        for log in logs:
            progress = progress_in(log, options.logs.key(), positions)
            if progress and progress.is_complete:
                spans.append(progress.span(options.gateway))
                continue
            taking = _LogTaking(options, run, history, tally, totals)
            result = taking.result(log, progress, result.open_claims, frozenset(known), shown_last)
            spans.append(result.span)
        for warning in log_warnings(options.logs, logs):
            run.warn(warning)
        joined = joined_spans([log.path for log in logs], spans, None)
        totals.add(history.keep(Evidence(spans=joined)))


class _LogTaking:
    """One log on its way into the history."""

    def __init__(self, options: IngestOptions, run: Run, history: SessionHistory, tally: RowTally, totals: _Totals) -> None:
        self._options = options
        self._run = run
        self._history = history
        self._tally = tally
        self._totals = totals

    def result(
        self,
        log: OpenLog,
        progress: Progress | None,
        seeds: Sequence[AddressClaim],
        known: frozenset[AddressClaim],
        shown_last: int | None,
    ) -> _LogResult:
        options = self._options
        log.source.start_at(resumed_at(log, progress))
        facts = LogFacts(options.gateway, os.path.basename(log.path), log.modified_ms, options.tolerance_ms, options.logs.zone)
        latest = shown_last if options.logs.format in SNAPSHOT_FORMATS else progress.high if progress else None
        reading = LogReading(facts, options.logs.format, seeds=seeds, latest=latest, order=progress.order if progress else None)
        batch = self._kept_on_the_way(reading.facts(self._blocks(log)))
        doubts = [_within(doubt, reading) for doubt in batch.doubts]
        if reading.is_doubtful:
            self._totals.add(self._history.keep(Evidence(claims=batch.claims)))
            raise InputError(f"path: {doubts[-1].words}. Fix this and run again; no session of {log.path} is named until then.")
        left = [claim for claim in reading.open_claims if claim not in known]
        position = Progress.of(log, options.logs.key(), reading, zone_used=options.logs.zone.was_used)
        positions = [LogPosition(options.gateway, log.path, position.text())] if position else []
        spans = [batch.span] if batch.span else []
        self._totals.add(self._history.keep(Evidence([*batch.claims, *left], spans, doubts, positions)))
        return _LogResult(batch.span, reading.open_claims)

    def _kept_on_the_way(self, facts: Iterable[AddressClaim | Doubt | CoverageSpan]) -> _Batch:
        batch = _Batch()
        for fact in facts:
            if isinstance(fact, AddressClaim):
                batch.claims.append(fact)
                if len(batch.claims) >= _CLAIMS_AT_ONCE:
                    self._totals.add(self._history.keep(Evidence(claims=batch.claims)))
                    batch.claims = []
            elif isinstance(fact, CoverageSpan):
                batch.span = fact
            elif len(batch.doubts) < _MAX_DOUBTS:
                batch.doubts.append(fact)
            else:
                last = batch.doubts[-1]
                batch.doubts[-1] = replace(last, until=max(last.until, fact.until), ipaddr=None)
        return batch

    def _blocks(self, log: OpenLog) -> Iterator[list[Record]]:
        try:
            for block in log.reader.records():
                rows = list(self._tally.counted(block.records(), log.path))
                # The next run reads a line that is not finished.
                yield [row for row in rows if row.reason != _UNFINISHED_LINE]
        except EmptyLogError as error:
            if not self._options.skips_invalid:
                raise
            self._run.warn(error.message)


def _check_rows(options: IngestOptions) -> None:
    """Reads all rows before anything is kept; raises InputError if one of them cannot be used."""
    tally = RowTally()
    with opened_logs(options.logs) as logs:
        tally.names_logs = len(logs) > 1
        for log in logs:
            for block in log.reader.records():
                for _record in tally.counted(block.records(), log.path):
                    pass
    if tally.rejected:
        first: dict[str, Any] = tally.rejected_rows[0]
        where = first.get("path") or options.logs.paths[0]
        raise InputError(
            f"{where}, line {first['line']}: {first['reason']} ({tally.rejected} rows are invalid). "
            "Nothing was kept. Fix the log, or set `on_invalid: skip`.",
            rejected_rows=tally.rejected_rows,
        )


def _within(doubt: Doubt, reading: LogReading) -> Doubt:
    """The doubt, limited to the times of this log: other rows decide about later times."""
    first, high = reading.first, reading.high
    if first is None or high is None:
        return replace(doubt, until=doubt.since)
    if 0 < doubt.since == doubt.until < first:
        # The end of a session that began before this log, in one that may be read later.
        return doubt
    since = min(max(doubt.since, first), high) if doubt.since < first else doubt.since
    return replace(doubt, since=since, until=max(since, min(doubt.until, high)))


def _counted(tally: RowTally, totals: _Totals) -> dict[str, Any]:
    kept = totals.kept
    counts = {**tally.counts(), "added": kept.added, "updated": kept.updated, "unchanged": kept.unchanged, "forgotten": totals.forgotten}
    return {"counts": counts, "rejected_rows": tally.rejected_rows}


def _coverage(gateway: str, spans: Iterable[CoverageSpan]) -> dict[str, Any]:
    """The time that the history covers for this gateway, from the first to the last, and the gaps."""
    own = [span for span in spans if span.gateway == gateway]
    gaps = [(before.until, after.since) for before, after in zip(own, own[1:]) if before.until < after.since]
    return {
        "gateway": gateway,
        "since": format_iso8601(min(span.since for span in own)) if own else None,
        "until": format_iso8601(max(span.until for span in own)) if own else None,
        "gaps": [{"since": format_iso8601(since), "until": format_iso8601(until)} for since, until in gaps[:_LISTED_GAPS]],
    }
