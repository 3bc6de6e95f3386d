# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The REST API of Stellar Cyber, as far as this collection uses it: paths, bodies, and answers as typed values.

Sources of the facts: the vendor's documentation of the API for security events, and the vendor's public code for C(security_events) and
searches. Reads by id show a write at once; searches show it after the next refresh of the index, about a second later.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote_plus

from .._errors import (
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
    StatusError,
)
from .._http.client import HttpClient, Operation
from .._http.connection import ConnectionSettings
from .answers import (
    accepted_value,
    inserted_event,
    says_document_missing,
    search_page,
    stored_event,
)
from .auth import StellarCredentials
from .paths import (
    INSERT_PATH,
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
"""How far C(from) and C(size) of a search reach."""
_LONGEST_QUERY_IN_URL = 4000
_SCROLL_LIFE = "2m"
_READ_ADVICE = "This account may not read events; a scoped key never may."
_WRITE_ADVICE = "To write events, Stellar Cyber wants root scope and the Super Admin profile."
_StatusErrorT = TypeVar("_StatusErrorT", bound=StatusError)


class StellarClient:
    """One server. Safe to use from several threads."""

    def __init__(self, http: HttpClient, credentials: StellarCredentials) -> None:
        self._http = http
        self._credentials = credentials
        self._reads_by_search = False
        http.auth = credentials.auth(http)

    @classmethod
    def from_params(cls, params: Mapping[str, Any], secrets: SecretKeeper) -> StellarClient:
        """A client for the connection options of a module; raises InputError. Sends nothing yet."""
        settings = ConnectionSettings.from_params(params)
        credentials = StellarCredentials(params, secrets)
        return cls(HttpClient(settings, secrets), credentials)

    @property
    def endpoint(self) -> str:
        """The base URL, which names this server in the ledger."""
        return self._http.settings.base_url

    def insert_event(self, body: bytes) -> InsertedEvent:
        """Inserts one event. It is never sent a second time from here: the server would keep both."""
        return inserted_event(self._write(Operation.ONCE, INSERT_PATH, body))

    def update_ser(self, index: str, identifier: str, fields: Mapping[str, Any]) -> None:
        """Changes an event by C(update_ser): C(status), C(comments) and one C(event_tag)."""
        self._update(UPDATE_SER_PATH, {"index": index, "_id": identifier, **fields})

    def update_security_event(self, index: str, identifier: str, fields: Mapping[str, Any]) -> None:
        """Changes an event by C(security_events): C(status) and C(comments), or C(event_tags)."""
        self._update(security_event_path(index, identifier), fields)

    def read_event(self, index: str, identifier: str) -> StoredEvent | None:
        """One event; nothing where the server has none of this id in this index.

        Servers without the read by id are asked by a search for the id, which lags behind writes.
        """
        if not self._reads_by_search:
            answer = self._read(event_path(index, identifier), expect=(200, 404, 405))
            if answer.status == 200:
                return stored_event(answer)
            if says_document_missing(answer):
                return None
        event = self._found_by_id(index, identifier)
        # Proof that the path is missing, and not the event.
        self._reads_by_search = self._reads_by_search or event is not None
        return event

    def search(self, pattern: str, query: str, *, size: int, start: int = 0, sort: Sequence[str] = (), scrolls: bool = False) -> SearchPage:
        """One page of the events that match a Lucene query. With C(scrolls), the first page of all of them as they are now."""
        params = {"size": str(size)}
        if sort:
            params["sort"] = ",".join(sort)
        if scrolls:
            params["scroll"] = _SCROLL_LIFE
        elif start:
            params["from"] = str(start)
        if len(quote_plus(query)) <= _LONGEST_QUERY_IN_URL:
            return search_page(self._read(search_path(pattern), params={"q": query, **params}))
        body = json.dumps({"query": {"query_string": {"query": query}}}).encode()
        return search_page(self._read(search_path(pattern), params=params, json_body=body))

    def next_page(self, scroll_id: str) -> SearchPage:
        """The next page of a scroll. It is not asked for twice: a repetition would skip the page that got lost."""
        body = json.dumps({"scroll": _SCROLL_LIFE, "scroll_id": scroll_id}).encode()
        return search_page(self._read(SCROLL_PATH, operation=Operation.ONCE, json_body=body))

    def _found_by_id(self, index: str, identifier: str) -> StoredEvent | None:
        quoted_id = identifier.replace("\\", "\\\\").replace('"', '\\"')
        try:
            page = self.search(index, f'_id:"{quoted_id}"', size=2)
        except NotFoundError:
            return None
        return next((event for event in page.events if event.id == identifier), None)

    def _update(self, path: str, body: Mapping[str, Any]) -> None:
        # Each comment that arrives is kept, so one that may have arrived must not be sent again from here.
        operation = Operation.ONCE if "comments" in body else Operation.REPEATABLE_WRITE
        accepted_value(self._write(operation, path, json.dumps(body).encode()))

    def _write(self, operation: Operation, path: str, body: bytes) -> Answer:
        try:
            return self._http.request(operation, "POST", path, expect=(200, 201, 202, 204), json_body=body)
        except AuthenticationError as error:
            raise self._credentials.explained(error) from error
        except PermissionDeniedError as error:
            raise _with_advice(error, _WRITE_ADVICE) from error

    def _read(
        self,
        path: str,
        *,
        expect: Collection[int] = (200,),
        operation: Operation = Operation.READ,
        params: Mapping[str, str] | None = None,
        json_body: bytes | None = None,
    ) -> Answer:
        try:
            return self._http.request(operation, "GET", path, expect=expect, params=params, json_body=json_body)
        except AuthenticationError as error:
            raise self._credentials.explained(error) from error
        except PermissionDeniedError as error:
            raise _with_advice(error, _READ_ADVICE) from error


def _with_advice(error: _StatusErrorT, advice: str) -> _StatusErrorT:
    return type(error)(f"{error.message} {advice}", error.status, error.reason, **error.details)
