# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events of Stellar Cyber, and the versions that a search sees."""

from __future__ import annotations

import json
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ._rewriting import rewritten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._clock import Clock
    from ._settings import Settings
    from ._stellar_validation import Change, TagChange


class Candidate(NamedTuple):
    """One version of a document as a search sees it. Its source is never changed, only replaced."""

    real_index: str
    alias: str
    id: str
    source: dict[str, Any]


@dataclass(frozen=True)
class Version:
    """A version of a document after a write; searches see it from `visible` (monotonic seconds) on."""

    number: int
    sequence: int
    visible: float
    candidate: Candidate

    @property
    def source(self) -> dict[str, Any]:
        """The document itself."""
        return self.candidate.source


@dataclass
class Document:
    """One event: its index, the name in the answer to its insert, and its latest versions."""

    index: str
    alias: str
    id: str
    versions: list[Version] = field(default_factory=list)

    @property
    def current(self) -> Version:
        """The document as get-by-id reads it."""
        return self.versions[-1]

    def seen(self, now: float) -> Candidate | None:
        """The document as a search sees it; None before its first refresh."""
        while len(self.versions) > 1 and self.versions[1].visible <= now:
            del self.versions[0]
        first = self.versions[0]
        return first.candidate if first.visible <= now else None


class EventStore:
    """All events, in order of insertion."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._documents: dict[str, Document] = {}
        self._bodies: dict[str, int] = {}
        self._names: set[str] = set()
        self._sequence = 0
        self._rolled_over = int(time.time() * 1000)
        self.inserts = 0
        self.duplicate_inserts = 0
        self.updates = 0
        self.statuses_written = 0
        self.comments_written = 0
        self.tags_written = 0

    def __len__(self) -> int:
        return len(self._documents)

    def counters(self) -> dict[str, int]:
        """The counters as JSON."""
        return {
            "events": len(self._documents),
            "inserts": self.inserts,
            "duplicate_inserts": self.duplicate_inserts,
            "updates": self.updates,
            "statuses_written": self.statuses_written,
            "comments_written": self.comments_written,
            "tags_written": self.tags_written,
        }

    def insert(self, body: object, document: dict[str, Any]) -> tuple[str, str]:
        """Store a checked document; returns alias and id. `body` is the request's, to count identical inserts."""
        self.inserts += 1
        alias, identifier = self._alias(), secrets.token_urlsafe(15)
        if self._settings.ignore_writes:
            return alias, identifier
        fingerprint = json.dumps(body, sort_keys=True)
        self._bodies[fingerprint] = self._bodies.get(fingerprint, 0) + 1
        self.duplicate_inserts += self._bodies[fingerprint] > 1
        added: dict[str, Any] = {"msg_origin": {"source": "API"}, "tenantid": document.get("tenantid", ""), "write_by": "API"}
        if self._settings.write_time_added:
            skew = self._settings.clock_ahead - self._settings.clock_behind
            added["write_time"] = _milliseconds() + int(skew * 1000)
        stored = {name: self._rewritten(name, value) for name, value in document.items()}
        self._put(Document(self._index(), alias, identifier), {**stored, **added}, self._settings.refresh_delay)
        return alias, identifier

    def _rewritten(self, name: str, value: Any) -> Any:
        """Return the stored value of a field of an inserted event."""
        if not isinstance(value, str) or name == "event_status":
            return value
        return rewritten(value, self._settings.event_rewriting)

    def seed(self, value: dict[str, Any]) -> Document:
        """Store a document unchanged, searchable immediately: `{_index?, _id?, alias?, _source}` or a source alone."""
        wrapped = "_source" in value
        source = value["_source"] if wrapped else value
        index = value.get("_index") if wrapped else None
        document = Document(
            index or self._index(),
            (value.get("alias") if wrapped else None) or index or self._alias(),
            (value.get("_id") if wrapped else None) or secrets.token_urlsafe(15),
        )
        self._put(document, source, 0.0)
        return document

    def find(self, index: str, identifier: str) -> Document | None:
        """The document with this id, if it is in this index, by its real name or its alias."""
        document = self._documents.get(identifier)
        return document if document is not None and index in (document.index, document.alias) else None

    def update(self, document: Document, change: Change, user: str) -> None:
        """Make a change. Repeated comments and statuses are recorded again, as on the real server."""
        self.updates += 1
        if self._settings.ignore_writes:
            return
        source, now = dict(document.current.source), _milliseconds()
        actions: list[str] = []
        if change.status is not None:
            self.statuses_written += 1
            source["event_status"] = change.status
            actions.append(f"Status changed to {change.status}")
        if change.comment is not None:
            self.comments_written += 1
            comment = rewritten(change.comment, self._settings.comment_rewriting)
            entry = {"comment_time": now, "comment_user": user, "comment": comment}
            source["comments"] = [*_list(source.get("comments")), entry]
            actions.append(f"A comment was added by {user}")
        if change.tags and not self._settings.tag_op_noop:
            self.tags_written += len(change.tags)
            self._change_tags(source, change.tags)
            actions.extend(f"Tag {one.tag} was {'added' if one.add else 'deleted'} by {user}" for one in change.tags)
        if not actions:
            return
        done = [{"action_user": user, "action_time": now, "action": action} for action in actions]
        earlier = source.get("user_action")
        history = _list(earlier.get("history")) if isinstance(earlier, dict) else []
        source["user_action"] = {
            "last_user": user,
            "history": [*history, *done],
            "last_action": actions[-1],
            "last_modified": now,
        }
        self._put(document, source, self._settings.refresh_delay)

    def search(self, pattern: str) -> Iterator[Candidate]:
        """The documents that a search over an index pattern sees now, in order of insertion."""
        matches, now = _index_test(pattern), self._clock.now()
        names = {name for name in self._names if matches(name)}
        for document in self._documents.values():
            candidate = document.seen(now)
            if candidate is not None and (candidate.real_index in names or candidate.alias in names):
                yield candidate

    def knows_index(self, name: str) -> bool:
        """True if an index or alias of this exact name exists."""
        return name in self._names or name in (self._index(), self._alias())

    def documents(self, offset: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """The documents as JSON, in order of insertion, with the plain names of their tags."""
        stop = None if limit is None else offset + limit
        self._clock.settle()
        now = self._clock.now()
        return [
            {
                **as_read(one),
                "alias": one.alias,
                "tags": tag_names(one.current.source.get(self._settings.tag_field)),
                "searchable": one.current.visible <= now,
            }
            for one in list(self._documents.values())[offset:stop]
        ]

    def _put(self, document: Document, source: dict[str, Any], delay: float) -> None:
        self._sequence += 1
        number = document.current.number + 1 if document.versions else 1
        candidate = Candidate(document.index, document.alias, document.id, source)
        document.versions.append(Version(number, self._sequence, self._visible(delay), candidate))
        self._documents[document.id] = document
        self._names.update((document.index, document.alias))

    def _visible(self, delay: float) -> float:
        """The time at which searches see a write made now: immediately, after a delay, or at the next refresh."""
        visible, interval = self._clock.now() + delay, self._settings.refresh_interval
        return visible if not interval or not delay else (visible // interval + 1) * interval

    def _change_tags(self, source: dict[str, Any], changes: tuple[TagChange, ...]) -> None:
        names = tag_names(source.get(self._settings.tag_field))
        for change in changes:
            stored = rewritten(change.tag, self._settings.tag_rewriting)
            if change.add and stored not in names:
                names.append(stored)
            elif not change.add and change.tag in names:
                names.remove(change.tag)
        objects = self._settings.tag_form == "objects"
        source[self._settings.tag_field] = [{"tag": name} for name in names] if objects else names

    def _prefix(self) -> str:
        if self._settings.index_style == "saas":
            return f"stellar-index-v1-ser-{self._settings.org_id}-"
        return "aella-ser-"

    def _index(self) -> str:
        return f"{self._prefix()}{self._rolled_over}-"

    def _alias(self) -> str:
        return self._prefix() + time.strftime("%Y.%m.%d-", time.gmtime())


def as_read(document: Document) -> dict[str, Any]:
    """A document in the form of get-by-id."""
    version = document.current
    return {
        "_index": document.index,
        "_type": "amsg",
        "_id": document.id,
        "_version": version.number,
        "_seq_no": version.sequence,
        "_primary_term": 1,
        "found": True,
        "_source": version.source,
    }


def tag_names(value: object) -> list[str]:
    """The plain names of tags that are kept as strings or as objects."""
    names = [one.get("tag") if isinstance(one, dict) else one for one in _list(value)]
    return [name for name in names if isinstance(name, str)]


def _index_test(pattern: str) -> Callable[[str], re.Match[str] | None]:
    parts = [re.escape(part).replace(r"\*", ".*") for part in pattern.split(",")]
    return re.compile("|".join(parts)).fullmatch


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _milliseconds() -> int:
    return int(time.time() * 1000)
