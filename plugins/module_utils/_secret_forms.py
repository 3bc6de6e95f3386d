# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Finds secrets in texts, in all forms in which servers and proxies repeat what they were sent.

The text is decoded again and again, one kind of encoding at a time, and each result is compared with every run of six characters of each
secret. This finds nested encodings and secrets that were cut short.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

WINDOW = 6
"""The number of consecutive characters of a secret that must not be shown. A shorter secret must not be shown as a whole."""
_MOST_TEXTS = 300
_MOST_ROUNDS = 8
"""A text with more nested encodings than this counts as repeating a secret."""
_BASE64_WINDOW = 7
"""Characters of base64 that six characters of ASCII determine at every offset."""
_BASE64_OFFSETS = ((0, 0), (1, 2), (2, 3))
"""Bytes before a secret, and the number of base64 characters that depend on them."""
_CHARSETS = ("latin-1", "cp1252", "cp1250", "cp1251", "cp437", "cp850", "koi8-r", "iso8859-2", "iso8859-15", "mac-roman")
_FROM_CP1252 = {ord(bytes([byte]).decode("cp1252", "replace")): byte for byte in range(0x80, 0xA0)}
_STANDARD_ALPHABET = str.maketrans("-_", "+/")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_QUOTED_PRINTABLE = re.compile(r"(?:=[0-9A-Fa-f]{2})+")
_ESCAPE = re.compile(
    r"\\u\{([0-9A-Fa-f]{1,6})\}|\\U([0-9A-Fa-f]{8})|[\\%][uU]([0-9A-Fa-f]{4})|[uU]\+([0-9A-Fa-f]{4,6})|\\[xX]([0-9A-Fa-f]{2})"
    r"|\\([0-7]{1,3})|\\(.)",
    re.DOTALL,
)
_NUMBERS = re.compile(r"\d{1,3}(?:[\s,;]+\d{1,3})+")
_BETWEEN_HEX = re.compile(r"0[xX]|\\[xX]|[\s:;,._-]")
_WITHOUT_QUOTES = dict.fromkeys(map(ord, "\"'`\\"))


