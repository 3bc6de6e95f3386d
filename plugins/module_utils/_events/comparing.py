# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Finds the parts of a change that the server does not have, before and after sending, also on servers that rewrite comments and tags."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .state import Change
from .texts import comment_key, digest, resembles, tag_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .state import EventState
    from .texts import Spelling


@dataclass(frozen=True)
class Written:
    """A change that was sent to an event. `accepted` says that the server said it did it; otherwise nobody knows."""

    change: Change
    identifier: str
    spelling: Spelling
    accepted: bool


@dataclass(frozen=True)
class Comparison:
    """The parts of a change that are missing after it was sent.

    `rewritten` are the texts that the server shows in another form (as sent, as shown); `learned` is the same for the ledger.
    `strange_comment` says that there is a new comment that may or may not be ours; `surplus` is the number of extra copies of the comment.
    """

    left: Change
    rewritten: Mapping[str, str] = field(default_factory=dict)
    learned: Mapping[bytes, bytes] = field(default_factory=dict)
    strange_comment: bool = False
    surplus: int = 0


def needed(state: EventState, wanted: Change, identifier: str, spelling: Spelling) -> Change:
    """The part of a change that the event does not show yet; tags to remove are in the server's spelling."""
    comment = wanted.comment
    if comment is not None and spelling.held(comment_key(identifier, comment), comment, state.comments):
        comment = None
    return Change(
        None if wanted.status == state.status else wanted.status,
        comment,
        tuple(tag for tag in wanted.add_tags if not spelling.held(tag_key(tag), tag, state.tags)),
        tuple(dict.fromkeys(held for tag in wanted.remove_tags for held in spelling.held(tag_key(tag), tag, state.tags)[:1])),
    )


def near_misses(state: EventState, wanted: Change, spelling: Spelling) -> list[tuple[str, str]]:
    """Tags to remove that the event does not have, each with one that it has and that differs in case or punctuation only."""
    return [
        (tag, held)
        for tag in wanted.remove_tags
        if not spelling.held(tag_key(tag), tag, state.tags)
        for held in state.tags
        if resembles(tag, held)
    ]


def compared(after: EventState, before: EventState, written: Written) -> Comparison:
    """The parts of a change that are missing in the state after it."""
    tags, comment = _tags(after, before, written), _comment(after, before, written)
    change = written.change
    left = Change(
        None if change.status == after.status else change.status,
        comment.left.comment,
        tags.left.add_tags,
        tuple(tag for tag in change.remove_tags if tag in after.tags),
    )
    return Comparison(
        left, {**tags.rewritten, **comment.rewritten}, {**tags.learned, **comment.learned}, comment.strange_comment, comment.surplus
    )


def _tags(after: EventState, before: EventState, written: Written) -> Comparison:
    """Which tags to add are missing.

    A tag counts as rewritten if the server said that it added it and shows, not the tag, but one that resembles it, or a single new one.
    """
    spelling, wanted, new = written.spelling, written.change.add_tags, after.new_tags(before)
    shown = list(dict.fromkeys((*after.tags, *new)))
    missing = [tag for tag in wanted if not spelling.held(tag_key(tag), tag, shown)]
    others = [held for held in new if not any(spelling.same(tag_key(tag), tag, held) for tag in wanted)]
    candidates = [*others, *(held for held in after.tags if held not in new and written.accepted)]
    rewritten: dict[str, str] = {}
    for tag in missing:
        match = next((held for held in candidates if resembles(tag, held) and held not in wanted), None)
        if match is None and written.accepted and len(missing) == len(others) == 1:
            match = others[0]
        if match is not None:
            rewritten[tag] = match
    left = Change(add_tags=tuple(tag for tag in missing if tag not in rewritten))
    learned = {tag_key(tag): digest(held) for tag, held in rewritten.items()}
    plain = {tag: held for tag in wanted if tag not in missing for held in spelling.held(tag_key(tag), tag, shown)[:1] if held != tag}
    return Comparison(left, {**plain, **rewritten}, learned)


def _comment(after: EventState, before: EventState, written: Written) -> Comparison:
    """True if the comment is missing. It counts as rewritten if a new one resembles it, or if the server wrote it and one is new."""
    comment = written.change.comment
    if comment is None:
        return Comparison(Change())
    key, new = comment_key(written.identifier, comment), after.new_comments(before)
    same = written.spelling.held(key, comment, new)
    if same:
        differs = same[0].split() != comment.split()
        return Comparison(Change(), {comment: same[0]} if differs else {}, surplus=len(same) - 1)
    similar = [text for text in new if resembles(comment, text)]
    if not similar and written.accepted and len(new) == 1:
        similar = new
    if similar:
        return Comparison(Change(), {comment: similar[0]}, {key: digest(similar[0])}, surplus=len(similar) - 1)
    return Comparison(Change(comment=comment), strange_comment=bool(new))
