# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A log that grows and is rotated, cut, compressed and rewritten: nothing is lost and nothing is sent twice."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

from support.vpn_logs import HEADER, plain_row, received

STEPS = 40


class LivingLog:
    """A log with a random life; knows which good rows it has ever shown to a run."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self.path = path
        self._chance = chance
        self._next = 0
        self.lines: list[str] = []
        self.seen: set[int] = set()
        self._numbers: dict[str, int] = {}

    def live(self) -> None:
        """One thing happens."""
        what = self._chance.choice([self._grow] * 6 + [self._rotate, self._rotate_and_compress, self._cut, self._rewrite, self._nothing])
        what()
        self.path.write_text("\n".join([HEADER, *self.lines, ""]), encoding="utf-8")

    def shown(self) -> int:
        """Notes the good rows that a run sees now, and gives the number of rows."""
        self.seen.update(self._numbers[line] for line in self.lines if line in self._numbers)
        return len(self.lines)

    def _grow(self) -> None:
        for _row in range(self._chance.choice([1, 3, 200])):
            kind = self._chance.random()
            if kind < 0.05:
                self.lines.append(self._chance.choice(["203.0.113.5,,", "bad,row,here", "short"]))
            elif kind < 0.1 and self.lines:
                self.lines.append(self._chance.choice(self.lines))
            else:
                line = plain_row(self._next)
                self._numbers[line] = self._next
                self._next += 1
                self.lines.append(line)

    def _rotate(self) -> None:
        self.lines = []
        self._grow()

    def _rotate_and_compress(self) -> None:
        self.path.with_suffix(".gz").write_bytes(gzip.compress("\n".join([HEADER, *self.lines, ""]).encode()))
        self._rotate()

    def _cut(self) -> None:
        del self.lines[self._chance.randrange(len(self.lines) + 1) :]

    def _rewrite(self) -> None:
        self._chance.shuffle(self.lines)

    def _nothing(self) -> None:
        """Runs happen without news, too."""


def test_whatever_happens_to_the_log(upload, emulator, tmp_path):
    chance = random.Random(0)
    log = LivingLog(tmp_path / "log.csv", chance)
    log._grow()
    for step in range(STEPS):
        log.live()
        rows = log.shown()
        options = {"path": str(log.path), "on_invalid": "skip", "batch_size": chance.choice([1, 7, 100])} if rows else None
        if options is None:
            continue
        foretold = upload(**options, check_mode=True)
        run = upload(**options)
        counted = run["counts"]
        told = counted["uploaded"] + counted["already_uploaded"] + sum(counted["skipped"].values()) + counted["rejected"]
        assert counted["read"] == told == rows, f"step {step}"
        assert run["counts"] == foretold["counts"], f"step {step}"
        assert run["rejected_rows"] == foretold["rejected_rows"]
        state = emulator.state["extrahop"]["observations"]
        assert state["accepted"] == state["distinct"] == len(log.seen), f"step {step}"
        again = upload(**options)
        assert not again.changed
        assert again["counts"]["read"] == rows
        assert again["counts"]["rejected"] == counted["rejected"]
    assert len(received(emulator.observations())) == len(log.seen) > 100


def test_a_log_that_is_compressed_afterwards_is_known(upload, tmp_path):
    plain = tmp_path / "log.csv"
    plain.write_text("\n".join([HEADER, *[plain_row(number) for number in range(50)], ""]))
    upload(path=str(plain))
    packed = tmp_path / "log.csv.1.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert upload(path=str(packed))["counts"]["already_uploaded"] == 50


def test_a_last_line_without_its_end_is_read_again_when_it_is_whole(upload, emulator, tmp_path):
    path = tmp_path / "log.csv"
    whole = "\n".join([HEADER, plain_row(0), plain_row(1)])
    path.write_text(whole[:-15])
    assert upload(path=str(path), on_invalid="skip")["counts"]["rejected"] == 1
    path.write_text(whole + "\n")
    run = upload(path=str(path), on_invalid="skip")
    assert run["counts"] == {"read": 2, "uploaded": 1, "already_uploaded": 1, "skipped": {}, "rejected": 0}
    assert len(emulator.observations()) == 2


def test_a_quoted_field_that_is_closed_later(upload, tmp_path):
    path = tmp_path / "log.csv"
    first = f'Comment,{HEADER}\nx,{plain_row(0)}\n"two\n'
    path.write_text(first)
    upload(path=str(path), on_invalid="skip")
    path.write_text(f'{first}lines",{plain_row(1)}\n')
    run = upload(path=str(path), on_invalid="skip")
    assert run["counts"] == {"read": 2, "uploaded": 1, "already_uploaded": 1, "skipped": {}, "rejected": 0}