class SecretForms:
    """The secrets of a run, prepared for looking them up in texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._exact: set[str] = set()
        self._plain: set[str] = set()
        self._base64: set[str] = set()
        for secret in secrets:
            for form in _written_by(secret):
                self._exact.update(_windows(_one_case(form), secret))
                for plain in _plain(form):
                    self._plain.update(_windows(plain, secret))
            for text in _as_base64(secret):
                self._base64.update(_runs(text.lower(), _BASE64_WINDOW))
        self._lengths = sorted({len(window) for window in self._exact | self._plain})

    def are_in(self, text: str) -> bool:
        """True if the text repeats a secret, or if it is encoded too many times to tell. Slow for long texts: cut them first."""
        if not self._lengths:
            return False
        seen, waiting = {text}, [text]
        for _round in range(_MOST_ROUNDS):
            found: list[str] = []
            for form in waiting:
                if self._shown_by(form):
                    return True
                decoded = list(self._decoded(form))
                found += [other for other in dict.fromkeys(decoded) if other not in seen]
                seen.update(decoded)
            if len(seen) > _MOST_TEXTS:
                return True
            waiting = list(dict.fromkeys(found))
            if not waiting:
                return False
        return True

    def _shown_by(self, text: str) -> bool:
        exact = _one_case(text)
        return (
            any(window in self._exact for length in self._lengths for window in _runs(exact, length))
            or any(window in self._plain for plain in _plain(text) for length in self._lengths for window in _runs(plain, length))
            or any(window in self._base64 for window in _runs(exact.translate(_STANDARD_ALPHABET), _BASE64_WINDOW))
        )

    def _decoded(self, text: str) -> Iterator[str]:
        for decode in _DECODERS:
            yield decode(text)
        smallest = self._lengths[0]
        pieces: list[str] = []
        for data in _binary(text, smallest):
            # Unchanged, for secrets in other character sets and between other bytes; as UTF-8, for texts that are encoded once more.
            latin = data.decode("latin-1")
            if self._shown_by(latin):
                yield latin
            pieces += (piece for piece in _printable_pieces(data.decode("utf-8", "replace")) if len(piece) >= smallest)
        yield "\n".join(dict.fromkeys(pieces))


def _written_by(secret: str) -> Iterator[str]:
    """Yields the secret, and its UTF-8 bytes misread in other character sets."""
    yield secret
    if not secret.isascii():
        data = secret.encode("utf-8", "surrogatepass")
        for charset in _CHARSETS:
            yield data.decode(charset, "ignore")


def _windows(form: str, secret: str) -> Iterator[str]:
    """The pieces of a form of the secret that must not be shown: six characters in a row, or all of it where the secret is shorter."""
    if len(secret) < WINDOW:
        return iter([form] if len(form) >= len(secret) else [])
    return _runs(form, WINDOW)


def _runs(text: str, length: int) -> Iterator[str]:
    """Yields every run of this many characters."""
    return (text[start : start + length] for start in range(len(text) - length + 1))


def _one_case(text: str) -> str:
    # Case folding alone does not equate letters that share a capital.
    return text.upper().casefold()


def _plain(text: str) -> tuple[str, ...]:
    """The text without case, accents, compatibility forms, white space and all that is not printed; with quotes and without."""
    letters = unicodedata.normalize("NFKD", _one_case(text))
    plain = "".join(letter for letter in letters if unicodedata.category(letter)[0] not in "MZC")
    unquoted = plain.translate(_WITHOUT_QUOTES)
    return (plain,) if unquoted == plain else (plain, unquoted)


def _as_base64(secret: str) -> Iterator[str]:
    """The parts of base64 that the secret alone determines, wherever in the encoded text it begins."""
    data = secret.encode("utf-8", "surrogatepass")
    for before, dependent in _BASE64_OFFSETS:
        encoded = base64.b64encode(bytes(before) + data).decode("ascii")
        padding = encoded.count("=")
        yield encoded[dependent : len(encoded) - padding - bool(padding)]


def _from_html(text: str) -> str:
    return html.unescape(text)


def _from_percent(text: str) -> str:
    return _PERCENT.sub(lambda run: _text_of(bytes.fromhex(run[0].replace("%", ""))), text)


def _from_form(text: str) -> str:
    return _from_percent(text.replace("+", " "))


def _from_quoted_printable(text: str) -> str:
    return _QUOTED_PRINTABLE.sub(lambda run: _text_of(bytes.fromhex(run[0].replace("=", ""))), text)


def _from_escapes(text: str) -> str:
    r"""Escapes of JSON, JavaScript, Python and C: `\u00e9`, `\x65`, `\145`, `\"`, and those with %u or U+."""
    written = _ESCAPE.sub(_escaped, text)
    return written.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escaped(found: re.Match[str]) -> str:
    *hexadecimal, octal, other = found.groups()
    if other is not None:
        return " " if other in "nrtbfv" else other
    code = int(octal, 8) if octal else int(next(digits for digits in hexadecimal if digits), 16)
    return chr(code) if code <= 0x10FFFF else ""


def _from_wrong_charset(text: str) -> str:
    """Decodes UTF-8 that was read as Latin-1 or Windows-1252."""
    if text.isascii():
        return text
    data = b"".join(_byte_of(character) for character in text)
    return data.decode("utf-8", "replace")


def _byte_of(character: str) -> bytes:
    code = _FROM_CP1252.get(ord(character), ord(character))
    return bytes([code]) if code < 0x100 else character.encode("utf-8", "replace")


def _from_numbers(text: str) -> str:
    """Decodes lists of bytes, as JavaScript and Go print them: `[112, 119]`."""
    return _NUMBERS.sub(lambda run: _text_of(bytes(int(number) % 256 for number in re.findall(r"\d+", run[0]))), text)


_DECODERS: tuple[Callable[[str], str], ...] = (
    _from_html,
    _from_percent,
    _from_form,
    _from_quoted_printable,
    _from_escapes,
    _from_wrong_charset,
    _from_numbers,
)


def _text_of(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _binary(text: str, smallest: int) -> Iterator[bytes]:
    """The base64 or hexadecimal pieces of the text, decoded from each place where it may begin, also with white space in between."""
    squeezed = "".join(text.split())
    base64_run = re.compile(rf"[A-Za-z0-9+/]{{{max(2, smallest * 4 // 3)},}}")
    for source in dict.fromkeys((text, squeezed)):
        for run in base64_run.findall(source.translate(_STANDARD_ALPHABET)):
            for offset in range(4):
                piece = run[offset:]
                whole = piece[: len(piece) - (len(piece) % 4 == 1)]
                yield binascii.a2b_base64(whole + "=" * (-len(whole) % 4))
    hex_run = re.compile(rf"[0-9A-Fa-f]{{{smallest * 2},}}")
    for source in dict.fromkeys((text, _BETWEEN_HEX.sub("", text))):
        for run in hex_run.findall(source):
            for offset in range(2):
                yield bytes.fromhex(run[offset : len(run) - (len(run) - offset) % 2])


def _printable_pieces(text: str) -> Iterator[str]:
    """Yields the runs of printable characters; bytes that look like base64 by chance have hardly any."""
    piece: list[str] = []
    for character in text:
        if character != "\ufffd" and (character.isprintable() or character.isspace() or character >= "\x80"):
            piece.append(character)
        elif piece:
            yield "".join(piece)
            piece = []
    if piece:
        yield "".join(piece)
