# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Who had an address at a time: many questions, answered in one pass over the log.

A session with a known end covers its start, its end and what is between. One without lasts until a session of the same address begins,
whoever that belongs to and wherever in the log it stands, or until the end of the log. So only two things are kept of the log: for
each question the sessions with a known end that cover it, and between two questions about one address the session that began last.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import compress, count
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._vpn_log.rows import Session, SessionBlock
    from .options import Asked

UNKNOWN_ADDRESS = "unknown_address"
"""The log has no session with this address."""
NOT_HELD = "not_held"
"""It has, but none at this time."""
AFTER_LOG_END = "after_log_end"
"""The last session with this address has no known end, and the log ends before this time."""
AMBIGUOUS = "ambiguous"
"""More than one session had the address, by what the log says."""
MAX_CANDIDATES = 100
"""Of one question. An address has one holder in a sound log, or two where clocks differ."""

_TEXT = attrgetter("text")


class Answer(NamedTuple):
    """The session that had the address, or None and why not; and all sessions that may have had it."""

    session: Session | None
    candidates: list[Session]
    reason: str | None


class _Slot:
    """The time after one question about an address, up to and with the next one: what began last in it."""

    def __init__(self) -> None:
        self.start = -1
        self.endless: list[Session] = []


class _AddressQuestions:
    """The questions about one address, in the order of their times."""

    def __init__(self, times: Sequence[int]) -> None:
        self.times = sorted(set(times))
        self.is_known = False
        self._slots: dict[int, _Slot] = {}
        self._ended: dict[int, list[Session]] = {}
        self._begun: list[int] | None = None

    def look_at(self, block: SessionBlock, place: int) -> None:
        self.is_known = True
        start, end = block.starts[place], block.ends[place]
        first = bisect_left(self.times, start)
        if first == len(self.times):
            return
        slot = self._slots.get(first)
        if slot is None:
            slot = self._slots[first] = _Slot()
        if start > slot.start:
            slot.start, slot.endless = start, []
        if end is None:
            if start == slot.start:
                _add(slot.endless, block.session(place))
            return
        last = bisect_right(self.times, end)
        if first < last:
            session = block.session(place)
            for covered in range(first, last):
                _add(self._ended.setdefault(covered, []), session)

    def answer(self, at: int, log_end: int) -> Answer:
        place = bisect_left(self.times, at)
        ended = self._ended.get(place, [])
        endless = self._endless_at(place)
        # A log that has ended while a session goes on says nothing about what came after.
        held = sorted(ended + endless if at <= log_end else ended, key=attrgetter("start", "line"))
        if len(held) == 1:
            return Answer(held[0], held, None)
        if held:
            return Answer(None, held, AMBIGUOUS)
        if endless:
            return Answer(None, endless, AFTER_LOG_END)
        return Answer(None, [], NOT_HELD if self.is_known else UNKNOWN_ADDRESS)

    def _endless_at(self, place: int) -> list[Session]:
        """The sessions without an end among those that began last, up to a question."""
        if self._begun is None:
            self._begun = sorted(self._slots)
        slots_before = bisect_right(self._begun, place)
        return self._slots[self._begun[slots_before - 1]].endless if slots_before else []


class SessionQuestions:
    """Questions, and what has been seen of the log so far."""

    def __init__(self, questions: Sequence[Asked]) -> None:
        self._questions = questions
        times: dict[str, list[int]] = {}
        for question in questions:
            times.setdefault(question.ipaddr.text, []).append(question.at)
        self._by_address = {text: _AddressQuestions(moments) for text, moments in times.items()}

    def look_at(self, block: SessionBlock) -> None:
        """Takes a block of the log into account."""
        texts = list(map(_TEXT, block.ipaddrs))
        for place in compress(count(), map(self._by_address.__contains__, texts)):
            self._by_address[texts[place]].look_at(block, place)

    def answers(self, log_end: int) -> list[Answer]:
        """One for each question, in their order; C(log_end) in epoch milliseconds."""
        return [self._by_address[question.ipaddr.text].answer(question.at, log_end) for question in self._questions]


def _add(candidates: list[Session], session: Session) -> None:
    """Adds a session, once however often it stands in the log."""
    if len(candidates) < MAX_CANDIDATES and all(session[1:] != known[1:] for known in candidates):
        candidates.append(session)
