# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""The claims that may still change while a log is read: open ones, and the last one before each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .model import END_TAKEN, END_UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._vpn_log.records import Record
    from .open_claim import OpenClaim, Place

MAX_OPEN_CLAIMS = 100_000
"""More than any gateway serves at once. Beyond that, the claim that began first is returned without an end."""
_AGAIN_MS = 300_000
"""Two rows about one end are not further apart."""
_TOGETHER_MS = 30_000
_SAME_START_MS = 2000
_BEFORE_MS = 120_000
_AFTER_MS = 600_000
"""An address is assigned from two minutes before to ten minutes after the beginning stated by an end row: people type second factors."""


class Ended(NamedTuple):
    """The claims that an end may be about."""

    claims: list[OpenClaim]
    is_unclear: bool = False
    """It is not known which of them ended."""
    may_be_another: bool = False
    """It may also be the end of a session that is not known."""


class OpenClaims:
    """One open claim per gateway and address, and the one before it, whose end may still be in a later line."""

    def __init__(self, seeds: Iterable[OpenClaim] = ()) -> None:
        self._open: dict[Place, OpenClaim] = {}
        self._before: dict[Place, OpenClaim] = {}
        self._by_user: dict[str, dict[int, OpenClaim]] = {}
        self._by_session: dict[str, dict[int, OpenClaim]] = {}
        self._seeds: dict[Place, OpenClaim] = {}
        self._seeds_of: dict[str, list[OpenClaim]] = {}
        self._still_on: dict[Place, str] = {}
        self._done: list[OpenClaim] = []
        self._confirmed: set[int] = set()
        self._missed: list[OpenClaim] = []
        for seed in seeds:
            self._plant(seed)

    def held(self, place: Place, time: int) -> OpenClaim | None:
        """The open claim on an address when a row of this time is read."""
        if self._seeds:
            self._grow(self._seeds.get(place), time)
        return self._open.get(place)

    def confirm(self, new: OpenClaim) -> None:
        """Notes that this log has the beginning of a claim of another log or run."""
        seed = self._seeds.get(new.place)
        if seed and seed.user == new.user and abs(seed.start - new.start) <= _SAME_START_MS:
            self._confirmed.add(id(seed))

    def missing(self, since: int, until: int) -> list[OpenClaim]:
        """The claims of another log that began in this time, which this log covers too, and that this log does not have."""
        seeds = [*self._missed, *self._seeds.values()]
        return [seed for seed in seeds if since < seed.start < until and id(seed) not in self._confirmed]

    def hold(self, new: OpenClaim) -> None:
        """Notes an open claim. The address must be free."""
        self._open[new.place] = new
        self._by_user.setdefault(new.user, {})[id(new)] = new
        if new.session:
            self._by_session.setdefault(new.session, {})[id(new)] = new
        if len(self._open) > MAX_OPEN_CLAIMS:
            self._done_with(self._open.pop(next(iter(self._open))))
        if len(self._before) > MAX_OPEN_CLAIMS:
            self._done_with(self._before.pop(next(iter(self._before))))

    def close(self, held: OpenClaim, end: int, kind: str) -> None:
        """Ends an open claim, or corrects the end of one whose address was taken."""
        held.end, held.end_kind, held.is_new = end, kind, True
        if self._open.get(held.place) is held:
            del self._open[held.place]
            before = self._before.pop(held.place, None)
            if before:
                self._done_with(before)
            self._before[held.place] = held

    def let_go(self, held: OpenClaim) -> None:
        """Hands an open claim on without an end."""
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
        for place, user in self._still_on.items():
            held = self._open.get(place)
            if held and held.user == user and held.start <= last:
                held.seen(last, proves_it=True)
        return [*self._open.values(), *self._seeds.values()]

    def still_on(self, record: Record) -> None:
        """The row says that the session was on when the log ended."""
        self._still_on[record.device, record.ipaddr or ""] = record.username.casefold()

    def of_user(self, username: str) -> list[OpenClaim]:
        """The open claims of a user."""
        return [held for held in self._by_user.get(username.casefold(), {}).values() if held.end_kind == END_UNKNOWN]

    def of_session(self, record: Record) -> list[OpenClaim]:
        """The open claims with the key of this row; none if it is another user's."""
        found = self._by_session.get(record.session or "", {}).values()
        user = record.username.casefold()
        own = [held for held in found if held.is_of_device(record.device)]
        return [held for held in own if held.end_kind == END_UNKNOWN and (not user or not held.user or held.user == user)]

    def of_gateway(self, record: Record) -> list[OpenClaim]:
        """All open claims that the restart of a gateway ends: those whose key begins with its name, and those without any key."""
        for seed in list(self._seeds.values()):
            self._grow(seed, record.time or 0)
        own = [held for held in self._open.values() if held.is_of_device(record.device)]
        return [held for held in own if not record.session or not held.session or held.session.startswith(record.session)]

    def is_over(self, record: Record, time: int) -> bool:
        """True if this end is known already: gateways report it twice, or repeat what was not acknowledged."""
        place = record.device, record.ipaddr or ""
        before = self._before.get(place)
        if place in self._open or before is None or before.end is None or time < before.end:
            return False
        if not record.username:
            return time <= before.end + _AGAIN_MS
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
            # The second gateway of a cluster may have taken the session over.
            moved = [held for held in self.of_user(record.username) if held.ipaddr == record.ipaddr and held.device != record.device]
            return Ended(moved if len(moved) == 1 else [])
        return self._of_address_unknown(record, time) if record.username else Ended([])

    def _of_address_unknown(self, record: Record, time: int) -> Ended:
        for seed in list(self._seeds_of.get(record.username.casefold(), ())):
            self._grow(seed, time)
        own = self._by_user.get(record.username.casefold(), {}).values()
        fitting = [held for held in own if _may_end(held, time) and held.is_session_of(record)]
        fitting = [held for held in fitting if held.start <= time + _AFTER_MS]
        fitting = [held for held in fitting if held.is_of_device(record.device)] or fitting
        return (
            self._by_beginning(fitting, record.start, record.associated_ipaddr)
            if record.start is not None
            else _by_outside(fitting, record)
        )

    def _by_beginning(self, fitting: list[OpenClaim], began: int, outside: str | None) -> Ended:
        near = [held for held in fitting if began - _BEFORE_MS <= held.start <= began + _AFTER_MS]
        if not near:
            # The session may have begun before the log, and got its address again since.
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

    def _plant(self, seed: OpenClaim) -> None:
        known = self._seeds.get(seed.place)
        if known and known.start >= seed.start:
            self._done_with(seed)
            return
        if known:
            self._seeds_of[known.user].remove(known)
            self._done_with(known)
        self._seeds[seed.place] = seed
        self._seeds_of.setdefault(seed.user, []).append(seed)

    def _grow(self, seed: OpenClaim | None, time: int) -> None:
        """A claim of the history counts for rows that are later than its beginning, unless the log has begun another one since."""
        if seed is None or seed.start >= time or self._seeds.get(seed.place) is not seed:
            return
        del self._seeds[seed.place]
        self._missed.append(seed)
        self._seeds_of[seed.user].remove(seed)
        held = self._open.get(seed.place)
        if held is None or held.start < seed.start:
            if held:
                self.close(held, seed.start, END_TAKEN)
            self.hold(seed)
        else:
            self._done_with(seed)

    def _done_with(self, claim: OpenClaim) -> None:
        self._by_user.get(claim.user, {}).pop(id(claim), None)
        if not self._by_user.get(claim.user):
            self._by_user.pop(claim.user, None)
        if claim.session:
            self._by_session.get(claim.session, {}).pop(id(claim), None)
            if not self._by_session.get(claim.session):
                self._by_session.pop(claim.session, None)
        if claim.is_new:
            self._done.append(claim)


def _may_end(held: OpenClaim, time: int) -> bool:
    """True if a row may be the end of a claim: one without an end, or one that another row has just ended."""
    if held.end_kind in (END_UNKNOWN, END_TAKEN) or held.end is None:
        return True
    return abs(time - held.end) <= _AGAIN_MS


def _by_outside(fitting: list[OpenClaim], record: Record) -> Ended:
    """By the outside address; a user who roams ends the session from another one."""
    from_there = [held for held in fitting if held.associated_ipaddr == record.associated_ipaddr]
    fitting = from_there or fitting
    still_open = [held for held in fitting if held.end_kind == END_UNKNOWN]
    found = still_open or fitting[-1:]
    return Ended(found, is_unclear=len({held.line for held in found}) > 1)
