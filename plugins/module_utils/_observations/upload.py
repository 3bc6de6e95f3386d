# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Runs an upload: decides which rows are sent, the order in which they are checked, sent and recorded, and the report.

The pipeline: read a block of lines; check its columns; with `on_invalid: fail`, keep what was checked in a temporary file until the end
of the input; claim a batch in the ledger; send it and record the outcome. Nothing keeps the whole input in memory.
"""

from __future__ import annotations

import gc
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from .._errors import EmptyLogError, InputError, XdrError
from .._extrahop.client import ExtraHopClient
from .._ledger.contract import ObservationScope
from .._ledger.opening import ledger_file, open_ledger
from . import report
from .input import InputReader, opened_input
from .observed import Observations
from .options import UploadOptions
from .report import CHECKING, DUPLICATE, UPLOADING, Progress, Tally
from .sender import ObservationSender
from .spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from .._ledger.contract import Ledger, ObservationLedger
    from .._module import Run
    from .input import ObservationInput
    from .observed import ObservedRows, RejectedRow
    from .read_back import ReadBack
    from .resume import Checkpoints
    from .sender import BatchOutcome
    from .spool import Frame


def upload_observations(params: Mapping[str, Any], run: Run, null_options: Collection[str] = ()) -> dict[str, Any]:
    """Runs `extrahop_observation` with its options and returns its result; raises XdrError."""
    options = UploadOptions.from_params(params, null_options)
    if options.rejects_path:
        from .rejects import check_rejects_path

        check_rejects_path(options.rejects_path, options.log.paths, ledger_file(options.ledger))
    client = ExtraHopClient.from_params(params, run.secrets)
    _tune_interpreter()
    opened_ledger = closing(open_ledger(options.ledger, read_only=run.check_mode))
    with opened_ledger as ledger, opened_input(options.log, options.observations) as source:
        return ObservationUpload(client, ledger, source, options, run).upload()


def _tune_interpreter() -> None:
    """Makes garbage collection rare: millions of rows are created and freed without reference cycles."""
    gc.set_threshold(100_000)


def _forget(_row: RejectedRow) -> None:
    """Does nothing with rejected rows, which are counted elsewhere."""


class ObservationUpload:
    """One run of `extrahop_observation`."""

    def __init__(self, client: ExtraHopClient, ledger: Ledger, source: ObservationInput, options: UploadOptions, run: Run) -> None:
        self._client = client
        self._ledger = ledger
        self._source = source
        self._options = options
        self._run = run
        self._tally = Tally()
        self._ipaddrs: set[str] = set()
        self._unobserved: list[str] | None = None
        self._read_back: ReadBack | None = None
        self._interrupted = 0
        self._rows_to_send = 0
        """Known after the whole input was read."""
        self._progress = Progress()
        self._failure: XdrError | None = None

    def upload(self) -> dict[str, Any]:
        """The result keys of the module. An error carries what had been done until then."""
        scope = ObservationScope(self._client.endpoint, self._options.source, self._options.timestamp_unit)
        try:
            with self._ledger.observations(scope, force=self._options.force) as ledger:
                self._interrupted = ledger.interrupted
                self._warn(report.warnings_of_ledger(self._ledger, ledger.interrupted, self._source.logs, check_mode=self._run.check_mode))
                self._upload_all(ledger, scope)
                if self._options.ledger_retention_days:
                    ledger.expire(self._options.ledger_retention_days)
            if self._options.checks_devices:
                self._unobserved = sorted(self._ipaddrs - self._client.observed_addresses(sorted(self._ipaddrs)))
            if self._options.reads_back and not self._run.check_mode:
                from .read_back import read_back

                self._read_back = read_back(self._client.devices(), self._tally.first, self._options.divisor)
                self._warn(self._read_back.warnings)
        except XdrError as error:
            self._warn(report.warnings_of_sent_again(self._tally, self._interrupted))
            raise error.with_result(self._result()) from error
        self._warn(report.warnings_of_sent_again(self._tally, self._interrupted))
        return self._result()

    def _upload_all(self, ledger: ObservationLedger, scope: ObservationScope) -> None:
        checkpoints, summaries = self._resumed(ledger, scope)
        reader = InputReader(self._source, self._options.divisor, summaries)
        try:
            with self._opened_rejects() as add_reject, Spool() as spool:
                self._send_all(self._released(reader, spool, add_reject), ledger, checkpoints)
        except EmptyLogError as error:
            if not self._options.skips_invalid:
                raise
            self._run.warn(error.message)
        finally:
            if checkpoints and not self._run.check_mode:
                checkpoints.save()
        self._warn(report.warnings_of_input(self._tally, self._source.logs, self._options.log))

    def _resumed(self, ledger: ObservationLedger, scope: ObservationScope) -> tuple[Checkpoints | None, dict[int, dict[str, Any]]]:
        """Lets each log be read from where an earlier run has ended; returns the summaries of what is before, by log."""
        if not self._source.logs:
            return None, {}
        from .resume import Checkpoints

        checkpoints = Checkpoints(ledger, self._options.log, self._source.logs)
        summaries: dict[int, dict[str, Any]] = {}
        if self._options.force or self._options.checks_devices:
            return checkpoints, summaries
        takes_rejected = self._options.skips_invalid and not self._options.rejects_path
        for number, log in enumerate(self._source.logs):
            summary = checkpoints.resume(number, takes_rejected=takes_rejected)
            if summary is None:
                self._warn(report.warnings_of_other_scope(checkpoints.elsewhere(number), scope, log.path))
            else:
                self._tally.add_summary(summary)
                summaries[number] = summary
        return checkpoints, summaries

    @contextmanager
    def _opened_rejects(self) -> Iterator[Callable[[RejectedRow], None]]:
        """A function that takes rejected rows: it writes them to the file of rejects, if one is wanted."""
        if not self._options.rejects_path or self._run.check_mode:
            yield _forget
            return
        from .rejects import rejects_file

        with rejects_file(self._options.rejects_path) as add:
            yield add

    def _released(self, reader: InputReader, spool: Spool, add_reject: Callable[[RejectedRow], None]) -> Iterator[Frame]:
        """Yields the frames of the input as soon as they may be sent. With `on_invalid: fail`, this is after the whole input was read
        without an invalid row; raises InputError otherwise.
        """
        is_held = True
        for rows, frame in reader.frames():
            self._note(rows, frame.log, add_reject)
            is_held = is_held and (not self._options.skips_invalid or not reader.may_be_used)
            self._report(CHECKING if is_held else UPLOADING, reader)
            if is_held:
                spool.add(frame)
                continue
            yield from spool.frames()
            yield frame
        if not self._options.skips_invalid and self._tally.rows.rejected:
            raise self._invalid_input()
        self._rows_to_send = self._tally.left_to_send()
        yield from spool.frames()

    def _note(self, rows: ObservedRows, log: int, add_reject: Callable[[RejectedRow], None]) -> None:
        tally = self._tally
        tally.rows.add(rows)
        for row in rows.rejected:
            add_reject(row)
        tally.note_swapped(rows, lambda line: self._source.where(log, line))
        if rows.rejected and not tally.first_rejected:
            tally.first_rejected = f"{self._source.where(log, rows.rejected[0].line)}: {rows.rejected[0].reason}"
        if self._options.checks_devices:
            self._ipaddrs.update(rows.observations.ipaddrs)

    def _invalid_input(self) -> InputError:
        rejected = self._tally.rows.rejected
        more = f" ({rejected} rows are invalid, see rejected_rows)" if rejected > 1 else ""
        return InputError(
            f"{self._tally.first_rejected}{more}. Nothing was sent. "
            "Fix the input, or set `on_invalid: skip` to upload the other rows and list these."
        )

    def _send_all(self, frames: Iterator[Frame], ledger: ObservationLedger, checkpoints: Checkpoints | None) -> None:
        sender = ObservationSender(self._client, ledger, self._options.concurrency)
        left = self._options.limit
        try:
            for batch, ended in _batches(frames, self._options.batch_size):
                left = self._send_batch(batch, ended, ledger, sender, left)
                self._settle(sender.outcomes(), checkpoints)
                if sender.has_failed or left == 0:
                    break
        finally:
            self._settle(sender.outcomes(wait_for_all=True), checkpoints)
        if self._failure:
            raise self._failure
        if left == 0:
            self._tally.count_over_limit()

    def _send_batch(
        self, batch: Observations, ended: Sequence[Frame], ledger: ObservationLedger, sender: ObservationSender, left: int | None
    ) -> int | None:
        """Sends what is new in a batch, as far as the limit allows; returns what is left of the limit."""
        if not len(batch):
            sender.nothing_to_send(ended)
        start = 0
        while start < len(batch) and left != 0:
            end = len(batch) if left is None else min(start + left, len(batch))
            fresh = self._claim_and_send(batch.cut(start, end), ended if end == len(batch) else (), ledger, sender)
            left = None if left is None else left - fresh
            start = end
        return left

    def _claim_and_send(self, batch: Observations, ended: Sequence[Frame], ledger: ObservationLedger, sender: ObservationSender) -> int:
        """Sends what is new in a batch and returns how many rows that are."""
        claimed = ledger.claim(batch.keys())
        self._tally.already_uploaded += claimed.already_uploaded
        self._tally.rows.skip(DUPLICATE, claimed.duplicates)
        if not claimed.fresh:
            sender.nothing_to_send(ended)
            return 0
        fresh = batch.chosen(claimed.fresh)
        self._tally.keep_first(fresh)
        if self._run.check_mode:
            self._client.get_ready()
            ledger.accept(claimed)
            self._tally.uploaded += len(fresh)
        else:
            sender.send(claimed, fresh.body(self._options.source), ended)
        return len(fresh)

    def _settle(self, outcomes: Iterable[BatchOutcome], checkpoints: Checkpoints | None) -> None:
        """Counts outcomes and records the position up to which the input is done: up to the first failure."""
        for outcome in outcomes:
            self._tally.add_outcome(outcome)
            self._failure = self._failure or outcome.error
            if checkpoints and not self._failure:
                for frame in outcome.frames:
                    checkpoints.reach(frame)
        if self._rows_to_send:
            done = self._rows_to_send - self._tally.left_to_send()
            self._progress.report(UPLOADING, self._tally.rows.read - self._tally.left_to_send(), done, self._rows_to_send)

    def _report(self, phase: str, reader: InputReader) -> None:
        total = 0 if any(log.source.is_compressed for log in self._source.logs) else sum(log.source.size for log in self._source.logs)
        self._progress.report(phase, self._tally.rows.read, reader.bytes_done, total)

    def _warn(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._run.warn(text)

    def _result(self) -> dict[str, Any]:
        tally = self._tally
        result: dict[str, Any] = {
            "changed": tally.uploaded > 0,
            "counts": tally.counts(),
            "requests": tally.requests,
            "rejected_rows": tally.rows.rejected_rows,
            "timestamp_unit": self._options.timestamp_unit,
            "timezone": self._options.log.zone.name,
            "times_without_zone": self._options.log.zone.was_used,
        }
        if self._source.logs:
            result.update(report.other_programs(self._source.logs))
        if tally.outcome_unknown:
            result["outcome_unknown"] = True
        if self._unobserved is not None:
            result["unobserved"] = self._unobserved
        if self._read_back:
            result["read_back"] = self._read_back.as_result()
        if self._run.shows_diff:
            result["diff"] = tally.diff(self._options.divisor)
        return result


def _batches(frames: Iterator[Frame], size: int) -> Iterator[tuple[Observations, Sequence[Frame]]]:
    """Batches of this size, and the frames whose last rows are in each. The last batch may be smaller, or empty."""
    rest, waiting = Observations(), []
    for frame in frames:
        waiting.append(frame)
        rows, start = frame.observations, 0
        while len(rest) + len(rows) - start >= size:
            end = start + size - len(rest)
            # Frames that were waiting before end in the first batch; this one ends in the last, if that takes all its rows.
            ended = waiting if end == len(rows) else waiting[:-1]
            waiting = waiting[len(ended) :]
            yield rest.followed_by(rows.cut(start, end)), ended
            rest, start = Observations(), end
        rest = rest.followed_by(rows.cut(start, len(rows)))
    if waiting:
        yield rest, waiting
