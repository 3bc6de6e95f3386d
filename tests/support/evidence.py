# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short ways to write the rows of a log as records, and to ask who had an address. Times are minutes after midnight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.secops.xdr.plugins.module_utils._sessions.evidence import ClaimFilter, MemoryEvidence
from ansible_collections.secops.xdr.plugins.module_utils._sessions.log_reading import Before, LogReading
from ansible_collections.secops.xdr.plugins.module_utils._sessions.model import CoverageSpan, LogFacts
from ansible_collections.secops.xdr.plugins.module_utils._sessions.questions import Answer, Question, Rules, answers, window
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import (
    ALIVE,
    END,
    REJECTED,
    RESTART,
    SNAPSHOT,
    START,
    Record,
    RecordBlock,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ansible_collections.secops.xdr.plugins.module_utils._times.zones import Zone

MIDNIGHT = 1_717_113_600_000
"""2024-05-31T00:00:00Z"""
X = "10.8.0.5"
Y = "10.8.0.6"
HOME = {"ann": "203.0.113.1", "bob": "203.0.113.2", "cem": "203.0.113.3"}
RULES = Rules(tolerance=30_000, longest_session=24 * 3_600_000)
MONTH_LATER = 31 * 24 * 60


def at(minutes: float) -> int:
    """Minutes after midnight as epoch milliseconds."""
    return MIDNIGHT + round(minutes * 60_000)


def start(time: float, user: str, ipaddr: str | None = X, *, end: float | None = None, **fields: Any) -> Record:
    """A row that assigns an address."""
    values = {"associated_ipaddr": HOME.get(user.casefold(), "203.0.113.9"), "end": None if end is None else at(end), **fields}
    return Record(0, START, username=user, ipaddr=ipaddr, time=at(time), **values)


def alive(time: float, user: str, ipaddr: str | None = X, *, since: float | None = None, **fields: Any) -> Record:
    """A sign of life."""
    values = {"associated_ipaddr": HOME.get(user.casefold(), "203.0.113.9"), **fields}
    return Record(0, ALIVE, username=user, ipaddr=ipaddr, time=at(time), start=None if since is None else at(since), **values)


def end(time: float, user: str, ipaddr: str | None = X, *, since: float | None = None, **fields: Any) -> Record:
    """The end of a session."""
    values = {"associated_ipaddr": HOME.get(user.casefold(), "203.0.113.9"), "reason": "session_end", **fields}
    return Record(0, END, username=user, ipaddr=ipaddr, time=at(time), start=None if since is None else at(since), **values)


def rejected(time: float | None = None, ipaddr: str | None = None) -> Record:
    """A row that cannot be read."""
    return Record(0, REJECTED, "it is cut off", ipaddr=ipaddr, time=None if time is None else at(time))


def restart(time: float, session: str | None = None) -> Record:
    """The gateway ended all sessions."""
    return Record(0, RESTART, "other_message", time=at(time), session=session)


def snapshot(time: float) -> Record:
    """A snapshot begins."""
    return Record(0, SNAPSHOT, "other_message", time=at(time))


def other(time: float) -> Record:
    """A row about something else."""
    return Record(0, "skipped", "other_message", time=at(time))


def numbered(rows: Iterable[Record]) -> list[Record]:
    """The rows with their lines."""
    return [row._replace(line=line) for line, row in enumerate(rows, start=1)]


def asked(
    rows: Sequence[Record],
    questions: Sequence[tuple[str, float]],
    *,
    log_format: str = "cisco_asa",
    modified: float = MONTH_LATER,
    complete_until: float | None = None,
    rules: Rules = RULES,
    zone: Zone | None = None,
) -> list[Answer]:
    """The answers to questions about one log."""
    questions_asked = [Question(ipaddr, at(time)) for ipaddr, time in questions]
    memory = MemoryEvidence([window(one, rules) for one in questions_asked], ClaimFilter())
    log = LogFacts("", "", at(modified), rules.tolerance, zone)
    reading = LogReading(log, log_format, Before())
    for fact in reading.facts([RecordBlock(others=numbered(rows))]):
        if isinstance(fact, CoverageSpan) and complete_until is not None:
            fact = CoverageSpan(fact.gateway, fact.since, at(complete_until))
        memory.add(fact)
    for claim in reading.open_claims:
        memory.add(claim)
    return list(answers(memory, questions_asked, rules))


def said(answer: Answer) -> str:
    """The user in lower case, or the reason."""
    return answer.session.user if answer.session else str(answer.reason)


def who(rows: Sequence[Record], time: float, ipaddr: str = X, **options: Any) -> str:
    """Who had the address, or why nobody is named."""
    return said(asked(rows, [(ipaddr, time)], **options)[0])
