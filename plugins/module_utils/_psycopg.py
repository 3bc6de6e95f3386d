# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The one place that imports psycopg, which only runs with a PostgreSQL ledger need."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.secops.xdr.plugins.module_utils._errors import MissingLibraryError

_IMPORT_ERROR: str | None = None

if TYPE_CHECKING:
    import psycopg
    from psycopg import conninfo, errors
else:
    try:
        import psycopg
        from psycopg import conninfo, errors
    except ImportError:
        _IMPORT_ERROR = traceback.format_exc()
        psycopg = conninfo = errors = None

__all__ = ["conninfo", "errors", "psycopg", "require_psycopg"]


def require_psycopg() -> None:
    """Raises MissingLibraryError where psycopg, or the library of PostgreSQL that it wraps, cannot be imported."""
    if _IMPORT_ERROR:
        raise MissingLibraryError(
            missing_required_lib("psycopg[binary]", reason="to keep the ledger in PostgreSQL (a ledger in a file does without it)"),
            exception=_IMPORT_ERROR,
        )
