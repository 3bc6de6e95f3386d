# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Info modules: the options that they share, and the results of their searches."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from .._argspec import ArgumentSpec, whole_number
from .._errors import InputError, NotFoundError
from .._times.timestamps import search_time
from .many import Workers, all_results

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from .updating import Options

_Item = TypeVar("_Item")
_Shown = TypeVar("_Shown")
_CONCURRENCY = 4
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
TEXTS: dict[str, Any] = {"type": "list", "elements": "str"}


@dataclass(frozen=True)
class SearchTable:
    """The options of a module that reads one item, or all that match a search."""

    noun: str
    identity: Options
    """The options that say which item is meant."""
    conditions: Options
    """The conditions of a search. None of them goes with an item that is named, and none may be null."""
    others: Options
    largest_page: int
    largest_limit: int
    size: int
    """The default of `size`."""
    times: Sequence[str] = field(default=("since", "until"))
    """The conditions that are times."""

    def options(self) -> ArgumentSpec:
        """The options of the module, without those of the connection."""
        names = tuple(self.identity)
        return ArgumentSpec(
            {
                **self.identity,
                **self.conditions,
                **{name: {"type": "str"} for name in self.times},
                **self.others,
                "size": {"type": "int", "default": self.size},
                "limit": {"type": "int", "default": 1000},
            },
            mutually_exclusive=[
                *([names] if len(names) > 1 else []),
                *((one, name) for one in names for name in (*self.conditions, *self.times)),
            ],
        )

    def search(self, params: Mapping[str, Any], nulls: Collection[str]) -> Search:
        """Checks the options that all searches have; `nulls` are those that were given as null. Raises InputError."""
        for name in (*self.identity, *self.conditions, *self.times):
            if name in nulls:
                raise InputError(f"{name}: null was given, which would match every {self.noun}. Leave the option out, or give a value.")
        times = {name: search_time(name, params[name]) for name in self.times if params[name] is not None}
        if "since" in times and "until" in times and times["since"] >= times["until"]:
            raise InputError(f"since: this time is not before `until`, so there can be no {self.noun} between them.")
        return Search(
            times,
            size=whole_number("size", params["size"], 1, self.largest_page),
            limit=whole_number("limit", params["limit"], 1, self.largest_limit),
            is_empty=any(params[name] == [] for name in self.conditions),
        )


@dataclass(frozen=True)
class Search:
    """The checked options that all searches have. Times are epoch milliseconds."""

    times: Mapping[str, int]
    size: int
    limit: int
    is_empty: bool
    """True if a condition is an empty list, which matches nothing."""

    def first(self, found: Iterable[_Item]) -> tuple[list[_Item], int | None]:
        """Returns at most `limit` items, and their number: None if there are more."""
        items = list(islice(found, self.limit + 1))
        return items[: self.limit], None if len(items) > self.limit else len(items)


def read_one(read: Callable[[int], _Item], identifier: int) -> list[_Item]:
    """Returns the item with an ID as a list, which is empty if there is none."""
    try:
        return [read(identifier)]
    except NotFoundError:
        return []


def results_of(items: str, work: Callable[[_Item], _Shown], found: Sequence[_Item]) -> list[_Shown]:
    """Returns the result for each item, several at once; raises XdrError. `items` is the plural noun in messages."""
    with Workers(_CONCURRENCY, items) as workers:
        return all_results(workers.map(work, found))


def order_of(option: str, text: str) -> tuple[str, str]:
    """Returns field and direction of a sort order; raises InputError."""
    name, _colon, direction = text.partition(":")
    if not _FIELD.match(name) or direction not in ("", "asc", "desc"):
        raise InputError(f"{option}: {text!r} is not a field, or field:asc, or field:desc.")
    return name, direction or "asc"
