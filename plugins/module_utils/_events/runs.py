# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Doing the same for many events: several at once, results in the order given, no failure hides or stops another one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .._errors import (
    AuthenticationError,
    ConnectionFailedError,
    LedgerError,
    NotTriedError,
    XdrError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

MAX_CONCURRENCY = 32
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Outcome(Protocol):
    """The result for one event."""

    @property
    def changed(self) -> bool:
        """True if this run changed it."""

    @property
    def error(self) -> XdrError | None:
        """Why it failed."""

    def as_result(self) -> dict[str, Any]:
        """The result for users, without `changed`."""

    def identity(self) -> dict[str, Any]:
        """The values by which users recognise the event."""


class Workers:
    """Works on items in threads. What would fail everywhere (no connection, wrong credentials) ends the run for those that wait."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._pool: ThreadPoolExecutor | None = None
        self.stopped_by: XdrError | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._pool:
            self._pool.shutdown()

    def map(self, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result | XdrError]:
        """The result for each item, or the error that it ended with."""

        def guarded(item: _Item) -> _Result | XdrError:
            if self.stopped_by:
                return self.not_tried()
            try:
                return work(item)
            except XdrError as error:
                self.note(error)
                return error

        return list(self._mapped(guarded, items))

    def note(self, error: XdrError) -> None:
        """Stops the run where this error would be everybody's."""
        if isinstance(error, (AuthenticationError, ConnectionFailedError, LedgerError)):
            self.stopped_by = self.stopped_by or error

    def not_tried(self) -> NotTriedError:
        """The error for what was not begun after the run was stopped."""
        reason = self.stopped_by.message if self.stopped_by else ""
        return NotTriedError(f"Not attempted, because an earlier error affects all events: {reason}")

    def _mapped(self, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterable[_Result]:
        if len(items) < 2 or self._concurrency == 1:
            return map(work, items)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=self._concurrency)
        return self._pool.map(work, items)


def module_result(outcomes: Sequence[Outcome], extra: Mapping[str, Any], *, is_single: bool) -> dict[str, Any]:
    """The result keys of a module for all events; raises XdrError, with the same keys, where one of them failed."""
    events = [{**outcome.as_result(), "changed": outcome.changed, **_failed(outcome)} for outcome in outcomes]
    result: dict[str, Any] = {
        **(outcomes[0].as_result() if is_single else {}),
        "changed": any(outcome.changed for outcome in outcomes),
        "events": events,
        "failed_events": [_failure(position, outcome, outcome.error) for position, outcome in enumerate(outcomes) if outcome.error],
        **extra,
    }
    failed = [(position, outcome.error) for position, outcome in enumerate(outcomes) if outcome.error]
    if not failed:
        return result
    position, error = failed[0]
    if is_single:
        raise error.with_result(result)
    # Some messages begin with the place in the list themselves.
    said = error.message.removeprefix(f"events[{position}]") if error.message.startswith(f"events[{position}]") else f": {error.message}"
    message = f"{len(failed)} of {len(outcomes)} events failed; see failed_events. The first is events[{position}]{said}"
    raise XdrError(message, **result)


def _failed(outcome: Outcome) -> dict[str, Any]:
    return {"failed": True} if outcome.error else {}


def _failure(position: int, outcome: Outcome, error: XdrError) -> dict[str, Any]:
    unknown = error.details.get("outcome_unknown") or getattr(error, "outcome_unknown", False)
    return {"position": position, **outcome.identity(), "reason": error.message, "outcome_unknown": bool(unknown)}
