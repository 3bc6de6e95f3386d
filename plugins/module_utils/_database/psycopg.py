# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The one place that knows psycopg. It is imported when it is first used: only runs with a PostgreSQL ledger need it, and on the others
the import would cost as much as all the rest of a short run."""

from __future__ import annotations

import importlib
import traceback
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import missing_required_lib

from .._errors import MissingLibraryError

if TYPE_CHECKING:
    import psycopg
    from psycopg import conninfo, errors
else:

    class _Late:
        """A module that is imported when something of it is used."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, attribute: str) -> Any:
            return getattr(importlib.import_module(self._name), attribute)

    psycopg = _Late("psycopg")
    conninfo = _Late("psycopg.conninfo")
    errors = _Late("psycopg.errors")

__all__ = ["conninfo", "errors", "psycopg", "require_psycopg"]


def require_psycopg() -> None:
    """Raises MissingLibraryError where psycopg, or the library of PostgreSQL that it wraps, cannot be imported."""
    try:
        importlib.import_module("psycopg")
    except ImportError as error:
        raise MissingLibraryError(
            missing_required_lib("psycopg[binary]", reason="to use a PostgreSQL database (a file does without it)"),
            exception=traceback.format_exc(),
        ) from error
