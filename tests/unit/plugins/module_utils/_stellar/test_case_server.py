# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of cases while cases come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import AnswerError
from ansible_collections.secops.xdr.plugins.module_utils._stellar.case_server import CaseList
from ansible_collections.secops.xdr.plugins.module_utils._stellar.cases import CasePage, StoredCase
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.secops.xdr.plugins.module_utils._stellar.cases import CaseCalls


class Calls:
    """A server whose cases come and go between its answers. `changes` are the cases that come (positive) or go (negative) after each."""

    def __init__(self, count: int, changes: list[int], cap: int = 500) -> None:
        self.held = [str(number) for number in range(count)]
        self.kept = set(self.held)
        self._changes = list(changes)
        self._cap = cap

    def page(self, arguments: Mapping[str, str]) -> CasePage:
        """One page, newest first."""
        skip, limit = int(arguments["skip"]), min(int(arguments["limit"]), self._cap)
        newest_first = self.held[::-1]
        answer = CasePage([StoredCase(one, None, {}) for one in newest_first[skip : skip + limit]], len(self.held))
        change = self._changes.pop(0) if self._changes else 0
        self.held += [f"new {len(self._changes)} {number}" for number in range(change)]
        gone = self.held[: max(-change, 0)]
        self.held = self.held[len(gone) :]
        self.kept -= set(gone)
        return answer


def read(calls: Calls, size: int) -> tuple[list[str], CaseList]:
    """The IDs that a list gives."""
    cases = CaseList(cast("CaseCalls", calls), {}, size)
    return [case.id for case in cases.cases()], cases


@given(st.integers(0, 40), st.integers(1, 12), st.lists(st.integers(0, 3), max_size=6), st.integers(1, 12))
def test_cases_that_come_hide_none_that_were_there(count: int, size: int, changes: list[int], cap: int):
    calls = Calls(count, changes, cap)
    try:
        found, _cases = read(calls, size)
    except AnswerError:
        # More cases came than pages were read: nothing is given rather than a part.
        assert any(changes)
        return
    assert len(found) == len(set(found))
    assert calls.kept <= set(found)


def test_one_case_that_comes_between_two_pages_is_no_error():
    found, cases = read(Calls(25, [1]), 10)

    assert set(found) == {*map(str, range(25)), "new 0 0"}
    assert cases.has_moved


def test_cases_that_go_are_noticed():
    _found, cases = read(Calls(30, [-2]), 10)

    assert cases.has_moved


class Uncounted(Calls):
    """Does not say how many there are."""

    def page(self, arguments: Mapping[str, str]) -> CasePage:
        """One page without a total."""
        return CasePage(super().page(arguments).cases, None)


class Stuck(Uncounted):
    """Gives the first page again and again."""

    def page(self, arguments: Mapping[str, str]) -> CasePage:
        """The first page."""
        return super().page({**arguments, "skip": "0"})


def test_a_server_without_a_total_is_read_to_its_end():
    assert len(read(Uncounted(25, []), 10)[0]) == 25


def test_a_server_without_a_total_that_does_not_page_is_an_error():
    with pytest.raises(AnswerError, match="does not page"):
        read(Stuck(25, []), 10)


def test_no_page_is_asked_for_that_nobody_needs():
    class Counting(Calls):
        """Counts its answers."""

        asked = 0

        def page(self, arguments: Mapping[str, Any]) -> CasePage:
            """One page."""
            self.asked += 1
            return super().page(arguments)

    calls = Counting(100, [])
    cases = CaseList(cast("CaseCalls", calls), {}, 10).cases()
    assert [next(cases).id for _case in range(10)] == [str(number) for number in range(99, 89, -1)]
    assert calls.asked == 1
