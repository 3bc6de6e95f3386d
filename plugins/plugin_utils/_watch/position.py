# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""How far events were handed to the rule engine: a bounded memory, and the time from which to ask again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_REMEMBERED = 20_000
"""Events remembered, at most; when more fall into the overlap, the overlap becomes shorter."""
FURTHEST_AHEAD = 300_000
"""Milliseconds: an event that claims to be from further in the future does not move the position."""


@dataclass(frozen=True)
class Found:
    """An event, or a change of one, as it goes to the rule engine. C(key) is its own for ever; C(time) in milliseconds."""

    key: str
    time: int
    event: Mapping[str, Any]


class Position:
    """Of one kind of events. All times are epoch milliseconds of the server."""

    def __init__(self, overlap: int, since: int = 0, sent: Mapping[str, int] | None = None) -> None:
        self.since = since
        self._overlap = overlap
        self._sent: dict[str, int] = dict(sent or {})
        self._under_way: dict[str, int] = {}
        self._newest = since
        for moment in self._sent.values():
            self._pass(moment)

    def is_new(self, key: str) -> bool:
        """Whether this was not handed over yet. The one call that another thread may make."""
        return key not in self._sent and key not in self._under_way

    def hand_over(self, found: Found) -> None:
        """Notes that this goes to the rule engine, which may or may not take it."""
        self._under_way[found.key] = found.time

    def take(self, key: str) -> None:
        """Notes that the rule engine took it."""
        moment = self._under_way.pop(key)
        self._sent[key] = moment
        self._pass(moment)

    def advance(self) -> None:
        """Moves to where the next search begins, and forgets what it cannot find any more."""
        bound = self._newest - self._overlap
        if len(self._sent) > MOST_REMEMBERED:
            # All of one time go or stay together: a search finds them together.
            bound = max(bound, min(sorted(self._sent.values())[-MOST_REMEMBERED], self._newest))
        self.since = max(self.since, min([bound, *self._under_way.values()]))
        self._sent = {key: moment for key, moment in self._sent.items() if moment >= self.since}

    def snapshot(self) -> dict[str, Any]:
        """What a later run needs to go on from here. What is under way is not in it, and is found again."""
        return {"since": self.since, "sent": dict(self._sent)}

    def _pass(self, moment: int) -> None:
        if moment <= time.time() * 1000 + FURTHEST_AHEAD:
            self._newest = max(self._newest, moment)
