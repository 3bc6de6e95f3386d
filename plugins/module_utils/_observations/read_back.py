# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Looks for the first uploads among what the appliance shows. Nobody documents that it shows them, so this reports and decides nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._errors import RequestError
from .._extrahop.devices import addresses_of
from .._texts import counted
from .._times.timestamps import format_iso8601

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._extrahop.devices import DeviceCalls
    from .observed import Observations

MOST_DEVICES = 100
_LISTED = 20
_EITHER_SIDE_MS = 1000
"""The bounds of the time range may themselves be left out."""


@dataclass(frozen=True)
class ReadBack:
    """The observations that the appliance shows and does not show, and warnings if that is unknown."""

    shown: int = 0
    not_shown: Sequence[Mapping[str, str]] = ()
    unknown: int = 0
    warnings: Sequence[str] = ()

    def as_result(self) -> dict[str, Any]:
        """The result key `read_back`."""
        return {
            "shown": self.shown,
            "not_shown": len(self.not_shown),
            "unknown": self.unknown,
            "first_not_shown": list(self.not_shown[:_LISTED]),
        }


def read_back(calls: DeviceCalls, uploaded: Observations, divisor: int) -> ReadBack:
    """Looks for observations among the addresses of their devices; `divisor` is what the milliseconds of their times were divided by."""
    if not len(uploaded):
        return ReadBack()
    times = [timestamp * divisor for timestamp in uploaded.timestamps]
    since, until = min(times) - _EITHER_SIDE_MS, max(*times, int(time.time() * 1000)) + _EITHER_SIDE_MS
    associated, warning = _associated_addresses(calls, sorted(set(uploaded.ipaddrs)), since, until)
    shown = unknown = 0
    not_shown: list[dict[str, str]] = []
    for ipaddr, associated_ipaddr, at in zip(uploaded.ipaddrs, uploaded.associated_ipaddrs, times):
        lists = associated.get(ipaddr, [None])
        if any(one is not None and associated_ipaddr in one for one in lists):
            shown += 1
        elif None in lists:
            unknown += 1
        else:
            not_shown.append({"ipaddr": ipaddr, "associated_ipaddr": associated_ipaddr, "timestamp": format_iso8601(at)})
    if unknown and not warning:
        warning = (
            f"read_back: it is unknown whether the appliance shows {counted(unknown, 'observation')}: no device shows the VPN address (see "
            "`check_devices`), or the appliance lists no associated addresses."
        )
    return ReadBack(shown, not_shown, unknown, [warning] if warning else [])


def _associated_addresses(
    calls: DeviceCalls, ipaddrs: Sequence[str], since_ms: int, until_ms: int
) -> tuple[dict[str, list[set[str] | None]], str]:
    """For each address, what its devices list as associated addresses, None where that is unknown; and what went wrong, if anything."""
    wanted, found = set(ipaddrs), dict[str, list[set[str] | None]]()
    try:
        devices = list(calls.with_addresses(ipaddrs, most=MOST_DEVICES))
    except RequestError as error:
        return {}, _warning(error)
    warning = ""
    for device in devices:
        listed: set[str] | None = None
        if not warning and isinstance(device.get("id"), int):
            try:
                listed = calls.associated_addresses(device["id"], since_ms, until_ms)
            except RequestError as error:
                warning = _warning(error)
        for address in wanted.intersection(addresses_of(device)):
            found.setdefault(address, []).append(listed)
    if len(devices) == MOST_DEVICES:
        # Any of the addresses may belong to more devices.
        for lists in found.values():
            lists.append(None)
    return found, warning


def _warning(error: RequestError) -> str:
    return f"read_back: what the appliance shows could not be read. The upload itself is complete. {error.message}"
