# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Finds messages in the lines that collectors write: wrapped in JSON, counted, or several on one line.

Two messages on one line are read as two, or the line is rejected. Parts of two messages are never joined.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .._texts import quoted
from .._times.timestamps import format_iso8601

if TYPE_CHECKING:
    from collections.abc import Iterator

_WRITTEN_OUT = re.compile(r"#0(?:00|12|15)|\0")
"""Control characters that collectors leave between two messages, raw or escaped."""
_NEWLINE = r"\n"
"""A line end written out. In a name, it is the end of a domain and the beginning of a user: `CORP\\nick`."""
_BEGINS = re.compile(r"\s*(?:\d{0,6} ?<\d{1,3}>|\d{4}-\d\d-|[A-Z][a-z]{2} [ \dA-Z]|%|date=|\d,|\{)")
"""The beginnings of messages."""
_PRIORITY = r"<\d{1,3}>(?=\d+ |[A-Za-z0-9*.:\[{%])"
_SEPARATOR = re.compile(rf"(?P<count>\d{{1,6}} )?{_PRIORITY}")
_COUNTED = re.compile(r"(\d{1,6}) (?=<\d{1,3}>)")
_JSON_BEHIND_HEAD = re.compile(r"(?:<\d{1,3}>|\d{4}-\d\d-|[A-Z][a-z]{2} [ \d]\d )[^{]{0,300}(?P<object>\{.*\})\s*\Z")
"""Collectors write a syslog header before an object, some with the mark `@cee:` between them."""
_JSON_KEYS = ("message", "log", "msg", "MESSAGE", "original", "event", "raw", "_raw", "full_message")
_JSON_TIMES = ("@timestamp", "time", "timestamp", "date")
_CLOCK = re.compile(r"\d\d:\d\d:\d\d", re.ASCII)
_EPOCH = re.compile(r"[1-3]\d{9}(?:\.\d+)?(?:\s|\Z)", re.ASCII)
_MICROSECONDS = re.compile(r"[1-3]\d{15}\Z", re.ASCII)
_DEEPEST = 3
TWO_MESSAGES = "the line contains more than one message, and it is unclear where one ends"
CUT_JSON = "the line begins as JSON and is cut off, or is not JSON"
_CEF = re.compile(r"CEF:\s?\d+\|(?:(?:[^|\\]|\\.)*\|){6}")
_CEF_NAME = re.compile(r"(?:\A|(?<=\s))([A-Za-z_][\w.\[\]-]*)\s?=", re.ASCII)
_LEEF = re.compile(r"LEEF:\s?(?P<version>[12])\.0\|[^|]*\|[^|]*\|[^|]*\|[^|]*\|(?:(?P<separator>[^|=]{0,5})\|)?")
_CUT_HEAD = re.compile(r"(?:\A|(?<=[\s>]))(?:C|CE|CEF|CEF:|L|LE|LEE|LEEF|LEEF:|(?:CEF|LEEF):\s?[\d.]+(?:\|[^|]*)?)\Z")
_EQUALS = re.compile(r"(?<!\\)=")
_HEXADECIMAL = re.compile(r"(?:0?x|\\x)([0-9A-Fa-f]{2})\Z")


def messages_in(line: str, marker: re.Pattern[str]) -> list[str]:
    """Returns the messages of a line; `marker` matches a text that each message of the format contains once.

    Raises ValueError with a reason if the line has several and cannot be split with certainty.
    """
    if line.startswith("{"):
        return [message for text in unwrapped(line, marker) for message in messages_in(text, marker)]
    if marker.search(line) is None:
        return [line]
    whole = json_behind_head(line) if "{" in line else None
    if whole is not None and _wrapped_text(whole, marker, _DEEPEST) is not None:
        return messages_in(json.dumps(whole), marker)
    counted = _split_by_counts(line)
    if counted:
        return [message for text in counted for message in _split(text, marker)]
    return _split(line, marker)


