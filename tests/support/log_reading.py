# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a log with one of the readers, and sorts what comes out."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.open_logs import opened_logs
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.options import LogOptions
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import is_note, is_observation, is_skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.reading import LogReader
    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import Record, RecordBlock
    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.source import LogFile

COLUMNS = {"ipaddr": "VPN IP", "associated_ipaddr": "Real IP", "timestamp": "Start Time", "username": None}


@dataclass
class LogRead:
    """Everything that a reader made of a log."""

    observations: list[Record] = field(default_factory=list)
    """Rows with both addresses and a time."""
    skipped: dict[int, str] = field(default_factory=dict)
    """Reasons by line."""
    rejected: list[Record] = field(default_factory=list)
    rows: int = 0
    skipped_rows: int = 0

    def add(self, blocks: Iterable[RecordBlock]) -> LogRead:
        """Adds what a reader returns."""
        for block in blocks:
            self.rows += block.rows_read
            for record in block.records():
                if is_observation(record):
                    self.observations.append(record)
                elif is_skipped(record) and not is_note(record):
                    self.skipped[record.line] = str(record.reason)
                    self.skipped_rows += 1
                elif not is_note(record):
                    self.rejected.append(record)
        return self

    @property
    def reasons(self) -> list[str]:
        """Why rows were skipped, in the order of the log."""
        return [reason for _line, reason in sorted(self.skipped.items())]

    def as_sessions(self) -> list[list[Any]]:
        """[line, user, ipaddr, associated_ipaddr, start, end] with times in epoch seconds; the end only if the same row has it."""
        return sorted(
            [one.line, one.username, one.ipaddr, one.associated_ipaddr, began(one) // 1000, one.end and one.end // 1000]
            for one in self.observations
        )

    def as_observations(self) -> list[list[Any]]:
        """[line, ipaddr, associated_ipaddr, start] with times in epoch seconds."""
        return sorted([one.line, one.ipaddr, one.associated_ipaddr, began(one) // 1000] for one in self.observations)


def began(record: Record) -> int:
    """When the session began, in epoch milliseconds, as far as the row knows."""
    known = record.time if record.start is None else record.start
    if known is None:
        raise ValueError(record)
    return known


@contextmanager
def opened(path: object, log_format: str, *, wants_usernames: bool = True, **options: Any) -> Iterator[tuple[LogFile, LogReader]]:
    """The log and its reader."""
    params: dict[str, Any] = {"path": str(path), "format": log_format, "timezone": "UTC", "delimiter": ",", "encoding": "utf-8"}
    params.update({"columns": COLUMNS, "timestamp_format": "%m/%d/%y %H:%M:%S", **options})
    with opened_logs(LogOptions.from_params(params), wants_usernames=wants_usernames) as logs:
        yield logs[0].source, logs[0].reader


def read_log(path: object, log_format: str, *, wants_usernames: bool = True, **options: Any) -> LogRead:
    """All of it, as vpn_session_info reads it, or wants_usernames=False as extrahop_observation does."""
    with opened(path, log_format, wants_usernames=wants_usernames, **options) as (_source, reader):
        return LogRead().add(reader.records())
