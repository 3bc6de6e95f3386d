# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Finds the tags and comments that an item does not have, before and after writing them, also on servers that rewrite texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .texts import comment_key, digest, resembles, tag_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .texts import Spelling


@dataclass(frozen=True)
class SeenTexts:
    """The texts that are missing after they were written.

    `rewritten` are those that the server shows in another form (as sent, as shown); `learned` is the same as digests. `is_strange` means
    that there is a new text that may or may not be ours; `surplus` is the number of extra copies.
    """

    missing: tuple[str, ...] = ()
    rewritten: Mapping[str, str] = field(default_factory=dict)
    learned: Mapping[bytes, bytes] = field(default_factory=dict)
    is_strange: bool = False
    surplus: int = 0
    is_hidden: bool = False
    """True if the server accepted the text and does not show such texts at all."""


def tags_to_add(wanted: Sequence[str], held: Sequence[str], spelling: Spelling) -> tuple[str, ...]:
    """The wanted tags that an item does not have."""
    return tuple(tag for tag in wanted if not spelling.held(tag_key(tag), tag, held))


def tags_to_remove(wanted: Sequence[str], held: Sequence[str], spelling: Spelling) -> tuple[str, ...]:
    """The unwanted tags that an item has, in the server's spelling."""
    return tuple(dict.fromkeys(one for tag in wanted for one in spelling.held(tag_key(tag), tag, held)[:1]))


def near_misses(wanted: Sequence[str], held: Sequence[str], spelling: Spelling) -> list[tuple[str, str]]:
    """Returns tags to remove that an item does not have, each with a tag that differs only in case or punctuation."""
    return [(tag, one) for tag in wanted if not spelling.held(tag_key(tag), tag, held) for one in held if resembles(tag, one)]


def has_comment(comment: str, identifier: str, held: Sequence[str], spelling: Spelling) -> bool:
    """True if the item of this ID has the comment."""
    return bool(spelling.held(comment_key(identifier, comment), comment, held)) or spelling.sent_since(identifier, comment, held)


def added(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Returns the texts that were added since an earlier state; of equal texts, the additional copies."""
    new = list(after)
    for text in before:
        if text in new:
            new.remove(text)
    return new


def seen_tags(wanted: Sequence[str], held: Sequence[str], new: Sequence[str], spelling: Spelling, *, accepted: bool) -> SeenTexts:
    """The tags that were added and are missing. `new` are the tags that an item has since then.

    A tag counts as rewritten if the server accepted it and shows a similar tag, or a single new tag, instead.
    """
    shown = list(dict.fromkeys((*held, *new)))
    missing = [tag for tag in wanted if not spelling.held(tag_key(tag), tag, shown)]
    others = [one for one in new if not any(spelling.same(tag_key(tag), tag, one) for tag in wanted)]
    candidates = [*others, *(one for one in held if one not in new and accepted)]
    rewritten: dict[str, str] = {}
    for tag in missing:
        match = next((one for one in candidates if resembles(tag, one) and one not in wanted), None)
        if match is None and accepted and len(missing) == len(others) == 1:
            match = others[0]
        if match is not None:
            rewritten[tag] = match
    plain = {tag: one for tag in wanted if tag not in missing for one in spelling.held(tag_key(tag), tag, shown)[:1] if one != tag}
    return SeenTexts(
        tuple(tag for tag in missing if tag not in rewritten),
        {**plain, **rewritten},
        {tag_key(tag): digest(one) for tag, one in rewritten.items()},
    )


def seen_comment(comment: str, identifier: str, new: Sequence[str], spelling: Spelling, *, accepted: bool) -> SeenTexts:
    """The comment, if it is missing.

    It counts as rewritten if a new comment resembles it, or if the server accepted it and one comment is new.
    """
    key = comment_key(identifier, comment)
    same = spelling.held(key, comment, new)
    if same:
        differs = same[0].split() != comment.split()
        return SeenTexts(rewritten={comment: same[0]} if differs else {}, surplus=len(same) - 1)
    similar = [text for text in new if resembles(comment, text)]
    if not similar and accepted and len(new) == 1:
        similar = list(new)
    if similar:
        return SeenTexts(rewritten={comment: similar[0]}, learned={key: digest(similar[0])}, surplus=len(similar) - 1)
    return SeenTexts((comment,), is_strange=bool(new))


def near_miss_warnings(name: str, noun: str, misses: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The warnings about tags that were not removed; `name` is the item in messages."""
    return tuple(
        f"{name}: the {noun} does not have the tag {tag!r}, but {held!r}. Only exactly the same tag is removed; "
        "name it in `remove_tags` as the server spells it."
        for tag, held in misses
    )


def surplus_warnings(name: str, surplus: int) -> tuple[str, ...]:
    """Returns the warning about a comment that was written more than once."""
    warning = (
        f"{name}: the comment was written {surplus + 1} times since this run looked: by another run at the same time, or because "
        "the server was slow to carry out what it had not answered."
    )
    return (warning,) if surplus else ()
