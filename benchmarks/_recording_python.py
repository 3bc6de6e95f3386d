# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the interpreter of a module, and records the time and memory of its process.

Stands in for the interpreter (`ansible_python_interpreter`), because a module is a grandchild of ansible-playbook, whose own account
mixes all processes below it. Appends two lines of JSON to the file in BENCHMARK_RECORD: the process, and its time and memory.
"""

from __future__ import annotations

import json
import os
import sys
import time


def note(entry: dict[str, float]) -> None:
    """Appends a line in one write."""
    with open(os.environ["BENCHMARK_RECORD"], "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def main() -> int:
    """The exit status of the module."""
    python = os.environ["BENCHMARK_PYTHON"]
    begun = time.monotonic()
    module = os.posix_spawn(python, [python, *sys.argv[1:]], os.environ)
    note({"pid": module})
    _pid, status, usage = os.wait4(module, 0)
    note({"wall": time.monotonic() - begun, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / 1024})
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
