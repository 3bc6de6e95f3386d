# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both products behind one interface, without a network: takes a call and returns a reply."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ._clock import Clock
from ._exchange import READ, WRITE, Call, RefusedError, Reply, Route, html_reply
from ._extrahop import ExtraHop
from ._faults import Faults
from ._journal import Journal
from ._settings import Settings
from ._stellar import Stellar

if TYPE_CHECKING:
    from collections.abc import Mapping

    Product = ExtraHop | Stellar


@dataclass(frozen=True)
class Target:
    """The target of a call: a product and one of its routes, if there is one."""

    product: Product | None
    name: str
    route: Route | None
    kind: str

    @property
    def label(self) -> str:
        """The path template, or a word for unknown paths."""
        return self.route.template if self.route else "(unknown path)"


class Emulator:
    """Both products, the journal and the faults. Not thread-safe: the server's loop owns it."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._initial = self.settings.as_dict()
        self.started = time.time()
        self.journal = Journal(self.settings)
        self.faults = Faults()
        self.extrahop = ExtraHop(self.settings)
        self.clock = Clock()
        self.stellar = Stellar(self.settings, self.clock)
        self.resets = 0
        self._recent: deque[float] = deque()

    def find(self, call: Call) -> Target:
        """Find the target of a call."""
        product: Product | None = None
        name = "none"
        first = call.segments[0] if call.segments else ""
        if first in ("api", "oauth2") and self.settings.play != "stellar":
            product, name = self.extrahop, "extrahop"
        elif first == "connect" and self.settings.play != "extrahop":
            product, name = self.stellar, "stellar"
        for route in product.routes if product else ():
            found = route.match(call.segments)
            if found is not None:
                call.parameters = found
                # A read and a write may have the same path.
                return Target(product, name, route, READ if call.method in ("GET", "HEAD") else route.kind)
        return Target(product, name, None, READ if call.method in ("GET", "HEAD") else WRITE)

    def work(self, call: Call, target: Target) -> Reply:
        """Carry out the call."""
        self.clock.settle()
        product, route = target.product, target.route
        if product is None:
            return html_reply(404, '<html><body><h1>Not Found</h1><p><a href="/_emulator">Emulator</a></p></body></html>')
        if self._too_many():
            return Reply(429, b"", None, (("Retry-After", self.settings.rate_retry_after),))
        if route is None:
            return product.not_found(call)
        handler = route.handlers.get(call.method)
        if handler is None:
            return product.not_allowed(route)
        try:
            reply = handler(call)
        except RefusedError as refusal:
            reply = refusal.reply
        if self.settings.session_cookie:
            reply = replace(reply, headers=(*reply.headers, ("Set-Cookie", "session=5f4dcc3b; Path=/")))
        return reply

    def expired(self, target: Target, status: int) -> Reply:
        """The product's answer to an expired token."""
        product = target.product or self.extrahop
        return product.expired(str(status))

    def configure(self, values: Mapping[str, Any]) -> None:
        """Change settings while running. Raises SettingError."""
        self.settings.change(values)
        self.extrahop.settings_changed()
        self.stellar.settings_changed()

    def reset(self, *, keep_settings: bool = False) -> None:
        """Forget data, tokens, faults and requests, and go back to the settings of the start."""
        self.resets += 1
        if not keep_settings:
            self.configure(self._initial)
        self.journal.clear()
        self.faults.remove()
        self.extrahop.clear()
        self.stellar.clear()
        self.clock.clear()
        self._recent.clear()

    def state(self) -> dict[str, Any]:
        """All counters, as JSON."""
        return {
            "started": self.started,
            "requests": self.journal.counters(),
            "extrahop": self.extrahop.counters(),
            "stellar": self.stellar.counters(),
            "faults": self.faults.as_list(),
            "settings": self.settings.as_dict(),
        }

    def _too_many(self) -> bool:
        limit = self.settings.rate_limit
        if not limit:
            return False
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= limit:
            return True
        self._recent.append(now)
        return False
