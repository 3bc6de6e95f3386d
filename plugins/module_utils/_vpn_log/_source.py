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
import stat
import zlib
from typing import IO, TYPE_CHECKING, NamedTuple

from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._texts import quoted
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._rows import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._start import LogStart

BLOCK_BYTES = 256 * 1024
MAX_LINE_BYTES = 64 * 1024
"""No gateway writes longer lines; what is longer is rejected and passed over without being held."""
_END_BYTES = 64 * 1024
_SAMPLES = 32
_SAMPLE_BYTES = 1024
_DIGEST_BYTES = 16
_GZIP_MAGIC = b"\x1f\x8b"


class LineBlock(NamedTuple):
    """Lines without their line breaks, and their numbers."""

    numbers: Sequence[int]
    lines: list[str]


class LogFile:
    """An open log. It is opened once, so every pass reads the same file, even if its name is given to another one meanwhile."""

    def __init__(self, path: str, encoding: str) -> None:
        self.path = path
        self._encoding = _checked_encoding(encoding)
        self._has_plain_lines = "\n".encode(encoding) == b"\n"
        self._line_encoding = encoding if self._has_plain_lines else "utf-8"
        self._raw = _open_regular_file(path)
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
            repeated = self._first_lines(self._start.repeated_lines)
            if repeated:
                yield LineBlock(range(1, len(repeated) + 1), repeated)
            self.line = self._start.line
        for block in self._blocks_of_whole_lines():
            try:
                lines = block.decode(self._line_encoding).split("\n")
            except UnicodeDecodeError:
                yield self._decodable_lines(block)
                continue
            first = self.line + 1
            self.line += len(lines)
            yield LineBlock(range(first, self.line + 1), lines)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Each line with its number, for readers that go by line."""
        for block in self.blocks():
            yield from zip(block.numbers, block.lines)

    def take_rejected(self) -> list[Rejected]:
        """The lines since the last call that are no text."""
        taken, self._rejected = self._rejected, []
        return taken

    def reject(self, number: int, reason: str, text: str) -> None:
        """Notes a line that no reader can use."""
        self._rejected.append(Rejected(number, reason, text))

    def _first_lines(self, number: int) -> list[str]:
        """The lines from the first on, until so many of them were not blank."""
        lines = self.bytes_at(0, BLOCK_BYTES).removeprefix(codecs.BOM_UTF8).split(b"\n")
        filled = [place for place, line in enumerate(lines) if line.strip()]
        return [line.decode(self._line_encoding) for line in lines[: filled[number - 1] + 1]] if number else []

    def _decodable_lines(self, block: bytes) -> LineBlock:
        numbers: list[int] = []
        lines: list[str] = []
        for raw in block.split(b"\n"):
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
        stream = gzip.GzipFile(fileobj=self._raw) if self.is_compressed else self._raw
        mark = b"" if self._start else codecs.BOM_UTF8
        try:
            for block in self._recoded(iter(lambda: stream.read(self._next_read()), b"")):
                yield block.removeprefix(mark)
                mark = b""
        except UnicodeDecodeError as error:
            raise InputError(f"encoding: {self.path} is not {self._encoding}: {error.reason} at byte {error.start + 1}.") from error
        except UnicodeError as error:
            raise InputError(f"encoding: {self.path} is not {self._encoding}: {error}.") from error
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"path: {self.path} cannot be read to its end ({error}); copy or export it again.") from error

    def _next_read(self) -> int:
        return BLOCK_BYTES if self.is_compressed else min(BLOCK_BYTES, self.size - self._raw.tell())

    def _recoded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """UTF-16 and its like as UTF-8, because their line breaks cannot be found in the bytes; everything else as it is."""
        if self._has_plain_lines:
            yield from blocks
            return
        decoder = codecs.getincrementaldecoder(self._encoding)()
        for block in blocks:
            yield decoder.decode(block).removeprefix("\ufeff").encode()
        yield decoder.decode(b"", final=True).encode()


def _checked_encoding(encoding: str) -> str:
    try:
        "".encode(encoding)
    except (LookupError, ValueError) as error:
        raise InputError(
            f"encoding: {quoted(encoding)} is not a text encoding that Python knows; try utf-8, latin-1, cp1252 or utf-16."
        ) from error
    return encoding


def _open_regular_file(path: str) -> IO[bytes]:
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise InputError(f"path: there is no file {path} on the host that runs the module.") from error
    except OSError as error:
        raise InputError(f"path: {path} cannot be opened: {error.strerror}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"path: {path} is not a regular file; a log is read twice and again at the next run, so it must be one.")
    return os.fdopen(descriptor, "rb", buffering=0)
