# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Opens the logs of a task: finds their files and creates a reader for each.

Logs may be rotated while they are opened: rotation renames, compresses and removes files.
"""

from __future__ import annotations

import glob
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from .._errors import EmptyLogError, InputError
from .._texts import system_name
from .content import MissingLogError
from .readers import READERS
from .reading import Reading
from .source import LogFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .options import LogOptions
    from .reading import LogReader

_ATTEMPTS = 5
"""Files may be rotated this often before a file that is missing is an error."""
_ROWS_JUDGED = 9
_BLOCKS_WITHOUT_TIME = 4
"""A log without a time in this number of blocks is sorted by the time of its last write."""


@dataclass(frozen=True)
class OpenLog:
    """An open log and the reader of its format."""

    source: LogFile
    reader: LogReader

    @property
    def path(self) -> str:
        """The name of the file."""
        return self.source.path

    @property
    def modified_ms(self) -> int:
        """The time of the last write to the file before it was opened, in epoch milliseconds."""
        return self.source.modified_ms


@contextmanager
def opened_logs(options: LogOptions, *, wants_usernames: bool = True) -> Iterator[Sequence[OpenLog]]:
    """Opens the logs that the options name, each file once, in the order of their content; raises InputError."""
    with ExitStack() as stack:
        sources = _opened_files(options)
        for source in sources:
            stack.enter_context(source)
        logs = [OpenLog(source, _reader(source, options, wants_usernames)) for source in sources]
        yield sorted(logs, key=_first_time) if len(logs) > 1 else logs


def _reader(source: LogFile, options: LogOptions, wants_usernames: bool) -> LogReader:
    return READERS[options.format](Reading(source, options, wants_usernames))


def _first_time(log: OpenLog) -> int:
    """Returns the time of a log's first rows, in epoch milliseconds; if they have none, the time of the last write to the file. This is the
    time at which rows were written, not the start of their sessions. A single wrong time is ignored.
    """
    try:
        for count, block in enumerate(log.reader.records()):
            times = list(islice((record.time for record in block.records() if record.time is not None), _ROWS_JUDGED))
            if times:
                return sorted(times)[len(times) // 2]
            if count >= _BLOCKS_WITHOUT_TIME:
                break
    except EmptyLogError:
        pass
    finally:
        log.source.take_records()
    return log.modified_ms


def _opened_files(options: LogOptions) -> list[LogFile]:
    """The files, each once, opened; raises InputError. Files that match a pattern may be renamed or removed meanwhile."""
    for attempt in range(_ATTEMPTS):
        names = _names(options.paths)
        sources: list[LogFile] = []
        try:
            for name, is_named in names:
                _open(name, options.encoding, sources, must_exist=is_named or attempt == _ATTEMPTS - 1)
        except InputError:
            _close(sources)
            raise
        if len(names) == 1 or attempt == _ATTEMPTS - 1 or not _has_moved(sources, options.paths):
            break
        _close(sources)
    return _each_once(sources)


def _names(paths: Iterable[str]) -> list[tuple[str, bool]]:
    """Returns the names of files, and whether the option contains them literally; raises InputError if a pattern matches nothing."""
    names: dict[str, bool] = {}
    for path in paths:
        if not glob.has_magic(path) or os.path.lexists(system_name(path)):
            names[path] = True
            continue
        found = sorted(glob.glob(system_name(path)))
        files = [name for name in found if os.path.isfile(name)]
        if not files:
            raise InputError(f"paths: no file on the host that runs the module matches {path}.")
        for name in files:
            names.setdefault(name.decode("utf-8", "surrogateescape"), False)
    return list(names.items())


def _open(name: str, encoding: str, sources: list[LogFile], *, must_exist: bool) -> None:
    try:
        sources.append(LogFile(name, encoding))
    except MissingLogError:
        if must_exist:
            raise


def _has_moved(sources: Iterable[LogFile], paths: Iterable[str]) -> bool:
    """True if a name now belongs to a different file than the one that was opened: logs were rotated in between."""
    opened = {source.content.identity for source in sources}
    for name, _is_named in _names(paths):
        try:
            status = os.stat(system_name(name))
        except OSError:
            return True
        if (status.st_dev, status.st_ino) not in opened:
            return True
    return False


def _each_once(sources: Iterable[LogFile]) -> list[LogFile]:
    """Returns the files, each once, even if several names or links lead to it."""
    by_identity: dict[tuple[int, int], LogFile] = {}
    for source in sources:
        if by_identity.setdefault(source.content.identity, source) is not source:
            source.close()
    return list(by_identity.values())


def _close(sources: Iterable[LogFile]) -> None:
    for source in sources:
        source.close()
