# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Opens the ledger that an option names: a SQLite file or a PostgreSQL database.

Each kind is imported when it is opened: a module is compiled anew by every task, so what a task does not use should not be in its way.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .._errors import LedgerError
from .._ledger_url import is_postgresql

if TYPE_CHECKING:
    from .old_contract import Ledger

_DEFAULT_FILE = os.path.join("secops.xdr", "ledger.sqlite3")


def open_ledger(location: str | None, *, read_only: bool) -> Ledger:
    """The ledger at a file or URL, or at the default place; C(read_only) is for check mode. Raises LedgerError."""
    if location and is_postgresql(location):
        return _postgresql_ledger(location, read_only)
    if location and "://" in location:
        raise LedgerError("ledger: only a file or a postgresql:// URL can be a ledger.")
    return _sqlite_ledger(_file_at(location), read_only)


def ledger_file(location: str | None) -> str | None:
    """The file that C(open_ledger) opens; None for what is no file."""
    return None if location and "://" in location else _file_at(location)


def _file_at(location: str | None) -> str:
    return os.path.expanduser(location) if location else default_location()


def default_location() -> str:
    """The ledger file below the user's state directory, as the XDG specification places it."""
    state = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        home = os.path.expanduser("~")
        if not os.path.isabs(home):
            raise LedgerError("ledger: this user has no home directory to keep the ledger in; set `ledger` or SECOPS_XDR_LEDGER to a file.")
        state = os.path.join(home, ".local", "state")
    return os.path.join(state, _DEFAULT_FILE)


def _sqlite_ledger(path: str, read_only: bool) -> Ledger:
    from .sqlite import SqliteLedger

    return SqliteLedger(path, read_only=read_only)


def _postgresql_ledger(url: str, read_only: bool) -> Ledger:
    if read_only:
        from .postgresql_plan import PostgresqlPlan

        return PostgresqlPlan(url)
    from .postgresql import PostgresqlLedger

    return PostgresqlLedger(url)
