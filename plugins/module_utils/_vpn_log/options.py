# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The options that say which logs to read and how, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors import InputError
from .._times.zones import Zone

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_TIMESTAMP_FORMAT = "%m/%d/%y %H:%M:%S"
LOCAL_ZONE = "local"


class LogColumns(NamedTuple):
    """The columns of a CSV log by their meaning; None if the log has no such column, or if the usual names are used."""

    ipaddr: str = "VPN IP"
    associated_ipaddr: str = "Real IP"
    timestamp: str | tuple[str, ...] = "Start Time"
    username: str | None = None
    end: str | tuple[str, ...] | None = None
    duration: str | None = None

    @classmethod
    def from_params(cls, columns: Mapping[str, Any]) -> LogColumns:
        """Raises InputError."""
        end = columns.get("end")
        return cls(
            ipaddr=columns["ipaddr"],
            associated_ipaddr=columns["associated_ipaddr"],
            timestamp=_checked_columns("columns.timestamp", columns["timestamp"]),
            username=columns["username"],
            end=None if end is None else _checked_columns("columns.end", end),
            duration=columns.get("duration"),
        )


class LogOptions(NamedTuple):
    """The logs to read, and how to read them. `paths` are files or patterns; it is empty if the task names no log."""

    paths: tuple[str, ...]
    format: str
    columns: LogColumns
    timestamp_format: str
    zone: Zone
    zone_is_given: bool
    delimiter: str
    encoding: str
    peers: Any = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> LogOptions:
        """Checks what an argument spec cannot express; raises InputError."""
        return cls(
            paths=_checked_paths(params),
            format=params["format"],
            columns=LogColumns.from_params(params["columns"]),
            timestamp_format=params["timestamp_format"],
            zone=chosen_zone(params),
            zone_is_given=bool(params["timezone"]),
            # Single quotes in YAML and in the shell keep the backslash and the t.
            delimiter="\t" if params["delimiter"] == "\\t" else params["delimiter"],
            encoding=params["encoding"],
            peers=params.get("peers"),
        )

    def key(self) -> list[Any]:
        """A digest of the options that determine how bytes become rows: a log that was read with other options is read again."""
        columns = [self.columns.ipaddr, self.columns.associated_ipaddr, self.columns.timestamp]
        peers = sorted(self.peers.items()) if isinstance(self.peers, dict) else self.peers
        return [self.format, columns, self.timestamp_format, self.zone.name, self.zone_is_given, self.delimiter, self.encoding, peers]


def chosen_zone(params: Mapping[str, Any]) -> Zone:
    """Returns the zone of times without one: that of the option, otherwise that of the host. Raises InputError."""
    name = params["timezone"]
    if not name:
        return Zone.of_host()
    return Zone.of_host(is_chosen=True) if name.lower() == LOCAL_ZONE else Zone.named(name)


def _checked_paths(params: Mapping[str, Any]) -> tuple[str, ...]:
    path, paths = params.get("path"), params.get("paths")
    if path is not None:
        if not path:
            raise InputError("path: the text is empty; give the name of a log.")
        return (path,)
    if paths is None:
        return ()
    if not paths or not all(paths):
        raise InputError(
            "paths: give at least one file or pattern, and no empty texts, such as ['/var/log/vpn.csv', '/var/log/vpn.csv.*']."
        )
    return tuple(paths)


def _checked_columns(option: str, value: Any) -> str | tuple[str, ...]:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, list) and value and all(isinstance(name, str) and name for name in value):
        return tuple(value)
    raise InputError(
        f"{option}: give the name of a column, a list of names whose texts are joined by a space, "
        "or a pattern such as '{Month}/{Day}/{Year} {Time}'."
    )
