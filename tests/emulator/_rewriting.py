# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in which servers rewrite texts."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

REWRITINGS: Mapping[str, Callable[[str], str]] = {
    "escape": html.escape,
    "escape_twice": lambda text: html.escape(html.escape(text)),
    "trim": str.strip,
    "collapse": lambda text: re.sub(r"\s+", " ", text),
    "lf": lambda text: text.replace("\r\n", "\n"),
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "lower": str.lower,
    "upper": str.upper,
    "ascii": lambda text: text.encode("ascii", "replace").decode(),
    "underscores": lambda text: text.replace(" ", "_"),
    "cut": lambda text: text[:1000],
    "cut_short": lambda text: text[:40],
    "strip_tags": lambda text: re.sub(r"<[^>]*>", "", text),
    "signed": lambda text: f"{text} (via API)",
    "reversed": lambda text: text[::-1],
}


def rewritten(text: str, names: Iterable[str]) -> str:
    """Return the text in the form in which such a server stores it."""
    for name in names:
        text = REWRITINGS[name](text)
    return text
