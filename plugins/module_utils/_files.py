# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Files that belong to one user: opened without following symbolic links, readable by their owner only, and replaced completely or not at
all.

All functions raise OSError, whose `strerror` completes a sentence that begins with the name of the file.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
import tempfile
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from ._texts import system_name

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER_ONLY = 0o600
_FOLDER_MODE = 0o700
_SAFE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class UnsafeFileError(OSError):
    """Somebody other than this user may have made the file."""


def open_own(path: str) -> int:
    """A descriptor for reading and writing; creates the file (and its folder) if it is missing, and makes it readable by its owner only."""
    os.makedirs(system_name(os.path.dirname(path)), mode=_FOLDER_MODE, exist_ok=True)
    descriptor = _opened(path, os.O_RDWR | os.O_CREAT)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != OWNER_ONLY:
            os.fchmod(descriptor, OWNER_ONLY)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def open_existing(path: str) -> int | None:
    """A descriptor for reading, after the same checks and without changing anything; None if there is no such file."""
    try:
        return _opened(path, os.O_RDONLY)
    except FileNotFoundError:
        return None


@contextmanager
def replaced(path: str) -> Iterator[IO[str]]:
    """Opens a text file that replaces `path` when the block ends without an error. Nobody ever reads an incomplete file."""
    descriptor, temporary = tempfile.mkstemp(dir=system_name(os.path.dirname(path) or "."))
    try:
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, system_name(path))
        _sync_folder(path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def expanded(text: str) -> str:
    """The path with `~` and environment variables expanded. Raises ValueError, with a sentence part, if the result is not absolute."""
    path = os.path.expandvars(text)
    if path == "~" or path.startswith("~/"):
        path = _home() + path[1:]
    path = os.path.expanduser(path)
    if os.path.isabs(path):
        return os.path.normpath(path)
    if "$" in path:
        raise ValueError("contains a variable that is not set for the user who runs the module")
    if path.startswith("~"):
        raise ValueError("names a user or home directory that does not exist on this host")
    raise ValueError("is a relative path, which depends on the folder in which the module runs")


def state_file(name: str) -> str:
    """Returns the path of a file below the user's state directory (XDG specification). Raises ValueError if there is none."""
    state = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        home = _home()
        if not os.path.isabs(home):
            raise ValueError("this user has no home directory")
        state = os.path.join(home, ".local", "state")
    return os.path.join(state, "secops.xdr", name)


def _home() -> str:
    """This user's home directory; `~` if there is none. A blank HOME counts as not set, where Python would take `/`."""
    home = os.environ.get("HOME", "")
    if home.strip():
        return home
    try:
        return pwd.getpwuid(os.getuid()).pw_dir or "~"
    except KeyError:
        return "~"


def _opened(path: str, flags: int) -> int:
    try:
        descriptor = os.open(system_name(path), flags | _SAFE, OWNER_ONLY)
    except OSError as error:
        if error.errno == errno.ELOOP:
            reason = "it is a symbolic link, which somebody else could have planted; name the file itself"
            raise UnsafeFileError(errno.ELOOP, reason) from error
        raise
    try:
        _check_own(os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check_own(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeFileError(errno.EINVAL, "it is not a regular file")
    if status.st_uid != os.geteuid():
        raise UnsafeFileError(
            errno.EPERM, f"it belongs to another user (id {status.st_uid}) than the one who runs the module (id {os.geteuid()})"
        )


def _sync_folder(path: str) -> None:
    """Writes the directory to disk, so that the new name survives a power failure."""
    folder = os.open(system_name(os.path.dirname(path) or "."), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
