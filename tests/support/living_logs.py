# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logs of a gateway that grow, rotate, are compressed, edited and cut at random between runs, and what must have arrived.

The oracle is plain Python: the text that was written, split at line ends. It shares no code with the readers.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest import mock

from ansible_collections.secops.xdr.plugins.module_utils._module import Run
from ansible_collections.secops.xdr.plugins.module_utils._observations import upload as _upload
from ansible_collections.secops.xdr.plugins.module_utils._secrets import SecretKeeper

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

HEADER = "Real IP,VPN IP,Start Time"
START = datetime(2024, 1, 20, tzinfo=UTC)
Observation = tuple[str, str, int]
BAD_ROWS = ("not an address,10.9.0.1,01/20/24 10:00:00", "203.0.113.5,10.9.0.1", "203.0.113.5,10.9.0.1,01/20/24 10:00:00,more")
SKIPPED_ROWS = ("203.0.113.5,,01/20/24 10:00:00", "0.0.0.0,10.9.0.1,01/20/24 10:00:00", "n/a,n/a,n/a")
PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


class Appliance:
    """Stands for the appliance: keeps what arrives, and now and then refuses or does not answer."""

    endpoint = "https://appliance.example.com"

    def __init__(self) -> None:
        self.arrived: list[Observation] = []

    def get_ready(self) -> None:
        """There is nothing to make ready."""

    def upload_observations(self, body: bytes) -> bool:
        """Takes one request."""
        self.arrived += [(one["ipaddr"], one["associated_ipaddr"], one["timestamp"]) for one in json.loads(body)["observations"]]
        return False


class LivingLogs:
    """A gateway's logs: `vpn.csv` and what rotation makes of it. `ever` is every good row that was ever whole in a log."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder = folder
        self._chance = chance
        self._log = folder / "vpn.csv"
        self._next = 0
        self._rest = ""
        self.ever: set[Observation] = set()
        self.lived: Counter[str] = Counter()
        self._log.write_text(f"{HEADER}\n", encoding="ascii")

    def live(self) -> None:
        """One thing happens to the logs."""
        things = [self._grow] * 6 + [self._rename, self._copytruncate, self._compress, self._edit, self._cut, self._forget]
        thing = self._chance.choice(things)
        thing()
        self.lived[thing.__name__.strip("_")] += 1
        self.ever |= self.present()

    def present(self) -> set[Observation]:
        """The good rows in the logs that have their line end."""
        return {row for path in self.folder.iterdir() for row in map(_observation, _whole_lines(path)) if row}

    def _grow(self) -> None:
        """The gateway writes rows; the last one may be cut anywhere, and is finished the next time."""
        text = self._rest
        for _number in range(self._chance.choice([1, 2, 9, 40])):
            kind = self._chance.random()
            if kind < 0.85:
                text += f"{_row(self._next)}\n"
                self._next += 1
            else:
                text += self._chance.choice(BAD_ROWS if kind < 0.9 else SKIPPED_ROWS) + "\n"
        cut = self._chance.randrange(1, 30) if self._chance.random() < 0.3 else 0
        text, self._rest = (text[:-cut], text[-cut:]) if cut else (text, "")
        with self._log.open("a", encoding="ascii") as file:
            file.write(text)

    def _finish_line(self) -> None:
        with self._log.open("a", encoding="ascii") as file:
            file.write(self._rest)
        self._rest = ""
        self.ever |= self.present()

    def _rename(self) -> None:
        self._finish_line()
        self._log.rename(self.folder / f"vpn.csv.{self._next}.{self._chance.randrange(10**6)}")
        self._log.write_text(f"{HEADER}\n", encoding="ascii")

    def _copytruncate(self) -> None:
        self._finish_line()
        shutil.copy(self._log, self.folder / f"vpn.csv.{self._next}.{self._chance.randrange(10**6)}")
        self._log.write_text(f"{HEADER}\n", encoding="ascii")

    def _compress(self) -> None:
        rotated = [path for path in self.folder.iterdir() if path != self._log and path.suffix not in PACKERS]
        if rotated:
            path = self._chance.choice(sorted(rotated))
            suffix = self._chance.choice(sorted(PACKERS))
            path.with_name(path.name + suffix).write_bytes(PACKERS[suffix](path.read_bytes()))
            path.unlink()

    def _edit(self) -> None:
        """Somebody corrects a row in place, or breaks one, without changing the length of the log."""
        lines = self._log.read_text(encoding="ascii").split("\n")
        if len(lines) > 2:
            place = self._chance.randrange(1, len(lines) - 1)
            line = lines[place]
            fixed = line.replace("not an address", f"203.0.113.{self._chance.randrange(100, 200)} ")
            lines[place] = fixed if fixed != line else line.replace("203.0.113.", "203.0.114.")
            self._log.write_text("\n".join(lines), encoding="ascii")

    def _cut(self) -> None:
        """The newest rows are lost."""
        self._finish_line()
        lines = self._log.read_text(encoding="ascii").splitlines(keepends=True)
        self._log.write_text("".join(lines[: self._chance.randrange(1, len(lines) + 1)]), encoding="ascii")

    def _forget(self) -> None:
        """An old log is removed."""
        old = sorted(path for path in self.folder.iterdir() if path != self._log)
        if old:
            self._chance.choice(old).unlink()


class Site:
    """The logs, the appliance and the ledger of one story."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        (folder / "logs").mkdir()
        self.logs = LivingLogs(folder / "logs", chance)
        self.appliance = Appliance()
        self.due: set[Observation] = set()
        self._ledger = str(folder / "ledger.sqlite3")
        self._chance = chance

    def run(self, *, limit: int | None = None) -> dict[str, Any]:
        """One upload of all logs; without a limit, everything that is in them now has to arrive."""
        params = {
            "source": "test",
            "observations": None,
            "path": None,
            "paths": [str(self.logs.folder / "*")],
            "format": "csv",
            "columns": {"ipaddr": "VPN IP", "associated_ipaddr": "Real IP", "timestamp": "Start Time", "username": None},
            "timestamp_format": "%m/%d/%y %H:%M:%S",
            "timezone": "UTC",
            "delimiter": ",",
            "encoding": "utf-8",
            "timestamp_unit": "seconds",
            "on_invalid": "skip",
            "rejects_path": None,
            "batch_size": self._chance.choice([1, 7, 1000]),
            "concurrency": self._chance.choice([1, 3]),
            "limit": limit,
            "force": False,
            "ledger": self._ledger,
            "ledger_retention": None,
            "check_devices": False,
            "read_back": False,
        }
        with mock.patch.object(_upload.ExtraHopClient, "from_params", return_value=self.appliance):
            result = _upload.upload_observations(params, Run(False, False, lambda _text: None, SecretKeeper(lambda _secret: None)))
        if limit is None:
            self.due |= self.logs.present()
        return result


