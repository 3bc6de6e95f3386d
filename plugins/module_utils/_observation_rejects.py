# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The file of rejected rows, for people who mend them: line, reason, and the row as it was."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._texts import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._rows import Rejected


@contextmanager
def rejects_file(path: str, *, goes_on: bool) -> Iterator[Callable[[Rejected], None]]:
    """What appends a row to the file, which is written beside its final name and moved there at the end: nobody reads half of it.

    With C(goes_on), rows are added to those that an earlier part of the same upload has written. Raises InputError.
    """
    file = _temporary_beside(path)
    try:
        with file:
            writer = csv.writer(file)
            if goes_on and os.path.isfile(path):
                with open(path, encoding="utf-8", newline="") as written:
                    shutil.copyfileobj(written, file)
            else:
                writer.writerow(("line", "reason", "row"))
            yield lambda row: writer.writerow((row.line, shorten(row.reason), row.text))
    finally:
        _move(file.name, path)


def _temporary_beside(path: str) -> IO[str]:
    if os.path.isdir(path):
        raise InputError(f"rejects_path: {path} is a folder; give the name of a file in it.")
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
