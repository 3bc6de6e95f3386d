# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Runs `vpn_session`: adds the sessions of logs to the history and continues where the last run ended.

Claims are kept as they come. The state for later runs (open sessions, doubts, coverage, the position) is kept in one transaction at the end
of each log. So a run that is killed does no harm: the next run reads the same rows again.
"""

from __future__ import annotations

import gc
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .._errors import InputError
from .._times.timestamps import format_iso8601
from .._vpn_log.open_logs import opened_logs
from .._vpn_log.records import UNFINISHED_LINE
from .history_access import opened_history
from .log_reading import SNAPSHOT_FORMATS, Before, LogReading
from .model import ROW, AddressClaim, ClaimColumns, CoverageSpan, Doubt, Evidence, GatewayNetworks, Kept, LogFacts, LogPosition
from .options import MAX_SESSION_HOURS, IngestOptions
from .progress import Progress, RowTally, log_warnings, progress_in, resumed_at
from .validity import joined_spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from .._module import Run
    from .._vpn_log.open_logs import OpenLog
    from .._vpn_log.records import RecordBlock
    from .evidence import SessionHistory
    from .log_reading import Fact

_CLAIMS_AT_ONCE = 5000
_MAX_DOUBTS = 20_000
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_LISTED_GAPS = 20
_LAST_SNAPSHOT = "last snapshot"
"""Replaces the path of a log in the position with the claims of the last snapshot."""


def take_sessions(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `vpn_session` with its options and returns its result; raises XdrError."""
    options = IngestOptions.from_params(params)
    gc.set_threshold(100_000)
    if not options.skips_invalid:
        _check_rows(options)
    with opened_history(options.history, check_mode=run.check_mode) as history:
        taking = _Taking(options, run, history)
        try:
            taking.take_logs()
        except InputError as error:
            raise error.with_result(taking.counted()) from error
        if options.networks is not None:
            taking.changed |= history.set_networks(GatewayNetworks(options.gateway, options.networks))
        if options.retention_days:
            taking.forgotten = history.forget(int(time.time() * 1000) - options.retention_days * _DAY_MS)
        return {
            "changed": taking.changed or taking.forgotten > 0,
            **taking.counted(),
            "coverage": _coverage(options.gateway, history.spans()),
            "timezone": options.logs.zone.name,
        }


@dataclass
class _Batch:
    """Facts of one log that are not kept yet."""

    claims: list[AddressClaim] = field(default_factory=list)
    columns: list[ClaimColumns] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    rows: list[Doubt] = field(default_factory=list)
    """Doubts because of rows."""
    span: CoverageSpan | None = None

    def add(self, fact: Fact) -> None:
        if isinstance(fact, AddressClaim):
            self.claims.append(fact)
        elif isinstance(fact, ClaimColumns):
            self.columns.append(fact)
        elif isinstance(fact, CoverageSpan):
            self.span = fact
        elif fact.kind != ROW:
            self.doubts.append(fact)
        elif len(self.rows) < _MAX_DOUBTS:
            self.rows.append(fact)
        else:
            last = self.rows.pop()
            self.rows.append(replace(last, since=min(last.since, fact.since), until=max(last.until, fact.until), ipaddr=None))


