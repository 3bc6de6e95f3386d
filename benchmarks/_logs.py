# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes VPN logs in the form of the vendor's example: a few thousand users, a pool of 4 000 addresses, time rising."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import count, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HEADER = "Real IP,VPN IP,Start Time\n"
_USERS = 3000
_POOL = 4000
_SECONDS_APART = 6
_SECONDS_APART_WHEN_DIFFERENT = 27
_ROWS_A_WRITE = 50_000
_START = datetime(2024, 1, 1)
_USUAL_FORMAT = "%m/%d/%y %H:%M:%S"
_FRACTIONS = "%Y-%m-%d %H:%M:%S.%f"
KINDS: dict[str, tuple[str, Callable[[str, str, datetime, int], str]]] = {
    "the usual form": (_USUAL_FORMAT, lambda vpn, outside, moment, _row: f"{outside},{vpn},{moment:{_USUAL_FORMAT}}"),
    "fractions of a second": (_FRACTIONS, lambda vpn, outside, moment, row: f"{outside},{vpn},{moment:%F %T}.{row % 1000:03}"),
    "ISO 8601 with an offset": ("iso8601", lambda vpn, outside, moment, _row: f"{outside},{vpn},{moment:%FT%T}+02:00"),
    "no leading zeros": (
        _USUAL_FORMAT,
        lambda vpn, outside, moment, _row: f"{outside},{vpn},{moment.month}/{moment.day}/{moment:%y} {moment.hour}:{moment:%M:%S}",
    ),
    "epoch seconds": ("epoch", lambda vpn, outside, moment, _row: f"{outside},{vpn},{moment:%s}"),
    "quotes around each value": (_USUAL_FORMAT, lambda vpn, outside, moment, _row: f'"{outside}","{vpn}","{moment:{_USUAL_FORMAT}}"'),
    "spaces around each value": (_USUAL_FORMAT, lambda vpn, outside, moment, _row: f"{outside} , {vpn} , {moment:{_USUAL_FORMAT}} "),
    "IPv6 outside addresses": (
        _USUAL_FORMAT,
        lambda vpn, _outside, moment, row: f"2001:db8:{row % 65_536:x}::{row % 9_999 + 1:x},{vpn},{moment:{_USUAL_FORMAT}}",
    ),
    "one in a hundred without an address": (
        _USUAL_FORMAT,
        lambda vpn, outside, moment, row: f"{outside if row % 100 else ''},{vpn},{moment:{_USUAL_FORMAT}}",
    ),
    "one in a hundred without a time": (
        _USUAL_FORMAT,
        lambda vpn, outside, moment, row: f"{outside},{vpn},{moment.strftime(_USUAL_FORMAT) if row % 100 else ''}",
    ),
}
"""Other forms of the same log: the format of the times, and a function that writes a row."""


class Logs:
    """Logs of any length, each made once. A longer log begins like a shorter one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, rows: int) -> Path:
        """A log with this number of rows, in which a few thousand addresses repeat; must not be changed."""
        path = self._folder / f"log-{rows}.csv"
        if not path.exists():
            self.write(path, 0, rows)
        return path

    def all_different(self, rows: int) -> Path:
        """A log with this number of rows, in which no public address and no pair occurs twice; must not be changed."""
        path = self._folder / f"different-{rows}.csv"
        if not path.exists():
            with path.open("w", encoding="ascii") as file:
                file.write(HEADER)
                lines = _different_lines()
                left = rows
                while part := list(islice(lines, min(left, _ROWS_A_WRITE))):
                    file.writelines(part)
                    left -= len(part)
        return path

    def of_kind(self, kind: str, rows: int) -> Path:
        """A log with this number of rows, in another form; must not be changed."""
        path = self._folder / f"{kind.replace(' ', '-')}-{rows}.csv"
        _format, line = KINDS[kind]
        if not path.exists():
            with path.open("w", encoding="ascii") as file:
                file.write(HEADER)
                for row, plain in enumerate(islice(_lines(), rows)):
                    outside, vpn, moment = plain.rstrip("\n").split(",")
                    file.write(f"{line(vpn, outside, datetime.strptime(moment, _USUAL_FORMAT), row)}\n")
        return path

    def write(self, path: Path, first: int, rows: int) -> None:
        """Appends rows, from the given one on, to a file."""
        lines = islice(_lines(), first, first + rows)
        is_new = not path.exists()
        with path.open("a", encoding="ascii") as file:
            if is_new:
                file.write(HEADER)
            while part := list(islice(lines, _ROWS_A_WRITE)):
                file.writelines(part)


def _lines() -> Iterator[str]:
    """An endless sequence of rows, the same on every call."""
    chance = random.Random(20240101)
    pool = [f"10.8.{number // 250}.{number % 250 + 2}" for number in range(_POOL)]
    outside = [_outside_addresses(chance) for _user in range(_USERS)]
    clock = [f" {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}\n" for second in range(86_400)]
    second = 0
    day, date = -1, ""
    pick = chance.random
    while True:
        second += int(pick() * _SECONDS_APART) + 1
        if second // 86_400 != day:
            day = second // 86_400
            date = (_START + timedelta(days=day)).strftime("%m/%d/%y")
        addresses = outside[int(pick() * _USERS)]
        yield f"{addresses[int(pick() * len(addresses))]},{pool[int(pick() * _POOL)]},{date}{clock[second % 86_400]}"


def _different_lines() -> Iterator[str]:
    """An endless sequence of rows, the same on every call: about 130 an hour, from addresses all over the internet."""
    chance = random.Random(20240102)
    second = 0
    for number in count():
        second += int(chance.random() * 2 * _SECONDS_APART_WHEN_DIFFERENT) + 1
        moment = _START + timedelta(seconds=second)
        # An odd multiplier goes through all numbers once; the first byte stays between 11 and 138.
        spread = (number * 2_654_435_761) % 2**31
        outside = f"{11 + (spread >> 24)}.{spread >> 16 & 255}.{spread >> 8 & 255}.{spread & 255}"
        vpn = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        yield f"{outside},{vpn},{moment:%m/%d/%y %H:%M:%S}\n"


def _outside_addresses(chance: random.Random) -> list[str]:
    """One to four addresses, from the networks for documentation and a large one."""
    return [
        f"100.{chance.randrange(64, 128)}.{chance.randrange(256)}.{chance.randrange(1, 255)}" for _number in range(chance.randrange(1, 5))
    ]
