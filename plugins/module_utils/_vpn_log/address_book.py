# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The addresses of a log. Logs repeat a few of them over and over, so each is checked once and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._addresses import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._addresses import Address

_REMEMBERED = 50_000
_LONGEST_REMEMBERED = 100
"""In characters: white space around an address can be of any length."""


class AddressBook:
    """Checks addresses, each once; C(parse) makes an address of a text, with the promises of C(parse_address)."""

    def __init__(self, parse: Callable[[str], Address | None] | None = None) -> None:
        self._parse = parse or parse_address
        self._known: dict[str, Address] = {}

    def lookup(self, text: str) -> Address | None:
        """The address; None where the text says that there is none; see C(parse_address)."""
        address = self._known.get(text)
        if address is None:
            address = self._parse(text)
            if address is not None:
                self._remember(text, address)
        return address

    def column(self, texts: list[str]) -> list[Address | None]:
        """A whole column at once, with None for every text that is no address: C(lookup) tells why."""
        addresses = list(map(self._known.get, texts))
        if None not in addresses:
            return addresses
        for text in set(texts).difference(self._known):
            self._learn(text)
        return list(map(self._known.get, texts))

    def _learn(self, text: str) -> None:
        try:
            address = self._parse(text)
        except ValueError:
            return
        if address is not None:
            self._remember(text, address)

    def _remember(self, text: str, address: Address) -> None:
        if len(text) > _LONGEST_REMEMBERED:
            return
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[text] = address
