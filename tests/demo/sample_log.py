# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the sample log of the playbooks: six weeks of a made-up office, as OpenVPN Access Server exports them.

    python tests/demo/sample_log.py > playbooks/files/openvpn_access_server.csv

The same bytes on every machine: a test compares them with the file. All people are invented, and all outside addresses are
of the networks that are set aside for documentation. Clients get addresses of 10.8.0.0/16, which the emulator plays to have
observed, but for contractors: theirs are of 10.8.200.0/24, where it plays that no sensor looks.
"""

from __future__ import annotations

import csv
import heapq
import io
import random
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TypeVar

HEADER = "Node,Username,Start Time,Duration,Service,Active,Auth,Real Ip,Vpn Ip,Proto,Port,Bytes Total,Error"
EDT = timezone(timedelta(hours=-4), "EDT")
EST = timezone(timedelta(hours=-5), "EST")
FIRST_DAY = datetime(2025, 10, 13, tzinfo=EDT)
DAYS = 42
CLOCKS_GO_BACK = datetime(2025, 11, 2, 2, tzinfo=EDT)
"""Which is then 1 o'clock EST: the hour before shows on the clock twice."""
EXPORTED_AT = datetime(2025, 11, 23, 15, tzinfo=EST)

GIVEN = (
    "ada",
    "ben",
    "cleo",
    "dora",
    "elif",
    "finn",
    "gus",
    "hana",
    "ivo",
    "june",
    "kofi",
    "lena",
    "milo",
    "nia",
    "otto",
    "pia",
    "quin",
    "rosa",
    "sven",
    "tess",
)
FAMILY = ("abara", "brandt", "castel", "dumont", "eriksen", "farouk", "grauer", "hollis")
HOME, OFFICE, NIGHT = 0.62, 0.88, 0.94
"""Up to which share of people work from home mostly, from several places, and at night; the rest are contractors."""

_ItemT = TypeVar("_ItemT")


