# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What an upload decides: which rows are sent, in which order things are checked, sent and recorded, and what is reported.

Rows flow in batches: read, checked, compared with the ledger, sent, recorded. Nothing holds the whole input.
"""

from __future__ import annotations

import gc
import sys
from contextlib import closing, contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from .._errors import EmptyLogError, InputError, XdrError
from .._extrahop.client import ExtraHopClient
from .._ledger.contract import ObservationScope
from .._ledger.opening import ledger_file, open_ledger
from .batch import TEXT, ObservationBatch
from .input import opened_input
from .options import SECONDS, UploadOptions
from .part import CHECKING, UPLOADING, UploadSlice
from .sender import ObservationSender
from .tally import DUPLICATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .._ledger.contract import Ledger, ObservationLedger
    from .._run import Run
    from .._vpn_log.rows import Rejected, SessionBlock
    from .._vpn_log.start import LogStart
    from .input import ObservationInput
    from .position import LogResumption
    from .tally import Tally


def upload_observations(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs C(extrahop_observation) with its options and returns its result; raises XdrError."""
    options = UploadOptions.from_params(params)
    if options.rejects_path:
        from .rejects import check_rejects_path

        check_rejects_path(options.rejects_path, params["path"], ledger_file(params["ledger"]))
    client = ExtraHopClient.from_params(params, run.secrets)
    _tune_interpreter()
    with opened_input(params) as rows_in, closing(open_ledger(params["ledger"], read_only=run.check_mode)) as ledger:
        return ObservationUpload(client, ledger, rows_in, options, run, params).upload()


def _tune_interpreter() -> None:
    """Rows come and go by the million and form no cycles, so looking for those often is waste; and the thread that sends
    should not wait long for the one that reads."""
    gc.set_threshold(100_000)
    sys.setswitchinterval(0.0005)


_IS_INSIDE = attrgetter("is_inside")


def _forget(_row: Rejected) -> None:
    """Rows that cannot be used are counted anyway."""


