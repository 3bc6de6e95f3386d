# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The input of a reader of one format, and the interface that it must have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .._times.zones import Zone
    from .options import LogColumns, LogOptions
    from .records import RecordBlock
    from .source import LogFile


_SHOWN_MESSAGES = 20


@dataclass(frozen=True)
class Reading:
    """An open log and the options that say how to read it."""

    source: LogFile
    options: LogOptions
    wants_usernames: bool = True

    @property
    def zone(self) -> Zone:
        """The zone of times that carry none."""
        return self.options.zone

    @property
    def timestamp_format(self) -> str:
        """How times are written, for formats that leave it open."""
        return self.options.timestamp_format

    @property
    def delimiter(self) -> str:
        """The separator of columns, for formats that leave it open."""
        return self.options.delimiter

    @property
    def columns(self) -> LogColumns:
        """The names of columns, for formats that leave them open."""
        return self.options.columns


class LogReader(Protocol):
    """A reader of one format. It never raises for a row; it raises InputError where the file as a whole is not of its format."""

    repeated_lines: int | None
    """The number of first lines that it needs to continue in the middle of a log; None if it must begin at the start."""

    dates_are_settled: bool
    """False while what has been read may have day and month exchanged, so that nothing of it may be used yet."""

    unknown_messages: Mapping[str, int]
    """Messages that name a user and an inside address and that are not known: their number or name, and how many there were."""

    def records(self) -> Iterator[RecordBlock]:
        """Every row of the log from its start; may be called again for another pass."""


def unknown_messages_text(path: str, messages: Mapping[str, int]) -> Iterator[str]:
    """A warning about messages that may assign addresses and are not known; nothing if there are none."""
    if messages:
        listed = ", ".join(f"{name} ({count})" for name, count in sorted(messages.items(), key=lambda item: -item[1])[:_SHOWN_MESSAGES])
        yield (
            f"{path} has messages that name a user and an inside address and are not known to this collection: {listed}. "
            "They were counted as other_message. If they assign addresses, please report them."
        )
