# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The lines of a log put together to CSV records, where a quoted field may go over several lines."""

from __future__ import annotations

import csv
from collections import deque
from typing import TYPE_CHECKING

from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._rows import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._source import LogFile

MAX_LINES_OF_A_RECORD = 100
MAX_RECORD_CHARACTERS = 64 * 1024
"""A quote that is not closed within these bounds is taken for a stray one, and costs its own line only."""


class CsvRecords:
    """Hands out records; C(line) is the number of the line on which the last one begins."""

    def __init__(self, source: LogFile, delimiter: str) -> None:
        self._source = source
        self._delimiter = delimiter
        self._lines = source.lines()
        self.line = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.line = self._source.line
            if '"' in line and line.count('"') % 2 and not self._is_whole(line):
                yield from self._over_several_lines(line)
            else:
                yield line

    def _over_several_lines(self, first: str) -> Iterator[str]:
        waiting = deque([(self.line, first)])
        while waiting:
            self.line, text = waiting.popleft()
            if self._is_whole(text):
                yield text
                continue
            record, lines_taken = self._completed(text, waiting)
            if record is None:
                self._source.rejected.append(Rejected(self.line, "a quote is opened and not closed", text))
                continue
            for _line in range(lines_taken):
                waiting.popleft()
            yield record

    def _completed(self, text: str, waiting: deque[tuple[int, str]]) -> tuple[str | None, int]:
        """The record that begins with this text and how many waiting lines it took, or None; lines that were read ahead wait."""
        for taken in range(1, MAX_LINES_OF_A_RECORD):
            if taken > len(waiting):
                following = next(self._lines, None)
                if following is None:
                    break
                waiting.append((self._source.line, following))
            line = waiting[taken - 1][1]
            text = f"{text}\n{line}"
            if len(text) > MAX_RECORD_CHARACTERS:
                break
            if line.count('"') % 2 and self._is_whole(text):
                return text, taken
        return None, 0

    def _is_whole(self, text: str) -> bool:
        try:
            for _row in csv.reader([text], delimiter=self._delimiter, strict=True):
                pass
        except csv.Error as error:
            return "unexpected end of data" not in str(error)
        return True
