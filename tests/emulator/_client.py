# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API as Python calls, the same for an emulator in this process and for one behind HTTPS."""

from __future__ import annotations

import http.client
import json
import ssl
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from ._control import ControlError

if TYPE_CHECKING:
    from pathlib import Path


class Controls(ABC):
    """The control calls of an emulator."""

    @abstractmethod
    def ask(self, method: str, path: str, value: Any = None) -> Any:
        """Send one control request, such as GET `state`. Raises ControlError if it is refused."""

    @property
    def state(self) -> dict[str, Any]:
        """All counters, faults and settings now."""
        return _object(self.ask("GET", "state"))

    def observations(self, offset: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """Distinct rows in order of first arrival, each with `times` and `ignored`."""
        return _list(_object(self.ask("GET", _page("observations", offset, limit)))["observations"])

    def events(self, offset: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """The events in order of insertion: `_index`, `alias`, `_id`, `_version`, `_source`, `tags`."""
        return _list(_object(self.ask("GET", _page("events", offset, limit)))["documents"])

    def cases(self, offset: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """The cases in order of creation, each with its `comments` and `alerts`."""
        return _list(_object(self.ask("GET", _page("cases", offset, limit)))["cases"])

    def requests(self, *, kind: str | None = None, path: str = "", offset: int = 0) -> list[dict[str, Any]]:
        """The requests in order of arrival; only of one kind (read, write, token) or path prefix if given."""
        entries = _list(_object(self.ask("GET", _page("requests", offset, None)))["requests"])
        return [one for one in entries if kind in (None, one["kind"]) and one["path"].startswith(path)]

    def writes(self) -> list[dict[str, Any]]:
        """The requests that would change something."""
        return self.requests(kind="write")

    def reset(self, *, keep_settings: bool = False) -> None:
        """Forget data, tokens, faults and requests, and restore the initial settings."""
        self.ask("POST", "reset", {"keep_settings": keep_settings})

    def clear_requests(self) -> None:
        """Forget the requests and their counters, keep the data."""
        self.ask("DELETE", "requests")

    def configure(self, **settings: Any) -> None:
        """Change settings while it runs."""
        self.ask("PATCH", "settings", settings)

    def add_fault(self, action: str, match: dict[str, str] | None = None, **fields: Any) -> int:
        """Add a fault and return its number."""
        answer = self.ask("POST", "faults", {"action": action, "match": match or {}, **fields})
        return int(_object(answer)["numbers"][0])

    def clear_faults(self) -> None:
        """Forget all faults."""
        self.ask("DELETE", "faults")

    def add_events(self, *documents: dict[str, Any]) -> list[dict[str, str]]:
        """Put documents directly into the index, searchable immediately; returns `index`, `alias` and `id` of each."""
        return _list(_object(self.ask("POST", "events", list(documents)))["events"])

    def add_detections(self, *documents: dict[str, Any]) -> list[int]:
        """Add detections, with their `note`; missing fields are filled in. Returns the IDs."""
        return _list(_object(self.ask("POST", "detections", list(documents)))["ids"])

    def detections(self) -> list[dict[str, Any]]:
        """The detections by ID, each with its `note`."""
        return _list(_object(self.ask("GET", "detections"))["detections"])

    def add_devices(self, *documents: dict[str, Any]) -> list[int]:
        """Add devices, with the names of their `tags` and `on_watchlist`. Returns the IDs."""
        return _list(_object(self.ask("POST", "devices", list(documents)))["ids"])

    def devices(self) -> list[dict[str, Any]]:
        """The devices that were given or changed, by ID, each with the names of its `tags` and `on_watchlist`."""
        return _list(_object(self.ask("GET", "devices"))["devices"])

    def tags(self) -> list[str]:
        """The names of all tags of devices."""
        return [one["name"] for one in _list(_object(self.ask("GET", "devices"))["tags"])]

    def add_cases(self, *cases: dict[str, Any]) -> list[dict[str, Any]]:
        """Put cases directly into the store, with `comments` (texts) and `alerts` (documents); returns `id` and `ticket_id` of each."""
        return _list(_object(self.ask("POST", "cases", list(cases)))["cases"])

    def advance(self, seconds: float) -> None:
        """Set the emulator's clock forward: searches see more, and late work is done."""
        self.ask("POST", "advance", seconds)

    def expire_tokens(self) -> int:
        """Expire every token issued so far, and return their number."""
        return int(_object(self.ask("POST", "expire_tokens"))["expired"])


class EmulatorControl(Controls):
    """Controls an emulator that runs in another process. Safe to share between threads."""

    def __init__(self, url: str, ca_path: str | Path | None = None, timeout: float = 30.0) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or (443 if self._secure else 80)
        self._timeout = timeout
        self._tls = ssl.create_default_context(cafile=str(ca_path) if ca_path else None)
        # The emulator may have a wrong certificate on purpose, and this connects only to the loopback.
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE

    def ask(self, method: str, path: str, value: Any = None) -> Any:
        """One control request over the network. Raises ControlError, OSError and http.client.HTTPException."""
        connection: http.client.HTTPConnection
        if self._secure:
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._tls)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            body = None if value is None else json.dumps(value)
            connection.request(method, f"/_emulator/{path}", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return checked(answer.status, answer.read())
        finally:
            connection.close()


def checked(status: int, body: bytes) -> Any:
    """The JSON of a control answer. Raises ControlError with the emulator's message."""
    value = json.loads(body)
    if status >= 400:
        raise ControlError(_object(value).get("error", str(value)))
    return value


def _page(path: str, offset: int, limit: int | None) -> str:
    query = {"offset": offset} if limit is None else {"offset": offset, "limit": limit}
    return f"{path}?{urlencode(query)}"


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ControlError(f"expected an object from the emulator, got {type(value).__name__}")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ControlError(f"expected a list from the emulator, got {type(value).__name__}")
    return value
