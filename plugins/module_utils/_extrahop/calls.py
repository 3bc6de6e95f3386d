# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""The kinds of calls in the REST API of ExtraHop: reading, writing, and searching page by page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .._errors import AnswerError
from .._http.client import Operation, Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .._http.answers import Answer
    from .._http.client import HttpClient

MAX_PAGE = 1000
"""The largest page to request. The vendor's guide for agents warns of limits of 100 to 1000; for detections, 20000 is documented."""
_DONE = (200, 201, 202, 204, 207)
"""204 is documented, and 201 for new tags. Clients of other vendors also saw 200; the answer of the watchlist is not documented."""
_OLD_PAGES = 3
"""Consecutive pages without anything new that are accepted, because the order of a search may change.

More show a server that ignores `offset`.
"""


class ApiCalls:
    """Calls to one appliance. Safe to use from several threads."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def _read_object(self, path: str, identifier: int) -> dict[str, Any]:
        """Reads the object with this ID; raises AnswerError if the server returns another object."""
        answer = self._http.request(Request(Operation.READ, "GET", path), expect=(200,))
        found = answer.json_object()
        if str(found.get("id")) != str(identifier):
            raise answer.unexpected(f"the object with the ID {identifier} was expected")
        return found

    def _read_list(self, path: str) -> list[dict[str, Any]]:
        return _objects(self._http.request(Request(Operation.READ, "GET", path), expect=(200,)))

    def _write(
        self,
        method: str,
        path: str,
        value: object = None,
        *,
        operation: Operation = Operation.REPEATABLE_WRITE,
    ) -> Answer:
        """Sends a write and returns its answer; raises AnswerError for an HTML page."""
        body = None if value is None else json.dumps(value).encode()
        answer = self._http.request(Request(operation, method, path, body), expect=_DONE)
        if answer.is_html:
            raise answer.unexpected("an empty body or JSON was expected")
        return answer

    def _page(self, path: str, search: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Returns one page of a search, which is a POST request that changes nothing."""
        return _objects(self._http.request(Request(Operation.READ, "POST", path, json.dumps(search).encode()), expect=(200,)))

    def _found(self, path: str, search: Mapping[str, Any], *, size: int, most: int) -> Iterator[dict[str, Any]]:
        """Yields the results of a search, each ID once, at most `most`. Reads pages until one is empty: the server may limit their size."""
        seen: set[str] = set()
        offset = old_pages = 0
        while len(seen) < most:
            page = self._page(path, {**search, "limit": min(size, most - len(seen)), "offset": offset})
            if not page:
                return
            new = {str(item.get("id")): item for item in page if str(item.get("id")) not in seen}
            old_pages = 0 if new else old_pages + 1
            if old_pages == _OLD_PAGES:
                raise AnswerError(
                    f"POST {path} gave the same {len(page)} results again and again: the server ignores `offset`. "
                    "Narrow the search, or raise `size`, so that one page is enough."
                )
            seen |= new.keys()
            offset += len(page)
            yield from new.values()


def _objects(answer: Answer) -> list[dict[str, Any]]:
    value = answer.json()
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise answer.unexpected("a list of objects was expected")
    return value
