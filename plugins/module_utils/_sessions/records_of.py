# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""The records of a block, as long as some readers return sessions instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._vpn_log.records import REJECTED, SKIPPED, START, Record, RecordBlock
from .._vpn_log.rows import Rejected

if TYPE_CHECKING:
    from .._vpn_log.rows import SessionBlock


def records_of(block: RecordBlock | SessionBlock) -> list[Record]:
    """All records, in the order of their lines."""
    if isinstance(block, RecordBlock):
        return list(block.records())
    found = [
        Record(one.line, START, None, one.username, one.ipaddr.text, one.associated_ipaddr.text, one.start, None, one.end)
        for one in block.sessions()
    ]
    for other in block.others:
        if isinstance(other, Rejected):
            found.append(Record(other.line, REJECTED, other.reason, text=other.text))
        else:
            found.append(Record(other.line, SKIPPED, other.reason))
    return sorted(found, key=lambda record: record.line)
