# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Which files `path` and `paths` mean, and how they are opened while logs are rotated."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING

from .._errors import InputError
from .._texts import system_name
from .opening import MissingLogError
from .source import LogFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .options import LogOptions

_ATTEMPTS = 5
"""Rotation renames, compresses and removes files while they are opened."""


def opened_files(options: LogOptions) -> list[LogFile]:
    """The files, each once, opened; raises InputError. Files that a pattern finds may be renamed or removed meanwhile."""
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
    """The names of files, and whether the option gives them itself; raises InputError if a pattern finds nothing."""
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
    """The names mean other files now than those that were opened: logs were rotated in between."""
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
    """The files without those that another name or link means as well."""
    by_identity: dict[tuple[int, int], LogFile] = {}
    for source in sources:
        if by_identity.setdefault(source.content.identity, source) is not source:
            source.close()
    return list(by_identity.values())


def _close(sources: Iterable[LogFile]) -> None:
    for source in sources:
        source.close()
