# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The gateway that wrote a syslog line.

A relay puts the lines of several gateways into one file, and these may assign the same addresses.
"""

from __future__ import annotations

import re

_PRIORITY = re.compile(r"<\d{1,3}>(?:\d (?=\S))?", re.ASCII)
_NAME = re.compile(r"(?=.*[A-Za-z]|\d+\.\d+\.\d+\.\d+\Z)[A-Za-z0-9_][\w.:-]*\Z", re.ASCII)
_NO_NAME = re.compile(
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|[ap]m|z|utc.*|gmt.*|(?-i:[A-Z]{1,4}T)"
    r"|\d{4}-\d\d-\d\d.*|.*\d\d:\d\d:\d\d.*|\w+\.(?:emerg|alert|crit|critical|err|error|warn|warning|notice|info|debug))\Z",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_HEAD = 300


def device_in(head: str) -> str:
    """The name in the head of a line, in lower case: the last word that is no part of a time. Empty if there is none."""
    for word in reversed(_PRIORITY.sub("", head[-_LONGEST_HEAD:]).split()):
        name = word.rstrip(":,")
        if _NAME.match(name) and not _NO_NAME.match(name):
            return name.casefold()
    return ""
