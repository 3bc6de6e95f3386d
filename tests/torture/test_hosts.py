# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads, inserts and updates on hosts on which something is missing or wrong."""

from __future__ import annotations

import os
import random
import time
from collections import Counter

import pytest

from support.attacks import OPERATIONS, hosts, on_grounds

WRITERS = ("upload", "insert", "update_ser: comment")
WITH_LEDGER = ("upload", "insert")
YEAR = 365 * 86_400.0
DAMAGED = 60
AT_ONCE = 4
FULL = "a disk with too little room"
READ_ONLY = "a disk that cannot be written"
NOT_PLAYED = "not played here: this user may not mount"


def disk_attacks():
    """Those that need file systems of their own."""
    for kilobytes in range(8, 260, 12):
        yield from ((FULL, one, hosts.on_a_full_disk, {"kilobytes": kilobytes}) for one in WITH_LEDGER)
    for is_new in (True, False):
        yield from ((READ_ONLY, one, hosts.on_a_read_only_disk, {"is_new": is_new}) for one in WITH_LEDGER)


def other_attacks(seed):
    """Those that every user may play."""
    for size in range(8, 160, 8):
        limits = {"RLIMIT_FSIZE": size * 1024}
        yield from (("files that may not grow further", one, hosts.on_a_host, {"limits": limits}) for one in WITH_LEDGER)
    # Below that, Ansible itself can neither begin nor end.
    for handles in range(9, 24):
        yield from (("too few file handles", one, hosts.on_a_host, {"limits": {"RLIMIT_NOFILE": handles}}) for one in WRITERS)
    for number in range(DAMAGED):
        choice = {"choice": f"{seed} {number}"}
        yield from (("a damaged ledger", one, hosts.with_a_damaged_ledger, choice) for one in WITH_LEDGER)
    for clock in (10 * YEAR, 1.0, -YEAR):
        yield from (("a wrong clock", one, hosts.on_a_host, {"clock": clock}) for one in WRITERS)
    for jump in (-3600.0, 3600.0, 86_400.0):
        yield from (("a clock that jumps", one, hosts.on_a_host, {"clock_jump": jump}) for one in WRITERS)
    for runs in (2, 10):
        yield from ((f"{runs} runs at once", one, hosts.at_once, {"runs": runs}) for one in WRITERS)


def attacks_of(seed, *, may_mount):
    """(what, operation, function, its arguments)."""
    return [*(disk_attacks() if may_mount else ()), *other_attacks(seed)]


def left_out(*, may_mount):
    """Lines of the table for what this user cannot play; fails where all has to be played."""
    if may_mount:
        return []
    if os.environ.get("CI") == "true":
        pytest.fail(f"{FULL}, {READ_ONLY}: {NOT_PLAYED}")
    return [f"| {what} | {operation} | 0 | {NOT_PLAYED} | |" for what in (FULL, READ_ONLY) for operation in WITH_LEDGER]


def come_of(ground, attack):
    _what, operation, function, arguments = attack
    if "choice" in arguments:
        arguments = {"choice": random.Random(arguments["choice"])}
    try:
        return function(ground, OPERATIONS[operation], **arguments), ""
    except AssertionError as error:
        return "**!**", f"{attack}: {error}"


@pytest.mark.parametrize("must_play", [True, False])
def test_what_cannot_be_played_is_reported(monkeypatch, must_play):
    monkeypatch.setenv("CI", "true" if must_play else "")
    assert left_out(may_mount=True) == []
    if must_play:
        with pytest.raises(pytest.fail.Exception, match=NOT_PLAYED):
            left_out(may_mount=False)
    else:
        assert [line.count(NOT_PLAYED) for line in left_out(may_mount=False)] == [1] * 2 * len(WITH_LEDGER)


def test_hosts(results, seed):
    started = time.monotonic()
    may_mount = hosts.can_mount()
    unplayed = left_out(may_mount=may_mount)
    attacks = attacks_of(seed, may_mount=may_mount)
    outcomes = on_grounds(come_of, attacks, AT_ONCE)
    lines = ["| host | operation | tasks | what came of them | flaws |", "|---|---|---|---|---|", *unplayed]
    for what, operation in dict.fromkeys((what, operation) for what, operation, *_rest in attacks):
        those = [outcome for attack, outcome in zip(attacks, outcomes, strict=True) if attack[:2] == (what, operation)]
        words = ", ".join(f"{count} x {word}" for word, count in sorted(Counter(word for word, _flaw in those).items()))
        lines.append(f"| {what} | {operation} | {len(those)} | {words} | {sum(bool(flaw) for _word, flaw in those)} |")
    flaws = [flaw for _word, flaw in outcomes if flaw]
    body = [
        f"{len(attacks)} tasks, each run again on a sound host, and a third time, which must change nothing.",
        "A run succeeds or fails with a message; nothing may be lost, and nothing may arrive twice without a warning. A damaged",
        "ledger that can still be read may have lost uploads; one that cannot be read is refused, and replaced here.",
        "",
        *lines,
        "",
        *(f"- {flaw}" for flaw in flaws),
    ]
    results.write("process-host", "The process: hosts on which something is wrong", "\n".join(body), seconds=time.monotonic() - started)
    assert flaws == []
