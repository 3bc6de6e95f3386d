# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Opens the ledger that an option names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._database.opening import file_at, open_database, open_for_reading, scratch_database
from .ledger import StoredLedger
from .planned import PlannedLedger
from .schema import LEDGER_SCHEMA

if TYPE_CHECKING:
    from .contract import Ledger


def open_ledger(location: str | None, *, read_only: bool) -> Ledger:
    """The ledger at a file or URL, or at the default place; `read_only` is for check mode. Raises LedgerError."""
    if not read_only:
        return StoredLedger(open_database(location, LEDGER_SCHEMA))
    kept = open_for_reading(location, LEDGER_SCHEMA)
    scratch = scratch_database(LEDGER_SCHEMA)
    if kept is None:
        return StoredLedger(scratch, ledger_file(location) or "the PostgreSQL database in `ledger`")
    return PlannedLedger(StoredLedger(kept), StoredLedger(scratch))


def ledger_file(location: str | None) -> str | None:
    """The file that `open_ledger` opens; None for a PostgreSQL database."""
    return file_at(location, LEDGER_SCHEMA)
