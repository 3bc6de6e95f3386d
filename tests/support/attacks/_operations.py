# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes of the collection, one operation each: the task that does it, the call that a fault should meet, and how often it was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._case_operations import CASE_OPERATIONS
from ._extrahop_operations import EXTRAHOP_OPERATIONS
from ._ground import COMMENT, EVENT, Ground, Operation

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 6
_EVENT_COUNT = 3


def _stellar(ground: Ground) -> dict[str, Any]:
    settings = ground.emulator.emulator.settings
    return {**ground.connection, "username": settings.username, "api_key": settings.stellar_api_key}


def _scoped(ground: Ground) -> dict[str, Any]:
    return {**ground.connection, "auth_method": "scoped_key", "api_key": ground.emulator.emulator.settings.scoped_key}


def _observations(ground: Ground) -> dict[str, Any]:
    rows = [
        {"ipaddr": f"10.8.0.{number}", "associated_ipaddr": f"203.0.113.{number}", "timestamp": str(1_700_000_000 + number)}
        for number in range(1, ROWS + 1)
    ]
    return {
        **ground.connection,
        "source": "OpenVPN",
        "observations": rows,
        "timestamp_format": "epoch",
        "batch_size": 2,
        "ledger": ground.ledger,
    }


def _with_key(ground: Ground) -> dict[str, Any]:
    return {**_observations(ground), "api_key": ground.emulator.emulator.settings.api_key}


def _with_client(ground: Ground) -> dict[str, Any]:
    settings = ground.emulator.emulator.settings
    return {**_observations(ground), "client_id": settings.client_id, "client_secret": settings.client_secret}


def _received(ground: Ground) -> list[int]:
    times = [one["times"] for one in ground.emulator.observations()]
    return times + [0] * (ROWS - len(times))


def _events(ground: Ground) -> dict[str, Any]:
    one = {"event_source": "torture", "event_status": "New", "timestamp": "1700000000000"}
    return {
        "events": [{**one, "event_name": f"event {number}"} for number in range(_EVENT_COUNT)],
        "concurrency": 1,
        "ledger": ground.ledger,
        "search_delay": 4,
    }


def _inserted(ground: Ground) -> list[int]:
    names = [one["_source"].get("event_name") for one in ground.emulator.events()]
    return [names.count(f"event {number}") for number in range(_EVENT_COUNT)]


def _update(endpoint: str, **change: Any) -> Callable[[Ground], dict[str, Any]]:
    return lambda ground: {**_stellar(ground), **EVENT, "endpoint": endpoint, "ledger": ground.ledger, **change}


def _status(ground: Ground) -> list[int]:
    return [int(ground.event()["event_status"] == "Closed")]


def _added(ground: Ground) -> list[int]:
    return [ground.event().get("event_tags", []).count("new")]


def _removed(ground: Ground) -> list[int]:
    return [int("old" not in ground.event().get("event_tags", []))]


def _commented(ground: Ground) -> list[int]:
    return [[one["comment"] for one in ground.event().get("comments", [])].count(COMMENT)]


def _all_done(ground: Ground) -> list[int]:
    return [*_status(ground), *_added(ground), *_removed(ground), *_commented(ground)]


def _with_old_tag(ground: Ground) -> None:
    ground.emulator.ask("POST", "reset")
    ground.emulator.add_events(
        {"_index": EVENT["index"], "_id": EVENT["id"], "_source": {"event_name": "x", "event_status": "New", "event_tags": ["old"]}}
    )


def _updates(endpoint: str) -> list[Operation]:
    everything = {"status": "Closed", "comment": COMMENT, "add_tags": ["new"], "remove_tags": ["old"]}
    wanted: list[tuple[str, dict[str, Any], Callable[[Ground], list[int]], int]] = [
        ("status", {"status": "Closed"}, _status, 0),
        ("add tag", {"add_tags": ["new"]}, _added, 0),
        ("remove tag", {"remove_tags": ["old"]}, _removed, 0),
        ("comment", {"comment": COMMENT}, _commented, 0),
        ("all at once, first request", everything, _all_done, 0),
        ("all at once, second request", everything, _all_done, 1),
    ]
    return [
        Operation(f"{endpoint}: {name}", "stellar_ser_update", endpoint, _update(endpoint, **change), standing, _with_old_tag, skip)
        for name, change, standing, skip in wanted
    ]


