# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of one pass agree with those of a search that looks at every session for every question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._addresses import Address, parse_address
from ansible_collections.secops.xdr.plugins.module_utils._sessions import questions as questions_module
from ansible_collections.secops.xdr.plugins.module_utils._sessions.options import Asked
from ansible_collections.secops.xdr.plugins.module_utils._sessions.questions import SessionQuestions
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.rows import Session, block_of

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

if TYPE_CHECKING:
    from collections.abc import Sequence


def address(text: str) -> Address:
    found = parse_address(text)
    assert found
    return found


ADDRESSES = [address("10.8.0.3"), address("10.8.0.4"), address("fd00::3")]
OUTSIDE = address("203.0.113.7")
TIMES = st.integers(0, 40)


@st.composite
def logs(draw: st.DrawFn) -> list[Session]:
    """Sessions in any order, some without an end, overlapping, twice, or of no length."""
    rows = draw(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(ADDRESSES), TIMES, st.none() | st.integers(0, 15)), max_size=25))
    return [
        Session(line, user, ipaddr, OUTSIDE, start, None if length is None else start + length)
        for line, (user, ipaddr, start, length) in enumerate(rows, start=1)
    ]


def brute_force(sessions: Sequence[Session], asked: Asked, log_end: int) -> set[tuple[object, ...]]:
    """The rules of the documentation, word by word."""
    own = [session for session in sessions if session.ipaddr == asked.ipaddr]
    found = set()
    for session in own:
        if session.end is None:
            given_out_again = [other.start for other in own if other.start > session.start]
            until = min([*given_out_again, log_end + 1]) - 1
        else:
            until = session.end
        if session.start <= asked.at <= until:
            found.add(session[1:])
    return found


@hypothesis.settings(max_examples=500)
@hypothesis.given(sessions=logs(), asked=st.lists(st.builds(Asked, st.sampled_from(ADDRESSES), TIMES), min_size=1, max_size=20), cut=TIMES)
def test_answers_agree_with_brute_force(sessions: list[Session], asked: list[Asked], cut: int):
    log_end = max([cut, *[session.start for session in sessions], *[session.end or 0 for session in sessions]])
    questions = SessionQuestions(asked)
    for place in range(0, len(sessions), 7):
        questions.look_at(block_of(sessions[place : place + 7]))
    for place, answer in enumerate(questions.answers(log_end)):
        question = asked[place]
        expected = brute_force(sessions, question, log_end)
        if answer.reason == questions_module.AFTER_LOG_END:
            assert question.at > log_end
            assert not expected
            continue
        assert {session[1:] for session in answer.candidates} == expected
        assert len(answer.candidates) == len(expected)
        assert (answer.session[1:] if answer.session else None) == (next(iter(expected)) if len(expected) == 1 else None)
        assert (answer.reason == questions_module.AMBIGUOUS) == (len(expected) > 1)
        is_known = any(session.ipaddr == question.ipaddr for session in sessions)
        assert (answer.reason == questions_module.UNKNOWN_ADDRESS) == (not is_known)


def test_what_is_kept_grows_with_the_questions_and_not_with_the_log():
    asked = [Asked(ADDRESSES[0], at) for at in (1000, 2000)]
    questions = SessionQuestions(asked)
    for start in range(0, 100_000, 100):
        moments = [at % 3000 for at in range(start, start + 100)]
        rows = [Session(at, "a", ADDRESSES[at % 2], OUTSIDE, at, None if at % 3 else at + 5) for at in moments]
        questions.look_at(block_of(rows))
    own = questions._by_address[ADDRESSES[0].text]
    assert len(own._slots) <= len(asked)
    assert sum(len(candidates) for candidates in own._ended.values()) <= questions_module.MAX_CANDIDATES * len(asked)