def json_behind_head(line: str) -> dict[str, Any] | None:
    """Returns the JSON object of a line, with or without the header of a collector; None if the line is not an object. Raises ValueError if
    a field occurs twice, which shows that parts of two objects were joined.
    """
    match = _JSON_BEHIND_HEAD.match(line)
    if not match and not line.startswith("{"):
        return None
    try:
        parsed = json.loads(match["object"] if match else line, object_pairs_hook=_without_twins)
    except (json.JSONDecodeError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        for name, value in pairs:
            if fields[name] != value:
                raise ValueError(f"the field {quoted(name)} occurs twice with different values: these may be parts of two messages")
    return fields


def objects_in(parsed: dict[str, Any], depth: int = _DEEPEST) -> Iterator[dict[str, Any]]:
    """Yields an object, and the objects that are nested in it, as objects or as texts."""
    yield parsed
    for key in _JSON_KEYS if depth else ():
        value = parsed.get(key)
        inner = json_behind_head(value) if isinstance(value, str) else value
        if isinstance(inner, dict):
            yield from objects_in(inner, depth - 1)


def _split(line: str, marker: re.Pattern[str]) -> list[str]:
    if "#0" not in line and "\0" not in line and _NEWLINE not in line:
        return _split_glued(line, marker)
    pieces = [message for piece in _WRITTEN_OUT.split(line) for message in _split_at_newlines(piece, marker) if message.strip()]
    return [message for piece in pieces for message in _split_glued(piece, marker)]


def _split_at_newlines(piece: str, marker: re.Pattern[str]) -> list[str]:
    """Splits at escaped line ends, but only if another message or nothing follows."""
    parts: list[str] = []
    for text in piece.split(_NEWLINE):
        is_message = marker.search(text) is not None and bool(_BEGINS.match(text) or (parts and marker.search(parts[-1])))
        if parts and text.strip() and not is_message:
            parts[-1] += _NEWLINE + text
        else:
            parts.append(text)
    return parts


def _split_glued(piece: str, marker: re.Pattern[str]) -> list[str]:
    """Splits a text without control characters: a priority begins the next message."""
    places = [match.start() for match in marker.finditer(piece)]
    if len(places) < 2:
        return [piece]
    messages: list[str] = []
    begin = 0
    for before, place in zip(places, places[1:]):
        separators = [match for match in _SEPARATOR.finditer(piece, before, place + 1) if match.end() <= place]
        if not separators or separators[-1]["count"]:
            # Digits before a priority may be a count or the end of a value.
            raise ValueError(TWO_MESSAGES)
        messages.append(piece[begin : separators[-1].start()])
        begin = separators[-1].start()
    return [*messages, piece[begin:]]


def _split_by_counts(line: str) -> list[str]:
    """Splits a line of counted messages (RFC 6587) if every count is right; otherwise returns nothing."""
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


def unwrapped(line: str, marker: re.Pattern[str]) -> list[str]:
    """Returns the text that a collector wrapped in JSON; the line itself if there is none. Raises ValueError."""
    if not line.startswith("{"):
        return [line]
    wrapped = json_behind_head(line)
    if wrapped is None:
        if marker.search(line):
            raise ValueError(CUT_JSON)
        return [f" {line}"]
    text = _wrapped_text(wrapped, marker, _DEEPEST)
    if text is None:
        if marker.search(line):
            raise ValueError("the message is not in a field of this JSON that is read: message, log, msg, MESSAGE or event.original")
        return [f" {line}"]
    head = _head_of(wrapped)
    return [message if not head or _has_time(message, marker) else head + message for message in text.splitlines()]


def _has_time(text: str, marker: re.Pattern[str]) -> bool:
    match = marker.search(text)
    return match is None or _CLOCK.search(text, 0, match.start()) is not None or _EPOCH.match(text) is not None


def _head_of(wrapped: dict[str, Any]) -> str:
    """Returns a syslog header for a message without a time, from the time, host and program of the object around it."""
    stamp = str(wrapped.get("__REALTIME_TIMESTAMP") or "")
    value = next((wrapped[name] for name in _JSON_TIMES if isinstance(wrapped.get(name), (str, int, float))), "")
    time = f"{stamp[:10]}" if _MICROSECONDS.match(stamp) else str(value).strip()
    if _EPOCH.match(time):
        time = format_iso8601(int(time[:10]) * 1000)
    if not _CLOCK.search(time):
        return ""
    host, program = (str(wrapped.get(name) or "") for name in ("_HOSTNAME", "SYSLOG_IDENTIFIER"))
    return " ".join([time, *filter(None, [host, f"{program}[1]:" if program else ""])]) + " "


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


def event_fields(text: str) -> dict[str, str] | None:
    """Returns the fields of a message in CEF or LEEF, in their order; None for another format. Raises ValueError."""
    head = _CEF.search(text)
    if head:
        return _cef(text[head.end() :])
    head = _LEEF.search(text)
    if head:
        return _leef(text[head.end() :], head["separator"])
    return None


def is_cut_event(text: str) -> bool:
    """True if the text is a message in CEF or LEEF that ends within or before the vendor's name."""
    return _CUT_HEAD.search(text) is not None


def note_field(fields: dict[str, str], name: str, value: str) -> None:
    """Adds a field; raises ValueError if the field exists with another value."""
    if fields.get(name, value) != value:
        raise ValueError(f"the field {quoted(name)} occurs twice with different values: these may be parts of two messages")
    fields[name] = value


def _cef(extension: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    names = list(_CEF_NAME.finditer(extension))
    for place, match in enumerate(names):
        end = names[place + 1].start() if place + 1 < len(names) else len(extension)
        value = extension[match.end() : end].strip()
        if "user" in match[1].lower() and _EQUALS.search(value):
            raise ValueError(f"{match[1]} is {quoted(value)}: it seems to contain the next field, so the message is damaged")
        value = value.replace("\\=", "=").replace("\\\\", "\\").strip('"')
        note_field(fields, _of_its_own(fields, match[1]), value)
    return fields


def _of_its_own(fields: dict[str, str], name: str) -> str:
    """PAN-OS uses one name for two numbers: that of the firewall and that of the client."""
    return f"{name}2" if name == "PanOSDeviceSN" and name in fields else name


def _leef(attributes: str, separator: str | None) -> dict[str, str]:
    match = _HEXADECIMAL.match(separator or "")
    character = chr(int(match[1], 16)) if match else separator or "\t"
    fields: dict[str, str] = {}
    for attribute in attributes.split(character):
        name, equals, value = attribute.strip().partition("=")
        if equals:
            note_field(fields, name.strip(), value.strip())
    return fields
