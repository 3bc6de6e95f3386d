# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The cases of a server: lists page by page, one case by its ID or number, the call that updates cases here, and who is who.

[U], [D], [X] and [T] are the sources that `cases.py` lists.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._errors import AnswerError, AuthenticationError, InputError, NotChangedError, NotTriedError, RequestError, StatusError
from .cases import ALERT_PAGE, CASES_PATH, MAX_PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .answers import StoredEvent
    from .cases import CaseCalls, StoredCase

AUTO = "auto"
PUT = "put"
POST = "post"
CREATED_AT = "created_at"
EARLIEST_MS = 1_000_000_000_000
"""Sent if there is no earliest time: without a time, newer servers list only the last day [T]."""
_ID_DIGITS = 24
_SECOND_DIGITS = 8
_AROUND_MS = 60_000
_PASSES = 3
_NO_ROUTE = (404, 405)
_NAMES = ("user_id", "_id", "id", "email", "username", "user_name", "name", "display_name")
"""The fields of a user that a case may show. `user_id` and `email` are documented, the others are common."""


class CaseList:
    """The cases of one list, each once. `total` is known after the first case was requested."""

    def __init__(self, calls: CaseCalls, arguments: Mapping[str, str], size: int) -> None:
        self.total: int | None = None
        self.has_moved = False
        """True if the number of matching cases changed while they were read."""
        self._calls = calls
        self._arguments = arguments
        self._size = size
        self._seen: set[str] = set()
        self._is_stuck = False

    def cases(self) -> Iterator[StoredCase]:
        """Yields the cases in order; raises AnswerError if the server counts more cases than it returns."""
        for _pass in range(_PASSES):
            before = len(self._seen)
            yield from self._one_pass()
            if not self._lacks_cases or len(self._seen) == before:
                break
        if self._lacks_cases:
            raise AnswerError(
                f"GET {CASES_PATH}: the server counts {self.total or 'more'} cases and gave {len(self._seen)}. The next page brought "
                "nothing new, so it does not page by `skip`, or it orders cases anew for each page. Narrow the search (`since`, "
                "`until`), or raise `size`."
            )

    @property
    def _lacks_cases(self) -> bool:
        """True if the server counts more cases than it returned. Without a count, a repeated page shows that there may be more."""
        return self._is_stuck if self.total is None else len(self._seen) < self.total

    def _one_pass(self) -> Iterator[StoredCase]:
        """Yields all pages, until one is empty or contains nothing new. New cases may move others to a page that was read already."""
        skip = 0
        while True:
            page = self._calls.page({**self._arguments, "limit": str(self._size), "skip": str(skip)})
            self.has_moved = self.has_moved or (self.total is not None and page.total != self.total)
            self.total = page.total
            new = [case for case in {case.id: case for case in page.cases}.values() if case.id not in self._seen]
            self._seen.update(case.id for case in new)
            yield from new
            skip += len(page.cases)
            self._is_stuck = bool(page.cases) and not new
            is_complete = self.total is not None and len(self._seen) >= self.total
            if not page.cases or is_complete or (skip > len(page.cases) and not new):
                return


