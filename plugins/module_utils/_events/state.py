# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Status, comments and tags of an event, and changes to them.

The field for the tags of users is not documented: several fields are read, with texts or with objects with `tag`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._resources.comparing import added

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STATUSES = ("New", "In Progress", "Ignored", "Closed")
TAG_FIELDS = ("event_tags", "event_tag", "tags")


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
