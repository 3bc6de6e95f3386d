# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads the host and the program of a syslog line, by RFC 3164 or RFC 5424, as it is or as Kiwi writes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STRUCTURED_DATA = r"(?:-|(?:\[(?:[^\]\\\"]|\\.|\"(?:[^\"\\]|\\.)*\")*\])+)"
"""The part of a head by RFC 5424 that comes last."""
_RFC5424 = re.compile(r"(?:\d{1,6} )?<\d{1,3}>1 \S+ \S+ (?P<program>[^\s-]\S*) ")
_TIME = (
    r"(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|(?:(?:19|20)\d\d )?[A-Z][a-z]{2} {1,2}\d{1,2} (?:(?:19|20)\d\d )?\d\d:\d\d:\d\d(?:[.,]\d+)?)"
)
_HEAD = re.compile(
    rf"(?:\d{{1,6}} )?(?:<\d{{1,3}}>)?{_TIME}(?:\t\w+\.\w+\t[^\t]*\t)?(?: [^\s:]+){{0,3}}? ?(?P<program>[A-Za-z_][\w.@/-]*)(?:\[\d+\])?: ",
    re.ASCII,
)
_LONGEST_PROGRAM = 60
_MOST_PROGRAMS = 1000
_SHOWN_PROGRAMS = 20
NO_PROGRAM = "(none)"
_WHOLE_HEAD = re.compile(rf"(?:\d{{1,6}} )?<\d{{1,3}}>\d \S+ (?P<host>\S+) \S+ \S+ \S+ {STRUCTURED_DATA} ?(?P<rest>.*)\Z", re.ASCII)
_PRIORITY_OF_HEAD = re.compile(r"<\d{1,3}>(?:\d (?=\S))?", re.ASCII)
_NAME = re.compile(r"(?=.*[A-Za-z]|\d+\.\d+\.\d+\.\d+\Z)[A-Za-z0-9_][\w.:/-]*\Z", re.ASCII)
_NO_NAME = re.compile(
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|[ap]m|z|utc.*|gmt.*|(?-i:[A-Z]{1,4}T)"
    r"|\d{4}-\d\d-\d\d.*|.*\d\d:\d\d:\d\d.*|\w+\.(?:emerg|alert|crit|critical|err|error|warn|warning|notice|info|debug))\Z",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_HEAD = 300


def count_program(counts: dict[str, int], line: str, program: str = "") -> None:
    """Counts a line of another program, under the name of the program if there is one."""
    match = None if program else (_RFC5424.match(line) or _HEAD.match(line))
    name = match["program"][:_LONGEST_PROGRAM] if match else program or NO_PROGRAM
    if name in counts or len(counts) < _MOST_PROGRAMS:
        counts[name] = counts.get(name, 0) + 1


def joined_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sums of several counts, those of the most frequent programs first."""
    sums: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            sums[name] = sums.get(name, 0) + count
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN_PROGRAMS])


def device_in(head: str) -> str:
    """The gateway that wrote a line, by the head of the line: the last word that is no part of a time, or the host of RFC 5424.

    In lower case; empty if there is none. A relay puts the lines of several gateways into one file, which may assign the same addresses.
    """
    relayed = _WHOLE_HEAD.match(head)
    if relayed:
        return device_in(relayed["rest"]) or device_in(relayed["host"])
    for word in reversed(_PRIORITY_OF_HEAD.sub("", head[-_LONGEST_HEAD:]).split()):
        name = word.rstrip(":,")
        if _NAME.match(name) and not _NO_NAME.match(name):
            return name.casefold()
    return ""
