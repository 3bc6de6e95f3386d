# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Processes many items: several at once, results in the given order, and no failure hides or stops another item."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .._errors import (
    AuthenticationError,
    ConnectionFailedError,
    LedgerError,
    NotTriedError,
    XdrError,
)
from .resource import ChangeT, Outcome, RefT, StateT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor

    from .converge import Convergence
    from .resource import Resource, Wanted

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Result(Protocol):
    """The result for one item."""

    @property
    def changed(self) -> bool:
        """True if this run changed it."""

    @property
    def error(self) -> XdrError | None:
        """The error, if it failed."""

    def as_result(self) -> dict[str, Any]:
        """Returns the result for users, without `changed`."""

    def identity(self) -> dict[str, Any]:
        """The values by which users recognise the item."""


class Workers:
    """Processes items in threads. An error that would affect all items (no connection, wrong credentials) stops those that wait."""

    def __init__(self, concurrency: int, items: str = "events") -> None:
        """`items` is the plural noun for the items in messages."""
        self._concurrency = concurrency
        self._items = items
        self._pool: ThreadPoolExecutor | None = None
        self.stopped_by: XdrError | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._pool:
            self._pool.shutdown()

    def map(self, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result | XdrError]:
        """Returns the result or the error for each item."""

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
        """Stops the run if this error would affect all items."""
        if isinstance(error, (AuthenticationError, ConnectionFailedError, LedgerError)):
            self.stopped_by = self.stopped_by or error

    def not_tried(self) -> NotTriedError:
        """Returns the error for items that were not started before the run stopped."""
        reason = self.stopped_by.message if self.stopped_by else ""
        return NotTriedError(f"Not attempted, because an earlier error affects all {self._items}: {reason}")

    def _mapped(self, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterable[_Result]:
        if len(items) < 2 or self._concurrency == 1:
            return map(work, items)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=self._concurrency)
        return self._pool.map(work, items)


def all_results(results: Iterable[_Result | XdrError]) -> list[_Result]:
    """Returns the results of workers; raises the first error among them."""
    found = []
    for result in results:
        if isinstance(result, XdrError):
            raise result
        found.append(result)
    return found


@contextmanager
def beside(items: int, concurrency: int) -> Iterator[Executor | None]:
    """Gives threads that read one part of an item while another is read; None if that would not save time."""
    if concurrency == 1 or items < 2:
        yield None
        return
    with ThreadPoolExecutor(max_workers=concurrency) as threads:
        yield threads


def converge_all(
    convergence: Convergence, resource: Resource[RefT, StateT, ChangeT], changes: Sequence[Wanted[RefT, ChangeT]], workers: Workers
) -> list[Outcome[RefT, StateT]]:
    """The outcome of each change, in order. Changes of the same item are made one after the other, and use what earlier ones learned."""
    by_item: dict[str, list[int]] = {}
    for position, wanted in enumerate(changes):
        by_item.setdefault(wanted.ref.key, []).append(position)

    def converged(positions: Sequence[int]) -> list[Outcome[RefT, StateT]]:
        """The outcomes of the changes of one item."""
        outcomes: list[Outcome[RefT, StateT]] = []
        known = resource
        for position in positions:
            outcome = convergence.converge(known, changes[position])
            if outcome.error:
                workers.note(outcome.error)
            known = known.knowing(outcome.learned)
            outcomes.append(outcome)
        return outcomes

    items = list(by_item.values())
    results: dict[int, Outcome[RefT, StateT]] = {}
    for positions, result in zip(items, workers.map(converged, items)):
        if isinstance(result, XdrError):
            results.update({position: Outcome(changes[position].ref, error=result) for position in positions})
        else:
            results.update(dict(zip(positions, result)))
    return [results[position] for position in range(len(changes))]


def update_warnings(outcomes: Sequence[Outcome[RefT, StateT]], items: str, shown: Callable[[str], str]) -> list[str]:
    """Returns the warnings about an update, each kind once. `shown` makes server text fit for messages."""
    warnings = list(dict.fromkeys(text for outcome in outcomes for text in outcome.warnings))
    if any(outcome.is_assumed for outcome in outcomes):
        warnings.append(
            f"This account may not read {items}, so it is assumed, and not known, that the updates changed something; "
            "each run writes again. Use an account with the right to read, or set `read_access: none` to hide this warning."
        )
    rewritten = [pair for outcome in outcomes for pair in outcome.rewritten.items()]
    if rewritten:
        written, held = rewritten[0]
        warnings.append(
            f"This server rewrites texts: {len(rewritten)} came back in another form and count as written (first: "
            f"{_short(written)} is now {shown(_short(held))}). The ledger remembers the server's form, so that no run writes them again."
        )
    return warnings


def diffs(outcomes: Sequence[Outcome[RefT, StateT]]) -> list[dict[str, Any]]:
    """Ansible's diff for each item that changed and whose states are known."""
    return [
        {
            "before_header": outcome.ref.title,
            "before": outcome.before.as_result(),
            "after_header": outcome.ref.title,
            "after": outcome.after.as_result(),
        }
        for outcome in outcomes
        if outcome.changed and outcome.before and outcome.after
    ]


def module_result(outcomes: Sequence[Result], extra: Mapping[str, Any], items: str, *, is_single: bool) -> dict[str, Any]:
    """Returns the result keys of a module for all items; raises XdrError, with the same keys, if any item failed."""
    results = [{**outcome.as_result(), "changed": outcome.changed, **_failed(outcome)} for outcome in outcomes]
    failed = [(position, outcome, outcome.error) for position, outcome in enumerate(outcomes) if outcome.error]
    result: dict[str, Any] = {
        **(outcomes[0].as_result() if is_single else {}),
        "changed": any(outcome.changed for outcome in outcomes),
        items: results,
        f"failed_{items}": [_failure(*one) for one in failed],
        **extra,
    }
    if not failed:
        return result
    position, _outcome, error = failed[0]
    if is_single:
        raise error.with_result(result)
    # Some messages already begin with the position in the list.
    place = f"{items}[{position}]"
    said = error.message.removeprefix(place) if error.message.startswith(place) else f": {error.message}"
    raise XdrError(f"{len(failed)} of {len(outcomes)} {items} failed; see failed_{items}. The first is {place}{said}", **result)


def _failed(outcome: Result) -> dict[str, Any]:
    return {"failed": True} if outcome.error else {}


def _failure(position: int, outcome: Result, error: XdrError) -> dict[str, Any]:
    unknown = error.details.get("outcome_unknown") or getattr(error, "outcome_unknown", False)
    return {"position": position, **outcome.identity(), "reason": error.message, "outcome_unknown": bool(unknown)}


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
