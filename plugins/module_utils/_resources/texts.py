# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Compares texts that were written with texts that a server returns: many servers rewrite texts."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

COMMENT = "comment"
JOINED = "joined note"
SENT = "sent comment"
TAG = "tag"
_SPACE = re.compile(r"\s+")
_MARKUP = re.compile("<[^<>]*>")
_DIGEST_BYTES = 16
_UNESCAPES = 3
_REPLACED = re.compile("[?\ufffd]")
_LIMITS = frozenset(
    {
        100,
        128,
        200,
        250,
        255,
        256,
        500,
        512,
        1000,
        1023,
        1024,
        2000,
        2047,
        2048,
        4000,
        4095,
        4096,
        8000,
        8191,
        8192,
        10_000,
        16_384,
        32_766,
        32_767,
    }
)
"""Lengths at which servers commonly cut texts."""
_SHORTEST_CUT = 20
"""Characters that a text must have in common with a longer one to count as the same text, cut."""


def normal(text: str) -> str:
    """Returns the text in a normal form without common changes of servers:

    HTML escapes, white space, line ends, composed characters. Case is kept.
    """
    for _step in range(_UNESCAPES):
        unescaped = html.unescape(text)
        if unescaped == text:
            break
        text = unescaped
    return _SPACE.sub(" ", unicodedata.normalize("NFC", text)).strip()


def spellings(text: str) -> Iterator[str]:
    """Returns the text, and the forms in which servers commonly store it."""
    plain = _SPACE.sub(" ", text).strip()
    yield from dict.fromkeys((text, plain, html.escape(text), html.escape(text, quote=False), html.escape(plain)))


def resembles(written: str, held: str) -> bool:
    """True if a server may have turned one text into the other: other case or punctuation, cut, with something added or replaced.

    Only evidence beside other evidence: on a server that rewrites nothing, `VPN` and `vpn` are two tags.
    """
    first, second = _letters(written), _letters(held)
    without_markup = _letters(_MARKUP.sub("", written))
    if second and without_markup == second:
        return True
    if not written.isascii() and _REPLACED.search(held):
        # Characters that the server cannot store.
        first, second = ("".join(filter(str.isascii, letters)) for letters in (first, second))
    if first == second:
        return bool(first) or normal(written) == normal(held)
    shorter, longer = sorted((first, second), key=len)
    return len(shorter) >= _SHORTEST_CUT and shorter in longer


def same_letters(written: str, held: str) -> bool:
    """True if two texts differ in case, punctuation, white space and markup only."""
    return bool(held) and _letters(held) in (_letters(written), _letters(_MARKUP.sub("", written)))


def has_letters(written: str, held: str) -> bool:
    """True if a text contains another one, apart from case, punctuation, white space and markup."""
    return any(letters and letters in _letters(held) for letters in (_letters(written), _letters(_MARKUP.sub("", written))))


def _letters(text: str) -> str:
    return "".join(character for character in normal(text).casefold() if character.isalnum())


def digest(*parts: str) -> bytes:
    """Returns a digest of texts, which does not reveal them."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()[:_DIGEST_BYTES]


def _is_cut(written: str, held: str) -> bool:
    """True if a server kept only the beginning of a text: the length of the stored text is a common limit."""
    return len(held) in _LIMITS and len(held) < len(written) and normal(written).startswith(normal(held))


class Spelling:
    """The forms in which a server stores texts: the normal form, and those that the ledger learned. Immutable. `known` maps the digest of a
    written text to the digest of the stored text.
    """

    def __init__(self, known: Mapping[bytes, bytes]) -> None:
        self._known = known

    def knowing(self, learned: Mapping[bytes, bytes]) -> Spelling:
        """Returns the same with what was learned since."""
        return Spelling({**self._known, **learned}) if learned else self

    def sent_since(self, identifier: str, comment: str, held: Sequence[str]) -> bool:
        """True if one of an item's comments is new since this one was sent by a run that could not read the item again.

        It must resemble what was sent, or be the only new one if the server accepted it. New comments are first or last.
        """
        note = self._known.get(sent_key(identifier, comment))
        if note is None:
            return False
        accepted, count = bool(note[0]), int.from_bytes(note[1:], "big")
        new = {*held[count:], *held[: max(len(held) - count, 0)]}
        return any(resembles(comment, text) for text in new) or (accepted and len(held) == count + 1)

    def shows(self, key: bytes, lines: Sequence[str], *, is_whole: bool) -> bool:
        """True if these lines contain, one after the other, those that the server made of a text; with `is_whole`, if they are those."""
        note = self._known.get(key, b"")
        count = len(lines) if is_whole else int.from_bytes(note[_DIGEST_BYTES:], "big")
        return count > 0 and any(lines_note(lines[start : start + count]) == note for start in range(len(lines) - count + 1))

    def was_last(self, key: bytes, text: str) -> bool:
        """Returns whether this text is the last one that was written under this key."""
        return self._known.get(key) == digest(normal(text))

    def knows(self, key: bytes) -> bool:
        """True if this text was written before."""
        return key in self._known

    def same(self, key: bytes, written: str, held: str) -> bool:
        """True if the server has the text that was written."""
        return normal(written) == normal(held) or self._known.get(key) == digest(held) or _is_cut(written, held)

    def held(self, key: bytes, written: str, texts: Iterable[str]) -> list[str]:
        """Returns the texts that match the written text; identical ones first."""
        return sorted((text for text in texts if self.same(key, written, text)), key=lambda text: text != written)


def comment_key(identifier: str, comment: str) -> bytes:
    """The key of a comment on one event."""
    return digest(COMMENT, identifier, normal(comment))


def sent_key(identifier: str, comment: str) -> bytes:
    """The key of the note that a comment is being sent to one event."""
    return digest(SENT, identifier, normal(comment))


def sent_note(count: int, *, accepted: bool) -> bytes:
    """The note that a comment is being sent, or was accepted, by a server on which the event had so many comments before."""
    return bytes([accepted]) + count.to_bytes(_DIGEST_BYTES - 1, "big")


def joined_key(identifier: str, text: str) -> bytes:
    """The key of a text that was appended to a note by a server that joins the lines of notes."""
    return digest(JOINED, identifier, normal(text))


def lines_note(lines: Sequence[str]) -> bytes:
    """The note that a server made these lines of a text."""
    return digest(*lines) + len(lines).to_bytes(_DIGEST_BYTES, "big")


def tag_key(tag: str) -> bytes:
    """The key of a tag, the same for all events of a server."""
    return digest(TAG, normal(tag))
