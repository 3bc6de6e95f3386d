# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Searches for any number of events. Each is returned once, and none is lost between two pages.

Later pages are requested with the sort values of the last event (`search_after`). On servers without it, pages are requested by number;
they overlap by one event, so that a gap is noticed. Beyond the window of such pages, a scroll is opened, and ended afterwards.
"""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING

from .._errors import AnswerError, RequestError, StatusError, XdrError
from .answers import require_whole
from .client import MAX_RESULT_WINDOW, SCROLL_LIFE

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from .answers import SearchPage, StoredEvent
    from .client import StellarClient

_ATTEMPTS = 3
_MAX_STEPS_BACK = 20
_REPEATED = 1000
"""Repeated events after which a search counts as stuck."""
_NOT_SUPPORTED = (400, 404, 405, 411, 413, 415, 422, 501)
_BUSY = (429, 500, 502, 503)
TIE_BREAKER = "_id:asc"


class EventSearch:
    """One search. `total` is known after the first event was requested.

    With `takes_parts`, a page from only a part of the index is accepted, and `gap` describes the missing part. Otherwise it
    raises PartialSearchError. `is_short` is true after a search that ended with fewer events than `total`.
    """

    def __init__(
        self, client: StellarClient, pattern: str, query: str, *, size: int, sort: Sequence[str] = (), takes_parts: bool = False
    ) -> None:
        self.total = 0
        self.total_is_exact = True
        self.gap = ""
        self.is_short = False
        self._client = client
        self._pattern = pattern
        self._query = query
        self._size = size
        self._sort = [*sort, TIE_BREAKER] if sort and not any(entry.startswith("_id") for entry in sort) else list(sort)
        self._takes_parts = takes_parts
        self._seen: set[tuple[str, str]] = set()

    def events(self, limit: int | None = None) -> Iterator[StoredEvent]:
        """Yields the events that match, in order, each once."""
        # Closed immediately instead of by garbage collection, because this ends an open scroll.
        with closing(self._all(limit)) as found:
            yield from islice(found, limit)

    def _all(self, limit: int | None) -> Generator[StoredEvent, None, None]:
        size = self._size if limit is None else min(self._size, limit)
        page = self._first_page(size)
        yield from self._new(page)
        if len(page.events) < size or size == limit or (page.total_is_exact and page.total <= size):
            return
        try:
            yield from self._after(page)
        except _NotSupportedError:
            if self.total_is_exact and self.total <= MAX_RESULT_WINDOW:
                yield from self._by_number()
            else:
                yield from self._scrolled()
        if self.total_is_exact:
            self.is_short = len(self._seen) < self.total
        else:
            self.total, self.total_is_exact = max(self.total if self.gap else 0, len(self._seen)), not self.gap

    def _first_page(self, size: int) -> SearchPage:
        try:
            return self._page(size=size)
        except StatusError as error:
            if error.status not in (400, 500) or TIE_BREAKER not in self._sort:
                raise
            # Some servers do not sort by id.
            self._sort.remove(TIE_BREAKER)
            return self._page(size=size)

    def _after(self, page: SearchPage) -> Iterator[StoredEvent]:
        """Yields the pages after the first, by the sort values of the last event; raises _NotSupportedError if that does not work."""
        while page.events:
            last = page.events[-1]
            # Without a tie-breaker, events with the same values as the last one would be skipped.
            if TIE_BREAKER not in self._sort or len(last.sort) != len(self._sort):
                raise _NotSupportedError
            try:
                page = self._page(size=self._size, after=last.sort)
            except StatusError as error:
                if error.status not in _NOT_SUPPORTED:
                    raise
                raise _NotSupportedError from error
            if page.events and (page.events[0].index, page.events[0].id) in self._seen:
                # The body of the request did not arrive, or the server ignored it.
                raise _NotSupportedError
            yield from self._new(page)
            if len(page.events) < self._size:
                return

    def _by_number(self, *, may_scroll: bool = True) -> Iterator[StoredEvent]:
        """Yields the rest by page numbers. Each page begins with a known event; otherwise events left the result meanwhile."""
        start = max(len(self._seen) - 1, 0)
        steps_back = 0
        while True:
            size = min(self._size, MAX_RESULT_WINDOW - start)
            if size < 2:
                if self.total_is_exact and len(self._seen) >= self.total:
                    return
                raise XdrError(
                    f"More than {MAX_RESULT_WINDOW} events match, which is as far as a search reaches, and this server does not scroll. "
                    "Lower `limit`, or narrow the search (`since`, `until`)."
                )
            try:
                page = self._page(size=size, start=start)
            except StatusError as error:
                if error.status not in _NOT_SUPPORTED or not may_scroll:
                    raise
                # The window of this server is smaller than usual.
                yield from self._scrolled()
                return
            is_connected = not page.events or not start or (page.events[0].index, page.events[0].id) in self._seen
            if (not page.events or not is_connected) and start and steps_back < _MAX_STEPS_BACK:
                start, steps_back = max(start - self._size, 0), steps_back + 1
                continue
            before = len(self._seen)
            yield from self._new(page)
            if len(page.events) < size:
                return
            start += max(len(page.events) - 1, 1) if len(self._seen) > before or is_connected else len(page.events)

    def _scrolled(self) -> Iterator[StoredEvent]:
        """Yields all events with a scroll, which keeps the state at its start."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                page = self._page(size=self._size, scroll=SCROLL_LIFE)
            except StatusError as error:
                if error.status not in (*_NOT_SUPPORTED, *_BUSY):
                    raise
                yield from self._in_window(error)
                return
            try:
                yield from self._pages_of_scroll(page)
                return
            except RequestError as error:
                # A page was lost. Only a new start guarantees that no event is skipped.
                if not error.outcome_unknown or attempt == _ATTEMPTS:
                    raise

    def _in_window(self, error: StatusError) -> Iterator[StoredEvent]:
        """Yields the events within reach of pages, if the server cannot scroll at the moment."""
        if error.status in _BUSY and self.total > MAX_RESULT_WINDOW:
            raise error
        yield from self._by_number(may_scroll=False)

    def _pages_of_scroll(self, page: SearchPage) -> Iterator[StoredEvent]:
        scroll_id, passed = page.scroll_id, 0
        try:
            while page.events:
                passed += len(page.events)
                yield from self._new(page)
                if page.scroll_id is None or (self.total_is_exact and passed >= self.total):
                    break
                scroll_id = page.scroll_id
                if passed > 2 * len(self._seen) + _REPEATED:
                    raise AnswerError(f"The search gave the same {len(self._seen)} events again and again. Run again.")
                page = self._checked(self._client.next_page(page.scroll_id))
            if self.total_is_exact and passed < self.total:
                raise AnswerError(
                    f"The search said that {self.total} events match, and ended after {passed}. Run again; if this persists, narrow it."
                )
            self.total, self.total_is_exact = max(passed, len(self._seen)), not self.gap
        finally:
            if scroll_id is not None:
                self._client.end_scroll(scroll_id)

    def _page(self, *, size: int, start: int = 0, after: Sequence[object] = (), scroll: str = "") -> SearchPage:
        """Returns one page; requests it once more if only a part of the index answered."""
        params = {"size": str(size)}
        if self._sort:
            params["sort"] = ",".join(self._sort)
        if start:
            params["from"] = str(start)
        if scroll:
            params["scroll"] = scroll
        page = self._client.search(self._pattern, self._query, after=after, **params)
        if page.gap and not scroll:
            page = self._client.search(self._pattern, self._query, after=after, **params)
        page = self._checked(page)
        self.total, self.total_is_exact = page.total, page.total_is_exact
        return page

    def _checked(self, page: SearchPage) -> SearchPage:
        if page.gap and not self._takes_parts:
            require_whole(page)
        self.gap = self.gap or page.gap
        return page

    def _new(self, page: SearchPage) -> Iterator[StoredEvent]:
        for event in page.events:
            name = (event.index, event.id)
            if name not in self._seen:
                self._seen.add(name)
                yield event


class _NotSupportedError(Exception):
    """The server does not support `search_after`, or something on the way prevents it."""
