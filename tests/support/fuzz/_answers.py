# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of both servers: any status, headers and bytes, from the socket on. What comes back is typed, or a typed error."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, Any
from unittest import mock

from ansible_collections.secops.xdr.plugins.module_utils._cases.state import CaseChange, CaseState
from ansible_collections.secops.xdr.plugins.module_utils._errors import XdrError
from ansible_collections.secops.xdr.plugins.module_utils._events.event import EventResource
from ansible_collections.secops.xdr.plugins.module_utils._events.state import AUTO, Change, EventState, Target, UpdateEndpoint
from ansible_collections.secops.xdr.plugins.module_utils._extrahop.client import ExtraHopClient
from ansible_collections.secops.xdr.plugins.module_utils._http.exchange import Exchange
from ansible_collections.secops.xdr.plugins.module_utils._resources.memory import Memory
from ansible_collections.secops.xdr.plugins.module_utils._resources.resource import Wanted, Written
from ansible_collections.secops.xdr.plugins.module_utils._secrets import SecretKeeper
from ansible_collections.secops.xdr.plugins.module_utils._stellar.answers import InsertedEvent, SearchPage, StoredEvent
from ansible_collections.secops.xdr.plugins.module_utils._stellar.cases import CaseCalls, StoredCase
from ansible_collections.secops.xdr.plugins.module_utils._stellar.client import StellarClient
from ansible_collections.secops.xdr.plugins.module_utils._stellar.search import EventSearch
from urllib3.connection import HTTPConnection

from support.fuzz._draw import Draw

if TYPE_CHECKING:
    from collections.abc import Callable

_SECRET = "a-secret-of-this-run"
_CONNECTION = {"host": "http://server.example.com", "validate_certs": False, "ca_path": None, "timeout": 1, "retries": 1}
_HITS_WANTED = 3
_HIT = {"_index": "aella-ser-1", "_id": "1", "_source": {"event_status": "New", "comments": [{"comment": "c"}], "event_tags": ["t"]}}
_BODIES: tuple[Any, ...] = (
    {"access_token": "token", "exp": 1_900_000_000, "expires_in": 600},
    {"hits": {"total": {"value": 1, "relation": "eq"}, "hits": [_HIT]}, "_scroll_id": "s", "_shards": {"failed": 0}, "timed_out": False},
    {**_HIT, "found": True},
    {"found": False},
    {
        "data": {
            "_id": "1",
            "ticket_id": 7,
            "status": "New",
            "tags": ["t"],
            "assignee": "a",
            "cases": [{"_id": "1", "tags": ["t"]}],
            "total": 1,
        }
    },
    {"data": {"docs": [_HIT]}},
    {"data": [{"_id": "1", "comment": "c", "user": "u", "user_id": "1", "email": "e"}]},
    [{"id": 1, "ipaddr4": "10.8.0.2", "ipaddr6": None}],
    {"index": "aella-ser-1", "_id": "1"},
    {"error": {"reason": "no", "root_cause": [{"reason": "really no"}]}},
    "OK 200",
    "Invalid event status value: closed",
    [],
    {},
    None,
)
_HEADERS = (
    *("Content-Type: application/json", "Content-Type: text/html", "Content-Encoding: gzip", "Content-Encoding: deflate, br, zstd, x"),
    *("Transfer-Encoding: chunked", "Connection: close", "Retry-After: 1", "Retry-After: -1", "Retry-After: soon", "Location: ///x"),
    *("Retry-After: Fri, 31 Dec 9999 23:59:59 GMT", "Date: Thu, 01 Jan 1970 00:16:40 GMT", "Date: Thu, 01 Jan 1970 00:16:40 +9999999"),
    *("Location: https://elsewhere.example.com/", "Set-Cookie: a=b", "Content-Length: -1", "Content-Length: 99999999999", "Date: x"),
    *("Content-Length: 3, 3", "Content-Encoding: gzip, gzip, gzip", "Content-Range: bytes", " folded", "No colon", ": no name"),
)
_STATUSES = (200, 202, 201, 204, 301, 302, 304, 400, 401, 403, 404, 405, 413, 429, 500, 502, 503, 504, 100, 101, 999, 0)


