# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged logs: cut anywhere, joined with another message, or with something inserted. Also reads the records of a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import ALIVE, END, REJECTED, START

from support.log_reading import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import Record

INSERTED = (",", " ", ", ", " +0200", " PM", " word", "\t", '"')


def records_of(path: Path, log_format: str, text: str | None = None, **options: Any) -> list[Record]:
    """All records of a log; with `text`, the log is written first."""
    if text is not None:
        path.write_bytes(text.encode())
    with opened(path, log_format, **options) as (_source, reader):
        return [record for block in reader.records() for record in block.records()]


def cut(text: str) -> Iterator[str]:
    """The text, cut at every character."""
    return (text[:place] for place in range(len(text)))


def joined(text: str, other: str) -> Iterator[str]:
    """The text, cut at every character and followed at once by the other one; also without its beginning."""
    for place in range(1, len(text) + 1):
        yield text[:place] + other
        yield text[place:] + other


def with_insertions(text: str) -> Iterator[str]:
    """The text with something inserted before every character."""
    return (text[:place] + inserted + text[place:] for place in range(len(text)) for inserted in INSERTED)


def claims(records: list[Record]) -> set[tuple[str, str | None, str | None, int]]:
    """The facts in the log about an address: user, VPN address, outside address (or None) and time in seconds."""
    return {
        (record.username, record.ipaddr, record.associated_ipaddr, _seconds(record))
        for record in records
        if record.kind in (START, ALIVE) and record.ipaddr
    }


def ends(records: list[Record]) -> set[tuple[str, str | None, str | None, int]]:
    """The same for the ends of sessions."""
    return {(record.username, record.ipaddr, record.associated_ipaddr, _seconds(record)) for record in records if record.kind == END}


def rejected(records: list[Record]) -> list[int]:
    """The lines that were rejected."""
    return [record.line for record in records if record.kind == REJECTED]


def _seconds(record: Record) -> int:
    return (record.time or 0) // 1000
