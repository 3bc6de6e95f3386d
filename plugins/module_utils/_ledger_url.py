# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""URLs of PostgreSQL databases: recognizes them, and keeps their passwords secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from ._secrets import SecretKeeper

_SCHEMES = ("postgresql://", "postgres://")
PASSWORD_PARAMETER = re.compile(r"[?&](?:ssl)?password=([^&#]*)", re.IGNORECASE)
"""A password among the parameters of a URL."""


def is_postgresql(location: str | None) -> bool:
    """True if a `ledger` or `history` option names a database."""
    return bool(location) and str(location).lower().startswith(_SCHEMES)


def keep_ledger_password(location: str | None, secrets: SecretKeeper) -> None:
    """Registers the password in a URL as a secret. Also in a URL that is wrong, or of another kind of database, and will be refused."""
    if location is None or "://" not in location:
        return
    credentials, at_sign, _rest = location.partition("://")[2].rpartition("@")
    found = [credentials.partition(":")[2]] if at_sign else []
    for password in [*found, *PASSWORD_PARAMETER.findall(location)]:
        secrets.add(password)
        secrets.add(unquote(password))
