# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Claims that later rows can still change: the open claim on each address, and its predecessor."""

from __future__ import annotations

from itertools import chain, islice
from operator import le
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .model import END_PROVEN, END_TAKEN, END_UNKNOWN
from .open_claim import AGAIN_MS, Ended, OpenClaim, by_outside, flaw_of_name, may_end

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .._vpn_log.records import Record, RecordBlock
    from .open_claim import Place

    _Plain = tuple[int, str, str, str, int]
    """An open claim that is nothing but a row of a table: line, user, address, outside address, start."""
    Columns = tuple[Sequence[Any], ...]
    """Lines, users, addresses, outside addresses, starts, ends, kinds of ends."""

MAX_OPEN_CLAIMS = 100_000
"""Maximum number of open claims. With more, the oldest ones are returned without an end."""
_SPARE = 1000
_TOGETHER_MS = 30_000
_SAME_START_MS = 2000
_BEFORE_MS = 120_000
_AFTER_MS = 600_000
"""End rows state the start of the login. The address is assigned from two minutes before to ten minutes after that (second factors)."""
_Key = TypeVar("_Key")


class OpenClaims:
    """The open claim for each gateway and address, and its predecessor, whose end may be in a later line."""

    def __init__(self, earlier: Iterable[OpenClaim] = ()) -> None:
        self._open: dict[Place, OpenClaim] = {}
        self._plain: dict[str, _Plain] = {}
        """More open claims, by address, while rows are taken by columns."""
        self._before: dict[Place, OpenClaim] = {}
        self._by_user: dict[str, dict[int, OpenClaim]] = {}
        self._by_session: dict[str, dict[int, OpenClaim]] = {}
        self._earlier: dict[Place, OpenClaim] = {}
        self._earlier_of: dict[str, list[OpenClaim]] = {}
        self._on_at_end: dict[Place, str] = {}
        self._done: list[OpenClaim] = []
        self._confirmed: set[int] = set()
        self._missed: list[OpenClaim] = []
        for old in earlier:
            self._add_earlier(old)

    def take_columns(self, block: RecordBlock) -> Columns | None:
        """Takes the rows of a table, oldest first, and returns the claims that they complete. Returns None, and takes no row, if one of
        them is about a claim that needs more than this."""
        self._put_aside()
        known = {ipaddr for _device, ipaddr in chain(self._open, self._earlier)}
        if known and not known.isdisjoint(block.ipaddrs):
            return None
        columns = (block.lines, block.usernames, block.ipaddrs, block.associated_ipaddrs, block.starts)
        if self._plain or None in block.ends:
            return self._paired(zip(*columns), block.ends)
        ends = cast("Sequence[int]", block.ends)
        ends = ends if all(map(le, block.starts, ends)) else list(map(max, block.starts, ends))
        return (*columns, ends, [END_PROVEN] * len(ends))

    def _paired(self, rows: Iterable[_Plain], ends: Iterable[int | None]) -> Columns | None:
        """The same where some claims are open. None if two rows of an address are not in order."""
        now: dict[str, _Plain | None] = {}
        done: list[tuple[Any, ...]] = []
        for new, end in zip(rows, ends):
            ipaddr, start = new[2], new[4]
            held = now[ipaddr] if ipaddr in now else self._plain.get(ipaddr)
            if held and start <= held[4]:
                return None
            if held:
                done.append((*held, start, END_TAKEN))
            if end is not None:
                done.append((*new, max(start, end), END_PROVEN))
            now[ipaddr] = new if end is None else None
        for ipaddr, claim in now.items():
            self._plain.pop(ipaddr, None)
            if claim:
                self._plain[ipaddr] = claim
        done.extend((*self._plain.pop(ipaddr), None, END_UNKNOWN) for ipaddr in _surplus(self._plain))
        return tuple(zip(*done))

    def take_rows(self) -> None:
        """Makes all open claims ready for rows that are looked at one by one."""
        plain, self._plain = self._plain, {}
        for line, username, ipaddr, outside, start in plain.values():
            claim = OpenClaim(ipaddr, username, start, line)
            claim.associated_ipaddr, claim.flaw = outside, flaw_of_name(username)
            self.hold(claim)

    def _put_aside(self) -> None:
        """Keeps open claims that are nothing but a row of a table as such a row."""
        for place, held in list(self._open.items()):
            if held.is_plain and held.ipaddr not in self._plain:
                del self._open[place]
                self._forget(held)
                self._plain[held.ipaddr] = (held.line, held.username, held.ipaddr, held.associated_ipaddr, held.start)

    def held(self, place: Place, time: int) -> OpenClaim | None:
        """Returns the open claim on an address at this time; None if there is none."""
        if self._earlier:
            self._continue(self._earlier.get(place), time)
        return self._open.get(place)

    def confirm(self, new: OpenClaim) -> None:
        """Notes that this log also has the start of a claim from another log or run."""
        old = self._earlier.get(new.place)
        if old and old.user == new.user and abs(old.start - new.start) <= _SAME_START_MS:
            self._confirmed.add(id(old))

    def missing(self, since: int, until: int) -> list[OpenClaim]:
        """The claims of other logs that began from `since` to `until` and that this log does not have."""
        earlier = [*self._missed, *self._earlier.values()]
        return [old for old in earlier if since < old.start < until and id(old) not in self._confirmed]

    def hold(self, new: OpenClaim) -> None:
        """Adds an open claim. The address must be free."""
        self._open[new.place] = new
        self._by_user.setdefault(new.user, {})[id(new)] = new
        if new.session:
            self._by_session.setdefault(new.session, {})[id(new)] = new
        for claims in (self._open, self._before):
            if len(claims) > MAX_OPEN_CLAIMS + _SPARE:
                for place in _surplus(claims):
                    self._done_with(claims.pop(place))

    def close(self, held: OpenClaim, end: int, kind: str) -> None:
        """Ends an open claim, or corrects the end of one whose address was taken."""
        held.end, held.end_kind, held.is_new = end, kind, True
        if self._open.get(held.place) is held:
            del self._open[held.place]
            before = self._before.pop(held.place, None)
            if before:
                self._done_with(before)
            self._before[held.place] = held

    def hand_on(self, held: OpenClaim) -> None:
        """Passes on an open claim without an end."""
        self._done_with(self._open.pop(held.place))

    def take_done(self) -> list[OpenClaim]:
        """The claims since the last call that will not change any more."""
        done, self._done = self._done, []
        return done

    def ended(self) -> list[OpenClaim]:
        """The ended claims that were not returned yet, after the log has been read."""
        return [held for held in self._before.values() if held.is_new]

    def left(self, last: int) -> list[OpenClaim]:
        """The claims that are open at the end of the log; `last` is its last time, at which some sessions were still on."""
        for place, user in self._on_at_end.items():
            held = self._open.get(place)
            if held and held.user == user and held.start <= last:
                held.seen(last, proves_it=True)
        return [*self._open.values(), *self._earlier.values()]

    def note_on_at_end(self, record: Record) -> None:
        """Notes that a session was still connected at the end of the log."""
        self._on_at_end[record.device, record.ipaddr or ""] = record.username.casefold()

    def of_user(self, username: str) -> list[OpenClaim]:
        """The open claims of a user."""
        return [held for held in self._by_user.get(username.casefold(), {}).values() if held.end_kind == END_UNKNOWN]

    def perhaps_ended_by(self, record: Record) -> list[OpenClaim]:
        """The claims of the user or session of an end, whatever its time is. Includes those of earlier logs."""
        return [*self.of_user(record.username), *self.of_session(record), *self._earlier_of.get(record.username.casefold(), ())]

    def of_session(self, record: Record) -> list[OpenClaim]:
        """The open claims with the session key of this row, if the user is the same."""
        found = self._by_session.get(record.session or "", {}).values()
        user = record.username.casefold()
        own = [held for held in found if held.is_of_device(record.device)]
        return [held for held in own if held.end_kind == END_UNKNOWN and (not user or not held.user or held.user == user)]

    def of_gateway(self, record: Record) -> list[OpenClaim]:
        """All open claims that the restart of a gateway ends: those whose key begins with its name, and those without any key."""
        for old in list(self._earlier.values()):
            self._continue(old, record.time or 0)
        own = [held for held in self._open.values() if held.is_of_device(record.device)]
        return [held for held in own if not record.session or not held.session or held.session.startswith(record.session)]

    def is_over(self, record: Record, time: int) -> bool:
        """True if this end was read before, because gateways report some ends twice."""
        place = record.device, record.ipaddr or ""
        before = self._before.get(place)
        if place in self._open or before is None or before.end is None or time < before.end:
            return False
        if not record.username:
            return time <= before.end + AGAIN_MS
        if before.user != record.username.casefold():
            return False
        return before.is_session_of(record) and (record.start is None or record.start <= before.end)

    def ended_by(self, record: Record, time: int) -> Ended:
        """The claims that a row ends."""
        keyed = [held for held in self.of_session(record) if record.ipaddr in (None, held.ipaddr)]
        if keyed:
            return Ended(keyed)
        if record.ipaddr is not None:
            place = record.device, record.ipaddr
            held = self.held(place, time)
            if held and held.is_session_of(record) and (not record.username or held.is_user_of(record)):
                return Ended([held])
            before = self._before.get(place)
            if before and before.end_kind == END_TAKEN and before.is_user_of(record) and before.is_session_of(record):
                return Ended([before])
            # The second gateway of a cluster may have taken over the session.
            moved = [held for held in self.of_user(record.username) if held.ipaddr == record.ipaddr and held.device != record.device]
            return Ended(moved if len(moved) == 1 else [])
        return self._of_address_unknown(record, time) if record.username else Ended([])

    def _of_address_unknown(self, record: Record, time: int) -> Ended:
        for old in list(self._earlier_of.get(record.username.casefold(), ())):
            self._continue(old, time)
        own = self._by_user.get(record.username.casefold(), {}).values()
        fitting = [held for held in own if may_end(held, time) and held.is_session_of(record)]
        fitting = [held for held in fitting if held.start <= time + _AFTER_MS]
        fitting = [held for held in fitting if held.is_of_device(record.device)] or fitting
        return (
            self._by_beginning(fitting, record.start, record.associated_ipaddr) if record.start is not None else by_outside(fitting, record)
        )

    def _by_beginning(self, fitting: list[OpenClaim], began: int, outside: str | None) -> Ended:
        near = [held for held in fitting if began - _BEFORE_MS <= held.start <= began + _AFTER_MS]
        if not near:
            # The session may have begun before the log and have received its address again.
            later = [held for held in fitting if held.end_kind == END_UNKNOWN and held.start > began]
            return Ended(later, is_unclear=True, may_be_another=True)
        still_open = [held for held in near if held.end_kind == END_UNKNOWN]
        near = still_open or near
        # If several sessions began together, the outside address identifies the right one.
        from_there = [held for held in near if held.associated_ipaddr == outside]
        near = from_there or near
        best = min(near, key=lambda held: (abs(held.start - began), held.line))
        others = [held for held in near if held.line != best.line]
        if any(abs(held.start - began) - abs(best.start - began) <= _TOGETHER_MS for held in others):
            return Ended(near, is_unclear=True)
        same = [held for held in near if held.line == best.line]
        if best.end_kind == END_TAKEN:
            # A user who got the same address again is in the same session.
            again = self._open.get(best.place)
            same = [again] if again and again.user == best.user else same
        return Ended(same)

    def _add_earlier(self, old: OpenClaim) -> None:
        known = self._earlier.get(old.place)
        if known and known.start >= old.start:
            self._done_with(old)
            return
        if known:
            self._earlier_of[known.user].remove(known)
            self._done_with(known)
        self._earlier[old.place] = old
        self._earlier_of.setdefault(old.user, []).append(old)

    def _continue(self, old: OpenClaim | None, time: int) -> None:
        """Continues a claim of an earlier log, if the row is later than its start and no newer claim has the address."""
        if old is None or old.start >= time or self._earlier.get(old.place) is not old:
            return
        del self._earlier[old.place]
        self._missed.append(old)
        self._earlier_of[old.user].remove(old)
        held = self._open.get(old.place)
        if held is None or held.start < old.start:
            if held:
                self.close(held, old.start, END_TAKEN)
            self.hold(old)
        else:
            self._done_with(old)

    def _done_with(self, claim: OpenClaim) -> None:
        self._forget(claim)
        if claim.is_new:
            self._done.append(claim)

    def _forget(self, claim: OpenClaim) -> None:
        self._by_user.get(claim.user, {}).pop(id(claim), None)
        if not self._by_user.get(claim.user):
            self._by_user.pop(claim.user, None)
        if claim.session:
            self._by_session.get(claim.session, {}).pop(id(claim), None)
            if not self._by_session.get(claim.session):
                self._by_session.pop(claim.session, None)


def _surplus(claims: Mapping[_Key, Any]) -> list[_Key]:
    """The oldest keys beyond the maximum number. To look for the oldest one each time would take longer and longer."""
    return list(islice(claims, max(0, len(claims) - MAX_OPEN_CLAIMS)))
