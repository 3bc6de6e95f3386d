# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stellar Cyber: security events (contract: stellar)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._exchange import Call, Reply, Route, html_reply
from ._tokens import Tokens

if TYPE_CHECKING:
    from ._settings import Settings

NAME = "stellar"


class Stellar:
    """A Stellar Cyber data processor."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.tokens = Tokens()
        self.routes: tuple[Route, ...] = ()

    def settings_changed(self) -> None:
        """Nothing is kept in another form."""

    def clear(self) -> None:
        """Forget all data and tokens."""
        self.tokens.clear()

    def counters(self) -> dict[str, Any]:
        """What the server holds, as JSON."""
        return {"events": 0}

    def events(self, offset: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """The events as JSON."""
        return []

    def add_events(self, values: list[Any]) -> list[dict[str, str]]:
        """Seed documents straight into the index."""
        return []

    def not_found(self, call: Call) -> Reply:
        """The answer to an unknown path."""
        return html_reply(404, "<html><body><h1>404 Not Found</h1></body></html>")

    def not_allowed(self, route: Route) -> Reply:
        """The answer to a wrong method."""
        return html_reply(405, "<html><body><h1>405 Method Not Allowed</h1></body></html>")

    def expired(self, form: str | None = None) -> Reply:
        """The answer to an expired token."""
        return html_reply(401, "")
