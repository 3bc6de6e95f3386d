# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The parts of a case that updates concern, changes to them, and the options that ask for changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._argspec import sendable_text, whole_characters
from .._errors import InputError
from .._resources.resource import Wanted
from .._resources.updating import COMMENT_MODE, TAGS, UpdateTable
from .._stellar.case_server import AUTO, POST, PUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._resources.updating import Entry
    from .._stellar.cases import StoredCase

RESOLVED = "Resolved"
STATUSES = ("New", "In Progress", "Escalated", RESOLVED, "Cancelled")
SEVERITIES = ("Low", "Medium", "High", "Critical")
RESOLUTIONS = ("True Positive", "False Positive", "Benign")
_LONGEST_ID = 128

CASES = UpdateTable(
    "cases",
    identity={"id": {"type": "str"}, "ticket_id": {"type": "int"}},
    one_identifies=True,
    changes={
        "status": {"type": "str", "choices": list(STATUSES)},
        "severity": {"type": "str", "choices": list(SEVERITIES)},
        "resolution": {"type": "str", "choices": list(RESOLUTIONS)},
        "update_alerts": {"type": "bool"},
        "assignee": {"type": "str"},
        "description": {"type": "str"},
        **TAGS,
        "comment": {"type": "str"},
    },
    others={**COMMENT_MODE, "endpoint": {"type": "str", "choices": [AUTO, PUT, POST], "default": AUTO}},
    unused={
        "source": {"type": "dict"},
        "comments": {"type": "list", "elements": "raw"},
        "alerts": {"type": "list", "elements": "dict"},
    },
)
"""The options of `stellar_case`."""


@dataclass(frozen=True)
class CaseRef:
    """A case, by its ID or by its number in the UI. `where` is its position in the options."""

    where: str
    id: str | None
    ticket_id: int | None

    @property
    def name(self) -> str:
        """The name of the case in messages."""
        return self.where or self.title

    @property
    def key(self) -> str:
        """The ID of the case; its number while the ID is not known."""
        return self.id or f"ticket {self.ticket_id}"

    @property
    def title(self) -> str:
        """The case in a diff."""
        return f"case {self.id}" if self.id else f"case with ticket_id {self.ticket_id}"

    def identity(self) -> dict[str, Any]:
        """The result keys by which users recognise the case."""
        return {"id": self.id, "ticket_id": self.ticket_id}


