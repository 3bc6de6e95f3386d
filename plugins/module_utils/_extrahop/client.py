# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The REST API of ExtraHop, as far as this collection uses it.

Sources of the facts: the vendor's guide "Add observations through the REST API" and the vendor's public code.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from .._errors import InputError
from .._http.auth import ExtraHopKeyAuth, checked_credential
from .._http.client import HttpClient, Operation
from .._http.connection import ConnectionSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .._http.auth import Auth
    from .._secrets import SecretKeeper

OBSERVATIONS_PATH = "/api/v1/observations/associatedipaddrs"
DEVICE_SEARCH_PATH = "/api/v1/devices/search"
_CREDENTIALS = ("api_key", "client_id", "client_secret")
_ADDRESSES_A_SEARCH = 100
_DEVICES_A_PAGE = 1000
_MOST_DEVICES = 100_000
"""With the addresses of one search; a server that always has one more would never be done."""


class ExtraHopClient:
    """One appliance or tenant. Safe to use from several threads."""

    def __init__(self, http: HttpClient, auth: Auth) -> None:
        self._http = http
        http.auth = auth

    @classmethod
    def from_params(cls, params: Mapping[str, Any], secrets: SecretKeeper) -> ExtraHopClient:
        """A client for the connection options of a module; raises InputError. Sends nothing yet."""
        settings = ConnectionSettings.from_params(params)
        chosen = _chosen_credentials(params)
        if "api_key" in chosen:
            secrets.add(chosen["api_key"])
            return cls(HttpClient(settings, secrets), ExtraHopKeyAuth(chosen["api_key"]))
        client_id, client_secret = chosen["client_id"], chosen["client_secret"]
        secrets.add_pair(client_id, client_secret)
        http = HttpClient(settings, secrets)
        from .auth import revealx_auth

        return cls(http, revealx_auth(http, client_id, client_secret))

    @property
    def endpoint(self) -> str:
        """The base URL, which names this appliance in the ledger."""
        return self._http.settings.base_url

    def upload_observations(self, body: bytes) -> bool:
        """Uploads one request's worth of observations, and returns whether the appliance may have received them twice.

        C(body) is the JSON of C({"observations": [{"ipaddr", "associated_ipaddr", "timestamp"}], "source"}). The answer is a 202 whose body
        has no documented shape; it does not mean that the observations are stored: addresses that were never observed are ignored.
        """
        answer = self._http.request(Operation.REPEATABLE_WRITE, "POST", OBSERVATIONS_PATH, expect=(202,), json_body=body)
        if answer.is_html:
            raise answer.unexpected("an empty body, text or JSON was expected")
        return answer.is_repeated

    def observed_addresses(self, addresses: Sequence[str]) -> Iterator[str]:
        """Those of the addresses that belong to devices which the appliance has observed."""
        for start in range(0, len(addresses), _ADDRESSES_A_SEARCH):
            yield from self._observed_of(addresses[start : start + _ADDRESSES_A_SEARCH])

    def _observed_of(self, addresses: Sequence[str]) -> Iterator[str]:
        wanted = set(addresses)
        rules = [{"field": "ipaddr", "operator": "=", "operand": address} for address in addresses]
        missing = set(wanted)
        seen: set[str] = set()
        offset = 0
        # Nobody documents whether the appliance gives as many devices as it is asked for: the last page is the one without a new one.
        while missing:
            search = {"filter": {"operator": "or", "rules": rules}, "limit": _DEVICES_A_PAGE, "offset": offset}
            answer = self._http.request(Operation.READ, "POST", DEVICE_SEARCH_PATH, expect=(200,), json_body=json.dumps(search).encode())
            devices = answer.json()
            if not isinstance(devices, list) or not all(isinstance(device, dict) for device in devices):
                raise answer.unexpected("a list of devices was expected")
            for device in devices:
                # One address can belong to several devices, and one device can have both kinds of address.
                found = (device.get("ipaddr4"), device.get("ipaddr6"))
                missing.difference_update(address for address in found if isinstance(address, str))
            ids = {str(device.get("id")) for device in devices}
            if ids <= seen:
                break
            seen |= ids
            offset += len(devices)
            if offset > _MOST_DEVICES:
                raise answer.unexpected(f"no more than {_MOST_DEVICES} devices with {len(addresses)} addresses were expected")
        yield from wanted - missing


def _chosen_credentials(params: Mapping[str, Any]) -> dict[str, str]:
    """The API key, or client ID and secret: those of the task, else those of the environment, and there the key first."""
    given = {**_from_environment("client_secret"), **{name: params[name] for name in _CREDENTIALS if params[name] is not None}}
    if "api_key" not in given and "client_id" not in given:
        given = _from_environment("api_key") or _from_environment("client_id", "client_secret")
    names = ("api_key",) if "api_key" in given else ("client_id", "client_secret")
    for name in names:
        if name not in given:
            raise InputError(
                "api_key: no credentials were given. Set api_key (EXTRAHOP_API_KEY), "
                "or client_id and client_secret (EXTRAHOP_CLIENT_ID, EXTRAHOP_CLIENT_SECRET) for RevealX 360."
                if name != "client_secret"
                else "client_secret: client_id was given without it; set client_secret (EXTRAHOP_CLIENT_SECRET)."
            )
    return {name: checked_credential(name, given[name]) for name in names}


def _from_environment(*names: str) -> dict[str, str]:
    found = {name: os.environ.get(f"EXTRAHOP_{name.upper()}", "") for name in names}
    return {name: value for name, value in found.items() if value}
