# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The decompressed bytes of one log, from the start or from any byte, and the encodings and line ends of logs."""

from __future__ import annotations

import codecs
import hashlib
import importlib
import os
import stat
import sys
import zlib
from typing import IO, TYPE_CHECKING, Any

from .._errors import InputError
from .._texts import quoted, system_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

CHUNK_BYTES = 1024 * 1024
_MAX_EXPANSION = 400
"""Logs compress to a tenth or, if lines repeat, to a hundredth; files made to fill memory or time, to a thousandth."""
_EXPANDED_BYTES = 64 * 1024 * 1024
"""The size to which even a small file may expand."""
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
_MAGIC = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_ARCHIVES = {b"PK\x03\x04": "zip", b"7z\xbc\xaf": "7z", b"Rar!": "rar", b"\x04\x22\x4d\x18": "lz4", b"\x1f\x9d": "compress"}
_TAR_MARK = slice(257, 262)
_HEAD_BYTES = 512
_LIBRARIES = {"gzip": ("gzip",), "bzip2": ("bz2",), "xz": ("lzma",), "zstd": ("compression.zstd", "backports.zstd")}
_CONTROLS = "\0\r\x0b\x0c\x1a"
_RESIDUES = ("#000", "#012", "#013", "#015")
_MOST_RESIDUES = 8
_OTHER_ENCODINGS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})
"""They are for host names and source code, and their result depends on where a text is cut."""
_ASCII = bytes(range(128))


class MissingLogError(InputError):
    """There is no file with this name."""


class LogContent:
    """The content of a file. It is opened once, so it stays the same file even if rotation gives its name to another file."""

    def __init__(self, path: str) -> None:
        """Raises InputError."""
        self.path = path
        self._raw = _open_regular_file(path)
        status = os.fstat(self._raw.fileno())
        self.size = status.st_size
        """The size in bytes when the file was opened. Later additions belong to the next run."""
        self.modified_ms = status.st_mtime_ns // 1_000_000
        self.identity = (status.st_dev, status.st_ino)
        self._digests = {0: hashlib.sha256()}
        try:
            head = self._bytes_at(0, min(_HEAD_BYTES, self.size)) if self.size else b""
            self.compression = _compression(head)
            if self.compression is None:
                self._check_archive(head)
        except InputError:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._raw.close()

    def chunks(self, start: int = 0, size: int = CHUNK_BYTES) -> Iterator[bytes]:
        """The decompressed bytes from `start` on, in chunks of at most `size` bytes, never empty. Raises InputError."""
        if self.compression is None:
            while start < self.size:
                chunk = self._bytes_at(start, min(size, self.size - start))
                start += len(chunk)
                yield chunk
            return
        position = 0
        for chunk in self._expanded(size):
            if not position:
                self._check_archive(chunk)
            position += len(chunk)
            if position > start:
                yield chunk[start - position :] if position - start < len(chunk) else chunk

    def digests(self, offsets: Collection[int]) -> Mapping[int, bytes]:
        """The SHA-256 of the content before each of these offsets, in one pass; offsets after the end are left out."""
        wanted = sorted(offset for offset in set(offsets) if offset not in self._digests)
        digest, position = hashlib.sha256(), 0
        for chunk in self.chunks(0, CHUNK_BYTES) if wanted else ():
            taken = 0
            while wanted and wanted[0] <= position + len(chunk):
                offset = wanted.pop(0)
                digest.update(chunk[taken : offset - position])
                taken = offset - position
                self._digests[offset] = digest.copy()
            if not wanted:
                break
            digest.update(chunk[taken:])
            position += len(chunk)
        return {offset: self._digests[offset].digest() for offset in offsets if offset in self._digests}

    def hash_before(self, offset: int) -> hashlib._Hash:
        """The SHA-256 of the content before this offset, to continue with."""
        self.digests([offset])
        return self._digests[offset].copy()

    def _bytes_at(self, offset: int, length: int) -> bytes:
        try:
            chunk = os.pread(self._raw.fileno(), length, offset)
        except OSError as error:
            raise self._unreadable(error) from error
        if not chunk:
            raise InputError(f"path: {self.path} became shorter while it was read: it was replaced or cut off. Run again.")
        return chunk

    def _expanded(self, size: int) -> Iterator[bytes]:
        self._raw.seek(0)
        stream, errors = _decompressor(self.path, str(self.compression), self._raw)
        length = 0
        while True:
            try:
                chunk = stream.read(size)
            except errors as error:
                raise self._unreadable(error) from error
            length += len(chunk)
            if length > max(_EXPANDED_BYTES, _MAX_EXPANSION * self.size):
                raise InputError(f"path: {self.path} expands to more than {_MAX_EXPANSION} times its size, which no log does.")
            if not chunk:
                return
            yield bytes(chunk)

    def _check_archive(self, head: bytes) -> None:
        archive = (
            "tar" if head[_TAR_MARK] == b"ustar" else next((name for magic, name in _ARCHIVES.items() if head.startswith(magic)), None)
        )
        if archive is None and self.compression is not None:
            archive = _compression(head)
        if archive is not None:
            raise InputError(
                f"path: {self.path} contains {archive} data, which is not read. Unpack it first: a log is text, "
                "or text that was compressed once with gzip, bzip2, xz or zstd."
            )

    def _unreadable(self, error: Exception) -> InputError:
        return InputError(f"path: {self.path} cannot be read to its end ({error}); copy or export it again.")


