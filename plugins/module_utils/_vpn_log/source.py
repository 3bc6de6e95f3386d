# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""A log file as lines of text, of any size, at the cost of one block of memory.

Whatever does not become text (undecodable bytes, lines without end) is rejected with its line number and does not stop the reading.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import os
import zlib
from typing import TYPE_CHECKING, NamedTuple

from .._errors import InputError
from .opening import checked_encoding, keeps_ascii, open_regular_file
from .rows import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from .start import LogStart

BLOCK_BYTES = 256 * 1024
MAX_LINE_BYTES = 256 * 1024
"""No gateway writes longer lines; what is longer is rejected and passed over without being held."""
_HEAD_BYTES = 2 * MAX_LINE_BYTES
_END_BYTES = 64 * 1024
_SAMPLES = 32
_SAMPLE_BYTES = 1024
_DIGEST_BYTES = 16
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_EXPANSION = 400
"""Logs shrink to a tenth or, where lines repeat, to a hundredth; a file that was made to fill memory or time, to a thousandth."""
_EXPANDED_BYTES = 64 * 1024 * 1024
"""What a small file may expand to in any case."""


class LineBlock(NamedTuple):
    """Lines without their line breaks, and their numbers."""

    numbers: Sequence[int]
    lines: list[str]


class LogFile:
    """An open log. It is opened once, so every pass reads the same file, even if its name is given to another one meanwhile."""

    def __init__(self, path: str, encoding: str) -> None:
        self.path = path
        self._encoding = checked_encoding(encoding)
        self._has_plain_lines = keeps_ascii(encoding)
        self._line_encoding = encoding if self._has_plain_lines else "utf-8"
        self._raw = open_regular_file(path)
        # What is written after this moment belongs to the next run, so that a check and the run after it see the same rows.
        status = os.fstat(self._raw.fileno())
        self.size = status.st_size
        self.modified_ms = int(status.st_mtime * 1000)
        """When the file was last written to, in epoch milliseconds, as it was on opening."""
        self.is_compressed = self._raw.read(2) == _GZIP_MAGIC
        self.line = 0
        """The number of the last line of the last block; the first line is 1."""
        self.offset = 0
        """The byte behind the last block, in a log that is not compressed and has plain line breaks."""
        self.lines_held_back = 0
        """Lines that a reader was handed and has not dealt with yet; while there are any, nobody can go on behind the last block."""
        self._start: LogStart | None = None
        self._rejected: list[Rejected] = []

    def __enter__(self) -> LogFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._raw.close()

    @property
    def bytes_read(self) -> int:
        """How far into the file, as it lies on disk, reading has come."""
        return self._raw.tell()

    @property
    def can_be_entered(self) -> bool:
        """Whether reading can begin at a byte in the middle."""
        return self._has_plain_lines and not self.is_compressed

    @property
    def ends_with_line_break(self) -> bool:
        """Whether the last line is surely whole, and reading can go on behind it when the log has grown."""
        return self.can_be_entered and self.size > 0 and self.bytes_at(self.size - 1, 1) == b"\n"

    @property
    def is_entered(self) -> bool:
        """Whether reading begins in the middle."""
        return self._start is not None

    def first_line(self) -> str | None:
        """The first line that is not blank; None where there is none within reason, or it is no text."""
        head = self._head()
        return head[-1] if head else None

    def bytes_at(self, offset: int, length: int) -> bytes:
        """Some bytes of the file as it lies on disk; does not move the place where lines are read."""
        return os.pread(self._raw.fileno(), length, offset)

    def fingerprint(self, offset: int) -> bytes:
        """A digest of the log up to an offset: its beginning, what stands right before the offset, and samples in between.

        Its cost does not grow with the log. It misses a log whose length, beginning and end are kept while single bytes in between
        are changed, which no gateway and no rotation does.
        """
        digest = hashlib.blake2b(offset.to_bytes(8, "big"), digest_size=_DIGEST_BYTES)
        digest.update(self.bytes_at(0, min(offset, _END_BYTES)))
        last = max(0, offset - _END_BYTES)
        digest.update(self.bytes_at(last, offset - last))
        for sample in range(1, _SAMPLES):
            start = offset * sample // _SAMPLES
            digest.update(self.bytes_at(start, min(_SAMPLE_BYTES, offset - start)))
        return digest.digest()

    def start_at(self, start: LogStart | None) -> None:
        """From now on, C(blocks) goes on where an earlier run has ended, after the first lines that it needs to understand the rest."""
        self._start = start

    def blocks(self) -> Iterator[LineBlock]:
        """All lines from the start, without their line breaks, in blocks."""
        self.line = self.offset = 0
        if self._start:
            self.offset = self._start.offset
            if self._start.repeated_lines:
                head = self._head()
                yield LineBlock(range(1, len(head) + 1), head)
            self.line = self._start.line
        for block in self._blocks_of_whole_lines():
            if _has_overlong_line(block):
                yield self._decodable_lines(block)
                continue
            try:
                lines = block.decode(self._line_encoding).split("\n")
            except UnicodeDecodeError:
                yield self._decodable_lines(block)
                continue
            first = self.line + 1
            self.line += len(lines)
            yield LineBlock(range(first, self.line + 1), lines)

    def take_rejected(self) -> list[Rejected]:
        """The lines since the last call that are no text."""
        taken, self._rejected = self._rejected, []
        return taken

    def reject(self, number: int, reason: str, text: str) -> None:
        """Notes a line that no reader can use."""
        self._rejected.append(Rejected(number, reason, text))

    def _head(self) -> list[str]:
        """The lines from the first on to the first that is not blank; nothing where that is not to be had."""
        if not self.can_be_entered:
            return []
        start = self.bytes_at(0, min(_HEAD_BYTES, self.size))
        lines = start.removeprefix(codecs.BOM_UTF8).split(b"\n")
        if len(start) == _HEAD_BYTES:
            del lines[-1]
        place = next((place for place, line in enumerate(lines) if line.strip()), None)
        try:
            return [] if place is None else [line.decode(self._line_encoding) for line in lines[: place + 1]]
        except UnicodeDecodeError:
            return []

    def _decodable_lines(self, block: bytes) -> LineBlock:
        numbers: list[int] = []
        lines: list[str] = []
        for raw in block.split(b"\n"):
            if len(raw) > MAX_LINE_BYTES:
                self._reject_overlong()
                continue
            self.line += 1
            try:
                lines.append(raw.decode(self._line_encoding))
                numbers.append(self.line)
            except UnicodeDecodeError as error:
                reason = (
                    f"byte 0x{raw[error.start]:02x} at column {error.start + 1} is not {self._encoding}; "
                    "set `encoding` to what the log is written in"
                )
                self.reject(self.line, reason, raw.decode("ascii", "backslashreplace"))
        return LineBlock(numbers, lines)

    def _blocks_of_whole_lines(self) -> Iterator[bytes]:
        """Blocks that end where a line ends, without the last line break."""
        rest = b""
        is_overlong = False
        for block in self._blocks():
            first_break = block.find(b"\n")
            if first_break < 0:
                is_overlong = is_overlong or len(rest) + len(block) > MAX_LINE_BYTES
                rest = b"" if is_overlong else rest + block
                continue
            if is_overlong:
                self._reject_overlong()
                block, is_overlong = block[first_break + 1 :], False
            whole, line_break, end = block.rpartition(b"\n")
            if line_break:
                self.offset = self._raw.tell() - len(end)
                yield rest + whole
                rest = b""
            rest += end
        if is_overlong:
            self._reject_overlong()
        elif rest:
            self.offset = self._raw.tell()
            yield rest

    def _reject_overlong(self) -> None:
        self.line += 1
        self.reject(self.line, f"the line is longer than {MAX_LINE_BYTES} bytes; is this file a log of this format?", "")

    def _blocks(self) -> Iterator[bytes]:
        """The file's bytes from the start, decompressed, in an encoding that has lines, without a byte-order mark."""
        self._raw.seek(self._start.offset if self._start else 0)
        mark = b"" if self._start else codecs.BOM_UTF8
        try:
            for block in self._recoded(self._expanded() if self.is_compressed else iter(self._next_bytes, b"")):
                if block:
                    yield block.removeprefix(mark)
                    mark = b""
        except UnicodeDecodeError as error:
            raise InputError(f"encoding: {self.path} is not {self._encoding}: {error.reason} behind line {self.line}.") from error
        except UnicodeError as error:
            raise InputError(f"encoding: {self.path} is not {self._encoding}: {error}.") from error
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"path: {self.path} cannot be read to its end ({error}); copy or export it again.") from error

    def _next_bytes(self) -> bytes:
        wanted = min(BLOCK_BYTES, self.size - self._raw.tell())
        block = self._raw.read(wanted)
        if wanted and not block:
            raise InputError(
                f"path: {self.path} became shorter while it was read, behind line {self.line}: it was replaced or cut off. Run again."
            )
        return block

    def _expanded(self) -> Iterator[bytes]:
        stream = gzip.GzipFile(fileobj=self._raw)
        length = 0
        while True:
            block = stream.read(BLOCK_BYTES)
            length += len(block)
            if length > max(_EXPANDED_BYTES, _MAX_EXPANSION * self.size):
                raise InputError(
                    f"path: {self.path} expands to more than {_MAX_EXPANSION} times its size (behind line {self.line}), which no log does."
                )
            if not block:
                return
            yield block

    def _recoded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """UTF-16 and its like as UTF-8, because their line breaks cannot be found in the bytes; everything else as it is."""
        if self._has_plain_lines:
            yield from blocks
            return
        decoder = codecs.getincrementaldecoder(self._encoding)()
        for block in blocks:
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", final=True).encode()


def _has_overlong_line(block: bytes) -> bool:
    """Whether a line is longer than MAX_LINE_BYTES: if so, it goes over one of the places that are so far apart."""
    for place in range(0, len(block), MAX_LINE_BYTES):
        end = block.find(b"\n", place)
        if (len(block) if end < 0 else end) - (block.rfind(b"\n", 0, place) + 1) > MAX_LINE_BYTES:
            return True
    return False
