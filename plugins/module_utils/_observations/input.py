# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Where observations come from: a log, or a list in the task. Both give the same rows."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from .._addresses import parse_address
from .._times.moments import Moments
from .._times.timestamps import EPOCH_MS, epoch_ms_to_milliseconds, epoch_to_milliseconds
from .._vpn_log.options import chosen_zone, opened_log
from .._vpn_log.rows import NO_ADDRESS, Rejected, Session, Skipped, in_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .._times.zones import Zone
    from .._vpn_log.rows import Row, SessionBlock
    from .._vpn_log.source import LogFile


class ObservationInput(NamedTuple):
    """Rows that can be gone through more than once, and how to name one of them to a person."""

    blocks: Callable[[], Iterator[SessionBlock]]
    name: str
    numbered_as: str
    zone_name: str
    log: LogFile | None = None
    repeated_lines: int | None = None

    def where(self, number: int) -> str:
        """A row's place, such as C(/var/log/vpn.csv, line 7)."""
        return f"{self.name}, {self.numbered_as} {number}"


@contextmanager
def opened_input(params: Mapping[str, Any]) -> Iterator[ObservationInput]:
    """The input that a task's options name; raises InputError."""
    zone = chosen_zone(params)
    if params["path"] is None:
        listed = _ListedObservations(params["observations"], params["timestamp_format"], zone)
        yield ObservationInput(listed.blocks, "observations", "item", zone.name)
        return
    with opened_log(params, wants_usernames=False) as (source, reader):
        yield ObservationInput(reader.blocks, source.path, "line", zone.name, source, reader.repeated_lines)


class _ListedObservations:
    """The option C(observations)."""

    def __init__(self, observations: Sequence[Mapping[str, Any]], timestamp_format: str, zone: Zone) -> None:
        self._observations = observations
        number = epoch_ms_to_milliseconds if timestamp_format == EPOCH_MS else epoch_to_milliseconds
        self._moments = Moments(timestamp_format, zone, number)

    def blocks(self) -> Iterator[SessionBlock]:
        """The items, numbered from 1."""
        return in_blocks(self._rows())

    def _rows(self) -> Iterator[Row]:
        for number, item in enumerate(self._observations, start=1):
            try:
                yield self._row(number, item)
            except (ValueError, TypeError) as error:
                yield Rejected(number, str(error), f"{item['ipaddr']},{item['associated_ipaddr']},{item['timestamp']}")

    def _row(self, number: int, item: Mapping[str, Any]) -> Row:
        ipaddr = _named("ipaddr", item["ipaddr"])
        associated_ipaddr = _named("associated_ipaddr", item["associated_ipaddr"])
        if ipaddr is None or associated_ipaddr is None:
            return Skipped(number, NO_ADDRESS)
        return Session(number, "", ipaddr, associated_ipaddr, self._moments.milliseconds(item["timestamp"]), None)


def _named(key: str, value: object) -> Any:
    try:
        return parse_address("" if value is None else str(value))
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error
