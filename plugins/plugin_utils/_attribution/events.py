# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Which open events get which tags and which comment, from the answers to who held their address at their time.

What comes in are results of modules; what goes out is what templates, tasks and reports need, in plain lists and dicts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Union

from ...module_utils._events.query import stored_value
from ...module_utils._events.state import EventState
from ...module_utils._times.timestamps import iso8601_to_milliseconds
from ...module_utils._times.zones import Zone
from .texts import AttributionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Network = Union[IPv4Network, IPv6Network]

ATTRIBUTED = "attributed"
"""The user is found, and tags or comment are (to be) written."""
ALREADY_ATTRIBUTED = "already_attributed"
"""The event says so already."""
AMBIGUOUS = "ambiguous"
"""More than one session held the address at that time."""
NO_SESSION = "no_session"
"""The log has no session that held the address at that time."""
NOT_VPN = "not_vpn_address"
"""The address is in none of the VPN networks."""
UNUSABLE = "unusable"
"""The event has no address or no time that can be asked about."""
FAILED = "failed"
"""The update of the event failed."""
OUTCOMES = (ATTRIBUTED, ALREADY_ATTRIBUTED, AMBIGUOUS, NO_SESSION, NOT_VPN, UNUSABLE, FAILED)


@dataclass(frozen=True)
class Alert:
    """An event as far as this is about it. C(time) is epoch milliseconds; C(problem) says why it cannot be asked about."""

    index: str
    id: str
    name: str
    score: float | None
    ipaddr: str
    time: int | None
    state: EventState
    outcome: str | None = None
    problem: str = ""

    def question(self) -> dict[str, str]:
        """What C(vpn_session_info) is asked."""
        return {"ipaddr": self.ipaddr, "timestamp": iso8601(self.time or 0)}


@dataclass(frozen=True)
class AlertReader:
    """Reads alerts from events."""

    address_field: str = "srcip"
    networks: tuple[Network, ...] = ()
    tag_field: str | None = None

    @classmethod
    def of(cls, address_field: str, networks: Iterable[str], tag_field: str | None) -> AlertReader:
        """The reader for these options; raises AttributionError."""
        return cls(address_field, tuple(map(_network, networks)), tag_field)

    def alert(self, event: Mapping[str, Any]) -> Alert:
        """The alert that an event of C(stellar_ser_event_info) is."""
        source = event["source"]
        score = source.get("event_score")
        alert = Alert(
            index=str(event["index"]),
            id=str(event["id"]),
            name=str(source.get("event_name") or ""),
            score=score if isinstance(score, (int, float)) else None,
            ipaddr=_first_text(stored_value(source, self.address_field)),
            time=_milliseconds(source.get("timestamp")),
            state=EventState.of(source, self.tag_field),
        )
        return self._checked(alert)

    def _checked(self, alert: Alert) -> Alert:
        try:
            address = ip_address(alert.ipaddr)
        except ValueError:
            what = f"{alert.ipaddr!a} is no address" if alert.ipaddr else "it has none"
            return replace(alert, outcome=UNUSABLE, problem=f"{self.address_field}: {what}")
        if alert.time is None:
            return replace(alert, outcome=UNUSABLE, problem="timestamp: no time in epoch milliseconds")
        if self.networks and not any(address in network for network in self.networks):
            return replace(alert, outcome=NOT_VPN, problem="not in the VPN networks")
        return replace(alert, ipaddr=str(address))


def questions(alerts: Iterable[Alert]) -> list[dict[str, str]]:
    """What to ask C(vpn_session_info) with C(match): one question for each alert that can be asked about, in their order."""
    return [alert.question() for alert in alerts if alert.outcome is None]


def answered(alerts: Iterable[Alert], matches: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Alert, Mapping[str, Any]]]:
    """Each alert with the answer to its question, and an empty one where it had none. Raises AttributionError."""
    left = iter(matches)
    for alert in alerts:
        if alert.outcome is not None:
            yield alert, {}
            continue
        match = next(left, None)
        if match is None:
            raise AttributionError("matches: there are fewer answers than questions; both have to come from the same events.")
        yield alert, match
    if next(left, None) is not None:
        raise AttributionError("matches: there are more answers than questions; both have to come from the same events.")


def iso8601(milliseconds: int) -> str:
    """The time in UTC, with as many digits as it needs."""
    moment = datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc)
    written = moment.isoformat(timespec="milliseconds" if milliseconds % 1000 else "seconds")
    return written.replace("+00:00", "Z")


def _network(text: Any) -> Network:
    try:
        return ip_network(str(text))
    except ValueError as error:
        raise AttributionError(f"networks: {error}; give networks such as 10.8.0.0/16.") from error


def _first_text(value: Any) -> str:
    first = next(iter(value), "") if isinstance(value, list) else value
    return str(first).strip() if isinstance(first, str) else ""


def _milliseconds(value: Any) -> int | None:
    """Epoch milliseconds from what a document has as its time."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, str) and not value.strip().lstrip("-").isdigit():
            milliseconds = iso8601_to_milliseconds(value, Zone.named("UTC"))
        else:
            milliseconds = int(value)
        # What no calendar has is no time.
        iso8601(milliseconds)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return milliseconds
