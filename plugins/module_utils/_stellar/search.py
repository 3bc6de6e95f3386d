# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Searches that go past one page, and past the window that one search can reach."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from .._errors import AnswerError, RequestError, StatusError, XdrError
from .client import MAX_RESULT_WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .answers import SearchPage, StoredEvent
    from .client import StellarClient

_ATTEMPTS = 3
_REPEATED = 1000
"""Events that may come twice before it is sure that a scroll does not move on."""
_NO_SCROLLING = (400, 404, 405, 501)


class EventSearch:
    """One search. C(total) is known once its first event was asked for."""

    def __init__(self, client: StellarClient, pattern: str, query: str, *, size: int, sort: Sequence[str] = ()) -> None:
        self.total = 0
        self.total_is_exact = True
        self._client = client
        self._pattern = pattern
        self._query = query
        self._size = size
        self._sort = sort

    def events(self, limit: int | None = None) -> Iterator[StoredEvent]:
        """The events that match, in order, each once."""
        size = self._size if limit is None else min(self._size, limit)
        page = self._counted(self._client.search(self._pattern, self._query, size=size, sort=self._sort))
        if len(page.events) < size or size == limit or (page.total_is_exact and page.total <= size):
            return iter(page.events)
        return islice(self._past_one_page(page), limit)

    def _past_one_page(self, first: SearchPage) -> Iterator[StoredEvent]:
        """A scroll keeps the state of its beginning, so what is written meanwhile moves no event to another page."""
        seen: set[tuple[str, str]] = set()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                opened = self._client.search(self._pattern, self._query, size=self._size, sort=self._sort, scrolls=True)
            except StatusError as error:
                if error.status not in _NO_SCROLLING:
                    raise
                yield from self._by_window(first, seen)
                return
            try:
                yield from self._scrolled(opened, seen)
                return
            except RequestError as error:
                # A page got lost. Only from the beginning is it certain that none is skipped.
                if not error.outcome_unknown or attempt == _ATTEMPTS:
                    raise

    def _scrolled(self, page: SearchPage, seen: set[tuple[str, str]]) -> Iterator[StoredEvent]:
        passed = 0
        self._counted(page)
        while page.events:
            passed += len(page.events)
            yield from _not_seen(page, seen)
            if page.scroll_id is None or (self.total_is_exact and passed >= self.total):
                break
            if passed > 2 * len(seen) + _REPEATED:
                raise AnswerError(f"The search gave the same {len(seen)} events again and again, so it would never end. Run again.")
            page = self._client.next_page(page.scroll_id)
        if self.total_is_exact and passed < self.total:
            raise AnswerError(
                f"The search said that {self.total} events match, and ended after {passed}. Run again; if it stays so, narrow it."
            )
        self.total, self.total_is_exact = passed, True

    def _by_window(self, page: SearchPage, seen: set[tuple[str, str]]) -> Iterator[StoredEvent]:
        start = 0
        while page.events:
            yield from _not_seen(page, seen)
            start += len(page.events)
            size = min(self._size, MAX_RESULT_WINDOW - start)
            if page.total_is_exact and start >= page.total:
                return
            if size < 1:
                raise XdrError(
                    f"More than {MAX_RESULT_WINDOW} events match, which is as far as a search reaches, and this server does not scroll. "
                    "Lower `limit`, or narrow the search (`since`, `until`)."
                )
            page = self._counted(self._client.search(self._pattern, self._query, size=size, start=start, sort=self._sort))

    def _counted(self, page: SearchPage) -> SearchPage:
        self.total, self.total_is_exact = page.total, page.total_is_exact
        return page


def _not_seen(page: SearchPage, seen: set[tuple[str, str]]) -> Iterator[StoredEvent]:
    for event in page.events:
        name = (event.index, event.id)
        if name not in seen:
            seen.add(name)
            yield event
