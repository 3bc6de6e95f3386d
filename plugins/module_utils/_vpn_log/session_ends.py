# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Ends of sessions that stand in rows of their own, brought together with the beginnings.

A session is held back until its end is found, its address is given to somebody else, or the log ends. So memory grows with the
sessions that are on at one time, never with the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Union

from .._addresses import parse_address
from .._times.timestamps import EARLIEST_MS
from .records import END, is_note
from .rows import (
    SAME_SESSION,
    SESSION_END,
    Session,
    Skipped,
    block_of,
    in_blocks,
    row_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .._addresses import Address
    from .records import Record, RecordBlock
    from .rows import Row, SessionBlock

MAX_OPEN_SESSIONS = 50_000
"""More than any gateway serves at once. Beyond, the session that began first is handed out without an end."""
_LONGEST_NAME = 1000
"""In characters. A session with a longer one, which is no name, is not held back."""
_TOLERANCE_MS = 3_900_000
"""How far beginning, end and duration may be apart: minutes between login and address, and the hour in which clocks go back."""


class SessionEnd(NamedTuple):
    """A row that says that a session is over. C(end) in epoch milliseconds, C(duration) in milliseconds or None if not told.

    C(ipaddr) is None where the row does not tell the VPN address; the session is found by its user and outside address then.
    """

    line: int
    username: str
    ipaddr: Address | None
    associated_ipaddr: Address | None
    end: int
    duration: int | None


LoggedRow = Union["Row", SessionEnd]


def with_ends(blocks: Iterable[Iterable[LoggedRow]], *, of_events: bool) -> Iterator[SessionBlock]:
    """Sessions with their ends.

    C(of_events) is for logs that tell a session by several events: a second beginning for the same user and addresses is a sign of
    life then, and an end without a beginning may be a second one. Elsewhere, such an end tells of a session before the log.
    """
    open_sessions = OpenSessions(of_events=of_events)
    for rows in blocks:
        complete: list[Row] = []
        for row in rows:
            if isinstance(row, Session) and len(row.username) > _LONGEST_NAME:
                complete.append(row)
            elif isinstance(row, Session):
                before = open_sessions.opened(row)
                if before is not None:
                    complete.append(before)
            elif isinstance(row, SessionEnd):
                closed = open_sessions.closed(row)
                complete.extend(closed)
                complete.append(Skipped(row.line, SESSION_END) if closed or of_events else _session_before_the_log(row))
            else:
                complete.append(row)
        yield block_of(complete)
    yield from in_blocks(open_sessions.all())


def as_logged_rows(block: RecordBlock) -> list[LoggedRow]:
    """The records of a block as sessions, ends and other rows."""
    return [
        _end_of(record) if record.kind == END and record.time is not None else row_of(record)
        for record in block.records()
        if not is_note(record)
    ]


def _end_of(record: Record) -> SessionEnd:
    end = record.time or 0
    duration = None if record.start is None else end - record.start
    ipaddr, associated_ipaddr = parse_address(record.ipaddr or ""), parse_address(record.associated_ipaddr or "")
    return SessionEnd(record.line, record.username, ipaddr, associated_ipaddr, end, duration)


class OpenSessions:
    """The sessions that have begun and not ended yet: one an address."""

    def __init__(self, *, of_events: bool) -> None:
        self._of_events = of_events
        self._by_address: dict[bytes, Session] = {}
        # Kept from the first end on.
        self._by_peer: dict[tuple[str, bytes], set[bytes]] | None = None

    def opened(self, session: Session) -> Session | Skipped | None:
        """Notes a beginning, and returns what is known to be complete by that."""
        place = session.ipaddr.packed
        known = self._by_address.pop(place, None)
        if known is None:
            self._note(place, session)
            return self._taken(next(iter(self._by_address))) if len(self._by_address) > MAX_OPEN_SESSIONS else None
        if self._of_events and known.start <= session.start and _peer(known) == _peer(session):
            self._by_address[place] = known
            return Skipped(session.line, SAME_SESSION)
        self._forget_peer(place, known)
        self._note(place, session)
        return known

    def closed(self, row: SessionEnd) -> list[Session]:
        """The session that this row ends, with its end; two for a client with an IPv4 and an IPv6 address, none if it is not known."""
        found = self._found(row)
        if found is None:
            return []
        # Only the peer's own sessions can be of the same line.
        ended = [session for session in self._of_peer(*_peer(found)) if session.line == found.line]
        for session in ended:
            self._taken(session.ipaddr.packed)
        return [session._replace(end=max(row.end, session.start)) for session in ended]

    def all(self) -> Iterator[Session]:
        """What is left: sessions without an end."""
        yield from self._by_address.values()

    def _found(self, row: SessionEnd) -> Session | None:
        if row.ipaddr is not None:
            named = self._by_address.get(row.ipaddr.packed)
            return named if named and _fits(named, row) else None
        if row.associated_ipaddr is None:
            return None
        fitting = [session for session in self._of_peer(row.username, row.associated_ipaddr.packed) if _fits(session, row)]
        if row.duration is None:
            return fitting[0] if len({session.line for session in fitting}) == 1 else None
        began = row.end - row.duration
        return min(fitting, key=lambda session: (abs(session.start - began), session.line), default=None)

    def _of_peer(self, username: str, outside: bytes) -> list[Session]:
        if self._by_peer is None:
            self._by_peer = {}
            for place, session in self._by_address.items():
                self._by_peer.setdefault(_peer(session), set()).add(place)
        return [self._by_address[place] for place in self._by_peer.get((username, outside), ())]

    def _note(self, place: bytes, session: Session) -> None:
        self._by_address[place] = session
        if self._by_peer is not None:
            self._by_peer.setdefault(_peer(session), set()).add(place)

    def _taken(self, place: bytes) -> Session:
        session = self._by_address.pop(place)
        self._forget_peer(place, session)
        return session

    def _forget_peer(self, place: bytes, session: Session) -> None:
        if self._by_peer is not None:
            places = self._by_peer[_peer(session)]
            places.discard(place)
            if not places:
                del self._by_peer[_peer(session)]


def _peer(session: Session) -> tuple[str, bytes]:
    return session.username, session.associated_ipaddr.packed


def _fits(session: Session, row: SessionEnd) -> bool:
    """An end belongs to the session of the same user that had begun by then, and no earlier than its duration tells."""
    if session.username != row.username or session.start > row.end + _TOLERANCE_MS:
        return False
    return row.duration is None or session.start >= row.end - row.duration - _TOLERANCE_MS


def _session_before_the_log(row: SessionEnd) -> Session | Skipped:
    """A session that began before the log does, as far as its end tells when and with which addresses."""
    if row.ipaddr is None or row.associated_ipaddr is None or row.duration is None or row.end - row.duration < EARLIEST_MS:
        return Skipped(row.line, SESSION_END)
    return Session(row.line, row.username, row.ipaddr, row.associated_ipaddr, row.end - row.duration, row.end)
