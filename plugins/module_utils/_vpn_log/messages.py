# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Messages in the lines of a log, as collectors leave them: wrapped in JSON, counted, or several on one line.

Two messages on one line are two messages, or the line is rejected. A message is never made of parts of two.
"""

from __future__ import annotations

import json
import re
from typing import Any

_WRITTEN_OUT = re.compile(r"#0(?:00|12|15)|\0|\\n")
"""Control characters that collectors leave between two messages, as they are or written out."""
_PRIORITY = r"<\d{1,3}>(?=\d+ |[A-Za-z0-9*.:\[{%])"
_SEPARATOR = re.compile(rf"(?P<count>\d{{1,6}} )?{_PRIORITY}")
_COUNTED = re.compile(r"(\d{1,6}) (?=<\d{1,3}>)")
_JSON_KEYS = ("message", "log", "msg", "MESSAGE", "original", "event", "raw", "_raw", "full_message")
_DEEPEST = 3
TWO_MESSAGES = "the line contains more than one message, and it is unclear where one ends"
CUT_JSON = "the line begins as JSON and is cut off, or is not JSON"


def messages_in(line: str, marker: re.Pattern[str]) -> list[str]:
    """The messages of a line; `marker` finds what every message of the format has once.

    Raises ValueError with a reason if the line has several and cannot be split with certainty.
    """
    if line.startswith("{"):
        return [message for text in _unwrapped(line, marker) for message in messages_in(text, marker)]
    if marker.search(line) is None:
        return [line]
    counted = _split_by_counts(line)
    if counted:
        return [message for text in counted for message in _split(text, marker)]
    return _split(line, marker)


def _split(line: str, marker: re.Pattern[str]) -> list[str]:
    pieces = [piece for piece in _WRITTEN_OUT.split(line) if piece.strip()]
    return [message for piece in pieces for message in _split_glued(piece, marker)]


def _split_glued(piece: str, marker: re.Pattern[str]) -> list[str]:
    """The messages of a piece without control characters: a priority begins the next one."""
    places = [match.start() for match in marker.finditer(piece)]
    if len(places) < 2:
        return [piece]
    messages: list[str] = []
    begin = 0
    for before, place in zip(places, places[1:]):
        separators = list(_SEPARATOR.finditer(piece, before, place))
        if not separators or separators[-1]["count"]:
            # Digits before a priority may be a count or the end of a value.
            raise ValueError(TWO_MESSAGES)
        messages.append(piece[begin : separators[-1].start()])
        begin = separators[-1].start()
    return [*messages, piece[begin:]]


def _split_by_counts(line: str) -> list[str]:
    """The messages of a line of counted ones (RFC 6587), if every count is right; else nothing."""
    data = line.encode("utf-8", "surrogateescape")
    messages: list[str] = []
    place = 0
    while place < len(data):
        match = _COUNTED.match(data[place : place + 12].decode("latin-1"))
        if not match:
            return []
        begin = place + match.end()
        place = begin + int(match[1])
        if place > len(data):
            return []
        messages.append(data[begin:place].decode("utf-8", "surrogateescape"))
    return messages


def _unwrapped(line: str, marker: re.Pattern[str]) -> list[str]:
    """The text that a collector wrapped in JSON; the line itself if its JSON wraps none."""
    try:
        wrapped = json.loads(line)
    except (ValueError, RecursionError):
        if marker.search(line):
            raise ValueError(CUT_JSON) from None
        return [f" {line}"]
    text = _wrapped_text(wrapped, marker, _DEEPEST)
    if text is None:
        if marker.search(line):
            raise ValueError("the message is not in a field of this JSON that is read: message, log, msg, MESSAGE or event.original")
        return [f" {line}"]
    return text.splitlines()


def _wrapped_text(value: Any, marker: re.Pattern[str], depth: int) -> str | None:
    if isinstance(value, str):
        return value if marker.search(value) else None
    if not isinstance(value, dict) or depth == 0:
        return None
    for key in _JSON_KEYS:
        text = _wrapped_text(value.get(key), marker, depth - 1)
        if text is not None:
            return text
    return None
