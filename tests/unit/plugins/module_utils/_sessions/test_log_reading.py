# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a table are taken by whole columns where that is possible, with the same result as row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.secops.xdr.plugins.module_utils._sessions.log_reading import Before, LogReading
from ansible_collections.secops.xdr.plugins.module_utils._sessions.model import AddressClaim, ClaimColumns, LogFacts
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import NO_ADDRESS, SKIPPED, START, Record, RecordBlock
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST = 1_700_000_000_000
MODIFIED = FIRST + 10_000_000
TOLERANCE = 30_000
X, Y, Z = "10.8.0.1", "10.8.0.2", "10.8.0.3"

STEPS = st.sampled_from([0, 1_000, 5_000, 60_000, 60_000, 60_000, -1_000, -90_000, 900_000])
NAMES = st.sampled_from(["ann", "Ann", "bob", "-", "eve\x00"])
LENGTHS = st.sampled_from([None, 0, 40_000, -5])
ROWS = st.tuples(STEPS, st.sampled_from([X, Y, Z, None]), NAMES, LENGTHS)
"""Steps of the clock, addresses (a row without one says nothing), users, lengths."""
WANTED = st.sampled_from([None, frozenset([X])])
EARLIER = [AddressClaim("vpn1", Y, "old", "203.0.113.9", FIRST - 5_000)]


def told(blocks: Sequence[RecordBlock], before: Before, wanted: frozenset[str] | None) -> tuple[Any, ...]:
    """Everything that a log says: its claims, merged by key, its doubts, its spans, and what is left open."""
    log = LogFacts("vpn1", "", MODIFIED, TOLERANCE)
    reading = LogReading(log, "csv", before, wanted)
    claims: dict[Any, AddressClaim] = {}
    others = []
    for fact in reading.facts(blocks):
        for claim in fact.claims() if isinstance(fact, ClaimColumns) else [fact] if isinstance(fact, AddressClaim) else []:
            claims[claim.key] = claims[claim.key].merged(claim) if claim.key in claims else claim
        if not isinstance(fact, (AddressClaim, ClaimColumns)):
            others.append(fact)
    open_claims = sorted(reading.open_claims, key=lambda claim: (claim.ipaddr, claim.start))
    return claims, sorted(others, key=repr), open_claims, reading.first, reading.high, reading.order, reading.flaw


def table(records: Sequence[Record]) -> RecordBlock:
    """A block with the rows in columns, except for those that are skipped."""
    started = [record for record in records if record.kind == START]
    return RecordBlock(
        [record.line for record in started],
        [record.username for record in started],
        [record.ipaddr or "" for record in started],
        [record.associated_ipaddr or "" for record in started],
        [record.time or 0 for record in started],
        [record.end for record in started],
        others=[record for record in records if record.kind == SKIPPED],
    )


@given(st.lists(ROWS, max_size=40), st.integers(1, 6), st.booleans(), WANTED)
def test_columns_say_the_same_as_rows(rows: Sequence[Any], size: int, continues: bool, wanted: frozenset[str] | None):
    records, time = [], FIRST
    for line, (step, ipaddr, username, length) in enumerate(rows, start=2):
        time += step
        end = None if length is None else time + length
        if ipaddr is None:
            records.append(Record(line, SKIPPED, NO_ADDRESS, username, time=time))
        else:
            records.append(Record(line, START, None, username, ipaddr, f"203.0.113.{line}", time, None, end))
    before = Before(EARLIER, are_kept=True, latest=FIRST - 1_000) if continues else Before()
    parts = [records[place : place + size] for place in range(0, len(records), size)]
    by_columns = told([table(part) for part in parts], before, wanted)
    by_rows = told([RecordBlock(others=list(part)) for part in parts], before, wanted)
    assert by_columns == by_rows


def test_rows_in_order_are_taken_by_columns():
    times = [FIRST + minute * 60_000 for minute in range(30)]
    records = [Record(line, START, None, "ann", X, "203.0.113.1", time, None, time + 9) for line, time in enumerate(times)]
    reading = LogReading(LogFacts("vpn1", "", MODIFIED, TOLERANCE), "csv", Before())
    facts = list(reading.facts([table(records[place : place + 10]) for place in (0, 10, 20)]))
    assert [list(fact.lines) for fact in facts if isinstance(fact, ClaimColumns)] == [list(range(10, 20))]
