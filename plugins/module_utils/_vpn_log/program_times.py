# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Times of programs: as syslog writes them, as the program itself writes them, or as the journal does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._texts import quoted
from .._times.timestamps import epoch_to_milliseconds
from .syslog_times import SyslogTimes

if TYPE_CHECKING:
    from .reading import Reading
    from .syslog import SyslogLine


class ProgramTimes:
    """Reads the times of the lines of one log."""

    def __init__(self, reading: Reading) -> None:
        self._times = SyslogTimes(reading.zone, reading.source.modified_ms)

    def time(self, line: SyslogLine) -> int:
        """Epoch milliseconds, whole seconds; raises ValueError."""
        if line.microseconds is not None:
            return line.microseconds // 1_000_000 * 1000
        if not line.head:
            raise ValueError("the line has no time; let the program or syslog write one")
        if line.head.replace(".", "", 1).isdigit():
            return epoch_to_milliseconds(line.head) // 1000 * 1000
        return self._times.milliseconds(_without_program(line.head))

    def time_or_none(self, line: SyslogLine) -> int | None:
        """The same, None if there is no time."""
        try:
            return self.time(line)
        except ValueError:
            return None


def _without_program(head: str) -> str:
    if len(head) > 300:
        raise ValueError(f"time {quoted(head)} is longer than any time")
    return head
