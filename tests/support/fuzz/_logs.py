# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of every format: each row is accounted for, no invalid value is returned, and the size of blocks does not matter."""

from __future__ import annotations

import gzip
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from ansible_collections.secops.xdr.plugins.module_utils._addresses import parse_address
from ansible_collections.secops.xdr.plugins.module_utils._errors import EmptyLogError, InputError
from ansible_collections.secops.xdr.plugins.module_utils._times.timestamps import EARLIEST_MS, LATEST_MS
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log import source as _source
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.source import LogStart

from support.fuzz._addresses import check_address
from support.fuzz._draw import Draw
from support.fuzz._times import FORMATS as TIMESTAMP_FORMATS
from support.gateway_logs import MAKERS
from support.log_reading import COLUMNS, LogRead, began, opened, read_log

if TYPE_CHECKING:
    from collections.abc import Mapping

ENCODINGS = (
    *("latin-1", "cp1252", "ascii", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7", "cp037", "shift_jis", "iso2022_jp", "hz"),
    *("gb18030", "big5", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "hex", "rot13", "mbcs", "no such", ""),
)
_PLAIN_LINES = (
    *("Real IP,VPN IP,Start Time,User", "203.0.113.5,10.8.0.2,01/05/24 10:00:00,alice"),
    '"203.0.113.5","10.8.0.3","01/05/24 10:00:01","b, c"',
    *('203.0.113.5,2001:db8::1,02/30/24 10:00:00,"two', 'lines"', "0.0.0.0,::,01/05/24 10:00:00,", "short", "", ",,,"),
)
_COLUMN_NAMES = (
    *("VPN IP", "Real IP", "Start Time", "User", " start time ", "{User}", "{Start Time}", "{VPN IP} {Start Time}"),
    *("{", "{0}", "{Start Time!r}"),
)
_LONGEST_TIME_MS = 10**9 * 1000
LONG_AGO = -10.0
"""For `FINISHED_AFTER_SECONDS`: nobody writes to a log of a trial any more."""


@cache
def _lines(log_format: str) -> tuple[list[list[str]], list[str]]:
    """The first lines of each log of a format, and the lines of all of them."""
    logs = [list(_PLAIN_LINES)] if log_format == "csv" else [make().text.split("\n") for own, make in MAKERS.values() if own == log_format]
    return [lines[:3] for lines in logs], [line for lines in logs for line in lines]


_FORMATS = ("csv", *sorted({log_format for log_format, _make in MAKERS.values()}))


def logs(data: bytes) -> None:
    """One log, read as the modules do, in blocks of two sizes and in parts."""
    draw = Draw(data)
    log_format = draw.pick(_FORMATS)
    options = _options(draw)
    content = _content(draw, log_format, options["encoding"])
    path = scratch_file()
    path.write_bytes(content)
    wants_usernames = draw.flag()
    size = 16 + draw.number(600)
    whole = _read(path, log_format, _source.BLOCK_BYTES, wants_usernames=wants_usernames, **options)
    in_small_blocks = _read(path, log_format, size, wants_usernames=wants_usernames, **options)
    assert _gist(whole) == _gist(in_small_blocks), "it matters how the file is cut into blocks"
    if not isinstance(whole, LogRead):
        return
    is_plain = options["encoding"] == "utf-8" and content[:2] != b"\x1f\x8b"
    check_read(whole, (content.count(b"\n") or content.count(b"\r")) + 1 if is_plain else None)
    if not wants_usernames:
        in_parts = _read_in_parts(path, log_format, size, 1 + draw.number(4), **options)
        assert in_parts is None or _gist(whole) == _gist(in_parts), "reading that continues where it ended reads something else"


def check_read(read: LogRead, last_line: int | None) -> None:
    """Fails where a row is not accounted for or a value is not what it should be; `last_line` is the number of the last line if known."""
    for row in read.observations:
        for text in (row.ipaddr, row.associated_ipaddr):
            address = parse_address(str(text))
            assert address
            assert address.text == text
            check_address(address)
        assert EARLIEST_MS <= began(row) < LATEST_MS
        assert row.end is None or began(row) <= row.end < LATEST_MS + _LONGEST_TIME_MS
    assert all(row.reason for row in read.rejected)
    assert read.rows == len(read.observations) + read.skipped_rows + len(read.rejected)
    lines = [row.line for row in (*read.observations, *read.rejected)] + list(read.skipped)
    assert all(line >= 1 and (last_line is None or line <= last_line) for line in lines)


@cache
def _scratch_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fuzz-")


def scratch_file() -> Path:
    """The file that this process writes its logs to; it is gone with the process."""
    return Path(_scratch_folder().name) / "any.log"


def _options(draw: Draw) -> dict[str, Any]:
    options: dict[str, Any] = {"encoding": "utf-8" if not draw.flag(8) else draw.pick(ENCODINGS)}
    if draw.flag(8):
        options["delimiter"] = draw.pick((";", "\t", "|", " ", '"', "\n", "\0", "ab", "", "é", "\ud800"))
    if draw.flag(8):
        options["timestamp_format"] = draw.pick(TIMESTAMP_FORMATS)
    if draw.flag(8):
        options["columns"] = _columns(draw)
    return options


def _columns(draw: Draw) -> Mapping[str, Any]:
    """Names of columns, lists of them and patterns, of the header and of none."""
    columns: dict[str, Any] = {key: draw.pick(_COLUMN_NAMES) for key in COLUMNS if draw.flag()}
    if draw.flag():
        columns["timestamp"] = draw.pick((["User", "Start Time"], [], [""], None, 5, draw.text()))
    return {**COLUMNS, **columns}


def _content(draw: Draw, log_format: str, encoding: str) -> bytes:
    heads, lines = _lines(log_format)
    kept = draw.pick(heads)[: draw.pick((3, 1, 0, 2))]
    kept = [*kept, *(draw.mutated(draw.pick(lines)) if draw.flag() else draw.pick(lines) for _line in range(draw.number(12)))]
    text = draw.pick(("\n", "\n", "\n", "\r\n", "\r")).join(kept) + draw.pick(("\n", "", "\n\n", "\r"))
    try:
        content = text.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "strict")
    except (LookupError, ValueError):
        content = text.encode("utf-8", "surrogatepass")
    for _time in range(draw.number(2)):
        place = draw.number(max(0, len(content) - 1))
        content = content[:place] + draw.raw(8) + content[place + draw.number(4) :]
    if draw.flag(16):
        content = gzip.compress(content, 1)
        content = content[: len(content) - draw.number(3)] + draw.raw(2)
    return content


