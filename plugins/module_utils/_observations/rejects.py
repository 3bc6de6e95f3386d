# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The file of rejected rows, for people who mend them: line, reason, and the row as it was."""

from __future__ import annotations

import csv
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from .._errors import InputError
from .._texts import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._vpn_log.rows import Rejected


_HEADER = ("line", "reason", "row")


def check_rejects_path(path: str, log: str | None, ledger: str | None) -> None:
    """Raises InputError where the list would take the place of something else. C(log) and C(ledger) are the files of the same task."""
    if os.path.isdir(path):
        raise InputError(f"rejects_path: {path} is a folder; give the name of a file in it.")
    for option, other in (("path", log), ("ledger", ledger)):
        if other and os.path.realpath(other) == os.path.realpath(path):
            raise InputError(f"rejects_path: {path} is the file of `{option}`, which it would overwrite; give another name.")
    if not _is_free(path):
        raise InputError(f"rejects_path: {path} is there already and is no list of rejects; remove it, or give another name.")


@contextmanager
def rejects_file(path: str, *, goes_on: bool) -> Iterator[Callable[[Rejected], None]]:
    """What appends a row to the file, which is written beside its final name and moved there at the end: nobody reads half of it.

    With C(goes_on), rows are added to those that an earlier part of the same upload has written. Raises InputError.
    """
    file = _temporary_beside(path)
    try:
        with file:
            writer = csv.writer(file)
            if not (goes_on and _copied(path, file)):
                writer.writerow(_HEADER)
            yield lambda row: writer.writerow((row.line, shorten(row.reason), row.text))
    finally:
        _move(file.name, path)


def _is_free(path: str) -> bool:
    """Whether nothing is there that anybody would miss: no file, an empty one, or an earlier list."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise InputError(f"rejects_path: {path} cannot be read: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb") as file:
        header = ",".join(_HEADER).encode()
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and file.read(len(header)) in (b"", header)


def _copied(path: str, file: IO[str]) -> bool:
    """Takes over what the earlier part has written; says whether there is such a file. Raises InputError where it is another one."""
    try:
        # The folder may belong to others: what they put there meanwhile is neither followed nor waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise InputError(f"rejects_path: {path} was replaced during the upload: {error.strerror}.") from error
    with os.fdopen(descriptor, encoding="utf-8", errors="replace", newline="") as written:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise InputError(f"rejects_path: {path} was replaced during the upload: it is not the file that its first part wrote.")
        shutil.copyfileobj(written, file)
    return True


def _temporary_beside(path: str) -> IO[str]:
    try:
        # Only its owner can read it, as with the log's own rows in it.
        return tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", errors="backslashreplace", newline="", dir=os.path.dirname(path) or ".", delete=False
        )
    except OSError as error:
        raise InputError(f"rejects_path: {path} cannot be written: {error.strerror}.") from error


def _move(name: str, path: str) -> None:
    try:
        os.replace(name, path)
    except OSError as error:
        os.unlink(name)
        raise InputError(f"rejects_path: {path} cannot be written: {error.strerror}.") from error
