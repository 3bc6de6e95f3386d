# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""The logs of a task, read into evidence one after the other."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._errors import EmptyLogError, InputError
from .._vpn_log.open_logs import opened_logs
from .clock import LogFacts
from .log_reading import LogReading
from .log_warnings import log_warnings
from .model import CoverageSpan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._module import Run
    from .._vpn_log.open_logs import OpenLog
    from .._vpn_log.options import LogOptions
    from .._vpn_log.records import Record
    from .memory import MemoryEvidence
    from .model import AddressClaim
    from .tally import RowTally

_ROTATED = re.compile(r"(?P<stem>.+?)(?:\.(?P<number>\d{1,5}))?(?:\.(?:gz|xz|bz2|zst))?\Z", re.DOTALL)


@dataclass(frozen=True)
class LogTask:
    """The logs to read, and how to treat unreadable rows."""

    options: LogOptions
    tolerance_ms: int
    skips_invalid: bool
    complete_until: int | None = None


def read_logs(task: LogTask, run: Run, memory: MemoryEvidence, tally: RowTally) -> None:
    """Reads all logs into `memory`, and counts their rows in `tally`. Raises InputError."""
    with opened_logs(task.options) as logs:
        tally.names_logs = len(logs) > 1
        seeds: Sequence[AddressClaim] = ()
        spans: list[CoverageSpan | None] = []
        for log in logs:
            facts = LogFacts("", os.path.basename(log.path) if len(logs) > 1 else "", log.modified_ms, task.tolerance_ms, task.options.zone)
            reading = LogReading(facts, task.options.format, seeds=seeds, wanted=memory.addresses)
            span: CoverageSpan | None = None
            for fact in reading.facts(_blocks(log, task, run, tally)):
                if isinstance(fact, CoverageSpan):
                    span = fact
                else:
                    memory.add(fact)
            spans.append(span)
            seeds = reading.open_claims
        for claim in seeds:
            memory.add(claim)
        for warning in log_warnings(task.options, logs):
            run.warn(warning)
    for joined in joined_spans([log.path for log in logs], spans, task.complete_until):
        memory.add(joined)
    _check(task, tally)


def joined_spans(paths: Sequence[str], spans: Sequence[CoverageSpan | None], complete_until: int | None) -> list[CoverageSpan]:
    """The time that several logs cover together. Logs with numbers in sequence have no gap between them (`x.log.1`, `x.log`)."""
    found: list[CoverageSpan] = []
    before = ""
    for path, span in zip(paths, spans):
        if span and found and found[-1].of_snapshots == span.of_snapshots and (_follows(before, path) or span.since <= found[-1].until):
            last = found.pop()
            found.append(CoverageSpan(last.gateway, min(last.since, span.since), max(last.until, span.until), last.of_snapshots))
        elif span:
            found.append(span)
        before = path if span else ""
    if found and complete_until is not None and not found[-1].of_snapshots:
        last = found.pop()
        if complete_until >= last.since:
            found.append(CoverageSpan(last.gateway, last.since, complete_until))
    return found


def _follows(before: str, after: str) -> bool:
    """True if rotation renames the file `after` to `before`."""
    older, newer = _ROTATED.match(before), _ROTATED.match(after)
    return bool(older and newer and older["stem"] == newer["stem"] and int(older["number"] or 0) == int(newer["number"] or 0) + 1)


def _blocks(log: OpenLog, task: LogTask, run: Run, tally: RowTally) -> Iterator[list[Record]]:
    try:
        for block in log.reader.records():
            yield list(tally.counted(block.records(), log.path))
    except EmptyLogError as error:
        if not task.skips_invalid:
            raise
        run.warn(error.message)


def _check(task: LogTask, tally: RowTally) -> None:
    if not tally.rejected or task.skips_invalid:
        return
    first: dict[str, Any] = tally.rejected_rows[0]
    where = first.get("path") or task.options.paths[0]
    more = f" ({tally.rejected} rows are invalid, see rejected_rows)" if tally.rejected > 1 else ""
    raise InputError(
        f"{where}, line {first['line']}: {first['reason']}{more}. "
        "Fix the log, or set `on_invalid: skip`: such rows then make doubtful what they may have changed, and nothing else."
    )
