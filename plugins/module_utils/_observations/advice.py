# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The warnings of an upload."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .._texts import counted
from .._vpn_log.reading import unknown_messages_text
from .._vpn_log.source import UNFINISHED_LINE
from .tally import DUPLICATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._ledger.contract import Ledger, ObservationScope
    from .._vpn_log.open_logs import OpenLog
    from .._vpn_log.options import LogOptions
    from .input import ObservationInput
    from .tally import Tally

_OLD_LOG_MS = 86_400_000


def of_ledger(ledger: Ledger, interrupted: int, logs: Sequence[OpenLog], *, check_mode: bool) -> Iterator[str]:
    """The warnings about earlier runs."""
    if interrupted and not check_mode:
        yield (
            f"An earlier run ended while up to {_were(interrupted)} on their way, and their outcome was never known. "
            "They are sent again if they are in this input; the appliance may have received them twice."
        )
    if ledger.is_new and logs and time.time() * 1000 - min(log.modified_ms for log in logs) > _OLD_LOG_MS:
        yield (
            f"Nothing is recorded yet in the ledger {ledger.where}, although the log is older than a day. "
            "If it was uploaded before with another ledger, set `ledger` to that one; rows are sent again otherwise."
        )


def of_other_scope(before: ObservationScope | None, now: ObservationScope, path: str) -> Iterator[str]:
    """The same log was uploaded before with another appliance, source or unit of time."""
    if before is None or before == now:
        return
    names = ("appliance", "source", "timestamp_unit")
    changes = [f"{name} {old!r} (now {new!r})" for name, old, new in zip(names, before, now) if old != new]
    yield f"{path} was uploaded before with {', '.join(changes)}. These are different observations, so its rows are sent again."


def of_sent_again(tally: Tally, interrupted: int) -> Iterator[str]:
    """Observations whose first attempt got no clear answer, in this run or an earlier one that was not reported yet."""
    if tally.unclear and not interrupted:
        yield (
            f"{_were(tally.unclear)} sent again because the outcome of an earlier run is unknown; the appliance may have "
            "received them twice."
        )
    if tally.sent_again:
        yield (f"{_were(tally.sent_again)} sent again after an attempt without a clear answer; the appliance may have received them twice.")


def of_input(tally: Tally, source: ObservationInput, log: LogOptions) -> Iterator[str]:
    """The warnings about input that is suspicious but usable."""
    if tally.swapped:
        yield (
            f"{counted(tally.swapped, 'observation')} with a public ipaddr and a private associated_ipaddr (first: {tally.first_swapped}). "
            "They may be swapped: ipaddr is the VPN address inside, associated_ipaddr the one on "
            "the internet. The appliance accepts swapped ones and ignores them."
        )
    rows = tally.rows
    # A run that continues without rejected rows succeeds, even if a wrong format or encoding makes all of them invalid.
    if rows.rejected and tally.first_rejected and not (tally.uploaded + tally.already_uploaded + rows.skipped.get(DUPLICATE, 0)):
        rejected = counted(rows.rejected, "row was", "rows were")
        yield f"No row could be used, and nothing was uploaded: {rejected} rejected. {tally.first_rejected}"
    if rows.skipped.get(UNFINISHED_LINE):
        paths = " or ".join(one.path for one in source.logs)
        yield (
            f"The last line of {paths} has no line end yet, so it may be unfinished. It was left for the next run. "
            "It is read without a line end once nothing was written to the file for two minutes."
        )
    for one in source.logs:
        yield from unknown_messages_text(one.path, one.reader.unknown_messages)
    if log.zone.was_used and not log.zone_is_given:
        yield (
            f"`timezone` is not set, and there are times without a zone. They were read in {log.zone.name}, the zone of this host. "
            "Set `timezone` to the zone of the gateway, or to `local` if this one is right."
        )


def _were(number: int) -> str:
    return counted(number, "observation was", "observations were")
