# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Keeps credentials out of every text that leaves the collection.

Ansible hides the values of C(no_log) options in results. This covers the rest: tokens that a server hands out, and the encoded forms
in which a server or a proxy may send a credential back (Basic headers, URLs), before a text becomes part of a message.

From ansible-core 2.22 on, secrets are registered with Ansible, which then hides them in all that it shows, on the control node as well.
Before that, a module hands Ansible the values that it is to hide in this module's result.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:  # ansible-core before 2.22
    register_secret = None

MASK = "********"


class SecretKeeper:
    """Knows this run's secrets in all the forms they travel in, and takes them out of texts."""

    def __init__(self, announce: Callable[[str], None] | None = None) -> None:
        """C(announce) is told of each form of each secret, so that Ansible before 2.22 can hide it in results as well."""
        self._announce = announce
        self._forms: set[str] = set()
        self._longest_first: tuple[str, ...] = ()

    def add(self, secret: str | None) -> None:
        """Registers a secret; nothing and the empty text are none."""
        self._add_forms(_written_forms(secret) if secret else ())

    def add_pair(self, username: str, secret: str) -> None:
        """Registers a user and secret that travel together in a Basic header."""
        self.add(secret)
        self._add_forms((base64.b64encode(f"{username}:{secret}".encode()).decode("ascii"),))

    def redact(self, text: str) -> str:
        """The text without any registered secret."""
        for form in self._longest_first:
            text = text.replace(form, MASK)
        return text

    def _add_forms(self, forms: Iterator[str] | tuple[str, ...]) -> None:
        for form in forms:
            if form not in self._forms:
                self._forms.add(form)
                if self._announce:
                    self._announce(form)
                if register_secret:
                    register_secret(form)
        # A form that holds another one must go first, or its remainder would stay readable.
        self._longest_first = tuple(sorted(self._forms, key=len, reverse=True))


def _written_forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield base64.b64encode(secret.encode()).decode("ascii")
