# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms in which servers and proxies repeat what they were sent: a name for each, for faults and tests."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping


def _unicode_escapes(text: str, before: str) -> str:
    data = text.encode("utf-16-be")
    return "".join(f"{before}{data[place : place + 2].hex()}" for place in range(0, len(data), 2))


ECHO_FORMS: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "html": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "html_hex_twice": lambda text: "".join(f"&amp;#x{ord(one):x};" for one in text),
    "unicode_escapes": lambda text: _unicode_escapes(text, "\\u"),
    "unicode_escapes_twice": lambda text: _unicode_escapes(text, "\\\\u").upper().replace("U", "u"),
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent_twice": lambda text: "".join(f"%25{byte:02x}" for byte in text.encode()),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64_shifted": lambda text: base64.urlsafe_b64encode(f"x{text}".encode()).decode().rstrip("="),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal_spaced": lambda text: text.encode().hex(" ").upper(),
    "mojibake": lambda text: text.encode().decode("latin-1"),
    "swapped_case": str.swapcase,
    "cut": lambda text: text[len(text) // 2 :][:8],
    "spaced": " ".join,
}


def credentials_in(header: str) -> str:
    """The credential in an Authorization header: the key, the token, or the password of a Basic header."""
    scheme, _space, rest = header.partition(" ")
    if scheme.lower() != "basic":
        return rest.rpartition("apikey=")[2]
    try:
        return base64.b64decode(rest).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return rest


def echoed(header: str, form: str) -> str:
    """The text of a server that repeats an Authorization header in this form; with `plain`, the whole header."""
    said = header if form == "plain" else ECHO_FORMS[form](credentials_in(header)[:20])
    return f"request failed; Authorization was: {said}"
