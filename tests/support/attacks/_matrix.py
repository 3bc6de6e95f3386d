# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every write against every fault: does the module's report agree with the state of the server, and does the next run finish the work?

A cell is three runs of one task: one with the fault, and two without. They agree where

- what was reported as done is there, once;
- what was reported as failed is not there, except for the part that was reported;
- everything else was reported as unknown;
- the second run brings it to exactly once, and the third changes and writes nothing;
- uploads, which cannot be read back, are there at least once, and if one is there twice, a warning said that it may be.
"""

from __future__ import annotations

import queue
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ._ground import QUICK_LOOKS, UPDATES, Ground, RawGround
from ._processes import run_forked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from support.module_runs import ModuleRun

    from ._ground import Operation

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")
# Two attempts of ten times the timeout of a second, for each of a few requests.
LONGEST_RUN_SECONDS = 90.0
_ATTEMPTS = 3
_UNDISTURBED = {"timeout": 30}
_LEGEND = {
    "D": "reported done, and it exists once",
    "D2": "reported done, with the warning that it may exist twice",
    "F": "reported failed, and nothing was done; the next run did it",
    "P": "reported failed, with the finished part reported as done; the next run did the rest",
    "U0": "reported unknown, and it was not done; the next run did it",
    "U1": "reported unknown, and it was done completely or in part; the next run found this and did the rest",
    "U?": "reported unknown, by an account that may not read: the next run followed the answer of the user",
}


@dataclass(frozen=True)
class Cell:
    """The result of one fault in one operation. `flaw` says where the two disagree; it is empty where they agree."""

    operation: str
    fault: str
    verdict: str
    flaw: str
    seconds: float


class NeverMetError(AssertionError):
    """The task ended before it came to the request that was to be attacked."""


class DisagreementError(AssertionError):
    """The module's report and the state of the server differ."""


def attack(ground: Ground, operation: Operation, fault: str, break_it: Callable[[Ground], None]) -> Cell:
    """Runs one cell. `break_it` sets up the fault."""
    started = time.monotonic()
    for _attempt in range(_ATTEMPTS):
        ground.as_new()
        operation.prepare(ground)
        break_it(ground)
        try:
            return Cell(operation.name, fault, _Trial(ground, operation).verdict(), "", time.monotonic() - started)
        except (NeverMetError, TimeoutError) as error:
            # On a busy machine, a request before that one can take longer than the timeout, and the relay can be slow to repair.
            flaw = str(error) or "the relay did not answer"
        except AssertionError as error:
            flaw = str(error) or "".join(traceback.format_exception(error))
            break
    return Cell(operation.name, fault, "**!**", flaw, time.monotonic() - started)


class _Trial:
    """The three runs of a cell."""

    def __init__(self, ground: Ground, operation: Operation) -> None:
        self.ground = ground
        self.operation = operation

    def verdict(self) -> str:
        """A key of `_LEGEND`; raises DisagreementError."""
        nothing = self.operation.standing(self.ground)
        first = self._run()
        if self.operation.writes and not self.ground.relay.met:
            raise NeverMetError("the fault was never met")
        self.ground.relay.repair()
        stood = self.operation.standing(self.ground)
        self._check_first(first, nothing, stood)
        if not self.operation.can_read and first.failed and _says_unknown(first):
            self._resolve(first, stood)
            return "U?"
        if not self.operation.can_read and self.operation.module in UPDATES and not first.failed:
            # It was warned that each run writes again.
            return "D"
        second = self._run(**_UNDISTURBED)
        if second.failed:
            raise DisagreementError(f"the next run failed: {second['msg']}")
        self._check_once([*first.warnings, *second.warnings])
        if self.operation.can_read:
            self._check_quiet()
        return _name(first, nothing, stood)

    def _run(self, **more: Any) -> ModuleRun:
        started = time.monotonic()
        run = run_forked(self.operation.module, {**self.operation.params(self.ground), **more}, QUICK_LOOKS)
        if time.monotonic() - started > LONGEST_RUN_SECONDS:
            raise DisagreementError(f"a run took {time.monotonic() - started:.0f} seconds")
        return run

    def _check_first(self, first: ModuleRun, nothing: Sequence[int], stood: Sequence[int]) -> None:
        if not first.failed:
            self._check_once(first.warnings)
            return
        if _says_unknown(first):
            return
        if not self.operation.writes and stood != nothing:
            raise DisagreementError(f"something was done although nothing was sent: {stood}")
        if _reported(first) != _done(nothing, stood):
            raise DisagreementError(f"reported {_reported(first)} as done, {_done(nothing, stood)} stand there ({stood}): {first['msg']}")

    def _check_once(self, warnings: Sequence[str]) -> None:
        stands = self.operation.standing(self.ground)
        if 0 in stands:
            raise DisagreementError(f"lost: {stands}")
        if max(stands) > 1 and not (self.operation.may_repeat and any("twice" in warning for warning in warnings)):
            raise DisagreementError(f"done twice, and nobody said so: {stands}, {list(warnings)}")

    def _check_quiet(self) -> None:
        before = len(self.ground.emulator.writes())
        third = self._run(**_UNDISTURBED)
        if third.failed or third.changed or len(self.ground.emulator.writes()) != before:
            raise DisagreementError(f"the third run was not quiet: {third.values}")

    def _resolve(self, first: ModuleRun, stood: Sequence[int]) -> None:
        """Does what the message asks of the user: states what exists, or sends what is missing."""
        if self.operation.module in UPDATES:
            if 0 not in stood:
                return
            if 1 in stood:
                # Looking at the event, the user leaves out what is there.
                return
            if self._run(**_UNDISTURBED).failed:
                raise DisagreementError("the next run failed")
        else:
            asked = self._run(**_UNDISTURBED)
            if not asked.failed or not _says_unknown(asked):
                raise DisagreementError("the next run did not ask")
            unknown = {stood[one["position"]] for one in first["failed_events"] if one["outcome_unknown"]}
            told = self._run(unknown_outcome="inserted" if unknown == {1} else "missing", **_UNDISTURBED)
            if len(unknown) != 1 or told.failed:
                raise DisagreementError(f"the next run did not follow the answer of the user: {unknown}, {told.values}")
        self._check_once([])


