# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The part of ExtraHop's REST API that this collection uses.

Sources of the facts: the vendor's guide "Add observations through the REST API" and the vendor's public code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .._argspec import environment_value
from .._errors import InputError
from .._http.connection import ConnectionSettings, checked_credential

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._http.client import HttpClient
    from .._secrets import SecretKeeper
    from .devices import DeviceCalls

OBSERVATIONS_PATH = "/api/v1/observations/associatedipaddrs"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_CREDENTIALS = ("api_key", "client_id", "client_secret")


class ExtraHopClient:
    """One appliance or tenant. Safe to use from several threads once it is ready.

    The HTTP client is created by `get_ready`: its imports take longer than a whole run in which nothing is sent.
    """

    def __init__(self, settings: ConnectionSettings, credentials: Mapping[str, str], secrets: SecretKeeper) -> None:
        self._settings = settings
        self._credentials = credentials
        self._secrets = secrets
        self._made: HttpClient | None = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any], secrets: SecretKeeper) -> ExtraHopClient:
        """A client for the connection options of a module; raises InputError. Sends nothing yet."""
        settings = ConnectionSettings.from_params(params)
        chosen = _chosen_credentials(params)
        if "api_key" in chosen:
            secrets.add(chosen["api_key"])
        else:
            secrets.add_pair(chosen["client_id"], chosen["client_secret"])
        return cls(settings, chosen, secrets)

    @property
    def endpoint(self) -> str:
        """The name of this appliance in the ledger, in the form of an https URL. It is the same for all spellings of a host."""
        parts = urlsplit(self._settings.base_url)
        host = (parts.hostname or "").rstrip(".")
        host = f"[{host}]" if ":" in host else host
        port = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
        return f"https://{host}{port}"

    def get_ready(self) -> None:
        """Makes sure that requests can be sent; raises MissingLibraryError, or InputError if a proxy cannot be used."""
        self.http()

    def http(self) -> HttpClient:
        """Returns the client for signed requests, which is created when it is first needed."""
        if self._made is None:
            from .._http.auth import ExtraHopKeyAuth
            from .._http.client import HttpClient

            http = HttpClient(self._settings, self._secrets)
            if "api_key" in self._credentials:
                http.auth = ExtraHopKeyAuth(self._credentials["api_key"])
            else:
                from .auth import revealx_auth

                http.auth = revealx_auth(http, self._credentials["client_id"], self._credentials["client_secret"])
            self._made = http
        return self._made

    def upload_observations(self, body: bytes) -> bool:
        """Uploads the observations of one request, and returns True if the appliance may have received them twice.

        `body` is the JSON of `{"observations": [{"ipaddr", "associated_ipaddr", "timestamp"}], "source"}`. The answer is a 202 whose body
        has no documented shape; it does not mean that the observations are stored: addresses that were never observed are ignored.
        """
        from .._http.client import Operation, Request

        answer = self.http().request(Request(Operation.REPEATABLE_WRITE, "POST", OBSERVATIONS_PATH, body), expect=(202,))
        if answer.is_html or answer.says_failed:
            raise answer.unexpected("an empty body, or text or JSON without an error, was expected")
        return answer.is_repeated

    def observed_addresses(self, addresses: Sequence[str]) -> set[str]:
        """Returns the addresses (in canonical form) that belong to devices which the appliance has observed."""
        from .device_search import DeviceSearch

        return DeviceSearch(self.devices()).observed(addresses)

    def devices(self) -> DeviceCalls:
        """The calls for devices."""
        from .devices import DeviceCalls

        return DeviceCalls(self.http())


def _chosen_credentials(params: Mapping[str, Any]) -> dict[str, str]:
    """Returns the API key, or the client ID and secret: from the task, otherwise from the environment, where the key takes precedence."""
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
    found = {name: environment_value(f"EXTRAHOP_{name.upper()}") for name in names}
    return {name: value for name, value in found.items() if value}
