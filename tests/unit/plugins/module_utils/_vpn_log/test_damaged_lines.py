# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Valid lines that are cut, joined or extended never give another address, user or time. The facts in each log are written by hand, so that
the readers are not compared with themselves.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import (
    ALIVE,
    END,
    OTHER_MESSAGE,
    REJECTED,
    START,
    is_note,
    is_observation,
)

from support.damaged_logs import LOGS, MODIFIED
from support.log_reading import opened
from support.mutants import records_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import Record

    from support.damaged_logs import Fact, RightLog

_LEAST_REST = 11
OFFSET = " +0200"
EVENT_LOGS = ("cisco_asa", "fortigate", "globalprotect", "openvpn_log", "strongswan")
READ_AS_FILES = ("csv", "radius_detail")
"""Their readers do more with the lines of a file than to give them to a parser one by one."""
WORD, BLANK = " word", " "
INSERTED = (",", OFFSET, WORD, BLANK, '"')


class Damage(NamedTuple):
    """A damaged log: its lines, and the text that was put in."""

    what: str
    lines: list[str]
    inserted: str = ""


def damages(lines: list[str], target: int) -> Iterator[Damage]:
    """All the ways in which one line of a log is damaged."""
    line, before, after = lines[target], lines[:target], lines[target + 1 :]
    for place in range(len(line)):
        yield Damage(f"cut at {place}", [*before, line[:place], *after])
        # What is left of a table row in front of the next one can look like a digit of it.
        if after and (place > _LEAST_REST or not line[:1].isdigit()):
            yield Damage(f"cut at {place} and the next line behind it", [*before, line[:place] + after[0], *after[1:]])
    if after:
        for between in ("", "#000", "#012", " ", "\\n"):
            yield Damage(f"joined by {between!r}", [*before, line + between + after[0], *after[1:]])
    for text in INSERTED:
        for place in range(len(line) + 1):
            yield Damage(f"{text!r} put in at {place}", [*before, line[:place] + text + line[place:], *after], text)


