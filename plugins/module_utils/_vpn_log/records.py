# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Records: what every log reader returns, whatever the format. One record for each row or message of the log.

Readers only report the content of each row. They do not pair starts with ends and do not decide what is uploaded or who is named.
Uploads use the records that carry both addresses; sessions use all of them, because a row that cannot be uploaded may still take an
address away from its last holder.

Times are epoch milliseconds. Addresses are canonical text, as `parse_address(...).text` returns it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START = "start"
"""An address was assigned. Also used if the user or the outside address is missing, unreadable or refused."""
ALIVE = "alive"
"""A session continues: a sign of life, or a client in a snapshot."""
END = "end"
"""A session has ended. Without `ipaddr`, the session is found by its user, outside address or key."""
SNAPSHOT = "snapshot"
"""A snapshot begins here and shows who is connected at `time`. The ALIVE records up to the next SNAPSHOT belong to it."""
RESTART = "restart"
"""The gateway ended all its sessions at `time` (for example RADIUS Accounting-On)."""
SKIPPED = "skipped"
"""The row is valid and does not assign or end an address.

If `ipaddr` is set, the row is about this address in an unknown way, so the holder is doubtful afterwards.
"""
REJECTED = "rejected"
"""The row cannot be read. `time` and `ipaddr` are set as far as they could be read."""

NO_ADDRESS = "no_address"
"""Skipped: the row has no VPN address or no outside address, as failed logins do."""
FAILED_LOGIN = "failed_login"
"""Skipped: a login was refused."""
OTHER_SERVICE = "other_service"
"""Skipped: someone used a web page or portal of the gateway, which assigns no VPN address."""
OTHER_MESSAGE = "other_message"
"""Skipped: the line is about something other than a VPN session, or is a header."""
SESSION_END = "session_end"
"""Skipped: the row is the end of a session that another row began."""
SAME_SESSION = "same_session"
"""Skipped: the row is another sign of life of a session that another row began."""
UNFINISHED_LINE = "unfinished_line"
"""Skipped: the last line has no line end yet."""
NEVER_CONNECTED = "never_connected"
"""Skipped: the row is about a device that the gateway knows but has not seen yet."""


class Record(NamedTuple):
    """One row of a log.

    `reason` says why the row is not uploaded: the key of `counts.skipped`, or the text of a rejected row. It is None for a row that is
    uploaded, which is a START or ALIVE record with both addresses and a time.
    """

    line: int
    kind: str
    reason: str | None = None
    username: str = ""
    """Empty if the row names no user."""
    ipaddr: str | None = None
    associated_ipaddr: str | None = None
    time: int | None = None
    """The time of the row, or of the event in it. For START: when the address was assigned."""
    start: int | None = None
    """The start of the session, if the row contains it and it differs from `time`."""
    end: int | None = None
    """The end of the session, if a START row also has it (an export with durations)."""
    session: str | None = None
    """The gateway's key of the session, if it has one."""
    text: str = ""
    """The original text of a rejected row."""
    device: str = ""
    """The gateway that wrote the row, if known, in lower case: a log may contain rows of several gateways."""


@dataclass
class RecordBlock:
    """Consecutive rows of a log.

    Readers of tables return START records with both addresses as columns, because whole columns are processed ten times faster than
    single rows. All other records are in `others`, in the order of their lines. A reader may put all records there.
    """

    lines: Sequence[int] = field(default_factory=list)
    usernames: Sequence[str] = field(default_factory=list)
    ipaddrs: list[str] = field(default_factory=list)
    associated_ipaddrs: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: Sequence[int | None] = field(default_factory=list)
    packed: bytes = b""
    """Both addresses of each START record as in the ledger, row after row, if all are IPv4 and the reader has them anyway."""
    others: list[Record] = field(default_factory=list)

    @property
    def rows_read(self) -> int:
        """The number of rows."""
        return len(self.lines) + sum(not is_note(record) for record in self.others)

    @property
    def is_empty(self) -> bool:
        """True if there are no rows."""
        return not self.lines and not self.others

    def records(self) -> Iterator[Record]:
        """All records in the order of their lines."""
        return iter(sorted([*self.started(), *self.others], key=_line))

    def started(self) -> Iterator[Record]:
        """The START records with both addresses."""
        columns = zip(self.lines, self.usernames, self.ipaddrs, self.associated_ipaddrs, self.starts, self.ends)
        for line, username, ipaddr, associated_ipaddr, start, end in columns:
            yield Record(line, START, None, username, ipaddr, associated_ipaddr, start, None, end)


def is_observation(record: Record) -> bool:
    """True if the row can be uploaded: it has both addresses and a time."""
    return record.reason is None and record.kind in (START, ALIVE) and record.ipaddr is not None and record.associated_ipaddr is not None


def is_note(record: Record) -> bool:
    """True if the record is not a separate row: it adds to the previous record of the same line."""
    return record.kind == ALIVE and record.time is None and record.reason is not None


def is_skipped(record: Record) -> bool:
    """True if the row is valid but not an observation: its reason is a key of `counts.skipped`. Reasons of rejected rows are sentences."""
    return record.kind != REJECTED and record.reason is not None and record.reason.isidentifier()


def _line(record: Record) -> int:
    return record.line
