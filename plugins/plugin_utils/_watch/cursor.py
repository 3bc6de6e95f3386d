# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The file that says how far events were handed over: written whole or not at all, for its owner only, for one source at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import threading
from typing import TYPE_CHECKING, Any

from ...module_utils._errors import XdrError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT = 1
_OWNER_ONLY = 0o600
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC


class CursorError(XdrError):
    """The cursor cannot be read, written or locked."""


class CursorFile:
    """C(belongs_to) names server and index; a cursor of another one is refused. All errors are CursorError."""

    def __init__(self, path: str, belongs_to: Mapping[str, str]) -> None:
        self._path = path
        self._belongs_to = dict(belongs_to)
        self._lock_file: int | None = None
        self._writing = threading.Lock()
        self._written = 0

    def open(self) -> Mapping[str, Any]:
        """Keeps other sources off and gives the streams of the cursor, by kind; none where there is no cursor yet."""
        try:
            os.makedirs(os.path.dirname(os.path.abspath(self._path)), mode=0o700, exist_ok=True)
            self._lock_file = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | _FLAGS, _OWNER_ONLY)
        except OSError as error:
            raise self._error(error) from error
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CursorError(
                f"cursor: another source is using {self._path}. Give each source of a rulebook a file of its own with `cursor`, "
                "and end an ansible-rulebook that still runs from before."
            ) from error
        return self._streams()

    def write(self, number: int, streams: Mapping[str, Any]) -> None:
        """Replaces the cursor, unless one with a higher number has been written already."""
        with self._writing:
            if number <= self._written:
                return
            text = json.dumps({"format": _FORMAT, **self._belongs_to, "streams": streams})
            try:
                self._replace(text.encode())
            except OSError as error:
                raise self._error(error) from error
            self._written = number

    def close(self) -> None:
        """Lets other sources in."""
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def _streams(self) -> Mapping[str, Any]:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | _FLAGS)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._error(error) from error
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise CursorError(f"cursor: {self._path} is not a regular file; set `cursor` to one.")
            content = file.read()
        try:
            return self._checked(json.loads(content))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise CursorError(
                f"cursor: {self._path} is not a cursor of this source. Set `cursor` to another file, "
                "or remove this one to begin where `start` says."
            ) from error

    def _checked(self, cursor: Mapping[str, Any]) -> Mapping[str, Any]:
        if cursor["format"] != _FORMAT:
            raise ValueError
        for name, value in self._belongs_to.items():
            if cursor[name] != value:
                raise CursorError(
                    f"cursor: {self._path} belongs to another {name} ({cursor[name]}) than the one that is watched ({value}). "
                    "Set `cursor` to another file, or remove this one to begin where `start` says."
                )
        streams: Mapping[str, Any] = cursor["streams"]
        for stream in streams.values():
            if not all(isinstance(number, int) for number in (stream["since"], *stream["sent"].values())):
                raise TypeError
        return streams

    def _replace(self, content: bytes) -> None:
        temporary = f"{self._path}.new"
        # The lock keeps other sources off this name; what a killed one left there goes.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, _OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, self._path)
        folder = os.open(os.path.dirname(os.path.abspath(self._path)), os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _error(self, error: OSError) -> CursorError:
        return CursorError(f"cursor: {self._path} cannot be used: {error.strerror}. Set `cursor` to a file that this user may write.")
