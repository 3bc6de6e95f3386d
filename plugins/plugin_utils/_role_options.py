# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Checks and converts the variables of a role as Ansible does with the options of a module, and checks the files that a role will write.

Ansible checks the variables of a role against its argument spec, but converts nothing: a string stays a string where a list belongs.
"""

from __future__ import annotations

import difflib
import fnmatch
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._attribution.rows import check_console_url
from ._attribution.texts import AttributionError, one_line

READ = "read"
FOLDER = "folder"
WRITTEN = "written"
_NOTHING_DONE = "nothing was read or written"
_TRUE = frozenset({"yes", "on", "true", "1", "y", "t"})
_FALSE = frozenset({"no", "off", "false", "0", "n", "f"})
_CLOSE = 0.75
"""The similarity (0 to 1, by `difflib`) from which an unknown variable counts as misspelt."""
_NUMBER = re.compile(r"\s*[+-]?\d{1,18}\s*\Z", re.ASCII)


@dataclass(frozen=True)
class RoleRules:
    """The rules that an argument spec of a role cannot express. Names are those of the variables without the name of the role."""

    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The values that a variable may have. In the spec, they would refuse null."""
    exclusive: Sequence[str] = ()
    """At most one of these variables may be set."""
    required: Sequence[str] = ()
    """At least one of these variables must be set."""
    may_be_blank: Sequence[str] = ()
    """A blank text is a value of these variables. For all others, it counts as not set."""
    secret: Sequence[str] = ()
    """These variables are checked, but not returned."""
    links: Sequence[str] = ()
    """Variables with the address of an event in the console."""
    reads: Sequence[str] = ()
    """Variables with paths of files that are read."""
    writes: Sequence[str] = ()
    """Variables with the path of a file that is written."""
    defined: Sequence[str] = ()
    """The names of all variables that are set and begin like those of the role, to find misspelt ones."""
    related: Sequence[str] = ()
    """Names of variables that are not in the spec but allowed."""


def role_options(
    role: str, given: Mapping[str, Any], spec: Mapping[str, Any], defaults: Mapping[str, Any], rules: RoleRules
) -> dict[str, Any]:
    """Returns the values by short names, converted; null and blank are replaced by the default (None if there is none).

    Raises AttributionError.
    """
    _check_spelling(role, spec, rules)
    options: dict[str, Any] = {}
    for variable, described in spec.items():
        name = variable[len(role) + 1 :]
        value = given.get(variable)
        if value is None or (isinstance(value, str) and not value.strip() and name not in rules.may_be_blank):
            value = defaults.get(variable)
        converted = None if value is None else _converted(variable, value, described)
        _check_choice(variable, converted, rules.choices.get(name))
        options[name] = converted
    both = [f"{role}_{name}" for name in rules.exclusive if options.get(name) not in (None, "", [])]
    if len(both) > 1:
        raise AttributionError(f"{' and '.join(both)} exclude each other; set one of them.")
    if rules.required and not any(options.get(name) for name in rules.required):
        names = " or ".join(f"{role}_{name}" for name in rules.required)
        raise AttributionError(f"{names} is missing; set it to the log or history that the role must read.")
    for name in rules.links:
        check_console_url(f"{role}_{name}", options[name] or "")
    shown = {name: value for name, value in options.items() if name not in rules.secret}
    return {**shown, "places": places_to_check(role, options, rules.reads, rules.writes)}


def texts(name: str, value: Any) -> tuple[str, ...]:
    """Returns a list from a string, a comma-separated string or a list, as modules do; raises AttributionError for anything else."""
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, (bool, Mapping)) or not isinstance(value, Sequence):
        raise AttributionError(f"{name}: {_kind(value)} was given; give one text, a comma-separated text or a list of texts.")
    for item in value:
        if not isinstance(item, str):
            raise AttributionError(f"{name}: {_kind(item)} was given as an item of the list; each item must be a text.")
    return tuple(value)


def _check_choice(variable: str, value: Any, allowed: Sequence[str] | None) -> None:
    """Raises AttributionError if the value, or an item of a list, is not allowed."""
    for one in value if isinstance(value, list) else [value]:
        if allowed and one is not None and one not in allowed:
            raise AttributionError(f"value of {variable} must be one of: {', '.join(allowed)}; not {one_line(str(one))!r}.")


def _check_spelling(role: str, spec: Iterable[str], rules: RoleRules) -> None:
    """Raises AttributionError if the name of a variable is similar to one of these. All others may belong to the site."""
    known = {name[len(role) + 1 :]: name for name in spec}
    for name in sorted(set(rules.defined) - set(known.values()) - set(rules.related)):
        close = difflib.get_close_matches(name[len(role) + 1 :], known, n=1, cutoff=_CLOSE)
        if close:
            raise AttributionError(
                f"there is no variable {name}; did you mean {known[close[0]]}? Nothing was read or sent. Correct the name; if the variable"
                " serves something else, rename it."
            )


def _converted(variable: str, value: Any, described: Mapping[str, Any]) -> Any:
    kind = described.get("type", "str")
    if kind == "list":
        return list(texts(variable, value))
    if kind == "str":
        return _text(variable, value)
    if kind == "int":
        return _number(variable, value)
    if kind == "bool":
        return _flag(variable, value)
    if kind == "dict" and not isinstance(value, Mapping):
        raise AttributionError(f"{variable}: {_kind(value)} was given; a dictionary is needed.")
    return value


def _text(variable: str, value: Any) -> str:
    if isinstance(value, (Mapping, list, tuple)):
        raise AttributionError(f"{variable}: {_kind(value)} was given; a single text is needed.")
    return str(value)


def _number(variable: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _NUMBER.match(value):
        return int(value)
    raise AttributionError(f"{variable}: {_shown(value)} is not a whole number.")


def _flag(variable: str, value: Any) -> bool:
    word = str(value).strip().lower()
    if not isinstance(value, (Mapping, list, tuple)) and word in _TRUE | _FALSE:
        return word in _TRUE
    raise AttributionError(f"{variable}: {_shown(value)} is neither true nor false.")


def _shown(value: Any) -> str:
    return _kind(value) if isinstance(value, (Mapping, list, tuple)) else repr(one_line(str(value)))


def _kind(value: Any) -> str:
    """Returns the type of a value for a message; never the value itself, which may be long."""
    if isinstance(value, Mapping):
        return "a dictionary"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "nothing (null)"
    if isinstance(value, str):
        return "one text"
    return f"a boolean ({value})" if isinstance(value, bool) else f"a number ({value})"


def places_to_check(role: str, options: Mapping[str, Any], reads: Sequence[str], writes: Sequence[str]) -> list[dict[str, str]]:
    """Returns the paths that `stat` must check before anything is written; empty if there is no file to write."""
    written = [(f"{role}_{name}", options[name]) for name in writes if options[name]]
    paths = [(f"{role}_{name}", path) for name in reads for path in _listed(options[name])] if written else []
    return [
        *({"variable": variable, "path": path, "role": READ} for variable, path in paths),
        *({"variable": variable, "path": os.path.dirname(path), "role": FOLDER} for variable, path in written),
        *({"variable": variable, "path": path, "role": WRITTEN} for variable, path in written),
    ]


def check_places(places: Sequence[Mapping[str, Any]]) -> None:
    """Raises AttributionError if a file cannot be written, or would overwrite another file that is read or written.

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
