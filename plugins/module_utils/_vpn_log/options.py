# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The options that say which log to read and how, the same for every module that reads one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._argspec import ArgumentSpec
from .._errors import InputError
from .._times.zones import Zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .reading import LogReader
    from .source import LogFile

FORMATS = ("csv", "openvpn_as", "openvpn_status", "globalprotect", "cisco_asa", "fortigate", "wireguard")
DEFAULT_TIMESTAMP_FORMAT = "%m/%d/%y %H:%M:%S"


def log_options() -> ArgumentSpec:
    """Path, format and what the formats leave open."""
    return ArgumentSpec(
        {
            "path": {"type": "path"},
            "format": {"type": "str", "choices": list(FORMATS), "default": "csv"},
            "columns": {
                "type": "dict",
                "options": {
                    "ipaddr": {"type": "str", "default": "VPN IP"},
                    "associated_ipaddr": {"type": "str", "default": "Real IP"},
                    "timestamp": {"type": "raw", "default": "Start Time"},
                    "username": {"type": "str"},
                },
                "apply_defaults": True,
            },
            "timestamp_format": {"type": "str", "default": DEFAULT_TIMESTAMP_FORMAT},
            "timezone": {"type": "str"},
            "delimiter": {"type": "str", "default": ","},
            "encoding": {"type": "str", "default": "utf-8"},
        }
    )


def chosen_zone(params: Mapping[str, Any]) -> Zone:
    """The zone of times without one: the option's, else the host's. Raises InputError."""
    return Zone.named(params["timezone"]) if params["timezone"] else Zone.of_host()


@contextmanager
def opened_log(params: Mapping[str, Any], *, wants_usernames: bool) -> Iterator[tuple[LogFile, LogReader]]:
    """The log and a reader for its format; raises InputError."""
    from .readers import READERS
    from .reading import Reading
    from .source import LogFile

    columns = dict(params["columns"])
    columns["timestamp"] = _checked_columns("columns.timestamp", columns["timestamp"])
    with LogFile(params["path"], params["encoding"]) as source:
        reading = Reading(
            source=source,
            zone=chosen_zone(params),
            timestamp_format=params["timestamp_format"],
            delimiter=params["delimiter"],
            columns=columns,
            wants_usernames=wants_usernames,
        )
        yield source, READERS[params["format"]](reading)


def _checked_columns(option: str, value: Any) -> str | list[str]:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, list) and value and all(isinstance(name, str) and name for name in value):
        return value
    raise InputError(
        f"{option}: give the name of a column, a list of names whose texts are joined by a space, "
        "or a pattern such as '{Month}/{Day}/{Year} {Time}'."
    )
