# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Status, comments and tags of an event, changes to them, and the two calls that send changes.

Servers have one or the other call, depending on their version; each task finds out once. The field for the tags of users is not
documented: several fields are read, with texts or with objects with `tag`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._errors import NotFoundError, RequestError, StatusError
from .._resources.comparing import added

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .._stellar.client import StellarClient

    Update = Callable[[str, str, Mapping[str, Any]], None]

STATUSES = ("New", "In Progress", "Ignored", "Closed")
TAG_FIELDS = ("event_tags", "event_tag", "tags")
AUTO = "auto"
UPDATE_SER = "update_ser"
SECURITY_EVENTS = "security_events"
_MISSING = (404, 405)


@dataclass(frozen=True)
class Change:
    """A requested change to one event. None and empty values leave the field alone."""

    status: str | None = None
    comment: str | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to do."""
        return self.status is None and self.comment is None and not self.add_tags and not self.remove_tags

    def __str__(self) -> str:
        """The change in messages."""
        parts = [f"status {self.status}"] if self.status is not None else []
        parts += ["the comment"] if self.comment is not None else []
        parts += [f"tag {tag} added" for tag in self.add_tags]
        parts += [f"tag {tag} removed" for tag in self.remove_tags]
        return ", ".join(parts)


@dataclass(frozen=True)
class EventState:
    """Status, comments and tags of an event; `tag_fields` are the tags by the field that contains them."""

    status: str | None
    comments: tuple[str, ...]
    tag_fields: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, source: Mapping[str, Any], tag_field: str | None) -> EventState:
        """The state of a document; with `tag_field`, tags are looked for only there."""
        status = source.get("event_status")
        names = (tag_field,) if tag_field else TAG_FIELDS
        return cls(
            status if isinstance(status, str) else None,
            _texts(source.get("comments"), "comment"),
            {name: _texts(source.get(name), "tag") for name in names},
        )

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags, from the first field that contains any."""
        return next((tags for tags in self.tag_fields.values() if tags), ())

    def as_result(self) -> dict[str, Any]:
        """The state as users see it."""
        return {"status": self.status, "comments": list(self.comments), "tags": list(self.tags)}

    def after(self, change: Change) -> EventState:
        """Returns the state after a change."""
        tags = [tag for tag in self.tags if tag not in change.remove_tags]
        tags += [tag for tag in change.add_tags if tag not in tags]
        return replace(
            self,
            status=self.status if change.status is None else change.status,
            comments=self.comments if change.comment is None else (*self.comments, change.comment),
            tag_fields={"": tuple(tags)},
        )

    def new_comments(self, before: EventState) -> list[str]:
        """The comments that were added since an earlier state."""
        return added(before.comments, self.comments)

    def new_tags(self, before: EventState) -> list[str]:
        """The tags that were added since an earlier state, in any field."""
        new = [tag for name, tags in self.tag_fields.items() for tag in tags if tag not in before.tag_fields.get(name, ())]
        return list(dict.fromkeys(new))


def _texts(value: Any, key: str) -> tuple[str, ...]:
    """Returns the texts of a list of texts or of objects that contain them; a single value may come without a list."""
    items: Sequence[Any] = value if isinstance(value, list) else [value]
    texts = [item.get(key) if isinstance(item, dict) else item for item in items]
    return tuple(text for text in texts if isinstance(text, str))


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
