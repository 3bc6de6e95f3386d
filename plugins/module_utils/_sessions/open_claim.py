# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Claims that are being read and may still change."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from .model import DAMAGED_USER, END_LOGGED, END_PROVEN, END_TAKEN, END_UNKNOWN, NO_OUTSIDE_ADDRESS, NO_USER, UNUSABLE, AddressClaim

if TYPE_CHECKING:
    from .._vpn_log.records import Record
    from .model import Timed

    Place = tuple[str, str]
    """A gateway (empty if the rows name none) and a VPN address."""

_REPLACEMENT = "\ufffd"
_RESIDUE = re.compile(r"#0[0-3][0-7]|[\x00-\x1f\x7f]")
"""Replacements of control characters by collectors: two messages may have become one."""
_MASK = "*"
_NOBODY = frozenset(
    {"-", "(null)", "<null>", "null", "none", "n/a", "undef", "undefined", "unknown", "<unknown>", "(unknown)", "anonymous"}
)
"""The texts that gateways write if there is no name."""
AGAIN_MS = 300_000
"""Maximum time between two rows about the same end."""
_KEEPS_THE_ADDRESS = frozenset({"same_session", "session_end"})
"""The reasons for skipping a row of a session that another row began."""


class OpenClaim:
    """A claim that is being read. Fields as in `AddressClaim`."""

    __slots__ = (
        "alive",
        "associated_ipaddr",
        "device",
        "end",
        "end_kind",
        "flaw",
        "ipaddr",
        "is_new",
        "is_snapshot",
        "line",
        "session",
        "start",
        "starts_unknown",
        "sure_until",
        "user",
        "username",
    )

    def __init__(self, ipaddr: str, username: str, start: int, line: int) -> None:
        self.ipaddr = ipaddr
        self.username = username
        self.user = username.casefold()
        self.start = start
        self.line = line
        self.associated_ipaddr = ""
        self.end: int | None = None
        self.end_kind = END_UNKNOWN
        self.alive = self.sure_until = start
        self.session = self.device = ""
        self.flaw = ""
        self.starts_unknown = self.is_snapshot = False
        self.is_new = True
        """False for a claim of the history that this log does not mention, so that it need not be kept again."""

    @classmethod
    def of(cls, record: Record, start: int, seen: int) -> OpenClaim:
        """Returns the claim of a row that was written at `seen`."""
        claim = cls(record.ipaddr or "", record.username, start, record.line)
        claim.associated_ipaddr = record.associated_ipaddr or ""
        claim.alive = claim.sure_until = max(start, seen)
        claim.session = record.session or ""
        claim.device = record.device
        claim.flaw = flaw_of(record)
        return claim

    @classmethod
    def again(cls, claim: AddressClaim, *, is_kept: bool) -> OpenClaim:
        """Returns a claim that an earlier log left open, to continue it."""
        opened = cls(claim.ipaddr, claim.username, claim.start, claim.line)
        opened.associated_ipaddr, opened.session, opened.flaw = claim.associated_ipaddr, claim.session, claim.flaw
        opened.device = claim.device
        opened.alive, opened.sure_until, opened.is_snapshot = claim.alive, claim.sure_until, claim.is_snapshot
        opened.is_new = not is_kept
        return opened

    def claim(self, gateway: str) -> AddressClaim:
        """The claim as it is now."""
        return AddressClaim(
            gateway=gateway,
            ipaddr=self.ipaddr,
            username=self.username,
            associated_ipaddr=self.associated_ipaddr,
            start=self.start,
            end=self.end,
            end_kind=self.end_kind,
            alive=self.alive,
            sure_until=self.sure_until,
            line=self.line,
            session=self.session,
            device=self.device,
            flaw=self.flaw,
            starts_unknown=self.starts_unknown,
            is_snapshot=self.is_snapshot,
        )

    @property
    def is_plain(self) -> bool:
        """True if it is open and nothing but a row of a table that has both addresses."""
        is_bare = not (self.session or self.device or self.is_snapshot or self.starts_unknown) and self.end_kind == END_UNKNOWN
        return is_bare and self.is_new and self.start == self.alive == self.sure_until and self.flaw == flaw_of_name(self.username)

    @property
    def place(self) -> Place:
        """The gateway and address of the claim: several gateways in one log may assign the same address."""
        return self.device, self.ipaddr

    def is_of_device(self, device: str) -> bool:
        """True unless another gateway wrote the row."""
        return not (device and self.device) or self.device == device

    def has_key(self, session: str | None) -> bool:
        """True if the gateway's key of the session is known and equals this key."""
        return bool(session) and self.session == session

    @property
    def has_known_end(self) -> bool:
        """True if a row ends it."""
        return self.end_kind in (END_LOGGED, END_PROVEN)

    def is_user_of(self, record: Record) -> bool:
        """True if the row is about the same user; for a row without a user, if the session's key matches."""
        return self.user == record.username.casefold() if record.username and self.user else self.has_key(record.session)

    def is_session_of(self, record: Record) -> bool:
        """True if there is no evidence that the row is about another session."""
        return not (record.session and self.session) or self.has_key(record.session)

    def is_same_session(self, new: OpenClaim) -> bool:
        """True if this start repeats the start of the claim."""
        return self.user == new.user and bool(self.user) and (self.start == new.start or self.has_key(new.session))

    def add(self, new: OpenClaim) -> None:
        """Adds the facts of another row of the same session."""
        self.seen(new.alive, proves_it=True)
        if self.flaw and not new.flaw:
            self.flaw, self.associated_ipaddr = "", new.associated_ipaddr

    def add_outside(self, record: Record) -> None:
        """Adds the outside address, if earlier rows had none."""
        if self.flaw == NO_OUTSIDE_ADDRESS and record.associated_ipaddr and not flaw_of(record):
            self.flaw, self.associated_ipaddr = "", record.associated_ipaddr

    def seen(self, time: int, *, proves_it: bool = False) -> None:
        """A sign of life; `proves_it` says that the session was never interrupted."""
        self.is_new = True
        self.alive = max(self.alive, time)
        if proves_it:
            self.sure_until = max(self.sure_until, time)


