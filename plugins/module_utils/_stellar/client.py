# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The part of Stellar Cyber's REST API that this collection uses: paths, bodies, and answers as typed values.

Sources of the facts: the vendor's documentation of the API for security events, and the vendor's public code for `security_events` and
searches. Reads by id show a write immediately; searches show it after the next refresh of the index, about a second later.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from .._errors import (
    AnswerError,
    AuthenticationError,
    BareRefusalError,
    GatewayError,
    NotFoundError,
    PermissionDeniedError,
    XdrError,
)
from .._http.client import HttpClient, Operation, Request
from .._http.connection import ConnectionSettings
from .answers import (
    accepted_value,
    inserted_event,
    require_whole,
    says_document_missing,
    search_page,
    stored_event,
)
from .auth import StellarCredentials
from .paths import (
    INSERT_PATH,
    LONGEST_LINE,
    SCROLL_PATH,
    UPDATE_SER_PATH,
    event_path,
    search_path,
    security_event_path,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from .._http.answers import Answer
    from .._secrets import SecretKeeper
    from .answers import InsertedEvent, SearchPage, StoredEvent

MAX_RESULT_WINDOW = 10_000
"""The limit for `from` plus `size` of a search."""
SCROLL_LIFE = "2m"
_READ_ADVICE = "This account may not read events; a scoped key never may."
_WRITE_ADVICE = "To write events, Stellar Cyber wants root scope and the Super Admin profile."
_SIZE_ADVICE = "Lower `size`, or narrow the search."
_NOBODY = '_id:"secops-xdr-no-such-event"'


class Reading(NamedTuple):
    """An event that was read, if there is one. `is_current` is false if it comes from a search, which lags behind writes."""

    event: StoredEvent | None
    is_current: bool


class StellarClient:
    """One server. Safe to use from several threads."""

    def __init__(self, http: HttpClient, credentials: StellarCredentials) -> None:
        self._http = http
        self._credentials = credentials
        self.reads_by_search = False
        """True if this server cannot read by id, so that events are searched for, which lags behind writes."""
        self._bodies_arrive = False
        http.auth = credentials.auth(http)

    @classmethod
    def from_params(cls, params: Mapping[str, Any], secrets: SecretKeeper) -> StellarClient:
        """A client for the connection options of a module; raises InputError. Sends nothing yet."""
        settings = ConnectionSettings.from_params(params)
        credentials = StellarCredentials(params, secrets, settings.base_url.partition("://")[2])
        return cls(HttpClient(settings, secrets, _SIZE_ADVICE), credentials)

    @property
    def endpoint(self) -> str:
        """The base URL, which names this server in the ledger."""
        return self._http.settings.base_url

    def insert_event(self, body: bytes) -> InsertedEvent:
        """Inserts one event. It is never repeated here: the server would keep both."""
        return inserted_event(self.write(Request(Operation.ONCE, "POST", INSERT_PATH, body)))

    def update_ser(self, index: str, identifier: str, fields: Mapping[str, Any]) -> None:
        """Changes an event by `update_ser`: `status`, `comments` and one `event_tag`."""
        self._update(UPDATE_SER_PATH, {"index": index, "_id": identifier, **fields})

    def update_security_event(self, index: str, identifier: str, fields: Mapping[str, Any]) -> None:
        """Changes an event by `security_events`: `status` and `comments`, or `event_tags`."""
        self._update(security_event_path(index, identifier), fields)

    def read_event(self, index: str, identifier: str) -> StoredEvent | None:
        """Reads one event; None if the server has no event with this id in this index, or does not show it yet."""
        return self.look_up(index, identifier).event

    def look_up(self, index: str, identifier: str) -> Reading:
        """Reads one event by its id. On servers without this call, searches for the id, which lags behind writes."""
        if not self.reads_by_search:
            answer = self.read(event_path(index, identifier), expect=(200, 404, 405))
            if answer.status == 200:
                event = stored_event(answer)
                if event and event.id != identifier:
                    raise answer.unexpected("the event that was asked for was expected, but another one came, perhaps from a cache")
                return Reading(event, is_current=True)
            if says_document_missing(answer):
                return Reading(None, is_current=True)
        event = self._found_by_id(index, identifier)
        # Proves that the path is missing, not the event.
        self.reads_by_search = self.reads_by_search or event is not None
        return Reading(event, is_current=False)

    def search(self, pattern: str, query: str, *, after: Sequence[Any] = (), **params: str) -> SearchPage:
        """One page of the events that match a Lucene query; `params` are those of the request (`size`, `from`, `sort`, `scroll`).

        `after` are the sort values of the last event of the page before. They are sent in the body of the request, and so is a query that
        is too long for the URL. Raises AnswerError if something on the way drops bodies and a query depends on one.
        """
        path = search_path(pattern)
        body: dict[str, Any] = {"search_after": list(after)} if after else {}
        if len(path) + len(urlencode({"q": query, **params})) <= LONGEST_LINE:
            params = {"q": query, **params}
        else:
            self._check_bodies(path)
            body["query"] = {"query_string": {"query": query}}
        return search_page(self.read(path, params=params, json_body=json.dumps(body).encode() if body else None))

    def next_page(self, scroll_id: str) -> SearchPage:
        """Returns the next page of a scroll. The request is not repeated: a repetition would skip the lost page."""
        body = json.dumps({"scroll": SCROLL_LIFE, "scroll_id": scroll_id}).encode()
        return search_page(self.read(SCROLL_PATH, operation=Operation.ONCE, json_body=body))

    def end_scroll(self, scroll_id: str) -> None:
        """Ends a scroll, which would otherwise use memory of the server until it expires. Raises no error: nothing depends on it."""
        body = json.dumps({"scroll_id": scroll_id}).encode()
        with suppress(XdrError):
            self._http.request(Request(Operation.ONCE, "DELETE", SCROLL_PATH, body), expect=(200, 404))

    def check_conditions(self, pattern: str) -> None:
        """Searches for an event that cannot exist; raises AnswerError if the answer contains any, because then conditions are ignored."""
        page = self.search(pattern, _NOBODY, size="1")
        if page.events or page.total:
            raise AnswerError(
                f"GET {search_path(pattern)}: the server answers with events that do not match, also to a query that no event can match. A "
                "proxy in front of it drops or changes the conditions of searches. Nothing of the result can be used."
            )

    def _check_bodies(self, path: str) -> None:
        """Searches, in the body of a request, for an event that cannot exist; raises AnswerError if the answer contains any."""
        if self._bodies_arrive:
            return
        body = json.dumps({"query": {"query_string": {"query": _NOBODY}}}).encode()
        page = search_page(self.read(path, params={"size": "1"}, json_body=body))
        if page.events or page.total:
            raise AnswerError(
                f"GET {path}: the body of the request does not arrive, so this server would answer with events that do not match. A proxy "
                "before it drops the bodies of GET requests. Have that changed there, or shorten `query` and `filter` until they fit into "
                f"a URL of {LONGEST_LINE} bytes.",
                method="GET",
                path=path,
            )
        self._bodies_arrive = True

    def _found_by_id(self, index: str, identifier: str) -> StoredEvent | None:
        quoted_id = identifier.replace("\\", "\\\\").replace('"', '\\"')
        try:
            page = self.search(index, f'_id:"{quoted_id}"', size="2")
        except NotFoundError:
            return None
        found = next((event for event in page.events if event.id == identifier), None)
        if found is None:
            require_whole(page)
        return found

    def _update(self, path: str, body: Mapping[str, Any]) -> None:
        # The server keeps each comment that arrives, so a comment that may have arrived must not be repeated here.
        operation = Operation.ONCE if "comments" in body else Operation.REPEATABLE_WRITE
        accepted_value(self.write(Request(operation, "POST", path, json.dumps(body).encode())))

    def write(self, request: Request, advice: str = _WRITE_ADVICE) -> Answer:
        """Sends a write and returns the answer. `advice` is for accounts without the right."""
        try:
            # Any 2xx: the text of the answer decides what it means.
            return self._http.request(request, expect=range(200, 300))
        except AuthenticationError as error:
            raise self._credentials.explained(error) from error
        except PermissionDeniedError as error:
            raise error.with_message(f"{error.message} {advice}") from error

    def read(
        self,
        path: str,
        *,
        expect: Collection[int] = (200,),
        operation: Operation = Operation.READ,
        params: Mapping[str, str] | None = None,
        json_body: bytes | None = None,
        advice: str = _READ_ADVICE,
    ) -> Answer:
        """Sends a read and returns the answer. `advice` is for accounts without the right."""
        request = Request(operation, "GET", path, json_body, params=params)
        # Gateways sometimes refuse single requests by mistake. A page of a scroll cannot be requested again.
        attempts = 1 if operation is Operation.ONCE else 2
        try:
            while True:
                attempts -= 1
                try:
                    return self._answer(request, expect, advice)
                except GatewayError:
                    if not attempts:
                        raise
        except AuthenticationError as error:
            raise self._credentials.explained(error) from error
        except PermissionDeniedError as error:
            raise error.with_message(f"{error.message} {advice}") from error

    def _answer(self, request: Request, expect: Collection[int], advice: str) -> Answer:
        """The answer to a read. A refusal without a reason counts as a gateway's, except for a scoped key, which may not read events."""
        try:
            return self._http.request(request, expect=expect)
        except BareRefusalError as error:
            if self._credentials.never_reads and advice == _READ_ADVICE:
                raise
            message = (
                f"{request.method} {request.path} was refused with status 403 and without a reason, so perhaps not by the product, "
                "but by a gateway, proxy or firewall in front of it. Allow this host's address, the path and the method there, and check "
                "that the account may read this."
            )
            raise GatewayError(message, status=403, method=request.method, path=request.path) from error
