# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The options that say which logs to read and how, the same for every module that reads logs, and the logs that they name."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from .._argspec import ArgumentSpec
from .._errors import EmptyLogError, InputError
from .._times.zones import Zone
from .readers import READERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .reading import LogReader
    from .source import LogFile

FORMATS = tuple(READERS)
DEFAULT_TIMESTAMP_FORMAT = "%m/%d/%y %H:%M:%S"
LOCAL_ZONE = "local"
_ROWS_JUDGED = 9
_BLOCKS_WITHOUT_TIME = 4
"""A log that has no time in so many blocks is put in order by when it was written."""


@dataclass(frozen=True)
class LogColumns:
    """Which columns of a CSV log are which; None where the log has none, or the usual names are looked for."""

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


@dataclass(frozen=True)
class LogOptions:
    """Which logs to read and how. `paths` are files or patterns; it is empty if the task names no log."""

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
            delimiter=params["delimiter"],
            encoding=params["encoding"],
            peers=params.get("peers"),
        )

    def key(self) -> list[Any]:
        """What makes the same bytes the same rows: a log that was read with other options is read again."""
        columns = [self.columns.ipaddr, self.columns.associated_ipaddr, self.columns.timestamp]
        peers = sorted(self.peers.items()) if isinstance(self.peers, dict) else self.peers
        return [self.format, columns, self.timestamp_format, self.zone.name, self.zone_is_given, self.delimiter, self.encoding, peers]


@dataclass(frozen=True)
class OpenLog:
    """An open log and the reader of its format."""

    source: LogFile
    reader: LogReader

    @property
    def path(self) -> str:
        """The name of the file."""
        return self.source.path

    @property
    def modified_ms(self) -> int:
        """When the file was last written to, in epoch milliseconds, as it was on opening."""
        return self.source.modified_ms


def log_options() -> ArgumentSpec:
    """Path, format and what the formats leave open."""
    return ArgumentSpec(
        {
            "path": {"type": "path"},
            "paths": {"type": "list", "elements": "path"},
            "format": {"type": "str", "choices": list(FORMATS), "default": "csv"},
            "columns": {
                "type": "dict",
                "options": {
                    "ipaddr": {"type": "str", "default": "VPN IP"},
                    "associated_ipaddr": {"type": "str", "default": "Real IP"},
                    "timestamp": {"type": "raw", "default": "Start Time"},
                    "username": {"type": "str"},
                    "end": {"type": "raw"},
                    "duration": {"type": "str"},
                },
                "apply_defaults": True,
            },
            "timestamp_format": {"type": "str", "default": DEFAULT_TIMESTAMP_FORMAT},
            "timezone": {"type": "str"},
            "delimiter": {"type": "str", "default": ","},
            "encoding": {"type": "str", "default": "utf-8"},
            "peers": {"type": "raw"},
        },
        mutually_exclusive=[("path", "paths")],
    )


def chosen_zone(params: Mapping[str, Any]) -> Zone:
    """The zone of times without one: the option's, else the host's. Raises InputError."""
    name = params["timezone"]
    if not name:
        return Zone.of_host()
    return Zone.of_host(is_chosen=True) if name.lower() == LOCAL_ZONE else Zone.named(name)


@contextmanager
def opened_logs(options: LogOptions, *, wants_usernames: bool = True) -> Iterator[Sequence[OpenLog]]:
    """The logs that the options name, each file once, in the order of their content; raises InputError."""
    from .choosing import opened_files

    with ExitStack() as stack:
        sources = opened_files(options)
        for source in sources:
            stack.enter_context(source)
        logs = [OpenLog(source, _reader(source, options, wants_usernames)) for source in sources]
        yield sorted(logs, key=_first_time) if len(logs) > 1 else logs


def _reader(source: LogFile, options: LogOptions, wants_usernames: bool) -> LogReader:
    from .reading import Reading

    return READERS[options.format](Reading(source, options, wants_usernames))


def _first_time(log: OpenLog) -> int:
    """The time of a log's first rows, in epoch milliseconds; if they have none, when the file was last written to.

    This is when rows were written, not when sessions began that a row tells about. A single wrong time does not count.
    """
    try:
        for count, block in enumerate(log.reader.records()):
            times = list(islice((record.time for record in block.records() if record.time is not None), _ROWS_JUDGED))
            if times:
                return sorted(times)[len(times) // 2]
            if count >= _BLOCKS_WITHOUT_TIME:
                break
    except EmptyLogError:
        pass
    finally:
        log.source.take_records()
    return log.modified_ms


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
