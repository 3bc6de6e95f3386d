# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trials: a story becomes a log, the log is damaged, and the module is asked who had which address. The story knows the truth."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from support.stories import HOUR, Habits, settled, told
from support.story_damage import LINES, LOSSY, as_bytes, dropped, garbled, overlapping, rotated, written
from support.story_judging import TOLERANCE, AskedLog, Trial, judged
from support.story_snapshots import status_file, wireguard_dump, wireguard_peers
from support.story_texts import STYLES, Line, Style, Telling, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from support.stories import Row


class Modules(NamedTuple):
    """Ways to run the modules with their options."""

    ask: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    """Runs `vpn_session_info`; an empty result if it fails."""
    take: Callable[[Mapping[str, Any]], object]
    """Runs `vpn_session`."""
    take_killed: Callable[[Mapping[str, Any], int], object]
    """Runs `vpn_session`, and kills it at one of its transactions."""


_SPRING = 1_714_521_600
"""2024-05-01T00:00:00Z: no clock is changed for months."""
_NIGHTS = {
    "doubled hour": 1_729_944_000,
    "skipped hour": 1_711_800_000,
    "new year": 1_704_024_000,
}
"""The noons before special nights, by the end of a kind: in Europe, clocks go back or forward; a year begins."""
_BERLIN = "Europe/Berlin"
QUESTIONS = 30

WAYS = {
    "given at once": Habits(frees_at_once=True),
    "one outside address": Habits(one_outside=True),
    "long sessions": Habits(stays_long=True),
    "IPv6": Habits(pool="2001:db8:8:{place}::{host}"),
    "names in other case": Habits(),
    "ends written late": Habits(),
}
"""Whole logs of special stories."""
_STATUS = {"format": "openvpn_status", "timezone": "UTC"}
_WRITES_IPV6 = ("csv", "json_lines", "openvpn_as")

CLOCKS = ("set back", "ahead before", "one time out of line", "wrong zone", "drifting", "doubled hour", "skipped hour", "new year")
WHOLE_LOGS = (
    "undamaged",
    "last line cut",
    "rotated",
    "rotated, one lost",
    "rotated, one twice",
    "several logs",
    "other encoding",
    *WAYS,
)
HISTORIES = (
    "history",
    "history, log rotated",
    "history, killed",
    "history, damaged",
    "history, doubled hour",
    "history, two gateways",
    "history, in any order",
    "history with snapshots",
    "history, new year",
)
SNAPSHOTS = (
    "snapshots",
    "snapshots, damaged",
    "snapshots in several logs",
    "snapshots in a history",
    "wireguard",
    "wireguard in a history",
)
KINDS = (*WHOLE_LOGS, *LINES, *CLOCKS, *HISTORIES, *SNAPSHOTS)
UNDAMAGED = ("undamaged", "rotated", "several logs", "other encoding", "history", "history, log rotated", "history, killed")
"""Kinds of which at least 95 % of the questions about sessions in the log have to be answered."""


_MAY_BE_VOUCHED_FOR = frozenset({*WHOLE_LOGS, *LINES} - {"rotated, one lost", "last line cut", "part lost"})


