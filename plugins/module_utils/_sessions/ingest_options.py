# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""The options of `vpn_session`, checked."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from .._argspec import ArgumentSpec, from_environment, plain_text, whole_number
from .._errors import InputError
from .._texts import quoted
from .._vpn_log.open_logs import log_options
from .._vpn_log.options import LogOptions
from .options import HISTORY_VARIABLE, ON_INVALID_FAIL, ON_INVALID_SKIP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CLOCKS_MS = 30_000
"""The maximum disorder of the times of one log."""
MAX_RETENTION_DAYS = 36_500
MAX_GATEWAY_CHARACTERS = 200


@dataclass(frozen=True)
class IngestOptions:
    """Which logs to take into which history, and whose they are."""

    logs: LogOptions
    gateway: str
    networks: tuple[str, ...] | None
    history: str | None
    """A file or URL; None for the default."""
    retention_days: int | None
    skips_invalid: bool
    tolerance_ms: int = _CLOCKS_MS

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> IngestOptions:
        """Checks what an argument spec cannot express; raises InputError."""
        networks, retention = params["networks"], params["retention"]
        return cls(
            logs=LogOptions.from_params(params),
            gateway=_gateway(params["gateway"]),
            networks=None if networks is None else _networks(networks),
            history=params["history"],
            retention_days=None if retention is None else whole_number("retention", retention, 1, MAX_RETENTION_DAYS),
            skips_invalid=params["on_invalid"] == ON_INVALID_SKIP,
        )


def ingest_options() -> ArgumentSpec:
    """All options of `vpn_session`."""
    return ArgumentSpec(
        {
            "gateway": {"type": "str"},
            "networks": {"type": "list", "elements": "str"},
            "history": from_environment(HISTORY_VARIABLE, type="str"),
            "retention": {"type": "int"},
            "on_invalid": {"type": "str", "choices": [ON_INVALID_FAIL, ON_INVALID_SKIP], "default": ON_INVALID_SKIP},
        },
        required_one_of=[("path", "paths")],
    ).merged_with(log_options())


def _gateway(name: str | None) -> str:
    if name is None:
        return socket.gethostname()
    text = plain_text("gateway", name).strip()
    if len(text) > MAX_GATEWAY_CHARACTERS:
        raise InputError(f"gateway: the name has {len(text)} characters; give at most {MAX_GATEWAY_CHARACTERS}.")
    return text


def _networks(texts: Sequence[str]) -> tuple[str, ...]:
    found = []
    for place, text in enumerate(texts):
        try:
            found.append(str(ip_network(text.strip())))
        except ValueError as error:
            raise InputError(f"networks[{place}]: {quoted(text)} is not a network; give one such as 10.8.0.0/16.") from error
    return tuple(sorted(found))
