# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes of the collection, one operation each: the task that does it, the call that a fault should meet, and how often it was done."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator import RunningEmulator, Settings

from ._processes import Surroundings
from ._raw_relay import RawRelay
from ._relay import Relay

if TYPE_CHECKING:
    from types import TracebackType

ROWS = 6
EVENT = {"index": "aella-ser-1610496070892-", "id": "7PW5SXcBlxPU3jFcFJ_s"}
COMMENT = "Seen at the gate."
_EVENT_COUNT = 3
# The modules look ten seconds for a write; the emulator shows writes at once, and its slowest answer comes within two seconds.
QUICK_LOOKS = Surroundings(
    constants={
        "_resources.waiting:LOOK_SECONDS": 3.0,
        "_resources.waiting:LATE_SECONDS": 3.0,
        "_events.insert:LOOK_SECONDS": 3.0,
        "_resources.waiting:FIRST_PAUSE_SECONDS": 0.2,
        "_http.auth:LONGEST_PAUSE_SECONDS": 0.1,
    },
    limits={"RLIMIT_AS": 2 * 1024 * 1024 * 1024},
)


class Ground:
    """An emulator, a relay before it, and a host with its ledger. Use it in a `with` block."""

    certificate = "none"
    relay: Relay | RawRelay

    def __init__(self) -> None:
        self.emulator = RunningEmulator(Settings(refresh_delay=0.05, accepted_body="json"), certificate=self.certificate)
        self.folder = Path(tempfile.mkdtemp(prefix="xdr-ground-"))

    def __enter__(self) -> Ground:
        self.emulator.start()
        self.relay = self.new_relay(int(self.emulator.host.rpartition(":")[2]))
        self.relay.__enter__()
        return self

    def new_relay(self, upstream: int) -> Relay | RawRelay:
        """The relay to that port."""
        return Relay(upstream)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.relay.__exit__(kind, error, trace)
        self.emulator.stop()
        shutil.rmtree(self.folder)

    def as_new(self) -> None:
        """Nothing is held, nothing is broken, and the ledger is empty."""
        self.relay.repair()
        self.emulator.reset()
        for path in self.folder.iterdir():
            path.unlink()
        # So that not finding an event proves that it is missing.
        self.emulator.add_events({"event_name": "another", "event_status": "New", "event_source": "x", "timestamp": 1})
        self.emulator.add_events({"_index": EVENT["index"], "_id": EVENT["id"], "_source": {"event_name": "x", "event_status": "New"}})

    @property
    def ledger(self) -> str:
        """The ledger of this host."""
        return str(self.folder / "ledger.sqlite3")

    @property
    def connection(self) -> dict[str, Any]:
        """The options that reach the emulator through the relay."""
        return {"host": self.relay.host, "ca_path": self.relay.ca_path, "timeout": 1, "retries": 1}

    def event(self) -> Mapping[str, Any]:
        """The source of the event that is updated."""
        source: Mapping[str, Any] = next(one["_source"] for one in self.emulator.events() if one["_id"] == EVENT["id"])
        return source


class RawGround(Ground):
    """The same with a relay that hands TLS through."""

    certificate = "good"

    relay: RawRelay

    def __enter__(self) -> RawGround:
        super().__enter__()
        return self

    def new_relay(self, upstream: int) -> RawRelay:
        """The relay to that port."""
        return RawRelay(upstream, self.emulator.ca_path)


@dataclass(frozen=True)
class Operation:
    """One kind of write.

    `params` gives the options of the module. `standing` says how often each thing is on the server.
    `call` is part of the path of the request that is attacked, `skip` how many such requests are let pass.
    """

    name: str
    module: str
    call: str
    params: Callable[[Ground], dict[str, Any]]
    standing: Callable[[Ground], list[int]]
    prepare: Callable[[Ground], None] = field(default=lambda _ground: None)
    skip: int = 0
    may_repeat: bool = False
    """True if doing it twice looks like doing it once, or can only be announced: the contract has no reading back."""
    can_read: bool = True
    writes: bool = True
    """True if the request that is attacked is the write itself; if not, nothing was done where it fails."""


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
    """How many comments there are: on a server that rewrites them, none is as it was sent."""
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
