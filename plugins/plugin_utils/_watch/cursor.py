# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The file that records which events were passed on. Only its owner can read it, and one source at a time can use it.

The cursor is a JSON document that is replaced as a whole. While it is large, further events are appended to a journal next to it, and the
cursor is replaced from time to time. Both are on the disk before a write returns.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ...module_utils._errors import XdrError
from ...module_utils._files import open_existing, open_own, replaced

if TYPE_CHECKING:
    from collections.abc import Sequence

_FORMATS = (1, 2)
SMALL = 1000
"""Events in a cursor that is replaced each time. A larger one is replaced when the journal has half as many events."""


class CursorError(XdrError):
    """The cursor cannot be read, written or locked."""


class Taken(NamedTuple):
    """An event that the rule engine took: the name of its kind, its key and its time in milliseconds."""

    kind: str
    key: str
    time: int


class CursorFile:
    """The cursor of one server and index (`belongs_to`); a cursor of another one is refused. All errors are CursorError."""

    def __init__(self, path: str, belongs_to: Mapping[str, str]) -> None:
        self._path = os.path.abspath(path)
        self._belongs_to = dict(belongs_to)
        self._lock_file: int | None = None
        self._journal: int | None = None
        self._room_in_journal = 0
        self._writing = threading.Lock()
        self._written = 0

    def open(self) -> Mapping[str, Any]:
        """Locks the cursor and returns its streams by kind; none if there is no cursor yet."""
        try:
            self._lock_file = open_own(f"{self._path}.lock")
        except OSError as error:
            raise self._error(error) from error
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CursorError(
                f"cursor: another source is using {self._path}. Give each source of a rulebook its own file with `cursor`, "
                "and stop an earlier ansible-rulebook that is still running."
            ) from error
        return self._streams()

    def is_due(self, taken: int) -> bool:
        """True if the cursor must be replaced now, because the journal has no room for this many events."""
        return self._journal is None or taken > self._room_in_journal

    def write(self, number: int, taken: Sequence[Taken], streams: Mapping[str, Any] | None) -> None:
        """Records the events taken since the last write, by replacing the cursor or, without streams, by appending to the journal."""
        with self._writing:
            if number <= self._written or self._lock_file is None:
                return
            try:
                if streams is None:
                    self._append(taken)
                else:
                    self._replace_all(streams)
            except OSError as error:
                raise self._error(error) from error
            self._written = number

    def close(self, streams: Mapping[str, Any]) -> None:
        """Replaces the cursor if necessary and releases its lock. Later writes are ignored."""
        with self._writing:
            if self._lock_file is None:
                return
            try:
                self._close_journal()
                if streams:
                    self._replace("", streams)
                    self._remove_journal()
            except OSError as error:
                raise self._error(error) from error
            finally:
                os.close(self._lock_file)
                self._lock_file = None

    def _replace_all(self, streams: Mapping[str, Any]) -> None:
        """Replaces the cursor.

        A large cursor gets a new journal. Both contain the same name, so that the journal is not taken for that of another cursor.
        """
        self._close_journal()
        count = sum(len(stream["sent"]) for stream in streams.values())
        name = uuid.uuid4().hex if count > SMALL else ""
        self._replace(name, streams)
        if not name:
            self._remove_journal()
            return
        self._journal = open_own(self._journal_path)
        os.ftruncate(self._journal, 0)
        self._room_in_journal = count // 2
        _write_durably(self._journal, _text(name) + b"\n")

    def _append(self, taken: Sequence[Taken]) -> None:
        if self._journal is not None and taken:
            self._room_in_journal -= len(taken)
            _write_durably(self._journal, b"".join(_text(event) + b"\n" for event in taken))

    @property
    def _journal_path(self) -> str:
        return f"{self._path}.journal"

    def _close_journal(self) -> None:
        if self._journal is not None:
            os.close(self._journal)
            self._journal = None

    def _remove_journal(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._journal_path)

    def _streams(self) -> Mapping[str, Any]:
        content = self._content(self._path)
        if content is None:
            return {}
        try:
            cursor = json.loads(content)
            streams = self._checked(cursor)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise CursorError(
                f"cursor: {self._path} is not a cursor of this source. Set `cursor` to another file, "
                "or remove this file to begin at the time in `start`."
            ) from error
        for event in _taken(self._content(self._journal_path), cursor.get("journal")):
            if event.kind in streams:
                streams[event.kind]["sent"][event.key] = event.time
        return streams

    def _content(self, path: str) -> bytes | None:
        try:
            descriptor = open_existing(path)
            if descriptor is None:
                return None
            with os.fdopen(descriptor, "rb") as file:
                return file.read()
        except OSError as error:
            raise self._error(error) from error

    def _checked(self, cursor: Mapping[str, Any]) -> Mapping[str, Any]:
        if cursor["format"] not in _FORMATS:
            raise ValueError
        for name, value in self._belongs_to.items():
            if cursor[name] != value:
                raise CursorError(
                    f"cursor: {self._path} belongs to another {name} ({cursor[name]}) than the one that is watched ({value}). "
                    "Set `cursor` to another file, or remove this file to begin at the time in `start`."
                )
        streams: Mapping[str, Any] = cursor["streams"]
        for stream in streams.values():
            if not all(isinstance(number, int) for number in (stream["since"], stream.get("searched", 0), *stream["sent"].values())):
                raise TypeError
        return streams

    def _replace(self, journal: str, streams: Mapping[str, Any]) -> None:
        with replaced(self._path) as file:
            json.dump({"format": _FORMATS[-1], **self._belongs_to, "journal": journal, "streams": streams}, file)

    def _error(self, error: OSError) -> CursorError:
        return CursorError(f"cursor: {self._path} cannot be used: {error.strerror}. Set `cursor` to a file that this user may write.")


def _text(value: Any) -> bytes:
    return json.dumps(value).encode()


def _write_durably(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)


def _taken(journal: bytes | None, name: Any) -> list[Taken]:
    """Returns the content of a cursor's journal. A line that a crash cut off is left out: its event is passed on again."""
    lines = (journal or b"").split(b"\n")[:-1]
    if not name or not lines or lines[0] != _text(name):
        return []
    found: list[Taken] = []
    for line in lines[1:]:
        try:
            kind, key, moment = json.loads(line)
        except ValueError:
            break
        if not (isinstance(kind, str) and isinstance(key, str) and isinstance(moment, int)):
            break
        found.append(Taken(kind, key, moment))
    return found
