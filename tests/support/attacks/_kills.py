# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`kill -9` at random moments of a run, and the result of the next run."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._ground import QUICK_LOOKS, Ground, Operation
from ._processes import ForkedModule, run_forked

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from support.module_runs import ModuleRun

# Each answer takes so long, so that most moments of a run are between a request and its answer.
_LATENCY_SECONDS = 0.1
_UNDER_WAY = re.compile(r"up to (\d+) observations were on their way")
_PATIENCE_SECONDS = 900.0


@dataclass(frozen=True)
class Kill:
    """One kill: how long the run lasted until then, in seconds, what stood on the server, and what came of it.

    `flaw` is empty where nothing was lost, and nothing came twice without a warning.
    """

    operation: str
    after: float
    stood: str
    told: bool
    flaw: str


def kill_at_random(ground: Ground, operation: Operation, choice: random.Random) -> Kill:
    """Kills one run of the task at any moment between its start and its end, and runs it again."""
    _prepare(ground, operation)
    started = time.monotonic()
    _run(ground, operation)
    whole = time.monotonic() - started
    _prepare(ground, operation)
    nothing = operation.standing(ground)
    after = choice.uniform(0, whole)
    with ForkedModule(operation.module, _options(ground, operation), QUICK_LOOKS) as process:
        time.sleep(after)
        process.kill()
    _wait_until_idle(ground)
    stood = operation.standing(ground)
    ground.emulator.configure(latency=0.0)
    second = _run(ground, operation)
    stands = operation.standing(ground)
    told = sum(int(found[1]) for found in map(_UNDER_WAY.search, second.warnings) if found)
    flaw = ""
    if second.failed:
        flaw = f"the next run failed: {second['msg']}"
    elif 0 in stands:
        flaw = f"lost: {stands}"
    elif sum(stands) - len(stands) > told:
        flaw = f"twice, and {told} told: {stands}"
    elif _run(ground, operation).changed:
        flaw = "the third run changed something"
    return Kill(operation.name, after, _share(nothing, stood), told > 0, flaw)


def kill_table(kills: Sequence[Kill]) -> str:
    """The state of the server when the runs were killed, in Markdown."""
    lines = [
        "| operation | kills | nothing was done | a part was done | all was done | told that it may be twice | flaws |",
        "|---" * 7 + "|",
    ]
    for name in dict.fromkeys(kill.operation for kill in kills):
        those = [kill for kill in kills if kill.operation == name]
        shares = Counter(kill.stood for kill in those)
        told, flaws = sum(kill.told for kill in those), sum(bool(kill.flaw) for kill in those)
        lines.append(f"| {name} | {len(those)} | {shares['nothing']} | {shares['part']} | {shares['all']} | {told} | {flaws} |")
    return "\n".join(lines)


def _prepare(ground: Ground, operation: Operation) -> None:
    ground.as_new()
    operation.prepare(ground)
    ground.emulator.configure(latency=_LATENCY_SECONDS)


def _options(ground: Ground, operation: Operation) -> dict[str, object]:
    return {**operation.params(ground), "timeout": 30}


def _run(ground: Ground, operation: Operation) -> ModuleRun:
    return run_forked(operation.module, _options(ground, operation), QUICK_LOOKS)


def _share(nothing: Sequence[int], stood: Sequence[int]) -> str:
    if stood == nothing:
        return "nothing"
    return "part" if 0 in stood else "all"


def _wait_until_idle(ground: Ground) -> None:
    """A request that was on its way may be read and carried out after its sender is gone."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    quiet = 0
    while quiet < 3:
        is_quiet = all(one["seconds"] is not None for one in ground.emulator.requests())
        quiet = quiet + 1 if is_quiet else 0
        assert time.monotonic() < deadline, "the server did not come to rest"
        time.sleep(_LATENCY_SECONDS)
