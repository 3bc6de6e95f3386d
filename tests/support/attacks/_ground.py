# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of an attack: an emulator, a relay in front of it and a host; and the type of operations."""

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

EVENT = {"index": "aella-ser-1610496070892-", "id": "7PW5SXcBlxPU3jFcFJ_s"}
COMMENT = "Seen at the gate."
UPDATES = frozenset({"stellar_ser_update", "stellar_case", "extrahop_detection", "extrahop_device"})
"""The modules that read, write what differs, and read again."""
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
    """An emulator, a relay in front of it, and a host with its ledger. Use it in a `with` block."""

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
        """Resets everything: no data, no faults, and an empty ledger."""
        self.relay.repair()
        self.emulator.reset()
        for path in self.folder.iterdir():
            path.unlink()
        # So that a search without a result proves that the event is missing.
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
