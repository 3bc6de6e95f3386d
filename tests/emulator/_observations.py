# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observations: the strict check of an upload, and the store that shows whether rows were lost or sent twice."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from itertools import islice, repeat
from operator import ne
from typing import TYPE_CHECKING, Any, NamedTuple

from ._addresses import NO_ADDRESS, OBSERVED, AddressBook
from ._values import is_whole

if TYPE_CHECKING:
    from ._settings import Settings

_KEYS = frozenset(("ipaddr", "associated_ipaddr", "timestamp"))
# Seconds up to the year 2100; a millisecond number is far above it, a second number far below the other.
_LATEST = 4_102_444_800
_MILLISECONDS_FROM = 100_000_000_000


class InvalidUploadError(ValueError):
    """An upload that is refused as a whole."""


class Row(NamedTuple):
    """One accepted observation; `ignored` means that its ipaddr was never observed."""

    source: str
    ipaddr: str
    associated_ipaddr: str
    timestamp: int
    ignored: bool


@dataclass
class Tally:
    """Rows answered with 202, those among them that are new, and those that the appliance drops silently."""

    accepted: int = 0
    ignored: int = 0
    distinct: int = 0

    def as_dict(self) -> dict[str, int]:
        """The tally as JSON, with the duplicates it implies."""
        return {**asdict(self), "stored": self.accepted - self.ignored, "duplicates": self.accepted - self.distinct}


def check_upload(value: object, settings: Settings, book: AddressBook) -> list[Row]:
    """The rows of an upload. Raises InvalidUploadError with the first fault."""
    if not isinstance(value, dict):
        raise InvalidUploadError("the body must be an object")
    unknown = sorted(set(value) - {"observations", "source"})
    if unknown:
        raise InvalidUploadError(f"unknown keys: {', '.join(unknown)}")
    source, rows = value.get("source"), value.get("observations")
    if not isinstance(source, str) or not source:
        raise InvalidUploadError("source: expected a string that is not empty")
    if not isinstance(rows, list) or not rows:
        raise InvalidUploadError("observations: expected a list that is not empty")
    first, last = _bounds(settings)
    return _rows_by_column(source, rows, first, last, book) or _rows_one_by_one(source, rows, first, last, book)


def _rows_by_column(source: str, rows: list[Any], first: int, last: int, book: AddressBook) -> list[Row] | None:
    """The rows of an upload without fault, each check made for all of them at once; None if a row must be checked separately."""
    if set(map(type, rows)) != {dict} or set(map(len, rows)) != {3}:
        return None
    try:
        ipaddrs, associated, stamps = ([row[name] for row in rows] for name in ("ipaddr", "associated_ipaddr", "timestamp"))
    except KeyError:
        return None
    if set(map(type, stamps)) != {int} or min(stamps) < first or max(stamps) > last:
        return None
    if set(map(type, ipaddrs)) != {str} or set(map(type, associated)) != {str}:
        return None
    kinds, others = book.kinds(ipaddrs), book.kinds(associated)
    if NO_ADDRESS in kinds or NO_ADDRESS in others:
        return None
    return list(map(Row, repeat(source), ipaddrs, associated, stamps, map(ne, kinds, repeat(OBSERVED))))


def _rows_one_by_one(source: str, rows: list[Any], first: int, last: int, book: AddressBook) -> list[Row]:
    """The rows of an upload; raises InvalidUploadError with the first fault."""
    checked: list[Row] = []
    for row in rows:
        if isinstance(row, dict) and len(row) == 3:
            ipaddr, associated, stamp = row.get("ipaddr"), row.get("associated_ipaddr"), row.get("timestamp")
            if isinstance(ipaddr, str) and isinstance(associated, str) and is_whole(stamp) and first <= stamp <= last:
                seen = book.look(ipaddr)
                if seen != NO_ADDRESS and book.look(associated) != NO_ADDRESS:
                    checked.append(Row(source, ipaddr, associated, stamp, seen != OBSERVED))
                    continue
        raise InvalidUploadError(f"observations[{len(checked)}]{_fault_of(row, first, last, book)}")
    return checked


