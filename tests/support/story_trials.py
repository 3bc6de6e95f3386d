# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trials: a story becomes a log, the log is damaged, and the module is asked who had which address. The story knows the truth."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

from support.stories import HOUR, Stay, Story, told
from support.story_damage import LINES, as_bytes, dropped, garbled, rotated, written
from support.story_rows import Row, could_mean
from support.story_texts import STYLES, Line, Style, lines_of, status_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]
    """Runs `vpn_session_info` with these options; an empty result if it fails."""
    Take = Callable[[Mapping[str, Any]], Mapping[str, Any]]
    """Runs `vpn_session` likewise."""

_SPRING = 1_714_521_600
"""2024-05-01T00:00:00Z: no clock is changed for months."""
_AUTUMN = 1_729_944_000
"""2024-10-26T12:00:00Z: in the night that follows, clocks go back in Europe."""
_BERLIN = "Europe/Berlin"
TOLERANCE = 30
QUESTIONS = 30

CLOCKS = ("set back", "ahead before", "one time out of line", "wrong zone", "doubled hour")
WHOLE_LOGS = ("undamaged", "last line cut", "rotated", "rotated, one lost", "other encoding")
HISTORIES = ("history", "history, log rotated", "history, damaged", "history, two gateways")
SNAPSHOTS = ("snapshots", "snapshots, damaged", "snapshots in a history")
KINDS = (*WHOLE_LOGS, *LINES, *CLOCKS, *HISTORIES, *SNAPSHOTS)
UNDAMAGED = ("undamaged", "rotated", "other encoding", "history", "history, log rotated")
"""Kinds of which at least 95 % of the questions about sessions in the log have to be answered."""


@dataclass(frozen=True)
class Trial:
    """One story, and what was asked about it."""

    seed: int
    kind: str
    style: str
    wrong: Sequence[str]
    answerable: int = 0
    """Questions about sessions that the log has from beginning to end, not near the moment at which they began or ended."""
    named: int = 0
    """How many of them were answered with a name."""


@dataclass(frozen=True)
class _Log:
    story: Story
    style: Style
    left: Sequence[Row]
    result: Mapping[str, Any]
    is_lossy: bool = False
    """Lines were lost without a trace."""
    gateways: frozenset[str] = field(default_factory=lambda: frozenset({"gw1"}))


