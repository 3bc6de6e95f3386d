# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What an update can change of an event: status, comments, tags; and where they stand in a document.

Where the tags of users stand is not documented: they are looked for in several fields, as texts or as objects with C(tag).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STATUSES = ("New", "In Progress", "Ignored", "Closed")
TAG_FIELDS = ("event_tags", "event_tag", "tags")


@dataclass(frozen=True)
class Change:
    """What is to be done to one event. C(None) and empty mean nothing."""

    status: str | None = None
    comment: str | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done."""
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
    """Status, comments and tags of an event; C(tag_fields) are the tags by the field they stand in."""

    status: str | None
    comments: tuple[str, ...]
    tag_fields: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, source: Mapping[str, Any], tag_field: str | None) -> EventState:
        """The state of a document; with C(tag_field), tags are looked for only there."""
        status = source.get("event_status")
        names = (tag_field,) if tag_field else TAG_FIELDS
        return cls(
            status if isinstance(status, str) else None,
            _texts(source.get("comments"), "comment"),
            {name: _texts(source.get(name), "tag") for name in names},
        )

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags, from the first field that has any."""
        return next((tags for tags in self.tag_fields.values() if tags), ())

    def as_result(self) -> dict[str, Any]:
        """The state as users see it."""
        return {"status": self.status, "comments": list(self.comments), "tags": list(self.tags)}

    def needed(self, wanted: Change, *, repeats_comment: bool) -> Change:
        """The part of a change that is not there yet."""
        has_comment = wanted.comment is not None and wanted.comment.strip() in [comment.strip() for comment in self.comments]
        return Change(
            None if wanted.status == self.status else wanted.status,
            None if has_comment and not repeats_comment else wanted.comment,
            tuple(tag for tag in wanted.add_tags if tag not in self.tags),
            tuple(tag for tag in wanted.remove_tags if tag in self.tags),
        )

    def left_of(self, change: Change, before: EventState) -> Change:
        """The part of a change that does not show, given the state before it."""
        return Change(
            None if change.status == self.status else change.status,
            None if change.comment is None or self._times(change.comment) > before._times(change.comment) else change.comment,
            tuple(tag for tag in change.add_tags if not self._has_new(tag, before)),
            tuple(tag for tag in change.remove_tags if tag in self.tags),
        )

    def comments_too_many(self, change: Change, before: EventState) -> int:
        """How often the comment of a change was written more than once since the state before it."""
        if change.comment is None:
            return 0
        return max(self._times(change.comment) - before._times(change.comment) - 1, 0)

    def after(self, change: Change) -> EventState:
        """What the state will be."""
        tags = [tag for tag in self.tags if tag not in change.remove_tags]
        tags += [tag for tag in change.add_tags if tag not in tags]
        return replace(
            self,
            status=self.status if change.status is None else change.status,
            comments=self.comments if change.comment is None else (*self.comments, change.comment),
            tag_fields={"": tuple(tags)},
        )

    def _times(self, comment: str) -> int:
        return sum(1 for held in self.comments if held.strip() == comment.strip())

    def _has_new(self, tag: str, before: EventState) -> bool:
        return any(tag in tags and tag not in before.tag_fields.get(name, ()) for name, tags in self.tag_fields.items())


def _texts(value: Any, key: str) -> tuple[str, ...]:
    """The texts of a list of texts or of objects that hold them; a single one may stand without a list."""
    items: Sequence[Any] = value if isinstance(value, list) else [value]
    texts = [item.get(key) if isinstance(item, dict) else item for item in items]
    return tuple(text for text in texts if isinstance(text, str))
