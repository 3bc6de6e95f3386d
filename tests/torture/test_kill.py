# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`kill -9` at random moments, 210 times over uploads, inserts and updates."""

from __future__ import annotations

import random
import time

from support.attacks import OPERATIONS, kill_at_random, kill_table, on_grounds

TIMES = 35
KILLED = (
    "upload",
    "upload: token",
    "insert",
    "update_ser: comment",
    "update_ser: all at once, first request",
    "security_events: all at once, first request",
)
AT_ONCE = 4


def test_killed_at_random_moments(results, seed):
    started = time.monotonic()
    tasks = [(name, f"{seed} {name} {number}") for number in range(TIMES) for name in KILLED]
    kills = on_grounds(lambda ground, task: kill_at_random(ground, OPERATIONS[task[0]], random.Random(task[1])), tasks, AT_ONCE)
    flaws = [f"{kill.operation}, after {kill.after:.3f} seconds: {kill.flaw}" for kill in kills if kill.flaw]
    body = [
        f"{len(kills)} runs were killed with `kill -9` at a random moment, and each was followed by two clean runs.",
        "Nothing may be lost, and nothing may come twice but observations, which cannot be read back, and then it has to be told.",
        "",
        kill_table(kills),
        "",
        *(f"- {flaw}" for flaw in flaws),
    ]
    results.write("process-kill", "The process: killed at random moments", "\n".join(body), seconds=time.monotonic() - started)
    assert flaws == []
