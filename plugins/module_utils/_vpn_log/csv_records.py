# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Joins the lines of a log to CSV records, in which a quoted field may contain line breaks."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from .columns import is_above_header

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .source import LineBlock, LogFile

MAX_LINES_OF_A_RECORD = 100
MAX_RECORD_CHARACTERS = 64 * 1024
"""A quote that is not closed within these limits counts as a stray quote, and only its own line is rejected."""

_ADDRESS = re.compile(r"[0-9]+(?:\.[0-9]+){3}|[0-9A-Fa-f]*:[0-9A-Fa-f]*:")


class CsvRecords:
    """Returns blocks of rows with the numbers of the lines on which they begin."""

    def __init__(self, source: LogFile, delimiter: str) -> None:
        self._source = source
        self._delimiter = delimiter
        self._width = 0
        """The number of columns of the header; 0 before it was read."""
        self._stays_open_to = 0
        """No line up to this one closes a quote that was opened before it."""

    def rows(self) -> Iterator[tuple[Sequence[int], list[list[str]]]]:
        """Blocks of line numbers and rows; a blank line is an empty row. Lines that are not CSV are rejected."""
        for numbers, lines, rows in self.blocks():
            # Without quotes, splitting gives the same result as a CSV parser in half the time.
            yield numbers, [line.split(self._delimiter) if line else [] for line in lines] if lines is not None else rows

    def blocks(self) -> Iterator[tuple[Sequence[int], list[str] | None, list[list[str]]]]:
        """Yields blocks of line numbers with lines that can be split at every delimiter, or with None and parsed rows."""
        blocks = self._source.blocks()
        waiting: deque[tuple[int, str]] = deque()
        while True:
            if not waiting:
                block = next(blocks, None)
                if block is None:
                    return
                numbers, records = block.numbers, block.lines
                text = "".join(records)
                if not text.strip("\r"):
                    # Blank lines are not rows, and a file can have any number of them.
                    yield [], [], []
                    continue
                if not self._width and '"' not in text:
                    for record in records:
                        self._look_at_header(record)
                if '"' not in text and "\r" not in text and "\0" not in text:
                    yield numbers, records, []
                    continue
                if '"' not in text:
                    numbers, rows = self._parsed(numbers, records)
                    yield numbers, None, rows
                    continue
                waiting.extend(zip(numbers, records))
            whole = list(self._whole_records(waiting, blocks))
            self._source.lines_held_back = len(waiting)
            numbers, rows = self._parsed([number for number, _record in whole], [record for _number, record in whole])
            yield numbers, None, rows

    def _parsed(self, numbers: Sequence[int], records: list[str]) -> tuple[Sequence[int], list[list[str]]]:
        try:
            rows = list(csv.reader(records, delimiter=self._delimiter))
        except csv.Error:
            rows = []
        if len(rows) == len(records):
            return numbers, rows
        rows, good_numbers = [], []
        for number, record in zip(numbers, records):
            try:
                rows_of_record = list(csv.reader([record], delimiter=self._delimiter))
                rows.append(rows_of_record[0] if rows_of_record else [])
                good_numbers.append(number)
            except csv.Error as error:
                self._source.reject(number, f"not CSV: {error}", record)
        return good_numbers, rows

    def _whole_records(self, waiting: deque[tuple[int, str]], blocks: Iterator[LineBlock]) -> Iterator[tuple[int, str]]:
        """The records that begin on the waiting lines; lines of later blocks that had to be looked at wait for the next call."""
        last = waiting[-1][0]
        while waiting and waiting[0][0] <= last:
            number, text = waiting.popleft()
            if text.count('"') % 2 == 0 or self._is_whole(text):
                self._look_at_header(text)
                yield number, text
                continue
            is_at_end = False
            while len(waiting) < MAX_LINES_OF_A_RECORD:
                following = next(blocks, None)
                if following is None:
                    is_at_end = True
                    break
                waiting.extend(zip(following.numbers, following.lines))
            record, lines_taken, is_stray = self._completed(text, waiting)
            if not lines_taken and not is_stray and is_at_end and not self._source.is_finished:
                # The rest of the record may not be written yet.
                self._source.leave_unfinished(number, text)
                waiting.clear()
                return
            if not lines_taken:
                self._source.reject(number, "a quote is opened and not closed", text)
                continue
            for _line in range(lines_taken):
                waiting.popleft()
            self._look_at_header(record)
            yield number, record

    def _look_at_header(self, record: str) -> None:
        if not self._width and record.strip() and not is_above_header(record):
            self._width = len(self._cells(record))

    def _completed(self, text: str, waiting: deque[tuple[int, str]]) -> tuple[str, int, bool]:
        """Returns the record that begins with this text, how many of the waiting lines belong to it (0 if its quote is never closed), and
        True if a line below is a row of its own, so that damage must have opened the quote.
        """
        lines = [text]
        length = len(text)
        for taken, (number, line) in enumerate(islice(waiting, MAX_LINES_OF_A_RECORD), start=1):
            lines.append(line)
            length += 1 + len(line)
            if length > MAX_RECORD_CHARACTERS:
                break
            # Each line is parsed once, however many quotes were opened before it.
            if number > self._stays_open_to:
                closes = '"' in line and self._is_whole(f'"{line}')
                # A line that closes the quote has an odd number of quotes. If it is a row nevertheless, the record has too many columns.
                if self._is_row(line) and not (closes and line.count('"') % 2):
                    return "", 0, True
                if closes:
                    return "\n".join(lines), taken, False
                self._stays_open_to = number
        return "", 0, False

    def _is_row(self, line: str) -> bool:
        """True if the line has the columns of the header, and an address."""
        if self._width < 2 or line.count(self._delimiter) < self._width - 1 or not _ADDRESS.search(line):
            return False
        return len(self._cells(line)) == self._width

    def _cells(self, record: str) -> list[str]:
        try:
            return next(csv.reader(io.StringIO(record, newline=""), delimiter=self._delimiter), [])
        except csv.Error:
            return []

    def _is_whole(self, text: str) -> bool:
        try:
            for _row in csv.reader([text], delimiter=self._delimiter, strict=True):
                pass
        except csv.Error as error:
            return "unexpected end of data" not in str(error)
        return True


def cells(line: str, delimiter: str = ",") -> list[str]:
    """The columns of a row; raises ValueError if its quotes are not closed."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise ValueError(f"not CSV: {error}; the row may be cut off") from error


def line_of(values: Sequence[str], delimiter: str = ",") -> str:
    """Returns the columns of a row as one text, which `cells` can read."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="").writerow(values)
    return text.getvalue() if values else ""
