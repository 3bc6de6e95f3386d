# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The two calls that update an event. Servers have one or the other, depending on their version; each task finds out once."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._errors import NotFoundError, RequestError, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .._stellar.client import StellarClient
    from .state import Change

    Update = Callable[[str, str, Mapping[str, Any]], None]

AUTO = "auto"
UPDATE_SER = "update_ser"
SECURITY_EVENTS = "security_events"
_MISSING = (404, 405)


@dataclass(frozen=True)
class Target:
    """The event to update. `where` is its place in the options, for messages."""

    where: str
    index: str
    id: str

    @property
    def name(self) -> str:
        """The name of the event in messages."""
        return self.where or self.id

    @property
    def key(self) -> str:
        """The ID of the event. Its index does not count: it has several names."""
        return self.id

    @property
    def title(self) -> str:
        """The event in a diff."""
        return f"{self.index}/{self.id}"

    def identity(self) -> dict[str, Any]:
        """The result keys by which users recognise the event."""
        return {"index": self.index, "id": self.id}


class UpdateEndpoint:
    """Sends changes with the chosen call, or with the one that the server has; all threads share the result of the first attempt."""

    def __init__(self, client: StellarClient, endpoint: str) -> None:
        self.name = None if endpoint == AUTO else endpoint
        self._updates: dict[str, Update] = {UPDATE_SER: client.update_ser, SECURITY_EVENTS: client.update_security_event}
        self._is_given = endpoint != AUTO
        self._finding_out = threading.Lock()

    def send(self, target: Target, change: Change) -> None:
        """Sends a change in as few requests as the call allows. If one of them fails, the rest is not sent."""
        if self.name is None:
            with self._finding_out:
                if self.name is None:
                    self._find_out(target, change)
                    return
        try:
            self._send_all(self.name, target, _BODIES[self.name](change))
        except StatusError as error:
            if not self._is_given or error.status not in _MISSING:
                raise
            raise error.with_message(f"{error.message} If this server does not have this call, set `endpoint: auto`.") from error

    def _send_all(self, name: str, target: Target, bodies: Iterator[dict[str, Any]], *, is_under_way: bool = False) -> None:
        for fields in bodies:
            try:
                self._updates[name](target.index, target.id, fields)
            except RequestError as error:
                raise (error.as_part() if is_under_way else error) from error
            is_under_way = True

    def _find_out(self, target: Target, change: Change) -> None:
        refusals = []
        for name in (UPDATE_SER, SECURITY_EVENTS):
            bodies = _BODIES[name](change)
            try:
                self._updates[name](target.index, target.id, next(bodies))
            except StatusError as error:
                if error.status not in _MISSING:
                    raise
                refusals.append(error)
                continue
            self.name = name
            self._send_all(name, target, bodies, is_under_way=True)
            return
        refusal = refusals[-1]
        message = (
            f"{target.name}: neither update_ser nor security_events accepted the update of {target.id} in {target.index} "
            f"(the last answer: {refusal.message}) Check index, id and the version of the server."
        )
        raise NotFoundError(message, refusal.status, refusal.reason, **refusal.details) from refusal


def _bodies_of_update_ser(change: Change) -> Iterator[dict[str, Any]]:
    """Yields bodies with status, comment and one tag for each request."""
    fields = _status_and_comment(change)
    for tag in _tag_changes(change):
        yield {**fields, "event_tag": tag}
        fields = {}
    if fields:
        yield fields


def _bodies_of_security_events(change: Change) -> Iterator[dict[str, Any]]:
    """Yields one body with status and comment, and one with all tags."""
    fields = _status_and_comment(change)
    if fields:
        yield fields
    tags = _tag_changes(change)
    if tags:
        yield {"event_tags": tags}


def _status_and_comment(change: Change) -> dict[str, Any]:
    fields = {"status": change.status, "comments": change.comment}
    return {name: value for name, value in fields.items() if value is not None}


def _tag_changes(change: Change) -> list[dict[str, str]]:
    return [{"op": op, "tag": tag} for op, tags in (("add", change.add_tags), ("delete", change.remove_tags)) for tag in tags]


_BODIES: dict[str, Callable[[Change], Iterator[dict[str, Any]]]] = {
    UPDATE_SER: _bodies_of_update_ser,
    SECURITY_EVENTS: _bodies_of_security_events,
}