def _says_unknown(run: ModuleRun) -> bool:
    failed = [one for name in ("failed_events", "failed_cases", "failed_detections") for one in run.values.get(name, ())]
    return run.values.get("outcome_unknown", False) or any(one["outcome_unknown"] for one in failed)


def _done(nothing: Sequence[int], stood: Sequence[int]) -> int:
    return sum(after > before for before, after in zip(nothing, stood, strict=True))


def _reported(run: ModuleRun) -> int:
    """The number of things that a failed run reported as done."""
    if "counts" in run:
        uploaded: int = run["counts"]["uploaded"]
        return uploaded
    if "before" in run:
        before, after = run["before"] or {}, run["after"] or {}
        return sum(before.get(name) != after.get(name) for name in before) if run.changed else 0
    return sum(one["changed"] for one in run.values.get("events", ()))


def _name(first: ModuleRun, nothing: Sequence[int], stood: Sequence[int]) -> str:
    if not first.failed:
        return "D" if max(stood) == 1 else "D2"
    if _says_unknown(first):
        return "U1" if _done(nothing, stood) else "U0"
    return "P" if _done(nothing, stood) else "F"


def run_cells(
    work: Sequence[tuple[Operation, str, Callable[[Ground], None]]], at_once: int, new_ground: Callable[[], Ground] = Ground
) -> list[Cell]:
    """Runs cells, several at once."""
    return on_grounds(lambda ground, task: attack(ground, *task), work, at_once, new_ground)


def on_grounds(
    do: Callable[[Ground, _Task], _Result], tasks: Sequence[_Task], at_once: int, new_ground: Callable[[], Ground] = Ground
) -> list[_Result]:
    """Does each task, several at once, each on a separate ground."""
    grounds: queue.SimpleQueue[Ground] = queue.SimpleQueue()

    def one(task: _Task) -> _Result:
        ground = grounds.get()
        try:
            return do(ground, task)
        finally:
            grounds.put(ground)

    with ExitStack() as stack:
        for _number in range(at_once):
            grounds.put(stack.enter_context(new_ground()))
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(one, tasks))


def lengths_of(operations: Sequence[Operation]) -> dict[str, dict[str, int]]:
    """The bytes that the connections of an undisturbed run pass on, by operation and direction (`up` is to the server)."""
    found: dict[str, dict[str, int]] = {}
    with RawGround() as ground:
        for operation in operations:
            ground.as_new()
            operation.prepare(ground)
            assert not run_forked(operation.module, operation.params(ground)).failed
            found[operation.name] = dict(ground.relay.passed)
    return found


def table(cells: Sequence[Cell]) -> str:
    """Faults by operations, in Markdown."""
    operations = list(dict.fromkeys(cell.operation for cell in cells))
    faults = list(dict.fromkeys(cell.fault for cell in cells))
    by_place = {(cell.fault, cell.operation): cell.verdict for cell in cells}
    lines = [f"| fault | {' | '.join(operations)} |", "|---" * (len(operations) + 1) + "|"]
    lines += [f"| {fault} | {' | '.join(by_place.get((fault, operation), '') for operation in operations)} |" for fault in faults]
    return "\n".join(lines)


def legend(cells: Sequence[Cell]) -> list[str]:
    """The meaning of the verdicts in these cells, as lines of a list in Markdown."""
    met = {cell.verdict for cell in cells}
    return [f"- {code}: {meaning}" for code, meaning in _LEGEND.items() if code in met]
