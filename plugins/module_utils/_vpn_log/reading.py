# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The interface of readers, their input, and the reader for logs with one message per line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .._errors import EmptyLogError, OtherFormatError
from .records import OTHER_MESSAGE, SKIPPED, RecordBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from .._times.zones import Zone
    from .options import LogColumns, LogOptions
    from .records import Record
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
        """The zone of times without one."""
        return self.options.zone

    @property
    def timestamp_format(self) -> str:
        """The form of times, for formats that do not define it."""
        return self.options.timestamp_format

    @property
    def delimiter(self) -> str:
        """The separator of columns, for formats that do not define it."""
        return self.options.delimiter

    @property
    def columns(self) -> LogColumns:
        """The names of columns, for formats that do not define them."""
        return self.options.columns


class LogReader(Protocol):
    """A reader of one format. It never raises for a row; it raises InputError if the file as a whole has another format."""

    repeated_lines: int | None
    """The number of first lines that it needs to continue in the middle of a log; None if it must begin at the start."""

    dates_are_settled: bool
    """False while day and month may be exchanged in the rows so far, so that none of them may be used yet."""

    unknown_messages: Mapping[str, int]
    """Unknown messages with a user and an inside address: their number or name, and how often they occurred."""

    other_programs: Mapping[str, int]
    """Lines of other programs, by program, that the last pass skipped as other_message."""

    def records(self) -> Iterator[RecordBlock]:
        """Yields every row of the log; may be called again for another pass."""


class LineParser(Protocol):
    """The meaning of a line of one format."""

    has_recognised: bool
    """True if a line was a message of this format, about a session or not."""

    unknown_messages: dict[str, int]
    """Unknown messages with a user and an inside address: their kind, and how often they occurred."""

    other_programs: dict[str, int]
    """Numbers of lines in other formats, by the program that wrote them."""

    def records(self, number: int, line: str) -> Iterable[Record]:
        """Returns the records of a filled line, or earlier ones that it completes."""

    def rest(self) -> Iterable[Record]:
        """Returns the records that were waiting for further lines."""


class LineReader:
    """Reads a log line by line, with a new parser for each pass. `what` names the format in errors."""

    repeated_lines: int | None = 0
    dates_are_settled = True
    may_have_no_sessions = False
    """True if a log of this format is often without any session."""

    def __init__(self, reading: Reading, new_parser: Callable[[Reading], LineParser], what: str) -> None:
        self.reading = reading
        self.new_parser = new_parser
        self._what = what
        self.unknown_messages: Mapping[str, int] = {}
        self.other_programs: Mapping[str, int] = {}

    def records(self) -> Iterator[RecordBlock]:
        """The records of every line that is not blank.

        Raises InputError if no line is of the format, EmptyLogError if there is no line. A block holds all records up to the place in
        the log that has been read, so that reading can continue there.
        """
        source, parser = self.reading.source, self.new_parser(self.reading)
        self.unknown_messages, self.other_programs = parser.unknown_messages, parser.other_programs
        is_empty, has_sessions = True, self.may_have_no_sessions
        for numbers, lines in self.lines():
            records = list(map(self.shown, source.take_records()))
            for number, line in zip(numbers, lines):
                if line and not line.isspace():
                    records.extend(parser.records(number, line))
            is_empty = is_empty and not records and not parser.has_recognised
            has_sessions = has_sessions or not all(map(_is_other, records))
            yield RecordBlock(others=records)
        records = [*parser.rest(), *map(self.shown, source.take_records())]
        yield RecordBlock(others=records)
        if is_empty and not records:
            raise EmptyLogError(
                f"path: {source.path} is empty. If the log was just rotated, run again when it has lines; "
                "with `on_invalid: skip`, such a file is not an error."
            )
        # If reading continues in the middle of a log, an earlier run recognised its format.
        if not source.is_entered and not parser.has_recognised:
            raise OtherFormatError(f"path: no line of {source.path} is {self._what}. Check `path` and `format`.")
        if not source.is_entered and not has_sessions and all(map(_is_other, records)):
            raise EmptyLogError(
                f"path: {source.path} has messages of this gateway, and none of them is about VPN sessions. Check that the gateway logs "
                "those (see the guide on log formats) and that nothing rewrote them; with `on_invalid: skip`, such a file is not an error."
            )

    def lines(self) -> Iterator[tuple[Sequence[int], list[str]]]:
        """Blocks of lines and their numbers."""
        return ((block.numbers, block.lines) for block in self.reading.source.blocks())

    def shown(self, record: Record) -> Record:
        """Returns a line that could not be given to the parser, in the form that may be shown."""
        return record


def unknown_messages_text(path: str, messages: Mapping[str, int]) -> Iterator[str]:
    """Returns a warning about unknown messages that may assign addresses; nothing if there are none."""
    if messages:
        listed = ", ".join(f"{name} ({count})" for name, count in sorted(messages.items(), key=lambda item: -item[1])[:_SHOWN_MESSAGES])
        yield (
            f"{path} has messages that name a user and an inside address and are not known to this collection: {listed}. "
            "They were counted as other_message. If they assign addresses, please report them."
        )


def _is_other(record: Record) -> bool:
    return record.kind == SKIPPED and record.reason == OTHER_MESSAGE and record.ipaddr is None