def _read(path: Path, log_format: str, block_bytes: int, **options: Any) -> LogRead | type[InputError]:
    with mock.patch.multiple(_source, BLOCK_BYTES=block_bytes, FINISHED_AFTER_SECONDS=LONG_AGO):
        try:
            return read_log(path, log_format, **options)
        except InputError as error:
            return type(error)


def _read_in_parts(path: Path, log_format: str, block_bytes: int, blocks_a_part: int, **options: Any) -> LogRead | None:
    """As runs after failures read a log: a few blocks at a time, each time with a new reader."""
    read = LogRead()
    start: LogStart | None = None
    with mock.patch.multiple(_source, BLOCK_BYTES=block_bytes, FINISHED_AFTER_SECONDS=LONG_AGO):
        while True:
            with opened(path, log_format, wants_usernames=False, **options) as (log, reader):
                if not log.can_be_entered or reader.repeated_lines is None:
                    return None
                log.start_at(start)
                try:
                    for count, block in enumerate(reader.records(), start=1):
                        read.add([block])
                        if count >= blocks_a_part and log.position() and log.offset > (start.offset if start else 0):
                            start = LogStart(log.offset, log.line, reader.repeated_lines)
                            break
                    else:
                        return read
                except EmptyLogError:
                    assert start, "a log that is not empty has nothing to read"
                    return read


def _gist(read: LogRead | type[InputError] | None) -> object:
    """The results that must not depend on how a log is cut."""
    if not isinstance(read, LogRead):
        return read
    return Counter(read.observations), read.skipped, Counter(read.rejected), read.rows
