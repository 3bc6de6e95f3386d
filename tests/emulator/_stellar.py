# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stellar Cyber: tokens, inserts, updates and reads of security events (contract: stellar)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from ._cases import Cases
from ._delivery import GATEWAY_PAGE, LOGIN_PAGE
from ._exchange import READ, TOKEN, WRITE, Call, RefusedError, Reply, Route, html_reply, json_reply, parse_json
from ._exchange import text_reply as text
from ._search import Search
from ._stellar_store import Document, EventStore, as_read
from ._stellar_validation import Change, InvalidEventError, check_security_event, check_update, split_insert
from ._tokens import EXPIRED, GOOD, Tokens

if TYPE_CHECKING:
    from ._clock import Clock
    from ._settings import Settings

TOKEN_PATH = "/connect/api/v1/access_token"
_ACCOUNT = "account"
_SCOPED = "scoped"


class Stellar:
    """A Stellar Cyber data processor with one account and one scoped key."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self.store = EventStore(settings, clock)
        self.tokens = Tokens()
        self.token_calls = 0
        self._search = Search(settings, self.store, clock)
        self.cases = Cases(settings, clock, self._error, self.not_found)
        self.routes = (
            *self.cases.routes(self._case_reader, self._case_writer),
            Route(TOKEN_PATH, TOKEN, {"POST": self._token}),
            Route("/connect/api/v1/insert_ser", WRITE, {"POST": self._insert}),
            Route("/connect/api/update_ser", WRITE, {"POST": self._update}),
            Route("/connect/api/v1/security_events/{index}/{id}", WRITE, {"POST": self._security_event}),
            Route("/connect/api/data/{index}/amsg/{id}", READ, {"GET": self._get}),
            Route("/connect/api/data/{index}/_search", READ, {"GET": self._find, "POST": self._find}),
            Route(
                "/connect/api/data/_search/scroll",
                READ,
                {"GET": self._scroll, "POST": self._scroll, "DELETE": self._end_scroll},
            ),
        )

    def settings_changed(self) -> None:
        """Nothing is kept in another form."""

    def clear(self) -> None:
        """Forget all data and tokens."""
        self.store.clear()
        self.cases.store.clear()
        self.tokens.clear()
        self._search.clear()
        self.token_calls = 0

    def counters(self) -> dict[str, Any]:
        """The data of the server, as JSON."""
        return {"token_calls": self.token_calls, "cases": len(self.cases.store.cases), **self.store.counters()}

    def events(self, offset: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """The events as JSON."""
        return self.store.documents(offset, limit)

    def add_events(self, values: list[Any]) -> list[dict[str, str]]:
        """Seed documents straight into the index. Raises ValueError for anything that is not a document."""
        if not all(isinstance(one, dict) and isinstance(one.get("_source", {}), dict) for one in values):
            raise ValueError("events: expected objects, or objects with a _source")
        added = [self.store.seed(one) for one in values]
        return [{"index": one.index, "alias": one.alias, "id": one.id} for one in added]

    def add_cases(self, values: list[Any]) -> list[dict[str, Any]]:
        """Seed cases. Raises ValueError for anything that is not a case."""
        if not all(isinstance(one, dict) for one in values):
            raise ValueError("cases: expected objects")
        added = [self.cases.store.seed(one).source for one in values]
        return [{"id": one["_id"], "ticket_id": one["ticket_id"]} for one in added]

    def not_found(self, call: Call) -> Reply:
        """The answer to an unknown path, and to calls that this server does not have."""
        status = self._settings.missing_path_status
        if self._settings.missing_path_form == "json":
            return json_reply(status, {"error": {"reason": "no such path", "type": "not_found"}, "status": status})
        if self._settings.missing_path_form == "empty":
            return Reply(status)
        return html_reply(status, f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>")

    def not_allowed(self, route: Route) -> Reply:
        """The answer to a wrong method."""
        allowed = ", ".join(route.handlers)
        reply = self._error(405, "method_not_allowed", f"allowed: {allowed}")
        return Reply(405, reply.body, reply.content_type, (("Allow", allowed),))

    def expired(self, form: str | None = None) -> Reply:
        """The answer to an expired token."""
        return self._error(int(form or 401) if form != "400_text" else 400, "token_expired", "The token has expired")

    # -- who may call ----------------------------------------------------------------------------------------------

    def _token(self, call: Call) -> Reply:
        self.token_calls += 1
        settings = self._settings
        if settings.login_page == "all":
            return html_reply(200, LOGIN_PAGE)
        # The form type is not required: a vendor's client sends none with a scoped key.
        if call.media_type not in ("application/x-www-form-urlencoded", "") or call.body:
            return self._error(400, "invalid_request", "expected an empty form")
        if call.basic() == (settings.username, settings.stellar_api_key):
            holder = _ACCOUNT
        elif call.bearer() == settings.scoped_key:
            holder = _SCOPED
        else:
            return self._error(401, "invalid_credentials", "The credentials are not valid")
        if settings.single_token:
            self.tokens.expire()
        answer: dict[str, Any] = {"access_token": self.tokens.give_jwt(settings.jwt_life, holder)}
        if settings.exp_in_answer:
            answer["exp"] = int(time.time() + settings.jwt_life)
        return json_reply(200, answer)

    def _authenticate(self, call: Call) -> str:
        settings = self._settings
        if settings.session_cookie and call.headers.get("Cookie"):
            raise RefusedError(self._error(403, "forbidden", "CSRF verification failed"))
        if call.basic() is not None:
            if settings.basic_on_calls and call.basic() == (settings.username, settings.stellar_api_key):
                return _ACCOUNT
            raise RefusedError(self._error(401, "invalid_credentials", "The credentials are not valid"))
        state, holder = self.tokens.look(call.bearer() or "")
        if state == EXPIRED:
            raise RefusedError(self.expired())
        if state != GOOD:
            raise RefusedError(self._error(401, "invalid_token", "Authentication is required"))
        return holder

    def _reader(self, call: Call) -> None:
        if self._settings.login_page != "off":
            raise RefusedError(html_reply(200, LOGIN_PAGE))
        if self._settings.gateway_refusal:
            raise RefusedError(self._gateway_refusal())
        if call.method == "GET" and call.body and self._settings.get_bodies == "411":
            raise RefusedError(html_reply(411, GATEWAY_PAGE))
        if call.method == "GET" and self._settings.get_bodies == "dropped":
            call.body = b""
        line = len(call.path) + sum(len(quote_plus(name)) + len(quote_plus(value)) + 2 for name, value in call.query)
        if self._settings.max_line and line > self._settings.max_line:
            raise RefusedError(html_reply(414, GATEWAY_PAGE))
        holder = self._authenticate(call)
        allowed = self._settings.right_to_read and (holder != _SCOPED or self._settings.scoped_key_can_read)
        if not allowed:
            raise RefusedError(self._error(403, "forbidden", "The account may not read data"))

    def _case_reader(self, call: Call) -> str:
        """Check the right to read cases, which a scoped key may have; returns the holder of the token."""
        if self._settings.login_page != "off":
            raise RefusedError(html_reply(200, LOGIN_PAGE))
        if self._settings.gateway_refusal:
            raise RefusedError(self._gateway_refusal())
        holder = self._authenticate(call)
        if not self._settings.right_to_read:
            raise RefusedError(self._error(403, "forbidden", "The account may not read cases"))
        return holder

    def _case_writer(self, call: Call) -> tuple[Any, str]:
        """Check the right to change cases; returns the JSON body and the holder of the token."""
        return self._writer(call), self._authenticate(call)

    def _writer(self, call: Call) -> Any:
        """Check the right to write; returns the JSON body."""
        if self._settings.login_page == "all":
            raise RefusedError(html_reply(200, LOGIN_PAGE))
        self._authenticate(call)
        if not self._settings.right_to_write:
            raise RefusedError(self._error(403, "forbidden", "Root scope and Super Admin privileges are needed"))
        if call.media_type != "application/json":
            raise RefusedError(self._error(400, "invalid_request", "Content-Type: expected application/json"))
        try:
            return parse_json(call.body)
        except ValueError as error:
            raise RefusedError(self._error(400, "invalid_request", f"the body is not JSON: {error}")) from None

    # -- the calls ----------------------------------------------------------------------------------------------------

    def _insert(self, call: Call) -> Reply:
        body = self._writer(call)
        try:
            document = split_insert(body, self._settings)
        except InvalidEventError as error:
            return self._invalid(error)
        answer = self._settings.insert_answer
        if answer == "error":
            return json_reply(200, {"status": "error", "message": "the event could not be stored"})
        alias, identifier = self.store.insert(body, document)
        if answer == "text":
            return text(200, "OK 200")
        if answer == "empty_object":
            return json_reply(200, {})
        if answer == "other_shape":
            return json_reply(201, {"result": {"event": {"id": identifier}}, "took": 3})
        return json_reply(200, {"index": alias, "_id": identifier})

    def _update(self, call: Call) -> Reply:
        if not self._settings.update_ser_available:
            return self.not_found(call)
        body = self._writer(call)
        try:
            index, identifier, change = check_update(body, self._settings)
        except InvalidEventError as error:
            return self._invalid(error)
        return self._changed(index, identifier, change)

    def _security_event(self, call: Call) -> Reply:
        if not self._settings.security_events_available:
            return self.not_found(call)
        body = self._writer(call)
        try:
            change = check_security_event(body, self._settings)
        except InvalidEventError as error:
            return self._invalid(error)
        return self._changed(call.parameters["index"], call.parameters["id"], change)

    def _changed(self, index: str, identifier: str, change: Change) -> Reply:
        document = self.store.find(index, identifier)
        if document is None:
            reason = f"[amsg][{identifier}]: document missing"
            return self._error(self._settings.unknown_event_status, "document_missing_exception", reason)
        self.store.update(document, change, self._settings.username)
        answer = self._settings.update_answer
        if answer == "json":
            return json_reply(200, {"status": "success", "_id": identifier})
        if answer == "empty":
            return Reply(200)
        return text(200, "\ufeffOK 200" if answer == "bom" else "OK 200")

    def _get(self, call: Call) -> Reply:
        if not self._settings.amsg_available:
            return self.not_found(call)
        self._reader(call)
        index, identifier = call.parameters["index"], call.parameters["id"]
        document: Document | None = self.store.find(index, identifier)
        if document is None:
            return json_reply(404, {"_index": index, "_type": "amsg", "_id": identifier, "found": False})
        return json_reply(200, as_read(document))

    def _find(self, call: Call) -> Reply:
        self._reader(call)
        return self._search.search(call, call.parameters["index"])

    def _scroll(self, call: Call) -> Reply:
        self._reader(call)
        return self._search.continue_scroll(call)

    def _end_scroll(self, call: Call) -> Reply:
        self._reader(call)
        return self._search.end_scroll(call)

    # -- answers ------------------------------------------------------------------------------------------------------

    def _gateway_refusal(self) -> Reply:
        """A 403 from a gateway in front of the server."""
        form = self._settings.gateway_refusal
        if form == "html":
            return html_reply(403, GATEWAY_PAGE)
        if form == "json":
            return json_reply(403, {"message": "Forbidden"}, (("x-amzn-errortype", "ForbiddenException"),))
        return text(403, "error code: 1020") if form == "text" else Reply(403)

    def _invalid(self, error: InvalidEventError) -> Reply:
        return text(200 if self._settings.ok_with_error_text else self._settings.validation_status, str(error))

    def _error(self, status: int, kind: str, reason: str) -> Reply:
        if self._settings.error_form == "text":
            return text(status, reason)
        return json_reply(status, {"error": {"type": kind, "reason": reason}, "status": status})
