# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a log as the module does, without ledger and network, and prints how many observations it has: `_reading.py LOG [FORMAT]`."""

from __future__ import annotations

import sys

from ansible_collections.secops.xdr.plugins.module_utils._observations.input import InputReader, opened_input
from ansible_collections.secops.xdr.plugins.module_utils._observations.options import UploadOptions, observation_options


def options(path: str, timestamp_format: str | None = None) -> UploadOptions:
    """The options of a task that gives only a path, and perhaps the format of the times. Rows that cannot be used are skipped."""
    spec = observation_options().options
    columns = {name: option.get("default") for name, option in spec["columns"]["options"].items()}
    defaults = {name: option.get("default") for name, option in spec.items()}
    given = {"columns": columns, "path": path, "source": "benchmark", "on_invalid": "skip"}
    if timestamp_format:
        given["timestamp_format"] = timestamp_format
    return UploadOptions.from_params({**defaults, **given})


def main() -> None:
    """Reads the log once."""
    chosen = options(*sys.argv[1:])
    with opened_input(chosen.log, None) as source:
        print(sum(len(frame.observations) for _rows, frame in InputReader(source, chosen.divisor, {}).frames()))


if __name__ == "__main__":
    main()
