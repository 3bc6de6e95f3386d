# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Turns the rows of a log, oldest first, into claims: a user had an address from start to end.

A claim is passed on after two later claims on its address, or at the end of the log. So memory grows with the addresses in use, not with
the log.
"""

from __future__ import annotations

from itertools import chain, compress
from typing import TYPE_CHECKING, Union

from .._times.timestamps import format_iso8601
from .._vpn_log.records import ALIVE, END, REJECTED, RESTART, SKIPPED, START, UNFINISHED_LINE
from .model import END_LOGGED, END_PROVEN, END_TAKEN, END_UNKNOWN, ROW, SPAN, AddressClaim, ClaimColumns, Doubt
from .open_claim import OpenClaim, Unread, flaw_of_name
from .open_claims import OpenClaims

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from .._vpn_log.records import Record
    from .model import LogFacts, Timed
    from .open_claims import Columns
    from .order import BlockRows

Fact = Union[AddressClaim, ClaimColumns, Doubt]

_SAME_START_MS = 120_000
"""A session logs in, gets its address and starts accounting within this time."""


class ClaimBuilder:
    """Builds the claims and doubts of one log. `wanted` are the addresses whose claims are returned; None means all."""

    def __init__(self, log: LogFacts, earlier: Iterable[OpenClaim] = (), wanted: Collection[str] | None = None) -> None:
        self._log = log
        self._wanted = wanted
        self._open = OpenClaims(earlier)
        self._facts: list[Fact] = []
        self._run: Unread | None = None
        self._first: int | None = None
        self._last = 0

    def facts(self, rows: Iterable[Timed]) -> Iterator[Fact]:
        """The claims that are complete, and the doubts. `rest` has those that the end of the log completes, `left` those without an end."""
        self._open.take_rows()
        for row in rows:
            if row.is_believed:
                if self._run:
                    self._unread_is_over()
                self._first = row.at if self._first is None else self._first
                # Events after the last row of this log are in the next log, if there is one.
                self._last = max(self._last, row.at, 0 if self._log.is_followed else row.end or 0)
                self._take(row)
                if row.is_alone:
                    self._unread(row, "the time of the row goes back, so it is not known which rows come first")
            else:
                self._doubt(row)
            for done in self._open.take_done():
                self._claim(done.claim(self._log.gateway))
            if self._facts:
                yield from self._facts
                self._facts = []

    def columns(self, rows: BlockRows, times: Sequence[int]) -> Iterator[Fact] | None:
        """The same for a block whose times are believed and in order; None if its rows have to be looked at one by one."""
        found = self._open.take_columns(rows.block)
        if found is None:
            return None
        self._unread_is_over()
        self._first = times[0] if self._first is None else self._first
        self._last = max(self._last, *times, 0 if self._log.is_followed else rows.last_end)
        facts, self._facts = self._facts, []
        return chain(facts, self._in_columns(found))

    def rest(self) -> Iterator[Fact]:
        """The claims that the end of the log completes."""
        self._open.take_rows()
        self._unread_is_over()
        self._compare()
        for done in self._open.ended():
            self._claim(done.claim(self._log.gateway))
        yield from self._facts

    def left(self) -> list[AddressClaim]:
        """The claims without an end, after all rows were read. Includes addresses that are not wanted."""
        return [claim.claim(self._log.gateway) for claim in self._open.left(self._last)]

    def _in_columns(self, found: Columns) -> Iterator[ClaimColumns]:
        if found and self._wanted is not None:
            is_wanted = [ipaddr in self._wanted for ipaddr in found[2]]
            found = tuple(list(compress(column, is_wanted)) for column in found) if any(is_wanted) else ()
        if found:
            lines, usernames, ipaddrs, outsides, starts, ends, kinds = found
            flaw_of = {name: flaw_of_name(name) for name in set(usernames)}
            flaws = [flaw_of[name] for name in usernames] if any(flaw_of.values()) else [""] * len(usernames)
            yield ClaimColumns(self._log.gateway, lines, usernames, ipaddrs, outsides, starts, ends, kinds, flaws)

    def _claim(self, claim: AddressClaim) -> None:
        if self._wanted is None or claim.ipaddr in self._wanted:
            self._facts.append(claim)

    def _take(self, row: Timed) -> None:
        kind = row.record.kind
        if kind == START:
            self._started(row)
        elif kind == ALIVE:
            self._seen(row.record, row.at)
        elif kind == END:
            self._ended(row.record, row.at)
        elif kind == SKIPPED and row.record.ipaddr:
            self._unread(row, "the row is about this address, and its meaning is not known")
        elif kind == RESTART:
            for held in self._open.of_gateway(row.record):
                self._open.close(held, max(held.start, row.at), END_LOGGED)

    def _started(self, row: Timed) -> None:
        record = row.record
        if record.ipaddr is None or record.time is None:
            return
        new = OpenClaim.of(record, _begin(record, record.time), record.time)
        self._open.confirm(new)
        held = self._open.held(new.place, record.time)
        if row.end is not None:
            self._whole(new, held, max(new.start, row.end))
            return
        if held and held.is_same_session(new):
            held.add(new)
            return
        if held:
            self._taken(held, new, row)
        self._open.hold(new)

    def _whole(self, new: OpenClaim, held: OpenClaim | None, end: int) -> None:
        """Reads a row with both start and end of a session. It ends the open claim on the address."""
        if held and held.is_same_session(new):
            held.add(new)
            self._open.close(held, end, END_PROVEN)
            return
        if held and held.start <= new.start:
            self._open.close(held, new.start, END_TAKEN)
        new.end, new.end_kind = end, END_PROVEN
        self._claim(new.claim(self._log.gateway))

    def _taken(self, held: OpenClaim, new: OpenClaim, row: Timed) -> None:
        """Another claim takes the address. The order of lines decides, because the clock may have been set back."""
        if new.start == held.start and new.user != held.user:
            # Two users at the same time: the order of lines is no evidence.
            self._open.hand_on(held)
            return
        if new.start >= held.start:
            self._open.close(held, new.start, END_TAKEN)
            return
        if new.start < new.alive:
            # The session began before its first row.
            self._open.close(held, max(held.start, new.alive), END_TAKEN)
            return
        if held.user != new.user and row.latest - new.start <= self._log.tolerance_ms:
            words = "two users get this address at almost the same time, and the order of the lines is not the order of their times"
            self._facts.append(self._doubted(new.ipaddr, held.start, held.start, row.record.line, words))
        new.start = new.alive = new.sure_until = held.start
        self._open.close(held, held.start, END_TAKEN)

    def _seen(self, record: Record, time: int) -> None:
        """Reads a sign of life."""
        if record.ipaddr is None:
            for known in self._open.of_session(record):
                known.seen(time)
            return
        new = OpenClaim.of(record, _begin(record, time), time)
        self._open.confirm(new)
        held = self._open.held(new.place, time)
        if held and held.is_user_of(record):
            if held.is_session_of(record) and new.start <= held.start + _SAME_START_MS:
                proves = record.start is not None or held.has_key(record.session)
                held.seen(time, proves_it=proves)
                held.add_outside(record)
                return
            if new.start == time and record.start is None:
                held.seen(time)
                return
        if held:
            if record.start is None and held.user != new.user:
                words = f"{record.username or 'another user'} has the address here, and the log does not have when that began"
                self._facts.append(self._doubted(new.ipaddr, held.alive, time - 1, record.line, words))
            taken = new.start if new.start >= held.start else max(held.start, time)
            self._open.close(held, taken, END_TAKEN)
        self._open.hold(new)

    def _ended(self, record: Record, time: int) -> None:
        found = self._open.ended_by(record, time)
        if not found.claims or found.may_be_another:
            self._end_without_beginning(record, time)
        for held in found.claims:
            if found.is_unclear:
                words = "a session of this user ends here, and it is unclear which one"
                self._facts.append(self._doubted(held.ipaddr, time, time, record.line, words))
            else:
                self._end(held, record, time)

    def _end(self, held: OpenClaim, record: Record, time: int) -> None:
        began = record.start
        if began is not None and began > held.start + _SAME_START_MS and not held.has_key(record.session):
            if held.end_kind == END_UNKNOWN:
                self._open.close(held, began, END_TAKEN)
            self._end_without_beginning(record._replace(ipaddr=held.ipaddr), time)
            return
        is_proven = held.has_key(record.session) or (began is not None and began <= held.start + _SAME_START_MS)
        held.add_outside(record)
        end = max(held.start, time)
        if held.end is not None and (held.has_known_end or end <= held.end + self._log.tolerance_ms):
            end = min(end, held.end)
        is_proven = is_proven or held.end_kind == END_PROVEN
        self._open.close(held, end, END_PROVEN if is_proven else END_LOGGED)

    def _end_without_beginning(self, record: Record, time: int) -> None:
        """Reads the end of a session whose beginning is not in the log."""
        if record.ipaddr is None:
            self._end_of_unknown_address(record, time)
        elif not self._open.is_over(record, time):
            began = record.start if record.start is not None and record.start < time else None
            lone = OpenClaim.of(record, time if began is None else began, time)
            lone.end, lone.end_kind = time, END_LOGGED if began is None else END_PROVEN
            lone.starts_unknown = began is None
            self._claim(lone.claim(self._log.gateway))

    def _end_of_unknown_address(self, record: Record, time: int) -> None:
        first = self._first if self._first is not None else time
        if not record.username:
            return
        words = f"the end of a session of {record.username}, whose beginning and address are not in the log"
        since, until = (first, time) if record.start is None else (record.start, record.start)
        self._facts.append(self._doubted(None, since, until, record.line, words))

    def _compare(self) -> None:
        """Adds a doubt about this log if another log has a session that should be in this log too."""
        first, tolerance = self._first, self._log.tolerance_ms
        if first is None:
            return
        for other in self._open.missing(first + tolerance, self._last - tolerance):
            since = format_iso8601(other.start)
            words = (
                f"another log has a session of {other.username} on {other.ipaddr} since {since}, and this one covers that time without it: "
                "a clock was set back, rows were lost, or the logs are of two gateways"
            )
            self._facts.append(Doubt(self._log.gateway, SPAN, first, other.start, None, 0, self._log.named(0, words)))
            self._facts.append(self._doubted(other.ipaddr, other.start, self._last, 0, words))

    def _doubt(self, row: Timed) -> None:
        """Adds a doubt for a row that cannot be read, or whose time is not believed."""
        record, kind = row.record, row.record.kind
        if kind == ALIVE and record.time is None and record.ipaddr:
            self._open.note_on_at_end(record)
        elif kind == REJECTED:
            self._unread(row, f"the row cannot be read ({record.reason})" if record.reason else "the row cannot be read")
        elif kind == SKIPPED:
            if record.reason == UNFINISHED_LINE:
                self._unread(row, "the last line is not finished")
        elif kind == RESTART or record.ipaddr:
            self._unread(row, "the time of the row cannot be believed")
        elif kind == END:
            words = "the time of the row cannot be believed"
            for held in self._open.perhaps_ended_by(record):
                self._unread(row._replace(record=record._replace(ipaddr=held.ipaddr)), words)
            if record.time is not None:
                # If only the place of the row is wrong, the session that it ends may begin in a later line, or be complete already.
                self._facts.append(self._doubted(None, record.time, record.time, record.line, words))

    def _unread(self, row: Timed, words: str) -> None:
        """Adds a doubt. Consecutive rows that may concern any address become one."""
        record = row.record
        if record.time is not None and not row.at <= record.time <= row.latest:
            # The time of the row or its position is wrong.
            self._facts.append(self._doubted(record.ipaddr, record.time, record.time, record.line, words))
        if record.ipaddr is not None:
            self._facts.append(self._doubted(record.ipaddr, row.at, row.latest, record.line, words))
        elif self._run is None:
            self._run = Unread(row.record.line, row.at, row.latest, words)
        else:
            self._run.add(row)

    def _unread_is_over(self) -> None:
        run, self._run = self._run, None
        if run:
            self._facts.append(self._doubted(None, run.since, run.until, run.line, run.text()))

    def _doubted(self, ipaddr: str | None, since: int, until: int, line: int, words: str) -> Doubt:
        return Doubt(self._log.gateway, ROW, since, max(since, until), ipaddr, line, self._log.named(line, words))


def _begin(record: Record, time: int) -> int:
    return time if record.start is None else min(record.start, time)
