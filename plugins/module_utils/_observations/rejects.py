# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The file of rejected rows, for people who fix them: line, reason, and the original row."""

from __future__ import annotations

import csv
import os
import stat
import tempfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from .._errors import InputError
from .._texts import shorten, system_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .observed import RejectedRow


_HEADER = ("line", "reason", "row")
_FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")


def check_rejects_path(path: str, logs: Sequence[str], ledger: str | None) -> None:
    """Raises InputError if the list would replace another file. `logs` and `ledger` are files of the same task."""
    if os.path.isdir(system_name(path)):
        raise InputError(f"rejects_path: {path} is a folder; give the name of a file in it.")
    for option, other in (*[("path", log) for log in logs], ("ledger", ledger)):
        if other and os.path.realpath(system_name(other)) == os.path.realpath(system_name(path)):
            raise InputError(f"rejects_path: {path} is the file of `{option}`, which it would overwrite; give another name.")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(system_name(folder)):
        raise InputError(f"rejects_path: there is no folder {folder} on the host that runs the module; create it, or give another name.")
    if not _is_free(path):
        raise InputError(f"rejects_path: {path} exists and is not a list of rejects; remove it, or give another name.")


@contextmanager
def rejects_file(path: str) -> Iterator[Callable[[RejectedRow], None]]:
    """Yields a function that appends a row to the file. The file gets its final name at the end, so nobody reads an incomplete one. Raises
    InputError.
    """
    file, temporary = _temporary_beside(path)
    writer = csv.writer(file)

    def write(*values: object) -> None:
        with _explained(path):
            writer.writerow(values)

    try:
        write(*_HEADER)
        yield lambda row: write(row.line, spreadsheet_safe(shorten(row.reason)), spreadsheet_safe(row.text))
    finally:
        try:
            with _explained(path):
                file.close()
        finally:
            _move(temporary, path)


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"rejects_path: {path} cannot be written: {error.strerror}. The list ends with the last row that could be written. Free some "
            "space or give another name, and run again: rows that were uploaded are not sent again."
        ) from error


def spreadsheet_safe(text: str) -> str:
    """Returns the text, with an apostrophe before it if a spreadsheet would run it as a formula.

    A text that begins with apostrophes before such a character gets one more, so taking away the first one always restores the text.
    """
    return f"'{text}" if text.lstrip("'")[:1] in _FORMULA_BEGINNINGS and text else text


def _is_free(path: str) -> bool:
    """True if the path can be used: there is no file, an empty file, or an earlier list."""
    try:
        descriptor = os.open(system_name(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise InputError(f"rejects_path: {path} cannot be read: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InputError(f"rejects_path: {path} is a device, pipe or socket, not a regular file; give the name of a file.")
        header = ",".join(_HEADER).encode()
        return file.read(len(header)) in (b"", header)


def _temporary_beside(path: str) -> tuple[IO[str], bytes]:
    try:
        # Only its owner can read it, because it contains rows of the log.
        descriptor, name = tempfile.mkstemp(dir=system_name(os.path.dirname(path) or "."))
    except OSError as error:
        raise InputError(f"rejects_path: {path} cannot be written: {error.strerror}.") from error
    return os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline=""), name


def _move(temporary: bytes, path: str) -> None:
    try:
        os.replace(temporary, system_name(path))
    except OSError as error:
        os.unlink(temporary)
        raise InputError(f"rejects_path: {path} cannot be written: {error.strerror}.") from error
