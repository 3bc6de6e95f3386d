# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damage to logs: lines are lost, cut, garbled, joined, reordered or copied, logs are rotated and compressed, and clocks are wrong."""

from __future__ import annotations

import bz2
import gzip
import lzma
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from support.story_texts import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from random import Random

_RUBBISH = b"\xff\xfe\x00\x07\xc3\x28\xff\xff\xff\xff\xff\xff"


@dataclass(frozen=True)
class Damaged:
    """The files of a log, oldest first, and what of the rows is left in them."""

    files: Sequence[tuple[str, bytes]]
    left: Sequence[Line]
    options: dict[str, object] = field(default_factory=dict)


def _share(random: Random) -> float:
    return random.choice((0.01, 0.05, 0.2))


def dropped(lines: list[Line], random: Random) -> list[Line]:
    share = _share(random)
    return [line for line in lines if random.random() > share]


def cut(lines: list[Line], random: Random) -> list[Line]:
    share = _share(random)
    return [replace(line, text=line.text[: random.randrange(1, len(line.text))]) if random.random() < share else line for line in lines]


def garbled(lines: list[Line], random: Random) -> list[Line]:
    """Bytes that are not text, in the middle of lines."""
    share = _share(random)
    return [_garbled(line, random) if random.random() < share else line for line in lines]


def _garbled(line: Line, random: Random) -> Line:
    place = random.randrange(len(line.text) + 1)
    rubbish = _RUBBISH[: random.randint(4, len(_RUBBISH))].decode("latin-1").replace("\n", "")
    return replace(line, text=line.text[:place] + "\ue000" + rubbish + "\ue000" + line.text[place + random.randint(0, 30) :])


def glued(lines: list[Line], random: Random) -> list[Line]:
    """Two lines become one: joined by what collectors leave, or directly, the first one whole or cut."""
    share = _share(random)
    found: list[Line] = []
    is_open = False
    for line in lines:
        if is_open:
            first = found.pop()
            # Cut within its first column, a row of a table makes a name with the next one that looks like a real one.
            text = first.text[: random.randrange(len(first.text) // 2, len(first.text))] if random.random() < 0.3 else first.text
            found.append(Line(text + random.choice(("#000", "#012", "", " ")) + line.text))
            is_open = False
        else:
            found.append(line)
            is_open = random.random() < share
    return found


def mixed_up(lines: list[Line], random: Random) -> list[Line]:
    """Single lines far from their place."""
    found = list(lines)
    for _time in range(random.randint(1, 6)):
        found.insert(random.randrange(len(found)), found.pop(random.randrange(len(found))))
    return found


def repeated(lines: list[Line], random: Random) -> list[Line]:
    return [line for line in lines for _time in range(random.choice((1, 1, 1, 2)))]


def copied(lines: list[Line], random: Random) -> list[Line]:
    """A part of the log twice."""
    begin = random.randrange(len(lines))
    end = random.randrange(begin, len(lines))
    return [*lines[:end], *lines[begin:end], *lines[end:]]


def newest_first(lines: list[Line], random: Random) -> list[Line]:
    return lines[::-1]


def shuffled(lines: list[Line], random: Random) -> list[Line]:
    found = list(lines)
    random.shuffle(found)
    return found


def jittered(lines: list[Line], random: Random) -> list[Line]:
    """Lines that overtake others on their way, by a few seconds."""
    places = [(line.row.at if line.row else 0) + random.uniform(0, 10) for line in lines]
    return [lines[place] for place in sorted(range(len(lines)), key=places.__getitem__)]


def part_lost(lines: list[Line], random: Random) -> list[Line]:
    """The log without a piece in the middle."""
    begin = random.randrange(len(lines))
    return [*lines[:begin], *lines[begin + random.randint(1, max(1, len(lines) // 4)) :]] or lines[:1]


LINES: dict[str, Callable[[list[Line], Random], list[Line]]] = {
    "dropped": dropped,
    "cut": cut,
    "garbled": garbled,
    "glued": glued,
    "mixed up": mixed_up,
    "repeated": repeated,
    "copied": copied,
    "newest first": newest_first,
    "shuffled": shuffled,
    "jittered": jittered,
    "part lost": part_lost,
}
"""Damage to lines. None of it changes what a line that is whole says."""

LOSSY = ("dropped", "part lost")
"""Damage that leaves no trace."""

_PACKED = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}


def as_bytes(lines: Sequence[Line], head: str, random: Random, *, is_cut: bool = False) -> bytes:
    """The content of a file."""
    text = "".join(f"{one}\n" for one in [*([head] if head else []), *(line.text for line in lines)])
    if is_cut and lines:
        text = text[: -random.randint(1, min(60, len(lines[-1].text)))]
    parts = text.split("\ue000")
    # The text between two marks is garbage, one byte for each character.
    return b"".join(part.encode("latin-1") if place % 2 else part.encode() for place, part in enumerate(parts))


def rotated(lines: Sequence[Line], head: str, random: Random, name: str) -> list[tuple[str, bytes]]:
    """Several files, oldest first, some of them compressed."""
    places = sorted(random.sample(range(1, len(lines)), min(len(lines) - 1, random.randint(1, 3)))) if len(lines) > 1 else []
    parts = [lines[begin:end] for begin, end in zip([0, *places], [*places, len(lines)], strict=True)]
    files = []
    for number, part in zip(reversed(range(len(parts))), parts, strict=True):
        content = as_bytes(part, head, random)
        packing = random.choice(("", "", *_PACKED)) if number else ""
        own_name = f"{name}.{number}{packing}" if number else name
        files.append((own_name, _PACKED[packing](content) if packing else content))
    return files


def overlapping(lines: Sequence[Line], head: str, random: Random) -> list[tuple[str, bytes]]:
    """Several files, such as a collector makes one a day; the last lines of each are in the next one, too."""
    number = min(len(lines), random.randint(1, 4))
    places = [place * len(lines) // number for place in range(number + 1)]
    parts = [lines[max(0, begin - 3) : end] for begin, end in pairwise(places)]
    return [(f"vpn-{place}.log", as_bytes(part, head, random)) for place, part in enumerate(parts)]


def written(folder: Path, files: Sequence[tuple[str, bytes]]) -> list[str]:
    """Writes files and returns their paths."""
    paths = []
    for name, content in files:
        path = folder / name
        path.write_bytes(content)
        paths.append(str(path))
    return paths
