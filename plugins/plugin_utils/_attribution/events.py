# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Reads security events: address, time, tags and comments. An event that cannot be used is reported and does not stop others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Union

from ...module_utils._addresses import parse_address
from ...module_utils._events.query import stored_value
from ...module_utils._events.state import EventState
from ...module_utils._times.timestamps import (
    epoch_ms_to_milliseconds,
    epoch_to_milliseconds,
    iso8601_to_milliseconds,
)
from ...module_utils._times.zones import Zone
from .outcomes import NOT_VPN, UNUSABLE
from .texts import AttributionError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Network = Union[IPv4Network, IPv6Network]
_NO_EVENT: EventState = EventState.of({}, None)


@dataclass(frozen=True)
class Alert:
    """The parts of an event that an attribution needs. `time` is epoch milliseconds.

    `outcome` and `problem` are set if it cannot be looked up.
    """

    index: str
    id: str
    name: str = ""
    score: float | None = None
    ipaddr: str = ""
    time: int | None = None
    state: EventState = field(default=_NO_EVENT)
    outcome: str | None = None
    problem: str = ""
    part_of: str = ""
    """The case or detection that the alert is a part of."""

    @property
    def written_time(self) -> str | None:
        """The time in ISO 8601 and UTC."""
        return None if self.time is None else iso8601(self.time)

    def question(self) -> dict[str, str]:
        """The question for `vpn_session_info`."""
        return {"ipaddr": self.ipaddr, "timestamp": self.written_time or ""}


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
        """Returns the alert of an event from `stellar_ser_event_info`."""
        source = event["source"]
        score = source.get("event_score")
        alert = Alert(
            index=str(event["index"]),
            id=str(event["id"]),
            name=str(source.get("event_name") or ""),
            score=score if isinstance(score, (int, float)) and not isinstance(score, bool) else None,
            state=EventState.of(source, self.tag_field),
        )
        try:
            alert = replace(alert, time=_milliseconds(source.get("timestamp")))
        except ValueError as error:
            alert = replace(alert, outcome=UNUSABLE, problem=f"timestamp: {error}")
        try:
            return self._with_address(alert, _single_text(stored_value(source, self.address_field)))
        except ValueError as error:
            return replace(alert, outcome=UNUSABLE, problem=f"{self.address_field}: {error}")

    def _with_address(self, alert: Alert, text: str) -> Alert:
        address = parse_address(text)
        if address is None:
            shown = f"{one_line(text)!a} means that there is no address" if text else "the event has no address"
            return replace(alert, ipaddr=text, outcome=UNUSABLE, problem=f"{self.address_field}: {shown}")
        alert = replace(alert, ipaddr=address.text)
        return alert if self.is_inside(address.text) else replace(alert, outcome=NOT_VPN, problem="not in the VPN networks")

    def is_inside(self, address: str) -> bool:
        """True if the address belongs to the VPN, as far as its networks are known."""
        try:
            return not self.networks or any(ip_address(address) in network for network in self.networks)
        except ValueError:
            return False


def questions(alerts: Iterable[Alert]) -> list[dict[str, str]]:
    """Returns the questions for the option `match` of `vpn_session_info`: one for each alert that can be looked up, in their order."""
    return [alert.question() for alert in alerts if alert.outcome is None]


def answered(alerts: Iterable[Alert], matches: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Alert, Mapping[str, Any]]]:
    """Returns each alert with the answer to its question; the answer is empty if there was no question. Raises AttributionError."""
    left = iter(matches)
    for alert in alerts:
        if alert.outcome is not None:
            yield alert, {}
            continue
        match = next(left, None)
        if match is None:
            raise AttributionError("matches: there are fewer answers than questions; both must come from the same events.")
        if match.get("ipaddr", alert.ipaddr) != alert.ipaddr:
            raise AttributionError("matches: the answers are about other addresses; they must come from the same events in the same order.")
        yield alert, match
    if next(left, None) is not None:
        raise AttributionError("matches: there are more answers than questions; both must come from the same events.")


def iso8601(milliseconds: int) -> str:
    """Returns the time in UTC, with milliseconds only if they are not zero."""
    moment = datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc)
    written = moment.isoformat(timespec="milliseconds" if milliseconds % 1000 else "seconds")
    return written.replace("+00:00", "Z")


def _network(text: Any) -> Network:
    try:
        return ip_network(str(text).strip())
    except ValueError as error:
        raise AttributionError(f"networks: {error}; give networks such as 10.8.0.0/16.") from error


def _single_text(value: Any) -> str:
    """Returns the address of an event. Raises ValueError if it has several, since it is unknown which of them acted."""
    values = {one.strip() for one in (value if isinstance(value, list) else [value]) if isinstance(one, str) and one.strip()}
    if len(values) > 1:
        shown = ", ".join(one_line(one) for one in sorted(values)[:5])
        raise ValueError(f"the event has several addresses ({shown}), so it is not known which one to look up")
    return next(iter(values), "")


def _milliseconds(value: Any) -> int:
    """Epoch milliseconds from the time of a document; raises ValueError.

    A number may be seconds or milliseconds: between 1980 and 2099, no number is valid in both units.
    """
    if value is None or value == "":
        raise ValueError("the event has no time")
    text = str(value).strip()
    try:
        if not text.lstrip("-").replace(".", "", 1).isdigit():
            return iso8601_to_milliseconds(text, Zone.named("UTC"))
        return epoch_ms_to_milliseconds(text)
    except (ValueError, OverflowError):
        pass
    try:
        return epoch_to_milliseconds(text)
    except (ValueError, OverflowError):
        raise ValueError(f"{one_line(text)!a} is not a time in epoch milliseconds or ISO 8601") from None
