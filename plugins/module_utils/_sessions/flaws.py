# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Why nobody may be named from a row that takes an address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._vpn_log.records import Record

NO_USER = "no_user"
DAMAGED_USER = "damaged_user"
NO_OUTSIDE_ADDRESS = "no_outside_address"
UNUSABLE = "unusable"

WORDS = {
    NO_USER: "the row names no user",
    DAMAGED_USER: "the name of the user cannot be read",
    NO_OUTSIDE_ADDRESS: "the row has no outside address that can be read",
    UNUSABLE: "the row takes the address, but not for a session that was let in",
}
_REPLACEMENT = "\ufffd"
_RESIDUE = re.compile(r"#0[0-3][0-7]|[\x00-\x1f\x7f]")
"""Replacements of control characters by collectors: two messages may have become one."""
_MASK = "*"
_NOBODY = frozenset(
    {"-", "(null)", "<null>", "null", "none", "n/a", "undef", "undefined", "unknown", "<unknown>", "(unknown)", "anonymous"}
)
"""The texts that gateways write if there is no name."""
_LISTED = frozenset({"", NO_USER, DAMAGED_USER})


def flaw_of(record: Record) -> str:
    """A code of `WORDS`; empty where the row can be used."""
    name = record.username.strip()
    if not name.strip(_MASK + "\"'?") or name.casefold() in _NOBODY:
        return NO_USER
    if _REPLACEMENT in name or _RESIDUE.search(name):
        return DAMAGED_USER
    if record.associated_ipaddr is None:
        return NO_OUTSIDE_ADDRESS
    return UNUSABLE if record.reason is not None and record.reason not in _KEEPS_THE_ADDRESS else ""


def is_listed(flaw: str) -> bool:
    """True if a claim is a session that lists show: one with both addresses that was let in."""
    return flaw in _LISTED


_KEEPS_THE_ADDRESS = frozenset({"same_session", "session_end"})
"""Reasons not to upload a row of a session that another row began."""