class _Taking:
    """Adds the logs of one run to the history, and counts the changes."""

    def __init__(self, options: IngestOptions, run: Run, history: SessionHistory) -> None:
        self._options = options
        self._run = run
        self._history = history
        self._of_snapshots = options.logs.format in SNAPSHOT_FORMATS
        self._tally = RowTally()
        self._kept = Kept()
        self.changed = False
        self.forgotten = 0

    def take_logs(self) -> None:
        """Adds all logs; raises InputError."""
        options = self._options
        positions = self._history.positions(options.gateway)
        before = self._before(positions)
        known = frozenset(before.open_claims)
        spans: list[CoverageSpan | None] = []
        with opened_logs(options.logs) as logs:
            self._tally.names_logs = len(logs) > 1
            for log in logs:
                progress = progress_in(log, options.logs.key(), positions)
                if progress and progress.is_complete:
                    self._tally.is_recognised = True
                    spans.append(progress.span(options.gateway))
                    continue
                if not self._of_snapshots:
                    before = replace(before, latest=progress.high if progress else None, order=progress.order if progress else None)
                log.source.start_at(resumed_at(log, progress))
                span, before = self._take(log, before, known, is_followed=log is not logs[-1])
                spans.append(span)
            self._tally.check_recognised(self._run)
            for warning in log_warnings(options.logs, logs):
                self._run.warn(warning)
            self._keep(Evidence(spans=joined_spans([log.path for log in logs], spans, None)))

    def counted(self) -> dict[str, Any]:
        """The counts of rows and sessions, and the first rejected rows."""
        kept = self._kept
        sessions = {"added": kept.added, "updated": kept.updated, "unchanged": kept.unchanged, "forgotten": self.forgotten}
        return {"counts": {**self._tally.counts(), **sessions}, **self._tally.lists()}

    def _before(self, positions: Sequence[LogPosition]) -> Before:
        """Returns the claims that earlier runs left open: the sessions in the last snapshot, or those that rows of this log may end."""
        gateway = self._options.gateway
        untils = [span.until for span in self._history.spans() if span.gateway == gateway and span.of_snapshots == self._of_snapshots]
        if self._of_snapshots:
            shown = [keys for position in positions if position.path == _LAST_SNAPSHOT for keys in json.loads(position.state)]
            claims = self._history.known([AddressClaim(gateway, ipaddr, user, "", start) for ipaddr, user, start in shown])
            return Before(claims, are_kept=True, latest=max(untils, default=None))
        since = max(untils, default=0) - MAX_SESSION_HOURS * _HOUR_MS
        claims = [claim for claim in self._history.open_claims(gateway, since) if not claim.is_snapshot]
        return Before(claims, are_kept=True)

    def _take(
        self, log: OpenLog, before: Before, known: frozenset[AddressClaim], *, is_followed: bool
    ) -> tuple[CoverageSpan | None, Before]:
        """Adds one log; returns the time that it covers and what it leaves open."""
        options = self._options
        label = os.path.basename(log.path)
        facts = LogFacts(options.gateway, label, log.modified_ms, options.tolerance_ms, options.logs.zone, is_followed=is_followed)
        reading = LogReading(facts, options.logs.format, before)
        batch = self._kept_on_the_way(reading.facts(self._rows(log)))
        if reading.flaw:
            self._keep(Evidence(claims=batch.claims))
            raise InputError(f"path: {reading.flaw}. Fix this and run again; no session of {log.path} is named until then.")
        claims = [*batch.claims, *(claim for claim in reading.open_claims if claim not in known)]
        doubts = [*batch.doubts, *(_within(doubt, reading) for doubt in batch.rows)]
        self._keep(Evidence(claims, [batch.span] if batch.span else [], doubts, list(self._positions(log, reading, before))))
        return batch.span, Before(reading.open_claims, are_kept=True, latest=reading.shown_last)

    def _positions(self, log: OpenLog, reading: LogReading, before: Before) -> Iterator[LogPosition]:
        options = self._options
        position = Progress.of(log, options.logs.key(), reading, zone_used=options.logs.zone.was_used)
        if position:
            yield LogPosition(options.gateway, log.path, position.text())
        is_newest = reading.shown_last is not None and (before.latest is None or reading.shown_last >= before.latest)
        if self._of_snapshots and is_newest:
            shown = sorted((claim.ipaddr, claim.username, claim.start) for claim in reading.open_claims)
            yield LogPosition(options.gateway, _LAST_SNAPSHOT, json.dumps(shown))

    def _kept_on_the_way(self, facts: Iterable[Fact]) -> _Batch:
        """Keeps claims while the log is read on: databases work in a thread of their own."""
        batch = _Batch()
        with ThreadPoolExecutor(max_workers=1) as writer:
            keeping: Future[None] | None = None
            for fact in facts:
                batch.add(fact)
                if len(batch.claims) >= _CLAIMS_AT_ONCE or batch.columns:
                    if keeping:
                        keeping.result()
                    keeping = writer.submit(self._keep, Evidence(batch.claims, columns=batch.columns))
                    batch.claims, batch.columns = [], []
            if keeping:
                keeping.result()
        return batch

    def _keep(self, evidence: Evidence) -> None:
        own, more = self._kept, self._history.keep(evidence)
        self._kept = Kept(own.added + more.added, own.updated + more.updated, own.unchanged + more.unchanged)
        self.changed |= more.changed

    def _rows(self, log: OpenLog) -> Iterator[RecordBlock]:
        """The rows of a log, but for a line that is not finished: the next run reads it."""
        for block in self._tally.rows_or_none(log, self._run) if self._options.skips_invalid else self._tally.rows(log):
            others = [row for row in block.others if row.reason != UNFINISHED_LINE]
            yield block if len(others) == len(block.others) else replace(block, others=others)


def _check_rows(options: IngestOptions) -> None:
    """Reads all rows before anything is kept; raises InputError if one of them cannot be used."""
    tally = RowTally()
    with opened_logs(options.logs) as logs:
        tally.names_logs = len(logs) > 1
        for log in logs:
            for _block in tally.rows(log):
                pass
    tally.check(options.logs, "Nothing was kept. Fix the log, or set `on_invalid: skip`.")


def _within(doubt: Doubt, reading: LogReading) -> Doubt:
    """Returns the doubt about a row, limited to the times of this log: other rows decide about later times."""
    first, high = reading.first, reading.high
    if not doubt.line:
        # Doubts about clocks that go back are not rows: the next run may have the rest of the two hours.
        return doubt
    if first is None or high is None:
        return replace(doubt, until=doubt.since)
    if 0 < doubt.since == doubt.until < first:
        # The end of a session that began in an earlier log, which may be read later.
        return doubt
    since = min(max(doubt.since, first), high) if doubt.since < first else doubt.since
    return replace(doubt, since=since, until=max(since, min(doubt.until, high)))


def _coverage(gateway: str, spans: Iterable[CoverageSpan]) -> dict[str, Any]:
    """Returns the time span that the history covers for this gateway, and its gaps."""
    own = [span for span in spans if span.gateway == gateway]
    gaps = [(before.until, after.since) for before, after in zip(own, own[1:]) if before.until < after.since]
    return {
        "gateway": gateway,
        "since": format_iso8601(min(span.since for span in own)) if own else None,
        "until": format_iso8601(max(span.until for span in own)) if own else None,
        "gaps": [{"since": format_iso8601(since), "until": format_iso8601(until)} for since, until in gaps[:_LISTED_GAPS]],
    }