def answers(data: bytes) -> None:
    """One call of a client, which gets whatever the bytes say in answer to each of its requests."""
    draw = Draw(data)
    server = _Server(draw)
    work = draw.pick(_CALLS)
    refusal: XdrError | None = None
    with (
        server,
        mock.patch.object(HTTPConnection, "_new_conn", server.connection),
        # Nothing takes time here, so no clock has to run beside it.
        mock.patch.object(Exchange, "watch"),
        mock.patch("urllib3.util.retry.time.sleep"),
    ):
        try:
            work(draw, server)
        except XdrError as error:
            refusal = error
    if refusal:
        assert _SECRET not in json.dumps(refusal.as_result())
        assert refusal.message.isprintable(), "a message could steer a terminal"


def _uploads(draw: Draw, server: _Server) -> None:
    _extrahop(draw).upload_observations(b'{"observations": [], "source": "x"}')
    assert server.last_status == 202


def _asks_for_devices(draw: Draw, _server: _Server) -> None:
    wanted = ["10.8.0.2", "10.8.0.3"]
    assert set(_extrahop(draw).observed_addresses(wanted)) <= set(wanted)


def _inserts(draw: Draw, _server: _Server) -> None:
    event = _stellar(draw).insert_event(b"{}")
    assert isinstance(event, InsertedEvent)
    assert isinstance(event.id, str)


def _updates(draw: Draw, _server: _Server) -> None:
    _stellar(draw).update_ser("aella-ser-1", "1", draw.pick(({"comments": "c"}, {"status": "New"})))


def _reads(draw: Draw, _server: _Server) -> None:
    _check_event(_stellar(draw).read_event("aella-ser-1", "1"))


def _searches(draw: Draw, _server: _Server) -> None:
    search = EventSearch(_stellar(draw), "aella-ser-*", "*", size=1, sort=["timestamp:desc"])
    for event in search.events(_HITS_WANTED):
        _check_event(event)
    assert isinstance(search.total, int)


def _scrolls(draw: Draw, _server: _Server) -> None:
    page = _stellar(draw).next_page("s")
    assert isinstance(page, SearchPage)
    for event in page.events:
        _check_event(event)


def _lists_cases(draw: Draw, _server: _Server) -> None:
    calls = CaseCalls(_stellar(draw))
    for case in calls.page({"limit": "5"}).cases:
        _check_case(case)
    case_or_none = calls.case("1")
    if case_or_none:
        _check_case(case_or_none)


def _reads_below_cases(draw: Draw, _server: _Server) -> None:
    calls = CaseCalls(_stellar(draw))
    json.dumps([calls.comments("1"), calls.users()])
    assert all(isinstance(alert.id, str) for alert in calls.alerts("1", 0))


def _updates_cases(draw: Draw, _server: _Server) -> None:
    calls = CaseCalls(_stellar(draw))
    assert isinstance(calls.post("1", {"status": "New"}), (str, type(None)))
    calls.put("1", {"status": "New"})
    calls.comment("1", "c")


_CALLS: tuple[Callable[[Draw, _Server], None], ...] = (
    *(_uploads, _asks_for_devices, _inserts, _updates, _reads, _searches, _scrolls),
    *(_lists_cases, _reads_below_cases, _updates_cases),
)


def _check_case(case: StoredCase) -> None:
    """A case, and its state."""
    assert isinstance(case.id, str)
    state = CaseState.of(case, [dict(case.source)])
    json.dumps({"source": dict(case.source), **state.after(CaseChange("New", add_tags=("t",), comment="c")).as_result()})


