# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The paths of Stellar Cyber's API. A name is always a single segment, whatever characters it contains."""

from __future__ import annotations

import re
from urllib.parse import quote

from .._errors import InputError
from .._texts import quoted

TOKEN_PATH = "/connect/api/v1/access_token"
INSERT_PATH = "/connect/api/v1/insert_ser"
UPDATE_SER_PATH = "/connect/api/update_ser"
SCROLL_PATH = "/connect/api/data/_search/scroll"
DEFAULT_PATTERN = "aella-ser-*"
"""The index pattern of events on premises; on SaaS it is `stellar-index-v1-ser-{org_id}-*`."""

LONGEST_LINE = 3800
"""Bytes of a request line that every server and proxy accepts: some refuse more than 4096."""
_NOT_IN_INDEX = re.compile(r'[\\/?"<>|\s#:]')
_LONGEST_NAME = 512


def event_path(index: str, identifier: str) -> str:
    """The path for reading one event."""
    return f"/connect/api/data/{quote(index, safe='')}/amsg/{quote(identifier, safe='')}"


def search_path(pattern: str) -> str:
    """The path for searching the events of an index pattern."""
    return f"/connect/api/data/{quote(pattern, safe='*,')}/_search"


def security_event_path(index: str, identifier: str) -> str:
    """The path for updating one event on newer servers."""
    return f"/connect/api/v1/security_events/{quote(index, safe='')}/{quote(identifier, safe='')}"


def checked_id(option: str, value: str) -> str:
    """Returns the id of an event; raises InputError if it cannot be an id."""
    return _checked_name(option, value, "id (`_id` at the end of the event's details)")


def checked_index(option: str, value: str) -> str:
    """Returns the name of a single index; raises InputError if it cannot be one."""
    name = checked_pattern(option, value)
    if "*" in name or "," in name:
        raise InputError(f"{option}: {quoted(value)} names several indices; give the one that contains the event (its `_index`).")
    return name


def checked_pattern(option: str, value: str) -> str:
    """Returns the name of an index or a pattern for several; raises InputError if it cannot be one."""
    name = _checked_name(option, value, f"index name such as {DEFAULT_PATTERN}")
    if _NOT_IN_INDEX.search(name) or name.startswith(("_", "-", "+")):
        raise InputError(f"{option}: {quoted(value)} is not an index name: it contains a character that no index name has.")
    return name


def _checked_name(option: str, value: str, what: str) -> str:
    if not value.strip():
        raise InputError(f"{option}: the value is empty; give an {what}.")
    if value in (".", "..") or not value.isprintable() or len(value) > _LONGEST_NAME:
        raise InputError(f"{option}: {quoted(value)} cannot be an {what}.")
    return value
