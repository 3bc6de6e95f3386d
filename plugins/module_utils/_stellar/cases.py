# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The calls for cases of Stellar Cyber: one method for each endpoint, with the source of the facts it relies on.

[U] is the vendor's public client `stellarcyber/jira-case-sync`; [D] are the pages "Query Cases" and "Update Cases" of the vendor's
documentation, versions 4.3 to 6.1; [T] and [X] are clients of third parties. The methods rely on nothing else.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .._http.client import Operation, Request
from .answers import accepted_value, sound, stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._http.answers import Answer
    from .answers import StoredEvent
    from .client import StellarClient

CASES_PATH = "/connect/api/v1/cases"
USERS_PATH = "/connect/api/v1/users"
MAX_PAGE = 500
"""The highest `limit` of a list of cases [D]."""
ALERT_PAGE = 50
"""The highest `limit` of a list of alerts; servers reduce a higher one [T]."""
_NO_ROUTE = (404, 405)
_ADVICE = "The account may lack the right to do this with cases, or the case belongs to a tenant that it may not see."


@dataclass(frozen=True)
class StoredCase:
    """A case as the server stores it."""

    id: str
    ticket_id: int | None
    source: Mapping[str, Any]


@dataclass(frozen=True)
class CasePage:
    """One page of a list of cases. `total` is None if the server does not say how many there are."""

    cases: Sequence[StoredCase]
    total: int | None


class CaseCalls:
    """The calls for cases. Safe to use from several threads."""

    def __init__(self, server: StellarClient) -> None:
        self._server = server

    def page(self, arguments: Mapping[str, str]) -> CasePage:
        """One page of cases: `GET /cases` answers `{"data": {"cases": […], "total": N}}` [U].

        All arguments must hold, `limit` is at most 500 [D], `skip` is seen in [T]. Without a time, newer servers list the last day only;
        arguments that they do not know are ignored [T].
        """
        answer = self._read(CASES_PATH, arguments)
        data = _data(answer, dict)
        cases, total = data.get("cases"), data.get("total")
        if cases is None and "cases" in data and not total:
            cases = []
        if not isinstance(cases, list):
            raise answer.unexpected("a list of cases was expected")
        is_number = isinstance(total, int) and not isinstance(total, bool)
        return CasePage([_stored_case(one, answer) for one in cases], total if is_number else None)

    def case(self, identifier: str) -> StoredCase | None:
        """One case: `GET /cases/{id}` answers `{"data": {…}}` [U]. None for 404, 405: in [D] from version 5.2 on."""
        answer = self._server.read(_case_path(identifier), expect=(200, *_NO_ROUTE), advice=_ADVICE)
        if answer.status != 200:
            return None
        case = _stored_case(_data(answer, dict), answer)
        if case.id != identifier:
            raise answer.unexpected("the case that was asked for was expected, but another one came, perhaps from a cache")
        return case

    def put(self, identifier: str, fields: Mapping[str, Any]) -> None:
        """Changes a case: `PUT /cases/{id}` takes any of `status`, `severity`, `assignee`, `tags` and
        `description` [U, D]; the answer has the case [T].

        `resolution` and `update_alerts` go with the status [U]. The tags are `{"add": […]}` [U] and `{"delete": […]}` [X].
        It is safe to repeat.
        """
        self._write(Operation.REPEATABLE_WRITE, "PUT", _case_path(identifier), fields)

    def post(self, identifier: str, fields: Mapping[str, Any]) -> str | None:
        """Changes a case on version 4.3: `POST /cases?id=ID`, with `priority` for severity [D]. Newer servers create a new case for it [T].

        Returns the ID of the case in the answer, if there is one. It is never repeated here.
        """
        named = {"priority" if name == "severity" else name: value for name, value in fields.items()}
        value = self._write(Operation.ONCE, "POST", f"{CASES_PATH}?id={quote(identifier, safe='')}", named)
        data = value.get("data") if isinstance(value, dict) else None
        found = data.get("_id") if isinstance(data, dict) else None
        return found if isinstance(found, str) else None

    def comments(self, identifier: str) -> list[dict[str, Any]]:
        """The comments of a case: `GET /cases/{id}/comments` [U] answers `_id`, `comment`, `created_at` and `user` of each [T]."""
        answer = self._read(f"{_case_path(identifier)}/comments")
        comments = _data(answer, list)
        if not all(isinstance(one, dict) for one in comments):
            raise answer.unexpected("a list of comments was expected")
        return list(comments)

    def comment(self, identifier: str, text: str) -> None:
        """Adds a comment: `POST /cases/{id}/comments`, whose answer may be empty [U]. Never repeated here: the server would keep both."""
        self._write(Operation.ONCE, "POST", f"{_case_path(identifier)}/comments", {"comment": text})

    def alerts(self, identifier: str, skip: int) -> list[StoredEvent]:
        """One page of the alerts of a case: `GET /cases/{id}/alerts` answers `{"data": {"docs": [{_index, _id, _source}]}}` [U]."""
        answer = self._read(f"{_case_path(identifier)}/alerts", {"limit": str(ALERT_PAGE), "skip": str(skip)})
        data = _data(answer, dict)
        docs = [] if "docs" in data and data["docs"] is None else data.get("docs")
        if not isinstance(docs, list):
            raise answer.unexpected("a list of alerts was expected")
        return [stored(one, answer) for one in docs]

    def users(self) -> list[dict[str, Any]]:
        """The users of the server: `GET /users` answers `user_id`, `email` and more of each [U]."""
        users = _data(self._read(USERS_PATH), list)
        return [one for one in users if isinstance(one, dict)]

    def _read(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        return self._server.read(path, params=params, advice=_ADVICE)

    def _write(self, operation: Operation, method: str, path: str, fields: Mapping[str, Any]) -> Any:
        request = Request(operation, method, path, json.dumps(fields).encode())
        return accepted_value(self._server.write(request, _ADVICE))


def _case_path(identifier: str) -> str:
    return f"{CASES_PATH}/{quote(identifier, safe='')}"


def _data(answer: Answer, kind: type) -> Any:
    """Returns the `data` of an answer; raises AnswerError if it has another type. Null for a list counts as an empty one."""
    answered = answer.json_object()
    data = answered.get("data")
    if data is None and kind is list and "data" in answered:
        return []
    if not isinstance(data, kind):
        raise answer.unexpected(f"an object with `data` ({'a list' if kind is list else 'an object'}) was expected")
    with suppress(RecursionError):
        return sound(data)
    raise answer.unexpected("values that are nested less deeply were expected")


def _stored_case(fields: Any, answer: Answer) -> StoredCase:
    identifier = fields.get("_id") if isinstance(fields, dict) else None
    if not isinstance(identifier, str) or not identifier:
        raise answer.unexpected("cases with an _id were expected")
    ticket = fields.get("ticket_id")
    if isinstance(ticket, str) and ticket.isascii() and ticket.isdigit():
        ticket = int(ticket)
    return StoredCase(identifier, ticket if isinstance(ticket, int) and not isinstance(ticket, bool) else None, fields)
