# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Checks the files that a role is going to write, from what `stat` found on the host."""

from __future__ import annotations

import fnmatch
import os
from typing import TYPE_CHECKING, Any

from ._attribution.texts import AttributionError, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

READ = "read"
FOLDER = "folder"
WRITTEN = "written"
_NOTHING_DONE = "nothing was read or written"


def places_to_check(role: str, options: Mapping[str, Any], reads: Sequence[str], writes: Sequence[str]) -> list[dict[str, str]]:
    """The paths that `stat` must check before anything is written; empty if there is no file to write."""
    written = [(f"{role}_{name}", options[name]) for name in writes if options[name]]
    paths = [(f"{role}_{name}", path) for name in reads for path in _listed(options[name])] if written else []
    return [
        *({"variable": variable, "path": path, "role": READ} for variable, path in paths),
        *({"variable": variable, "path": os.path.dirname(path), "role": FOLDER} for variable, path in written),
        *({"variable": variable, "path": path, "role": WRITTEN} for variable, path in written),
    ]


def check_places(places: Sequence[Mapping[str, Any]]) -> None:
    """Raises AttributionError if a file cannot be written, or would be written over one that is read or written too.

    Each place is a result of `stat` in a loop over `{variable, path, role}`; the role is `read`, `folder` or `written`.
    """
    taken: dict[tuple[Any, Any], str] = {}
    paths: dict[str, str] = {}
    patterns: list[str] = []
    for place in places:
        item, found = place["item"], place.get("stat") or {}
        if item["role"] == READ:
            patterns.append(item["path"])
            if found.get("exists"):
                taken[_identity(found)] = "a VPN log that is read"
        elif item["role"] == FOLDER:
            _check_folder(item, found)
        else:
            _check_file(item, found, taken)
            path = os.path.normpath(item["path"])
            if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns):
                raise AttributionError(_overwritten(item["variable"], path, "a VPN log that is read"))
            if path in paths:
                raise AttributionError(f"{item['variable']}: {one_line(path)} is the file of {paths[path]} too; choose another path.")
            paths[path] = item["variable"]


def _check_folder(item: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    path = one_line(item["path"])
    if not item["path"].startswith(("/", "~")):
        raise AttributionError(f"{item['variable']}: {path or '.'} is not an absolute path; {_NOTHING_DONE}. Begin it with / or ~.")
    if not found.get("isdir") or not found.get("writeable"):
        raise AttributionError(
            f"{item['variable']}: {path} is not a folder that this user may write to; {_NOTHING_DONE}. Create it, or choose another path."
        )


def _check_file(item: Mapping[str, Any], found: Mapping[str, Any], taken: Mapping[tuple[Any, Any], str]) -> None:
    path = one_line(item["path"])
    if found.get("exists") and not found.get("isreg"):
        raise AttributionError(f"{item['variable']}: {path} exists and is not a file; {_NOTHING_DONE}. Name the file to write.")
    if found.get("exists") and _identity(found) in taken:
        raise AttributionError(_overwritten(item["variable"], path, taken[_identity(found)]))


def _overwritten(variable: str, path: str, what: str) -> str:
    return f"{variable}: {one_line(path)} is {what}, and the report would replace it; {_NOTHING_DONE}. Choose another path."


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


def _identity(found: Mapping[str, Any]) -> tuple[Any, Any]:
    return found.get("dev"), found.get("inode")
