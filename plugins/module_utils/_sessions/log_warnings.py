# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Warnings about logs that were read: what a task should set or look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._vpn_log.reading import unknown_messages_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._vpn_log.open_logs import OpenLog
    from .._vpn_log.options import LogOptions


def log_warnings(options: LogOptions, logs: Sequence[OpenLog]) -> Iterator[str]:
    """The warnings about logs that are suspicious but readable."""
    if options.zone.was_used and not options.zone_is_given:
        yield (
            f"`timezone` is not set, and there are times without a zone. They were read in {options.zone.name}, the zone of this host. "
            "Set `timezone` to the zone of the gateway, or to `local` if this one is right."
        )
    for log in logs:
        yield from unknown_messages_text(log.path, log.reader.unknown_messages)
