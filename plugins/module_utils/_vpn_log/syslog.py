# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Lines of programs in a system's log: the text before a message, and the program that wrote it.

Heads by RFC 3164 and RFC 5424, with a priority or an octet count before them, Kiwi's tabs, relays' own heads, and JSON of the journal.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_COUNT = re.compile(r"\d{1,6} (?=<\d{1,3}>)")
_PRIORITY = re.compile(r"<\d{1,3}>")
STRUCTURED_DATA = r"(?:-|(?:\[(?:[^\]\\\"]|\\.|\"(?:[^\"\\]|\\.)*\")*\])+)"
"""The part of a head by RFC 5424 that comes last."""
_RFC5424 = re.compile(rf"1 (?P<time>\S+) \S+ (?P<program>\S+) \S+ \S+ {STRUCTURED_DATA}(?: \ufeff?(?P<text>.*))?\Z")
_TIME = (
    r"(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|(?:(?:19|20)\d\d )?[A-Z][a-z]{2} {1,2}\d{1,2} (?:(?:19|20)\d\d )?\d\d:\d\d:\d\d(?:[.,]\d+)?)"
)
_HEAD = re.compile(
    rf"(?P<time>{_TIME})(?P<beside>(?: [^\s:]+){{0,3}}?) (?P<program>[A-Za-z_][\w.@/-]*)(?:\[\d+\])?: ?(?P<text>.*)\Z", re.ASCII
)
_KIWI = re.compile(rf"(?P<time>{_TIME})\t\w+\.\w+\t[^\t]*\t(?P<text>.*)\Z", re.ASCII)
_JSON_TEXTS = ("MESSAGE", "message", "log", "msg")
_JSON_TIMES = ("@timestamp", "time", "timestamp", "date")
_DEEPEST = 3
_CUT_HEAD = re.compile(
    r"(?:<\d{0,3}>?)?(?:1 )?(?:[A-Z]?[a-z]{0,2}\Z|(?:\d{1,4}|\d{4}-[\d-]{0,5}|\d{4}-\d\d-\d\dT[\d:.,]*(?:Z|[+-][\d:]*)?"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?: {1,2}\d{0,2}(?: (?:(?:19|20)\d\d )?[\d:.]*)?)?)(?: [^\s:]+){0,2} ?\Z)",
    re.ASCII,
)

_WHOLE_HEAD = re.compile(rf"(?:\d{{1,6}} )?<\d{{1,3}}>\d \S+ (?P<host>\S+) \S+ \S+ \S+ {STRUCTURED_DATA} ?(?P<rest>.*)\Z", re.ASCII)
_PRIORITY_OF_HEAD = re.compile(r"<\d{1,3}>(?:\d (?=\S))?", re.ASCII)
_NAME = re.compile(r"(?=.*[A-Za-z]|\d+\.\d+\.\d+\.\d+\Z)[A-Za-z0-9_][\w.:/-]*\Z", re.ASCII)
_NO_NAME = re.compile(
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|[ap]m|z|utc.*|gmt.*|(?-i:[A-Z]{1,4}T)"
    r"|\d{4}-\d\d-\d\d.*|.*\d\d:\d\d:\d\d.*|\w+\.(?:emerg|alert|crit|critical|err|error|warn|warning|notice|info|debug))\Z",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_HEAD = 300


class SyslogLine(NamedTuple):
    """A message of a program. `head` holds its time and what is beside it; it is empty if the line has no head."""

    head: str
    program: str
    text: str
    microseconds: int | None = None
    """The time of the journal, in epoch microseconds."""


def syslog_line(line: str) -> SyslogLine:
    """The parts of a line; a line without a head is all text."""
    if line.startswith("{"):
        wrapped = _unwrapped(line)
        if wrapped is not None:
            return wrapped
    text = _COUNT.sub("", line, count=1) if _COUNT.match(line) else line
    priority = _PRIORITY.match(text)
    if priority:
        text = text[priority.end() :]
        match = _RFC5424.match(text)
        if match:
            return _inner(SyslogLine(match["time"], match["program"], match["text"] or ""))
    kiwi = _KIWI.match(text)
    if kiwi:
        inner = syslog_line(kiwi["text"])
        return inner if inner.head else inner._replace(head=kiwi["time"])
    match = _HEAD.match(text)
    if match:
        return _inner(SyslogLine(match["time"] + match["beside"], match["program"], match["text"]))
    return SyslogLine("", "", text)


def ends_before_message(line: str) -> bool:
    """The line ends before the message of a program begins, so nobody can say whose it was."""
    return _CUT_HEAD.match(line) is not None


def _inner(line: SyslogLine) -> SyslogLine:
    """The program's own head, if a relay put another one before it."""
    if line.text.startswith("<") and _PRIORITY.match(line.text):
        inner = syslog_line(line.text)
        if inner.head:
            return inner
    return line


def _unwrapped(line: str) -> SyslogLine | None:
    """The message that a collector wrapped in JSON; None if this is no such object."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    text = next((fields[name] for name in _JSON_TEXTS if isinstance(fields.get(name), str)), None)
    if text is None:
        return None
    inner = syslog_line(text.rstrip("\r\n")) if not text.startswith("{") else SyslogLine("", "", text)
    if inner.head:
        return inner
    program = str(fields.get("SYSLOG_IDENTIFIER") or fields.get("program") or fields.get("ident") or "")
    stamp = str(fields.get("__REALTIME_TIMESTAMP") or fields.get("_SOURCE_REALTIME_TIMESTAMP") or "")
    microseconds = int(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) < 20 else None
    head = next((str(fields[name]) for name in _JSON_TIMES if fields.get(name) not in (None, "")), "")
    return inner._replace(head=head, program=inner.program or program, microseconds=microseconds)


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
