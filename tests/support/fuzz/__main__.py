# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the fuzzer atheris, which looks for new paths through the code, choose the bytes: `python -m support.fuzz TARGET RUNS SEED FOLDER`.

FOLDER gets the bytes of a case that fails. Ends with status 0 when that many cases have held.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

_SECONDS_A_CASE = 20
_MOST_BYTES = 1024
_MOST_MEGABYTES = 1024


def main() -> None:
    """Runs one target; does not return."""
    name, runs, seed, folder = sys.argv[1:]
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["ansible_collections.secops.xdr.plugins", "support.fuzz"]):
        targets = importlib.import_module("support.fuzz.targets").TARGETS
    options = {
        "runs": runs,
        "seed": seed,
        "max_len": _MOST_BYTES,
        # Long inputs from the start: most of a case is made of choices, and those that are not made are all the first one.
        "len_control": 0,
        "timeout": _SECONDS_A_CASE,
        "rss_limit_mb": _MOST_MEGABYTES,
        "artifact_prefix": f"{Path(folder)}/",
        "print_final_stats": 1,
        "verbosity": 0,
    }
    atheris.Setup([sys.argv[0], *(f"-{option}={value}" for option, value in options.items())], targets[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