class ObservationUpload:
    """One run of C(extrahop_observation)."""

    def __init__(
        self,
        client: ExtraHopClient,
        ledger: Ledger,
        rows_in: ObservationInput,
        options: UploadOptions,
        run: Run,
        params: Mapping[str, Any],
    ) -> None:
        self.client = client
        self.ledger = ledger
        self.rows_in = rows_in
        self.options = options
        self.run = run
        self.params = params
        self._part = UploadSlice.from_params(self.params)
        self._ipaddrs: set[str] = set()
        self._unobserved: list[str] | None = None
        self._go_on_at: LogStart | None = None

    @property
    def _tally(self) -> Tally:
        return self._part.tally

    def upload(self) -> dict[str, Any]:
        """The result keys of the module. An error carries what had been done until then."""
        try:
            scope = ObservationScope(self.client.endpoint, self.options.source, self.options.timestamp_unit)
            with self.ledger.observations(scope, force=self.options.force, run=self._part.run) as ledger:
                self._part.run = ledger.run
                self._warn_of_interrupted(ledger.interrupted)
                self._upload_all(ledger)
                if self.options.ledger_retention_days and not self._go_on_at:
                    ledger.expire(self.options.ledger_retention_days)
            self._ask_for_unobserved()
        except XdrError as error:
            self._warn_of_sent_again()
            raise error.with_result(self._result()) from error
        if not self._go_on_at:
            self._warn_of_sent_again()
        return self._result()

    def _upload_all(self, ledger: ObservationLedger) -> None:
        if self.rows_in.log:
            from .handover import adopt

            adopt(self._part, self.rows_in.log)
        resumption = self._resumption(ledger)
        if resumption and not self._part.is_continued:
            takes_rejected = self.options.skips_invalid and not self.options.rejects_path
            if resumption.resume(self._tally, takes_rejected=takes_rejected):
                return
            self._part.start = self._part.started_at = resumption.start
        is_resumed = self._part.start is not None
        try:
            self._upload_rows(ledger)
        except EmptyLogError as error:
            if not is_resumed and not self.options.skips_invalid:
                raise
            if not is_resumed:
                self.run.warn(error.message)
        if resumption and not self.run.check_mode and not self._go_on_at:
            resumption.remember(self._tally)

    def _resumption(self, ledger: ObservationLedger) -> LogResumption | None:
        """How to go on where an earlier run ended; None where the whole input has to be looked at."""
        if self.rows_in.log is None or self.options.force or self.options.checks_devices:
            return None
        from .position import LogResumption

        return LogResumption(self.rows_in.log, self.rows_in, ledger, self.params)

    def _upload_rows(self, ledger: ObservationLedger) -> None:
        part = self._part
        with self._opened_rejects() as add_reject:
            if part.phase == CHECKING:
                if not self.options.skips_invalid and not self._check_every_row(add_reject):
                    return
                part.phase, part.start = UPLOADING, part.started_at
                if self.rows_in.log:
                    self.rows_in.log.start_at(part.start)
            with ObservationSender(self.client, ledger, self._tally, self.options.concurrency, self.run.check_mode) as sender:
                for batch in self._batches(add_reject):
                    self._send(batch, ledger, sender)
        if not self._go_on_at:
            self._warn_of_swapped()
            self._warn_of_useless_input()

    @contextmanager
    def _opened_rejects(self) -> Iterator[Callable[[Rejected], None]]:
        """What takes rows that cannot be used: the file of rejects, where one is wanted."""
        if not self.options.rejects_path or self.run.check_mode:
            yield _forget
            return
        from .rejects import rejects_file

        with rejects_file(self.options.rejects_path, goes_on=self._part.is_continued) as add:
            yield add

    def _check_every_row(self, add_reject: Callable[[Rejected], None]) -> bool:
        """Goes through the whole input before anything is sent; says whether it came to the end in this part.

        Raises InputError where a row cannot be used.
        """
        checked = self._part.checked
        for block in self.rows_in.blocks():
            checked.count(block, add_reject)
            if self._ends_part():
                return False
        if checked.rejected:
            self._part.tally = checked
            first = checked.rejected_rows[0]
            more = f" ({checked.rejected} rows cannot be used, see rejected_rows)" if checked.rejected > 1 else ""
            raise InputError(
                f"{self.rows_in.where(first['line'])}: {first['reason']}{more}. Nothing was sent. "
                "Mend the input, or set `on_invalid: skip` to upload the rest and list such rows."
            )
        return True

    def _batches(self, add_reject: Callable[[Rejected], None]) -> Iterator[ObservationBatch]:
        divisor = 1000 if self.options.timestamp_unit == SECONDS else 1
        rest = ObservationBatch()
        for block in self.rows_in.blocks():
            self._tally.count(block, add_reject)
            self._look_at_addresses(block)
            rest.extend(block, divisor)
            yield from rest.cut(self.options.batch_size)
            if self._ends_part():
                break
        if rest.keys:
            yield rest

    def _ends_part(self) -> bool:
        """Whether this part ends behind the block that was just read; the next part goes on from there."""
        log, repeated_lines = self.rows_in.log, self.rows_in.repeated_lines
        if not self._part.is_over or self.run.check_mode or self.options.checks_devices or log is None or repeated_lines is None:
            return False
        # Every part gets on, however little time it has.
        has_got_on = log.offset > (self._part.start.offset if self._part.start else 0)
        if not log.can_be_entered or not has_got_on or log.offset >= log.size or log.lines_held_back:
            return False
        from .._vpn_log.start import LogStart

        self._go_on_at = LogStart(log.offset, log.line, repeated_lines)
        return True

    def _send(self, batch: ObservationBatch, ledger: ObservationLedger, sender: ObservationSender) -> None:
        claim = ledger.claim(batch.keys)
        self._tally.already_uploaded += claim.already_uploaded
        self._tally.skip(DUPLICATE, claim.duplicates)
        if claim.fresh:
            fresh = batch.chosen(claim.fresh)
            self._tally.list_uploads(fresh, 1000 if self.options.timestamp_unit == SECONDS else 1)
            sender.send(claim, fresh.body(self.options.source))

    def _look_at_addresses(self, block: SessionBlock) -> None:
        if self.options.checks_devices:
            self._ipaddrs.update(map(TEXT, block.ipaddrs))
        if all(map(_IS_INSIDE, block.ipaddrs)):
            return
        for session in block.sessions():
            if session.associated_ipaddr.is_inside and not session.ipaddr.is_inside:
                self._tally.note_swapped(self.rows_in.where(session.line), session)

    def _ask_for_unobserved(self) -> None:
        if self.options.checks_devices:
            observed = self.client.observed_addresses(sorted(self._ipaddrs))
            self._unobserved = sorted(self._ipaddrs - observed)

    def _warn_of_interrupted(self, interrupted: int) -> None:
        if interrupted and not self.run.check_mode:
            self.run.warn(
                f"An earlier run ended while up to {interrupted} observations were on their way, and their outcome was never known. "
                "They are sent again if they are in this input; the appliance may have received them twice."
            )

    def _warn_of_sent_again(self) -> None:
        if self._tally.sent_again:
            self.run.warn(
                f"{self._tally.sent_again} observations were sent again after an attempt without a clear answer; the appliance may have "
                "received them twice."
            )

    def _warn_of_useless_input(self) -> None:
        """A run that goes on without bad rows is green, also where a wrong format or encoding makes all of them bad."""
        tally = self._tally
        used = tally.uploaded + tally.already_uploaded + tally.skipped.get(DUPLICATE, 0)
        if tally.rejected and not used and tally.rejected_rows:
            first = tally.rejected_rows[0]
            where = self.rows_in.where(first["line"])
            self.run.warn(f"No row could be used, and nothing was uploaded: {tally.rejected} were rejected. {where}: {first['reason']}")

    def _warn_of_swapped(self) -> None:
        if self._tally.swapped:
            self.run.warn(
                f"{self._tally.swapped} observations have a public ipaddr and a private associated_ipaddr (first: "
                f"{self._tally.first_swapped}). They may be swapped: ipaddr is the VPN address inside, associated_ipaddr the one on "
                "the internet. The appliance accepts swapped ones and ignores them."
            )

    def _result(self) -> dict[str, Any]:
        tally = self._tally
        result: dict[str, Any] = {
            "changed": tally.uploaded > 0,
            "counts": tally.counts(),
            "requests": tally.requests,
            "rejected_rows": tally.rejected_rows,
            "timestamp_unit": self.options.timestamp_unit,
            "timezone": self.rows_in.zone_name,
        }
        if tally.outcome_unknown:
            result["outcome_unknown"] = True
        if self._unobserved is not None:
            result["unobserved"] = self._unobserved
        if self.run.shows_diff:
            result["diff"] = tally.diff()
        if self._go_on_at:
            from .handover import handed_on

            result["slice"] = handed_on(self._part, self._go_on_at)
        return result
