# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests of the vendors' public clients, byte for byte in what matters: which headers they send, and which they do not."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from emulator import RunningEmulator

CURL = {"User-Agent": "curl/8.5.0", "Accept": "*/*"}
REQUESTS = {"User-Agent": "python-requests/2.32.3", "Accept-Encoding": "gzip, deflate", "Accept": "*/*", "Connection": "keep-alive"}
BARE: dict[str, str] = {}
"""http.client and others send nothing by themselves."""


class Client:
    """Sends a request with exactly these headers, and a Host header."""

    def __init__(self, emulator: RunningEmulator, own: dict[str, str]) -> None:
        self._emulator = emulator
        self._own = own

    def send(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> tuple[int, bytes]:
        context = ssl.create_default_context(cafile=self._emulator.ca_path)
        connection = http.client.HTTPSConnection(self._emulator.host, context=context)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in {**self._own, **headers}.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body.encode())))
            connection.endheaders(body.encode() if body is not None else None)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@pytest.fixture(params=[CURL, REQUESTS, BARE], ids=["curl", "requests", "bare"])
def client(emu: RunningEmulator, request: pytest.FixtureRequest) -> Client:
    return Client(emu, request.param)


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def test_revealx_360_token_devices_and_device_groups(emu: RunningEmulator, client: Client) -> None:
    settings = emu.emulator.settings
    form = {"Authorization": basic(settings.client_id, settings.client_secret), "Content-Type": "application/x-www-form-urlencoded"}
    status, answer = client.send("POST", "/oauth2/token", form, "grant_type=client_credentials")
    assert status == 200
    bearer = {"Authorization": f"Bearer {json.loads(answer)['access_token']}"}

    search = json.dumps({"active_from": 1, "active_until": 0, "limit": 100})
    status, answer = client.send("POST", "/api/v1/devices/search", {**bearer, "Content-Type": "application/json"}, search)
    assert status == 200
    assert json.loads(answer)[0]["ipaddr4"] == "10.8.0.1"

    status, answer = client.send("GET", "/api/v1/devicegroups", bearer)
    assert status == 200
    assert json.loads(answer)[0]["name"] == "VPN Clients"


def test_device_groups_are_for_those_who_are_let_in(client: Client) -> None:
    assert client.send("GET", "/api/v1/devicegroups", {"Authorization": "ExtraHop apikey=wrong"})[0] == 401


def test_an_insert_whose_timestamp_is_a_float(emu: RunningEmulator, client: Client) -> None:
    """The vendor's example multiplies a time in seconds by 1000."""
    settings = emu.emulator.settings
    event = {"event_name": "demo", "event_source": "test", "event_status": "New", "timestamp": 1_619_583_462.308 * 1000}
    headers = {"Authorization": basic(settings.username, settings.stellar_api_key), "Content-Type": "application/json"}

    status, answer = client.send("POST", "/connect/api/v1/insert_ser", headers, json.dumps(event))

    assert status == 200
    assert set(json.loads(answer)) == {"index", "_id"}
    assert emu.events()[0]["_source"]["timestamp"] == pytest.approx(1_619_583_462_308)
