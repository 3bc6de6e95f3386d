# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Watches ExtraHop for detections: new ones, or every change of one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...module_utils._argspec import ArgumentSpec, extrahop_connection
from ...module_utils._errors import AnswerError, InputError
from ...module_utils._extrahop.calls import MAX_PAGE
from ...module_utils._extrahop.client import ExtraHopClient
from ...module_utils._extrahop.detections import DetectionCalls
from ...module_utils._secrets import SecretKeeper
from .cursor import CursorFile
from .options import checked_interval, checked_overlap, checked_start, common_options, default_cursor, validated
from .stream import Found, Kind, Stream, key_of
from .watch import Watch, handover_to

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Mapping

# By default, a search returns the latest update first: detections that change while pages are read appear again, and none is lost between
# two pages.
CREATED = Kind("new", "new", "create_time", is_in_every_index=False)
MODIFIED = Kind("modified", "changed", "mod_time", is_in_every_index=False)
_MOST = 1_000_000


@dataclass(frozen=True)
class DetectionWatchOptions:
    """The options of the event source. Times in milliseconds, `interval` in seconds; `start` is None for the latest."""

    connection: Mapping[str, Any]
    filter: Mapping[str, Any]
    changes: bool
    start: int | None
    interval: float
    overlap: int
    cursor: str

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any], secrets: SecretKeeper) -> DetectionWatchOptions:
        """Reads and checks the options of a rulebook; raises InputError."""
        params = validated(detection_watch_options(), arguments, secrets)
        conditions = params["filter"] or {}
        for name, value in conditions.items():
            if value is None:
                raise InputError(f"filter.{name}: null was given, which would not restrict the search. Leave the key out, or give a value.")
        endpoint = ExtraHopClient.from_params(params, secrets).endpoint
        return cls(
            connection=params,
            filter=conditions,
            changes=params["changes"],
            start=checked_start(params["start"]),
            interval=checked_interval(params["interval"]),
            overlap=checked_overlap(params["overlap"]),
            cursor=params["cursor"]
            or default_cursor(endpoint, "detections", json.dumps(conditions, sort_keys=True), str(params["changes"])),
        )


def detection_watch_options() -> ArgumentSpec:
    """The options of the event source."""
    return extrahop_connection().merged_with(ArgumentSpec({"filter": {"type": "dict"}, **common_options()}))


async def watch_detections(queue: Any, arguments: Mapping[str, Any], feedback: asyncio.Queue[Any] | None) -> None:
    """Runs the event source until it is cancelled; raises XdrError if it cannot continue."""
    secrets = SecretKeeper()
    options = DetectionWatchOptions.from_arguments(arguments, secrets)
    client = ExtraHopClient.from_params(options.connection, secrets)
    stream = DetectionStream(MODIFIED if options.changes else CREATED, client, options)
    cursor = CursorFile(options.cursor, {"server": client.endpoint, "index": "detections"})
    await DetectionWatch(options, [stream], cursor, handover_to(queue, feedback, secrets)).run()


class DetectionWatch(Watch):
    """Watches ExtraHop for detections."""

    name = "extrahop_detection"


class DetectionStream(Stream):
    """The detections of one kind."""

    def __init__(self, kind: Kind, client: ExtraHopClient, options: DetectionWatchOptions) -> None:
        super().__init__(kind, options.start, options.overlap)
        self._calls = DetectionCalls(client.http())
        self._endpoint = client.endpoint
        self._filter = options.filter

    def _search(self, since: int) -> Iterator[Found]:
        # The search finds detections later than the given time.
        search = {**({"filter": dict(self._filter)} if self._filter else {}), self.kind.field: max(since - 1, 0)}
        for source in self._calls.search(search, size=MAX_PAGE, most=_MOST):
            yield self._found(source, since)

    def _found(self, source: Mapping[str, Any], since: int) -> Found:
        # It is not documented whether a detection shows when it was created. Its latest change is then or later.
        moment = source.get(self.kind.field) or source.get(MODIFIED.field)
        if not isinstance(source.get("id"), int) or not isinstance(moment, int) or moment < since:
            raise AnswerError(
                f"The search for detections with {self.kind.field} from {since} on returned others, or some without an ID or time. Check "
                "the version of ExtraHop, and that no proxy changes requests. No detection was passed on."
            )
        name = (self._endpoint, str(source["id"]), self.kind.change)
        key = key_of(*name, str(moment)) if self.kind is MODIFIED else key_of(*name)
        event = {"id": source["id"], "change": self.kind.change, "source": dict(source), "meta": {"uuid": key}}
        return Found(key, moment, event)
