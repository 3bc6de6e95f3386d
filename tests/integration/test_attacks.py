# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cross-section of the attacks on the network and on the process; `make torture` runs all of them."""

from __future__ import annotations

import functools
import random

import pytest

from support.attacks import (
    NETWORK_FAULTS,
    OPERATIONS,
    SERVER_OPERATIONS,
    RawFault,
    RawGround,
    hosts,
    kill_at_random,
    lengths_of,
    on_grounds,
    run_cells,
)

AT_ONCE = 6
SEED = 20_261_122
WRITERS = ("upload", "insert", "update_ser: comment")
# Each of them found something once, or represents many others.
CROSS_SECTION = {
    "stall: the answer never comes": WRITERS,
    "carried out after the client gave up": (
        "upload",
        "insert without reading",
        "security_events: comment",
        "case: comment",
        "detection: note",
    ),
    "reset in the request: body": ("upload", "update_ser: add tag"),
    "reset after the request": ("upload: token", "insert without reading", "update_ser: remove tag", "device: new tag"),
    "answer cut short: body": ("upload", "insert", "insert: search"),
    "Content-Length too short": ("insert", "update_ser: status"),
    "endless body of a 503": ("upload", "insert: token"),
    "compressed bomb": ("upload", "insert"),
    "endless 100 Continue": ("upload",),
    "dripping header": ("insert",),
    "dripping body": ("update: token",),
    "bad gateway after the work": (
        "upload",
        "security_events: all at once, second request",
        "case: comment after fields",
        "detection: all, second request",
    ),
    "refused as too large": ("upload", "insert", "comment and tag without reading"),
    "refused connections once it was done": (
        "upload",
        "insert",
        "update_ser: comment",
        "comment and tag without reading",
        "detection: note",
    ),
    "an expired certificate once it was done": ("upload", "update_ser: all at once, first request"),
}


# Servers whose search is slow, that answer without an id, or that rewrite texts.
SERVERS_CROSS_SECTION = {
    "carried out after the client gave up": ("insert, slow search", "comment, lower case and cut"),
    "bad gateway after the work": ("insert, slow search", "comment, escaped and collapsed", "tag, upper case"),
    "answer cut short: body": ("insert, answers without an id", "comment, lower case and cut"),
}


def break_calls(ground, fault, operation):
    ground.relay.break_calls(fault, operation.call, skip=operation.skip)


def break_bytes(ground, direction, action, offset):
    ground.relay.break_bytes(RawFault(direction, action, offset))


def flaws_of(cells):
    return [f"{cell.operation} / {cell.fault}: {cell.flaw}" for cell in cells if cell.flaw]


def test_what_is_reported_is_what_is_there():
    work = [
        (OPERATIONS[name], fault, functools.partial(break_calls, fault=NETWORK_FAULTS[fault], operation=OPERATIONS[name]))
        for fault, names in CROSS_SECTION.items()
        for name in names
    ]
    assert flaws_of(run_cells(work, AT_ONCE)) == []


def test_slow_and_rewriting_servers():
    work = [
        (SERVER_OPERATIONS[name], fault, functools.partial(break_calls, fault=NETWORK_FAULTS[fault], operation=SERVER_OPERATIONS[name]))
        for fault, names in SERVERS_CROSS_SECTION.items()
        for name in names
    ]
    assert flaws_of(run_cells(work, AT_ONCE)) == []


def test_bytes_that_are_changed_on_the_way():
    writers = [OPERATIONS[name] for name in WRITERS]
    lengths = lengths_of(writers)
    # In the handshake, and from where the write and its answer are on, when its outcome is unknown.
    places = (("down", "garble", 0.0), ("down", "garble", 0.8), ("down", "close", 0.6), ("up", "reset", 0.7))
    work = [
        (
            operation,
            f"{action} {direction} at {share}",
            functools.partial(break_bytes, direction=direction, action=action, offset=int(lengths[operation.name][direction] * share)),
        )
        for operation in writers
        for direction, action, share in places
    ]
    assert flaws_of(run_cells(work, AT_ONCE, RawGround)) == []


def test_killed():
    tasks = [(name, random.Random(f"{SEED} {name} {number}")) for number in range(3) for name in WRITERS]
    kills = on_grounds(lambda ground, task: kill_at_random(ground, OPERATIONS[task[0]], task[1]), tasks, AT_ONCE)
    assert [kill for kill in kills if kill.flaw] == []


@pytest.mark.parametrize(
    ("attack", "arguments", "names", "outcomes"),
    [
        (hosts.on_a_host, {"limits": {"RLIMIT_FSIZE": 65_536}}, WRITERS[:2], {"failed"}),
        (hosts.on_a_host, {"limits": {"RLIMIT_NOFILE": 12}}, WRITERS[:2], {"failed"}),
        (hosts.on_a_host, {"clock_jump": -3600.0}, WRITERS, {"worked"}),
        (hosts.at_once, {"runs": 2}, WRITERS, {"1 changed it", "2 changed it, twice, and said so"}),
    ],
    ids=["no room for the ledger", "no file handles", "a clock that runs backwards", "two at once"],
)
def test_hosts(attack, arguments, names, outcomes):
    came = on_grounds(lambda ground, name: attack(ground, OPERATIONS[name], **arguments), names, len(names))
    assert set(came) <= outcomes


def test_a_damaged_ledger():
    choices = [random.Random(number) for number in range(6)]
    came = on_grounds(lambda ground, choice: hosts.with_a_damaged_ledger(ground, OPERATIONS["upload"], choice), choices, AT_ONCE)
    assert "refused" in came
