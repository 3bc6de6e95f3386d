# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Sends batches of observations and records the accepted ones, while the next batches are read."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from .._errors import LedgerError, RequestError, XdrError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future, ThreadPoolExecutor

    from .._extrahop.client import ExtraHopClient
    from .._ledger.contract import ClaimedBatch, ObservationLedger
    from .spool import Frame


class BatchOutcome(NamedTuple):
    """The result of one batch. `frames` are the frames that end in it."""

    uploaded: int = 0
    requests: int = 0
    sent_again: int = 0
    """Rows that an earlier attempt of the same request may have brought as well."""
    unclear: int = 0
    """Rows that an earlier run may have brought as well."""
    frames: Sequence[Frame] = ()
    error: XdrError | None = None


class ObservationSender:
    """Keeps at most `concurrency` requests under way, and returns their outcomes in the order in which they were sent.

    A worker records the outcome of its request before it sends the next one. So a run that is killed leaves at most `concurrency` requests
    with an unknown outcome.
    """

    def __init__(self, client: ExtraHopClient, ledger: ObservationLedger, concurrency: int) -> None:
        self._client = client
        self._ledger = ledger
        self._concurrency = concurrency
        self._pool: ThreadPoolExecutor | None = None
        self._sent: deque[Future[BatchOutcome] | BatchOutcome] = deque()

    def send(self, batch: ClaimedBatch, body: bytes, frames: Sequence[Frame]) -> None:
        """Sends one batch as soon as a worker is free; not after a failure (see has_failed)."""
        # Imported late: a task that sends nothing needs no threads.
        from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

        while len(self._under_way()) >= self._concurrency:
            wait(self._under_way(), return_when=FIRST_COMPLETED)
        if self.has_failed:
            # Claimed but never sent, so the outcome of these rows is known.
            self._ledger.release(batch)
            return
        if self._pool is None:
            self._get_ready(batch)
            self._pool = ThreadPoolExecutor(max_workers=self._concurrency)
        self._sent.append(self._pool.submit(self._send, batch, body, frames))

    def _get_ready(self, batch: ClaimedBatch) -> None:
        try:
            self._client.get_ready()
        except XdrError:
            self._ledger.release(batch)
            raise

    def nothing_to_send(self, frames: Sequence[Frame]) -> None:
        """Notes frames that end without a request."""
        if frames:
            self._sent.append(BatchOutcome(frames=frames))

    @property
    def has_failed(self) -> bool:
        """True if a request has failed, so that nothing more should be sent."""
        return any(outcome.error for outcome in map(_outcome, self._sent) if outcome)

    def outcomes(self, *, wait_for_all: bool = False) -> Sequence[BatchOutcome]:
        """The outcomes since the last call, in order, up to the first request that is still under way."""
        if wait_for_all and self._pool:
            self._pool.shutdown(wait=True)
        taken: list[BatchOutcome] = []
        while self._sent:
            outcome = _outcome(self._sent[0])
            if outcome is None or (outcome.error and not wait_for_all):
                break
            taken.append(outcome)
            self._sent.popleft()
        return taken

    def _under_way(self) -> list[Future[BatchOutcome]]:
        return [sent for sent in self._sent if not isinstance(sent, BatchOutcome) and not sent.done()]

    def _send(self, batch: ClaimedBatch, body: bytes, frames: Sequence[Frame]) -> BatchOutcome:
        try:
            may_be_twice = self._client.upload_observations(body)
        except RequestError as error:
            if error.outcome_unknown:
                self._ledger.abandon(batch)
            else:
                self._ledger.release(batch)
            return BatchOutcome(error=error)
        try:
            self._ledger.accept(batch)
        except LedgerError as error:
            return BatchOutcome(error=error)
        return BatchOutcome(len(batch.fresh), 1, len(batch.fresh) if may_be_twice else 0, batch.unclear, frames)


def _outcome(sent: Future[BatchOutcome] | BatchOutcome) -> BatchOutcome | None:
    """The outcome of what was sent; None as long as it is under way."""
    if isinstance(sent, BatchOutcome):
        return sent
    return sent.result() if sent.done() else None