@dataclass
class Reader:
    """Reads damaged versions of one log, with a new parser for each."""

    log: RightLog
    folder: Path

    def __enter__(self) -> Reader:
        path = self.folder / "gateway.log"
        path.write_text("\n".join(self.log.lines) + "\n", encoding="utf-8")
        os.utime(path, (MODIFIED, MODIFIED))
        self._opened = opened(path, self.log.format, **self.log.options)
        _source, self._reader = self._opened.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.__exit__(None, None, None)

    def records(self, lines: list[str]) -> list[Record]:
        """The records of the lines; no line may raise anything."""
        if self.log.format in READ_AS_FILES:
            (self.folder / "damaged.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
            os.utime(self.folder / "damaged.log", (MODIFIED, MODIFIED))
            return records_of(self.folder / "damaged.log", self.log.format, **self.log.options)
        parser = self._reader.new_parser(self._reader.reading)
        records = [record for number, line in enumerate(lines, start=1) if line.strip() for record in parser.records(number, line)]
        return [*records, *parser.rest()]


def fits(record: Record, fact: Fact, inserted: str) -> bool:
    """The record says what the fact says, as far as it says anything."""
    # A text that was put into the name is in the name, which is no error.
    user = record.username.replace(inserted.strip() or " ", "").replace(" ", "") if inserted else record.username
    is_user = user in ("", fact.user, "UNDEF")
    at = began(record)
    is_time = at is None or at == fact.time or (inserted == OFFSET and at == fact.time - 7_200_000)
    return (
        is_user
        and is_time
        and record.ipaddr in (None, fact.ipaddr)
        and record.associated_ipaddr in (None, fact.associated_ipaddr)
        and (fact.kind == record.kind or {fact.kind, record.kind} <= {START, ALIVE})
    )


def began(record: Record) -> int | None:
    """When the session began, or ended if the record is an end, in whole seconds as epoch milliseconds."""
    at = record.time if record.start is None or record.kind == END else record.start
    return None if at is None else at // 1000 * 1000


def says_more_than_it_should(records: list[Record], facts: list[Fact], inserted: str) -> list[Record]:
    """The records that say something that no fact says."""
    told = [record for record in records if record.kind in (START, ALIVE, END)]
    return [record for record in told if not any(fits(record, fact, inserted) for fact in facts)]


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_a_right_log_is_read_whole(log: RightLog, tmp_path: Path):
    with Reader(log, tmp_path) as reader:
        records = [record for record in reader.records(log.lines) if not is_note(record)]
    assert not [record for record in records if record.kind == REJECTED]
    told = [record for record in records if record.kind in (START, ALIVE, END)]
    assert len(told) == len(log.facts)
    assert [(one.username, one.ipaddr, one.associated_ipaddr, began(one)) for one in told] == [fact[1:] for fact in log.facts]


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_damage_never_makes_another_session(log: RightLog, tmp_path: Path):
    wrong = []
    with Reader(log, tmp_path) as reader:
        for target in log.targets:
            for damage in damages(log.lines, target):
                if log.words_fit and damage.inserted in (WORD, BLANK):
                    continue
                records = reader.records(damage.lines)
                bad = says_more_than_it_should(records, log.facts, damage.inserted)
                if bad:
                    wrong.append((target, damage.what, bad[0]))
    assert not wrong, f"{len(wrong)} of them, first: {wrong[:3]}"


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_other_lines_are_not_affected(log: RightLog, tmp_path: Path):
    """A cut line does not affect the lines after it."""
    with Reader(log, tmp_path) as reader:
        for target in log.targets:
            line = log.lines[target]
            for place in range(0, len(line), 7):
                cut = [*log.lines[:target], line[:place], *log.lines[target + 1 :]]
                after = [record for record in reader.records(cut) if record.line > target + 1]
                whole = [record for record in reader.records(log.lines) if record.line > target + 1]
                assert [one.ipaddr for one in after if is_observation(one)] == [one.ipaddr for one in whole if is_observation(one)] or (
                    log.lines_depend
                ), (target, place)


@pytest.mark.parametrize("log", [log for log in LOGS if log.format in EVENT_LOGS], ids=lambda log: log.name)
def test_a_cut_line_is_never_read_as_another_message(log: RightLog, tmp_path: Path):
    """Wherever it is cut: it may have been the message that gave the address to somebody else."""
    with Reader(log, tmp_path) as reader:
        for target in log.targets:
            for place in range(1, len(log.lines[target])):
                line = log.lines[target][:place]
                records = reader.records([line])
                assert all(record.reason != OTHER_MESSAGE for record in records), line


@pytest.mark.parametrize("log", [log for log in LOGS if log.format in EVENT_LOGS], ids=lambda log: log.name)
def test_the_rest_of_a_line_is_never_read_as_another_message(log: RightLog, tmp_path: Path):
    """Wherever it begins: it may be the end of the message that gave the address to somebody else."""
    with Reader(log, tmp_path) as reader:
        for target in log.targets:
            line = log.lines[target]
            for place in range(1, max(line.find(fact.ipaddr or line) for fact in log.facts), 2):
                records = [record for record in reader.records([log.lines[0], line[place:]]) if record.line == 2]
                assert all(record.reason != OTHER_MESSAGE for record in records), line[place:]


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_a_line_in_latin_1_is_rejected_alone(log: RightLog, tmp_path: Path):
    target = log.targets[0]
    lines = [line.encode() for line in log.lines]
    middle = len(lines[target]) // 2
    lines[target] = lines[target][:middle] + "ü".encode("latin-1") + lines[target][middle:]
    path = tmp_path / "latin.log"
    path.write_bytes(b"\n".join([*lines, b""]))
    os.utime(path, (MODIFIED, MODIFIED))
    records = records_of(path, log.format, **log.options)
    assert [record.reason for record in records if record.line == target + 1 and record.kind == REJECTED and "0xfc" in str(record.reason)]
    seen = {record.username for record in records if record.kind in (START, ALIVE) and record.time is not None}
    lost = {log.facts[0].user}
    assert {fact.user for fact in log.facts if fact.kind in (START, ALIVE)} - lost <= seen


def _with_nul_bytes(log: RightLog, folder: Path, before: int) -> list[Record]:
    """The records of a log with a kilobyte of NUL bytes before one of its lines."""
    lines = [line.encode() for line in log.lines]
    lines[before] = b"\0" * 1024 + lines[before]
    path = folder / "holes.log"
    path.write_bytes(b"\n".join([*lines, b""]))
    os.utime(path, (MODIFIED, MODIFIED))
    return records_of(path, log.format, **log.options)


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_nul_bytes_in_the_middle_are_lost_lines(log: RightLog, tmp_path: Path):
    """Whoever got an address in them is unknown, so they are rejected like any line that cannot be read."""
    target = max(log.targets[0], 1)
    rejected = [record for record in _with_nul_bytes(log, tmp_path, target) if record.line == target + 1 and record.kind == REJECTED]
    assert [record.reason for record in rejected if "1024 NUL bytes" in str(record.reason)]


def test_nul_bytes_at_the_end_are_reserved_space(tmp_path: Path):
    log = next(log for log in LOGS if log.format == "openvpn_log")
    path = tmp_path / "reserved.log"
    path.write_bytes("\n".join([*log.lines, ""]).encode() + b"\0" * 4096)
    os.utime(path, (MODIFIED, MODIFIED))
    assert not [record for record in records_of(path, log.format, **log.options) if record.kind == REJECTED]
