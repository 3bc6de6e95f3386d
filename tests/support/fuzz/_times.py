# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of any text, format and zone: in range or refused, the same alone and in a column, and what other parsers say."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._times.moments import Moments
from ansible_collections.secops.xdr.plugins.module_utils._times.parsing import TimestampParser
from ansible_collections.secops.xdr.plugins.module_utils._times.timestamps import (
    EARLIEST_MS,
    EPOCH,
    EPOCH_MS,
    ISO8601,
    LATEST_MS,
    epoch_to_milliseconds,
    event_time,
    format_iso8601,
    iso8601_to_milliseconds,
)
from ansible_collections.secops.xdr.plugins.module_utils._times.zones import Zone
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.syslog import SyslogTimes

from support.fuzz._draw import Draw

if TYPE_CHECKING:
    from collections.abc import Callable

UTC = timezone(timedelta(0))
FORMATS = (
    *("%m/%d/%y %H:%M:%S", "%Y.%m.%d %H:%M:%S %Z", "%a %b %d %H:%M:%S %Y", "%d/%b/%Y:%I:%M:%S %p", "%Y-%m-%dT%H:%M:%S%z"),
    *("%H:%M:%S %d.%m.%Y", "%Y-%m-%d %H:%M:%S.%f", "%c", "%x %X", "%G-W%V-%u %H:%M:%S", "%Y %j %H:%M:%S", ISO8601, EPOCH, EPOCH_MS),
)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata")
_DIRECTIVES = "aAbBcCdDeGHIjmMnpSuUVwWxXyYzZ%f"
_SEPARATORS = (" ", "-", "/", ":", ".", "", "T", "%%", "\t", "(", "*", "\0")


def timestamps(data: bytes) -> None:
    """A column of times in one format and zone."""
    draw = Draw(data)
    try:
        zone = Zone.named(draw.pick(ZONES) if not draw.flag(8) else draw.text(20))
        timestamp_format = draw.pick(FORMATS) if not draw.flag(4) else _any_format(draw)
        parser, other = (TimestampParser(timestamp_format, zone) for _time in range(2))
    except InputError:
        return
    texts = [_text(draw, timestamp_format) for _row in range(1 + draw.number(4))]
    alone = [_refused_or_in_range(parser.milliseconds, text) for text in texts]
    at_once = other.column(texts)
    assert [place for place, moment in enumerate(at_once) if moment not in (None, alone[place])] == []
    for text in texts:
        _others(draw, text, zone, timestamp_format)


def _others(draw: Draw, text: str, zone: Zone, timestamp_format: str) -> None:
    """The same text where events, tasks and syslog have times."""
    moment = _refused_or_in_range(lambda one: iso8601_to_milliseconds(one, zone), text)
    if moment is not None and zone.name == "UTC":
        try:
            known = datetime.fromisoformat(text.strip())
        except ValueError:
            known = None
        if known:
            known = known.replace(tzinfo=known.tzinfo or UTC)
            assert moment == (known - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    _refused_or_in_range(SyslogTimes(zone, 1717143300000).milliseconds, text)
    moments = Moments(timestamp_format, zone, epoch_to_milliseconds)
    for value in (text, draw.json(1)):
        try:
            _check_range(moments.milliseconds(value))
        except (TypeError, ValueError):
            continue
    try:
        _check_range(event_time("since", text))
    except InputError:
        return


def _refused_or_in_range(parse: Callable[[str], int], text: str) -> int | None:
    try:
        moment = parse(text)
    except ValueError:
        return None
    _check_range(moment)
    return moment


def _check_range(moment: int) -> None:
    assert isinstance(moment, int)
    assert EARLIEST_MS <= moment < LATEST_MS
    assert len(format_iso8601(moment)) == len("2024-05-31T08:15:00Z")


def _text(draw: Draw, timestamp_format: str) -> str:
    if draw.flag(4):
        return draw.text(40)
    moment = datetime(1900, 1, 1) + timedelta(seconds=draw.number(8_000_000_000), microseconds=draw.number(999_999))
    if timestamp_format == EPOCH:
        written = str(moment.replace(tzinfo=UTC).timestamp())
    elif timestamp_format == EPOCH_MS:
        written = str(int(moment.replace(tzinfo=UTC).timestamp() * 1000))
    elif timestamp_format == ISO8601:
        precision = draw.pick(("seconds", "milliseconds", "minutes"))
        written = moment.isoformat(timespec=precision) + draw.pick(("", "Z", "+05:30", "EST", "-12"))
    else:
        zone_name = draw.pick(("EST", "EDT", "UTC", "CEST", "NST", "IST", "XYZ", ""))
        plain = timestamp_format.replace("%Z", zone_name).replace("%z", "+0130").replace("\0", "")
        written = moment.strftime(plain.encode("ascii", "replace").decode())
    return draw.mutated(written) if draw.flag() else written


def _any_format(draw: Draw) -> str:
    parts = (f"%{draw.pick(_DIRECTIVES)}" if draw.flag() else draw.pick(_SEPARATORS) for _part in range(draw.number(8)))
    return "".join(parts) + (draw.text(6) if draw.flag(8) else "")
