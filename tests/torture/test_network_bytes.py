# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every write against faults at any byte of its connections, and against connections that do not come about."""

from __future__ import annotations

import functools
import random
import time

import pytest

from support.attacks import OPERATIONS, RawFault, RawGround, legend, lengths_of, run_cells, table

WRITERS = ("upload", "insert", "update_ser: comment", "security_events: all at once, first request")
ACTIONS = ("reset", "close", "stall", "garble")
PLACES = 8
AT_ONCE = 8


@pytest.fixture(scope="module")
def lengths():
    """The number of bytes that an undisturbed run passes on."""
    return lengths_of([OPERATIONS[name] for name in WRITERS])


def break_bytes(ground, direction, action, offset):
    ground.relay.break_bytes(RawFault(direction, action, offset))


def show(ground, certificate):
    ground.relay.in_loop(ground.relay.show(certificate))
    ground.relay.met = 1


def refuse(ground):
    ground.relay.in_loop(ground.relay.refuse())
    ground.relay.met = 1


def nowhere(ground):
    ground.relay.name = "no-such-host.invalid"
    ground.relay.met = 1


def report(results, name, title, cells, started, text):
    flaws = [f"{cell.operation} / {cell.fault}: {cell.flaw}" for cell in cells if cell.flaw]
    found = f"{text} {len(cells)} cells, {len(flaws)} in which the module and the server disagree."
    body = [
        found,
        "",
        *legend(cells),
        "",
        table(cells),
        "",
        *(f"- {flaw}" for flaw in flaws),
    ]
    results.write(name, title, "\n".join(body), seconds=time.monotonic() - started)
    assert flaws == []


def test_any_byte(results, seed, lengths):
    started = time.monotonic()
    choice = random.Random(seed)
    work = []
    for direction in ("up", "down"):
        for action in ACTIONS:
            for place in range(PLACES):
                share = (place + choice.random()) / PLACES * 0.95
                where = f"{action}, {'request' if direction == 'up' else 'answer'} bytes, part {place + 1} of {PLACES}"
                for name in WRITERS:
                    offset = int(lengths[name][direction] * share)
                    work.append(
                        (OPERATIONS[name], where, functools.partial(break_bytes, direction=direction, action=action, offset=offset))
                    )
        for share, where in ((0.0, "the handshake"), (0.75, "the middle")):
            for name in WRITERS:
                offset = int(lengths[name][direction] * share)
                break_it = functools.partial(break_bytes, direction=direction, action="drip", offset=offset)
                work.append((OPERATIONS[name], f"drip, {direction}, from {where} on", break_it))
    cells = run_cells(work, AT_ONCE, RawGround)
    text = "The bytes of TLS, from the first of a task's connections to the last, cut or changed once at a random place of each part."
    report(results, "network-bytes", "The network: any byte of the connections", cells, started, text)


def test_no_connection(results):
    started = time.monotonic()
    ways = {
        "a wrong CA": functools.partial(show, certificate="untrusted"),
        "an expired certificate": functools.partial(show, certificate="expired"),
        "a wrong name": functools.partial(show, certificate="wrong-host"),
        "plain HTTP on the port": functools.partial(show, certificate="none"),
        "refused": refuse,
        "a name that cannot be resolved": nowhere,
    }
    work = [(operation, way, break_it) for way, break_it in ways.items() for operation in OPERATIONS.values()]
    cells = run_cells(work, AT_ONCE)
    text = "The first run finds no server that it can trust."
    report(results, "network-connection", "The network: no connection at all", cells, started, text)
