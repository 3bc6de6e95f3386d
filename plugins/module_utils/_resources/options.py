# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Options shared by the modules for events, cases and detections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._argspec import from_environment, whole_characters
from .._errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

COMMENT_ONCE = "once"
COMMENT_ALWAYS = "always"
READ_AUTO = "auto"
READ_REQUIRED = "required"
READ_NONE = "none"
MAX_CONCURRENCY = 32


def comment_mode() -> dict[str, Any]:
    """Returns the option `comment_mode`."""
    return {"type": "str", "choices": [COMMENT_ONCE, COMMENT_ALWAYS], "default": COMMENT_ONCE}


def read_access() -> dict[str, Any]:
    """Returns the option `read_access`."""
    return {"type": "str", "choices": [READ_AUTO, READ_REQUIRED, READ_NONE], "default": READ_AUTO}


def ledger() -> dict[str, Any]:
    """The option for the ledger that remembers how a server rewrites texts."""
    return from_environment("SECOPS_XDR_LEDGER", type="str", no_log=False)


def tags_to_change(where: str, add: Sequence[str] | None, remove: Sequence[str] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tags to add and to remove, each once; raises InputError for an empty tag and for one that is in both. `where` ends with a dot."""
    add_tags, remove_tags = _tags(f"{where}add_tags", add), _tags(f"{where}remove_tags", remove)
    both = [tag for tag in add_tags if tag in remove_tags]
    if both:
        raise InputError(f"{where}add_tags: the tag {both[0]} is in `add_tags` and in `remove_tags`; name it in one of them.")
    return add_tags, remove_tags


def refuse_nulls(options: Iterable[str], nulls: Collection[str], noun: str, advice: str = "") -> None:
    """Raises InputError if one of these conditions is null, which looks like an omitted option and would match everything."""
    for name in options:
        if name in nulls:
            message = f"{name}: null was given, which would match every {noun}. Leave the option out, or give a value."
            raise InputError(f"{message} {advice}".rstrip())


def _tags(option: str, tags: Sequence[str] | None) -> tuple[str, ...]:
    for position, tag in enumerate(tags or ()):
        if not tag.strip():
            raise InputError(f"{option}[{position}]: the tag is empty.")
    return tuple(dict.fromkeys(whole_characters(tag) for tag in tags or ()))