class CaseReader:
    """Reads single cases. Safe to use from several threads."""

    def __init__(self, calls: CaseCalls) -> None:
        self._calls = calls
        self.lacks_case_call = False
        """True if this server has no call for a single case: a case was in the list, and this call did not find it."""

    def by_id(self, identifier: str, number: int | None = None) -> StoredCase | None:
        """Reads the case with an ID; None if there is none. Servers without this call list it by the time in its ID, or by its number."""
        case = None if self.lacks_case_call else self._calls.case(identifier)
        if case is None:
            listed = self._listed(identifier) or (None if number is None else self.by_ticket(number))
            case = listed if listed and listed.id == identifier else None
            self.lacks_case_call = self.lacks_case_call or case is not None
        return case

    def by_ticket(self, number: int) -> StoredCase | None:
        """Reads the case with a number of the UI; None if there is none. Without other arguments, it finds cases of any age [U]."""
        page = self._calls.page({"ticket_id": str(number)})
        found = {case.id: case for case in page.cases if case.ticket_id == number}
        if len(found) > 1:
            raise InputError(
                f"ticket_id: several cases have the number {number}: {', '.join(found)}. Give the `id` of the one that is meant."
            )
        if not found and page.cases:
            raise AnswerError(
                f"GET {CASES_PATH}?ticket_id={number}: the server ignored the argument and returned other cases. Give the `id` of the case."
            )
        return next(iter(found.values()), None)

    def has_no_case_call(self, identifier: str) -> bool:
        """True if the list has this case and others, and none of them can be read individually. A single case is no proof: it may have been
        removed a moment ago, and the list may lag behind.
        """
        if not self.lacks_case_call:
            return False
        page = self._calls.page({f"FROM~{CREATED_AT}": str(EARLIEST_MS), "limit": "2"})
        other = next((case.id for case in page.cases if case.id != identifier), None)
        return other is None or self._calls.case(other) is None

    def _listed(self, identifier: str) -> StoredCase | None:
        """Returns the case from the list. The first eight digits of an ID are the second in which the case was created [X]."""
        if len(identifier) != _ID_DIGITS or not all(digit in "0123456789abcdefABCDEF" for digit in identifier):
            return None
        created = int(identifier[:_SECOND_DIGITS], 16) * 1000
        around = {f"FROM~{CREATED_AT}": str(created - _AROUND_MS), f"TO~{CREATED_AT}": str(created + _AROUND_MS)}
        found = CaseList(self._calls, around, MAX_PAGE).cases()
        return next((case for case in found if case.id == identifier), None)


@dataclass(frozen=True)
class CaseAlerts:
    """The alerts of a case, each once."""

    case: StoredCase
    alerts: Sequence[StoredEvent]
    is_repeated: bool
    """True if the server gave the same alerts again as the next page: it may have cut the first one."""

    @classmethod
    def read(cls, calls: CaseCalls, case: StoredCase) -> CaseAlerts:
        """Reads pages until one is empty; raises AnswerError if the server gives a full page again, because further alerts are missing."""
        alerts: dict[tuple[str, str], StoredEvent] = {}
        skip = 0
        while True:
            page = calls.alerts(case.id, skip)
            before = len(alerts)
            alerts.update({(one.index, one.id): one for one in page})
            skip += len(page)
            if page and len(alerts) == before and len(page) >= ALERT_PAGE:
                problem = f"the server gave the same {before} alerts again for the next page, so it does not page by `skip`"
                raise AnswerError(f"The alerts of the case {case.id}: {problem}, and further alerts may be missing.")
            if len(alerts) == before:
                return cls(case, list(alerts.values()), is_repeated=bool(page))

    @property
    def size(self) -> int | None:
        """The number of alerts according to the case, if it shows one: clients know the field `size` [X, T]."""
        size = self.case.source.get("size")
        return size if isinstance(size, int) and not isinstance(size, bool) else None

    @property
    def is_short(self) -> bool:
        """True if the case has more alerts than the server gave."""
        return self.size is not None and self.size > len(self.alerts)

    @property
    def may_be_short(self) -> bool:
        """True if nobody knows whether these are all alerts."""
        return self.is_repeated and self.size is None

    def as_result(self) -> list[dict[str, Any]]:
        """The alerts as users see them."""
        return [{"index": one.index, "id": one.id, "source": dict(one.source)} for one in self.alerts]


