# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts with a fault: a full disk, too few file handles, a damaged ledger, a jumping clock, or several runs at once.

Each function runs a task there, and the same task again on a sound host. It returns a word for the result of the first run, and
raises AssertionError where something was lost, came twice without a warning, or was not reported in the module's own words.
"""

from __future__ import annotations

import dataclasses
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._ground import QUICK_LOOKS, UPDATES, Ground, Operation
from ._matrix import DisagreementError
from ._processes import ForkedModule, Surroundings, run_forked

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from support.module_runs import ModuleRun

_SLOW_SECONDS = 0.05


def on_a_host(ground: Ground, operation: Operation, **surroundings: Any) -> str:
    """A run on a host with these surroundings, such as `limits={"RLIMIT_NOFILE": 9}`, then one on a sound host."""
    ground.as_new()
    operation.prepare(ground)
    first = _run(ground, operation, dataclasses.replace(QUICK_LOOKS, **surroundings))
    return _completed(ground, operation, first)


def can_mount() -> bool:
    """True if this user may mount file systems, which a full and a read-only disk need."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with mounted(Path(folder) / "probe", "size=64k"):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


def on_a_full_disk(ground: Ground, operation: Operation, kilobytes: int) -> str:
    """A run whose ledger lies on a file system of this size, and one after room was made. Needs root."""
    ground.as_new()
    operation.prepare(ground)
    with mounted(ground.folder / "disk", f"size={kilobytes}k") as disk:
        first = _run(ground, operation, QUICK_LOOKS, ledger=str(disk / "ledger.db"))
        remount(disk, "size=16m")
        return _completed(ground, operation, first, ledger=str(disk / "ledger.db"))


def on_a_read_only_disk(ground: Ground, operation: Operation, *, is_new: bool) -> str:
    """A run whose ledger, or the folder that it is to be made in, cannot be written. Needs root."""
    ground.as_new()
    operation.prepare(ground)
    with mounted(ground.folder / "disk", "size=16m") as disk:
        ledger = str(disk / "ledger.db")
        if not is_new:
            # One that knows nothing yet.
            Path(ledger).touch()
        remount(disk, "ro")
        first = _run(ground, operation, QUICK_LOOKS, ledger=ledger)
        if not first.failed:
            raise DisagreementError("it did without a ledger")
        remount(disk, "rw")
        return _completed(ground, operation, first, ledger=ledger)


def with_a_damaged_ledger(ground: Ground, operation: Operation, choice: random.Random) -> str:
    """A run after the ledger of an earlier one was cut off, or a few of its bytes were changed, then one with a new ledger."""
    ground.as_new()
    operation.prepare(ground)
    _run(ground, operation, QUICK_LOOKS)
    path = Path(ground.ledger)
    content = bytearray(path.read_bytes())
    if choice.random() < 0.5:
        del content[choice.randrange(len(content)) :]
    else:
        for _number in range(choice.choice((1, 4, 64, 1024))):
            content[choice.randrange(len(content))] = choice.randrange(256)
    path.write_bytes(content)
    first = _run(ground, operation, QUICK_LOOKS)
    _check_typed(first)
    if first.failed:
        path.unlink()
        if _run(ground, operation, QUICK_LOOKS).failed:
            raise DisagreementError("with a new ledger, it failed")
    stands = operation.standing(ground)
    # The rows of a lost ledger are new rows; events are looked for on the server.
    if 0 in stands or (max(stands) > 1 and not operation.may_repeat):
        raise DisagreementError(f"lost or twice: {stands}")
    return "refused" if first.failed else "worked"


def at_once(ground: Ground, operation: Operation, runs: int) -> str:
    """Several runs of the same task at the same time, with one ledger."""
    ground.as_new()
    operation.prepare(ground)
    ground.emulator.configure(latency=_SLOW_SECONDS)
    with ExitStack() as stack:
        params = {**operation.params(ground), "timeout": 60}
        processes = [stack.enter_context(ForkedModule(operation.module, params, QUICK_LOOKS)) for _number in range(runs)]
        results = [process.result() for process in processes]
    failed = [run["msg"] for run in results if run.failed]
    if failed:
        raise DisagreementError(f"{len(failed)} of {runs} failed: {failed[0]}")
    stands = operation.standing(ground)
    said = any("at the same time" in warning for run in results for warning in run.warnings)
    if 0 in stands or (max(stands) > 1 and not said):
        raise DisagreementError(f"lost or twice: {stands}")
    changed = sum(run.changed for run in results)
    return f"{changed} changed it" + (", twice, and said so" if max(stands) > 1 else "")


def _run(ground: Ground, operation: Operation, surroundings: Surroundings, **more: Any) -> ModuleRun:
    takes_ledger = operation.module not in UPDATES
    params = {**operation.params(ground), "timeout": 30, **({} if "ledger" in more and not takes_ledger else more)}
    return run_forked(operation.module, params, surroundings)


def _completed(ground: Ground, operation: Operation, first: ModuleRun, **more: Any) -> str:
    """Checks what the first run said, and that the next one completes the task."""
    _check_typed(first)
    second = _run(ground, operation, QUICK_LOOKS, **more)
    if second.failed:
        raise DisagreementError(f"on a sound host, it failed: {second['msg']}")
    stands = operation.standing(ground)
    said = any("twice" in warning for run in (first, second) for warning in run.warnings)
    if 0 in stands or (max(stands) > 1 and not said):
        raise DisagreementError(f"lost or twice: {stands}, after {first.values}")
    if _run(ground, operation, QUICK_LOOKS, **more).changed:
        raise DisagreementError("the third run changed something")
    return "failed" if first.failed else "worked"


def _check_typed(run: ModuleRun) -> None:
    if run.failed and ("Traceback" in run.printed or "exception" in run.values):
        raise DisagreementError(f"not told in words: {run.printed}")


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A file system in memory. Needs root."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)
        folder.rmdir()


def remount(folder: Path, options: str) -> None:
    """Changes the options of a mounted file system."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True, capture_output=True)
