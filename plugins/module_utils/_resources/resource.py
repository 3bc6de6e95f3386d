# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The interface between `converge` and the kinds of items, and the values that they exchange."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._errors import RequestError, XdrError


class Ref(Protocol):
    """The item that is meant."""

    @property
    def name(self) -> str:
        """The item in messages: its place in the options, or its ID."""

    @property
    def key(self) -> str:
        """The ID of the item. Changes of items with the same key are made one after the other."""

    @property
    def title(self) -> str:
        """The item in a diff."""

    def identity(self) -> dict[str, Any]:
        """The result keys by which users recognise the item."""


class State(Protocol):
    """The part of an item that changes are about."""

    def as_result(self) -> dict[str, Any]:
        """The state as users see it."""


class Change(Protocol):
    """A requested change to one item, or the part of it that is missing. `str` describes its contents in messages."""

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to do."""


RefT = TypeVar("RefT", bound=Ref)
StateT = TypeVar("StateT", bound=State)
ChangeT = TypeVar("ChangeT", bound=Change)


@dataclass(frozen=True)
class Wanted(Generic[RefT, ChangeT]):
    """One entry of the input: the item, and the requested change."""

    ref: RefT
    change: ChangeT


@dataclass(frozen=True)
class Needed(Generic[ChangeT]):
    """The part of a change that an item does not show yet."""

    change: ChangeT
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written(Generic[ChangeT]):
    """A change that was sent. `accepted` means that the server reported success; otherwise the outcome is unknown."""

    change: ChangeT
    accepted: bool


@dataclass(frozen=True)
class Seen(Generic[ChangeT]):
    """The result of comparing an item with a change after it was sent.

    `left` is the part that would have to be sent now. `rewritten` are the texts that the server shows in another form (as sent, as shown);
    `learned` is the same as digests. `is_strange` means that there is something new that may or may not be the text that was sent.
    """

    left: ChangeT
    warnings: tuple[str, ...] = ()
    rewritten: Mapping[str, str] = field(default_factory=dict)
    learned: Mapping[bytes, bytes] = field(default_factory=dict)
    is_strange: bool = False
    is_hidden: bool = False
    """True if a part of the change was accepted and items do not show it."""


@dataclass(frozen=True)
class Wording:
    """The words of messages about one kind of item. `look` and `again` are advice after an unclear outcome, each a sentence or two."""

    noun: str
    """The noun, such as `event`."""
    look: str
    """Advice if the item cannot be read."""
    again: str
    """Advice if the item can be read."""
    strange: str = ""
    """A sentence for a new text that may or may not be the one that was sent."""

    @property
    def plural(self) -> str:
        """The plural noun; the key of the results."""
        return f"{self.noun}s"


class Resource(Protocol[RefT, StateT, ChangeT]):
    """One kind of item. Safe to use from several threads."""

    @property
    def wording(self) -> Wording:
        """The words of messages."""

    def read(self, wanted: Wanted[RefT, ChangeT]) -> StateT:
        """The present state, as far as the change is about it; raises NotFoundError, PermissionDeniedError or another XdrError."""

    def needed(self, wanted: Wanted[RefT, ChangeT], state: StateT) -> Needed[ChangeT]:
        """The part of the change that the state does not show."""

    def planned(self, state: StateT, change: ChangeT) -> StateT:
        """Returns the state after a change."""

    def remember(self, written: Written[ChangeT], ref: RefT, before: StateT) -> None:
        """Notes for later runs that a change is about to be sent or, if it was accepted, that the item could not be read again."""

    def write(self, ref: RefT, change: ChangeT) -> None:
        """Sends a change. Stops at the first request that fails; `partly_done` of its RequestError says if others came before it."""

    def seen(self, written: Written[ChangeT], ref: RefT, before: StateT, after: StateT) -> Seen[ChangeT]:
        """Compares the state after a change with the change."""

    def comes_late(self, change: ChangeT, unclear: RequestError | None) -> bool:
        """True if a change may become visible late, and must not be sent again before then."""

    def hint(self, left: ChangeT) -> str:
        """Returns advice if the server accepted a change but did not make it: empty, or a sentence that begins with a space."""

    def knowing(self, learned: Mapping[bytes, bytes]) -> Resource[RefT, StateT, ChangeT]:
        """Returns the resource with what was learned from a write; the next change of the same item uses it."""


@dataclass(frozen=True)
class Outcome(Generic[RefT, StateT]):
    """The result for one item. `before` and `after` are None if the account may not read."""

    ref: RefT
    changed: bool = False
    before: StateT | None = None
    after: StateT | None = None
    error: XdrError | None = None
    is_assumed: bool = False
    """True if `changed` is assumed because the account may not read."""
    warnings: tuple[str, ...] = ()
    rewritten: Mapping[str, str] = field(default_factory=dict)
    learned: Mapping[bytes, bytes] = field(default_factory=dict)

    def as_result(self) -> dict[str, Any]:
        """The result for users."""
        return {
            **self.identity(),
            "before": self.before.as_result() if self.before else None,
            "after": self.after.as_result() if self.after else None,
        }

    def identity(self) -> dict[str, Any]:
        """The result keys by which users recognise the item."""
        return self.ref.identity()
