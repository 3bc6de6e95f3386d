# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The position of an event source: the time from which to search again, and the events passed on since then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...module_utils._errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_REMEMBERED = 50_000
"""Events of one kind that are remembered, at most. Where more fall into the overlap, it becomes shorter."""


@dataclass(frozen=True)
class Found:
    """An event, or a change of one, as it goes to the rule engine. `key` is its own for ever; `time` is in milliseconds."""

    key: str
    time: int
    event: Mapping[str, Any]
    former_key: str = ""
    """Its key in cursors of version 1.0, where it matters."""


class Position:
    """The position of one kind of events. All times are epoch milliseconds.

    It is `overlap` behind the latest event that was passed on, so that events which become visible late are found. An event that was
    ahead of the clock when the last search began does not count for this: what becomes visible after a search can be older than the
    clock said then, by no more than the overlap. The position never moves past an event that is still on its way to the rule engine, and
    never backwards.
    """

    def __init__(self, overlap: int, since: int = 0, sent: Mapping[str, int] | None = None, searched: int | None = None) -> None:
        self.since = since
        self._overlap = overlap
        self._searched = since if searched is None else searched
        self._sent: dict[str, int] = dict(sent or {})
        self._under_way: dict[str, int] = {}

    def __len__(self) -> int:
        """The number of remembered events."""
        return len(self._sent)

    def knows(self, found: Found) -> bool:
        """True if this was passed on already. The only call that another thread may make."""
        return found.key in self._sent or found.key in self._under_way or found.former_key in self._sent

    def hand_over(self, found: Found) -> None:
        """Notes that this goes to the rule engine, which may or may not take it."""
        self._under_way[found.key] = found.time

    def take(self, key: str) -> int:
        """Notes that the rule engine took it, and returns its time."""
        moment = self._under_way.pop(key)
        self._sent[key] = moment
        return moment

    def searched(self, until: int) -> None:
        """Notes that all events with times until then were found that were visible then."""
        self._searched = max(self._searched, until)

    def advance(self) -> int | None:
        """Moves to where the next search begins, and forgets what it cannot find any more.

        Returns the milliseconds that are left of the overlap if more events fall into it than can be remembered. Raises InputError if
        so many are ahead of the clock that it must be wrong.
        """
        newest = max((moment for moment in self._sent.values() if moment <= self._searched), default=self.since)
        bound = newest - self._overlap
        left = None
        if len(self._sent) > MOST_REMEMBERED:
            # Events of one time are remembered or forgotten together: a search finds them together.
            oldest = sorted(self._sent.values())[-MOST_REMEMBERED]
            if oldest > self._searched:
                raise InputError(
                    f"More than {MOST_REMEMBERED} events claim to be from the future. Check the clock of this host and those of the "
                    "server and its sources; events with a wrong time can be left out with `query`."
                )
            if oldest > bound:
                bound, left = oldest, newest - oldest
        self.since = max(self.since, min([bound, *self._under_way.values()]))
        self._sent = {key: moment for key, moment in self._sent.items() if moment >= self.since}
        return left

    def snapshot(self) -> dict[str, Any]:
        """The state that a later run needs to continue. Events under way are not in it, and are found again."""
        return {"since": self.since, "searched": self._searched, "sent": dict(self._sent)}