class CaseEndpoint:
    """Updates cases with the chosen call, or with the one that the server has. Safe to use from several threads.

    On newer servers, the older call would create a new case, so it is never used on a guess.
    """

    def __init__(self, calls: CaseCalls, reader: CaseReader, endpoint: str) -> None:
        self.name: str | None = None
        """The call that was used; None if none was."""
        self._calls = calls
        self._reader = reader
        self._chosen = endpoint
        self._made_case = ""

    def send(self, identifier: str, fields: Mapping[str, Any], comment: str | None) -> None:
        """Sends the fields in one request, then the comment. If the first of them fails, the comment is not sent."""
        if fields:
            self._send_fields(identifier, fields)
        if comment is None:
            return
        try:
            self._calls.comment(identifier, comment)
        except RequestError as error:
            raise (error.as_part() if fields else error) from error

    def _send_fields(self, identifier: str, fields: Mapping[str, Any]) -> None:
        if POST in {self._chosen, self.name}:
            self._post(identifier, fields)
            return
        try:
            self._calls.put(identifier, fields)
            self.name = PUT
        except StatusError as error:
            if error.status not in _NO_ROUTE:
                raise
            if PUT in {self._chosen, self.name} or not self._reader.has_no_case_call(identifier):
                advice = "Check the ID of the case. Version 4.3 does not have this call; there, set `endpoint: post`."
                raise error.with_message(f"{error.message} {advice}") from error
            self._post(identifier, fields)

    def _post(self, identifier: str, fields: Mapping[str, Any]) -> None:
        if self._made_case:
            raise NotTriedError(f"Not attempted, because the server created the new case {self._made_case} of an earlier update.")
        found = self._calls.post(identifier, fields)
        self.name = POST
        if found not in (None, identifier):
            self._made_case = found or ""
            raise NotChangedError(
                f"The server created the new case {found} instead of changing {identifier}, so its version is newer than 4.3. "
                "Remove that case in Stellar Cyber, and set `endpoint` to `put`."
            )


class Users:
    """The users of a server, read once and only if needed. Safe to use from several threads."""

    def __init__(self, calls: CaseCalls) -> None:
        self._calls = calls
        self._lock = threading.Lock()
        self._users: Sequence[Mapping[str, Any]] | None = None
        self._refusal: RequestError | None = None
        self._unanswered: dict[tuple[str, str], None] = {}

    def is_assigned(self, wanted: str, shown: Sequence[str]) -> bool | None:
        """True if the texts with which a case shows its assignee mean the wanted user; None if that is unknown."""
        if not wanted or not shown:
            return not wanted and not shown
        if wanted.casefold() in {text.casefold() for text in shown}:
            return True
        same = self._is_same_user(wanted, shown)
        if same is None:
            self._unanswered[(wanted, shown[0])] = None
        return same

    def warnings(self, show: Callable[[str], str]) -> list[str]:
        """One warning for all questions that could not be answered; `show` makes server text fit for messages."""
        if not self._unanswered:
            return []
        wanted, shown = next(iter(self._unanswered))
        why = f"could not be read: {self._refusal.message}" if self._refusal else "does not name both."
        warning = (
            f"assignee: the case shows {show(shown)}, and it could not be found out if that is {wanted}, because the list of users {why} "
            f"This concerns {len(self._unanswered)} pairs of names. Each run writes the assignee again; to avoid that, give it as the case "
            "shows it."
        )
        return [warning]

    def _is_same_user(self, wanted: str, shown: Sequence[str]) -> bool | None:
        users = self._read()
        wanted_users = _named(users, wanted)
        shown_users = [user for text in shown for user in _named(users, text)]
        if len(wanted_users) == 1 and shown_users:
            return wanted_users[0] in shown_users
        # Two email addresses are two users, unless the list shows otherwise.
        return False if "@" in wanted and any("@" in text for text in shown) else None

    def _read(self) -> Sequence[Mapping[str, Any]]:
        with self._lock:
            if self._users is None:
                try:
                    self._users = self._calls.users()
                except AuthenticationError:
                    raise
                except (StatusError, AnswerError) as error:
                    self._users, self._refusal = (), error
        return self._users


def _named(users: Sequence[Mapping[str, Any]], text: str) -> list[Mapping[str, Any]]:
    """Returns the users that have this text as one of their names."""
    name = text.casefold()
    return [user for user in users if any(isinstance(value := user.get(key), str) and value.casefold() == name for key in _NAMES)]
