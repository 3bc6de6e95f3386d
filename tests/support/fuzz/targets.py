# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All fuzz targets by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.fuzz._addresses import addresses
from support.fuzz._answers import answers
from support.fuzz._attribution import attribution
from support.fuzz._csv import csv_rows
from support.fuzz._events import events
from support.fuzz._logs import logs
from support.fuzz._times import timestamps

if TYPE_CHECKING:
    from collections.abc import Callable

TARGETS: dict[str, Callable[[bytes], None]] = {
    "addresses": addresses,
    "answers": answers,
    "attribution": attribution,
    "csv_rows": csv_rows,
    "events": events,
    "logs": logs,
    "timestamps": timestamps,
}
