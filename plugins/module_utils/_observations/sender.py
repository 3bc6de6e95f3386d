# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Sends batches of observations and records what was accepted, while the next ones are read."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from .._errors import RequestError

if TYPE_CHECKING:
    from .._extrahop.client import ExtraHopClient
    from .._ledger.contract import ClaimedBatch, ObservationLedger
    from .tally import Tally


class ObservationSender:
    """Keeps at most C(concurrency) requests under way. In check mode nothing is sent, and the scratch ledger records the plan.

    A worker records what its request brought before it sends the next one. So a run that is killed leaves at most that many requests of
    which the ledger does not know what became of them.
    """

    def __init__(self, client: ExtraHopClient, ledger: ObservationLedger, tally: Tally, concurrency: int, check_mode: bool) -> None:
        self._client = client
        self._ledger = ledger
        self._tally = tally
        self._check_mode = check_mode
        self._concurrency = concurrency
        self._pool = ThreadPoolExecutor(max_workers=concurrency)
        self._under_way: set[Future[tuple[int, bool]]] = set()

    def __enter__(self) -> ObservationSender:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        """Waits for what is under way, so that its outcome is known and recorded also when the run has failed."""
        self._pool.shutdown(wait=True)
        failures = [future for future in self._under_way if future.exception()]
        for future in self._under_way.difference(failures):
            self._count(future)
        if failures and kind is None:
            failures[0].result()

    def send(self, claim: ClaimedBatch, body: bytes) -> None:
        """Sends one batch; raises the RequestError of an earlier one."""
        if self._check_mode:
            self._ledger.accept(claim)
            self._tally.uploaded += len(claim.fresh)
            return
        try:
            self._wait_for_room()
        except RequestError:
            # Claimed and never sent: nothing about these rows is open.
            self._ledger.release(claim)
            raise
        self._under_way.add(self._pool.submit(self._send, claim, body))

    def _wait_for_room(self) -> None:
        while len(self._under_way) >= self._concurrency:
            done, _not_done = wait(self._under_way, return_when=FIRST_COMPLETED)
            for future in done:
                self._under_way.discard(future)
                self._count(future)

    def _send(self, claim: ClaimedBatch, body: bytes) -> tuple[int, bool]:
        """How many rows were accepted, and whether they may have been received twice."""
        try:
            may_be_twice = self._client.upload_observations(body)
        except RequestError as error:
            if error.outcome_unknown:
                self._tally.outcome_unknown = True
                self._ledger.abandon(claim)
            else:
                self._ledger.release(claim)
            raise
        self._ledger.accept(claim)
        return len(claim.fresh), may_be_twice

    def _count(self, future: Future[tuple[int, bool]]) -> None:
        rows, may_be_twice = future.result()
        self._tally.uploaded += rows
        self._tally.requests += 1
        if may_be_twice:
            self._tally.sent_again += rows