@dataclass(frozen=True)
class CaseChange:
    """A requested change to one case. None and empty values leave the field alone; an empty `assignee` removes the assignee."""

    status: str | None = None
    severity: str | None = None
    resolution: str | None = None
    update_alerts: bool | None = None
    assignee: str | None = None
    description: str | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    comment: str | None = None

    @property
    def has_fields(self) -> bool:
        """True if something other than a comment is to be written."""
        values = (self.status, self.severity, self.resolution, self.assignee, self.description)
        return any(value is not None for value in values) or bool(self.add_tags or self.remove_tags)

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to do. Closing the alerts is a part of resolving a case, not a separate change."""
        return self.comment is None and not self.has_fields

    def __str__(self) -> str:
        """The change in messages."""
        named = {"status": self.status, "severity": self.severity, "resolution": self.resolution}
        parts = [f"{name} {value}" for name, value in named.items() if value is not None]
        parts += [f"assignee {self.assignee}" if self.assignee else "no assignee"] if self.assignee is not None else []
        parts += ["the description"] if self.description is not None else []
        parts += [f"tag {tag} added" for tag in self.add_tags]
        parts += [f"tag {tag} removed" for tag in self.remove_tags]
        parts += ["the comment"] if self.comment is not None else []
        return ", ".join(parts)

    def body(self) -> dict[str, Any]:
        """Returns the JSON of the fields; empty if there are none."""
        # A resolution is sent together with the status, never alone.
        status = RESOLVED if self.resolution is not None else self.status
        tags = {name: list(tags) for name, tags in (("add", self.add_tags), ("delete", self.remove_tags)) if tags}
        fields = {
            "status": status,
            "resolution": self.resolution,
            "update_alerts": self.update_alerts,
            "severity": self.severity,
            "assignee": self.assignee,
            "description": self.description,
            "tags": tags or None,
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True)
class CaseState:
    """The current state of a case. `comments` is None if they were not read, `resolution` if the case shows none."""

    ticket_id: int | None
    status: str | None
    severity: str | None
    assignee: str | None
    assignee_name: str | None
    tags: tuple[str, ...]
    resolution: str | None = None
    description: str | None = None
    comments: tuple[str, ...] | None = None

    @classmethod
    def of(cls, case: StoredCase, comments: Sequence[Mapping[str, Any]] | None) -> CaseState:
        """The state of a stored case. Older versions call the severity `priority`."""
        source = case.source
        tags = source.get("tags")
        texts = [one.get("comment") for one in comments or ()]
        return cls(
            case.ticket_id,
            _text(source.get("status")),
            _text(source.get("severity")) or _text(source.get("priority")),
            _text(source.get("assignee")),
            _text(source.get("assignee_name")),
            tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
            _text(source.get("resolution")),
            str(source["description"] or "") if "description" in source else None,
            None if comments is None else tuple(text for text in texts if isinstance(text, str)),
        )

    @property
    def shown_assignees(self) -> tuple[str, ...]:
        """The texts with which the case shows its assignee; empty if it has no assignee."""
        return tuple(dict.fromkeys(text for text in (self.assignee, self.assignee_name) if text)) if self.assignee else ()

    def as_result(self) -> dict[str, Any]:
        """The state as users see it."""
        shown = {"resolution": self.resolution, "description": self.description}
        return {
            "status": self.status,
            "severity": self.severity,
            "assignee": self.assignee,
            "tags": list(self.tags),
            "comments": None if self.comments is None else list(self.comments),
            **{name: value for name, value in shown.items() if value is not None},
        }

    def after(self, change: CaseChange) -> CaseState:
        """Returns the state after a change."""
        tags = [tag for tag in self.tags if tag not in change.remove_tags]
        tags += [tag for tag in change.add_tags if tag not in tags]
        comments = self.comments if change.comment is None else (*(self.comments or ()), change.comment)
        has_new_resolution = change.resolution is not None and self.resolution is not None
        return replace(
            self,
            status=change.status or self.status,
            severity=change.severity or self.severity,
            assignee=self.assignee if change.assignee is None else change.assignee or None,
            tags=tuple(tags),
            resolution=change.resolution if has_new_resolution else self.resolution,
            description=self.description if None in (self.description, change.description) else change.description,
            comments=comments,
        )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def wanted_case(entry: Entry) -> Wanted[CaseRef, CaseChange]:
    """Checks the options for one case; raises InputError."""
    values, where = entry.values, entry.where
    change = CaseChange(
        values["status"],
        values["severity"],
        values["resolution"],
        values["update_alerts"],
        _assignee(f"{where}assignee", values["assignee"]),
        None if values["description"] is None else whole_characters(values["description"]),
        *entry.tags(),
        comment=entry.text("comment"),
    )
    for name in ("resolution", "update_alerts"):
        if values[name] and change.status != RESOLVED:
            status = change.status or "not set"
            raise InputError(f"{where}{name}: this is possible only together with `status: {RESOLVED}`; the status here is {status}.")
    if change.is_empty:
        raise entry.nothing_to_change(*(name for name in CASES.changes if name not in ("resolution", "update_alerts")))
    identifier, ticket = values["id"], values["ticket_id"]
    if identifier is None and ticket is None:
        raise InputError(f"{entry.place}: give the `id` or the `ticket_id` of the case.")
    if ticket is not None and ticket < 0:
        raise InputError(f"{where}ticket_id: {ticket} is not the number of a case.")
    # What stellar_case_info returns has both; the ID says more.
    return Wanted(CaseRef(entry.place, None if identifier is None else checked_case_id(f"{where}id", identifier), ticket), change)


def _assignee(option: str, value: str | None) -> str | None:
    """Returns the user; an empty text removes the assignee."""
    if value and not value.strip():
        raise InputError(f"{option}: the text is blank. Give a user, or an empty text to remove the assignee.")
    return None if value is None else sendable_text(option, value.strip())


def checked_case_id(option: str, value: str) -> str:
    """Returns the ID of a case; raises InputError if it cannot be one."""
    if not value.strip() or value in (".", "..") or not value.isprintable() or len(value) > _LONGEST_ID or set(value) & set(" /?#%"):
        raise InputError(f"{option}: {value[:_LONGEST_ID]!r} cannot be the ID of a case, which has 24 digits and letters from a to f.")
    return sendable_text(option, value)
