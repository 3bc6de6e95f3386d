# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One running emulator for all tests, as new before each of them, and a plain client for both products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from emulator import RunningEmulator, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Api:
    """Calls the emulator over HTTPS with the credentials it accepts."""

    def __init__(self, emu: RunningEmulator) -> None:
        self.emu = emu
        self.variables = emu.environment()
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = emu.ca_path
        self._jwt: str | None = None

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.emu.url + path, timeout=900, allow_redirects=False, **options)

    # ExtraHop

    @property
    def key(self) -> dict[str, str]:
        return {"Authorization": f"ExtraHop apikey={self.variables['EXTRAHOP_API_KEY']}", "Accept": "application/json"}

    def extrahop(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.send(method, f"/api/v1/{path}", headers={**self.key, **options.pop("headers", {})}, **options)

    def upload(self, *rows: dict[str, Any], source: str = "OpenVPN", **options: Any) -> requests.Response:
        body = {"source": source, "observations": list(rows)}
        return self.extrahop("POST", "observations/associatedipaddrs", json=body, **options)

    def oauth(self, **options: Any) -> requests.Response:
        one = self.variables
        options.setdefault("auth", (one["EXTRAHOP_CLIENT_ID"], one["EXTRAHOP_CLIENT_SECRET"]))
        options.setdefault("data", {"grant_type": "client_credentials"})
        return self.send("POST", "/oauth2/token", **options)

    # Stellar Cyber

    def token(self, **options: Any) -> requests.Response:
        options.setdefault("auth", (self.variables["STELLAR_USERNAME"], self.variables["STELLAR_API_KEY"]))
        options.setdefault("headers", TOKEN_FORM)
        return self.send("POST", "/connect/api/v1/access_token", **options)

    def stellar(self, method: str, path: str, **options: Any) -> requests.Response:
        if self._jwt is None:
            self._jwt = self.token().json()["access_token"]
        headers = {"Authorization": f"Bearer {self._jwt}", **options.pop("headers", {})}
        return self.send(method, f"/connect/api/{path}", headers=headers, **options)

    def insert(self, **fields: Any) -> requests.Response:
        return self.stellar("POST", "v1/insert_ser", json=event(**fields))

    def inserted(self, **fields: Any) -> tuple[str, str]:
        answer = self.insert(**fields).json()
        return answer["index"], answer["_id"]

    def update(self, where: tuple[str, str], **body: Any) -> requests.Response:
        return self.stellar("POST", "update_ser", json={"index": where[0], "_id": where[1], **body})

    def read(self, where: tuple[str, str]) -> dict[str, Any]:
        source = self.stellar("GET", f"data/{where[0]}/amsg/{where[1]}").json()["_source"]
        assert isinstance(source, dict)
        return source

    def search(self, query: str | None = None, index: str = "aella-ser-*", **options: Any) -> requests.Response:
        params = {**({} if query is None else {"q": query}), **options.pop("params", {})}
        return self.stellar("GET", f"data/{index}/_search", params=params, **options)

    def names(self, query: str | None = None, **options: Any) -> list[str]:
        answer = self.search(query, **options)
        assert answer.status_code == 200, answer.text
        return [hit["_source"]["event_name"] for hit in answer.json()["hits"]["hits"]]


def event(**fields: Any) -> dict[str, Any]:
    """The smallest event, with more or other fields."""
    return {
        "event_name": "demo test",
        "timestamp": 1_619_583_462_308,
        "event_status": "New",
        "event_source": "ActZero",
        **fields,
    }


def observation(**fields: Any) -> dict[str, Any]:
    """One observation, with other values."""
    return {"ipaddr": "10.8.0.2", "associated_ipaddr": "203.0.113.7", "timestamp": 1_700_000_000, **fields}


@pytest.fixture(name="event")
def _event() -> Callable[..., dict[str, Any]]:
    return event


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    return observation


@pytest.fixture(scope="session")
def running() -> Iterator[RunningEmulator]:
    with RunningEmulator(Settings(refresh_delay=0.0)) as emu:
        yield emu


@pytest.fixture
def emu(running: RunningEmulator) -> RunningEmulator:
    running.reset()
    return running


@pytest.fixture
def api(emu: RunningEmulator) -> Iterator[Api]:
    one = Api(emu)
    yield one
    one.session.close()
