# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""One JSON object per line, as Filebeat, Fluent Bit, Vector and the journal write it. `columns` names the fields, with dots between levels.

A field can be nested or have a dotted name, and contain a string, a number, null or a list with one item.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..._addresses import parse_endpoint
from ..._errors import InputError
from ..._texts import quoted
from ..._times.parsing import TimestampParser
from ..._times.timestamps import EPOCH, EPOCH_MS, ISO8601, duration_to_milliseconds, epoch_ms_to_milliseconds, epoch_to_milliseconds
from ..messages import json_behind_head, objects_in
from ..options import DEFAULT_TIMESTAMP_FORMAT
from ..reading import LineReader
from ..records import NO_ADDRESS, OTHER_MESSAGE, REJECTED, SKIPPED, START, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..reading import Reading

_USERNAMES = ("user.name", "username", "user", "user_name", "source.user.name")
_MS_DIGITS = 12
"""An epoch number with more digits before its point is in milliseconds, microseconds or nanoseconds."""


class JsonLinesParser:
    """Objects of one log."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self.unknown_messages: dict[str, int] = {}
        self.other_programs: dict[str, int] = {}
        self._columns = reading.columns
        self._is_a_part = len(reading.options.paths) > 1
        self._format = ISO8601 if reading.timestamp_format == DEFAULT_TIMESTAMP_FORMAT else reading.timestamp_format
        self._times = TimestampParser(self._format, reading.zone)

    def records(self, number: int, line: str) -> Iterator[Record]:
        """The record of an object; several if the VPN address is a list."""
        try:
            fields = json_behind_head(line)
            objects = list(objects_in(fields)) if fields is not None else []
        except ValueError as error:
            yield Record(number, REJECTED, str(error), text=line)
            return
        if fields is None:
            yield Record(number, REJECTED, "not exactly one JSON object on a line, with or without a head of syslog", text=line)
            return
        yield from self._object(
            number, next((found for found in objects if field_of(found, self._columns.ipaddr) is not None), fields), line
        )

    def rest(self) -> Sequence[Record]:
        """Returns nothing: each line is complete."""
        return []

    def _object(self, number: int, fields: dict[str, Any], line: str) -> Iterator[Record]:
        columns = self._columns
        username, (time, reason) = self._username(fields), self._time_and_reason(fields)
        values = field_of(fields, columns.ipaddr)
        if values is None:
            # A part of a rotated log may be from a time without sessions.
            self.has_recognised = self.has_recognised or (self._is_a_part and time is not None)
            yield Record(number, SKIPPED, NO_ADDRESS if self._names_outside(fields) else OTHER_MESSAGE, username, time=time)
            return
        self.has_recognised = True
        try:
            texts = [_text(value, columns.ipaddr) for value in (values if isinstance(values, list) else [values])]
            ipaddrs = [address.text for address in map(parse_endpoint, texts) if address]
        except ValueError as error:
            yield Record(number, REJECTED, str(error), username, time=time, text=line)
            return
        if not ipaddrs:
            yield Record(number, SKIPPED, NO_ADDRESS, username, time=time)
            return
        if time is None:
            yield from (Record(number, REJECTED, reason, username, ipaddr, text=line) for ipaddr in dict.fromkeys(ipaddrs))
            return
        outside, reason = None, None
        try:
            address = parse_endpoint(_single(fields, columns.associated_ipaddr))
            outside, reason = (address.text, None) if address else (None, NO_ADDRESS)
        except ValueError as error:
            reason = str(error)
        end = self._end(fields, time)
        for ipaddr in dict.fromkeys(ipaddrs):
            yield Record(number, START, reason, username, ipaddr, outside, time, end=end, text=line if reason else "")

    def _names_outside(self, fields: dict[str, Any]) -> bool:
        is_named = field_of(fields, self._columns.associated_ipaddr) is not None
        self.has_recognised = self.has_recognised or is_named
        return is_named

    def _time_and_reason(self, fields: dict[str, Any]) -> tuple[int | None, str | None]:
        """Returns the time, or the reason why there is none."""
        try:
            return self._time(fields), None
        except ValueError as error:
            return None, str(error)

    def _time(self, fields: dict[str, Any]) -> int:
        names = self._columns.timestamp
        text = " ".join(_single(fields, name) for name in ((names,) if isinstance(names, str) else names)).strip()
        if not text:
            raise ValueError(f"the object has no time in {names}")
        if self._format in (ISO8601, EPOCH, EPOCH_MS) and text.replace(".", "", 1).isdigit():
            return _of_epoch(text, is_ms=self._format == EPOCH_MS)
        return self._times.milliseconds(text)

    def _end(self, fields: dict[str, Any], start: int) -> int | None:
        columns = self._columns
        try:
            if isinstance(columns.end, str):
                text = _single(fields, columns.end)
                return self._times.milliseconds(text) if text else None
            if columns.duration:
                length = duration_to_milliseconds(_single(fields, columns.duration))
                return None if length is None else start + length
        except ValueError:
            pass
        return None

    def _username(self, fields: dict[str, Any]) -> str:
        names = _USERNAMES if self._columns.username is None else (self._columns.username,)
        for name in names:
            try:
                text = _single(fields, name)
            except ValueError:
                continue
            if text:
                # An unpaired surrogate cannot be stored.
                return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return ""


class JsonLinesReader(LineReader):
    """Reads logs with one JSON object per line."""

    def __init__(self, reading: Reading) -> None:
        names = reading.columns.timestamp
        for option, name in (("ipaddr", reading.columns.ipaddr), ("associated_ipaddr", reading.columns.associated_ipaddr)):
            if not name:
                raise InputError(f"columns.{option}: give the path of a field, such as client.ip.")
        shown = names if isinstance(names, str) else " ".join(names)
        fields = f"{reading.columns.ipaddr}, {reading.columns.associated_ipaddr} and {shown}"
        super().__init__(reading, JsonLinesParser, f"a JSON object with the fields {fields} (`columns`)")


def field_of(fields: Any, path: str) -> Any:
    """Returns the value at a dotted path; keys may themselves contain dots. None if there is none."""
    if not isinstance(fields, dict):
        return None
    if path in fields:
        return fields[path]
    first, dot, rest = path.partition(".")
    while dot:
        value = field_of(fields.get(first), rest)
        if value is not None:
            return value
        more, dot, rest = rest.partition(".")
        first = f"{first}.{more}"
    return None


def _single(fields: dict[str, Any], path: str) -> str:
    """Returns the text at a path, empty if there is none; raises ValueError for several values or an object."""
    value = field_of(fields, path)
    if isinstance(value, list):
        if len(value) > 1:
            raise ValueError(f"{path} has {len(value)} values; one is needed")
        value = value[0] if value else None
    return _text(value, path)


def _text(value: Any, path: str) -> str:
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(value)
    if isinstance(value, str):
        return value.strip()
    raise ValueError(f"{path} is {quoted(json.dumps(value))}, not a text")


def _of_epoch(text: str, *, is_ms: bool) -> int:
    """Reads seconds with or without a fraction; longer numbers are milliseconds, microseconds or nanoseconds."""
    whole = text.partition(".")[0]
    if is_ms or len(whole) <= _MS_DIGITS:
        return epoch_ms_to_milliseconds(text) if is_ms else epoch_to_milliseconds(text)
    return epoch_ms_to_milliseconds(whole[:13])
