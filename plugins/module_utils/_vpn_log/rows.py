# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What every reader of VPN logs hands out, whatever the format: sessions, and rows that are none, with the reason.

They come in blocks, and in a block by column, because that is how millions of rows can be gone through quickly in plain Python:
what is done with a whole column at once costs a tenth of what it costs row by row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import filterfalse, islice
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, Union

from .._addresses import parse_address
from .records import REJECTED, SKIPPED, Record, RecordBlock, is_note, is_observation, is_skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .._addresses import Address

NO_ADDRESS = "no_address"
"""Skipped: the row has no VPN address or no outside address, as failed logins do."""
FAILED_LOGIN = "failed_login"
"""Skipped: the row says itself that someone was not let in."""
OTHER_SERVICE = "other_service"
"""Skipped: someone used a web page or portal of the gateway, which gives out no VPN address."""
OTHER_MESSAGE = "other_message"
"""Skipped: the line is about something else than a VPN session, or a heading."""
SESSION_END = "session_end"
"""Skipped: the row is the end of a session that another row began."""
SAME_SESSION = "same_session"
"""Skipped: the row is a further sign of life of a session that another row began."""
NEVER_CONNECTED = "never_connected"
"""Skipped: the row is about a device that is known to the gateway and was not seen yet."""
ROWS_A_BLOCK = 4000


class Session(NamedTuple):
    """Someone outside held an address inside. Times are epoch milliseconds; C(end) is None where the log does not tell."""

    line: int
    username: str
    ipaddr: Address
    associated_ipaddr: Address
    start: int
    end: int | None


class Skipped(NamedTuple):
    """A well-formed row that is not about a session with both addresses."""

    line: int
    reason: str


class Rejected(NamedTuple):
    """A row that cannot be understood. C(text) is the row as it stands in the log, for the list of rejects."""

    line: int
    reason: str
    text: str


Row = Union[Session, Skipped, Rejected]


@dataclass
class SessionBlock:
    """Some consecutive rows of a log: its sessions by column, and what is no session, in the order of their lines."""

    lines: list[int] = field(default_factory=list)
    usernames: list[str] = field(default_factory=list)
    ipaddrs: list[Address] = field(default_factory=list)
    associated_ipaddrs: list[Address] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int | None] = field(default_factory=list)
    others: list[Skipped | Rejected] = field(default_factory=list)

    def __len__(self) -> int:
        """The number of sessions."""
        return len(self.lines)

    @property
    def rows_read(self) -> int:
        """The number of rows, whatever became of them."""
        return len(self.lines) + len(self.others)

    def sessions(self) -> Iterator[Session]:
        """The sessions one by one."""
        return map(Session, self.lines, self.usernames, self.ipaddrs, self.associated_ipaddrs, self.starts, self.ends)

    def session(self, place: int) -> Session:
        """One of the sessions, counted from 0."""
        return Session(
            self.lines[place],
            self.usernames[place],
            self.ipaddrs[place],
            self.associated_ipaddrs[place],
            self.starts[place],
            self.ends[place],
        )


def as_records(block: SessionBlock) -> RecordBlock:
    """The rows of a block as records."""
    others = [
        Record(row.line, REJECTED, row.reason, text=row.text) if isinstance(row, Rejected) else Record(row.line, SKIPPED, row.reason)
        for row in block.others
    ]
    ipaddrs, associated_ipaddrs = [one.text for one in block.ipaddrs], [one.text for one in block.associated_ipaddrs]
    return RecordBlock(block.lines, block.usernames, ipaddrs, associated_ipaddrs, block.starts, block.ends, others=others)


def as_sessions(block: RecordBlock) -> SessionBlock:
    """The rows of a block of records, for code that pairs sessions."""
    if any(map(is_observation, block.others)):
        return block_of(list(map(row_of, filterfalse(is_note, block.records()))))
    others: list[Skipped | Rejected] = list(map(_other_row_of, filterfalse(is_note, block.others)))
    ipaddrs, associated_ipaddrs = [_parsed(text) for text in block.ipaddrs], [_parsed(text) for text in block.associated_ipaddrs]
    return SessionBlock(list(block.lines), list(block.usernames), ipaddrs, associated_ipaddrs, block.starts, list(block.ends), others)


def row_of(record: Record) -> Row:
    """A record as a row."""
    if not is_observation(record):
        return _other_row_of(record)
    since = record.time if record.start is None else record.start
    return Session(record.line, record.username, _parsed(record.ipaddr), _parsed(record.associated_ipaddr), since or 0, record.end)


def _other_row_of(record: Record) -> Skipped | Rejected:
    if is_skipped(record):
        return Skipped(record.line, str(record.reason))
    return Rejected(record.line, str(record.reason), record.text)


def _parsed(text: str | None) -> Address:
    address = parse_address(text or "")
    if address is None:
        raise ValueError(text)
    return address


def in_blocks(rows: Iterable[Row]) -> Iterator[SessionBlock]:
    """Rows of a reader that makes them one by one, put together to blocks."""
    waiting = iter(rows)
    while True:
        taken = list(islice(waiting, ROWS_A_BLOCK))
        if not taken:
            return
        yield block_of(taken)


def block_of(rows: Sequence[Row]) -> SessionBlock:
    """A block from its rows."""
    sessions = [row for row in rows if isinstance(row, Session)]
    others: list[Skipped | Rejected] = [row for row in rows if not isinstance(row, Session)] if len(sessions) < len(rows) else []
    others.sort(key=attrgetter("line"))
    if not sessions:
        return SessionBlock(others=others)
    lines, usernames, ipaddrs, associated_ipaddrs, starts, ends = zip(*sessions)
    return SessionBlock(list(lines), list(usernames), list(ipaddrs), list(associated_ipaddrs), list(starts), list(ends), others)
