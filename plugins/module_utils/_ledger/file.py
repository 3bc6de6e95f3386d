# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The file of a SQLite ledger: only its owner's, never through a link that somebody else may have planted, one run a name at a time."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE_MODE = 0o600
_HEAD_BYTES = 100
"""As long as the header of a SQLite database."""
_FOLDER_MODE = 0o700
_LOCK_WAIT_SECONDS = 3600.0
_LOCK_POLL_SECONDS = 0.1


def prepare_ledger_file(path: str) -> None:
    """Makes the file, readable and writable by its owner only, or checks the one that is there; raises LedgerError."""
    try:
        os.makedirs(os.path.dirname(path), mode=_FOLDER_MODE, exist_ok=True)
        os.close(_open_own(path))
    except OSError as error:
        raise LedgerError(_advice(path, error)) from error


def head_of_existing(path: str) -> bytes | None:
    """The first bytes of a ledger file, after the same checks but without making or changing anything; None where there is none.

    Raises LedgerError.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LedgerError(_advice(path, error)) from error
    try:
        _check_own(path, os.fstat(descriptor))
        return os.read(descriptor, _HEAD_BYTES)
    except OSError as error:
        raise LedgerError(_advice(path, error)) from error
    finally:
        os.close(descriptor)


class NamedLocks:
    """Locks by name that all processes on this host honour and that end with the process that holds them.

    One lock file beside the ledger serves all names: each name locks a byte of its own.
    """

    def __init__(self, ledger_path: str) -> None:
        self._path = f"{ledger_path}.lock"
        self._descriptor: int | None = None

    @contextmanager
    def held(self, *names: str) -> Iterator[None]:
        """Waits until no other process holds any of the names; raises LedgerError after an hour."""
        if self._descriptor is None:
            try:
                self._descriptor = _open_own(self._path)
            except OSError as error:
                raise LedgerError(_advice(self._path, error)) from error
        # In the same order everywhere, so that two processes cannot wait for each other.
        offsets = sorted({int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") >> 2 for name in names})
        try:
            for offset in offsets:
                self._wait(self._descriptor, offset)
            yield
        finally:
            for offset in offsets:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, offset)

    def close(self) -> None:
        """Lets go of everything."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _wait(self, descriptor: int, offset: int) -> None:
        deadline = time.monotonic() + _LOCK_WAIT_SECONDS
        while True:
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
                return
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EAGAIN):
                    raise LedgerError(_advice(self._path, error)) from error
            if time.monotonic() > deadline:
                raise LedgerError(
                    f"ledger: another run has been working with {self._path} for over an hour. "
                    "Look for a run that hangs on this host and end it."
                )
            time.sleep(_LOCK_POLL_SECONDS)


def _open_own(path: str) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, _FILE_MODE)
    try:
        status = os.fstat(descriptor)
        _check_own(path, status)
        if stat.S_IMODE(status.st_mode) != _FILE_MODE:
            os.fchmod(descriptor, _FILE_MODE)
    except (OSError, LedgerError):
        os.close(descriptor)
        raise
    return descriptor


def _check_own(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise LedgerError(f"ledger: {path} is not a regular file; set `ledger` to a file or a postgresql:// URL.")
    if status.st_uid != os.geteuid():
        raise LedgerError(
            f"ledger: {path} belongs to another user (id {status.st_uid}) than the one who runs the module (id {os.geteuid()}). "
            "Run as its owner, or set `ledger` to a file of your own; a ledger that users share is a postgresql:// one."
        )


def _advice(path: str, error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return f"ledger: {path} is a symbolic link, which somebody else could have planted; set `ledger` to the file itself."
    if error.errno == errno.ENOSPC:
        return f"ledger: the disk under {path} is full; nothing was sent that is not recorded. Make room and run again."
    return f"ledger: {path} cannot be used: {error.strerror}. Set `ledger` (or SECOPS_XDR_LEDGER) to a file that this user may write."