def _unseen(change: dict[str, Any]) -> Callable[[Ground], dict[str, Any]]:
    return lambda ground: {**_scoped(ground), **EVENT, "endpoint": "security_events", "ledger": ground.ledger, **change}


OPERATIONS: dict[str, Operation] = {
    one.name: one
    for one in (
        Operation("upload", "extrahop_observation", "/observations/", _with_key, _received, skip=1, may_repeat=True),
        Operation("upload: token", "extrahop_observation", "/oauth2/token", _with_client, _received, writes=False, may_repeat=True),
        Operation("insert", "stellar_ser_event", "/insert_ser", lambda ground: {**_stellar(ground), **_events(ground)}, _inserted, skip=1),
        Operation(
            "insert: token",
            "stellar_ser_event",
            "/access_token",
            lambda ground: {**_stellar(ground), **_events(ground)},
            _inserted,
            writes=False,
        ),
        Operation(
            "insert: search",
            "stellar_ser_event",
            "/_search",
            lambda ground: {**_stellar(ground), **_events(ground)},
            _inserted,
            writes=False,
        ),
        Operation(
            "insert without reading",
            "stellar_ser_event",
            "/insert_ser",
            lambda ground: {**_scoped(ground), **_events(ground)},
            _inserted,
            skip=1,
            can_read=False,
        ),
        *_updates("update_ser"),
        *_updates("security_events"),
        *CASE_OPERATIONS,
        *EXTRAHOP_OPERATIONS,
        Operation(
            "comment and tag without reading",
            "stellar_ser_update",
            "/security_events/",
            _unseen({"comment": COMMENT, "add_tags": ["new"]}),
            lambda ground: [*_commented(ground), *_added(ground)],
            _with_old_tag,
            skip=1,
            can_read=False,
        ),
        Operation(
            "update: token",
            "stellar_ser_update",
            "/access_token",
            _update("update_ser", comment=COMMENT),
            _commented,
            _with_old_tag,
            writes=False,
        ),
    )
}
"""By what the tables call them."""


def _with_habits(**settings: Any) -> Callable[[Ground], None]:
    """The event that is updated, on a server with these settings."""

    def prepare(ground: Ground) -> None:
        _with_old_tag(ground)
        ground.emulator.add_events({"event_name": "another", "event_status": "New", "event_source": "x", "timestamp": 1})
        ground.emulator.configure(**settings)

    return prepare


def _comments(ground: Ground) -> list[int]:
    """The number of comments. On a server that rewrites them, none is as it was sent."""
    return [len(ground.event().get("comments", []))]


def _tags_but_old(ground: Ground) -> list[int]:
    return [sum(tag != "old" for tag in ground.event().get("event_tags", []))]


_ODD_COMMENT = "Seen at <the gate>,  by A & B.\r\nTwice. " * 3
_SLOW = _with_habits(refresh_delay=0.1, refresh_interval=2.0)
SERVER_OPERATIONS: dict[str, Operation] = {
    one.name: one
    for one in (
        Operation(
            "insert, slow search",
            "stellar_ser_event",
            "/insert_ser",
            lambda ground: {**_stellar(ground), **_events(ground)},
            _inserted,
            _SLOW,
            skip=1,
        ),
        Operation(
            "insert, answers without an id",
            "stellar_ser_event",
            "/insert_ser",
            lambda ground: {**_stellar(ground), **_events(ground)},
            _inserted,
            _with_habits(insert_answer="empty_object", refresh_delay=0.1, refresh_interval=1.0),
            skip=1,
        ),
        Operation(
            "comment, escaped and collapsed",
            "stellar_ser_update",
            "/update_ser",
            _update("update_ser", comment=_ODD_COMMENT),
            _comments,
            _with_habits(comment_rewriting=["escape", "collapse", "trim"]),
        ),
        Operation(
            "comment, lower case and cut",
            "stellar_ser_update",
            "/security_events/",
            _update("security_events", comment=_ODD_COMMENT),
            _comments,
            _with_habits(comment_rewriting=["lower", "cut_short"]),
        ),
        Operation(
            "tag, upper case",
            "stellar_ser_update",
            "/update_ser",
            _update("update_ser", add_tags=["new"]),
            _tags_but_old,
            _with_habits(tag_rewriting=["upper"]),
        ),
    )
}
"""The same on servers that show late what was written, or rewrite it."""
