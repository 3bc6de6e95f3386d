# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power failures of a host with SQLite files: what was written to the disk survives, and nothing else.

SQLite calls the operating system through a table of functions. A table in place of it takes note of each file when SQLite asks for it to be
written to the disk. Files that nobody asked for are lost: an operating system may also write them by itself, and may as well not.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int))
_DELETE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
_READ = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int64)
_SIZE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int64))
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_FUNCTIONS_BEHIND_DELETE = 14
_FUNCTIONS_BEHIND_SIZE = 12


class _System(ctypes.Structure):
    """`sqlite3_vfs`."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("size_of_file", ctypes.c_int),
        ("longest_path", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("open", _OPEN),
        ("delete", _DELETE),
        ("others", ctypes.c_void_p * _FUNCTIONS_BEHIND_DELETE),
    )


class _Methods(ctypes.Structure):
    """`sqlite3_io_methods`."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("close", ctypes.c_void_p),
        ("read", _READ),
        ("write", ctypes.c_void_p),
        ("truncate", ctypes.c_void_p),
        ("sync", _SYNC),
        ("size", _SIZE),
        ("others", ctypes.c_void_p * _FUNCTIONS_BEHIND_SIZE),
    )

    def content(self, file: int) -> bytes:
        """The content of a file. To open it a second time would end SQLite's locks on it."""
        size = ctypes.c_int64()
        self.size(file, ctypes.byref(size))
        content = ctypes.create_string_buffer(size.value)
        self.read(file, content, size.value, 0)
        return content.raw


class Disk:
    """The files of this process's SQLite as they are on the disk."""

    def __init__(self) -> None:
        self._written: dict[str, bytes] = {}
        self._deleted: set[str] = set()

    def write(self, path: str, content: bytes) -> None:
        """Takes note of a file as it is now. With a new journal, SQLite also writes the folder."""
        if path not in self._written and path.endswith(("-wal", "-journal")):
            self._write_folder()
        self._written[path] = content

    def delete(self, path: str, *, is_durable: bool) -> None:
        """Takes note that a file was deleted. It is back after a power failure, unless the folder was written."""
        self._deleted.add(path)
        if is_durable:
            self._write_folder()

    def _write_folder(self) -> None:
        for path in self._deleted:
            self._written.pop(path, None)
        self._deleted.clear()

    def after_a_power_failure(self, path: str, copy: str) -> str:
        """Makes the copy of a database that a host has which loses its power now; returns its path."""
        for ending in ("", "-wal", "-journal"):
            if path + ending in self._written:
                with open(os.open(copy + ending, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(self._written[path + ending])
        return copy


@contextmanager
def watched_disk() -> Iterator[Disk]:
    """Databases that are opened inside the block are watched."""
    disk = Disk()
    library = ctypes.CDLL(_library())
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_System)
    usual = library.sqlite3_vfs_find(None)
    kept: dict[int, tuple[_Methods, str]] = {}

    def open_file(_system: int, name: int | None, file: int, flags: int, opened_as: Any) -> int:
        status: int = usual.contents.open(ctypes.addressof(watched), name, file, flags, opened_as)
        methods = ctypes.c_void_p.from_address(file)
        if status or not name or not methods.value:
            return status
        own = _Methods.from_buffer_copy(_Methods.from_address(methods.value))
        # A function that shares no memory with the table.
        real = _SYNC(ctypes.cast(own.sync, ctypes.c_void_p).value or 0)

        def sync(descriptor: int, how: int) -> int:
            result: int = real(descriptor, how)
            disk.write(path, own.content(descriptor))
            return result

        path = os.fsdecode(ctypes.string_at(name))
        own.sync = _SYNC(sync)
        kept[file] = own, path
        methods.value = ctypes.addressof(own)
        return status

    def delete_file(_system: int, name: bytes, is_durable: int) -> int:
        status: int = usual.contents.delete(ctypes.addressof(watched), name, is_durable)
        disk.delete(os.fsdecode(name), is_durable=bool(is_durable))
        return status

    watched = _System.from_buffer_copy(usual.contents)
    watched.name = b"watched"
    watched.open, watched.delete = _OPEN(open_file), _DELETE(delete_file)
    library.sqlite3_vfs_register(ctypes.byref(watched), 1)
    try:
        yield disk
    finally:
        library.sqlite3_vfs_register(usual, 1)
        library.sqlite3_vfs_unregister(ctypes.byref(watched))


def _library() -> str | None:
    """The file of the SQLite that this Python uses; None if it is a part of Python itself."""
    sqlite3.connect(":memory:").close()
    mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines() if "libsqlite3" in line}
    return next(iter(mapped), None)