def _check_event(event: StoredEvent | None) -> None:
    """An event, and what updates make of it."""
    if event is None:
        return
    assert isinstance(event.index, str)
    assert isinstance(event.id, str)
    state = EventState.of(event.source, None)
    wanted = Wanted(Target("", event.index, event.id), Change("New", "c", ("t",), ("u",)))
    events = _event_resource()
    missing = events.needed(wanted, state).change
    planned = events.planned(state, missing)
    after = EventState(planned.status, planned.comments, {"event_tags": planned.tags})
    assert events.seen(Written(missing, accepted=True), wanted.ref, state, after).left.is_empty
    json.dumps({"source": dict(event.source), **state.as_result()})


def _event_resource() -> EventResource:
    """The events of a task without a ledger. Nothing is sent."""
    client = _stellar(Draw(b""))
    return EventResource(client, UpdateEndpoint(client, AUTO), Memory(), tag_field=None, repeats_comment=False)


def _extrahop(draw: Draw) -> ExtraHopClient:
    none: dict[str, Any] = {"api_key": None, "client_id": None, "client_secret": None}
    credentials = draw.pick(({"api_key": _SECRET}, {"client_id": "id", "client_secret": _SECRET}))
    return ExtraHopClient.from_params({**_CONNECTION, **none, **credentials}, SecretKeeper())


def _stellar(draw: Draw) -> StellarClient:
    none: dict[str, Any] = {"username": "user", "api_key": None, "access_token": None, "auth_method": "jwt"}
    credentials = draw.pick(({"api_key": _SECRET}, {"access_token": _SECRET}, {"api_key": _SECRET, "auth_method": "basic"}))
    return StellarClient.from_params({**_CONNECTION, **none, **credentials}, SecretKeeper())


class _Server:
    """Answers each request with what is drawn for it; when nothing is left to draw, it breaks the connection."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.last_status = 0
        self._connections: list[socket.socket] = []

    def __enter__(self) -> None:
        """Nothing is open yet."""

    def __exit__(self, *_error: object) -> None:
        """The client goes, and its connections with it."""
        for connection in self._connections:
            # Not close(), which leaves that to the last user of a file of the connection.
            descriptor = connection.detach()
            if descriptor >= 0:
                os.close(descriptor)

    def connection(self, *_arguments: Any) -> socket.socket:
        """A connection on which one answer waits, and then ends."""
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.sendall(self.answer())
            theirs.shutdown(socket.SHUT_WR)
        self._connections.append(ours)
        return ours

    def answer(self) -> bytes:
        """The bytes of one answer."""
        draw = self.draw
        if not draw.has_more:
            return b""
        if draw.flag(16):
            return draw.raw(200)
        self.last_status = draw.pick(_STATUSES) if draw.flag() else 200
        body = self._body()
        head = [f"HTTP/1.1 {self.last_status} {draw.text(4) if draw.flag(8) else 'OK'}"]
        head += [f"Content-Length: {len(body)}"] if not draw.flag(8) else []
        head += [draw.pick(_HEADERS) if draw.flag() else f"{draw.text()}: {draw.text()}" for _header in range(draw.number(3))]
        return "\r\n".join([*head, "", ""]).encode("latin-1", "replace") + body

    def _body(self) -> bytes:
        draw = self.draw
        kind = draw.number(5)
        if kind == 0:
            return draw.raw(255)
        if kind == 1:
            return json.dumps(draw.json()).encode()
        if kind == 2:
            return draw.mutated(json.dumps(draw.pick(_BODIES))).encode("utf-8", "surrogatepass")
        body = draw.pick(_BODIES)
        if kind == 3 and isinstance(body, dict) and body:
            body = _with_another_value(draw, body)
        return json.dumps(body).replace("token", _SECRET if draw.flag(16) else "token").encode()


def _with_another_value(draw: Draw, body: dict[str, Any]) -> dict[str, Any]:
    """The same keys, one of them with anything below it."""
    name = draw.pick(sorted(body))
    value = body[name]
    if isinstance(value, list) and value and isinstance(value[0], dict) and draw.flag():
        return {**body, name: [_with_another_value(draw, value[0]), *value[1:]]}
    if isinstance(value, dict) and value and draw.flag():
        return {**body, name: _with_another_value(draw, value)}
    return {**body, name: draw.json()}
