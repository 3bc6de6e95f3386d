# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Opens the session history: to add to it, to plan what would be added, or to ask it."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from .._database.opening import file_at, open_database, open_for_reading, scratch_database
from .._errors import LedgerError
from .history import StoredHistory
from .history_planned import PlannedHistory
from .history_questions import HistoryQuestions
from .history_schema import HISTORY_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .model import SessionHistory


@contextmanager
def opened_history(location: str | None, *, check_mode: bool) -> Iterator[SessionHistory]:
    """The history at a file or URL, or at the default place, to add to it. In check mode it is only read. Raises LedgerError."""
    if not check_mode:
        with closing(open_database(location, HISTORY_SCHEMA)) as database:
            yield StoredHistory(database)
        return
    kept = open_for_reading(location, HISTORY_SCHEMA)
    with closing(scratch_database(HISTORY_SCHEMA)) as scratch:
        if kept is None:
            yield StoredHistory(scratch)
            return
        with closing(kept):
            yield PlannedHistory(StoredHistory(kept), StoredHistory(scratch))


@contextmanager
def history_to_ask(location: str | None) -> Iterator[HistoryQuestions]:
    """The history at a file or URL, or at the default place, to ask it. Raises LedgerError, also if there is none."""
    database = open_for_reading(location, HISTORY_SCHEMA)
    if database is None:
        where = file_at(location, HISTORY_SCHEMA) or "this PostgreSQL database"
        raise LedgerError(
            f"history: there is no session history in {where}. Set `history` (or {HISTORY_SCHEMA.variable}) to the one that the module "
            "secops.xdr.vpn_session fills, or run that module first."
        )
    with closing(database):
        yield HistoryQuestions(database)
