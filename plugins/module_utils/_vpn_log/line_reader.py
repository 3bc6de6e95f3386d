# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The reader of logs in which each line is a message of its own; what a line means is for a parser of one format to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .._errors import EmptyLogError, InputError
from .rows import as_records
from .session_ends import with_ends, without_ends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .reading import Reading
    from .records import RecordBlock
    from .rows import Rejected, SessionBlock
    from .session_ends import LoggedRow


class LineParser(Protocol):
    """What a line of one format means."""

    has_recognised: bool
    """Whether any line was a message of this format, be it about a session or not."""

    def rows(self, number: int, line: str) -> Iterable[LoggedRow]:
        """What a line that is not blank gives, or completes."""

    def rest(self) -> Iterable[LoggedRow]:
        """What waited for lines that did not come."""


class LineReader:
    """Goes through a log line by line, with a new parser each time; C(what) names the format in errors."""

    def __init__(self, reading: Reading, new_parser: Callable[[Reading], LineParser], what: str) -> None:
        self.repeated_lines: int | None = 0
        self.dates_are_settled = True
        self._reading = reading
        self._new_parser = new_parser
        self._what = what

    def records(self) -> Iterator[RecordBlock]:
        """The same rows as records."""
        return map(as_records, self.blocks())

    def blocks(self) -> Iterator[SessionBlock]:
        """Every line that is not blank; raises InputError where none is of the format, EmptyLogError where there is none.

        As everywhere, a block holds all rows up to the place in the log that has been read by then, so that reading can go on there;
        except where sessions are held back until their end is found.
        """
        blocks = self._blocks_of_rows()
        return with_ends(blocks, of_events=False) if self._reading.wants_usernames else map(without_ends, blocks)

    def _blocks_of_rows(self) -> Iterator[list[LoggedRow]]:
        source, parser = self._reading.source, self._new_parser(self._reading)
        is_empty = True
        for block in source.blocks():
            rows: list[LoggedRow] = list(map(self.shown, source.take_rejected()))
            for number, line in zip(block.numbers, block.lines):
                if line and not line.isspace():
                    rows.extend(parser.rows(number, line))
            is_empty = is_empty and not rows and not parser.has_recognised
            yield rows
        rows = [*parser.rest(), *map(self.shown, source.take_rejected()), *source.take_skipped()]
        yield rows
        if is_empty and not rows:
            raise EmptyLogError(
                f"path: {source.path} is empty. If the log was just rotated, run again when it has lines; "
                "with `on_invalid: skip` such a file is no error."
            )
        # Where reading goes on in the middle of a log, its format has been seen before.
        if not source.is_entered and not parser.has_recognised:
            raise InputError(f"path: no line of {source.path} is {self._what}. Check `path` and `format`.")

    def shown(self, rejected: Rejected) -> Rejected:
        """A line that is no text, as people may see it."""
        return rejected
