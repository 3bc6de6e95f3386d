# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads a log file of any size as lines of text, with one block in memory.

Bytes that cannot be decoded and lines that are too long are rejected with their line number; reading continues.
A last line without its line end is left for the next run, because its writer may be in the middle of it, unless nothing was written to
the file for two minutes.
"""

from __future__ import annotations

import codecs
import hashlib
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from .._errors import InputError
from .content import LogContent, checked_encoding, clean, has_overlong_line, keeps_ascii, through_filled_line
from .records import REJECTED, SKIPPED, UNFINISHED_LINE, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType


BLOCK_BYTES = 256 * 1024
MAX_LINE_BYTES = 256 * 1024
"""No gateway writes longer lines; they are rejected and skipped without being kept in memory."""
FINISHED_AFTER_SECONDS = 120
"""A file that was not written to for this long ends with a finished line."""
_HOLE = b"\0" * 64
"""So many NUL bytes are in the place of lines that were lost, for example in a power failure."""
_HEAD_BYTES = 2 * MAX_LINE_BYTES
_HEAD_LINES = 200


class LineBlock(NamedTuple):
    """Lines without their line breaks, and their numbers."""

    numbers: Sequence[int]
    lines: list[str]


class LogPosition(NamedTuple):
    """A position after a complete line: bytes and lines before it, and the SHA-256 of these bytes."""

    offset: int
    line: int
    sha256: bytes


class LogStart(NamedTuple):
    """The place where reading continues: the byte after a line break, the number of the line before it, and how many of the first lines
    (that are not blank) are returned again before it, such as a header."""

    offset: int
    line: int
    repeated_lines: int


class LogFile:
    """An open log. It is opened once, so it stays the same file even if rotation gives its name to another file."""

    def __init__(self, path: str, encoding: str) -> None:
        """Raises InputError."""
        self.path = path
        self._encoding = checked_encoding(encoding)
        self._has_plain_lines = keeps_ascii(encoding)
        self._line_encoding = encoding if self._has_plain_lines else "utf-8"
        self.content = LogContent(path)
        self.size = self.content.size
        self.modified_ms = self.content.modified_ms
        """The time of the last write to the file before it was opened, in epoch milliseconds."""
        self.is_compressed = self.content.compression is not None
        self.is_finished = time.time() * 1000 - self.modified_ms >= FINISHED_AFTER_SECONDS * 1000
        """True if nothing was written to the file for so long that its last line counts as finished, even without a line end."""
        self.line = 0
        """The number of the last line of the last block; the first line is 1."""
        self.offset = 0
        """The number of bytes of content before the end of the last block."""
        self.lines_held_back = 0
        """Lines that a reader got but has not processed yet."""
        self._digest = hashlib.sha256()
        self._has_open_end = False
        self._start: LogStart | None = None
        self._others: list[Record] = []
        self._kept_head: bytes | None = None

    def __enter__(self) -> LogFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self.content.close()

    @property
    def can_be_entered(self) -> bool:
        """True if reading can begin in the middle."""
        return self._has_plain_lines

    @property
    def is_entered(self) -> bool:
        """True if reading begins in the middle."""
        return self._start is not None

    def first_line(self) -> str | None:
        """The first filled line; None if it does not come soon, or if it is not text."""
        return next((line for line in self.head_lines() if line.strip()), None)

    def head_lines(self) -> list[str]:
        """The first lines of the log, as far as they are text and not too long."""
        head = self._head() if self._has_plain_lines else b""
        lines = head.removeprefix(codecs.BOM_UTF8).split(self._line_end(head))
        if len(head) >= _HEAD_BYTES:
            del lines[-1]
        lines = lines[:_HEAD_LINES]
        decoded: list[str] = []
        with suppress(UnicodeDecodeError):
            decoded.extend(clean(line.decode(self._line_encoding)) for line in lines)
        return decoded

    def has_head(self, filled_lines: int, line: int) -> bool:
        """True if this number of filled lines can be read again when reading begins in the middle."""
        head = self.head_lines()[:line]
        return len(head) == line and bool(head[-1].strip()) and sum(bool(text.strip()) for text in head) == filled_lines

    def ends_at(self, offset: int) -> bool:
        """True if the log has no content after this offset."""
        return next(self.content.chunks(offset, 1), None) is None

    def start_at(self, start: LogStart | None) -> None:
        """Makes `blocks` begin at this position, after the first lines that the reader needs for the rest."""
        self._start = start

    def position(self) -> LogPosition | None:
        """The position after the last block; None if reading cannot continue from there."""
        if not self._has_plain_lines or self.lines_held_back or self._has_open_end:
            return None
        return LogPosition(self.offset, self.line, self._digest.digest())

    def blocks(self) -> Iterator[LineBlock]:
        """All lines, without their line ends, in blocks."""
        self.line = self.offset = self.lines_held_back = 0
        self._has_open_end = False
        self._digest = hashlib.sha256()
        if self._start:
            self._digest = self.content.hash_before(self._start.offset)
            self.offset = self._start.offset
            if self._start.repeated_lines:
                head = through_filled_line(self.head_lines(), self._start.repeated_lines)
                yield LineBlock(range(1, len(head) + 1), head)
            self.line = self._start.line
        for block in self._blocks_of_whole_lines():
            lines = None if has_overlong_line(block, MAX_LINE_BYTES) else self._decoded(block)
            if lines is None:
                yield self._decodable_lines(block)
                continue
            first = self.line + 1
            self.line += len(lines)
            yield LineBlock(range(first, self.line + 1), lines)

    def take_records(self) -> list[Record]:
        """Returns the lines since the last call that readers do not get: not text, too long, or unfinished."""
        taken, self._others = self._others, []
        return taken

    def reject(self, number: int, reason: str, text: str) -> None:
        """Notes a line that no reader can use."""
        self._others.append(Record(number, REJECTED, reason, text=text))

    def leave_unfinished(self, number: int, text: str) -> None:
        """Notes a line that its writer has not finished."""
        self._has_open_end = True
        self._others.append(Record(number, SKIPPED, UNFINISHED_LINE, text=text))

    def _head(self) -> bytes:
        if self._kept_head is not None:
            return self._kept_head
        head = b""
        for chunk in self.content.chunks(0, _HEAD_BYTES):
            head += chunk
            if len(head) >= _HEAD_BYTES:
                break
        self._kept_head = head[:_HEAD_BYTES]
        return self._kept_head

    def _line_end(self, head: bytes) -> bytes:
        """Returns the line end: a line feed, or a carriage return in a file without line feeds, as old Mac programs write."""
        return b"\r" if self._has_plain_lines and b"\n" not in head and b"\r" in head[:-1] else b"\n"

    def _decoded(self, block: bytes) -> list[str] | None:
        """The lines of a block; None if some of them cannot be read."""
        if _HOLE in block:
            return None
        try:
            text = block.decode(self._line_encoding)
        except UnicodeDecodeError:
            return None
        if "\r" not in text and "\0" not in text and "#0" not in text and "\x1a" not in text:
            return text.split("\n")
        return list(map(clean, text.split("\n")))

    def _decodable_lines(self, block: bytes) -> LineBlock:
        numbers: list[int] = []
        lines: list[str] = []
        for raw in block.split(b"\n"):
            if len(raw) > MAX_LINE_BYTES:
                self._reject_overlong()
                continue
            self.line += 1
            # Not in the first line: there, a program writes on at the old place in a log that was emptied.
            if _HOLE in raw and self.line > 1:
                reason = f"{raw.count(0)} NUL bytes: a part of the log was lost, as in a power failure or on a full disk"
                self.reject(self.line, reason, raw.replace(b"\0", b"").decode("ascii", "backslashreplace"))
                continue
            try:
                lines.append(clean(raw.decode(self._line_encoding)))
                numbers.append(self.line)
            except UnicodeDecodeError as error:
                byte, column = raw[error.start], error.start + 1
                reason = f"byte 0x{byte:02x} at column {column} is not {self._encoding}; set `encoding` to what the log is written in"
                self.reject(self.line, reason, raw.decode("ascii", "backslashreplace"))
        return LineBlock(numbers, lines)

    def _blocks_of_whole_lines(self) -> Iterator[bytes]:
        """Blocks of whole lines, separated by line feeds, without the last one."""
        line_end = self._line_end(self._head())
        rest = b""
        is_overlong = False
        for block in self._blocks():
            whole, found, end = block.rpartition(line_end)
            if not found:
                rest += block
                if is_overlong or len(rest) > MAX_LINE_BYTES:
                    self._pass(rest)
                    rest, is_overlong = b"", True
                continue
            whole = rest + whole
            rest = end
            if is_overlong:
                is_overlong = False
                self._reject_overlong()
                last, found, whole = whole.partition(line_end)
                self._pass(last + line_end)
                if not found:
                    continue
            self._pass(whole)
            self._pass(line_end)
            yield whole if line_end == b"\n" else whole.replace(line_end, b"\n")
        if is_overlong:
            self._reject_overlong()
            self._has_open_end = True
        elif not rest.strip(b"\0"):
            # Space that is reserved for lines to come.
            return
        elif self.is_finished:
            self._has_open_end = True
            yield rest
        else:
            self.leave_unfinished(self.line + 1, rest.decode(self._line_encoding, "replace"))

    def _pass(self, content: bytes) -> None:
        self.offset += len(content)
        self._digest.update(content)

    def _reject_overlong(self) -> None:
        self.line += 1
        self.reject(self.line, f"the line is longer than {MAX_LINE_BYTES} bytes; is this file a log of this format?", "")

    def _blocks(self) -> Iterator[bytes]:
        """Yields the content from the start of reading, without a byte-order mark, in an encoding in which lines can be split."""
        chunks = self.content.chunks(self._start.offset if self._start else 0, BLOCK_BYTES)
        mark = b"" if self._start else codecs.BOM_UTF8
        try:
            for block in chunks if self._has_plain_lines else self._recoded(chunks):
                if mark and block.startswith(mark):
                    self._pass(mark)
                    block = block[len(mark) :]
                mark = b""
                if block:
                    yield block
        except UnicodeDecodeError as error:
            raise InputError(f"encoding: {self.path} is not {self._encoding}: {error.reason} after line {self.line}.") from error
        except UnicodeError as error:
            raise InputError(f"encoding: {self.path} is not {self._encoding}: {error}.") from error

    def _recoded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Converts UTF-16 and similar encodings to UTF-8, because line ends cannot be found in their bytes."""
        decoder = codecs.getincrementaldecoder(self._encoding)()
        for block in blocks:
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", final=True).encode()
