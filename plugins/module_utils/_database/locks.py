# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Locks by name that all processes on this host honour and that end with the process that holds them."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import struct
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._errors import LedgerError
from .._files import open_existing, open_own

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WAIT_SECONDS = 3600.0
_POLL_SECONDS = 0.05
_BUSY = (errno.EACCES, errno.EAGAIN)
_FLOCK = "@hhqqi0q"
"""The C structure flock: type, whence, start, length, process."""
_OF_DESCRIPTORS: int | None = getattr(fcntl, "F_OFD_SETLK", None)
"""Linux also has locks that belong to a descriptor and not to the process, so that two ledgers in one process exclude each other."""


class FileLocks:
    """One lock file serves all names: each name locks a byte of its own. With `read_only`, nothing is created and nothing can be held."""

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
        """Waits until no other process holds any of the names. Raises LedgerError after an hour."""
        taken: list[str] = []
        try:
            # In the same order everywhere, so that two processes cannot wait for each other.
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
            # A shared lock, so that processes that ask at the same time do not take each other for holders.
            if not self._try(fcntl.F_RDLCK, name):
                return True
            self._try(fcntl.F_UNLCK, name)
            return False

    def close(self) -> None:
        """Releases everything."""
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
                    "Find the run that hangs on this host and end it."
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
            # Some containers' kernels do not have these.
            if error.errno != errno.EINVAL:
                raise
    fcntl.lockf(descriptor, _flags(kind), 1, offset)


def _flags(kind: int) -> int:
    return {fcntl.F_RDLCK: fcntl.LOCK_SH | fcntl.LOCK_NB, fcntl.F_WRLCK: fcntl.LOCK_EX | fcntl.LOCK_NB}.get(kind, fcntl.LOCK_UN)


def _offset(name: str) -> int:
    # Below 2^62: the end of the locked byte has to be a valid offset too.
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 2