class TrialRun:
    """Runs one trial in a separate folder."""

    def __init__(self, seed: int, folder: Path, modules: Modules, kinds: Sequence[str] = KINDS, questions: int = QUESTIONS) -> None:
        self.seed = seed
        self._random = Random(seed)
        self.kind = self._random.choice(kinds)
        self._folder = folder
        self._modules = modules
        night = next((begin for name, begin in _NIGHTS.items() if self.kind.endswith(name)), None)
        is_local = self.kind.endswith("hour")
        is_possible = self._is_possible
        mixed = (*LINES, *CLOCKS) if self.kind not in LOSSY else ()
        self._style = self._random.choice([style for style in STYLES if not (is_local and style.writes_zone) and is_possible(style)])
        self._telling = Telling(
            zone=_BERLIN if is_local else "UTC",
            late_ends=20 if self.kind == "ends written late" or (self.kind in mixed and self._random.random() < 0.1) else 0,
            in_other_case=self.kind == "names in other case" or (self.kind in mixed and self._random.random() < 0.1),
            in_other_spelling=self.kind == "IPv6",
        )
        self._options = {**self._style.options, "format": self._style.log_format, **({"timezone": _BERLIN} if is_local else {})}
        self._story = told(self._random, _SPRING if night is None else night, self._habits())
        if self.kind.startswith("wireguard"):
            self._story = settled(self._story, self._random)
        self._stays = [stay for stay in self._story.stays if stay.end > stay.start]
        self._questions = [self._question() for _time in range(questions)]
        self._history = str(folder / "sessions.sqlite3")

    def result(self) -> Trial:
        """Asks, and compares the answers with the story."""
        log = self._of_snapshots() if self.kind in SNAPSHOTS else self._of_history() if self.kind in HISTORIES else self._of_log()
        return judged(log, self._questions, self.seed, self.kind) if log else Trial(self.seed, self.kind, self._style.name, ())

    def _habits(self) -> Habits:
        habits = WAYS.get(self.kind)
        if habits is None and self.kind in (*LINES, *CLOCKS, *HISTORIES):
            habits = self._random.choice((*[Habits()] * 4, *(way for name, way in WAYS.items() if name not in ("IPv6", "long sessions"))))
        return replace(habits or Habits(), gateways=2 if "two gateways" in self.kind else 1)

    def _is_possible(self, style: Style) -> bool:
        return self.kind != "IPv6" or style.log_format in _WRITES_IPV6

    def _question(self) -> tuple[str, int]:
        random, story = self._random, self._story
        stay = random.choice(self._stays)
        if random.random() < 0.8:
            return stay.ipaddr, random.randint(stay.start, stay.end)
        return stay.ipaddr, random.randint(story.begin - HOUR, story.end + HOUR)

    def _match(self) -> list[dict[str, Any]]:
        return [{"ipaddr": ipaddr, "timestamp": at} for ipaddr, at in self._questions]

    def _of_log(self) -> AskedLog | None:
        random, style, kind = self._random, self._style, self.kind
        shift = self._shift()
        lines = lines_of(self._story, style, "gw1", random, replace(self._telling, shift=shift))
        if not lines or (shift and kind != "drifting" and not _goes_back(lines, shift)):
            return None
        if kind == "one time out of line":
            lines = self._one_out_of_line(lines)
        damaged = LINES[kind](lines, random) if kind in LINES else lines
        options = dict(self._options)
        if kind == "wrong zone":
            if style.writes_zone:
                return None
            options["timezone"] = random.choice(("America/New_York", "America/Los_Angeles"))
        if kind in _MAY_BE_VOUCHED_FOR and random.random() < 0.3:
            options["complete_until"] = self._story.end
        paths = written(self._folder, self._files(damaged))
        for path in paths:
            _touch(path, lines, self._style)
        if kind == "rotated, one lost" and len(paths) > 1:
            paths.remove(random.choice(paths))
        if kind == "other encoding":
            options["encoding"] = self._encoded(paths[0])
            _touch(paths[0], lines, style)
        if kind == "rotated, one twice":
            paths.append(str(shutil.copy2(random.choice(paths), self._folder / random.choice(("copy.log", "vpn.log.7")))))
        random.shuffle(paths)
        where = {"paths": paths} if len(paths) > 1 else {"path": paths[0]} if paths else {}
        result = self._modules.ask({**options, **where, "match": self._match()})
        left = [line.row for line in damaged if line.row]
        covered_until = 0 if "complete_until" in options else _last(left, style)
        slack = max(self._telling.late_ends, *shift.values()) if kind == "drifting" else self._telling.late_ends
        return AskedLog(self._story, style, left, result, kind in LOSSY, covered_until, slack=slack)

    def _files(self, lines: Sequence[Line]) -> list[tuple[str, bytes]]:
        """The files of the log; each was last written to when its last row was."""
        if self.kind.startswith("rotated"):
            return rotated(lines, self._style.head, self._random, "vpn.log")
        if self.kind == "several logs":
            return overlapping(lines, self._style.head, self._random)
        return [("vpn.log", as_bytes(lines, self._style.head, self._random, is_cut=self.kind == "last line cut"))]

    def _encoded(self, path: str) -> str:
        encoding = self._random.choice(("utf-16", "utf-8-sig") if self._style.log_format in ("csv", "openvpn_as") else ("utf-8-sig",))
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding=encoding) as file:
            file.write(text)
        return "utf-8" if encoding == "utf-8-sig" else encoding

    def _shift(self) -> dict[int, int]:
        story = self._story
        if self.kind == "drifting":
            # Its clock is up to 20 seconds ahead, and is set right every few hours.
            return {at: place % 7 * 3 for place, at in enumerate(range(story.begin, story.end, 1800))}
        by = self._random.choice((60, 600, 1800, 3600, 7200, 20_000))
        moment = self._random.randint(self._story.begin, self._story.end)
        if self._style.is_export or self.kind not in ("set back", "ahead before"):
            return {}
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

    def _of_history(self) -> AskedLog:
        """The log grows, and every now and then it is taken into the history."""
        random, style = self._random, self._style
        gateways = sorted({stay.gateway for stay in self._story.stays})
        left: list[Row] = []
        ends = []
        for gateway in gateways:
            lines = lines_of(self._story, style, gateway, random, self._telling)
            if self.kind == "history, damaged":
                lines = random.choice((garbled, dropped))(lines, random)
            own = [line.row for line in lines if line.row]
            left += own
            ends.append(_last(own, style))
            options = {**self._options, "history": self._history, "gateway": gateway}
            if self.kind == "history, in any order":
                self._take_in_any_order(lines, options)
            else:
                self._grow(lines, options)
        if self.kind == "history with snapshots":
            moments = range(self._story.begin, self._story.end, random.choice((600, 2 * HOUR)))
            self._take_snapshots([(at, status_file(self._story, "gw1", at)) for at in moments], _STATUS)
        is_lossy = self.kind == "history, damaged"
        return AskedLog(self._story, style, left, self._answers(), is_lossy, min(ends), frozenset(gateways))

    def _answers(self) -> Mapping[str, Any]:
        return self._modules.ask({"history": self._history, "match": self._match()}) if os.path.exists(self._history) else {}

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
            if self.kind == "history, killed":
                for _time in range(random.randint(0, 2)):
                    self._modules.take_killed({**options, "paths": paths}, random.randint(0, 6))
            self._modules.take({**options, "paths": paths})
            if random.random() < 0.3:
                self._modules.take({**options, "paths": paths})
            if self.kind in ("history, log rotated", "history, killed") and random.random() < 0.5:
                path.replace(older)
                begin = end
        if self.kind == "history, killed" and random.random() < 0.3:
            path.write_bytes(as_bytes(lines[begin:], self._style.head, random))
            self._modules.take_killed({**options, "path": str(path)}, random.randint(0, 6))

    def _take_in_any_order(self, lines: Sequence[Line], options: Mapping[str, Any]) -> None:
        """Older logs are taken after newer ones; some lines are in two of them, and some logs are taken twice."""
        random = self._random
        ends = [*sorted(random.randint(1, len(lines)) for _time in range(random.randint(1, 4))), len(lines)] if lines else []
        parts = [lines[max(0, begin - random.choice((0, 3))) : end] for begin, end in pairwise([0, *ends]) if begin < end]
        for place in random.choices(range(len(parts)), k=2) + random.sample(range(len(parts)), len(parts)) if parts else ():
            path = self._folder / f"vpn-{place}.log"
            path.write_bytes(as_bytes(parts[place], self._style.head, random))
            _touch(str(path), parts[place], self._style)
            self._modules.take({**options, "path": str(path)})

    def _of_snapshots(self) -> AskedLog:
        random, story = self._random, self._story
        is_damaged, is_wireguard = self.kind == "snapshots, damaged", self.kind.startswith("wireguard")
        every = random.choice((300, 900, HOUR))
        moments = [at for at in range(story.begin, story.end, every) if not is_damaged or random.random() < 0.8]
        files = [(wireguard_dump if is_wireguard else status_file)(story, "gw1", at) for at in moments]
        if is_damaged:
            files = [_spoiled(text, random) for text in files]
        # A peer of WireGuard has its address until another one gets it.
        style = Style(self.kind.split()[0], "", lambda row, clock: None, has_ends=not is_wireguard)
        options: dict[str, Any] = _STATUS
        if is_wireguard:
            options = {"format": "wireguard", "peers": wireguard_peers(story)}
        if self.kind.endswith("in a history"):
            self._take_snapshots(list(zip(moments, files, strict=True)), options)
            return AskedLog(story, style, (), self._answers())
        parts = [files]
        if self.kind == "snapshots in several logs":
            parts = [files[place : place + 7] for place in range(0, len(files), 7)]
        paths = []
        for place, part in enumerate(parts):
            paths.append(self._folder / f"status-{place}.log")
            paths[-1].write_text("".join(part))
            os.utime(paths[-1], (story.end + 10,) * 2)
        where = {"paths": [str(path) for path in paths]}
        return AskedLog(story, style, (), self._modules.ask({**options, **where, "match": self._match()}))

    def _take_snapshots(self, snapshots: Sequence[tuple[int, str]], options: Mapping[str, Any]) -> None:
        """Every now and then, some snapshots are taken into the history."""
        path = self._folder / "status.log"
        for moment, text in snapshots[:: max(1, len(snapshots) // 12)]:
            path.write_text(text)
            os.utime(path, (moment + 1,) * 2)
            self._modules.take({**options, "path": str(path), "history": self._history, "gateway": "gw1"})


def _last(rows: Sequence[Row], style: Style) -> int:
    """The last time of these rows; 0 for an export, which is made after them."""
    return 0 if style.is_export else max((row.at for row in rows), default=0)


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
    lines = (text if random.random() > 0.05 else text[: random.randrange(len(text))]).split("\n")
    for place, line in enumerate(lines):
        if line and random.random() < 0.05:
            lines[place] = line[: random.randrange(len(line))]
    return "\n".join(line for line in lines if random.random() > 0.01)
