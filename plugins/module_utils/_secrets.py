# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Keeps credentials out of every text that leaves the collection.

Servers and proxies repeat what they were sent. A text from outside goes into a message only through :meth:`SecretKeeper.shown`, which
shows it whole or not at all: what is left of a text after a part was replaced may still say what the part was.

Results belong to Ansible, which hides the values of `no_log` options there. From ansible-core 2.22 on, secrets are registered with it, and
it hides them in all that it shows, on the control node as well. Before that, a module hands Ansible the values that it is to hide in this
module's result.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote

from ._texts import SHOWN_CHARACTERS, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._secret_forms import SecretForms

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:  # ansible-core before 2.22
    register_secret = None

PASSWORD_PARAMETER = re.compile(r"[?&](?:ssl)?password=([^&#]*)", re.IGNORECASE)
"""A password among the parameters of the URL of a PostgreSQL database."""
_POSTGRESQL = ("postgresql://", "postgres://")
NOT_SHOWN = "(not shown: it repeats credentials)"
_CHARACTERS_BEHIND = 4
"""Characters of a text to examine for each character that is shown, because unprintable ones are left out."""


class SecretKeeper:
    """Knows the secrets of this run and recognises texts that repeat them. Safe to use from several threads."""

    def __init__(self, announce: Callable[[str], None] | None = None) -> None:
        """`announce` is called with each form of each secret, so that Ansible before 2.22 can hide it in results as well."""
        self._announce = announce
        self._announced: set[str] = set()
        self._secrets: set[str] = set()
        self._forms: tuple[int, SecretForms] | None = None
        """The number of prepared secrets, and their forms."""

    def add(self, secret: str | None) -> None:
        """Registers a secret; None and the empty string are ignored."""
        if not secret or secret in self._secrets:
            return
        self._secrets.add(secret)
        for form in _written_forms(secret):
            self._announce_form(form)

    def add_pair(self, username: str, secret: str) -> None:
        """Registers a secret that travels with a user name in a Basic header."""
        self.add(secret)
        self._announce_form(base64.b64encode(f"{username}:{secret}".encode()).decode("ascii"))

    def shown(self, text: str, characters: int = SHOWN_CHARACTERS) -> str:
        """Returns a text from outside for a message: one short printable line, or NOT_SHOWN if it repeats a secret in any form."""
        line = shorten(text, characters)
        looked_at = text[: characters * _CHARACTERS_BEHIND]
        return NOT_SHOWN if self.repeated_in(line) or (looked_at != line and self.repeated_in(looked_at)) else line

    def repeated_in(self, text: str) -> bool:
        """True if the text repeats a secret, in any form. Only for short texts."""
        if not self._secrets or not text:
            return False
        prepared = self._forms
        if prepared is None or prepared[0] != len(self._secrets):
            # Imported late, as most runs show no text of a server.
            from ._secret_forms import SecretForms

            secrets = tuple(self._secrets)
            prepared = self._forms = (len(secrets), SecretForms(secrets))
        return prepared[1].are_in(text)

    def _announce_form(self, form: str) -> None:
        if form in self._announced:
            return
        self._announced.add(form)
        if self._announce:
            self._announce(form)
        if register_secret:
            register_secret(form)


def _written_forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield base64.b64encode(secret.encode()).decode("ascii")


def is_postgresql(location: str | None) -> bool:
    """True if a `ledger` or `history` option is the URL of a database."""
    return bool(location) and str(location).lower().startswith(_POSTGRESQL)


def keep_ledger_password(location: str | None, secrets: SecretKeeper) -> None:
    """Registers the password in a URL as a secret, also in invalid URLs and those of other databases, which are refused later."""
    if location is None or "://" not in location:
        return
    credentials, at_sign, _rest = location.partition("://")[2].rpartition("@")
    found = [credentials.partition(":")[2]] if at_sign else []
    for password in [*found, *PASSWORD_PARAMETER.findall(location)]:
        secrets.add(password)
        secrets.add(unquote(password))