def _bounds(settings: Settings) -> tuple[int, int]:
    """The first and last accepted timestamp."""
    if not settings.timestamp_strict:
        return -(2**63), 2**63 - 1
    unit = 1000 if settings.timestamp_unit == "milliseconds" else 1
    first, last = 0, _LATEST * unit
    if settings.timestamp_unit == "milliseconds":
        first = _MILLISECONDS_FROM
    elif settings.timestamp_unit == "any":
        last = _LATEST * 1000
    if settings.max_age:
        first = max(first, int((time.time() - settings.max_age) * unit))
    return first, last


def _fault_of(row: object, first: int, last: int, book: AddressBook) -> str:
    if not isinstance(row, dict):
        return ": expected an object"
    if set(row) != _KEYS:
        missing, unknown = sorted(_KEYS - set(row)), sorted(map(str, set(row) - _KEYS))
        return ": " + "; ".join(f"{what} keys {', '.join(names)}" for what, names in (("missing", missing), ("unknown", unknown)) if names)
    for name in ("ipaddr", "associated_ipaddr"):
        if not isinstance(row[name], str) or book.look(row[name]) == NO_ADDRESS:
            return f".{name}: expected an IP address, got {row[name]!r}"
    if not is_whole(row["timestamp"]):
        return f".timestamp: expected an integer, got {row['timestamp']!r}"
    return f".timestamp: {row['timestamp']} is not between {first} and {last}"


class ObservationStore:
    """All observations of a run. What is remembered depends on the setting `keep`.

    `all`: each distinct row with how often it came. `distinct`: a 64-bit fingerprint of each distinct row, enough to
    count them and their duplicates in about a tenth of the memory. `counts`: counters only.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._rows: dict[Row, int] = {}
        self._prints: set[int] = set()
        self._tallies: dict[str, Tally] = {}
        self.uploads = 0

    def repeated(self, rows: list[Row]) -> int | None:
        """The position of the first row that is held already, or None. What was ignored is not held."""
        held = self._rows if self._settings.keep == "all" else None
        for position, row in enumerate(rows):
            if not row.ignored and (row in held if held is not None else hash(row) in self._prints):
                return position
        return None

    def add(self, rows: list[Row]) -> None:
        """Take the rows of one upload, which all have the same source."""
        tally = self._tallies.setdefault(rows[0].source, Tally())
        self.uploads += 1
        tally.accepted += len(rows)
        tally.ignored += sum(1 for row in rows if row.ignored)
        if self._settings.keep == "all":
            before = len(self._rows)
            held = self._rows
            for row in rows:
                held[row] = held.get(row, 0) + 1
            tally.distinct += len(held) - before
        elif self._settings.keep == "distinct":
            before = len(self._prints)
            self._prints.update(map(hash, rows))
            tally.distinct += len(self._prints) - before
        else:
            tally.distinct += len(rows)

    def counters(self) -> dict[str, Any]:
        """The tallies as JSON: of all, and of each source."""
        total = Tally()
        for tally in self._tallies.values():
            total.accepted += tally.accepted
            total.ignored += tally.ignored
            total.distinct += tally.distinct
        return {
            "keep": self._settings.keep,
            "uploads": self.uploads,
            **total.as_dict(),
            "by_source": {source: tally.as_dict() for source, tally in self._tallies.items()},
        }

    def rows(self, offset: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """Distinct rows in order of first arrival, each with `times`; empty unless `keep` is `all`."""
        stop = None if limit is None else offset + limit
        return [{**row._asdict(), "times": times} for row, times in islice(self._rows.items(), offset, stop)]

    @property
    def held(self) -> int:
        """The number of rows that can be listed."""
        return len(self._rows)
