# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Which sessions are listed."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._vpn_log.rows import Session, SessionBlock
    from .options import SessionOptions

_TEXT = attrgetter("text")
_LINE = attrgetter("line")


class SessionSelection:
    """The first sessions of a log that pass all filters. Never holds more than twice the limit."""

    def __init__(self, options: SessionOptions) -> None:
        self._options = options
        self._sessions: list[Session] = []
        self._last_line: int | None = None
        self.selected = 0
        """How many passed, listed or not."""

    def look_at(self, block: SessionBlock) -> None:
        """Takes a block of the log into account. Its order may differ from the log's, where sessions come when they end."""
        places = self._places(block)
        self.selected += len(places)
        if self._last_line is not None:
            places = [place for place in places if block.lines[place] <= self._last_line]
        self._sessions.extend(map(block.session, places))
        if len(self._sessions) > 2 * self._options.limit:
            self._sessions = self._first()
            self._last_line = self._sessions[-1].line

    def sessions(self) -> list[Session]:
        """In the order of the log."""
        return self._first()

    def _first(self) -> list[Session]:
        return sorted(self._sessions, key=_LINE)[: self._options.limit]

    def _places(self, block: SessionBlock) -> list[int]:
        options = self._options
        places: Iterable[int] = range(len(block))
        if options.ipaddrs:
            texts = list(map(_TEXT, block.ipaddrs))
            places = [place for place in places if texts[place] in options.ipaddrs]
        if options.users:
            places = [place for place in places if block.usernames[place].casefold() in options.users]
        if options.since is not None:
            since = options.since
            places = [place for place in places if block.starts[place] >= since]
        if options.until is not None:
            until = options.until
            places = [place for place in places if block.starts[place] < until]
        return list(places)
