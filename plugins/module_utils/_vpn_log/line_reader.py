# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The reader of logs in which each line is a message of its own; a parser of one format says what a line means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .._errors import EmptyLogError, InputError
from .records import OTHER_MESSAGE, SKIPPED, RecordBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from .reading import Reading
    from .records import Record


class LineParser(Protocol):
    """The meaning of a line of one format."""

    has_recognised: bool
    """A line was understood as a message of this format, about a session or not."""

    unknown_messages: dict[str, int]
    """Messages that name a user and an inside address and that the format does not know: their kind, and how many there are."""

    def records(self, number: int, line: str) -> Iterable[Record]:
        """The records of a line that is not blank, or those that it completes."""

    def rest(self) -> Iterable[Record]:
        """The records that waited for lines that did not come."""


class LineReader:
    """Reads a log line by line, with a new parser for each pass. `what` names the format in errors."""

    repeated_lines: int | None = 0
    dates_are_settled = True
    may_have_no_sessions = False
    """A log of this format without any session is nothing unusual."""

    def __init__(self, reading: Reading, new_parser: Callable[[Reading], LineParser], what: str) -> None:
        self.reading = reading
        self.new_parser = new_parser
        self._what = what
        self.unknown_messages: Mapping[str, int] = {}

    def records(self) -> Iterator[RecordBlock]:
        """The records of every line that is not blank.

        Raises InputError if no line is of the format, EmptyLogError if there is no line. A block holds all records up to the place in
        the log that has been read, so that reading can continue there.
        """
        source, parser = self.reading.source, self.new_parser(self.reading)
        self.unknown_messages = parser.unknown_messages
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
        # If reading continues in the middle of a log, its format has been recognised before.
        if not source.is_entered and not parser.has_recognised:
            raise InputError(f"path: no line of {source.path} is {self._what}. Check `path` and `format`.")
        if not source.is_entered and not has_sessions and all(map(_is_other, records)):
            raise EmptyLogError(
                f"path: {source.path} has messages of this gateway, and none of them is about VPN sessions. Check that the gateway logs "
                "those (see the guide on log formats) and that nothing rewrote them; with `on_invalid: skip`, such a file is not an error."
            )

    def lines(self) -> Iterator[tuple[Sequence[int], list[str]]]:
        """Blocks of lines and their numbers."""
        return ((block.numbers, block.lines) for block in self.reading.source.blocks())

    def shown(self, record: Record) -> Record:
        """A line that could not be given to the parser, as people may see it."""
        return record


def _is_other(record: Record) -> bool:
    return record.kind == SKIPPED and record.reason == OTHER_MESSAGE and record.ipaddr is None
