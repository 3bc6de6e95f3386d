# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a log with one of the readers, and sorts what comes out."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.options import opened_log
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.rows import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.reading import LogReader
    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.rows import Session, SessionBlock
    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.source import LogFile

COLUMNS = {"ipaddr": "VPN IP", "associated_ipaddr": "Real IP", "timestamp": "Start Time", "username": None}


@dataclass
class LogRead:
    """Everything that a reader made of a log."""

    sessions: list[Session] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    rows: int = 0
    skipped_rows: int = 0

    def add(self, blocks: Iterable[SessionBlock]) -> LogRead:
        """Takes what a reader hands out."""
        for block in blocks:
            self.rows += block.rows_read
            self.sessions += block.sessions()
            for row in block.others:
                if isinstance(row, Rejected):
                    self.rejected.append(row)
                else:
                    self.skipped[row.line] = row.reason
                    self.skipped_rows += 1
        return self

    @property
    def reasons(self) -> list[str]:
        """Why rows were skipped, in the order of the log."""
        return [reason for _line, reason in sorted(self.skipped.items())]

    def as_sessions(self) -> list[list[Any]]:
        """[line, user, ipaddr, associated_ipaddr, start, end] with times in epoch seconds."""
        return sorted(
            [row.line, row.username, row.ipaddr.text, row.associated_ipaddr.text, row.start // 1000, row.end and row.end // 1000]
            for row in self.sessions
        )

    def as_observations(self) -> list[list[Any]]:
        """[line, ipaddr, associated_ipaddr, start] with times in epoch seconds."""
        return sorted([row.line, row.ipaddr.text, row.associated_ipaddr.text, row.start // 1000] for row in self.sessions)


@contextmanager
def opened(path: object, log_format: str, *, with_ends: bool = True, **options: Any) -> Iterator[tuple[LogFile, LogReader]]:
    """The log and its reader."""
    params: dict[str, Any] = {"path": str(path), "format": log_format, "timezone": "UTC", "delimiter": ",", "encoding": "utf-8"}
    params.update({"columns": COLUMNS, "timestamp_format": "%m/%d/%y %H:%M:%S", **options})
    with opened_log(params, wants_usernames=with_ends) as (source, reader):
        yield source, reader


def read_log(path: object, log_format: str, *, with_ends: bool = True, **options: Any) -> LogRead:
    """All of it, as vpn_session_info reads it, or with_ends=False as extrahop_observation does."""
    with opened(path, log_format, with_ends=with_ends, **options) as (_source, reader):
        return LogRead().add(reader.blocks())
