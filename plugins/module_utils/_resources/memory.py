# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The memory of how a server rewrites the texts that it is sent: a ledger keeps it for later runs."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from .._errors import LedgerError
from .._ledger.opening import open_ledger
from .resource import Change
from .texts import Spelling, comment_key, sent_key, sent_note, tag_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from .._ledger.contract import RewriteLedger
    from .._module import Run
    from .resource import RefT, Wanted


class HasTexts(Change, Protocol):
    """A change that may contain a comment and tags."""

    @property
    def comment(self) -> str | None:
        """The comment to write."""

    @property
    def add_tags(self) -> tuple[str, ...]:
        """The tags to add."""

    @property
    def remove_tags(self) -> tuple[str, ...]:
        """The tags to remove."""


ChangeT = TypeVar("ChangeT", bound=HasTexts)


class Notes:
    """Writes notes to a ledger. Each must reach the disk, so what several threads note at the same time is written in one transaction."""

    def __init__(self, ledger: RewriteLedger) -> None:
        self._ledger = ledger
        self._writing = threading.Lock()
        self._adding = threading.Lock()
        self._next = _Batch()

    def note(self, entries: Mapping[bytes, bytes]) -> None:
        """Adds entries, and returns when they are on the disk; raises LedgerError."""
        with self._adding:
            batch = self._next
            batch.entries.update(entries)
        with self._writing:
            # Another thread may have written them while this one waited.
            if not batch.is_over:
                with self._adding:
                    self._next = _Batch() if self._next is batch else self._next
                self._write(batch)
        if batch.error:
            raise LedgerError(batch.error.message) from batch.error

    def _write(self, batch: _Batch) -> None:
        try:
            self._ledger.note(batch.entries)
        except LedgerError as error:
            batch.error = error
        batch.is_over = True


@dataclass
class _Batch:
    """The entries of one transaction, and its outcome."""

    entries: dict[bytes, bytes] = field(default_factory=dict)
    is_over: bool = False
    error: LedgerError | None = None


class Memory:
    """The texts that were written to one server, and how it shows them. Safe to use from several threads."""

    def __init__(self, notes: Notes | None = None, spelling: Spelling | None = None) -> None:
        """Without `notes`, what is learned is known to this task only."""
        self._notes = notes
        self.spelling = spelling or Spelling({})

    def knowing(self, learned: Mapping[bytes, bytes]) -> Memory:
        """The same with what was learned, which the ledger remembers from now on."""
        if not learned:
            return self
        self._note(learned)
        return Memory(self._notes, self.spelling.knowing(learned))

    def note_sent(self, identifier: str, text: str, count: int, *, accepted: bool) -> None:
        """Remembers that a text is being sent to an item which had so many before, or that the server accepted it.

        If it cannot be read back and the server rewrites it, the next run would not know it.
        """
        self._note({sent_key(identifier, text): sent_note(count, accepted=accepted)})

    def _note(self, entries: Mapping[bytes, bytes]) -> None:
        if self._notes:
            self._notes.note(entries)


def keys_of(changes: Iterable[Wanted[RefT, ChangeT]]) -> set[bytes]:
    """The keys of the comments and tags of these changes."""
    keys: set[bytes] = set()
    for wanted in changes:
        change = wanted.change
        keys |= {tag_key(tag) for tag in (*change.add_tags, *change.remove_tags)}
        keys |= set() if change.comment is None else text_keys(wanted.ref.key, change.comment)
    return keys


def text_keys(identifier: str, text: str) -> set[bytes]:
    """The keys of a comment or note of one item."""
    return {comment_key(identifier, text), sent_key(identifier, text)}


@contextmanager
def memory_of(ledger: str | None, endpoint: str, keys: Collection[bytes], run: Run) -> Iterator[Memory]:
    """What is known of the texts with these keys; `endpoint` is the server, as the ledger names it.

    If `ledger` is not set and the default ledger cannot be used, the task continues without it.
    """
    if not keys:
        yield Memory()
        return
    try:
        opened = open_ledger(ledger, read_only=run.check_mode)
    except LedgerError as error:
        if ledger is not None:
            raise
        run.warn(f"How this server rewrites texts is not remembered, because the default ledger cannot be used. {error.message}")
        yield Memory()
        return
    with closing(opened):
        rewrites = opened.rewrites(endpoint)
        yield Memory(Notes(rewrites), Spelling(rewrites.known(keys)))
