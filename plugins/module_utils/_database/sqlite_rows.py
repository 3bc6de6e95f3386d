# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Many rows at once into a table of SQLite."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from functools import cache, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, cast

from .database import parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_VALUES = 998 if sqlite3.sqlite_version_info < (3, 32, 0) else 32_000
_MOST_ROWS = 500
"""Larger statements are not faster."""
_FEW_ROWS = 20


def rows_at_once(same: int, columns: int) -> int:
    """How many rows a statement takes as values."""
    return min(_MOST_ROWS, (_MOST_VALUES - same) // columns)


def insert_new(
    connection: sqlite3.Connection, table: str, same: Mapping[str, int], columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> int:
    """Inserts those rows that are not there yet and returns how many that were."""
    if len(columns) == 2 and len(rows) > _FEW_ROWS:
        first, second = zip(*rows)
        if type(first[0]) is int and type(second[0]) is bytes and len(set(map(len, second))) == 1 and _knows_json():
            return _insert_columns(connection, _columns_statement(table, (*same, *columns)), same, first, second)
    names, constants = (*same, *columns), list(same.values())
    inserted = 0
    for part in parts(rows, rows_at_once(len(same), len(columns))):
        statement = _rows_statement(table, names, len(same), len(part))
        inserted += connection.execute(statement, [*constants, *chain.from_iterable(part)]).rowcount
    return inserted


def _insert_columns(
    connection: sqlite3.Connection, statement: str, same: Mapping[str, int], numbers: Sequence[object], contents: Sequence[object]
) -> int:
    """Numbers and byte strings of one length, given as two values: to bind each of them would take longer than to insert it."""
    joined = b"".join(cast("Sequence[bytes]", contents))
    length = len(joined) // len(contents)
    return connection.execute(statement, [*same.values(), joined, length, length, json.dumps(numbers)]).rowcount


@cache
def _knows_json() -> bool:
    """SQLite before 3.38 can be built without JSON."""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("SELECT key, value FROM json_each('[1]')").fetchall()
        except sqlite3.OperationalError:
            return False
    return True


def _columns_statement(table: str, names: tuple[str, ...]) -> str:
    """One statement for any number of rows; its last four values are all byte strings in one, their length twice, and the numbers."""
    same = "?," * (len(names) - 2)
    return (
        f"INSERT INTO {table} ({','.join(names)}) SELECT {same}one.value,substr(?,one.key*?+1,?) FROM json_each(?) AS one"
        " WHERE true ON CONFLICT DO NOTHING"
    )


@lru_cache(maxsize=32)
def _rows_statement(table: str, names: tuple[str, ...], same: int, rows: int) -> str:
    """One statement for many rows, with numbered values: SQLite parses it once, and rows cost half of what they cost one by one."""
    columns = len(names) - same
    values = []
    for row in range(rows):
        first = same + row * columns
        numbers = (*range(1, same + 1), *range(first + 1, first + columns + 1))
        values.append(f"({','.join(f'?{number}' for number in numbers)})")
    return f"INSERT INTO {table} ({','.join(names)}) VALUES {','.join(values)} ON CONFLICT DO NOTHING"
