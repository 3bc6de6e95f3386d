# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What every reader of VPN logs hands out, whatever the format: sessions, and rows that are none, with the reason.

Tuples instead of dataclasses: millions of them flow, and making one costs a third.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Union

if TYPE_CHECKING:
    from ansible_collections.secops.xdr.plugins.module_utils._addresses import Address

NO_ADDRESS = "no_address"
"""Skipped: the row has no VPN address or no outside address, as failed logins do."""


class Session(NamedTuple):
    """Someone outside held an address inside. Times are epoch milliseconds; C(end) is None where the log does not tell."""

    line: int
    username: str
    ipaddr: Address
    associated_ipaddr: Address
    start: int
    end: int | None


class Skipped(NamedTuple):
    """A well-formed row that is not about a session with both addresses."""

    line: int
    reason: str


class Rejected(NamedTuple):
    """A row that cannot be understood. C(text) is the row as it stands in the log, for the list of rejects."""

    line: int
    reason: str
    text: str


Row = Union[Session, Skipped, Rejected]