class Dice:
    """Chance that falls the same way on every version of Python: only `random()` is promised to."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def between(self, lowest: int, highest: int) -> int:
        return lowest + int(self._random.random() * (highest - lowest + 1))

    def one_of(self, items: Sequence[_ItemT]) -> _ItemT:
        return items[self.between(0, len(items) - 1)]


@dataclass(frozen=True)
class Person:
    """Somebody who uses the VPN, and the outside addresses that they come from, the usual one first."""

    name: str
    addresses: tuple[str, ...]
    is_contractor: bool = False
    is_at_night: bool = False


@dataclass(order=True)
class Record:
    """A row of the export before it is written."""

    start: datetime
    number: int
    username: str = field(compare=False)
    real_ip: str = field(compare=False)
    seconds: int | None = field(compare=False, default=None)
    service: str = field(compare=False, default="VPN")
    pool: str = field(compare=False, default="")
    error: str = field(compare=False, default="")
    port: str = field(compare=False, default="1194")
    vpn_ip: str = field(compare=False, default="")


class Office:
    """Six weeks of people who connect, lose the connection, travel and mistype."""

    def __init__(self, seed: int) -> None:
        self._dice = Dice(seed)
        self._records: list[Record] = []
        self._people = [self._person(number) for number in range(72)]

    def records(self) -> list[Record]:
        """All records in order of time, with their VPN addresses."""
        for day in range(DAYS):
            date = FIRST_DAY + timedelta(days=day)
            for person in self._people:
                self._day_of(person, date)
            self._machines_on(date)
        records = sorted(record for record in self._records if record.start < EXPORTED_AT)
        _give_addresses(records)
        return records

    def _person(self, number: int) -> Person:
        dice = self._dice
        name = f"{GIVEN[number % len(GIVEN)]}.{FAMILY[number // len(GIVEN) + dice.between(0, 1) * 4]}"
        home = f"2001:db8:{dice.between(16, 4000):x}:{dice.between(1, 255):x}::{dice.between(2, 9999):x}"
        if dice.chance(0.82):
            home = f"203.0.113.{number * 3 + 2}"
        roams = (f"198.51.100.{number + 10}", f"192.0.2.{number + 100}", f"198.51.100.{number + 110}")
        share = (number * 37 % 72) / 72
        if share < HOME:
            return Person(name, (home,))
        return Person(name, (home, *roams), is_contractor=share >= NIGHT, is_at_night=OFFICE <= share < NIGHT)

    def _day_of(self, person: Person, date: datetime) -> None:
        dice = self._dice
        is_weekend = date.weekday() >= 5
        if person.is_at_night:
            self._sessions(person, date + timedelta(minutes=dice.between(0, 50), seconds=dice.between(0, 59)), 7 * 3600, pieces=5)
        elif not dice.chance(0.06 if is_weekend else 0.78):
            return
        else:
            arrival = date + timedelta(hours=7, minutes=dice.between(0, 200), seconds=dice.between(0, 59))
            if dice.chance(0.02):
                self._add(arrival - timedelta(minutes=dice.between(5, 30)), person, "WEB_CLIENT")
            self._sessions(person, arrival, dice.between(2, 9) * 3600, pieces=dice.between(1, 3))

    def _sessions(self, person: Person, start: datetime, seconds: int, pieces: int) -> None:
        """A stay of a person, in as many pieces as the connection breaks into."""
        dice = self._dice
        address = person.addresses[0] if dice.chance(0.7) else dice.one_of(person.addresses)
        for _piece in range(pieces):
            for _failure in range(dice.between(1, 3) if dice.chance(0.05) else 0):
                self._fail(start, person, address)
                start += timedelta(seconds=dice.between(7, 40))
            length = max(90, seconds // pieces + dice.between(-900, 900))
            self._connect(start, person, address, length)
            start += timedelta(seconds=length + dice.between(4, 90))
            if dice.chance(0.25):
                address = dice.one_of(person.addresses)

    def _connect(self, start: datetime, person: Person, address: str, seconds: int) -> None:
        """A session, sometimes after one that broke at once: both begin in the same second."""
        pool = "contractors" if person.is_contractor else "staff"
        if self._dice.chance(0.001):
            self._records.append(Record(start, len(self._records), person.name, address, 0, pool=pool))
        self._records.append(Record(start, len(self._records), person.name, address, seconds, pool=pool))

    def _fail(self, start: datetime, person: Person, address: str) -> None:
        reasons = (
            "LDAP invalid credentials on ldaps://directory.example.com/: invalidCredentials",
            "TOTP code is wrong, or was used before",
            "AUTH_FAILED: session is expired, please log in again",
        )
        self._add(start, person, "VPN", self._dice.one_of(reasons), address)

    def _machines_on(self, date: datetime) -> None:
        """Log lines beside VPN sessions: the administrator, and a script that asks the server how it is."""
        monitor = Person("monitor", ("192.0.2.10",))
        for hour in (0, 6, 12, 18):
            self._add(date + timedelta(hours=hour, minutes=30), monitor, "XML_API")
        if date.weekday() == 0:
            self._add(date + timedelta(hours=9, minutes=self._dice.between(0, 59)), Person("openvpn", ("192.0.2.11",)), "WEB_ADMIN")
        if self._dice.chance(0.3):
            stranger = Person(self._dice.one_of(("admin", "root", "test", "vpnuser")), (f"192.0.2.{self._dice.between(200, 250)}",))
            self._add(date + timedelta(seconds=self._dice.between(0, 86_399)), stranger, "VPN", "user is not in the directory")

    def _add(self, start: datetime, person: Person, service: str, error: str = "", address: str = "") -> None:
        """Something that is no VPN session."""
        port = "1194" if service == "VPN" else "443"
        address = address or person.addresses[0]
        self._records.append(Record(start, len(self._records), person.name, address, service=service, error=error, port=port))


def _give_addresses(records: list[Record]) -> None:
    """Hand out the VPN addresses in turn; none belongs to two sessions at a time."""
    free = {
        "staff": deque(f"10.8.{third}.{last}" for third in (1, 2) for last in range(2, 60)),
        "contractors": deque(f"10.8.200.{last}" for last in range(2, 9)),
    }
    taken: list[tuple[datetime, int, str, str]] = []
    for record in records:
        if record.seconds is None:
            continue
        while taken and taken[0][0] <= record.start:
            _end, _number, pool, address = heapq.heappop(taken)
            free[pool].append(address)
        record.vpn_ip = free[record.pool].popleft()
        if not record.seconds:
            # Broken at once: the client that comes back finds its address still there.
            free[record.pool].appendleft(record.vpn_ip)
            continue
        end = record.start + timedelta(seconds=record.seconds)
        heapq.heappush(taken, (end, record.number, record.pool, record.vpn_ip))


def written(moment: datetime) -> str:
    """A time as the server writes it, in its own zone."""
    zone = EDT if moment < CLOCKS_GO_BACK else EST
    return moment.astimezone(zone).strftime("%Y.%m.%d %H:%M:%S %Z")


def rows(records: Sequence[Record], seed: int) -> Iterator[list[str]]:
    """The rows of the export. A few are broken in the ways in which exports break."""
    dice = Dice(seed)
    middle = len(records) // 2
    sessions = [place for place, record in enumerate(records) if record.vpn_ip and record.seconds]
    wrong_address, wrong_day, cut = [min(place for place in sessions if place > middle + step) for step in (-900, 70, 1100)]
    for place, record in enumerate(records):
        row = _row(record, dice)
        if place == wrong_address:
            row[7] = "203.0.113.777"
        elif place == wrong_day:
            row[2] = "2025.11.31 08:14:02 EST"
        elif place == cut:
            row = row[:5]
        yield row
    # The export was stopped in the middle of a row.
    yield ["vpn1", "june.brandt", "2025.11.2"]


def _row(record: Record, dice: Dice) -> list[str]:
    node = "vpn2" if dice.chance(0.35) else "vpn1"
    is_tcp = record.port == "443" or dice.chance(0.04)
    duration, amount, is_active = "", "", False
    if record.seconds is not None:
        is_active = record.start + timedelta(seconds=record.seconds) > EXPORTED_AT
        seconds = min(record.seconds, int((EXPORTED_AT - record.start).total_seconds()))
        duration, amount = str(seconds), str(dice.between(4_000, 9_000) + seconds * dice.between(300, 60_000))
    return [
        node,
        record.username,
        written(record.start),
        duration,
        record.service,
        str(int(is_active)),
        str(int(not record.error)),
        record.real_ip,
        record.vpn_ip,
        "TCP" if is_tcp else "UDP",
        "443" if is_tcp else record.port,
        amount,
        record.error,
    ]


def export() -> str:
    """The whole log."""
    text = io.StringIO()
    text.write(f"{HEADER}\n")
    csv.writer(text, lineterminator="\n").writerows(rows(Office(seed=2025).records(), seed=11))
    return text.getvalue()


if __name__ == "__main__":
    sys.stdout.write(export())
