# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a log as the module does, without ledger and network, and prints how many rows it has."""

from __future__ import annotations

import sys

from ansible_collections.secops.xdr.plugins.module_utils._observations.input import opened_input
from ansible_collections.secops.xdr.plugins.module_utils._observations.options import observation_options


def options(path: str) -> dict[str, object]:
    """The options of a task that gives only a path."""
    spec = observation_options().options
    columns = {name: option.get("default") for name, option in spec["columns"]["options"].items()}
    return {**{name: option.get("default") for name, option in spec.items()}, "columns": columns, "path": path}


def main() -> None:
    """Goes through the log once."""
    with opened_input(options(sys.argv[1])) as rows_in:
        print(sum(block.rows_read for block in rows_in.blocks()))


if __name__ == "__main__":
    main()
