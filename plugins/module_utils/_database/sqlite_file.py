# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The file of a SQLite database: its owner, its errors and its locks.

Locks have names. All processes on this host honour them, and they end with the process that holds them.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import sqlite3
import struct
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from .._errors import LedgerError
from .._files import open_existing, open_own
from .._texts import system_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .database import Schema

OLDEST_SQLITE = (3, 25, 0)
"""The first version with ON CONFLICT and RENAME COLUMN."""
_BUSY_SECONDS = 60.0
_HEAD_BYTES = 100
_MAGIC = b"SQLite format 3\0"
WAIT_SECONDS = 3600.0
_POLL_SECONDS = 0.05
_BUSY = (errno.EACCES, errno.EAGAIN)
_FLOCK = "@hhqqi0q"
"""The C structure flock: type, whence, start, length, process."""
_OF_DESCRIPTORS: int | None = getattr(fcntl, "F_OFD_SETLK", None)
"""Linux also has locks that belong to a descriptor instead of the process, so that two ledgers in one process exclude each other."""


class FileLocks:
    """One lock file serves all names: each name locks a different byte. With `read_only`, nothing is created and no name can be held."""

    def __init__(self, path: str, option: str, *, read_only: bool) -> None:
        self._path = path
        self._option = option
        self._held: set[str] = set()
        self._guard = threading.Lock()
        try:
            self._descriptor = open_existing(path) if read_only else open_own(path)
        except OSError as error:
            raise LedgerError(f"{option}: {path} cannot be used: {error.strerror}.") from error

    @contextmanager
    def holding(self, names: Sequence[str]) -> Iterator[None]:
        """Waits until no other process holds any of the names, then holds them. Raises LedgerError after an hour."""
        taken: list[str] = []
        try:
            # Always in the same order, so that two processes cannot wait for each other.
            for name in sorted(set(names), key=_offset):
                self._wait(name)
                taken.append(name)
            yield
        finally:
            for name in taken:
                self._release(name)

    def is_held(self, name: str) -> bool:
        """True if any process holds the name."""
        with self._guard:
            if name in self._held:
                return True
            if self._descriptor is None:
                return False
            # A shared lock, so that two processes that ask at the same time do not take each other for the holder.
            if not self._try(fcntl.F_RDLCK, name):
                return True
            self._try(fcntl.F_UNLCK, name)
            return False

    def close(self) -> None:
        """Releases all names and closes the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _wait(self, name: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            with self._guard:
                if name not in self._held and self._try(fcntl.F_WRLCK, name):
                    self._held.add(name)
                    return
            if time.monotonic() > deadline:
                raise LedgerError(
                    f"{self._option}: another run has been working with {self._path} for over an hour. "
                    "Find the hanging run on this host and stop it."
                )
            time.sleep(_POLL_SECONDS)

    def _release(self, name: str) -> None:
        with self._guard:
            self._held.discard(name)
            if self._descriptor is not None:
                self._try(fcntl.F_UNLCK, name)

    def _try(self, kind: int, name: str) -> bool:
        """Changes the lock of a name without waiting; False if another process is in the way."""
        if self._descriptor is None:
            return True
        try:
            _set_lock(self._descriptor, kind, _offset(name))
        except OSError as error:
            if error.errno in _BUSY:
                return False
            raise LedgerError(
                f"{self._option}: {self._path} cannot be locked: {error.strerror}. Set `{self._option}` to a file on a disk of this host."
            ) from error
        return True


def _set_lock(descriptor: int, kind: int, offset: int) -> None:
    if _OF_DESCRIPTORS is not None:
        try:
            fcntl.fcntl(descriptor, _OF_DESCRIPTORS, struct.pack(_FLOCK, kind, os.SEEK_SET, offset, 1, 0))
            return
        except OSError as error:
            # The kernels of some container systems do not have these locks.
            if error.errno != errno.EINVAL:
                raise
    fcntl.lockf(descriptor, _flags(kind), 1, offset)


def _flags(kind: int) -> int:
    return {fcntl.F_RDLCK: fcntl.LOCK_SH | fcntl.LOCK_NB, fcntl.F_WRLCK: fcntl.LOCK_EX | fcntl.LOCK_NB}.get(kind, fcntl.LOCK_UN)


def _offset(name: str) -> int:
    # Below 2^62: the end of the locked byte has to be a valid offset too.
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 2


def require_version(option: str) -> None:
    """Raises LedgerError where the SQLite of this Python is too old."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise LedgerError(
            f"{option}: this host's Python has SQLite {sqlite3.sqlite_version}, and {oldest} or later is needed. "
            f"Set ansible_python_interpreter to a newer Python, or `{option}` to a postgresql:// URL."
        )


def connected(path: str, *, is_uri: bool = False) -> sqlite3.Connection:
    """Opens a connection to a file or URI."""
    # Transactions are started explicitly, and a lock lets one thread at a time use the connection.
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=is_uri)


def check_file(schema: Schema, path: str, *, creates: bool) -> None:
    """Creates the file, or checks that it belongs to this user and is a SQLite database or empty."""
    try:
        descriptor = open_own(path) if creates and not os.path.lexists(system_name(path)) else open_existing(path)
        if descriptor is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        with closing(os.fdopen(descriptor, "rb")) as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise LedgerError(cannot_use(schema, path, error)) from error
    if head and not head.startswith(_MAGIC):
        raise LedgerError(_explanation(schema, path, "file is not a database"))


@contextmanager
def explained(schema: Schema, path: str) -> Iterator[None]:
    """Converts errors of SQLite about a file to LedgerError."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        # A damaged file may contain anything, and so may the text of an error about it; before Python 3.10, such an error has none.
        text = "malformed text" if isinstance(error, UnicodeDecodeError) or not str(error) else str(error)
        raise LedgerError(_explanation(schema, path, text)) from error


def _explanation(schema: Schema, path: str, text: str) -> str:
    start = f"{schema.option}: {path}"
    if "full" in text or "disk I/O" in text:
        return f"{start}: the disk is full or cannot be written ({text}). Free some space and run again: {schema.after_failure}"
    if "locked" in text or "busy" in text:
        return f"{start} has been locked by another program for over {_BUSY_SECONDS:.0f} seconds. Stop it, or wait, and run again."
    if "not a database" in text or "malformed" in text or "decode" in text:
        return (
            f"{start} is damaged or not a SQLite database ({text}). Restore it from a backup, or move it away: then a new one is "
            "created, and what the old one knew may be sent a second time."
        )
    if "readonly" in text and os.path.exists(system_name(f"{path}-journal")):
        return f"{start} was left by a run that was killed while it wrote. The next run that is not in check mode repairs that."
    if "readonly" in text or "unable to open" in text:
        return f"{start} or its folder cannot be written by this user; set `{schema.option}` to a file that can."
    return f"{start} cannot be used: {text}."


def cannot_use(schema: Schema, path: str, error: OSError) -> str:
    """Returns the message for a file that this user cannot use."""
    if error.errno == errno.ENOSPC:
        return f"{schema.option}: the disk of {path} is full; nothing was sent that is not recorded. Free some space and run again."
    return (
        f"{schema.option}: {path} cannot be used: {error.strerror}. Set `{schema.option}` (or {schema.variable}) to a file that this user "
        "may write, or to a postgresql:// URL that users share."
    )