def tell_story(folder: Path, chance: random.Random, steps: int) -> Counter[str]:
    """Lets the logs live and runs uploads in between; fails if anything arrived twice, was never in a log, or is missing.

    Returns how often each thing happened to the logs, with the uploads as `runs` and the rows that arrived as `rows`.
    """
    site = Site(folder, chance)
    for _step in range(steps):
        for _thing in range(chance.randrange(1, 4)):
            site.logs.live()
        before = len(site.appliance.arrived)
        limit = chance.choice([None, None, 5])
        counts = site.run(limit=limit)["counts"]
        arrived = set(site.appliance.arrived)
        assert len(arrived) == len(site.appliance.arrived), "nothing arrives twice"
        assert arrived <= site.logs.ever, "nothing arrives that was never in a log"
        assert arrived >= site.due, "everything arrives that was in a log"
        assert counts["uploaded"] == len(arrived) - before <= (limit or len(arrived))
        told = counts["uploaded"] + counts["already_uploaded"] + sum(counts["skipped"].values()) + counts["rejected"]
        assert counts["read"] == told
    site.run()
    assert set(site.appliance.arrived) >= site.due
    assert site.run()["counts"]["uploaded"] == 0
    return site.logs.lived + Counter(runs=steps + 2, rows=len(site.appliance.arrived))


def _row(number: int) -> str:
    moment = START + timedelta(minutes=7 * number)
    return f"203.0.113.{number % 250 + 1},10.8.{number // 250 % 250}.{number % 250 + 1},{moment:%m/%d/%y %H:%M:%S}"


def _whole_lines(path: Path) -> list[str]:
    content = path.read_bytes()
    unpack: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}
    return unpack.get(path.suffix, bytes)(content).decode().split("\n")[1:-1]


@cache
def _observation(line: str) -> Observation | None:
    values = [value.strip() for value in line.split(",")]
    if len(values) != 3 or not all(value.replace(".", "").isdigit() and value != "0.0.0.0" for value in values[:2]):
        return None
    moment = datetime.strptime(values[2], "%m/%d/%y %H:%M:%S").replace(tzinfo=UTC)
    return values[1], values[0], int(moment.timestamp())
