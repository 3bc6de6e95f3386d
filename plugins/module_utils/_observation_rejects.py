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
from typing import IO, TYPE_CHECKING

from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._texts import shorten

if TYPE_CHECKING:
    from types import TracebackType

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._rows import Rejected


class RejectsFile:
    """Written beside its final name and moved there at the end, so that nobody reads half of it. Without a path, nothing is written."""

    def __init__(self, path: str | None, *, goes_on: bool) -> None:
        """With C(goes_on), rows are added to those that an earlier part of the same upload has written."""
        self._path = path
        self._goes_on = goes_on
        self._file: IO[str] | None = None

    def __enter__(self) -> RejectsFile:
        if self._path:
            if os.path.isdir(self._path):
                raise InputError(f"rejects_path: {self._path} is a folder; give the name of a file in it.")
            try:
                # Only its owner can read it, as with the log's own rows in it.
                self._file = tempfile.NamedTemporaryFile(
                    "w", encoding="utf-8", errors="backslashreplace", newline="", dir=os.path.dirname(self._path) or ".", delete=False
                )
            except OSError as error:
                raise InputError(f"rejects_path: {self._path} cannot be written: {error.strerror}.") from error
            self._writer = csv.writer(self._file)
            if self._goes_on and os.path.isfile(self._path):
                with open(self._path, encoding="utf-8", newline="") as written:
                    shutil.copyfileobj(written, self._file)
            else:
                self._writer.writerow(("line", "reason", "row"))
        return self

    def add(self, row: Rejected) -> None:
        """Appends a row."""
        if self._file:
            self._writer.writerow((row.line, shorten(row.reason), row.text))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file and self._path:
            self._file.close()
            try:
                os.replace(self._file.name, self._path)
            except OSError as failure:
                os.unlink(self._file.name)
                raise InputError(f"rejects_path: {self._path} cannot be written: {failure.strerror}.") from failure