def _compression(head: bytes) -> str | None:
    """Returns the compression of a file by its first bytes; its name does not matter."""
    if head[:3] == b"BZh" and head[4:10] in _BZIP2_BLOCKS:
        return "bzip2"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def _decompressor(path: str, compression: str, raw: IO[bytes]) -> tuple[Any, tuple[type[Exception], ...]]:
    """A stream of the decompressed bytes, and the errors of its library; raises InputError."""
    library: Any = None
    for name in _LIBRARIES[compression]:
        try:
            library = importlib.import_module(name)
            break
        except ImportError:
            continue
    if library is None:
        version = ".".join(map(str, sys.version_info[:3]))
        needed = "Python 3.14 or later (or the package backports.zstd)" if compression == "zstd" else f"a Python with {compression} support"
        raise InputError(
            f"path: {path} is compressed with {compression}, which needs {needed}; this is Python {version} at {sys.executable}. "
            "Decompress the file first."
        )
    if compression == "gzip":
        return library.GzipFile(fileobj=raw), (OSError, EOFError, zlib.error)
    if compression == "bzip2":
        return library.BZ2File(raw), (OSError, EOFError, ValueError)
    if compression == "xz":
        return library.LZMAFile(raw), (OSError, EOFError, library.LZMAError)
    return library.ZstdFile(raw), (OSError, EOFError, library.ZstdError)


def _open_regular_file(path: str) -> IO[bytes]:
    """Opens a regular file; raises InputError for anything else, such as pipes and devices."""
    try:
        # Without O_NONBLOCK, opening a named pipe would wait forever for a writer.
        descriptor = os.open(system_name(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise MissingLogError(f"path: there is no file {path} on the host that runs the module.") from error
    except ValueError as error:
        raise InputError(f"path: {quoted(path)} cannot be the name of a file: {error}.") from error
    except OSError as error:
        raise InputError(f"path: {path} cannot be opened: {error.strerror}.") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise InputError(f"path: {path} is a folder; give the name of the log in it.")
        raise InputError(f"path: {path} is not a regular file; a log is read again at the next run, so it must be one.")
    return os.fdopen(descriptor, "rb", buffering=0)


def through_filled_line(lines: list[str], number: int) -> list[str]:
    """Returns the lines up to the filled line with this number."""
    filled = 0
    for place, line in enumerate(lines, start=1):
        filled += bool(line.strip())
        if filled == number:
            return lines[:place]
    return lines


def clean(line: str) -> str:
    """Returns the line without leftovers at its end: carriage returns and NUL, also escaped as `#015`."""
    line = line.rstrip(_CONTROLS)
    for _attempt in range(_MOST_RESIDUES):
        if not line.endswith(_RESIDUES):
            break
        line = line[:-4].rstrip(_CONTROLS)
    return line


def has_overlong_line(block: bytes, most: int) -> bool:
    """True if a line is longer than `most` bytes. Such a line covers at least one multiple of `most`."""
    for place in range(0, len(block), most):
        end = block.find(b"\n", place)
        if (len(block) if end < 0 else end) - (block.rfind(b"\n", 0, place) + 1) > most:
            return True
    return False


def checked_encoding(encoding: str) -> str:
    """Returns the encoding; raises InputError if it is not a text encoding."""
    try:
        "".encode(encoding)
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        raise _unknown(encoding) from error
    if name.replace("_", "-") in _OTHER_ENCODINGS:
        raise _unknown(encoding)
    return encoding


def keeps_ascii(encoding: str) -> bool:
    """True if ASCII characters are single bytes, so that bytes can be split into lines before they are decoded."""
    try:
        return _ASCII.decode(encoding) == _ASCII.decode("ascii")
    except ValueError:
        return False


def _unknown(encoding: str) -> InputError:
    return InputError(f"encoding: {quoted(encoding)} is not a text encoding that Python knows; try utf-8, latin-1, cp1252 or utf-16.")