class Ended(NamedTuple):
    """The claims that an end may be about."""

    claims: list[OpenClaim]
    is_unclear: bool = False
    """True if it is not known which of them ended."""
    may_be_another: bool = False
    """True if an unknown session may have ended instead."""


class Unread:
    """Consecutive rows that cannot be read."""

    def __init__(self, line: int, since: int, until: int, words: str) -> None:
        self.line = line
        self.since = since
        self.until = until
        self._words = words
        self._last = line

    def add(self, row: Timed) -> None:
        self.since = min(self.since, row.at)
        self.until = max(self.until, row.latest)
        self._last = max(self._last, row.record.line)

    def text(self) -> str:
        return f"{self._words}, and more rows up to line {self._last}" if self._last > self.line else self._words


def flaw_of(record: Record) -> str:
    """Returns the flaw of a row that takes an address; empty if the row can be used."""
    flaw = flaw_of_name(record.username)
    if flaw:
        return flaw
    if record.associated_ipaddr is None:
        return NO_OUTSIDE_ADDRESS
    return UNUSABLE if record.reason is not None and record.reason not in _KEEPS_THE_ADDRESS else ""


@lru_cache(maxsize=50_000)
def flaw_of_name(username: str) -> str:
    """The flaw of a name; empty if it can be used."""
    name = username.strip()
    if not name.strip(_MASK + "\"'?") or name.casefold() in _NOBODY:
        return NO_USER
    return DAMAGED_USER if _REPLACEMENT in name or _RESIDUE.search(name) else ""


def may_end(held: OpenClaim, time: int) -> bool:
    """True if a row at this time can be the end of the claim."""
    if held.end_kind in (END_UNKNOWN, END_TAKEN) or held.end is None:
        return True
    return abs(time - held.end) <= AGAIN_MS


def by_outside(fitting: list[OpenClaim], record: Record) -> Ended:
    """Finds the claim by the outside address. Roaming users may end a session from another address."""
    from_there = [held for held in fitting if held.associated_ipaddr == record.associated_ipaddr]
    fitting = from_there or fitting
    still_open = [held for held in fitting if held.end_kind == END_UNKNOWN]
    found = still_open or fitting[-1:]
    return Ended(found, is_unclear=len({held.line for held in found}) > 1)
