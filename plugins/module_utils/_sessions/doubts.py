# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""The doubts that concern a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .model import CLOCK, END_PROVEN, ROW, SPAN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .holders import Holding
    from .model import Doubt


class Doubts:
    """The doubts around one question."""

    def __init__(self, doubts: Iterable[Doubt], only: frozenset[str]) -> None:
        self._doubts = [doubt for doubt in doubts if not only or doubt.gateway in only]

    def spans(self, at: int, tolerance: int, gateways: Collection[str]) -> list[Doubt]:
        """Spans of time that cannot be trusted and include this time."""
        return [doubt for doubt in self._of(SPAN, gateways) if doubt.since - tolerance <= at <= doubt.until + tolerance]

    def clock(self, at: int, gateways: Collection[str]) -> Doubt | None:
        """The worst doubt about a clock at this time."""
        found = [doubt for doubt in self._of(CLOCK, gateways) if doubt.since - doubt.amount <= at <= doubt.until + doubt.amount]
        return max(found, key=lambda doubt: doubt.amount, default=None)

    def against(self, holding: Holding, at: int, tolerance: int) -> list[str]:
        """Rows that may have ended this claim, or given its address to somebody else, before this time."""
        claim = holding.claim
        # Of a session that the log proves from beginning to end, only who came after its end is open.
        sure = claim.end if claim.end_kind == END_PROVEN and claim.end is not None else claim.sure_until
        if at <= sure:
            return []
        return [
            doubt.words
            for doubt in self._of(ROW, (claim.gateway,))
            if doubt.until >= sure and doubt.since <= at + tolerance and max(doubt.since, claim.start) <= min(doubt.until, at + tolerance)
        ]

    def _of(self, kind: str, gateways: Collection[str]) -> list[Doubt]:
        return [doubt for doubt in self._doubts if doubt.kind == kind and doubt.gateway in gateways]
