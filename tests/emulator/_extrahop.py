# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ExtraHop: who may call it, observations, and where its other calls are (contracts: extrahop, extrahop-detections)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ._detections import Detections
from ._devices import Devices
from ._exchange import READ, TOKEN, WRITE, Call, RefusedError, Reply, Route, invalid, json_reply, parse_json, problem, text_reply
from ._observations import InvalidUploadError, ObservationStore, check_upload
from ._tokens import EXPIRED, GOOD, Tokens

if TYPE_CHECKING:
    from ._exchange import Handler
    from ._settings import Settings

NAME = "extrahop"
OBSERVATIONS = "/api/v1/observations/associatedipaddrs"
_API_KEY = "ExtraHop apikey="


class ExtraHop:
    """An ExtraHop console, or RevealX 360 where OAuth is used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.store = ObservationStore(settings)
        self._asked: set[int] = set()
        """The IDs of devices whose addresses were read before."""
        self.tokens = Tokens()
        self.token_calls = 0
        self.detections = Detections(settings, self._guarded)
        self.devices = Devices(settings, self._guarded)
        self.routes = (
            Route(OBSERVATIONS, WRITE, {"POST": self._observations}),
            *self.detections.routes,
            *self.devices.routes,
            Route("/api/v1/devices/{id}/ipaddrs", READ, {"GET": self._guarded(self._ipaddrs, READ)}),
            Route("/api/v1/devicegroups", READ, {"GET": self._device_groups}),
            Route("/api/v1/extrahop", READ, {"GET": self._appliance}),
            Route("/oauth2/token", TOKEN, {"POST": self._token}),
        )

    def settings_changed(self) -> None:
        """Read those settings again that are kept in another form."""
        self.devices.settings_changed()

    def clear(self) -> None:
        """Forget all data and tokens."""
        self.store.clear()
        self._asked.clear()
        self.tokens.clear()
        self.token_calls = 0
        self.detections.clear()
        self.devices.clear()

    def counters(self) -> dict[str, Any]:
        """The data of the appliance, as JSON."""
        return {
            "token_calls": self.token_calls,
            "devices_searched": self.devices.searches,
            "detections": len(self.detections.all()),
            "observations": self.store.counters(),
        }

    def not_found(self, call: Call) -> Reply:
        """The answer to an unknown path."""
        return problem(404, "not_found", f"The requested resource {call.path} was not found")

    def not_allowed(self, route: Route) -> Reply:
        """The answer to a wrong method."""
        allowed = ", ".join(route.handlers)
        return problem(405, "method_not_allowed", f"Allowed: {allowed}", (("Allow", allowed),))

    def expired(self, form: str | None = None) -> Reply:
        """The answer to an expired token, in one of the forms that were seen."""
        form = form or self._settings.expired_token
        if form == "400":
            return invalid("The specified access token is invalid")
        if form == "400_text":
            return text_reply(400, "The specified access token is invalid")
        return json_reply(401, {"error_message": "The specified access token is expired"})

    # -- who may call ----------------------------------------------------------------------------------------------

    def _authenticate(self, call: Call) -> None:
        if not self._settings.ip_allowed:
            raise RefusedError(json_reply(403, {"error_message": "Access from this IP address is not allowed"}))
        sent = call.headers.get("Authorization", "")
        bearer = call.bearer()
        if sent.startswith(_API_KEY):
            known = sent.removeprefix(_API_KEY) == self._settings.api_key
            if not known or self._settings.extrahop_auth == "oauth":
                raise RefusedError(json_reply(401, {"error_message": "API Key is invalid"}))
        elif bearer is not None and self._settings.extrahop_auth != "api_key":
            state, _holder = self.tokens.look(bearer)
            if state == EXPIRED:
                raise RefusedError(self.expired())
            if state != GOOD:
                raise RefusedError(json_reply(401, {"error_message": "The specified access token is unknown"}))
        else:
            raise RefusedError(json_reply(401, {"error_message": "Authentication is required"}))

    def _token(self, call: Call) -> Reply:
        """Client credentials by HTTP Basic; in the body they stopped working."""
        self.token_calls += 1
        settings = self._settings
        if not settings.ip_allowed:
            return json_reply(403, {"error": "access_denied"})
        if settings.extrahop_auth == "api_key":
            return self.not_found(call)
        if call.media_type != "application/x-www-form-urlencoded":
            return json_reply(400, {"error": "invalid_request"})
        form = call.body.decode("utf-8", "replace")
        if "client_id=" in form or "client_secret=" in form:
            return json_reply(400, {"error": "invalid_client"})
        if call.basic() != (settings.client_id, settings.client_secret):
            return json_reply(400, {"error": "invalid_client"})
        if form != "grant_type=client_credentials":
            return json_reply(400, {"error": "unsupported_grant_type"})
        token = self.tokens.give_opaque(settings.token_life, settings.client_id)
        answer: dict[str, Any] = {"access_token": token, "token_type": "Bearer"}
        if settings.expires_in:
            answer["expires_in"] = int(settings.token_life)
        return json_reply(200, answer)

    def _check_headers(self, call: Call, *, accept: bool) -> None:
        """The vendor's guide names both headers for uploads; the vendor's own clients send no Accept header when they read."""
        if not self._settings.strict_headers:
            return
        if call.media_type != "application/json":
            raise RefusedError(invalid(f"Content-Type: expected application/json, got {call.media_type!r}"))
        if accept and not call.accepts_json:
            raise RefusedError(invalid(f"Accept: expected application/json, got {call.headers.get('Accept', '')!r}"))

    def _guarded(self, handler: Handler, kind: str) -> Handler:
        """The handler behind a check of credentials, rights and headers."""

        def guarded(call: Call) -> Reply:
            self._authenticate(call)
            if kind == WRITE and not self._settings.full_privileges:
                return json_reply(403, {"error_message": "The user does not have full write privileges"})
            if kind == READ and not self._settings.extrahop_can_read:
                return json_reply(403, {"error_message": "The user may not see this"})
            if call.body or call.method in ("PUT", "PATCH"):
                self._check_headers(call, accept=False)
            return handler(call)

        return guarded

    # -- the calls ----------------------------------------------------------------------------------------------------

    def _observations(self, call: Call) -> Reply:
        self._authenticate(call)
        settings = self._settings
        if not settings.full_privileges:
            return json_reply(403, {"error_message": "The user does not have full write privileges"})
        self._check_headers(call, accept=True)
        try:
            rows = check_upload(_json_body(call), settings, self.devices.book)
        except InvalidUploadError as error:
            return invalid(str(error))
        if settings.max_observations and len(rows) > settings.max_observations:
            detail = f"observations: at most {settings.max_observations} in a request, got {len(rows)}"
            return invalid(detail, settings.max_observations_status)
        if settings.repeated_observations == "refuse" and (position := self.store.repeated(rows)) is not None:
            return invalid(f"observations[{position}]: the same observation is held already")
        self.store.add(rows)
        if settings.accepted_body == "text":
            return text_reply(202, "Accepted")
        if settings.accepted_body == "json":
            return json_reply(202, {"accepted": len(rows)})
        return Reply(202)

    def _ipaddrs(self, call: Call) -> Reply:
        """The addresses of a device. Nobody documents that observations show there, nor in which form."""
        device, settings = self.devices.device(call), self._settings
        was_asked = device["id"] in self._asked
        self._asked.add(device["id"])
        if settings.observations_shown == "403":
            return json_reply(403, {"error_message": "The user may not see this"})
        if settings.observations_shown == "404":
            return self.not_found(call)
        times = {name: value for name, value in call.query if name in ("from", "until")}
        if len(times) < len(call.query) or not all(value.lstrip("-").isdecimal() for value in times.values()):
            raise RefusedError(invalid("from, until: expected milliseconds since the epoch"))
        own = [device[name] for name in ("ipaddr4", "ipaddr6") if device[name]]
        is_shown = settings.observations_shown == "at_once" or (settings.observations_shown == "later" and was_asked)
        since, until = int(times.get("from", -(2**63))), int(times.get("until", 2**63))
        unit = 1 if settings.timestamp_unit == "milliseconds" else 1000
        found = [row for row in self.store.rows() if is_shown and row["ipaddr"] in own and since < row["timestamp"] * unit < until]
        associated = sorted({row["associated_ipaddr"] for row in found})
        if settings.shown_observations_as == "text":
            return json_reply(200, own)
        if settings.shown_observations_as == "object":
            ipaddrs = [{"ipaddr": address, "last_observation_time": int(time.time() * 1000)} for address in own]
            return json_reply(200, {"associated_ipaddrs": associated, "current_ipaddrs": own, "ipaddrs": ipaddrs})
        more = {} if settings.shown_observations_as == "list_without_them" else {"associated_ipaddrs": associated}
        return json_reply(200, [{"ipaddr": address, **more} for address in own])

    def _device_groups(self, call: Call) -> Reply:
        self._authenticate(call)
        group = {"id": 1, "name": "VPN Clients", "description": "", "dynamic": True, "built_in": True, "include_custom_devices": False}
        return json_reply(200, [group])

    def _appliance(self, call: Call) -> Reply:
        self._authenticate(call)
        return json_reply(
            200,
            {
                "version": self._settings.extrahop_version,
                "platform": "extrahop",
                "hostname": "emulator",
                "display_host": "emulator",
                "external_hostname": "emulator.example.com",
                "mgmt_ipaddr": "127.0.0.1",
            },
        )


def _json_body(call: Call) -> Any:
    try:
        return parse_json(call.body)
    except ValueError as error:
        raise RefusedError(invalid(f"The request body is not valid JSON: {error}")) from None
