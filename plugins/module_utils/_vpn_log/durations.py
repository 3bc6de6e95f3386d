# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Durations of sessions as logs write them: seconds, with or without a fraction, or `[days ]h:mm:ss`."""

from __future__ import annotations

import re

_SECONDS = re.compile(r"(\d{1,9})(?:\.\d*)?\Z", re.ASCII)
_CLOCK = re.compile(r"(?:(\d{1,4})(?:d| days?,?)? )?(\d{1,5}):(\d\d):(\d\d)(?:\.\d*)?\Z", re.ASCII)


def duration_to_milliseconds(text: str) -> int | None:
    """The duration, cut to whole seconds; None if the text is none."""
    stripped = text.strip()
    match = _SECONDS.match(stripped)
    if match:
        return int(match[1]) * 1000
    match = _CLOCK.match(stripped)
    if not match or int(match[3]) > 59 or int(match[4]) > 59:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
