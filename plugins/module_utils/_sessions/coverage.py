# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Decides which time spans logs cover, and which gateways may have assigned an address."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from .._times.timestamps import format_iso8601
from .model import CoverageSpan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from ipaddress import IPv4Network, IPv6Network
    from typing import Union

    from .model import GatewayNetworks

    Network = Union[IPv4Network, IPv6Network]

BEFORE_LOG_START = "before_log_start"
AFTER_LOG_END = "after_log_end"
NOT_COVERED = "not_covered"
_ROTATED = re.compile(r"(?P<stem>.+?)(?:\.(?P<number>\d{1,5}))?(?:\.(?:gz|xz|bz2|zst))?\Z", re.DOTALL)


class NotCovered(NamedTuple):
    """The reason why a time is not covered, as a code and in words."""

    reason: str
    words: str


class Coverage:
    """The spans of all gateways. If `only` is not empty, no other gateway can have assigned an address."""

    def __init__(self, spans: Iterable[CoverageSpan], networks: Iterable[GatewayNetworks], only: frozenset[str]) -> None:
        self._spans: dict[str, list[CoverageSpan]] = {}
        for span in spans:
            self._spans.setdefault(span.gateway, []).append(span)
        self._networks: dict[str, list[Network]] = {own.gateway: list(map(ip_network, own.networks)) for own in networks}
        self._only = only

    def concerned(self, ipaddr: str, assigned_by: frozenset[str]) -> frozenset[str]:
        """The gateways that must cover a time: those that ever assigned the address, or whose networks contain it."""
        if self._only:
            return self._only
        address = ip_address(ipaddr)
        own = {gateway for gateway, networks in self._networks.items() if any(address in network for network in networks)}
        return assigned_by | own

    def spans(self, gateway: str) -> Sequence[CoverageSpan]:
        """The spans of a gateway, by time."""
        return self._spans.get(gateway, ())

    def missing(self, gateway: str, at: int) -> NotCovered | None:
        """Returns the reason why a gateway does not cover a time; None if it does."""
        spans = self.spans(gateway)
        name = f"the log of gateway {gateway}" if gateway else "the log"
        if not spans:
            return NotCovered(NOT_COVERED, f"{name} has no time that can be believed")
        since, until = min(span.since for span in spans), max(span.until for span in spans)
        if at < since:
            return NotCovered(BEFORE_LOG_START, f"{name} begins at {format_iso8601(since)}")
        if at > until:
            return NotCovered(AFTER_LOG_END, f"{name} ends at {format_iso8601(until)}")
        if any(_covers(span, at) for span in spans):
            return None
        before = max((_last(span, at) for span in spans if span.since <= at), default=since)
        after = min((span.since for span in spans if span.since > at), default=until)
        return NotCovered(NOT_COVERED, f"{name} has nothing between {format_iso8601(before)} and {format_iso8601(after)}")


def _covers(span: CoverageSpan, at: int) -> bool:
    return at in (span.since, span.until) if span.of_snapshots else span.since <= at <= span.until


def _last(span: CoverageSpan, at: int) -> int:
    return span.until if span.until <= at else span.since


def joined_spans(paths: Sequence[str], spans: Sequence[CoverageSpan | None], complete_until: int | None) -> list[CoverageSpan]:
    """The time that several logs cover together. Logs with numbers in sequence have no gap between them (`x.log.1`, `x.log`)."""
    found: list[CoverageSpan] = []
    before = ""
    for path, span in zip(paths, spans):
        if span and found and found[-1].of_snapshots == span.of_snapshots and (_follows(before, path) or span.since <= found[-1].until):
            last = found.pop()
            found.append(CoverageSpan(last.gateway, min(last.since, span.since), max(last.until, span.until), last.of_snapshots))
        elif span:
            found.append(span)
        before = path if span else ""
    if found and complete_until is not None and not found[-1].of_snapshots:
        last = found.pop()
        if complete_until >= last.since:
            found.append(CoverageSpan(last.gateway, last.since, complete_until))
    return found


def _follows(before: str, after: str) -> bool:
    """True if rotation renames the file `after` to `before`."""
    older, newer = _ROTATED.match(before), _ROTATED.match(after)
    return bool(older and newer and older["stem"] == newer["stem"] and int(older["number"] or 0) == int(newer["number"] or 0) + 1)