class TrialRun:
    """Runs one trial in a folder of its own."""

    def __init__(self, seed: int, folder: Path, ask: Ask, take: Take, formats: frozenset[str], kinds: Sequence[str] = KINDS) -> None:
        self.seed = seed
        self._random = Random(seed)
        self.kind = self._random.choice(kinds)
        self._folder = folder
        self._ask = ask
        self._take = take
        styles = [style for style in STYLES if style.log_format in formats]
        if self.kind == "doubled hour":
            styles = [style for style in styles if not style.writes_zone]
        self._style = self._random.choice(styles)
        self._story = told(self._random, _AUTUMN if self.kind == "doubled hour" else _SPRING, gateways=2 if "two" in self.kind else 1)
        self._stays = [stay for stay in self._story.stays if stay.end > stay.start]
        self._questions = [self._question() for _time in range(QUESTIONS)]

    def result(self) -> Trial:
        """Asks, and compares the answers with the story."""
        if self.kind in SNAPSHOTS:
            return self._judged(self._of_snapshots(), "openvpn_status")
        if self.kind in HISTORIES:
            return self._judged(self._of_history(), self._style.name)
        log = self._of_log()
        return Trial(self.seed, self.kind, self._style.name, ()) if log is None else self._judged(log, self._style.name)

    def _question(self) -> tuple[str, int]:
        random, story = self._random, self._story
        stay = random.choice(self._stays)
        if random.random() < 0.8:
            return stay.ipaddr, random.randint(stay.start, stay.end)
        return stay.ipaddr, random.randint(story.begin - HOUR, story.end + HOUR)

    def _match(self) -> list[dict[str, Any]]:
        return [{"ipaddr": ipaddr, "timestamp": at} for ipaddr, at in self._questions]

    def _of_log(self) -> _Log | None:
        random, style, kind = self._random, self._style, self.kind
        zone = _BERLIN if kind == "doubled hour" else "UTC"
        shift = self._shift()
        lines = lines_of(self._story, style, "gw1", random, zone, shift)
        if not lines or (shift and not _goes_back(lines, shift)):
            return None
        if kind == "one time out of line":
            lines = self._one_out_of_line(lines)
        damaged = LINES[kind](lines, random) if kind in LINES else lines
        options = {**style.options, "format": style.log_format, **({"timezone": zone} if zone != "UTC" else {})}
        if kind == "wrong zone":
            if style.writes_zone:
                return None
            options["timezone"] = random.choice(("America/New_York", "America/Los_Angeles"))
        paths = written(self._folder, self._files(damaged))
        for path in paths:
            _touch(path, lines, self._style)
        if kind == "rotated, one lost" and len(paths) > 1:
            paths.remove(random.choice(paths))
        if kind == "other encoding":
            options["encoding"] = self._encoded(paths[0])
            _touch(paths[0], lines, style)
        where = {"paths": paths} if len(paths) > 1 else {"path": paths[0]} if paths else {}
        result = self._ask({**options, **where, "match": self._match()})
        left = [line.row for line in damaged if line.row]
        return _Log(self._story, style, left, result, is_lossy=kind == "dropped")

    def _files(self, lines: Sequence[Line]) -> list[tuple[str, bytes]]:
        """The files of the log; each was last written to when its last row was."""
        if self.kind.startswith("rotated"):
            return rotated(lines, self._style.head, self._random, "vpn.log")
        return [("vpn.log", as_bytes(lines, self._style.head, self._random, is_cut=self.kind == "last line cut"))]

    def _encoded(self, path: str) -> str:
        encoding = self._random.choice(("utf-16", "utf-8-sig") if self._style.log_format in ("csv", "openvpn_as") else ("utf-8-sig",))
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding=encoding) as file:
            file.write(text)
        return "utf-8" if encoding == "utf-8-sig" else encoding

    def _shift(self) -> dict[int, int] | None:
        by = self._random.choice((60, 600, 1800, 3600, 7200, 20_000))
        moment = self._random.randint(self._story.begin, self._story.end)
        if self._style.is_export or self.kind not in ("set back", "ahead before"):
            return None
        return {moment: -by} if self.kind == "set back" else {0: by, moment: 0}

    def _one_out_of_line(self, lines: list[Line]) -> list[Line]:
        random = self._random
        place = random.randrange(len(lines))
        row = lines[place].row
        far = random.choice((-1, 1)) * random.choice((2, 400, 7000)) * 24 * HOUR
        if row is None:
            return lines
        text = self._style.write(row, datetime.fromtimestamp(row.at + far, UTC))
        return lines if text is None else [*lines[:place], Line(text, row), *lines[place + 1 :]]

    def _of_history(self) -> _Log:
        """The log grows, and every now and then it is taken into the history."""
        random, style = self._random, self._style
        gateways = sorted({stay.gateway for stay in self._story.stays})
        history = str(self._folder / "sessions.sqlite3")
        left: list[Row] = []
        for gateway in gateways:
            lines = lines_of(self._story, style, gateway, random)
            if self.kind == "history, damaged":
                lines = random.choice((garbled, dropped))(lines, random)
            left += [line.row for line in lines if line.row]
            self._grow(lines, {**style.options, "format": style.log_format, "history": history, "gateway": gateway})
        result = self._ask({"history": history, "match": self._match()}) if os.path.exists(history) else {}
        return _Log(self._story, style, left, result, is_lossy=self.kind == "history, damaged", gateways=frozenset(gateways))

    def _grow(self, lines: Sequence[Line], options: Mapping[str, Any]) -> None:
        random = self._random
        name = f"{options['gateway']}.log"
        path = self._folder / name
        ends = [*sorted(random.randint(1, len(lines)) for _time in range(random.randint(0, 3))), len(lines)] if lines else []
        begin = 0
        for end in ends:
            path.write_bytes(as_bytes(lines[begin:end], self._style.head, random))
            _touch(str(path), lines[:end], self._style)
            older = self._folder / f"{name}.1"
            paths = [str(path), *([str(older)] if older.exists() else [])]
            self._take({**options, "paths": paths})
            if random.random() < 0.3:
                self._take({**options, "paths": paths})
            if self.kind == "history, log rotated" and random.random() < 0.5:
                path.replace(older)
                begin = end

    def _of_snapshots(self) -> _Log:
        random, story = self._random, self._story
        every = random.choice((300, 900, HOUR))
        moments = [at for at in range(story.begin, story.end, every) if self.kind != "snapshots, damaged" or random.random() < 0.8]
        files = [status_file(story, "gw1", at) for at in moments]
        if self.kind == "snapshots, damaged":
            files = [_spoiled(text, random) for text in files]
        path, style = self._folder / "status.log", Style("openvpn_status", "openvpn_status", lambda row, clock: None)
        options = {"format": "openvpn_status", "timezone": "UTC"}
        if self.kind != "snapshots in a history":
            path.write_text("".join(files))
            os.utime(path, (story.end + 10,) * 2)
            return _Log(story, style, (), self._ask({**options, "path": str(path), "match": self._match()}))
        history = str(self._folder / "sessions.sqlite3")
        for moment, text in list(zip(moments, files, strict=True))[:: max(1, len(files) // 12)]:
            path.write_text(text)
            os.utime(path, (moment + 1,) * 2)
            self._take({**options, "path": str(path), "history": history, "gateway": "gw1"})
        return _Log(story, style, (), self._ask({"history": history, "match": self._match()}) if os.path.exists(history) else {})

    def _judged(self, log: _Log, style: str) -> Trial:
        wrong: list[str] = []
        answerable = named = 0
        for (ipaddr, at), answer in zip(self._questions, log.result.get("matches") or [], strict=False):
            user = answer["session"]["username"] if answer["session"] else None
            if _is_answerable(log, ipaddr, at):
                answerable += 1
                named += user is not None
            if user is not None and not _is_right(log, user, ipaddr, at):
                truth = log.story.holder(ipaddr, at)
                wrong.append(f"{ipaddr} at {at}: {user} was named, it was {truth.user if truth else 'nobody'}; {answer['session']}")
        if not log.result.get("matches"):
            answerable = sum(_is_answerable(log, ipaddr, at) for ipaddr, at in self._questions)
        return Trial(self.seed, self.kind, style, wrong, answerable, named)


def _goes_back(lines: Sequence[Line], shift: Mapping[int, int]) -> bool:
    """True if the log shows that its clock was changed: times that go back by more than the tolerance."""
    moment = max(shift)
    before = [line.row.at for line in lines if line.row and line.row.at < moment]
    after = [line.row.at for line in lines if line.row and line.row.at >= moment]
    if not before or not after:
        return False
    change = abs(next(by for by in shift.values() if by))
    return before[-1] - (after[0] - change) > TOLERANCE + 1


def _touch(path: str, lines: Sequence[Line], style: Style) -> None:
    """The file was last written to when the last row was. An export is made at the end of the last session."""
    last = max((line.row.at for line in lines if line.row), default=0)
    ends = [line.row.stay.end for line in lines if line.row and line.row.stay and style.is_export]
    os.utime(path, (max([last, *ends]) + 1,) * 2)


def _spoiled(text: str, random: Random) -> str:
    lines = text.split("\n")
    for place, line in enumerate(lines):
        if line and random.random() < 0.05:
            lines[place] = line[: random.randrange(len(line))]
    return "\n".join(line for line in lines if random.random() > 0.01)


def _is_answerable(log: _Log, ipaddr: str, at: int) -> bool:
    stay = log.story.holder(ipaddr, at)
    if stay is None or stay.is_silent or (stay.is_on and log.style.is_export):
        return False
    inside = log.story.begin <= stay.start and min(at - stay.start, stay.end - at) > TOLERANCE + 1
    rivals = [other for other in log.story.holders(ipaddr, at, at) if other.gateway != stay.gateway]
    return inside and at < log.story.end - HOUR and not rivals


def _is_right(log: _Log, user: str, ipaddr: str, at: int) -> bool:
    """The user had the address, or had it just now and nobody else had got it; or the log does not show otherwise."""
    name = user.casefold()
    near = log.story.holders(ipaddr, at - TOLERANCE, at + 1)
    is_alone = len(log.gateways) == 1
    # What began before the log of another gateway did, that log cannot show.
    truth = [stay for stay in log.story.holders(ipaddr, at, at) if stay.start >= log.story.begin or _named(stay, name) or is_alone]
    if any(_named(stay, name) for stay in near) and all(_named(stay, name) for stay in truth):
        return True
    if not truth and _unended(log, ipaddr, at, name):
        return True
    names_users = log.style.ends_name_users
    return log.is_lossy and any(
        could_mean(log.left, user, ipaddr, moment, ends_name_users=names_users) for moment in (at, at - TOLERANCE - 1)
    )


def _named(stay: Stay, name: str) -> bool:
    return stay.user.casefold() == name


def _unended(log: _Log, ipaddr: str, at: int, name: str) -> bool:
    """No log of this kind can show that this stay ended: the gateway failed, or it writes no ends."""
    for gateway in log.gateways:
        before = [stay for stay in log.story.stays if stay.ipaddr == ipaddr and stay.start <= at and stay.gateway == gateway]
        last = max(before, key=lambda stay: stay.start, default=None)
        if last and _named(last, name) and (not log.style.has_ends or (last.is_silent and not log.style.tells_failures)):
            return True
    return False
