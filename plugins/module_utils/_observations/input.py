# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The sources of observations: logs, or a list in the task. Both give records."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._addresses import parse_address
from .._times.moments import Moments
from .._times.timestamps import EPOCH_MS, epoch_ms_to_milliseconds, epoch_to_milliseconds
from .._vpn_log.open_logs import opened_logs
from .._vpn_log.records import NO_ADDRESS, REJECTED, SKIPPED, START, Record, RecordBlock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .._vpn_log.open_logs import OpenLog
    from .._vpn_log.options import LogOptions

_ITEMS_A_BLOCK = 10_000


@dataclass(frozen=True)
class ObservationInput:
    """The logs, or the list of a task without any."""

    logs: Sequence[OpenLog]
    listed: Iterator[RecordBlock] | None = None

    def where(self, log: int, number: int) -> str:
        """A row's place, such as `/var/log/vpn.csv, line 7`."""
        return f"{self.logs[log].path}, line {number}" if self.logs else f"observations, item {number}"


@contextmanager
def opened_input(log: LogOptions, observations: Sequence[Mapping[str, Any]] | None) -> Iterator[ObservationInput]:
    """The input that a task's options name; raises InputError."""
    if observations is not None:
        yield ObservationInput((), _listed(observations, log))
        return
    with opened_logs(log, wants_usernames=False) as logs:
        yield ObservationInput(logs)


def _listed(observations: Sequence[Mapping[str, Any]], log: LogOptions) -> Iterator[RecordBlock]:
    number = epoch_ms_to_milliseconds if log.timestamp_format == EPOCH_MS else epoch_to_milliseconds
    moments = Moments(log.timestamp_format, log.zone, number)
    for start in range(0, len(observations), _ITEMS_A_BLOCK):
        items = observations[start : start + _ITEMS_A_BLOCK]
        yield RecordBlock(others=[_record(place, item, moments) for place, item in enumerate(items, start=start + 1)])


def _record(number: int, item: Mapping[str, Any], moments: Moments) -> Record:
    try:
        ipaddr = _address("ipaddr", item["ipaddr"])
        associated_ipaddr = _address("associated_ipaddr", item["associated_ipaddr"])
        if ipaddr is None or associated_ipaddr is None:
            return Record(number, SKIPPED, NO_ADDRESS)
        return Record(number, START, None, "", ipaddr, associated_ipaddr, moments.milliseconds(item["timestamp"]))
    except (ValueError, TypeError) as error:
        return Record(number, REJECTED, str(error), text=f"{item['ipaddr']},{item['associated_ipaddr']},{item['timestamp']}")


def _address(key: str, value: object) -> str | None:
    try:
        address = parse_address("" if value is None else str(value))
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error
    return address.text if address else None
