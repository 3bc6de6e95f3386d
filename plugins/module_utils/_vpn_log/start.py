# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Where reading of a log goes on."""

from __future__ import annotations

from typing import NamedTuple


class LogStart(NamedTuple):
    """Where reading goes on: the byte behind a line break, the number of the line before it, and how many of the first lines
    (that are not blank) are handed out again before, such as a header."""

    offset: int
    line: int
    repeated_lines: int
